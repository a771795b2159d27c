"""Energies and forces from the tblite library, whose density can be kept and taken up again."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qddft.core.errors import EngineError
from qddft.engines.relax import Energies

if TYPE_CHECKING:
    from ase import Atoms

# what the second attempt at a cycle that did not converge changes; none of it moves a converged energy
_PATIENT = {"mixer_damping": 0.1, "max_iterations": 2000}


class Evaluator:
    """Energies of one structure after another, of the same atoms, with the density of the last one as memory.

    Each cycle starts from the density of the one before, on which the result does not depend beyond the convergence
    of the cycle.

    Parameters
    ----------
    options
        From ``qddft.engines.tblite.parameters``.
    """

    def __init__(self, options: Mapping[str, Any]) -> None:
        self._options = options
        self._calculator: Any = None
        self._result: Any = None

    def __call__(self, atoms: "Atoms") -> Energies:
        """Return energy and forces of a structure.

        Raises
        ------
        EngineError
            The cycle does not converge, with slower mixing neither, or atoms lie on top of each other.
        """
        self._place(atoms)
        try:
            self._result = self._calculator.singlepoint(self._result)
        except RuntimeError:
            # what the failed cycle left is no start for the next one
            self._result = None
            return self._second_attempt(atoms)
        return _energies(self._result)

    def keep(self, path: Path) -> None:
        """Write the density to a file; after a cycle that failed there is none."""
        if self._result is not None:
            self._result.save(str(path))

    def recall(self, path: Path, atoms: "Atoms") -> None:
        """Take the density from a file; without one the next cycle begins afresh."""
        from tblite.interface import Result

        if not path.is_file():
            return
        result = Result()
        try:
            result.load(str(path))
        except RuntimeError:
            return
        self._place(atoms)
        self._result = result

    def _place(self, atoms: "Atoms") -> None:
        """Give the library the structure."""
        from ase.units import Bohr

        if self._calculator is not None:
            try:
                self._calculator.update(positions=atoms.positions / Bohr, lattice=atoms.cell.array / Bohr)
                return
            except RuntimeError:
                # a bad structure; what is wrong with it is said below
                self._result = None
        self._calculator = _library_calculator(self._options, atoms)

    def _second_attempt(self, atoms: "Atoms") -> Energies:
        """Start the cycle afresh with slower mixing and more iterations."""
        try:
            return _energies(_library_calculator({**self._options, **_PATIENT}, atoms).singlepoint())
        except RuntimeError as error:
            kelvin = self._options["electronic_temperature"]
            raise EngineError(
                f"the self-consistent cycle of tblite does not converge ({error}), with slow mixing neither; look at "
                f"the structure, or set 'electronic_temperature' above its {kelvin:.0f} K in the level's block "
                "'engines: tblite:', for all jobs of the study"
            ) from error


def _library_calculator(options: Mapping[str, Any], atoms: "Atoms") -> Any:
    """Return a calculator of the library's own interface, which can hand out its density.

    Raises
    ------
    EngineError
        It refuses the structure.
    """
    from ase.units import Bohr, Hartree, kB
    from tblite.interface import Calculator

    usual = {"mixer_damping": 0.4}
    chosen = {**usual, **options}
    try:
        calculator = Calculator(
            chosen["method"],
            atoms.numbers,
            atoms.positions / Bohr,
            chosen["charge"],
            chosen["multiplicity"] - 1,
            atoms.cell.array / Bohr,
            atoms.pbc,
        )
        calculator.set("accuracy", chosen["accuracy"])
        calculator.set("temperature", chosen["electronic_temperature"] * kB / Hartree)
        calculator.set("max-iter", chosen["max_iterations"])
        calculator.set("mixer-damping", chosen["mixer_damping"])
        calculator.set("verbosity", chosen["verbosity"])
    except RuntimeError as error:
        raise EngineError(f"tblite refuses this structure: {error}; look at it and build it again") from error
    return calculator


def _energies(result: Any) -> Energies:
    from ase.units import Bohr, Hartree

    energy = float(result["energy"] * Hartree)
    return Energies(energy, energy, -result["gradient"] * Hartree / Bohr)
