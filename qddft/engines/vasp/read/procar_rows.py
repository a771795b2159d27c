"""The lines of PROCAR one after another, and its rows of weights to numbers, a megabyte of text at a time."""

import re
from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from qddft.core.errors import OutputError
from qddft.engines.vasp.read.fixed_width import decimals, release
from qddft.engines.vasp.read.source import Source

_ROW = re.compile(rb"\s*\d+(?:\s+-?\d*\.\d+)+\s*\Z")
_BATCH = 1 << 20
# what a row takes at least: a blank and a number for each orbital, and their total
_SHORTEST = 3


class Lines:
    """The lines of a file with the number of the current one."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self.data = source.data
        self.at = -1
        self._next = 0
        self._released = 0

    def __iter__(self) -> Iterator[bytes]:
        while self._next < len(self.data):
            yield self.take(1).strip()

    def take(self, count: int) -> bytes:
        """Return the next lines as they are; fewer where the file ends."""
        begin = self._next
        for _ in range(count):
            if self._next >= len(self.data):
                break
            end = self.data.find(b"\n", self._next) + 1
            self._next = end or len(self.data)
            self.at += 1
        return self.data[begin : self._next]

    def ahead(self) -> bytes:
        """Return the start of the next line, without the blanks around it."""
        return self.data[self._next : self._next + 64].split(b"\n")[0].strip()

    def release(self) -> None:
        """Let go of the pages that were read."""
        release(self.data, self._released, self._next)
        self._released = self._next

    def error(self, what: str, at: int | None = None) -> OutputError:
        """Return the error that names the current line, or another one."""
        return OutputError(f"{self._source.path}, line {(self.at if at is None else at) + 1}: {what}")


class ProcarRows:
    """Rows of weights; kept as text until there is a megabyte of it, then turned into numbers at once."""

    def __init__(self, lines: Lines, n_atoms: int) -> None:
        self._lines, self._n_atoms = lines, n_atoms
        self._blocks: list[tuple[int, bytes]] = []
        self._size = self._filled = self._columns = 0
        # memory that is not filled is not used
        self._table = np.empty((0, 0))

    def take(self, columns: int) -> None:
        """Take the next table: as many rows as atoms, of this many numbers behind that of the atom.

        Raises
        ------
        OutputError
            The file ends before, or (now or at a later call) a row is damaged; the message names its line.
        """
        first = self._lines.at + 1
        block = self._lines.take(self._n_atoms)
        if self._lines.at + 1 - first < self._n_atoms:
            raise self._lines.error(f"it ends inside the table of {self._n_atoms} ions", self._lines.at + 1)
        self._columns = columns
        self._blocks.append((first, block))
        self._size += len(block)
        if self._size > _BATCH:
            self._convert()

    def weights(self) -> np.ndarray:
        """Return all rows without their totals, shape (n_rows, n_orbitals).

        Raises
        ------
        OutputError
            A row is damaged.
        """
        self._convert()
        return self._table[: self._filled]

    def _convert(self) -> None:
        if not self._blocks:
            return
        values = _aligned(b"".join(block for _, block in self._blocks), self._n_atoms, self._columns)
        if values is None:
            values = np.concatenate([self._one_by_one(first, block) for first, block in self._blocks])
        if not self._filled:
            most = len(self._lines.data) // (_SHORTEST * self._columns) + len(values)
            self._table = np.empty((most, self._columns - 1))
        self._table[self._filled : self._filled + len(values)] = values[:, :-1]
        self._filled += len(values)
        self._blocks, self._size = [], 0
        self._lines.release()

    def _one_by_one(self, first: int, block: bytes) -> np.ndarray:
        rows = block.split(b"\n")[: self._n_atoms]
        for number, row in enumerate(rows):
            if row.split()[:1] != [b"%d" % (number + 1)]:
                raise self._lines.error(f"the row of ion {number + 1} was expected here", first + number)
            if len(row.split()) != self._columns + 1 or not _ROW.match(row):
                raise self._lines.error(f"{self._columns} numbers were expected behind the ion", first + number)
        values = np.array(b" ".join(rows).split(), dtype=float).reshape(len(rows), -1)
        if not np.isfinite(values).all():
            raise self._lines.error("a weight is not a finite number", first)
        return values[:, 1:]


def _aligned(text: bytes, n_atoms: int, columns: int) -> np.ndarray | None:
    """Return the numbers of rows that all have the same layout, shape (n_rows, columns); ``None`` where they do not."""
    length = text.find(b"\n") + 1
    n_rows, rest = divmod(len(text), length) if length else (0, 1)
    if rest or n_rows % n_atoms or text[length - 1 :: length] != b"\n" * n_rows:
        return None
    dots = [at for at in range(length) if text[at : at + 1] == b"."]
    width = dots[1] - dots[0] if len(dots) > 1 else 0
    if len(dots) != columns or any(b - a != width for a, b in pairwise(dots)):
        return None
    behind = length - 2 - dots[-1]
    dot = width - 1 - behind
    begin = dots[0] - dot
    if dot < 1 or begin < 1:
        return None
    rows = np.frombuffer(text, dtype=np.uint8).reshape(n_rows, length)
    labels = rows[:, :begin].reshape(-1, n_atoms, begin)
    if not (labels == labels[0]).all():
        return None
    numbers = [text[at * length : at * length + begin].strip() for at in range(n_atoms)]
    if numbers != [b"%d" % (number + 1) for number in range(n_atoms)]:
        return None
    values = decimals(rows[:, begin : begin + columns * width].reshape(-1, width), dot)
    return None if values is None else values.reshape(n_rows, columns)
