"""DOSCAR and EIGENVAL: the large tables of VASP as text, parsed in bulk.

Own parsers, since pymatgen has none for DOSCAR and none that takes a cut or damaged file for what it is.
"""

import re
from dataclasses import dataclass

import numpy as np

from qddft.core.errors import OutputError
from qddft.engines.vasp.read.numbers import to_float
from qddft.engines.vasp.read.source import Source
from qddft.outputs.tables import Eigenvalues, MissingTableError

HEADER_LINES = 5
_NUMBERS_ONLY = b"0123456789+-.eEdD \t\r\n"
# Fortran drops the letter where the exponent needs three digits: 0.1104-102
_NO_LETTER = re.compile(rb"(?<=\d)([+-]\d{3})(?!\d)")
_L_NAMES = ("s", "p", "d", "f")
_LM_NAMES = ("s", "py", "pz", "px", "dxy", "dyz", "dz2", "dxz", "dx2-y2",
             "fy3x2", "fxyz", "fyz2", "fz3", "fxz2", "fzx2", "fx3")  # fmt: skip
_ORBITALS = {n: names[:n] for names, counts in ((_L_NAMES, (3, 4)), (_LM_NAMES, (9, 16))) for n in counts}
_MOST_ROWS = 100_000_000


@dataclass(frozen=True)
class DoscarTables:
    """What a DOSCAR holds.

    Attributes
    ----------
    n_atoms, lengths
        Number of atoms; lengths of the lattice vectors, Angstrom, ``None`` where they cannot be read.
    energies, total, integrated, projected, orbitals, fermi_level
        As in ``DensityOfStates``.
    """

    n_atoms: int
    lengths: tuple[float, float, float] | None
    energies: np.ndarray
    total: np.ndarray
    integrated: np.ndarray
    projected: np.ndarray | None
    orbitals: tuple[str, ...]
    fermi_level: float


def read_doscar(source: Source) -> DoscarTables:
    """Return the tables of a DOSCAR.

    Raises
    ------
    OutputError
        The file is cut, or a row is damaged; the message names the line.
    """
    _require_whole_lines(source)
    n_atoms = _count(source, 0, 1, "atoms")
    emax, emin, nedos, fermi, _ = _fields(source, line_start(source, HEADER_LINES), 5, "a head of five numbers")
    n_energies = round(nedos)
    if not 0 < n_energies < _MOST_ROWS:
        raise source.damaged(line_start(source, HEADER_LINES), f"{nedos:g} energies cannot be right")
    rows, at = _block(source, line_start(source, HEADER_LINES + 1), n_energies)
    if rows.shape[1] not in (3, 5):
        raise source.damaged(at, f"rows of 3 or 5 numbers were expected before here, not {rows.shape[1]}")
    spins = rows.shape[1] // 2
    sites: list[np.ndarray] = []
    while len(sites) < n_atoms and source.data[at : at + 4096].strip():
        head = _fields(source, at, 5, "the head of the next atom's table")
        if head[2] != nedos:
            raise source.damaged(at, f"the tables have {head[2]:g} and {nedos:g} energies")
        site, at = _block(source, source.data.find(b"\n", at) + 1, n_energies)
        if sites and site.shape != sites[0].shape:
            raise source.damaged(at, f"the tables of two atoms have {site.shape[1]} and {sites[0].shape[1]} columns")
        sites.append(site)
    if sites and len(sites) != n_atoms:
        raise source.damaged(at, f"it ends after the tables of {len(sites)} of {n_atoms} atoms")
    if source.data[at:].strip():
        raise source.damaged(at, "there is more behind the last table")
    projected, orbitals = _projected(source, np.array(sites), spins) if sites else (None, ())
    return DoscarTables(
        n_atoms,
        cell_lengths(source),
        _energies(source, rows[:, 0], emin, emax),
        rows[:, 1 : 1 + spins].T,
        rows[:, 1 + spins :].T,
        projected,
        orbitals,
        fermi,
    )


def doscar_fermi(source: Source) -> float:
    """Return the Fermi level of a DOSCAR, eV.

    Raises
    ------
    OutputError
        Its head is cut or damaged.
    """
    return _fields(source, line_start(source, HEADER_LINES), 5, "a head of five numbers")[3]


def eigenval_spins(source: Source) -> int:
    """Return the number of spin channels of an EIGENVAL.

    Raises
    ------
    OutputError
        Its head is cut or damaged.
    """
    return _count(source, 0, 4, "spins")


