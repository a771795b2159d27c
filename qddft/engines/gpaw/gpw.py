"""Read ``.gpw`` files, made with GPAW by anybody, without GPAW: they are ULM files, which ASE opens.

Energies, forces, levels and settings are in them as they are. Densities, electrostatic potentials and weights of atomic
orbitals take the PAW setups, which are not: ``convert_gpw`` makes them, where GPAW is installed.
"""

import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from qddft.core.errors import OutputError
from qddft.engines.gpaw.settings import settings_of_parameters
from qddft.outputs.outputs import Outputs
from qddft.outputs.tables import Eigenvalues

if TYPE_CHECKING:
    from ase import Atoms

_MAGIC = b"- of Ulm"
_TAG = b"gpaw"
# place of each component in ASE's vector xx yy zz yz xz xy
_VOIGT = ((0, 5, 4), (5, 1, 3), (4, 3, 2))


def is_gpw(path: str | Path) -> bool:
    """Tell a file of GPAW by its first bytes; ``False`` for a folder, a pipe and for what cannot be opened."""
    where = Path(path).expanduser()
    if not where.is_file():
        return False
    try:
        with where.open("rb") as file:
            head = file.read(len(_MAGIC) + 16)
    except OSError:
        return False
    return head.startswith(_MAGIC) and head[len(_MAGIC) :].rstrip(b"\0 ") == _TAG


def read_gpw(path: Path) -> Outputs:
    """Read structure, energies, forces, magnetization, Fermi level and settings of a ``.gpw`` file.

    An energy stands in such a file only after the electronic loop has converged (older files say so themselves). It
    does not say whether it ends a relaxation: ``ionically_converged`` stays unknown.

    Raises
    ------
    OutputError
        The file is damaged, cut, or holds no energy.
    """
    with _opened(path) as reader:
        results = reader["results"]
        if results.get("energy") is None:
            raise OutputError(f"{path} holds no energy: it was written before the electrons had converged")
        levels = _levels(reader)
        occupied = np.einsum("k,skn->", levels.weights, levels.occupations)
        forces = _array(results.get("forces"))
        return Outputs(
            atoms=_atoms(reader["atoms"]),
            energy=float(results["energy"]),
            free_energy=_number(results.get("free_energy")),
            forces=forces,
            fermi_level=levels.fermi_level,
            n_electrons=round(float(levels.electrons_per_level * occupied), 6),
            charge=float(reader["parameters"].get("charge") or 0.0),
            electronically_converged=_converged(reader),
            ionically_converged=None,
            n_ionic_steps=None,
            magnetization=_number(results.get("magmom")),
            stress=_stress(results.get("stress")),
            settings=_settings(reader),
            engine="gpaw",
            engine_version=None if reader.get("gpaw_version") is None else str(reader["gpaw_version"]),
            source=str(path),
            warnings=("a .gpw file does not say whether it ends a relaxation",),
        )


def gpw_eigenvalues(path: Path) -> Eigenvalues:
    """Read the levels of a ``.gpw`` file.

    Raises
    ------
    OutputError
        The file is damaged or cut.
    """
    with _opened(path) as reader:
        return _levels(reader)


def gpw_atoms(path: Path) -> "Atoms":
    """Read the structure of a ``.gpw`` file, with or without an energy.

    Raises
    ------
    OutputError
        The file is damaged or cut.
    """
    with _opened(path) as reader:
        return _atoms(reader["atoms"])


def gpw_settings(path: Path) -> dict[str, Any]:
    """Read the settings of a ``.gpw`` file, with or without an energy.

    Raises
    ------
    OutputError
        The file is damaged or cut.
    """
    with _opened(path) as reader:
        return _settings(reader)


