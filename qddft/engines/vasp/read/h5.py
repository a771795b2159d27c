"""vaspout.h5 of VASP 6: what the INCAR stated, energies, forces, structures."""

import io
from typing import TYPE_CHECKING, Any

import numpy as np

from qddft.core.errors import OutputError
from qddft.engines.vasp.read.incar import parse_incar
from qddft.engines.vasp.read.readings import Energies, KMesh, Reading, Structure, check_energies, listed
from qddft.engines.vasp.read.settings import with_defaults
from qddft.engines.vasp.read.source import Source
from qddft.engines.vasp.read.vasprun import STRESS
from qddft.engines.vasp.read.vasprun_header import chemical_symbol

if TYPE_CHECKING:
    import h5py

STEPS = "intermediate/ion_dynamics"


def read_vaspout(source: Source) -> Reading:
    """Return what a vaspout.h5 says.

    The file holds the INCAR but not the values that VASP made of it, and neither the number of electronic steps nor
    a mark of its end; what depends on them stays unknown.

    Raises
    ------
    OutputError
        HDF5 cannot open the file (cut, damaged, still being written), or a table that is needed is missing.
    """
    import h5py

    try:
        with h5py.File(io.BytesIO(source.data), "r") as file:
            return _reading(source, file)
    except (OSError, KeyError, ValueError, TypeError, RuntimeError, IndexError) as error:
        if isinstance(error, OutputError):
            raise
        raise OutputError(f"{source.path} is a damaged or incomplete HDF5 file ({error})") from error


def _reading(source: Source, file: "h5py.File") -> Reading:
    version = ".".join(str(int(file[f"version/{part}"][()])) for part in ("major", "minor", "patch"))
    stated = _stated(source, file)
    initial = structure(file, "input/poscar")
    common: dict[str, Any] = {
        "kind": source.kind,
        "path": source.path,
        "version": version,
        "stated": stated,
        "kpoints": _mesh(file),
        "initial": initial,
    }
    if f"{STEPS}/energies" not in file:
        return Reading(**common)
    energies = np.asarray(file[f"{STEPS}/energies"][()], dtype=float)
    last = _energies(source, file, energies[-1], stated)
    moved = Structure(
        initial.symbols, last_step(file, "lattice_vectors"), last_step(file, "position_ions"), initial.movable
    )
    stress = last_step(file, "stress") if f"{STEPS}/stress" in file else None
    return Reading(
        **common,
        parameters=_parameters(file, stated),
        final=moved,
        energies=last,
        forces=last_step(file, "forces") if f"{STEPS}/forces" in file else None,
        stress=None if stress is None else (stress + stress.T) / 2 * STRESS,
        fermi=number(file, "results/electron_dos/efermi"),
        magnetization=_moment(file),
        steps_done=len(energies),
        previous_free=float(energies[-2][0]) if len(energies) > 1 else None,
    )


def _energies(source: Source, file: "h5py.File", values: np.ndarray, stated: dict[str, Any]) -> Energies:
    tags = [tag.decode().strip() for tag in file[f"{STEPS}/energies_tags"][()]]
    named = dict(zip(tags, (float(value) for value in values), strict=False))
    free = next((value for tag, value in named.items() if tag.startswith("free energy")), None)
    without_entropy, sigma0 = named.get("energy without entropy"), named.get("energy(sigma->0)")
    if free is None or without_entropy is None or sigma0 is None or not np.isfinite([free, sigma0]).all():
        raise OutputError(f"{source.path}: the energies of the last ionic step are missing among {tags}")
    energies = Energies(free, without_entropy, sigma0)
    problem = check_energies(energies, stated)
    if problem is not None:
        raise OutputError(f"{source.path}, {STEPS}/energies: {problem}")
    return energies


def last_step(file: "h5py.File", name: str) -> np.ndarray:
    """Return a table of the last ionic step."""
    values = np.asarray(file[f"{STEPS}/{name}"][-1], dtype=float)
    if not np.isfinite(values).all():
        raise OutputError(f"{file.filename}: {STEPS}/{name} holds values that are not finite")
    return values


def number(file: "h5py.File", name: str) -> float | None:
    """Return a number, or ``None`` where the file has none."""
    return float(file[name][()]) if name in file else None


def _stated(source: Source, file: "h5py.File") -> dict[str, Any]:
    name = "original/incar/content"
    if name not in file:
        return {}
    return dict(parse_incar(bytes(file[name][()]).decode("latin-1"), str(source.path)).tags)


def _parameters(file: "h5py.File", stated: dict[str, Any]) -> dict[str, Any]:
    """Return the INCAR completed by VASP's defaults: the file does not repeat what VASP made of it."""
    electrons = number(file, "results/electron_eigenvalues/nelectrons")
    return with_defaults(stated) | ({} if electrons is None else {"NELECT": electrons})


def structure(file: "h5py.File", group: str) -> Structure:
    """Return the structure of a group such as ``input/poscar``."""
    kinds = [chemical_symbol(name.decode().strip().split("_")[0]) for name in file[f"{group}/ion_types"][()]]
    counts = [int(n) for n in file[f"{group}/number_ion_types"][()]]
    if None in kinds:
        raise OutputError(f"{file.filename}: {group}/ion_types names something that is no chemical element")
    symbols = tuple(str(kind) for kind, n in zip(kinds, counts, strict=True) for _ in range(n))
    cell = np.asarray(file[f"{group}/lattice_vectors"][()], dtype=float) * float(file[f"{group}/scale"][()])
    positions = np.asarray(file[f"{group}/position_ions"][()], dtype=float)
    if not int(file[f"{group}/direct_coordinates"][()]):
        positions = np.linalg.solve(cell.T, positions.T).T
    movable = np.ones(positions.shape, dtype=bool)
    flags = f"{group}/selective_dynamics_ions"
    if int(file[f"{group}/selective_dynamics"][()]) and flags in file:
        movable = np.asarray(file[flags][()]).astype(bool)
    return Structure(symbols, cell, positions, movable)


def _mesh(file: "h5py.File") -> KMesh | None:
    base = "input/kpoints"
    if base not in file:
        return None
    group = file[base]
    mode = bytes(group["mode"][()]).decode().strip().lower()[:1]
    if mode == "l":
        return KMesh("line", None)
    if mode in ("g", "m"):
        numbers = [int(group[f"nkp{axis}"][()]) for axis in "xyz"]
        return KMesh("gamma" if mode == "g" else "monkhorst-pack", (numbers[0], numbers[1], numbers[2]))
    if "coordinates_kpoints" not in group:
        return KMesh("list", None)
    points = np.asarray(group["coordinates_kpoints"][()], dtype=float)
    return listed(points, np.asarray(group["weights_kpoints"][()], dtype=float))


def _moment(file: "h5py.File") -> float | None:
    """Return the total moment of a collinear run from its occupations."""
    base = "results/electron_eigenvalues"
    if f"{base}/fermiweights" not in file or int(file[f"{base}/ispin"][()]) != 2:
        return None
    occupations = np.asarray(file[f"{base}/fermiweights"][()], dtype=float)
    weights = np.asarray(file[f"{base}/kpoints_symmetry_weight"][()], dtype=float)
    per_spin = (occupations.sum(axis=2) * weights).sum(axis=1) / weights.sum()
    return float(per_spin[0] - per_spin[1])
