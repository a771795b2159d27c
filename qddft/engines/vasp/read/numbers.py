"""Numbers out of text, in bulk: Fortran tables of fixed width through integer arithmetic, the rest token by token."""

import math
import re
from itertools import pairwise

import numpy as np

from qddft.engines.vasp.read.fixed_width import Layout, fixed_width
from qddft.engines.vasp.read.source import Source

_NUMBER = re.compile(rb"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eEdD][+-]?\d+)?\Z")


def to_float(token: bytes | str) -> float | None:
    """Return a Fortran number (``-.5E-01``, ``1d-5``); ``None`` for stars, NaN or anything else."""
    raw = token.encode() if isinstance(token, str) else token
    if not _NUMBER.match(raw):
        return None
    value = float(raw.lower().replace(b"d", b"e"))
    return value if math.isfinite(value) else None


def table(source: Source, span: tuple[int, int], tag: bytes, columns: int, rows: int | None = None) -> np.ndarray:
    """Return the numbers of all ``<tag> ... </tag>`` rows between two offsets.

    Parameters
    ----------
    source
        The XML file.
    span
        Where to look, two byte offsets; other lines in between (``<set>``) are passed over.
    tag
        ``v`` or ``r``.
    columns
        Numbers a row.
    rows
        How many rows there have to be; ``None`` takes what is there.

    Returns
    -------
    numpy.ndarray
        Shape (rows, columns), bit for bit what ``float`` gives for each token.

    Raises
    ------
    OutputError
        A row holds something else than ``columns`` numbers, or rows are missing; the message names the line.
    """
    values = _table(source, span, tag, columns)
    if rows is not None and len(values) != rows:
        raise source.damaged(span[0], f"{rows} rows of {columns} numbers were expected from here on, not {len(values)}")
    return values


def _table(source: Source, span: tuple[int, int], tag: bytes, columns: int) -> np.ndarray:
    start, stop = span
    opening = b"<" + tag
    first = source.data.find(opening, start, stop)
    if first < 0:
        return np.empty((0, columns))
    line_start = source.data.rfind(b"\n", 0, first) + 1
    line_end = source.data.find(b"\n", first, stop)
    if line_end > 0:
        row = source.data[line_start : line_end + 1]
        layout = Layout.of(row, tag, columns)
        if layout is not None:
            fast = fixed_width(source.data, (max(line_start, start), stop), row[: first - line_start + 2], layout)
            if fast is not None:
                return fast
    return _token_by_token(source, start, stop, tag, columns)


def _token_by_token(source: Source, start: int, stop: int, tag: bytes, columns: int) -> np.ndarray:
    """Return the table the slow way, with an error that names the line of the first bad row."""
    rows = []
    pattern = re.compile(rb"<%b(?: [^>\n]*)?>([^<\n]*)(</%b>)?" % (tag, tag))
    for match in pattern.finditer(source.data, start, stop):
        tokens = match.group(1).split()
        values = [to_float(token) for token in tokens]
        if match.group(2) is None or len(values) != columns or None in values:
            text = match.group(1).strip().decode("latin-1")
            raise source.damaged(match.start(), f"{columns} numbers were expected here, not {text[:60]!r}")
        rows.append(values)
    return np.array(rows, dtype=float).reshape(len(rows), columns)


def _cell(token: bytes) -> float | None:
    return math.nan if token == b"NaN" else to_float(token)


def plain_table(source: Source, span: tuple[int, int], widths: tuple[int, ...]) -> np.ndarray:
    """Return the rows of a Fortran table without tags, one row a line, columns of known width.

    Columns that touch each other (``0.000000000113.517567000``) are told apart by their width; where the widths do
    not fit, blanks separate. ``NaN`` comes back as it is.

    Raises
    ------
    OutputError
        A line does not hold as many numbers; the message names the line.
    """
    edges = np.cumsum((0, *widths)).tolist()
    rows = []
    offset = span[0]
    for line in source.data[span[0] : span[1]].splitlines(keepends=True):
        text = line.rstrip(b"\r\n")
        values = [_cell(text[a:b].strip()) for a, b in pairwise(edges)]
        if None in values:
            values = [_cell(token) for token in text.split()]
        if len(values) != len(widths) or None in values:
            shown = text.strip().decode("latin-1")[:60]
            raise source.damaged(offset, f"{len(widths)} numbers were expected here, not {shown!r}")
        rows.append(values)
        offset += len(line)
    return np.array(rows, dtype=float).reshape(len(rows), len(widths))