@contextmanager
def _opened(path: Path) -> Iterator[Mapping[str, Any]]:
    """Open a file and turn whatever damage shows up while it is read into one error."""
    from ase.io import ulm

    try:
        with path.open("rb") as file:
            reader = ulm.Reader(file)
            if reader.get_tag() != _TAG.decode():
                raise OutputError(f"{path} is an ULM file of {reader.get_tag()!r}, not of GPAW")
            yield _Lazy(reader)
    except OutputError:
        raise
    except (
        OSError, EOFError, ValueError, KeyError, TypeError, AttributeError, IndexError, AssertionError, struct.error,
        OverflowError, MemoryError, RecursionError, ArithmeticError,
    ) as error:  # fmt: skip
        why = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        raise OutputError(f"{path} is damaged or cut, or still being written ({why}); copy it again") from error


class _Lazy(Mapping[str, Any]):
    """A level of an ULM file as a mapping whose arrays are read when they are asked for."""

    def __init__(self, reader: Any) -> None:
        self._reader = reader

    def __getitem__(self, key: str) -> Any:
        if key not in self._reader.keys():  # noqa: SIM118  (the reader has no __contains__)
            raise KeyError(key)
        value = getattr(self._reader, key)
        return _Lazy(value) if type(value).__name__ == "Reader" else value

    def __iter__(self) -> Iterator[str]:
        return iter(self._reader.keys())

    def __len__(self) -> int:
        return len(self._reader.keys())


def _atoms(stored: Mapping[str, Any]) -> "Atoms":
    from ase import Atoms
    from ase.constraints import dict2constraint

    numbers, positions = np.asarray(stored["numbers"]), _finite(stored["positions"])
    if positions.shape != (len(numbers), 3) or not len(numbers):
        raise ValueError(f"{len(numbers)} atoms have positions of shape {positions.shape}")
    atoms = Atoms(numbers, positions=positions, cell=_finite(stored["cell"]), pbc=stored["pbc"])
    constraints = stored.get("constraints")
    if constraints:
        import json

        parsed = json.loads(constraints) if isinstance(constraints, str) else constraints
        atoms.set_constraint([dict2constraint(item) for item in parsed if item.get("name") == "FixAtoms"])
    return atoms


def _levels(reader: Mapping[str, Any]) -> Eigenvalues:
    stored = reader["wave_functions"]
    energies, occupations = _finite(stored["eigenvalues"]), _finite(stored["occupations"])
    mesh = stored["kpts"]
    kpoints, weights = _finite(mesh["ibzkpts"]), _finite(mesh["weights"])
    noncollinear = energies.ndim == 2
    if noncollinear:
        energies, occupations = energies[None], occupations[None]
    if energies.shape != occupations.shape or energies.shape[1] != len(kpoints) or weights.shape != (len(kpoints),):
        raise ValueError("levels, occupations and k-points do not belong together")
    fermi = np.atleast_1d(_finite(stored["fermi_levels"]))
    return Eigenvalues(
        kpoints, weights / weights.sum(), energies, occupations, float(fermi.mean()), noncollinear=noncollinear
    )


def _settings(reader: Mapping[str, Any]) -> dict[str, Any]:
    points = _finite(reader["wave_functions"]["kpts"]["bzkpts"])
    return settings_of_parameters(reader["parameters"], points, len(_levels(reader).energies))


def _converged(reader: Mapping[str, Any]) -> bool | None:
    # files of the older code state it; the newer one writes an energy only after its loop has ended
    stated = reader["scf"].get("converged") if "scf" in reader else None
    return bool(stated) if stated is not None else True


def _finite(values: Any) -> np.ndarray:
    array = np.asarray(values, dtype=float)
    if not np.isfinite(array).all():
        raise ValueError("it holds numbers that are not finite")
    return array


def _array(values: Any) -> np.ndarray | None:
    return None if values is None else _finite(values)


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


def _stress(values: Any) -> np.ndarray | None:
    stress = _array(values)
    if stress is None or stress.shape == (3, 3):
        return stress
    return np.asarray(stress[np.array(_VOIGT)])
