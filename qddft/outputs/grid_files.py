"""Grids from files: CHGCAR, LOCPOT and their relatives, Gaussian cube.

The numbers of CHGCAR-like files are read by pymatgen's scanner, straight into the array that is kept: reading takes one
grid of memory beyond the file, and only the block that is asked for is kept.
"""

import os
import re
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from qddft.core.errors import OutputError
from qddft.core.gzipped import GZIP_ERRORS, open_gzip
from qddft.core.suggest import did_you_mean
from qddft.core.units import BOHR_IN_A
from qddft.outputs.grid import UNITS, Grid
from qddft.outputs.grid_write import CUBE_UNIT
from qddft.outputs.packed import DENSITY, POTENTIAL, is_packed, load_grid
from qddft.outputs.places import located

if TYPE_CHECKING:
    from ase import Atoms

CHANNELS = ("total", "spin")
_KINDS = {"CHGCAR": "density", "CHG": "density", "AECCAR": "density", "PARCHG": "density", "LOCPOT": "potential",
          "POT": "potential", "ELFCAR": "elf"}  # fmt: skip
Shape = tuple[int, int, int]
# numbers read at a time
_PIECE = 1 << 20
_DIMENSIONS = re.compile(rb"^\s*(\d+)\s+(\d+)\s+(\d+)\s*$")
_MAX_HEADER_LINES = 200_000


def read_grid(path: str | Path, *, quantity: str | None = None, channel: str = "total") -> Grid:
    """Read a field from a CHGCAR-like file (plain or gzip), a Gaussian cube file or a packed field of qddft.

    Densities come out in electrons/Angstrom^3: CHGCAR holds them times the cell volume, cube files per Bohr^3 unless
    their first line says ``e/Angstrom^3``. Potentials stay in eV (cube: as they are).

    Parameters
    ----------
    path
        File, or a folder that holds one CHGCAR or density.npz (LOCPOT or potential.npz if ``quantity`` is
        ``potential``).
    quantity
        ``density``, ``potential`` or ``elf``; by default the file's name tells.
    channel
        ``total``, or ``spin`` for the second block of a spin-polarized file: up minus down, or of a non-collinear run
        the moment along the first axis.

    Raises
    ------
    OutputError
        The file is missing, cut, damaged or of another kind, or has no such channel.
    """
    if channel not in CHANNELS:
        raise OutputError(f"unknown channel {channel!r}. {did_you_mean(channel, CHANNELS)}")
    if quantity is not None and quantity not in UNITS:
        raise OutputError(f"unknown quantity {quantity!r}. {did_you_mean(quantity, UNITS)}")
    where = grid_file(located(path), quantity)
    if is_packed(where):
        return _read_packed(where, quantity, channel)
    kind = quantity or _kind_of(where)
    if is_cube(where):
        return _read_cube(where, kind, channel)
    with open_grid(where) as file:
        return _read_vasp(file, where, kind, channel)


def grid_file(path: Path, quantity: str | None = None) -> Path:
    """Return the file that is meant: itself, or the density or potential of a folder.

    Raises
    ------
    OutputError
        It does not exist.
    """
    if path.is_dir():
        name, packed = ("LOCPOT", POTENTIAL) if quantity == "potential" else ("CHGCAR", DENSITY)
        found = next((path / item for item in (name, f"{name}.gz", packed) if (path / item).is_file()), None)
        if found is None:
            raise OutputError(f"{path} holds no {name} and no {packed}; name the file")
        return found
    if not path.is_file():
        names = [entry.name for entry in path.parent.iterdir()][:500] if path.parent.is_dir() else []
        raise OutputError(f"{path} does not exist. {did_you_mean(path.name, names)}")
    return path


def is_whole(path: Path) -> bool:
    """Tell whether a file can only be read as a whole: cube files and packed ones."""
    return is_cube(path) or is_packed(path)


def _read_packed(path: Path, quantity: str | None, channel: str) -> Grid:
    grid = load_grid(path, channel)
    if quantity is not None and grid.quantity != quantity:
        raise OutputError(f"{path} holds a field of the kind {grid.quantity}, not {quantity}")
    return grid


def _kind_of(path: Path) -> str:
    name = path.name.upper()
    found = next((kind for start, kind in _KINDS.items() if name.startswith(start)), None)
    if found is None and is_cube(path):
        return "density"
    if found is None:
        raise OutputError(f"the name of {path} does not tell what it holds; give quantity='density' or 'potential'")
    return found


def is_cube(path: Path) -> bool:
    """Tell a cube file by its name."""
    return path.suffix.lower() in (".cube", ".cub")


@contextmanager
def open_grid(path: Path) -> Iterator[IO[bytes]]:
    """Open a file for reading; a compressed one is unpacked to disk, as the scanner steps back in it."""
    try:
        with path.open("rb") as file:
            packed = file.read(2) == b"\x1f\x8b"
            file.seek(0)
            if not packed:
                yield file
                return
            with tempfile.TemporaryFile() as unpacked, open_gzip(file) as content:
                try:
                    shutil.copyfileobj(content, unpacked, 1 << 20)
                except GZIP_ERRORS as error:
                    raise OutputError(f"{path} is a damaged or cut gzip file ({error}); copy it again") from error
                unpacked.seek(0)
                yield unpacked
    except OSError as error:
        if isinstance(error, OutputError):
            raise
        raise OutputError(f"{path} cannot be read: {error}") from error


