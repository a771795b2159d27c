"""PROCAR: weights of atomic orbitals in every level, in the formats of VASP 5 and 6.

An own parser: pymatgen's fills what a cut file lacks with zeros, and reads line by line what is read in bulk here.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from qddft.core.errors import OutputError
from qddft.engines.vasp.read.bands import orbital_name
from qddft.engines.vasp.read.source import Source
from qddft.outputs.tables import Eigenvalues

_SIZES = re.compile(rb"# of k-points:\s*(\d+)\s+# of bands:\s*(\d+)\s+# of ions:\s*(\d+)")
# negative coordinates touch their neighbors
_POINT = re.compile(rb"k-point\s+(\d+)\s*:\s*(-?\d+\.\d+)\s*(-?\d+\.\d+)\s*(-?\d+\.\d+)\s+weight\s*=\s*(\d*\.\d+)\s*\Z")
_BAND = re.compile(rb"band\s+(\d+)\s*#\s*energy\s+(-?\d+\.\d+)\s*#\s*occ\.\s*(-?\d+\.\d+)\s*\Z")
_ROW = re.compile(rb"\s*\d+(?:\s+-?\d*\.\d+)+\s*\Z")
_MOST_LEVELS = 100_000_000


@dataclass(frozen=True)
class ProcarTables:
    """What a PROCAR holds: orbitals, weights and eigenvalues as in ``Projections``; it does not name the elements."""

    orbitals: tuple[str, ...]
    weights: np.ndarray
    eigenvalues: Eigenvalues

    @property
    def n_atoms(self) -> int:
        """Number of atoms."""
        return int(self.weights.shape[3])


@dataclass
class _Found:
    """What was met while going through the lines."""

    sizes: tuple[int, int, int]
    points: list[tuple[bytes, ...]] = field(default_factory=list)
    levels: list[tuple[bytes, bytes]] = field(default_factory=list)
    rows: list[bytes] = field(default_factory=list)
    orbitals: tuple[str, ...] = ()


class _Lines:
    """The lines of a file with the number of the current one."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._lines = source.data[:].splitlines()
        self.at = -1

    def __iter__(self) -> Iterator[bytes]:
        for number, line in enumerate(self._lines):
            self.at = number
            yield line.strip()

    def following(self, start: int, count: int) -> list[bytes]:
        """Return lines from a number on."""
        return self._lines[start : start + count]

    def error(self, what: str, at: int | None = None) -> OutputError:
        """Return the error that names the current line."""
        return OutputError(f"{self._source.path}, line {(self.at if at is None else at) + 1}: {what}")


def read_procar(source: Source, fermi_level: float | None = None) -> ProcarTables:
    """Return the tables of a PROCAR; phases (LORBIT = 12) are passed over.

    A k-point that comes twice in a row, as where two segments of a path meet, counts once, with both weights.

    Raises
    ------
    OutputError
        The file is cut, or a line is damaged; the message names it.
    """
    lines = _Lines(source)
    found = _collect(lines)
    n_kpoints, n_bands, n_atoms = found.sizes
    spins, rest = divmod(len(found.points), n_kpoints)
    if rest or spins not in (1, 2) or len(found.levels) != spins * n_kpoints * n_bands:
        raise lines.error(
            f"it ends after {len(found.points)} k-points and {len(found.levels)} levels; "
            f"{n_kpoints} k-points of {n_bands} bands are announced, once or for each of two spins"
        )
    tables, rest = divmod(len(found.rows), spins * n_kpoints * n_bands * n_atoms)
    if rest or tables not in ((1, 4) if spins == 1 else (1,)):
        raise lines.error(f"{len(found.rows)} rows do not fit {len(found.levels)} levels and {n_atoms} atoms")
    points = np.array(found.points, dtype=float).reshape(spins, n_kpoints, 5)
    numbers = np.array(found.levels, dtype=float).reshape(spins, n_kpoints, n_bands, 2)
    weights = _weights(lines, found.rows, len(found.orbitals)).reshape(
        spins, n_kpoints, n_bands, tables, n_atoms, len(found.orbitals)
    )
    by_component = weights[:, :, :, 0] if tables == 1 else weights[0].transpose(2, 0, 1, 3, 4)
    kept, share = _without_repeats(points[0], numbers)
    return ProcarTables(
        found.orbitals,
        by_component[:, kept],
        _eigenvalues(lines, points[0, kept, 1:4], share, numbers[:, kept], fermi_level, spinors=tables == 4),
    )


def _collect(lines: _Lines) -> _Found:
    found: _Found | None = None
    skip_to = 0
    for line in lines:
        if lines.at < skip_to or not line or line.startswith(b"PROCAR"):
            continue
        if line.startswith(b"#"):
            found = _announced(lines, line, found)
        elif found is None:
            raise lines.error("the numbers of k-points, bands and ions were expected here")
        elif line.startswith(b"k-point"):
            _take_point(lines, line, found)
        elif line.startswith(b"band"):
            _take_level(lines, line, found)
        elif line.startswith(b"ion"):
            skip_to = _take_table(lines, line, found)
        else:
            raise lines.error(f"this belongs to no table: {line.decode('latin-1')[:60]!r}")
    if found is None or not found.rows:
        raise lines.error("it ends before its first table")
    return found


