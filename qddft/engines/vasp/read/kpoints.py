"""KPOINTS: automatic meshes, explicit lists and band paths."""

from pathlib import Path

import numpy as np

from qddft.core.errors import OutputError
from qddft.engines.vasp.read.numbers import to_float
from qddft.engines.vasp.read.readings import KMesh, listed
from qddft.engines.vasp.read.source import read_text_file


def read_kpoints(path: Path) -> KMesh:
    """Read a KPOINTS file, plain or compressed.

    A length-based mesh (``Automatic``) is decided by VASP from the cell, so its subdivisions stay ``None`` here.

    Raises
    ------
    OutputError
        The file ends too early or its numbers cannot be read; the message names the line.
    """
    lines = read_text_file(path).splitlines()
    if len(lines) < 4:
        raise OutputError(f"{path} ends after line {len(lines)}; a KPOINTS file has at least four")
    count, mode = to_float(lines[1].split()[0]) if lines[1].split() else None, lines[2].strip().lower()[:1]
    if count is None:
        raise OutputError(f"{path}, line 2: a number of k-points was expected, not {lines[1].strip()!r}")
    if mode == "l":
        return KMesh("line", None)
    if count == 0:
        return _automatic(path, lines, mode)
    return _listed(path, lines, round(count))


def _automatic(path: Path, lines: list[str], mode: str) -> KMesh:
    if mode not in ("g", "m"):
        return KMesh("gamma", None)
    first, second, third = (round(n) for n in _numbers(path, lines, 3, 3))
    if min(first, second, third) < 1:
        raise OutputError(f"{path}, line 4: subdivisions have to be positive, not {lines[3].strip()!r}")
    shifted = len(lines) > 4 and len(lines[4].split()) >= 3
    one, two, three = _numbers(path, lines, 4, 3) if shifted else (0.0, 0.0, 0.0)
    return KMesh("gamma" if mode == "g" else "monkhorst-pack", (first, second, third), (one, two, three))


def _listed(path: Path, lines: list[str], count: int) -> KMesh:
    if len(lines) < 3 + count:
        raise OutputError(f"{path} announces {count} k-points in line 2 and ends after line {len(lines)}")
    rows = np.array([_numbers(path, lines, 3 + i, 4) for i in range(count)]).reshape(count, 4)
    if lines[2].strip().lower()[:1] in ("c", "k"):
        return KMesh("list", None, n_points=count)
    return listed(rows[:, :3], rows[:, 3])


def _numbers(path: Path, lines: list[str], number: int, count: int) -> list[float]:
    values = [to_float(token) for token in lines[number].split()[:count]]
    if len(values) != count or None in values:
        raise OutputError(f"{path}, line {number + 1}: {count} numbers were expected, not {lines[number].strip()!r}")
    return [value for value in values if value is not None]
