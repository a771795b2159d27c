"""Numbers out of text, in bulk: Fortran tables of fixed width through integer arithmetic, the rest token by token."""

import math
import re
from itertools import pairwise
from typing import Any

import numpy as np

from qddft.engines.vasp.read.source import Source

# one block of text at a time, so that intermediate arrays stay in the processor's cache
_CHUNK = 1 << 20
_NEWLINE, _SPACE, _MINUS, _DOT, _ZERO = 10, 32, 45, 46, 48
_ALLOWED = b"0123456789+-.eEdD \t\r\n"
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
        layout = _Layout.of(row, tag, columns)
        if layout is not None:
            fast = _fixed_width(source.data, (max(line_start, start), stop), row[: first - line_start + 2], layout)
            if fast is not None:
                return fast
    return _token_by_token(source, start, stop, tag, columns)


class _Layout:
    """Where the numbers of a row of fixed width stand."""

    def __init__(self, length: int, begin: int, shape: tuple[int, int], dot: int) -> None:
        self.length, self.begin, self.shape, self.dot = length, begin, shape, dot

    @classmethod
    def of(cls, row: bytes, tag: bytes, columns: int) -> "_Layout | None":
        """Work the layout out from one row; ``None`` when its columns are not equally wide."""
        begin, end = row.find(b">") + 1, row.find(b" </" + tag + b">")
        width, rest = divmod(end - begin, columns)
        if begin < 1 or end < 0 or width < 2:
            return None
        if rest:
            # vasprun.xml puts one or more extra spaces before the first column in some tables
            if row[begin : begin + rest].strip():
                return None
            begin += rest
        dots = {row.find(b".", begin + i * width) - begin - i * width for i in range(columns)}
        dot = dots.pop()
        if dots or not 0 <= dot < width - 1 or width > 18:
            return None
        return cls(len(row), begin, (columns, width), dot)


def _fixed_width(data: Any, span: tuple[int, int], prefix: bytes, layout: _Layout) -> np.ndarray | None:
    """Return the table, or ``None`` where a row does not keep to the layout."""
    start, stop = span
    columns, width = layout.shape
    text = np.frombuffer(data, dtype=np.uint8, count=stop - start, offset=start)
    mark = np.frombuffer(prefix, dtype=np.uint8)
    tail_begin = layout.begin + columns * width
    parts = []
    position = 0
    while position < len(text):
        chunk = text[position : position + _CHUNK + layout.length]
        breaks = np.flatnonzero(chunk == _NEWLINE)
        if not len(breaks):
            break
        starts = np.concatenate(([0], breaks[:-1] + 1))
        lengths = breaks + 1 - starts
        position += int(breaks[-1]) + 1
        opens = starts + len(mark) - 2
        inside = opens + 1 < len(chunk)
        is_row = np.zeros(len(starts), dtype=bool)
        is_row[inside] = (chunk[opens[inside]] == mark[-2]) & (chunk[opens[inside] + 1] == mark[-1])
        if not (lengths[is_row] == layout.length).all():
            return None
        rows = _take(chunk, starts[is_row], layout.length)
        if not len(rows):
            continue
        if not (rows[:, : layout.begin] == rows[0, : layout.begin]).all():
            return None
        if not (rows[:, tail_begin:] == rows[0, tail_begin:]).all():
            return None
        numbers = rows[:, layout.begin : tail_begin].reshape(len(rows), columns, width)
        values = _decimals(numbers, layout.dot)
        if values is None:
            return None
        parts.append(values)
    return np.concatenate(parts) if parts else None


def _take(chunk: np.ndarray, starts: np.ndarray, length: int) -> np.ndarray:
    if len(starts) and len(starts) * length == starts[-1] + length - starts[0]:
        return chunk[starts[0] : starts[-1] + length].reshape(len(starts), length)
    if not len(starts):
        return np.empty((0, length), dtype=np.uint8)
    return np.asarray(np.lib.stride_tricks.sliding_window_view(chunk, length)[starts])


def _decimals(text: np.ndarray, dot: int) -> np.ndarray | None:
    """Return the numbers of right-justified decimals, shape (rows, columns); ``None`` where one is malformed.

    The digits are added up as one integer and divided by a power of ten: both are exact in double precision (at
    most 15 digits), and IEEE division rounds correctly, so the result is what ``float`` gives.
    """
    width = text.shape[2]
    if not (text[:, :, dot] == _DOT).all():
        return None
    left, right = range(dot), range(dot + 1, width)
    used = [j for j in left if not (text[:, :, j] == _SPACE).all()]
    if len(used) + len(right) > 15:
        return None
    total = np.zeros(text.shape[:2], dtype=np.int64 if len(used) + len(right) > 9 else np.int32)
    negative = np.zeros(text.shape[:2], dtype=bool)
    begun = np.zeros(text.shape[:2], dtype=bool)
    for j in used:
        column = text[:, :, j]
        digit = column - np.uint8(_ZERO)
        is_digit = digit <= 9
        minus = column == _MINUS
        # spaces, then at most one sign, then digits
        if not (is_digit | ((minus | (column == _SPACE)) & ~begun)).all():
            return None
        negative |= minus
        begun |= minus | is_digit
        total *= 10
        total += np.where(is_digit, digit, 0).astype(total.dtype)
    for j in right:
        digit = text[:, :, j] - np.uint8(_ZERO)
        if (digit > 9).any():
            return None
        total *= 10
        total += digit
    values = total / 10.0 ** len(right)
    if negative.any():
        np.negative(values, out=values, where=negative)
    return values


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


def plain_table(source: Source, span: tuple[int, int], widths: tuple[int, ...]) -> np.ndarray:
    """Return the rows of a Fortran table without tags, one row a line, columns of known width.

    Columns that touch each other (``0.000000000113.517567000``) are told apart by their width; where the widths do
    not fit, blanks separate.

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
        values = [to_float(text[a:b].strip()) for a, b in pairwise(edges)]
        if None in values:
            values = [to_float(token) for token in text.split()]
        if len(values) != len(widths) or None in values:
            shown = text.strip().decode("latin-1")[:60]
            raise source.damaged(offset, f"{len(widths)} numbers were expected here, not {shown!r}")
        rows.append(values)
        offset += len(line)
    return np.array(rows, dtype=float).reshape(len(rows), len(widths))