def read_eigenval(source: Source, fermi_level: float | None = None) -> Eigenvalues:
    """Return the eigenvalues of an EIGENVAL, which does not know the Fermi level.

    A single spin channel is that of spinors if its occupations add up to the number of electrons once, not twice.

    Raises
    ------
    OutputError
        The file is cut, or a row is damaged; the message names the line.
    MissingTableError
        It has no occupations (VASP 5.3 and older).
    """
    _require_whole_lines(source)
    spins = eigenval_spins(source)
    at = line_start(source, HEADER_LINES)
    electrons, n_kpoints, n_bands = _fields(source, at, 3, "numbers of electrons, k-points and bands")
    points, bands = round(n_kpoints), round(n_bands)
    if spins not in (1, 2) or not 0 < points * bands < _MOST_ROWS:
        raise source.damaged(at, f"{spins} spins, {points} k-points and {bands} bands cannot be right")
    start = line_start(source, HEADER_LINES + 1)
    values = _tokens(source, (start, len(source.data)))
    columns = 1 + 2 * spins
    if len(values) == points * (4 + bands * (1 + spins)):
        raise MissingTableError(
            f"{source.path} holds no occupations (VASP 5.3 and older write none there); vasprun.xml does"
        )
    if len(values) != points * (4 + bands * columns):
        raise source.damaged(
            len(source.data),
            f"{points} k-points of {bands} bands make {points * (4 + bands * columns)} numbers, not {len(values)}",
        )
    by_point = values.reshape(points, -1)
    levels = by_point[:, 4:].reshape(points, bands, columns)
    off = np.argwhere(levels[..., 0] != np.arange(1, bands + 1))
    if len(off):
        raise source.damaged(start, f"band {off[0][1] + 1} of k-point {off[0][0] + 1} is not where it should be")
    return eigenvalues_of(
        source, by_point[:, :3], by_point[:, 3], levels[..., 1:].transpose(2, 0, 1), electrons, fermi_level
    )


def eigenvalues_of(
    source: Source,
    points: np.ndarray,
    weights: np.ndarray,
    columns: np.ndarray,
    electrons: float,
    fermi_level: float | None,
) -> Eigenvalues:
    """Return eigenvalues from columns of energies and occupations, shape (2 n_spins, n_kpoints, n_bands).

    Raises
    ------
    OutputError
        The weights do not make a mesh.
    """
    if not (weights >= 0).all() or not weights.sum() > 0:
        raise OutputError(f"{source.path}: the weights of the k-points do not make a mesh")
    normed = weights / weights.sum()
    spins = len(columns) // 2
    energies, occupations = columns[:spins], columns[spins:]
    once = float((occupations.sum(axis=(0, 2)) * normed).sum())
    spinors = spins == 1 and abs(once - electrons) < abs(2 * once - electrons)
    return Eigenvalues(points, normed, energies, occupations, fermi_level, spinors)


def line_start(source: Source, number: int) -> int:
    """Return the offset of a line, counted from 0.

    Raises
    ------
    OutputError
        The file has fewer lines.
    """
    at = 0
    for line in range(number):
        at = source.data.find(b"\n", at) + 1
        if not at:
            raise source.damaged(len(source.data), f"it ends after {line} lines, before its tables begin")
    return at


def cell_lengths(source: Source) -> tuple[float, float, float] | None:
    """Return the lengths of the lattice vectors in Angstrom, from the second line, which has them in meters."""
    begin = line_start(source, 1)
    tokens = source.data[begin : line_start(source, 2)].split()
    values = [to_float(token) for token in tokens[1:4]]
    if len(values) != 3 or any(value is None or not value > 0 for value in values):
        return None
    first, second, third = (1e10 * value for value in values if value is not None)
    return first, second, third


def _require_whole_lines(source: Source) -> None:
    """Raise an ``OutputError`` where the last line was cut: half a number looks like a number."""
    *_, before, last = (b"", b"", *source.data[-4096:].splitlines())
    if source.data[-1:] != b"\n" and len(last) < len(before.rstrip()):
        raise source.damaged(len(source.data), "it ends inside a line, so it was cut")


def _count(source: Source, line: int, column: int, what: str) -> int:
    tokens = source.data[line_start(source, line) : line_start(source, line + 1)].split()
    if len(tokens) < column or not tokens[column - 1].isdigit() or not 0 < int(tokens[column - 1]) < _MOST_ROWS:
        raise source.damaged(line_start(source, line), f"a number of {what} was expected in column {column}")
    return int(tokens[column - 1])


