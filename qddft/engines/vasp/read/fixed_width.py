"""Tables of fixed width to numbers, through integer arithmetic on whole columns of digits."""

import mmap
from collections.abc import Iterator

import numpy as np

from qddft.engines.vasp.read.source import Buffer

# one block of text at a time, so that intermediate arrays stay in the processor's cache
_CHUNK = 1 << 20
_NEWLINE, _SPACE, _MINUS, _DOT, _ZERO = 10, 32, 45, 46, 48
# both the digits as an integer and the power of ten have to be exact in double precision
_MOST_DIGITS = 15


class Layout:
    """Where the numbers of a row of fixed width stand."""

    def __init__(self, length: int, begin: int, shape: tuple[int, int], dot: int) -> None:
        self.length, self.begin, self.shape, self.dot = length, begin, shape, dot

    @classmethod
    def of(cls, row: bytes, tag: bytes, columns: int) -> "Layout | None":
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


def fixed_width(data: Buffer, span: tuple[int, int], prefix: bytes, layout: Layout) -> np.ndarray | None:
    """Return the table between two offsets, or ``None`` where a row does not keep to the layout.

    Parameters
    ----------
    data
        The file.
    span
        Byte offsets; the first is the start of a line.
    prefix
        How a row begins, up to the first letter of its tag; other lines are passed over.
    layout
        Of every row.
    """
    start, stop = span
    columns, width = layout.shape
    table = np.empty(((stop - start) // layout.length + 1, columns))
    filled = 0
    for rows in _rows(data, span, prefix, layout):
        if rows is None:
            return None
        numbers = rows[:, layout.begin : layout.begin + columns * width].reshape(-1, width)
        values = decimals(numbers, layout.dot)
        if values is None:
            return None
        table[filled : filled + len(rows)] = values.reshape(-1, columns)
        filled += len(rows)
    return table[:filled] if filled else None


def _rows(data: Buffer, span: tuple[int, int], prefix: bytes, layout: Layout) -> Iterator[np.ndarray | None]:
    """Yield blocks of rows, shape (n, length of a row), bytes; ``None`` when one does not keep to the layout."""
    start, stop = span
    text = np.frombuffer(data, dtype=np.uint8, count=stop - start, offset=start)
    bracket, letter = prefix[-2], prefix[-1]
    position = 0
    while position < len(text):
        chunk = text[position : position + _CHUNK + layout.length]
        breaks = np.flatnonzero(chunk == _NEWLINE)
        if not len(breaks):
            return
        starts = np.concatenate(([0], breaks[:-1] + 1))
        opens = np.minimum(starts + len(prefix) - 2, len(chunk) - 2)
        is_row = (chunk[opens] == bracket) & (chunk[opens + 1] == letter)
        if is_row.any():
            fits = (breaks + 1 - starts)[is_row] == layout.length
            yield _checked(_take(chunk, starts[is_row], layout.length), layout) if fits.all() else None
        release(data, start + position, start + position + int(breaks[-1]))
        position += int(breaks[-1]) + 1


def _checked(rows: np.ndarray, layout: Layout) -> np.ndarray | None:
    """Return the rows if all have the same tags around their numbers."""
    end = layout.begin + layout.shape[0] * layout.shape[1]
    same = (rows[:, : layout.begin] == rows[0, : layout.begin]).all() and (rows[:, end:] == rows[0, end:]).all()
    return rows if same else None


def _take(chunk: np.ndarray, starts: np.ndarray, length: int) -> np.ndarray:
    if len(starts) * length == starts[-1] + length - starts[0]:
        return chunk[starts[0] : starts[-1] + length].reshape(len(starts), length)
    return np.asarray(np.lib.stride_tricks.sliding_window_view(chunk, length)[starts])


def release(data: Buffer, start: int, stop: int) -> None:
    """Let go of the pages of a mapped file that have been read, so that they do not add up to its size."""
    if isinstance(data, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        first = -(-start // mmap.PAGESIZE) * mmap.PAGESIZE
        if stop - first >= mmap.PAGESIZE:
            data.madvise(mmap.MADV_DONTNEED, first, (stop - first) // mmap.PAGESIZE * mmap.PAGESIZE)


def decimals(text: np.ndarray, dot: int) -> np.ndarray | None:
    """Return right-justified decimals, shape (n,), or ``None`` where one is malformed.

    The digits are added up as one integer and divided by a power of ten: both are exact in double precision (at
    most 15 digits), and IEEE division rounds correctly, so the result is what ``float`` gives.

    Parameters
    ----------
    text
        The characters, shape (n, width).
    dot
        Column of the decimal point.
    """
    characters = np.ascontiguousarray(text.T)
    digits = characters - np.uint8(_ZERO)
    left = [j for j in range(dot) if not (characters[j] == _SPACE).all()]
    right = range(dot + 1, len(characters))
    malformed = not (characters[dot] == _DOT).all() or any(digits[j].max() > 9 for j in right)
    if malformed or len(left) + len(right) > _MOST_DIGITS:
        return None
    total: np.ndarray = np.zeros(len(text), dtype=np.int64 if len(left) + len(right) > 9 else np.int32)
    negative, begun = np.zeros(len(text), dtype=bool), np.zeros(len(text), dtype=bool)
    for j in left:
        is_digit, minus = digits[j] <= 9, characters[j] == _MINUS
        # spaces, then at most one sign, then digits
        if not (is_digit | ((minus | (characters[j] == _SPACE)) & ~begun)).all():
            return None
        negative |= minus
        begun |= minus | is_digit
        total *= 10
        total += digits[j] * is_digit
    for j in right:
        total *= 10
        total += digits[j]
    values: np.ndarray = total / 10.0 ** len(right)
    if negative.any():
        np.negative(values, out=values, where=negative)
    return values
