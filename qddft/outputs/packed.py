"""Tables and fields of engines that compute inside qddft, packed in ``.npz`` files beside ``outputs.json``.

``levels.npz`` holds eigenvalues and projections, ``density.npz`` and ``potential.npz`` a field each. Numbers of fields
and weights are kept in single precision (relative error 6e-8), energies in double precision. Nothing in them is
executed when they are read.
"""

import io
import json
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from qddft.core.errors import OutputError
from qddft.core.files import write_bytes
from qddft.core.structure_json import structure_from_dict, structure_to_dict
from qddft.outputs.grid import Grid
from qddft.outputs.tables import Eigenvalues, MissingTableError, Projections

LEVELS, DENSITY, POTENTIAL = "levels.npz", "density.npz", "potential.npz"
FORMAT = 1
_ABOUT = "about"
# a file that unpacks to more than this many numbers was not written here
_MOST_NUMBERS = 1 << 31
_Made = TypeVar("_Made")


def is_packed(path: Path) -> bool:
    """Tell a packed file by its name."""
    return path.suffix.lower() == ".npz"


def save_levels(path: Path, eigenvalues: Eigenvalues, projections: Projections | None = None) -> None:
    """Write eigenvalues, and the projections that belong to them, whole or not at all."""
    about: dict[str, Any] = {"fermi_level": eigenvalues.fermi_level, "noncollinear": eigenvalues.noncollinear}
    arrays = {name: np.asarray(getattr(eigenvalues, name)) for name in _LEVEL_ARRAYS}
    if projections is not None:
        about |= {"orbitals": list(projections.orbitals), "atoms": structure_to_dict(projections.atoms)}
        arrays["projections"] = np.asarray(projections.weights, dtype=np.float32)
    _save(path, "levels", about, arrays)


def load_eigenvalues(path: Path) -> Eigenvalues:
    """Read the levels that ``save_levels`` wrote.

    Raises
    ------
    OutputError
        The file is missing, cut short or of another kind.
    """
    return _load(path, "levels", _eigenvalues)


def load_projections(path: Path) -> Projections:
    """Read the projections that ``save_levels`` wrote.

    Raises
    ------
    MissingTableError
        There are none in the file.
    OutputError
        The file is missing, cut short or of another kind.
    """
    return _load(path, "levels", lambda about, arrays: _projections(about, arrays, path))


def save_grid(path: Path, grid: Grid, spin: np.ndarray | None = None) -> None:
    """Write a field, and of a density the spin density of the same shape, whole or not at all."""
    about = {"quantity": grid.quantity, "name": grid.name, "atoms": structure_to_dict(grid.atoms)}
    arrays = {"values": np.asarray(grid.values, dtype=np.float32)}
    if spin is not None:
        arrays["spin"] = np.asarray(spin, dtype=np.float32)
    _save(path, "grid", about, arrays)


def load_grid(path: Path, channel: str = "total") -> Grid:
    """Read a field that ``save_grid`` wrote, or its ``spin`` channel, in double precision.

    Raises
    ------
    OutputError
        The file is missing, cut short or of another kind, or holds no spin density.
    """
    return _load(path, "grid", lambda about, arrays: _grid(about, arrays, path, channel))


_LEVEL_ARRAYS = ("kpoints", "weights", "energies", "occupations")


def _save(path: Path, kind: str, about: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
    text = json.dumps({"format": FORMAT, "kind": kind, **about}, allow_nan=False)
    packed = io.BytesIO()
    # not numpy's own compressed writer: it stamps the time into the file, and equal content should be equal bytes
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        archive.writestr(_entry(f"{_ABOUT}.json"), text)
        for name, array in arrays.items():
            member = io.BytesIO()
            np.lib.format.write_array(member, np.ascontiguousarray(array), allow_pickle=False)
            archive.writestr(_entry(f"{name}.npy"), member.getvalue())
    write_bytes(path, packed.getvalue())


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
    entry.compress_type = zipfile.ZIP_DEFLATED
    return entry


def _load(path: Path, kind: str, make: Callable[[Mapping[str, Any], Mapping[str, np.ndarray]], _Made]) -> _Made:
    try:
        with zipfile.ZipFile(path) as archive:
            about = json.loads(archive.read(f"{_ABOUT}.json"))
            if (about["format"], about["kind"]) != (FORMAT, kind):
                raise OutputError(
                    f"{path} holds {about['kind']!r} of format {about['format']}, not {kind!r} of format {FORMAT}"
                )
            names = [name for name in archive.namelist() if name.endswith(".npy")]
            return make(about, {name.removesuffix(".npy"): _member(archive, name) for name in names})
    except FileNotFoundError as error:
        raise OutputError(f"{path} does not exist") from error
    except (MissingTableError, OutputError):
        raise
    except (
        zipfile.BadZipFile, zlib.error, OSError, EOFError, ValueError, KeyError, TypeError, AttributeError, IndexError,
        NotImplementedError, RuntimeError, SyntaxError, OverflowError, MemoryError,
    ) as error:  # fmt: skip
        raise OutputError(f"{path} is damaged or was not written by qddft ({error}); make it again") from error


def _member(archive: zipfile.ZipFile, name: str) -> np.ndarray:
    if archive.getinfo(name).file_size > _MOST_NUMBERS:
        raise ValueError(f"{name} promises {archive.getinfo(name).file_size} bytes")
    with archive.open(name) as file:
        array = np.asarray(np.lib.format.read_array(file, allow_pickle=False))
        # the checksum of a member is looked at when all of it was read
        file.read()
    if not np.isfinite(array).all():
        raise ValueError(f"{name} holds numbers that are not finite")
    return array


def _eigenvalues(about: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Eigenvalues:
    energies, points = arrays["energies"], arrays["kpoints"]
    fits = (
        energies.ndim == 3
        and energies.shape == arrays["occupations"].shape
        and points.shape == (energies.shape[1], 3)
        and arrays["weights"].shape == (len(points),)
    )
    if not fits:
        raise ValueError("the shapes of levels, occupations and k-points do not belong together")
    fermi = about["fermi_level"]
    return Eigenvalues(
        points, arrays["weights"], energies, arrays["occupations"], None if fermi is None else float(fermi),
        bool(about["noncollinear"]),
    )  # fmt: skip


def _projections(about: Mapping[str, Any], arrays: Mapping[str, np.ndarray], path: Path) -> Projections:
    if "projections" not in arrays:
        raise MissingTableError(f"{path} holds no projections on atoms; ask for 'dos' before the calculation")
    levels, weights, orbitals = _eigenvalues(about, arrays), arrays["projections"], tuple(map(str, about["orbitals"]))
    atoms = structure_from_dict(about["atoms"])
    if weights.ndim != 5 or weights.shape[1:] != (*levels.energies.shape[1:], len(atoms), len(orbitals)):
        raise ValueError("the shapes of projections, levels and structure do not belong together")
    return Projections(atoms, weights, orbitals, levels)


def _grid(about: Mapping[str, Any], arrays: Mapping[str, np.ndarray], path: Path, channel: str) -> Grid:
    if channel == "spin" and "spin" not in arrays:
        raise OutputError(f"{path} holds no spin density: the calculation was not spin-polarized")
    values = arrays["spin" if channel == "spin" else "values"].astype(float)
    if values.ndim != 3:
        raise ValueError("the field has no three directions")
    name = str(about["name"])
    title = f"spin {name}" if channel == "spin" else name
    return Grid(structure_from_dict(about["atoms"]), values, str(about["quantity"]), title, str(path))
