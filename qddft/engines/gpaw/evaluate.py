"""Energies and forces from a GPAW calculator, with dispersion where the level asks for it."""

from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from qddft.core.errors import EngineError
from qddft.engines.relax import Energies, Evaluate

if TYPE_CHECKING:
    from ase import Atoms

_DISPERSION_MISSING = (
    "D3(BJ) needs the package dftd3, which is not installed; install it with: pip install dftd3, or take a level "
    "without dispersion"
)


def make_calculator(options: Mapping[str, Any], log: Path) -> Any:
    """Return the calculator; it writes what it does to ``log``.

    Raises
    ------
    EngineError
        GPAW refuses the parameters.
    """
    from gpaw import GPAW

    try:
        return GPAW(**options, txt=str(log))
    except (TypeError, ValueError, KeyError) as error:
        raise EngineError(
            f"GPAW refuses these parameters: {error}; correct the level's block 'engines: gpaw:'"
        ) from error


def evaluator(calculator: Any, moments: list[float] | None, dispersion: str, functional: str) -> Evaluate:
    """Return a function that gives the energies of one structure after another; each starts from the one before.

    The function raises ``EngineError`` when the cycle does not converge, a PAW setup is missing, or atoms lie on top of
    each other: what it returns has converged.

    Parameters
    ----------
    calculator
        Of ``make_calculator``.
    moments
        Starting moments of the atoms, Bohr magnetons.
    dispersion
        ``none`` or ``D3(BJ)``.
    functional
        Its name, which the parameters of the dispersion belong to.
    """
    add = dispersion_of(functional) if dispersion == "D3(BJ)" else None

    def evaluate(atoms: "Atoms") -> Energies:
        system = atoms.copy()
        system.set_constraint()
        # moments that came with the structure would polarize a closed shell
        system.set_initial_magnetic_moments([0.0] * len(system) if moments is None else moments)
        found = _converged(calculator, system)
        if add is None:
            return found
        energy, forces = add(system)
        return Energies(found.energy + energy, found.free_energy + energy, found.forces + forces)

    return evaluate


def dispersion_of(functional: str) -> "Callable[[Atoms], tuple[float, np.ndarray]]":
    """Return a function that gives the D3(BJ) energy (eV) and forces (eV/Angstrom) of a structure.

    S. Grimme, S. Ehrlich, L. Goerigk, J. Comput. Chem. 32 (2011) 1456, as implemented by the package dftd3.

    Raises
    ------
    EngineError
        The package is not installed.
    """
    try:
        # an optional package without types
        calculator = import_module("dftd3.ase").DFTD3
    except ImportError as error:
        raise EngineError(_DISPERSION_MISSING) from error

    def add(atoms: "Atoms") -> tuple[float, np.ndarray]:
        system = atoms.copy()
        system.calc = calculator(method=functional, damping="d3bj")
        return float(system.get_potential_energy()), np.asarray(system.get_forces())

    return add


def _converged(calculator: Any, system: "Atoms") -> Energies:
    from gpaw import ConvergenceError

    system.calc = calculator
    try:
        energy = float(system.get_potential_energy())
        free_energy = float(system.get_potential_energy(force_consistent=True))
        forces = np.array(system.get_forces())
    except ConvergenceError as error:
        raise EngineError(
            "the self-consistent cycle of GPAW does not converge; look at the structure and at gpaw.txt, raise "
            "'max_scf_steps' of the level, or mix more slowly: engines: {gpaw: {mixer: {beta: 0.02}}}"
        ) from error
    except FileNotFoundError as error:
        raise EngineError(f"GPAW finds no PAW setup: {error}; install them with: pip install gpaw-data") from error
    except ValueError as error:
        # its own class for atoms that lie on top of each other is one of these
        raise EngineError(f"GPAW refuses this structure: {error}; look at it and build it again") from error
    if not np.isfinite(energy) or not np.isfinite(forces).all():
        raise EngineError("GPAW gives an energy or forces that are not finite; look at the structure")
    return Energies(energy, free_energy, forces)