def _read_vasp(file: IO[bytes], path: Path, kind: str, channel: str) -> Grid:
    atoms = read_structure(file, path)
    values = _block(file, path, first=None)
    if channel == "spin":
        shape = values.shape
        del values
        values = _block(file, path, first=(int(shape[0]), int(shape[1]), int(shape[2])))
    if kind == "density":
        values /= atoms.cell.volume
    name = {"density": "electron density", "potential": "potential", "elf": "electron localization function"}[kind]
    return Grid(atoms, values, kind, f"spin {name}" if channel == "spin" else name, str(path))


def read_structure(file: IO[bytes], path: Path) -> "Atoms":
    """Read the structure at the head of the file, up to its empty line.

    Raises
    ------
    OutputError
        There is none.
    """
    from pymatgen.io.ase import AseAtomsAdaptor
    from pymatgen.io.vasp.inputs import BadPoscarWarning, Poscar

    lines: list[bytes] = []
    # the first line is a title, which may be empty
    while (line := file.readline(4096)) and (line.strip() or not lines):
        lines.append(line.strip())
        if len(lines) > _MAX_HEADER_LINES:
            break
    if not line or line.strip():
        raise OutputError(f"{path} ends, or goes on without an empty line, in its structure (line {len(lines) + 1})")
    try:
        # pymatgen makes up elements that it cannot find, and says so in a warning
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", BadPoscarWarning)
            structure = Poscar.from_str(b"\n".join(lines).decode("utf-8")).structure
    except (ValueError, IndexError, KeyError, TypeError, ArithmeticError, AssertionError, Warning) as error:
        raise OutputError(f"{path} does not begin with a structure like CHGCAR or LOCPOT ({error})") from error
    atoms = AseAtomsAdaptor.get_atoms(structure, msonable=False)
    atoms.info.clear()
    return atoms


def _block(file: IO[bytes], path: Path, first: Shape | None) -> np.ndarray:
    """Read the next block of numbers, shape (n_a, n_b, n_c); a second one has the shape of the ``first``."""
    shape = read_shape(file, path, first)
    flat = np.empty(shape[0] * shape[1] * shape[2])
    for start, numbers in read_numbers(file, path, shape):
        flat[start : start + len(numbers)] = numbers
    return flat.reshape(shape, order="F")


def read_numbers(file: IO[bytes], path: Path, shape: Shape) -> Iterator[tuple[int, np.ndarray]]:
    """Yield the numbers of a block piece by piece, first index fastest, with the place of the first of each piece.

    Raises
    ------
    OutputError
        The block is cut, or holds something that is no finite number.
    """
    from pymatgen.io.vasp.outputs import parse_n_doubles

    count, done = shape[0] * shape[1] * shape[2], 0
    piece = np.empty(min(count, _PIECE))
    while done < count:
        wanted = min(count - done, len(piece))
        got = parse_n_doubles(file, piece, wanted)
        if got != wanted:
            raise OutputError(
                f"{path} ends or is damaged after {done + got} of {count} numbers of its {'x'.join(map(str, shape))} "
                f"grid (byte {file.tell()}); was it copied whole?"
            )
        if not np.isfinite(piece[:wanted]).all():
            raise OutputError(f"{path} holds numbers that are not finite, before byte {file.tell()}")
        yield done, piece[:wanted]
        done += wanted


def read_shape(file: IO[bytes], path: Path, first: Shape | None = None) -> Shape:
    """Read the line with the number of points; before a second block lie augmentation occupancies and moments.

    Raises
    ------
    OutputError
        There is no such line, or it promises more numbers than the file can hold.
    """
    while line := file.readline(4096):
        match = _DIMENSIONS.match(line)
        shape = None if match is None else (int(match[1]), int(match[2]), int(match[3]))
        if shape is not None and first is None:
            return _possible(file, path, shape)
        if shape is not None and shape == first:
            return shape
        if first is None and line.strip():
            break
    if first is None:
        raise OutputError(f"{path} does not say how many grid points it has after its structure (byte {file.tell()})")
    raise OutputError(f"{path} holds no spin density: the calculation was not spin-polarized (ISPIN = 2)")


def _possible(file: IO[bytes], path: Path, shape: Shape) -> Shape:
    here = file.tell()
    left = file.seek(0, os.SEEK_END) - here
    file.seek(here)
    if 0 < shape[0] * shape[1] * shape[2] <= left // 2:
        return shape
    raise OutputError(
        f"{path} promises a grid of {'x'.join(map(str, shape))} points, but only {left} bytes follow (byte {here}): "
        f"the file was cut, or is still being written"
    )


def _read_cube(path: Path, kind: str, channel: str) -> Grid:
    from ase.io.cube import read_cube

    if channel == "spin":
        raise OutputError(f"{path} is a cube file, which holds one field; give the file of the spin density itself")
    try:
        with path.open(encoding="utf-8") as file:
            comment = file.readline()
            file.seek(0)
            found: dict[str, Any] = read_cube(file)
    except (OSError, ValueError, IndexError, KeyError, UnicodeDecodeError) as error:
        raise OutputError(f"{path} is a damaged or cut cube file ({error})") from error
    atoms: Atoms = found["atoms"]
    if np.abs(found["origin"]).max() > 1e-4:
        raise OutputError(f"{path}: the grid begins at {found['origin']} Angstrom, not at the origin of the cell")
    atoms.pbc = True
    values = np.array(found["data"], dtype=float)
    if kind == "density" and CUBE_UNIT not in comment:
        values /= BOHR_IN_A**3
    return Grid(atoms, values, kind, comment.strip(), str(path))
