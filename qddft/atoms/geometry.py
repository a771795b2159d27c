"""Whether coordinates agree with a bond graph."""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from rdkit.Chem import Mol

    from qddft.atoms.ligand import Ligand

# shares of the sum of covalent radii (Cordero et al., Dalton Trans. 2008, 2832, as shipped by ASE): triple bonds reach
# down to 0.78 of it, the C-C distance across bicyclo[1.1.1]pentane is 1.23 of it
SHORTEST_BOND = 0.7
LONGEST_BOND = 1.35
CLOSEST_OTHER = 1.1
_STRAIGHT = 150.0  # degrees


def is_sound(mol: "Mol", conformer: int) -> bool:
    """Tell whether all bonds of a conformer have a possible length and no other atoms overlap."""
    positions = mol.GetConformer(conformer).GetPositions()
    numbers = np.array([atom.GetAtomicNum() for atom in mol.GetAtoms()])
    pairs = [(bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()) for bond in mol.GetBonds()]
    return fits_graph(numbers, positions, pairs)


def fits_graph(numbers: np.ndarray, positions: np.ndarray, bonds: list[tuple[int, int]]) -> bool:
    """Tell whether bonds have possible lengths and no other atoms overlap.

    Parameters
    ----------
    numbers
        Atomic numbers, shape (n,).
    positions
        Shape (n, 3), Angstrom.
    bonds
        Pairs of atom indices.
    """
    from ase.data import covalent_radii

    distances = np.linalg.norm(positions[:, None, :] - positions[None, :, :], axis=2)
    ratio = distances / np.add.outer(covalent_radii[numbers], covalent_radii[numbers])
    bonded = np.zeros(ratio.shape, dtype=bool)
    for first, second in bonds:
        bonded[first, second] = bonded[second, first] = True
    lengths = ratio[bonded]
    others = ratio[~bonded & ~np.eye(len(numbers), dtype=bool)]
    return bool((lengths > SHORTEST_BOND).all() and (lengths < LONGEST_BOND).all() and (others > CLOSEST_OTHER).all())


def in_line(ligand: "Ligand", group: tuple[int, ...]) -> bool:
    """Tell whether two atoms lie on opposite sides of one that both are bonded to."""
    if len(group) != 2:
        return False
    first, second = (set(_neighbors(ligand, atom)) for atom in group)
    places = np.array(ligand.positions)
    for middle in first & second:
        one, other = (places[atom] - places[middle] for atom in group)
        cosine = float(one @ other / np.linalg.norm(one) / np.linalg.norm(other))
        if np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0))) > _STRAIGHT:
            return True
    return False


def _neighbors(ligand: "Ligand", atom: int) -> list[int]:
    return [j if i == atom else i for i, j in ligand.graph if atom in (i, j)]
