"""Whether two k-point meshes, each on its own cell, sample the Brillouin zone equally.

A mesh of n1 x n2 x n3 points on lattice vectors a1, a2, a3 has the density of one point in the cell spanned by
n1 a1, n2 a2, n3 a3 (its Born-von Karman cell). Two Gamma-centered meshes hold the same points, folded, exactly when
these cells are one lattice: 18x18 on a 1x1 slab is 9x9 on its 2x2 supercell. Along vacuum nothing has to be sampled.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

# an empty slice this thick makes a direction non-periodic, Angstrom; layered crystals have gaps of 3-4
VACUUM = 6.5
# where two directions are vacuum the third one needs less: chains of atoms have no gap this wide
_BESIDE_VACUUM = 3.0
# three gaps this wide are those of a molecule; lattice planes of metals lie up to 4.4 apart
_ON_ALL_SIDES = 4.8
# along one k-point in a cell this long nothing is sampled, so that a small gap over a long ligand is vacuum too
_LONG, _OVER_LIGAND = 12.0, 2.5
_SAME_LENGTH = 0.02
# lattice vectors as rows, fractional positions, and k-points along each direction where they are known
Cell = tuple[np.ndarray, np.ndarray, Sequence[int] | None]
_SIMILAR_DENSITY = 0.25


@dataclass(frozen=True)
class Sampling:
    """The Born-von Karman cell of a mesh along the directions that are periodic.

    Attributes
    ----------
    vectors
        Rows n_i a_i of the periodic directions, shape (n_periodic, 3), Angstrom.
    text
        For tables, for instance ``9x9x1 on 7.78 x 7.78 A``.
    """

    vectors: np.ndarray
    text: str

    @property
    def dimensions(self) -> int:
        """3 for a crystal, 2 for a slab, 0 for a molecule."""
        return len(self.vectors)


def periodic_axes(cell: np.ndarray, scaled: np.ndarray, mesh: Sequence[int] | None = None) -> tuple[bool, bool, bool]:
    """Return which lattice directions are filled with atoms, without a slice of vacuum.

    Parameters
    ----------
    cell
        Lattice vectors as rows, shape (3, 3), Angstrom.
    scaled
        Fractional positions, shape (n_atoms, 3).
    mesh
        K-points along each direction, where they are known: a single one along a long vector tells vacuum that a long
        ligand nearly fills.
    """
    if abs(np.linalg.det(cell)) < 1e-9:
        # a molecule computed without a cell
        return False, False, False
    heights = 1.0 / np.linalg.norm(np.linalg.inv(cell), axis=0)
    gaps = [_largest_gap(scaled[:, axis]) * float(heights[axis]) for axis in range(3)]
    vacuum = [gap >= VACUUM for gap in gaps]
    if mesh is not None:
        lone = [n == 1 and height >= _LONG for n, height in zip(mesh, heights, strict=True)]
        vacuum = [
            known or (alone and gap >= _OVER_LIGAND) for known, alone, gap in zip(vacuum, lone, gaps, strict=True)
        ]
    if min(gaps) >= _ON_ALL_SIDES:
        return False, False, False
    if sum(vacuum) == 2:
        vacuum = [known or gap >= _BESIDE_VACUUM for known, gap in zip(vacuum, gaps, strict=True)]
    return not vacuum[0], not vacuum[1], not vacuum[2]


def sampling(cell: np.ndarray, scaled: np.ndarray, mesh: tuple[int, int, int]) -> Sampling:
    """Return what a mesh samples along the periodic directions of a structure."""
    axes = [i for i, periodic in enumerate(periodic_axes(cell, scaled, mesh)) if periodic]
    lengths = " x ".join(f"{np.linalg.norm(cell[i]):.2f}" for i in axes)
    shown = "x".join(str(n) for n in mesh)
    return Sampling(
        np.array([mesh[i] * cell[i] for i in axes]).reshape(-1, 3), f"{shown} on {lengths or 'a molecule'} A"
    )


def same_sampling(one: Sampling, other: Sampling) -> bool | None:
    """Return whether two meshes sample equally; ``None``: not the same points, but about as densely.

    Between a crystal and a slab no mesh is the other one folded, so their densities are compared. A molecule, that
    has no bands, agrees with everything.
    """
    if not one.dimensions or not other.dimensions:
        return True
    if one.dimensions == other.dimensions and np.allclose(_invariants(one), _invariants(other), rtol=_SAME_LENGTH):
        return True
    densities = _shortest(one), _shortest(other)
    return None if abs(densities[0] / densities[1] - 1) <= _SIMILAR_DENSITY else False


def lateral_multiplicity(one: np.ndarray, other: np.ndarray) -> float | None:
    """Return how many lateral cells of ``one`` make up ``other``; ``None`` when the lattices do not fit each other.

    Both are pairs of lateral lattice vectors, shape (2, 3), Angstrom. They fit when the larger lattice is a
    superlattice of the smaller, rotated as it may be, within half a percent of a vector's length.
    """
    areas = [float(np.linalg.norm(np.cross(*pair))) for pair in (one, other)]
    ratio = areas[1] / areas[0]
    small, large = (one, other) if ratio >= 1 else (other, one)
    count = round(max(ratio, 1 / ratio))
    if abs(max(ratio, 1 / ratio) - count) > 0.01 * count:
        return None
    wanted = _metric(large)
    for combination in _superlattices(count):
        if np.allclose(_metric(combination @ small), wanted, rtol=5e-3, atol=5e-3 * wanted[0]):
            return ratio
    return None


def cell_ratio(one: Cell, other: Cell) -> float | None:
    """Return how many times a structure's cell holds another one's: by area for slabs, by volume for crystals.

    Parameters
    ----------
    one, other
        Structures; a slab whose vacuum is nearly filled by a long ligand is compared by its area as well.

    Returns
    -------
    float or None
        ``None`` where a slab meets a crystal or a molecule.
    """
    axes = [periodic_axes(*item) for item in (one, other)]
    count = [sum(item) for item in axes]
    if count[0] == 3 and count[1] == 2:
        # the ligand of the first one fills its vacuum
        axes[0], count[0] = axes[1], 2
    if count[0] != count[1] or count[0] < 2:
        return None
    sizes = [_content(item[0][list(chosen)]) for item, chosen in zip((one, other), axes, strict=True)]
    return sizes[0] / sizes[1]


def _content(vectors: np.ndarray) -> float:
    return float(np.sqrt(np.linalg.det(vectors @ vectors.T)))


def _largest_gap(values: np.ndarray) -> float:
    ordered = np.sort(values % 1.0)
    return float(np.diff(np.append(ordered, ordered[0] + 1.0)).max())


def _reduced(vectors: np.ndarray) -> np.ndarray:
    """Return the Minkowski-reduced vectors of a lattice of one, two or three dimensions."""
    from ase.geometry import minkowski_reduce

    full = np.zeros((3, 3))
    full[: len(vectors)] = vectors
    reduced, _ = minkowski_reduce(full, pbc=[i < len(vectors) for i in range(3)])
    return np.asarray(reduced[: len(vectors)])


def _invariants(item: Sampling) -> np.ndarray:
    """Return lengths of the reduced vectors, in order, and the volume they span to the power 1/n, Angstrom."""
    vectors = _reduced(item.vectors)
    gram = vectors @ vectors.T
    lengths = np.sort(np.sqrt(np.diag(gram)))
    return np.append(lengths, np.linalg.det(gram) ** (0.5 / len(vectors)))


def _shortest(item: Sampling) -> float:
    return float(_invariants(item)[0])


def _metric(vectors: np.ndarray) -> np.ndarray:
    """Return what rotations leave of two lateral vectors: squared lengths of the reduced ones and their product."""
    vectors = _reduced(vectors)
    lengths = np.sort(np.einsum("ij,ij->i", vectors, vectors))[::-1]
    return np.append(lengths, abs(float(vectors[0] @ vectors[1])))


def _superlattices(count: int) -> list[np.ndarray]:
    """Return one matrix for each two-dimensional superlattice of an index (Hermite normal forms)."""
    return [
        np.array([[first, shift], [0, count // first]])
        for first in range(1, count + 1)
        if count % first == 0
        for shift in range(count // first)
    ]
