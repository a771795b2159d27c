"""The large tables of vaspout.h5."""

import io
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from qddft.core.errors import OutputError
from qddft.engines.vasp.read.bands import orbital_name
from qddft.engines.vasp.read.h5 import STEPS, last_step, number, structure
from qddft.engines.vasp.read.readings import Structure
from qddft.engines.vasp.read.source import Source
from qddft.outputs.tables import DensityOfStates, Eigenvalues, MissingTableError, Projections, Trajectory

if TYPE_CHECKING:
    from collections.abc import Callable

    import h5py

_T = TypeVar("_T")
_LEVELS, _DOS, _WEIGHTS = "results/electron_eigenvalues", "results/electron_dos", "results/projectors"


def vaspout_eigenvalues(source: Source) -> Eigenvalues:
    """Return the eigenvalues of the last ionic step.

    Raises
    ------
    OutputError
        There are none.
    """
    return _read(source, "eigenvalues", _eigenvalues)


def vaspout_dos(source: Source) -> DensityOfStates:
    """Return the density of states of the last ionic step, projected where the run projected it.

    Raises
    ------
    OutputError
        There is none.
    """
    return _read(source, "density of states", _dos)


def vaspout_projections(source: Source) -> Projections:
    """Return the weights of atomic orbitals in every level of the last ionic step.

    Raises
    ------
    OutputError
        There are none.
    """
    return _read(source, "projections", _projections)


def vaspout_trajectory(source: Source) -> Trajectory:
    """Return all ionic steps.

    Raises
    ------
    OutputError
        There is none.
    """
    return _read(source, "trajectory", _trajectory)


def _read(source: Source, what: str, reader: "Callable[[h5py.File], _T]") -> _T:
    import h5py

    try:
        with h5py.File(io.BytesIO(source.data), "r") as file:
            return reader(file)
    except KeyError as error:
        raise MissingTableError(f"{source.path} does not hold the {what} ({error})") from error
    except (OSError, ValueError, TypeError, RuntimeError, IndexError) as error:
        if isinstance(error, OutputError):
            raise
        raise OutputError(f"{source.path} is a damaged or incomplete HDF5 file ({error})") from error


def _array(file: "h5py.File", name: str) -> np.ndarray:
    return np.asarray(file[name][()], dtype=float)


def _eigenvalues(file: "h5py.File") -> Eigenvalues:
    weights = _array(file, f"{_LEVELS}/kpoints_symmetry_weight")
    return Eigenvalues(
        _array(file, f"{_LEVELS}/kpoint_coords"),
        weights / weights.sum(),
        _array(file, f"{_LEVELS}/eigenvalues"),
        _array(file, f"{_LEVELS}/fermiweights"),
        number(file, f"{_DOS}/efermi"),
        f"{_DOS}/ncdij" in file and int(file[f"{_DOS}/ncdij"][()]) == 4,
    )


def _dos(file: "h5py.File") -> DensityOfStates:
    total, integrated = _array(file, f"{_DOS}/dos"), _array(file, f"{_DOS}/dosi")
    # of spinors the density is followed by its moments, which are no spin channels
    channels = 1 if len(total) == 4 else len(total)
    projected = _array(file, f"{_DOS}/dospar") if f"{_DOS}/dospar" in file else None
    return DensityOfStates(
        _final(file).to_atoms(),
        _array(file, f"{_DOS}/energies"),
        total[:channels],
        integrated[:channels],
        projected,
        () if projected is None else _orbitals(file, projected.shape[2]),
        number(file, f"{_DOS}/efermi"),
    )


def _projections(file: "h5py.File") -> Projections:
    # stored as spin, atom, orbital, k-point, band
    weights = _array(file, f"{_WEIGHTS}/par").transpose(0, 3, 4, 1, 2)
    return Projections(_final(file).to_atoms(), weights, _orbitals(file, weights.shape[4]), _eigenvalues(file))


def _trajectory(file: "h5py.File") -> Trajectory:
    initial = structure(file, "input/poscar")
    cells, scaled = _array(file, f"{STEPS}/lattice_vectors"), _array(file, f"{STEPS}/position_ions")
    energies = _array(file, f"{STEPS}/energies")
    tags: list[Any] = [tag.decode().strip() for tag in file[f"{STEPS}/energies_tags"][()]]
    free = next(i for i, tag in enumerate(tags) if tag.startswith("free energy"))
    forces = _array(file, f"{STEPS}/forces") if f"{STEPS}/forces" in file else np.full(scaled.shape, np.nan)
    return Trajectory(
        initial.symbols,
        cells,
        np.einsum("sai,sij->saj", scaled, cells),
        energies[:, tags.index("energy(sigma->0)")],
        energies[:, free],
        forces,
    )


def _final(file: "h5py.File") -> Structure:
    initial = structure(file, "input/poscar")
    cell, scaled = last_step(file, "lattice_vectors"), last_step(file, "position_ions")
    return Structure(initial.symbols, cell, scaled, initial.movable)


def _orbitals(file: "h5py.File", count: int) -> tuple[str, ...]:
    names = (
        [orbital_name(name.decode()) for name in file[f"{_WEIGHTS}/lchar"][()]] if f"{_WEIGHTS}/lchar" in file else []
    )
    return tuple(names[:count]) if len(names) >= count else tuple(f"orbital {i + 1}" for i in range(count))
