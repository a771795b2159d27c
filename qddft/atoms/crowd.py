"""Atoms of ligands that stand already, found by place: clashes in time that does not grow with their number."""

from collections.abc import Iterator
from itertools import product

import numpy as np

# edge of the boxes in which atoms are kept, Angstrom
_BOX = 8.0


class Crowd:
    """Placed ligand atoms in boxes.

    Parameters
    ----------
    limit
        Smallest ratio of distances to sums of van der Waals radii.
    """

    def __init__(self, limit: float) -> None:
        self._limit = limit
        self._boxes: dict[tuple[int, ...], list[tuple[np.ndarray, np.ndarray]]] = {}

    def add(self, positions: np.ndarray, radii: np.ndarray) -> None:
        """Put atoms in: positions of shape (n, 3) and van der Waals radii of shape (n,), Angstrom."""
        boxes = np.floor(positions / _BOX).astype(int)
        kinds, member = np.unique(boxes, axis=0, return_inverse=True)
        for number, box in enumerate(kinds.tolist()):
            own = member.ravel() == number
            self._boxes.setdefault(tuple(box), []).append((positions[own], radii[own]))

    def first_clear(self, poses: np.ndarray, radii: np.ndarray) -> int | None:
        """Return the number of the first pose that keeps clear of everything, ``None`` without one.

        Parameters
        ----------
        poses
            Shape (n_poses, n_atoms, 3), Angstrom.
        radii
            Van der Waals radii of the molecule, shape (n_atoms,), Angstrom.
        """
        start, step = 0, 4
        while start < len(poses):
            clear = self._clear(poses[start : start + step], radii)
            if clear.any():
                return start + int(clear.argmax())
            start, step = start + step, 4 * step
        return None

    def _clear(self, poses: np.ndarray, radii: np.ndarray) -> np.ndarray:
        """Tell which poses keep clear, shape (n_poses,)."""
        from scipy.spatial import cKDTree

        near, sizes = self._near(poses, float(radii.max()))
        clear = np.ones(len(poses), dtype=bool)
        for size in np.unique(sizes):
            tree = cKDTree(near[sizes == size])
            for own in np.unique(radii):
                reach = self._limit * (own + size)
                points = poses[clear][:, radii == own]
                distance, _ = tree.query(points.reshape(-1, 3), distance_upper_bound=reach)
                clear[clear] = ~(distance.reshape(points.shape[:2]) < reach).any(axis=1)
                if not clear.any():
                    return clear
        return clear

    def _near(self, poses: np.ndarray, largest: float) -> tuple[np.ndarray, np.ndarray]:
        """Return positions and radii of the atoms around poses."""
        margin = self._limit * (largest + _LARGEST)
        low, high = poses.min(axis=(0, 1)) - margin, poses.max(axis=(0, 1)) + margin
        found = list(self._in_boxes(low, high))
        if not found:
            return np.empty((0, 3)), np.empty(0)
        positions = np.concatenate([item[0] for item in found])
        inside = ((positions > low) & (positions < high)).all(axis=1)
        return positions[inside], np.concatenate([item[1] for item in found])[inside]

    def _in_boxes(self, low: np.ndarray, high: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        first, last = np.floor(low / _BOX).astype(int), np.floor(high / _BOX).astype(int)
        for box in product(*(range(int(a), int(b) + 1) for a, b in zip(first, last, strict=True))):
            yield from self._boxes.get(box, ())


# no van der Waals radius of the tables in use is larger, Angstrom
_LARGEST = 3.6
