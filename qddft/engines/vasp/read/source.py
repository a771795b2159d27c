"""Open a result file as read-only memory: plain files are mapped, compressed ones unpacked; errors name the place."""

import bz2
import lzma
import mmap
import re
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, TypeAlias

from qddft.core.errors import OutputError
from qddft.core.gzipped import GZIP_ERRORS, open_gzip

Buffer: TypeAlias = bytes | mmap.mmap

# enough for a tar header (512 bytes) and a generous banner before the first line of VASP
HEAD = 8192
# larger contents are unpacked to a temporary file instead of memory
IN_MEMORY = 512 * 1024 * 1024
# texts of VASP pack to a fiftieth at best
MOST_PACKED = 400

VASPRUN, OUTCAR, VASPOUT, OUTPUTS_JSON = "vasprun.xml", "OUTCAR", "vaspout.h5", "outputs.json"
DOSCAR, EIGENVAL, PROCAR = "DOSCAR", "EIGENVAL", "PROCAR"
_OPENERS: dict[bytes, Callable[[Path], Any]] = {
    b"\x1f\x8b": open_gzip,
    b"BZh": bz2.open,
    b"\xfd7zXZ\x00": lzma.open,
}
_BROKEN: tuple[type[Exception], ...] = (*GZIP_ERRORS, lzma.LZMAError)
_HDF5 = b"\x89HDF\r\n\x1a\n"
# DOSCAR and EIGENVAL begin alike: four integers, the cell, a temperature, CAR, the title; the sixth line differs
_CAR = re.compile(rb"(?:[ \t]*\d+){4}[ \t\r]*\n[^\n]*\n[^\n]*\n[ \t]*CAR[ \t\r]*\n[^\n]*\n([^\n]*)")
_THREE_INTEGERS = re.compile(rb"(?:\s*\d+){3}\s*")
# the standard output of VASP carries the version as well, but only OUTCAR says where it was executed
_OUTCAR = re.compile(rb"\bvasp\.\d[^\n]*\n(?s:.{0,400}?)executed on ")


@dataclass(frozen=True)
class Source:
    """One file, readable as bytes.

    Attributes
    ----------
    path
        Where it lies.
    data
        Its unpacked content.
    kind
        What it is by its content.
    """

    path: Path
    data: Buffer
    kind: str

    def damaged(self, offset: int, what: str) -> OutputError:
        """Return the error that says what is wrong at a byte of the (unpacked) file."""
        return OutputError(f"{self.path}, {self.place(offset)}: {what}")

    def place(self, offset: int) -> str:
        """Return line and byte of an offset in words."""
        step, line = 1 << 24, 1
        for start in range(0, max(offset, 0), step):
            line += self.data[start : min(start + step, offset)].count(b"\n")
        return f"line {line} (byte {offset})"

    def between(self, opening: bytes, closing: bytes, start: int, stop: int) -> tuple[int, int] | None:
        """Return where the text between two marks begins and ends, or ``None`` when the first mark is absent."""
        begin = self.data.find(opening, start, stop)
        if begin < 0:
            return None
        begin += len(opening)
        end = self.data.find(closing, begin, stop)
        if end < 0:
            raise self.damaged(begin, f"{opening.decode()} is never closed by {closing.decode()}")
        return begin, end


def sniff(head: bytes) -> str | None:
    """Return what a file is by its first bytes, whatever it is called; ``None`` when nothing here reads it."""
    if head.startswith(_HDF5):
        return VASPOUT
    if b"<modeling>" in head:
        return VASPRUN
    if _OUTCAR.search(head):
        return OUTCAR
    if head.lstrip().startswith(b"{"):
        return OUTPUTS_JSON
    if head.startswith(b"PROCAR"):
        return PROCAR
    if (table := _CAR.match(head)) is not None:
        return EIGENVAL if _THREE_INTEGERS.fullmatch(table[1]) else DOSCAR
    return None


def file_kind(path: Path) -> str | None:
    """Return what the file ``path`` is by its content.

    Raises
    ------
    OutputError
        The file cannot be opened.
    """
    try:
        return sniff(_head(path))
    except _BROKEN as error:
        raise _unreadable(path, error) from error


def open_source(path: Path) -> Source:
    """Open a result file of VASP, plain or compressed, and find out what it is.

    Raises
    ------
    OutputError
        The file is missing, empty, not a regular file, cut in its compressed form, or nothing that is read here.
    """
    if not path.is_file():
        raise OutputError(f"{path} {'is not a regular file' if path.exists() else 'does not exist'}")
    kind = file_kind(path)
    if kind is None:
        raise OutputError(_not_ours(path))
    try:
        return Source(path, _content(path), kind)
    except _BROKEN as error:
        raise _unreadable(path, error) from error


def read_text_file(path: Path, limit: int = 32 * 1024 * 1024) -> str:
    """Return a small text file (INCAR, KPOINTS, POSCAR ...), plain or compressed.

    Raises
    ------
    OutputError
        The file is missing, larger than ``limit`` bytes, binary, or cut in its compressed form.
    """
    try:
        with _opener(path)(path) as file:
            data = bytes(file.read(limit + 1))
    except _BROKEN as error:
        raise _unreadable(path, error) from error
    if len(data) > limit:
        raise OutputError(f"{path} holds more than {limit} bytes, too many for a text input of VASP")
    if b"\0" in data:
        raise OutputError(f"{path} is a binary file (byte {data.index(0)} is zero), not a text input of VASP")
    return data.decode("utf-8", errors="replace")


def _head(path: Path) -> bytes:
    with _opener(path)(path) as file:
        return bytes(file.read(HEAD))


def _opener(path: Path) -> Callable[[Path], Any]:
    with path.open("rb") as file:
        magic = file.read(6)
    return next((opener for start, opener in _OPENERS.items() if magic.startswith(start)), _open_plain)


def _open_plain(path: Path) -> IO[bytes]:
    return path.open("rb")


def _content(path: Path) -> Buffer:
    opener = _opener(path)
    if opener is _open_plain:
        with path.open("rb") as file:
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    with opener(path) as packed:
        data = packed.read(IN_MEMORY)
        rest = packed.read(1)
        if not rest:
            return bytes(data)
        most = MOST_PACKED * path.stat().st_size
        with tempfile.TemporaryFile() as unpacked:
            unpacked.write(data + rest)
            del data
            while chunk := packed.read(1 << 24):
                unpacked.write(chunk)
                if unpacked.tell() > most:
                    raise OutputError(
                        f"{path} unpacks to more than {MOST_PACKED} times its size: no output of VASP does"
                    )
            unpacked.flush()
            return mmap.mmap(unpacked.fileno(), 0, access=mmap.ACCESS_READ)


def _unreadable(path: Path, error: Exception) -> OutputError:
    return OutputError(f"{path} cannot be read: {error or type(error).__name__} (is it complete? copy it again)")


def _not_ours(path: Path) -> str:
    size = path.stat().st_size
    if not size:
        return f"{path} is empty (0 bytes): the calculation has not written anything, or the disk was full"
    start = _head(path)[:24]
    return (
        f"{path} is not a vasprun.xml, OUTCAR, vaspout.h5 or outputs.json by its content "
        f"(line 1, byte 0: it begins with {start!r}); name the result file or the folder that holds it"
    )