def _fields(source: Source, start: int, count: int, what: str) -> tuple[float, ...]:
    """Return the numbers of one line; two that touch (``-12.12345678-301``) are told apart by their decimals."""
    stop = source.data.find(b"\n", start)
    text = source.data[start : stop if stop >= 0 else len(source.data)]
    tokens = text.split()
    if len(tokens) != count:
        tokens = re.findall(rb"-?\d+\.\d{8}|-?\d+", text)
    values = [to_float(token) for token in tokens]
    if len(values) != count or None in values:
        raise source.damaged(start, f"{what} was expected here, not {text.strip().decode('latin-1')[:60]!r}")
    return tuple(value for value in values if value is not None)


def _block(source: Source, start: int, n_rows: int) -> tuple[np.ndarray, int]:
    """Return as many rows as announced, shape (n_rows, n_columns), and the offset behind them."""
    stop = start
    for row in range(n_rows):
        end = source.data.find(b"\n", stop) + 1
        if not end:
            # the last line may lack its newline
            end = len(source.data)
        if not source.data[stop:end].strip():
            raise source.damaged(stop, f"it ends after {row} of {n_rows} rows of this table")
        stop = end
    columns = len(source.data[start : source.data.find(b"\n", start)].split())
    values = _tokens(source, (start, stop))
    if not columns or len(values) != n_rows * columns:
        raise _odd_row(source, (start, stop), columns)
    return values.reshape(n_rows, columns), stop


def _tokens(source: Source, span: tuple[int, int]) -> np.ndarray:
    """Return all numbers between two offsets, shape (n,)."""
    text = source.data[span[0] : span[1]]
    if text.translate(None, _NUMBERS_ONLY):
        raise _odd_row(source, span, None)
    tokens = text.split()
    try:
        values = np.array(tokens, dtype=float)
    except ValueError:
        fixed = _NO_LETTER.sub(rb"E\1", text.translate(bytes.maketrans(b"dD", b"EE"))).split()
        try:
            values = np.array(fixed, dtype=float)
        except ValueError as error:
            raise _odd_row(source, span, None) from error
    if not np.isfinite(values).all():
        raise _odd_row(source, span, None)
    return values


def _odd_row(source: Source, span: tuple[int, int], columns: int | None) -> OutputError:
    """Return the error on the first row that holds another number of columns, or something else than numbers."""
    at = span[0]
    for line in source.data[span[0] : span[1]].splitlines(keepends=True):
        tokens = _NO_LETTER.sub(rb"E\1", line).split()
        if (columns is not None and len(tokens) != columns) or any(to_float(token) is None for token in tokens):
            break
        at += len(line)
    shown = source.data[at : at + 80].split(b"\n")[0].strip().decode("latin-1")[:60]
    return source.damaged(at, f"{'' if columns is None else f'{columns} '}numbers were expected here, not {shown!r}")


def _energies(source: Source, column: np.ndarray, lowest: float, highest: float) -> np.ndarray:
    """Return the grid from its ends, which the file gives with eight decimals, the column with three."""
    grid = np.linspace(lowest, highest, len(column))
    if np.abs(grid - column).max() > 2e-3:
        raise source.damaged(
            line_start(source, HEADER_LINES + 1), f"the energies do not run from {lowest:g} to {highest:g} eV"
        )
    return grid


def _projected(source: Source, sites: np.ndarray, spins: int) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return densities, shape (n_components, n_atoms, n_orbitals, n_energies), and the orbitals of the columns."""
    columns = sites.shape[2] - 1
    components = next((n for n in ((2,) if spins == 2 else (1, 4)) if columns in [n * c for c in _ORBITALS]), 0)
    if columns == 16 and spins == 1 and _are_spinors(sites[:, :, 1:]):
        components = 4
    if not components:
        raise source.damaged(
            line_start(source, HEADER_LINES), f"{columns} columns an atom fit no set of orbitals with {spins} spins"
        )
    by_component = sites[:, :, 1:].reshape(*sites.shape[:2], -1, components)
    return by_component.transpose(3, 0, 2, 1), _ORBITALS[columns // components]


def _are_spinors(values: np.ndarray) -> bool:
    """Tell four components of s, p, d, f from the sixteen orbitals s to f: no moment is larger than its density."""
    parts = values.reshape(*values.shape[:2], 4, 4)
    return bool((np.abs(parts[..., 1:]).max(axis=-1) <= parts[..., 0] + 1e-3).all())
