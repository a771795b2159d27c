"""Find the file that holds a large table, and read it."""

from pathlib import Path

from qddft.core.errors import OutputError
from qddft.engines.gpaw.gpw import gpw_eigenvalues, is_gpw
from qddft.engines.vasp.read.bands import vasprun_dos, vasprun_eigenvalues, vasprun_projections, vasprun_trajectory
from qddft.engines.vasp.read.dispatch import open_existing, result_files
from qddft.engines.vasp.read.h5_tables import (
    vaspout_dos,
    vaspout_eigenvalues,
    vaspout_projections,
    vaspout_trajectory,
)
from qddft.engines.vasp.read.outcar import outcar_trajectory
from qddft.engines.vasp.read.source import OUTCAR, OUTPUTS_JSON, VASPOUT, VASPRUN, Source, file_kind, open_source
from qddft.outputs.packed import LEVELS, is_packed, load_eigenvalues, load_projections
from qddft.outputs.tables import DensityOfStates, Eigenvalues, MissingTableError, Projections, Trajectory


def read_eigenvalues(path: str | Path) -> Eigenvalues:
    """Read the eigenvalues and occupations of a folder or of its vasprun.xml or vaspout.h5.

    Raises
    ------
    OutputError
        There are none, or the file is damaged.
    """
    packed = _packed_levels(path)
    if packed is not None:
        return load_eigenvalues(packed)
    if is_gpw(where := Path(path).expanduser()):
        return gpw_eigenvalues(where)
    source = _table_source(path, "eigenvalues")
    return vasprun_eigenvalues(source) if source.kind == VASPRUN else vaspout_eigenvalues(source)


def read_dos(path: str | Path) -> DensityOfStates:
    """Read the density of states, projected where it was, of a folder or of its vasprun.xml or vaspout.h5.

    Raises
    ------
    OutputError
        There is none, or the file is damaged.
    """
    packed = _packed_levels(path)
    if packed is not None:
        raise MissingTableError(f"{packed} holds levels, not a density of states as computed")
    _refuse_gpw(path, "density of states")
    source = _table_source(path, "density of states")
    return vasprun_dos(source) if source.kind == VASPRUN else vaspout_dos(source)


def read_projected(path: str | Path) -> Projections:
    """Read the weights of atomic orbitals in every level of a folder or of its vasprun.xml or vaspout.h5.

    Raises
    ------
    OutputError
        There are none, or the file is damaged.
    """
    packed = _packed_levels(path)
    if packed is not None:
        return load_projections(packed)
    _refuse_gpw(path, "weights of atomic orbitals")
    source = _table_source(path, "projections")
    return vasprun_projections(source) if source.kind == VASPRUN else vaspout_projections(source)


def read_trajectory(path: str | Path) -> Trajectory:
    """Read all complete ionic steps of a folder or of one of its result files; of a killed run, those it completed.

    Raises
    ------
    OutputError
        There is none, or the file is damaged.
    """
    source = _table_source(path, "trajectory")
    if source.kind == OUTCAR:
        return outcar_trajectory(source)
    return vasprun_trajectory(source) if source.kind == VASPRUN else vaspout_trajectory(source)


def _table_source(path: str | Path, what: str) -> Source:
    """Open the file that holds a large table: vasprun.xml or vaspout.h5, for a trajectory OUTCAR as well."""
    where = Path(path).expanduser()
    kinds = (VASPRUN, VASPOUT, OUTCAR) if what == "trajectory" else (VASPRUN, VASPOUT)
    if not where.is_dir():
        source = open_existing(where)
        if source.kind not in kinds:
            raise OutputError(f"{where} is {source.kind}: it does not hold the {what}; {' or '.join(kinds)} does")
        return source
    by_kind = {file_kind(file): file for file in result_files(where)}
    found = next((by_kind[kind] for kind in kinds if kind in by_kind), None)
    if found is None:
        raise OutputError(f"{where} holds no {' or '.join(kinds)}, so the {what} cannot be read")
    return open_source(found)


def _packed_levels(path: str | Path) -> Path | None:
    """Return the file in which an engine of qddft left its levels, beside the outputs or named itself."""
    where = Path(path).expanduser()
    if is_packed(where):
        return where
    folder = where if where.is_dir() else where.parent
    if where.is_dir() or where.name == OUTPUTS_JSON:
        return folder / LEVELS if (folder / LEVELS).is_file() else None
    return None


def _refuse_gpw(path: str | Path, what: str) -> None:
    if is_gpw(path):
        raise MissingTableError(
            f"{path} does not hold the {what}: they take GPAW's PAW setups; where GPAW is installed, "
            "qddft.convert_gpw(file, folder) makes a folder that does"
        )
