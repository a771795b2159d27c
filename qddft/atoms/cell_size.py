"""How large a lateral cell a molecule needs."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from qddft.atoms.slab_options import parse_supercell, parts_of_turned, turned_cell, turned_label

if TYPE_CHECKING:
    from ase import Atoms

_LARGEST = 9


def smallest_cell(slab: "Atoms", fits: Callable[[np.ndarray], bool]) -> str | None:
    """Return the name and size of the smallest larger supercell in which a molecule fits, ``None`` up to nine units.

    Parameters
    ----------
    slab
        The slab whose cell is too small.
    fits
        Tells whether the molecule stays clear of its images in a lateral lattice of shape (2, 3), Angstrom.
    """
    for label, lattice in larger_cells(slab):
        if fits(lattice):
            a, b = np.linalg.norm(lattice, axis=1)
            return f"{label} ({a:.1f} x {b:.1f} Å)"
    return None


def larger_cells(slab: "Atoms") -> Iterator[tuple[str, np.ndarray]]:
    """Yield (name, lateral lattice of shape (2, 3) in Angstrom) of supercells that hold this one, smallest first.

    Cells of a slab that repeats with the pseudo-cubic edge grow by single units, others by whole multiples.
    """
    label = str(slab.info.get("qddft", {}).get("supercell", "1x1"))
    matrix = parse_supercell(label)[0]
    lattice = slab.cell.array[:2]
    unit = np.linalg.inv(matrix) @ lattice
    straight = "sqrt" not in label
    found: list[tuple[int, str, np.ndarray]] = []
    if not _repeats(slab, unit):
        step = range(1, _LARGEST + 1)
        pairs = [(p, q) for p in step for q in step if straight or p == q]
        found = [(p * q, _multiple(label, p, q), np.diag([p, q]) @ matrix) for p, q in pairs]
    else:
        least = np.abs(np.diag(matrix)) if straight else np.array([_LARGEST + 1, _LARGEST + 1])
        sizes = range(1, _LARGEST + 1)
        found = [
            (n * m, f"{n}x{m}", np.diag([n, m]))
            for n in sizes
            for m in sizes
            if (n >= least[0] and m >= least[1]) or n == m
        ]
        found += [(2 * k * k, turned_label(2, k), turned_cell(2, k)) for k in sizes]
    area = abs(round(float(np.linalg.det(matrix)))) if _repeats(slab, unit) else 1
    for size, name, cells in sorted(found, key=lambda item: (item[0], item[1])):
        if size > area:
            yield name, cells @ unit


def _multiple(label: str, p: int, q: int) -> str:
    """Name a cell repeated p times q times."""
    if parts := parts_of_turned(label):
        return turned_label(parts[1], p * parts[0])
    n, m = (int(part) for part in label.split("x"))
    return f"{n * p}x{m * q}"


def _repeats(slab: "Atoms", unit: np.ndarray) -> bool:
    """Tell whether the slab repeats with both pseudo-cubic edges."""
    from scipy.spatial import cKDTree

    own = slab.arrays["fragment"] == 0
    positions, numbers = slab.positions[own], slab.numbers[own]
    plane = slab.cell.array[:2, :2]
    lengths = np.linalg.norm(plane, axis=1)

    def folded(points: np.ndarray) -> np.ndarray:
        fractions = (points[:, :2] @ np.linalg.inv(plane) + 1e-6) % 1.0
        return np.column_stack([fractions * lengths, points[:, 2]])

    tree = cKDTree(folded(positions), boxsize=[*(lengths * (1 + 1e-12)), 0.0])
    for edge in unit:
        distance, partner = tree.query(folded(positions + edge))
        if distance.max() > 0.1 or (numbers[partner] != numbers).any():
            return False
    return True
