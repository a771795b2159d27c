"""Find the file that holds a large table, and read it."""

from pathlib import Path

from qddft.core.errors import OutputError
from qddft.engines.gpaw.gpw import gpw_eigenvalues, is_gpw
from qddft.engines.vasp.read.bands import vasprun_dos, vasprun_eigenvalues, vasprun_projections, vasprun_trajectory
from qddft.engines.vasp.read.beside import atoms_beside, fermi_beside, spins_beside
from qddft.engines.vasp.read.dispatch import open_existing, present, result_files
from qddft.engines.vasp.read.h5_tables import (
    vaspout_dos,
    vaspout_eigenvalues,
    vaspout_projections,
    vaspout_trajectory,
)
from qddft.engines.vasp.read.outcar import outcar_trajectory
from qddft.engines.vasp.read.outcar_levels import outcar_eigenvalues
from qddft.engines.vasp.read.procar import ProcarTables, read_procar
from qddft.engines.vasp.read.source import (
    DOSCAR,
    EIGENVAL,
    OUTCAR,
    OUTPUTS_JSON,
    PROCAR,
    VASPOUT,
    VASPRUN,
    Source,
    file_kind,
    open_source,
)
from qddft.engines.vasp.read.text_tables import read_doscar, read_eigenval
from qddft.outputs.packed import LEVELS, is_packed, load_eigenvalues, load_projections
from qddft.outputs.places import located
from qddft.outputs.tables import DensityOfStates, Eigenvalues, MissingTableError, Projections, Trajectory

# where each table stands, the fullest file first
_HOLDERS = {
    "eigenvalues": (VASPRUN, VASPOUT, EIGENVAL, PROCAR, OUTCAR),
    "density of states": (VASPRUN, VASPOUT, DOSCAR),
    "projections": (VASPRUN, VASPOUT, PROCAR),
    "trajectory": (VASPRUN, VASPOUT, OUTCAR),
}


def read_eigenvalues(path: str | Path) -> Eigenvalues:
    """Read the eigenvalues and occupations of a folder or of one file.

    They are taken from vasprun.xml, vaspout.h5, EIGENVAL, PROCAR or OUTCAR (four decimals), in a folder from the
    first of these that is there. EIGENVAL and PROCAR do not know the Fermi level: it is that of DOSCAR or OUTCAR
    beside them, else unknown.

    Raises
    ------
    OutputError
        There are none, or the file is damaged.
    """
    packed = _packed_levels(path)
    if packed is not None:
        return load_eigenvalues(packed)
    if is_gpw(where := located(path)):
        return gpw_eigenvalues(where)
    source = _table_source(path, "eigenvalues")
    if source.kind == EIGENVAL:
        return read_eigenval(source, fermi_beside(source.path.parent))
    if source.kind == PROCAR:
        return _procar(source).eigenvalues
    if source.kind == OUTCAR:
        return outcar_eigenvalues(source)
    return vasprun_eigenvalues(source) if source.kind == VASPRUN else vaspout_eigenvalues(source)


def read_dos(path: str | Path) -> DensityOfStates:
    """Read the density of states, projected where it was, of a folder or of its vasprun.xml, vaspout.h5 or DOSCAR.

    DOSCAR does not name the elements: they are those of CONTCAR, OUTCAR or POSCAR beside it, else ``X``.

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
    if source.kind == DOSCAR:
        found = read_doscar(source)
        atoms = atoms_beside(source.path.parent, found.n_atoms, found.lengths)
        return DensityOfStates(
            atoms, found.energies, found.total, found.integrated, found.projected, found.orbitals, found.fermi_level
        )
    return vasprun_dos(source) if source.kind == VASPRUN else vaspout_dos(source)


def read_projected(path: str | Path) -> Projections:
    """Read the weights of atomic orbitals in every level of a folder or of its vasprun.xml, vaspout.h5 or PROCAR.

    PROCAR does not name the elements: they are those of CONTCAR, OUTCAR or POSCAR beside it, else ``X``.

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
    if source.kind == PROCAR:
        found = _procar(source)
        atoms = atoms_beside(source.path.parent, found.n_atoms)
        return Projections(atoms, found.weights, found.orbitals, found.eigenvalues)
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
    """Open the file that holds a large table; ``_HOLDERS`` says which do, and which one of a folder counts."""
    where = located(path)
    kinds = _HOLDERS[what]
    if not where.is_dir():
        source = open_existing(where)
        if source.kind not in kinds:
            raise MissingTableError(f"{where} is {source.kind}: it does not hold the {what}; {_one_of(kinds)} does")
        return source
    by_kind = {file_kind(file): file for file in result_files(where)}
    for kind in kinds:
        found = by_kind.get(kind) or (present(where, kind) if kind in (DOSCAR, EIGENVAL, PROCAR) else None)
        if found is not None:
            return _opened_as(kind, found)
    raise MissingTableError(f"{where} holds no {_one_of(kinds)}, so the {what} cannot be read")


def _opened_as(kind: str, path: Path) -> Source:
    source = open_source(path)
    if source.kind != kind:
        raise OutputError(f"{path} is {source.kind} by its content, not {kind}; which one is meant? name the file")
    return source


def _procar(source: Source) -> ProcarTables:
    folder = source.path.parent
    found = read_procar(source, fermi_beside(folder))
    # a file that was cut exactly there looks whole by itself
    if len(found.eigenvalues.energies) == 1 and not found.eigenvalues.noncollinear and spins_beside(folder) == 2:
        raise source.damaged(len(source.data), "it ends after the first of two spins, which the files beside it have")
    return found


def _one_of(kinds: tuple[str, ...]) -> str:
    return f"{', '.join(kinds[:-1])} or {kinds[-1]}"


def _packed_levels(path: str | Path) -> Path | None:
    """Return the file in which an engine of qddft left its levels, beside the outputs or named itself."""
    where = located(path)
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
