"""KPOINTS: automatic meshes, explicit lists and band paths."""

from pathlib import Path

import numpy as np

from qddft.core.errors import OutputError
from qddft.core.hashing import content_hash
from qddft.engines.vasp.read.numbers import to_float
from qddft.engines.vasp.read.readings import KMesh, listed
from qddft.engines.vasp.read.source import read_text_file


def read_kpoints(path: Path) -> KMesh:
    """Read a KPOINTS file, plain or compressed.

    A length-based mesh (``Automatic``) is decided by VASP from the cell, so its subdivisions stay ``None`` here; see
    ``mesh_of_inputs``.

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
    if mode == "a":
        return KMesh("gamma", None, length=_numbers(path, lines, 3, 1)[0])
    if mode not in ("g", "m"):
        return _generated(path, lines, mode)
    first, second, third = (round(n) for n in _numbers(path, lines, 3, 3))
    if min(first, second, third) < 1:
        raise OutputError(f"{path}, line 4: subdivisions have to be positive, not {lines[3].strip()!r}")
    shifted = len(lines) > 4 and len(lines[4].split()) >= 3
    one, two, three = _numbers(path, lines, 4, 3) if shifted else (0.0, 0.0, 0.0)
    return _shifted("gamma" if mode == "g" else "monkhorst-pack", (first, second, third), (one, two, three))


def _shifted(name: str, divisions: tuple[int, int, int], shift: tuple[float, float, float]) -> KMesh:
    """Return a mesh under one name: Gamma-centered points moved by half a division are the even Monkhorst-Pack mesh."""
    moved = [round(abs(part) % 1.0, 5) for part in shift]
    half = [0.0 if points % 2 else 0.5 for points in divisions]
    if name == "gamma" and any(moved) and moved == half:
        return KMesh("monkhorst-pack", divisions)
    if name == "monkhorst-pack" and any(moved) and moved == half:
        return KMesh("gamma", divisions)
    if any(moved):
        return KMesh(f"{name} shifted by {' '.join(f'{part:g}' for part in shift)}", divisions, shift)
    return KMesh(name, divisions)


def _generated(path: Path, lines: list[str], mode: str) -> KMesh:
    """Return the mesh of a generating lattice; one that is no regular mesh is known by its numbers only."""
    rows = np.array([_numbers(path, lines, 3 + i, 3) for i in range(3)])
    shift = _numbers(path, lines, 6, 3) if len(lines) > 6 and len(lines[6].split()) >= 3 else [0.0, 0.0, 0.0]
    steps = np.diag(rows)
    if mode not in ("c", "k") and np.allclose(rows, np.diag(steps)) and ((steps > 1e-3) & (steps <= 1)).all():
        one, two, three = (round(1 / step) for step in steps.tolist())
        if np.allclose(steps, [1 / one, 1 / two, 1 / three], atol=1e-5):
            return _shifted("gamma", (one, two, three), (shift[0], shift[1], shift[2]))
    kind = "Cartesian" if mode in ("c", "k") else "reciprocal"
    numbers = np.round(np.vstack([rows, shift]), 5).tolist()
    return KMesh("list", None, digest=content_hash([kind, numbers]))


def _listed(path: Path, lines: list[str], count: int) -> KMesh:
    if len(lines) < 3 + count:
        raise OutputError(f"{path} announces {count} k-points in line 2 and ends after line {len(lines)}")
    rows = np.array([_numbers(path, lines, 3 + i, 4) for i in range(count)]).reshape(count, 4)
    if lines[2].strip().lower()[:1] in ("c", "k"):
        return KMesh("list", None, n_points=count, digest=content_hash(["Cartesian", np.round(rows, 5).tolist()]))
    return listed(rows[:, :3], rows[:, 3])


def _numbers(path: Path, lines: list[str], number: int, count: int) -> list[float]:
    if number >= len(lines):
        raise OutputError(f"{path} ends after line {len(lines)}; {count} numbers were expected in line {number + 1}")
    values = [to_float(token) for token in lines[number].split()[:count]]
    if len(values) != count or None in values:
        raise OutputError(f"{path}, line {number + 1}: {count} numbers were expected, not {lines[number].strip()!r}")
    return [value for value in values if value is not None]
