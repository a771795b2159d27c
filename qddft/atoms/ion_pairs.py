"""Ion pairs: both ions rigid in their lowest conformers, docked where opposite charges come closest.

The charge of an ion is spread over its charged head: the anchor atoms and their hydrogens. Contacts keep 0.8 of the sum
of van der Waals radii, as N-H...O and N-H...I hydrogen bonds do; a metal ion keeps the sum of covalent radii. This is
a starting point for an engine, not a minimum.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from rdkit.Chem import Mol

_CONTACT = 0.8
_POSES = 400


@dataclass(frozen=True)
class Ion:
    """One rigid ion.

    Attributes
    ----------
    numbers
        Atomic numbers, shape (n,).
    positions
        Shape (n, 3), Angstrom.
    charges
        Where its charge sits, e, shape (n,).
    """

    numbers: np.ndarray
    positions: np.ndarray
    charges: np.ndarray


def ion_of(mol: "Mol", positions: np.ndarray) -> Ion:
    """Return the ion of a connected molecule with explicit hydrogens and positions of shape (n, 3)."""
    from rdkit import Chem

    from qddft.atoms.anchors import find_groups

    head = {index for group, _ in find_groups(mol) for index in group} or set(range(mol.GetNumAtoms()))
    head |= {
        neighbor.GetIdx()
        for index in head
        for neighbor in mol.GetAtomWithIdx(index).GetNeighbors()
        if neighbor.GetAtomicNum() == 1
    }
    charges = np.zeros(mol.GetNumAtoms())
    charges[sorted(head)] = Chem.GetFormalCharge(mol) / len(head)
    return Ion(np.array([atom.GetAtomicNum() for atom in mol.GetAtoms()]), positions, charges)


def docked(first: Ion, second: Ion, seed: int) -> np.ndarray:
    """Return positions of ``second`` beside ``first``, shape (n, 3), Angstrom: the best of seeded random approaches."""
    generator = np.random.default_rng(seed)
    reach = _reach(first.numbers, second.numbers)
    poses = (_approach(first, second, reach, generator) for _ in range(_POSES))
    return min(poses, key=lambda positions: _coulomb(first, second, positions))


def _reach(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return the smallest distance allowed for each pair of atoms, shape (n, m), Angstrom."""
    from ase.data import covalent_radii
    from ase.data.vdw_alvarez import vdw_radii

    metals = np.array([3, 4, 11, 12, 13, 19, 20, 37, 38, 55, 56])
    with_metal = np.isin(first, metals)[:, None] | np.isin(second, metals)[None, :]
    radii = _CONTACT * np.add.outer(vdw_radii[first], vdw_radii[second])
    return np.asarray(np.where(with_metal, np.add.outer(covalent_radii[first], covalent_radii[second]), radii))


def _approach(first: Ion, second: Ion, reach: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Turn the second ion at random and bring it along a random line to the first one's head until they touch."""
    from scipy.spatial.transform import Rotation

    turn = Rotation.random(random_state=generator)
    direction = generator.normal(size=3)
    direction /= np.linalg.norm(direction)
    start = turn.apply(second.positions - _head(second)) + _head(first)
    # |start + s d - p| = r for each pair of atoms; the largest root s is where the ions first touch
    offset = start[None, :, :] - first.positions[:, None, :]
    along = offset @ direction
    inside = along**2 - (offset**2).sum(axis=2) + reach**2
    touching = inside > 0.0
    distance = (-along[touching] + np.sqrt(inside[touching])).max(initial=0.0)
    return np.asarray(start + max(distance, 0.0) * direction)


def _head(ion: Ion) -> np.ndarray:
    weights = np.abs(ion.charges)
    return np.asarray(weights @ ion.positions / weights.sum())


def _coulomb(first: Ion, second: Ion, positions: np.ndarray) -> float:
    distances = np.linalg.norm(first.positions[:, None, :] - positions[None, :, :], axis=2)
    return float((np.outer(first.charges, second.charges) / distances).sum())