def _announced(lines: _Lines, line: bytes, found: _Found | None) -> _Found:
    match = _SIZES.match(line)
    sizes = tuple(int(number) for number in match.groups()) if match else ()
    if len(sizes) != 3 or min(sizes) < 1 or sizes[0] * sizes[1] * sizes[2] > _MOST_LEVELS:
        raise lines.error("the numbers of k-points, bands and ions were expected here")
    if found is not None and found.sizes != sizes:
        raise lines.error("the second spin has other numbers of k-points, bands and ions than the first")
    return _Found((sizes[0], sizes[1], sizes[2])) if found is None else found


def _take_point(lines: _Lines, line: bytes, found: _Found) -> None:
    match = _POINT.match(line)
    if match is None:
        raise lines.error(f"a k-point with its weight was expected here, not {line.decode('latin-1')[:60]!r}")
    number = len(found.points) % found.sizes[0] + 1
    if int(match[1]) != number:
        raise lines.error(f"k-point {number} was expected here, not {int(match[1])}")
    found.points.append(match.groups())


def _take_level(lines: _Lines, line: bytes, found: _Found) -> None:
    match = _BAND.match(line)
    if match is None:
        raise lines.error(f"a band with energy and occupation was expected, not {line.decode('latin-1')[:60]!r}")
    number = len(found.levels) % found.sizes[1] + 1
    if int(match[1]) != number or not found.points:
        raise lines.error(f"band {number} was expected here, not {int(match[1])}")
    found.levels.append((match[2], match[3]))


def _take_table(lines: _Lines, line: bytes, found: _Found) -> int:
    """Take the tables behind a line of orbitals and return the number of the line behind them."""
    names = [name.decode("latin-1") for name in line.split()[1:]]
    n_atoms = found.sizes[2]
    at = lines.at + 1
    if not names or names[-1] != "tot":
        return _behind_phases(lines, at)
    orbitals = tuple(orbital_name(name) for name in names[:-1])
    if found.orbitals not in ((), orbitals):
        raise lines.error(f"other orbitals than before: {', '.join(orbitals)}")
    found.orbitals = orbitals
    while True:
        rows = lines.following(at, n_atoms)
        for number, row in enumerate(rows):
            if row.split()[:1] != [b"%d" % (number + 1)]:
                raise lines.error(f"the row of ion {number + 1} was expected here", at + number)
            if len(row.split()) != len(names) + 1 or not _ROW.match(row):
                raise lines.error(f"{len(names)} numbers were expected behind the ion", at + number)
        if len(rows) < n_atoms:
            raise lines.error(f"it ends inside the table of {n_atoms} ions", at + len(rows))
        found.rows += rows
        at += n_atoms
        ahead = lines.following(at, 1)
        # a single ion needs no line of totals
        if ahead and ahead[0].lstrip().startswith(b"tot"):
            at += 1
            ahead = lines.following(at, 1)
        # the moments of spinors follow without a line of orbitals
        if not ahead or ahead[0].split()[:1] != [b"1"]:
            return at


def _behind_phases(lines: _Lines, at: int) -> int:
    while (ahead := lines.following(at, 1)) and ahead[0].split()[:1] and ahead[0].lstrip()[:3] not in (b"ion", b"ban"):
        at += 1
    return at


def _weights(lines: _Lines, rows: list[bytes], columns: int) -> np.ndarray:
    """Return the columns between the number of the ion and the total, shape (n_rows, columns)."""
    values = np.array(b" ".join(rows).split(), dtype=float).reshape(len(rows), columns + 2)
    if not np.isfinite(values).all():
        raise lines.error("a weight is not a finite number")
    return values[:, 1:-1]


def _without_repeats(points: np.ndarray, numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return which k-points to keep, and their weights with those of the repeats added."""
    same = (np.diff(points[:, 1:4], axis=0) == 0).all(axis=1) & (np.diff(numbers, axis=1) == 0).all(axis=(0, 2, 3))
    kept = np.concatenate(([True], ~same))
    share = np.bincount(np.cumsum(kept) - 1, weights=points[:, 4])
    return np.flatnonzero(kept), share


def _eigenvalues(
    lines: _Lines,
    points: np.ndarray,
    weights: np.ndarray,
    numbers: np.ndarray,
    fermi_level: float | None,
    *,
    spinors: bool,
) -> Eigenvalues:
    if not weights.sum() > 0:
        raise lines.error("the weights of the k-points add up to nothing")
    energies, occupations = numbers[..., 0], numbers[..., 1]
    # unpolarized calculations print electrons, 2 in a full level
    if len(numbers) == 1 and not spinors and occupations.max() > 1.5:
        occupations = occupations / 2
    return Eigenvalues(points, weights / weights.sum(), energies, occupations, fermi_level, spinors)
