"""Charges and moments of single atoms, which OUTCAR lists behind the last ionic step where LORBIT asked for them."""

import re
from typing import Any

import numpy as np

from qddft.engines.vasp.read.numbers import to_float
from qddft.engines.vasp.read.source import Source

_HEAD = b"# of ion"
_TITLE = re.compile(rb"\n (total charge|magnetization \(([xyz])\))[ \t\r]*\n[ \t\r]*\n\Z")
_AXES = (b"x", b"y", b"z")


def site_rows(source: Source, start: int, n_atoms: int) -> dict[str, Any]:
    """Return ``site_charges``, shape (n_atoms,), and ``site_moments``, (n_atoms,) or (n_atoms, 3), as far as listed.

    They are sums over the spheres of the atoms (electrons, Bohr magnetons): their total is not that of the cell.

    Parameters
    ----------
    source
        The OUTCAR.
    start
        Where the last ionic step begins.
    n_atoms
        Rows of each table; one that does not have them is not taken.
    """
    tables: dict[bytes, np.ndarray] = {}
    at = len(source.data)
    while len(tables) < 1 + len(_AXES) and (at := source.data.rfind(_HEAD, start, at)) >= 0:
        title = _TITLE.search(source.data[max(at - 80, 0) : at])
        if title is None:
            continue
        name = title[2] or b"charge"
        if name in tables:
            break
        column = _last_column(source, at, n_atoms)
        if column is not None:
            tables[name] = column
    found: dict[str, Any] = {}
    if b"charge" in tables:
        found["site_charges"] = tables[b"charge"]
    moments = [tables[axis] for axis in _AXES if axis in tables]
    if len(moments) == len(_AXES):
        found["site_moments"] = np.column_stack(moments)
    elif len(moments) == 1:
        found["site_moments"] = moments[0]
    return found


def _last_column(source: Source, at: int, n_atoms: int) -> np.ndarray | None:
    """Return the totals of the rows that follow a head and a line, ``None`` where a row is missing or damaged."""
    values = []
    line = source.data.find(b"\n", source.data.find(b"\n", at) + 1) + 1
    for number in range(1, n_atoms + 1):
        end = source.data.find(b"\n", line)
        cells = source.data[line:end].split() if 0 < line <= end else []
        value = to_float(cells[-1]) if len(cells) > 1 and cells[0] == b"%d" % number else None
        if value is None:
            return None
        values.append(value)
        line = end + 1
    return np.array(values)
