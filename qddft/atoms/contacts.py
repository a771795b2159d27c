"""Short contacts between fragments of a structure, periodic images included.

Van der Waals radii are the largest of three tables: Alvarez, Dalton Trans. 42, 8617 (2013), and Bondi with his
successors, both as shipped by ASE with their sources, and the Blue Obelisk table of RDKit. A structure without short
contacts then has none by any of them.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from qddft.core.errors import StructureError

if TYPE_CHECKING:
    from ase import Atoms

MIN_CONTACT = 0.7
# where the Blue Obelisk table is larger: O, F, P, Br, I
_BLUE_OBELISK = {8: 1.55, 9: 1.50, 15: 1.95, 35: 1.90, 53: 2.10}


@dataclass(frozen=True)
class Contact:
    """Two atoms that are close.

    Attributes
    ----------
    first, second
        Atom indices.
    symbols
        Their chemical symbols.
    image
        Lattice translation of the second atom, in cell vectors.
    distance
        Angstrom.
    ratio
        Distance over the sum of the van der Waals radii.
    """

    first: int
    second: int
    symbols: tuple[str, str]
    image: tuple[int, int, int]
    distance: float
    ratio: float

    def __str__(self) -> str:
        where = "" if self.image == (0, 0, 0) else " of a periodic image"
        return (
            f"{self.symbols[0]} {self.first} - {self.symbols[1]} {self.second}{where}: {self.distance:.2f} Å, "
            f"{self.ratio:.2f} of the van der Waals distance"
        )


@lru_cache(maxsize=1)
def vdw_table() -> np.ndarray:
    """Return van der Waals radii by atomic number, Angstrom; NaN where no table has one."""
    from ase.data import vdw_radii as bondi
    from ase.data.vdw_alvarez import vdw_radii as alvarez

    size = max(len(bondi), len(alvarez))
    table = np.full((2, size), np.nan)
    table[0, : len(bondi)], table[1, : len(alvarez)] = bondi, alvarez
    radii = np.asarray(np.fmax(*table))
    for number, radius in _BLUE_OBELISK.items():
        radii[number] = max(radii[number], radius)
    radii.flags.writeable = False
    return radii


def vdw_radii(numbers: np.ndarray) -> np.ndarray:
    """Return van der Waals radii of atomic numbers of shape (n,), Angstrom.

    Raises
    ------
    StructureError
        An element without a known radius.
    """
    radii = np.asarray(vdw_table()[numbers])
    if np.isnan(radii).any():
        from ase.data import chemical_symbols

        unknown = sorted({chemical_symbols[z] for z in numbers[np.isnan(radii)]})
        raise StructureError(f"no van der Waals radius is known for {', '.join(unknown)}.")
    return radii


def lattice_points(vectors: np.ndarray, reach: float) -> np.ndarray:
    """Return integer combinations of lattice vectors shorter than a reach, the origin left out.

    Parameters
    ----------
    vectors
        Lattice vectors as rows, shape (k, d) with k <= d, Angstrom.
    reach
        Angstrom.

    Returns
    -------
    array
        Shape (n, k), shortest first.
    """
    # |n_i| <= reach * |b_i|, b the dual basis
    limits = np.ceil(reach * np.linalg.norm(np.linalg.pinv(vectors), axis=0)).astype(int)
    grids = np.meshgrid(*(np.arange(-limit, limit + 1) for limit in limits), indexing="ij")
    points = np.stack([grid.ravel() for grid in grids], axis=1)
    lengths = np.linalg.norm(points @ vectors, axis=1)
    kept = (lengths <= reach) & points.any(axis=1)
    return np.asarray(points[kept][np.argsort(lengths[kept], kind="stable")])


def ligand_contacts(
    atoms: "Atoms", *, below: float = MIN_CONTACT, ignored: Iterable[tuple[int, int]] = ()
) -> tuple[Contact, ...]:
    """Return the contacts of ligands with the slab, with each other and with periodic images, shortest ratio first.

    Contacts inside one ligand are left out, contacts inside the slab too.

    Parameters
    ----------
    atoms
        A complex: ``arrays["fragment"]`` is 0 for the slab and counts ligands from 1.
    below
        Largest ratio of distance to the sum of van der Waals radii that is listed.
    ignored
        Pairs of atoms that are bound, such as anchor and surface atom.

    Raises
    ------
    StructureError
        The atoms have no fragment labels, or an element has no known radius.
    """
    fragment = fragments_of(atoms)
    ligand = np.flatnonzero(fragment > 0)
    if not len(ligand):
        return ()
    radii = vdw_radii(atoms.numbers)
    reach = below * (radii[ligand].max() + radii.max())
    positions, owners, images = _images_near(atoms, ligand, reach)
    first, second = _pairs(atoms.positions[ligand], positions, reach)
    i, j, shift = ligand[first], owners[second], images[second]
    other = (fragment[i] != fragment[j]) | shift.any(axis=1)
    # a pair of ligand atoms is met from both ends; keep one
    once = (fragment[j] == 0) | (i < j) | ((i == j) & _positive(shift))
    distances = np.linalg.norm(atoms.positions[i] - positions[second], axis=1)
    ratios = distances / (radii[i] + radii[j])
    kept = np.flatnonzero(other & once & (ratios < below))
    bound = {frozenset(pair) for pair in ignored}
    return tuple(
        _contact(atoms, int(i[k]), int(j[k]), shift[k], float(distances[k]), float(ratios[k]))
        for k in kept[np.argsort(ratios[kept], kind="stable")]
        if frozenset((int(i[k]), int(j[k]))) not in bound
    )


def fragments_of(atoms: "Atoms") -> np.ndarray:
    """Return ``arrays["fragment"]``.

    Raises
    ------
    StructureError
        There is none.
    """
    if "fragment" not in atoms.arrays:
        raise StructureError('the structure has no arrays["fragment"]; make it with build_slab and attach.')
    return np.asarray(atoms.arrays["fragment"])


def _contact(atoms: "Atoms", i: int, j: int, shift: np.ndarray, distance: float, ratio: float) -> Contact:
    n, m, k = (int(x) for x in shift)
    return Contact(i, j, (atoms.symbols[i], atoms.symbols[j]), (n, m, k), distance, ratio)


def _positive(shift: np.ndarray) -> np.ndarray:
    """Tell which translations come after their own inverse, shape (n,)."""
    weights = np.array([10**8, 10**4, 1])
    return np.asarray(shift @ weights > 0)


def _images_near(atoms: "Atoms", ligand: np.ndarray, reach: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return positions, atom indices and translations of all atoms and images that may touch a ligand."""
    periodic = np.flatnonzero(atoms.pbc)
    low = atoms.positions[ligand].min(axis=0) - reach
    high = atoms.positions[ligand].max(axis=0) + reach
    shifts = np.zeros((1, 3), dtype=int)
    if len(periodic):
        span = np.linalg.norm(np.maximum(high, atoms.positions.max(0)) - np.minimum(low, atoms.positions.min(0)))
        points = lattice_points(atoms.cell.array[periodic], float(span))
        shifts = np.zeros((len(points) + 1, 3), dtype=int)
        shifts[1:, periodic] = points
    moved = atoms.positions[None, :, :] + (shifts @ atoms.cell.array)[:, None, :]
    inside = ((moved >= low) & (moved <= high)).all(axis=2)
    which, owners = np.nonzero(inside)
    return moved[inside], owners, shifts[which]


def _pairs(centers: np.ndarray, positions: np.ndarray, reach: float) -> tuple[np.ndarray, np.ndarray]:
    """Return index pairs closer than a reach."""
    from scipy.spatial import cKDTree

    found = cKDTree(positions).query_ball_point(centers, reach)
    counts = [len(row) for row in found]
    return np.repeat(np.arange(len(centers)), counts), np.array([k for row in found for k in row], dtype=int)
