"""PROCAR: weights of atomic orbitals in every level, in the formats of VASP 5 and 6.

An own parser: pymatgen's fills what a cut file lacks with zeros, and reads line by line what is read in bulk here.
"""

import re
from dataclasses import dataclass, field

import numpy as np

from qddft.engines.vasp.read.bands import orbital_name
from qddft.engines.vasp.read.procar_rows import Lines, ProcarRows
from qddft.engines.vasp.read.source import Source
from qddft.outputs.tables import Eigenvalues

_SIZES = re.compile(rb"# of k-points:\s*(\d+)\s+# of bands:\s*(\d+)\s+# of ions:\s*(\d+)")
# negative coordinates touch their neighbors
_POINT = re.compile(rb"k-point\s+(\d+)\s*:\s*(-?\d+\.\d+)\s*(-?\d+\.\d+)\s*(-?\d+\.\d+)\s+weight\s*=\s*(\d*\.\d+)\s*\Z")
_BAND = re.compile(rb"band\s+(\d+)\s*#\s*energy\s+(-?\d+\.\d+)\s*#\s*occ\.\s*(-?\d+\.\d+)\s*\Z")
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
    rows: ProcarRows
    points: list[tuple[bytes, ...]] = field(default_factory=list)
    levels: list[tuple[float, float]] = field(default_factory=list)
    orbitals: tuple[str, ...] = ()
    title: bytes = b""


def read_procar(source: Source, fermi_level: float | None = None) -> ProcarTables:
    """Return the tables of a PROCAR; phases (LORBIT = 12) are passed over.

    A k-point that comes twice in a row, as where two segments of a path meet, counts once, with both weights.

    Raises
    ------
    OutputError
        The file is cut, or a line is damaged; the message names it.
    """
    lines = Lines(source)
    found = _collect(lines)
    weights = found.rows.weights()
    n_kpoints, n_bands, n_atoms = found.sizes
    spins, rest = divmod(len(found.points), n_kpoints)
    if rest or spins not in (1, 2) or len(found.levels) != spins * n_kpoints * n_bands:
        raise lines.error(
            f"it ends after {len(found.points)} k-points and {len(found.levels)} levels; "
            f"{n_kpoints} k-points of {n_bands} bands are announced, once or for each of two spins"
        )
    tables, rest = divmod(len(weights), spins * n_kpoints * n_bands * n_atoms)
    if rest or tables not in ((1, 4) if spins == 1 else (1,)):
        raise lines.error(f"{len(weights)} rows do not fit {len(found.levels)} levels and {n_atoms} atoms")
    points = np.array(found.points, dtype=float).reshape(spins, n_kpoints, 5)
    numbers = np.array(found.levels, dtype=float).reshape(spins, n_kpoints, n_bands, 2)
    weights = weights.reshape(spins, n_kpoints, n_bands, tables, n_atoms, len(found.orbitals))
    by_component = weights[:, :, :, 0] if tables == 1 else weights[0].transpose(2, 0, 1, 3, 4)
    kept, share = _without_repeats(points[0], numbers)
    return ProcarTables(
        found.orbitals,
        # without repeats nothing is copied
        by_component if len(kept) == n_kpoints else by_component[:, kept],
        _eigenvalues(lines, points[0, kept, 1:4], share, numbers[:, kept], fermi_level, spinors=tables == 4),
    )


def _collect(lines: Lines) -> _Found:
    found: _Found | None = None
    for line in lines:
        if not line or line.startswith(b"PROCAR"):
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
            _take_table(lines, line, found)
        else:
            raise lines.error(f"this belongs to no table: {line.decode('latin-1')[:60]!r}")
    if found is None or not found.orbitals:
        raise lines.error("it ends before its first table")
    return found


def _announced(lines: Lines, line: bytes, found: _Found | None) -> _Found:
    match = _SIZES.match(line)
    sizes = tuple(int(number) for number in match.groups()) if match else ()
    if len(sizes) != 3 or min(sizes) < 1 or sizes[0] * sizes[1] * sizes[2] > _MOST_LEVELS:
        raise lines.error("the numbers of k-points, bands and ions were expected here")
    if found is not None and found.sizes != sizes:
        raise lines.error("the second spin has other numbers of k-points, bands and ions than the first")
    if found is not None:
        return found
    return _Found((sizes[0], sizes[1], sizes[2]), ProcarRows(lines, sizes[2]))


def _take_point(lines: Lines, line: bytes, found: _Found) -> None:
    match = _POINT.match(line)
    if match is None:
        raise lines.error(f"a k-point with its weight was expected here, not {line.decode('latin-1')[:60]!r}")
    number = len(found.points) % found.sizes[0] + 1
    if int(match[1]) != number:
        raise lines.error(f"k-point {number} was expected here, not {int(match[1])}")
    found.points.append(match.groups())


def _take_level(lines: Lines, line: bytes, found: _Found) -> None:
    match = _BAND.match(line)
    if match is None:
        raise lines.error(f"a band with energy and occupation was expected, not {line.decode('latin-1')[:60]!r}")
    number = len(found.levels) % found.sizes[1] + 1
    if int(match[1]) != number or not found.points:
        raise lines.error(f"band {number} was expected here, not {int(match[1])}")
    found.levels.append((float(match[2]), float(match[3])))


def _take_table(lines: Lines, line: bytes, found: _Found) -> None:
    """Take the tables behind a line of orbitals, or pass over phases."""
    if not line.endswith(b"tot"):
        while (ahead := lines.ahead()) and ahead[:3] not in (b"ion", b"ban"):
            lines.take(1)
        return
    if line != found.title:
        orbitals = tuple(orbital_name(name.decode("latin-1")) for name in line.split()[1:-1])
        if found.orbitals not in ((), orbitals):
            raise lines.error(f"other orbitals than before: {', '.join(orbitals)}")
        found.orbitals, found.title = orbitals, line
    while True:
        found.rows.take(len(found.orbitals) + 1)
        # a single ion needs no line of totals
        if lines.ahead().startswith(b"tot"):
            lines.take(1)
        # the moments of spinors follow without a line of orbitals
        if lines.ahead().split()[:1] != [b"1"]:
            return


def _without_repeats(points: np.ndarray, numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return which k-points to keep, and their weights with those of the repeats added."""
    same = (np.diff(points[:, 1:4], axis=0) == 0).all(axis=1) & (np.diff(numbers, axis=1) == 0).all(axis=(0, 2, 3))
    kept = np.concatenate(([True], ~same))
    share = np.bincount(np.cumsum(kept) - 1, weights=points[:, 4])
    return np.flatnonzero(kept), share


def _eigenvalues(
    lines: Lines,
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
