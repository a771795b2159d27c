"""The operation that carries the top face of a slab onto its bottom face.

Half a turn about an axis in the plane is taken where the slab has one, because it keeps the handedness of a ligand; a
mirror plane, which inverts it, only where there is no such axis.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from qddft.atoms.contacts import fragments_of
from qddft.core.errors import PlacementError
from qddft.core.frozen import freeze_fields

if TYPE_CHECKING:
    from ase import Atoms

# two places are one if they are closer than this; relaxed faces of a symmetric slab agree much better, Angstrom
_TOLERANCE = 0.1
_TURNS = (
    ("rotation", ((1, 0), (0, -1))),
    ("rotation", ((-1, 0), (0, 1))),
    ("rotation", ((0, 1), (1, 0))),
    ("rotation", ((0, -1), (-1, 0))),
    ("mirror", ((1, 0), (0, 1))),
    ("mirror", ((-1, 0), (0, -1))),
    ("mirror", ((0, 1), (-1, 0))),
    ("mirror", ((0, -1), (1, 0))),
)


@dataclass(frozen=True)
class FaceSwap:
    """A symmetry operation of the slab that exchanges its faces.

    Attributes
    ----------
    kind
        ``rotation`` (half a turn, keeps handedness) or ``mirror`` (inverts it).
    matrix
        Shape (3, 3).
    shift
        Shape (3,), Angstrom: a place r goes to matrix @ r + shift.
    partner
        The slab atom on whose place each slab atom comes; -1 for ligand atoms; shape (n_atoms,).
    """

    kind: str
    matrix: np.ndarray
    shift: np.ndarray
    partner: np.ndarray

    def __post_init__(self) -> None:
        freeze_fields(self)

    def applied(self, positions: np.ndarray) -> np.ndarray:
        """Return where positions of shape (n, 3) go."""
        return np.asarray(positions @ self.matrix.T + self.shift)


def face_swap(slab: "Atoms") -> FaceSwap:
    """Return the operation that exchanges the faces of a slab; ligands and held layers do not matter.

    Raises
    ------
    PlacementError
        The faces are not equivalent.
    """
    own = np.flatnonzero(fragments_of(slab) == 0)
    found = next(_operations(slab.positions[own], slab.numbers[own], slab.cell.array[:2]), None)
    if found is None:
        raise PlacementError(
            "faces='both': the two faces of this slab are not equivalent, so that one ligand cannot be the image of "
            "the other. Take a slab with equal faces, or attach to faces='top' and then to faces='bottom'."
        )
    partner = np.full(len(slab), -1)
    partner[own] = own[found.partner]
    return FaceSwap(found.kind, found.matrix, found.shift, partner)


def _operations(positions: np.ndarray, numbers: np.ndarray, lattice: np.ndarray):  # type: ignore[no-untyped-def]
    """Yield the operations that map the atoms on themselves."""
    from scipy.spatial import cKDTree

    plane = lattice[:, :2]
    lengths = np.linalg.norm(plane, axis=1)
    middle = (positions[:, 2].max() + positions[:, 2].min()) / 2

    def folded(points: np.ndarray, kinds: np.ndarray) -> np.ndarray:
        fractions = (points[:, :2] @ np.linalg.inv(plane) + 1e-9) % 1.0
        # kinds far apart in a fourth direction keep unlike atoms from meeting
        return np.column_stack([fractions * lengths, points[:, 2], 100.0 * kinds])

    box = [*(lengths * (1 + 1e-12)), 0.0, 0.0]
    tree = cKDTree(folded(positions, numbers), boxsize=box)
    highest = np.flatnonzero(positions[:, 2] > positions[:, 2].max() - 1.5)
    lowest = np.flatnonzero(positions[:, 2] < positions[:, 2].min() + 1.5)
    kinds, counts = np.unique(numbers[highest], return_counts=True)
    rarest = kinds[counts.argmin()]
    start = highest[numbers[highest] == rarest][0]
    for kind, turn in _TURNS:
        matrix = np.diag([0.0, 0.0, -1.0])
        matrix[:2, :2] = turn
        coefficients = plane @ matrix[:2, :2].T @ np.linalg.inv(plane)
        if np.abs(coefficients - np.round(coefficients)).max() > 1e-3:
            continue
        for end in lowest[numbers[lowest] == rarest]:
            shift = positions[end] - matrix @ positions[start]
            shift[2] = 2 * middle
            distance, partner = tree.query(folded(positions @ matrix.T + shift, numbers), p=2)
            if distance.max() < _TOLERANCE and len(np.unique(partner)) == len(partner):
                yield FaceSwap(kind, matrix, shift, partner)
