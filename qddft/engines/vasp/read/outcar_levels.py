"""Eigenvalues that OUTCAR prints behind the last Fermi level, with four decimals."""

import re

import numpy as np

from qddft.engines.vasp.read.numbers import to_float
from qddft.engines.vasp.read.source import Source
from qddft.outputs.tables import Eigenvalues, MissingTableError

_FERMI = re.compile(rb"E-fermi\s*:\s*(\S+)")
_POINT = re.compile(
    rb"\n k-point\s+(\d+)\s*:[^\n]*\n[^\n]*band No\.[^\n]*\n((?:[ \t]+\d+(?:[ \t]+-?\d*\.\d+){2}[ \t\r]*\n)*)"
)
_HEAD = b"\n k-point"
_GENERATED = b"Following reciprocal coordinates:"
_MESH = b"k-points in reciprocal lattice and weights:"
_EMPTY = re.compile(rb"\n[ \t\r]*\n")
_NONCOLLINEAR = re.compile(rb"LNONCOLLINEAR\s*=\s*T")
_WEIGHTED = re.compile(rb"^\s*(-?\d+\.\d+)\s+(-?\d+\.\d+)\s+(-?\d+\.\d+)\s+(\d*\.\d+)\s*$", re.MULTILINE)


def outcar_eigenvalues(source: Source) -> Eigenvalues:
    """Return the eigenvalues behind the last Fermi level that has any.

    Raises
    ------
    MissingTableError
        The file has none.
    OutputError
        The table is cut, or does not fit the k-points.
    """
    begin, stop = _last_table(source)
    tables = list(_POINT.finditer(source.data, begin, stop))
    heads = source.data[begin:stop].count(_HEAD)
    points, weights = _kpoints(source, begin, heads)
    numbers = [int(table[1]) for table in tables]
    spins, rest = divmod(len(tables), len(points))
    if len(tables) != heads or rest or spins not in (1, 2) or numbers != spins * list(range(1, len(points) + 1)):
        raise source.damaged(begin, f"{len(tables)} tables of bands behind here do not fit {len(points)} k-points")
    values = [np.array(table[2].split(), dtype=float).reshape(-1, 3) for table in tables]
    bands = np.arange(1, max(len(rows) for rows in values) + 1)
    odd = next((i for i, rows in enumerate(values) if not len(rows) or not np.array_equal(rows[:, 0], bands)), None)
    if odd is not None:
        raise source.damaged(tables[odd].start() + 1, f"the table of k-point {numbers[odd]} is cut or damaged")
    levels = np.array(values).reshape(spins, len(points), -1, 3)
    noncollinear = _NONCOLLINEAR.search(source.data, 0, begin) is not None
    # without spin a full level shows its two electrons
    share = 0.5 if spins == 1 and not noncollinear else 1.0
    fermi = _FERMI.match(source.data, begin)
    return Eigenvalues(
        points,
        weights / weights.sum(),
        levels[..., 1],
        levels[..., 2] * share,
        None if fermi is None else to_float(fermi[1]),
        noncollinear,
    )


def _last_table(source: Source) -> tuple[int, int]:
    """Return the offsets of the last Fermi level with bands behind it, and of the end of these."""
    stop = len(source.data)
    while (begin := source.data.rfind(b"E-fermi", 0, stop)) >= 0:
        if source.data.find(b"band No.", begin, min(begin + 4096, stop)) >= 0:
            end = source.data.find(b"\n---", begin, stop)
            if end < 0:
                raise source.damaged(stop, "it ends inside the levels")
            return begin, end
        stop = begin
    raise MissingTableError(f"{source.path} is OUTCAR: it does not hold the eigenvalues of this run")


def _kpoints(source: Source, stop: int, n_tables: int) -> tuple[np.ndarray, np.ndarray]:
    """Return coordinates and weights of the k-points.

    The list of a generated mesh has more digits than the other one, whose weights of three decimals may all be zero.
    Where atoms were displaced meshes follow each other: the last one that makes up the tables counts.
    """
    at = stop
    while (at := source.data.rfind(_GENERATED, 0, at)) >= 0:
        rows = _rows(source.data[at : source.data.find(b"cartesian", at, stop)])
        if n_tables in (len(rows), 2 * len(rows)) and rows[:, 3].sum() > 0:
            return rows[:, :3], rows[:, 3]
    rows = used_points(source, 0, stop)
    if not len(rows) or not rows[:, 3].sum() > 0:
        raise source.damaged(max(source.data.find(_MESH, 0, stop), 0), "the k-points with their weights are missing")
    return rows[:, :3], rows[:, 3]


def used_points(source: Source, start: int, stop: int) -> np.ndarray:
    """Return the first list of the points in use, shape (n, 4): eight decimals, their weights with three."""
    begin = source.data.find(_MESH, start, stop)
    if begin < 0:
        return np.empty((0, 4))
    # an empty line ends the list, with a blank in it or without, as the compiler pleased
    end = _EMPTY.search(source.data, begin, stop)
    return _rows(source.data[begin : stop if end is None else end.start()])


def _rows(text: bytes) -> np.ndarray:
    return np.array(_WEIGHTED.findall(text), dtype=float).reshape(-1, 4)
