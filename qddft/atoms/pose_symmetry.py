"""When two poses of a molecule are one: the symmetry of the clean face and the exchange of equal atoms."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from qddft.atoms.sites import primitive_operations
from qddft.core.frozen import freeze_fields

if TYPE_CHECKING:
    from ase import Atoms

# squared distance of atoms that cannot be exchanged, and heights by which elements are kept apart, Angstrom
_NEVER, _APART_KEYS = 1e12, 1e4


@dataclass(frozen=True)
class FaceSymmetry:
    """What may be done to everything on one face without changing the clean slab.

    Attributes
    ----------
    rotations
        Turns and mirror planes that keep the outward normal, shape (n, 3, 3): a point x goes to ``rotations @ x``.
    shifts
        Translation that follows each of them, shape (n, 3), Angstrom.
    primitive
        Lateral lattice of the clean slab, shape (2, 3), Angstrom.
    lattice
        Lateral lattice of the cell, shape (2, 3), Angstrom.
    """

    rotations: np.ndarray
    shifts: np.ndarray
    primitive: np.ndarray
    lattice: np.ndarray

    def __post_init__(self) -> None:
        freeze_fields(self)


def no_symmetry(slab: "Atoms") -> FaceSymmetry:
    """Return what a face without symmetry has: the translations of its cell."""
    lattice = slab.cell.array[:2].copy()
    return FaceSymmetry(np.eye(3)[None], np.zeros((1, 3)), lattice, lattice)


@dataclass(frozen=True)
class Shape:
    """Where the atoms of a pose are.

    Attributes
    ----------
    numbers
        Atomic numbers in ascending order, shape (n_atoms,).
    positions
        In the same order, slab coordinates, shape (n_atoms, 3), Angstrom.
    """

    numbers: np.ndarray
    positions: np.ndarray

    def __post_init__(self) -> None:
        freeze_fields(self)


def shape_of(numbers: np.ndarray, positions: np.ndarray) -> Shape:
    """Return atoms of shape (n_atoms,) and (n_atoms, 3) sorted by element."""
    order = np.argsort(numbers, kind="stable")
    return Shape(np.asarray(numbers)[order], np.asarray(positions)[order])


def face_symmetry(slab: "Atoms") -> FaceSymmetry:
    """Return the operations of a clean slab that leave each of its faces where it is.

    Raises
    ------
    StructureError
        spglib finds no symmetry operations.
    """
    cell, operations = primitive_operations(slab)
    inverse = np.linalg.inv(cell)
    rotations, shifts = [], []
    for rotation, shift in operations:
        turn = cell.T @ rotation @ inverse.T
        height = (shift[2] + 0.5) % 1.0 - 0.5
        if turn[2, 2] > 0.99 and abs(height) * np.linalg.norm(cell[2]) < 0.1:
            rotations.append(turn)
            shifts.append(np.array([*shift[:2], 0.0]) @ cell)
    return FaceSymmetry(np.array(rotations), np.array(shifts), cell[:2], slab.cell.array[:2].copy())


@dataclass
class Album:
    """Poses that were met, to tell whether another one is a double of one of them.

    The distance of two poses is the smallest root mean square distance of their atoms over all operations of the face,
    all translations of the clean slab, all exchanges of atoms of one element and, where a pose holds several
    molecules, all periodic images of each atom.

    Attributes
    ----------
    symmetry
        Of the clean face.
    whole
        Each pose is one molecule, so that its atoms are moved together.
    """

    symmetry: FaceSymmetry
    whole: bool = True
    _images: list[np.ndarray] = field(default_factory=list)

    def add(self, shape: Shape) -> None:
        """Take in a pose."""
        turned = np.einsum("oij,nj->oni", self.symmetry.rotations, shape.positions)
        self._images.append(turned + self.symmetry.shifts[:, None, :])

    def closer(self, shape: Shape, limit: float) -> int | None:
        """Return the number of a pose that is closer than a limit (Angstrom) to this one, ``None`` without any."""
        if not self._images:
            return None
        images = np.concatenate(self._images)
        owners = np.repeat(np.arange(len(self._images)), len(self.symmetry.shifts))
        # heights change with no operation, and exchange cannot bring sorted ones closer
        near = np.flatnonzero(_height_bounds(shape, images) < limit)
        if not len(near):
            return None
        moved, which = self._moved(shape, images[near], limit)
        apart = _squares(shape.positions[None] - moved)
        plain = np.flatnonzero(apart.mean(axis=1) < limit**2)
        if len(plain):
            return int(owners[near[which[plain[0]]]])
        for image, k in zip(moved, which, strict=True):
            if self._matched(shape, image, limit) < limit:
                return int(owners[near[k]])
        return None

    def _moved(self, shape: Shape, images: np.ndarray, limit: float) -> tuple[np.ndarray, np.ndarray]:
        """Return images moved by all lattice translations that may bring them within a limit, and which they are."""
        primitive = self.symmetry.primitive
        if self.whole:
            middles = shape.positions.mean(axis=0) - images.mean(axis=1)
            moves = np.round(middles[:, :2] @ np.linalg.inv(primitive[:, :2])) @ primitive
            # the middles of two sets of points are no farther apart than the points
            which = np.flatnonzero(np.linalg.norm(middles - moves, axis=1) < limit)
            return images[which] + moves[which, None, :], which
        reference = _rarest(shape.numbers)
        # all atoms of the set are at most this far from their partners
        reach = limit * np.sqrt(len(shape.numbers) / len(reference))
        found = [(_translations(shape.positions[reference], image[reference], primitive, reach)) for image in images]
        which = np.repeat(np.arange(len(images)), [len(moves) for moves in found])
        return images[which] + np.concatenate(found)[:, None, :], which

    def _matched(self, shape: Shape, image: np.ndarray, limit: float) -> float:
        """Return the root mean square distance with atoms of one element exchanged at best, or a bound above limit."""
        from scipy.optimize import linear_sum_assignment

        apart = shape.positions[:, None, :] - image[None, :, :]
        if not self.whole:
            lattice = self.symmetry.lattice
            apart = apart - np.round(apart[..., :2] @ np.linalg.inv(lattice[:, :2])) @ lattice
        squared = _squares(apart)
        squared[shape.numbers[:, None] != shape.numbers[None, :]] = _NEVER
        nearest = squared.min(axis=1)
        bound = float(np.sqrt(nearest.mean()))
        if bound >= limit or len(set(squared.argmin(axis=1).tolist())) == len(nearest):
            return bound
        rows, columns = linear_sum_assignment(squared)
        return float(np.sqrt(squared[rows, columns].mean()))


def pose_distance(first: Shape, second: Shape, symmetry: FaceSymmetry, *, whole: bool = True) -> float:
    """Return the distance of two poses in the sense of ``Album``, Angstrom; infinite beyond 20 Angstrom."""
    album = Album(symmetry, whole)
    album.add(second)
    low, high = 0.0, 20.0
    if album.closer(first, high) is None:
        return np.inf
    while high - low > 1e-4:
        middle = (low + high) / 2
        low, high = (low, middle) if album.closer(first, middle) is not None else (middle, high)
    return high


def _squares(vectors: np.ndarray) -> np.ndarray:
    return np.asarray(np.einsum("...i,...i->...", vectors, vectors))


def _height_bounds(shape: Shape, images: np.ndarray) -> np.ndarray:
    """Return lower bounds of the distances of images from a shape, shape (n_images,), Angstrom."""
    own = np.lexsort((shape.positions[:, 2], shape.numbers))
    # elements are in order, so that sorting by element and height sorts each element in its own places
    keys = shape.numbers * _APART_KEYS
    heights = np.sort(images[..., 2] + keys, axis=1) - keys
    apart = shape.positions[own, 2] - heights
    return np.asarray(np.sqrt((apart**2).mean(axis=1)))


def _rarest(numbers: np.ndarray) -> np.ndarray:
    """Return the atoms of the element with the fewest atoms, the heaviest of those."""
    kinds, counts = np.unique(numbers, return_counts=True)
    fewest = kinds[counts == counts.min()].max()
    return np.flatnonzero(numbers == fewest)


def _translations(first: np.ndarray, second: np.ndarray, primitive: np.ndarray, reach: float) -> np.ndarray:
    """Return lattice translations that bring an atom of the second set within reach of one of the first, shape (n, 3).

    Of each pair of atoms the four translations around their difference count.
    """
    inverse = np.linalg.inv(primitive[:, :2])
    apart = (first[:, None, :] - second[None, :, :])[..., :2].reshape(-1, 2)
    base = np.floor(apart @ inverse)
    corners = (base[:, None, :] + np.array([(0, 0), (0, 1), (1, 0), (1, 1)])).reshape(-1, 2)
    left = np.repeat(apart, 4, axis=0) - corners @ primitive[:, :2]
    near = corners[np.linalg.norm(left, axis=1) <= reach]
    return np.asarray(np.unique(near, axis=0) @ primitive)
