"""The atoms of a face around one molecule, images where they are and not brought into one cell."""

import numpy as np

from qddft.atoms.contacts import lattice_points
from qddft.atoms.faces import Face
from qddft.atoms.surroundings import Surroundings, described

_SAME = 0.1  # Angstrom


def points_around(
    face: Face, numbers: np.ndarray, box: np.ndarray, below: float, without: np.ndarray | None
) -> Surroundings:
    """Return atoms and images in a lateral box.

    Parameters
    ----------
    face
        The face.
    numbers
        Atomic numbers of all atoms, shape (n_atoms,).
    box
        Lower and upper corner in the plane, shape (2, 2), Angstrom.
    below
        How far down from the face, Angstrom.
    without
        The place of an ion that is taken away, shape (3,), Angstrom.
    """
    reach = np.flatnonzero(face.positions[:, 2] > face.height - below)
    middle = np.array([*box.mean(axis=0), face.height])
    near = face.nearest_image(face.positions[reach], middle)
    half = float(np.linalg.norm(box[1] - box[0])) / 2
    shifts = np.vstack([np.zeros((1, 2), dtype=int), lattice_points(face.lattice, 2 * half + 30.0)]) @ face.lattice
    images = near[:, None, :] + shifts[None, :, :]
    inside = ((images[..., :2] > box[0]) & (images[..., :2] < box[1])).all(axis=2)
    which, number = np.nonzero(inside)
    positions, owners = images[which, number], reach[which]
    if without is not None:
        kept = np.linalg.norm(positions - without, axis=1) > _SAME
        positions, owners = positions[kept], owners[kept]
    return described(face, numbers, np.zeros(3), positions, owners)
