"""What a user may say about a nanocrystal: its size and its faces."""

import math
import re
from collections.abc import Sequence
from numbers import Integral, Real

import numpy as np

from qddft.atoms.slab_options import Termination, parse_termination
from qddft.core.errors import StructureError

Size = float | str | Sequence[float]
LARGEST_NM = 15.0
_NM = 10.0  # Angstrom


def parse_size(size: Size, edges: np.ndarray) -> tuple[int, int, int]:
    """Return the number of pseudo-cubic cells along each axis.

    Parameters
    ----------
    size
        Whole numbers are cells: ``(8, 8, 8)``, ``"3x5x7"``; numbers with a point, or with the unit, are edges in nm:
        ``5.0``, ``"5nm"``, ``(4.0, 4.0, 6.0)``, ``"4x4x6nm"``. One edge in nm makes a cube, one whole number does too.
    edges
        Pseudo-cubic lattice constants, shape (3,), Angstrom.

    Raises
    ------
    StructureError
        Something else, less than one cell, or an edge above 15 nm.
    """
    numbers, in_nm = _read(size)
    if len(numbers) == 1:
        numbers = numbers * 3
    if len(numbers) != 3 or not all(math.isfinite(number) and number > 0 for number in numbers):
        raise StructureError(_bad_size(size))
    counts = [round(number * _NM / edge) if in_nm else int(number) for number, edge in zip(numbers, edges, strict=True)]
    for count, edge, axis in zip(counts, edges, "abc", strict=True):
        if count < 1:
            raise StructureError(f"size {size!r}: less than half a cell ({edge:.2f} Å) along {axis}; take one or more.")
        if count * edge > LARGEST_NM * _NM:
            raise StructureError(
                f"size {size!r}: {count} cells are {count * edge / _NM:.1f} nm along {axis}; nanocrystals are built up "
                f"to {LARGEST_NM:g} nm. Whole numbers are cells of {edge / _NM:.2f} nm; write 5nm or 5.0 for an edge."
            )
    return counts[0], counts[1], counts[2]


def check_seed(seed: int) -> int:
    """Return a seed.

    Raises
    ------
    StructureError
        No whole number, or a negative one.
    """
    if isinstance(seed, bool) or not isinstance(seed, Integral) or seed < 0:
        raise StructureError(f"seed {seed!r}: give a whole number, 0 or more.")
    return int(seed)


def _read(size: object) -> tuple[list[float], bool]:
    """Return the numbers and whether they are nm."""
    if isinstance(size, str):
        plain = size.lower().replace(" ", "").replace("×", "x")
        marked = plain.count("nm")
        parts = plain.replace("nm", "").split("x")
        if not all(re.fullmatch(r"\d+\.?\d*|\.\d+", part) for part in parts) or marked not in (0, 1, len(parts)):
            raise StructureError(_bad_size(size))
        return [float(part) for part in parts], bool(marked) or any("." in part for part in parts)
    listed = list(size) if isinstance(size, Sequence | np.ndarray) else [size]
    numbers = [item for item in listed if isinstance(item, Real) and not isinstance(item, bool)]
    if len(numbers) != len(listed):
        raise StructureError(_bad_size(size))
    return [float(number) for number in numbers], not all(isinstance(number, Integral) for number in numbers)


def _bad_size(size: object) -> str:
    return (
        f"size {size!r}: give cells as whole numbers, (8, 8, 8) or '3x5x7', or an edge in nm, 5.0 or '5nm' or "
        "'4x4x6nm'; all of them positive."
    )


def parse_faces(
    faces: str | Sequence[str], a_sites: Sequence[str], b_sites: Sequence[str], halides: Sequence[str]
) -> tuple[Termination, Termination, Termination]:
    """Return the kind of the faces across a, b and c.

    Parameters
    ----------
    faces
        ``CsX`` or ``PbX2`` (also with the halide) for all six faces, or three names, one for each pair of faces.
    a_sites, b_sites, halides
        Symbols on the three sublattices of the crystal.

    Raises
    ------
    StructureError
        Neither one nor three names, or an unknown one.
    """
    listed = faces.split(",") if isinstance(faces, str) else list(faces) if isinstance(faces, Sequence) else []
    names = [str(name).strip() for name in listed]
    if len(names) == 1:
        names = names * 3
    if len(names) != 3:
        raise StructureError(f"faces {faces!r}: give CsX or PbX2, or three names for the faces across a, b and c.")
    a, b, c = (parse_termination(name, a_sites, b_sites, halides)[0] for name in names)
    return a, b, c
