"""Shapes of small inorganic ions and molecules that organic force fields get wrong."""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from rdkit.Chem import Mol

_OCTAHEDRON = ((1, 0, 0), (-1, 0, 0), (0, 1, 0), (0, -1, 0), (0, 0, 1), (0, 0, -1))
_SIN_120 = 3.0**0.5 / 2.0
_BIPYRAMID = ((0, 0, 1), (0, 0, -1), (1, 0, 0), (-0.5, _SIN_120, 0), (-0.5, -_SIN_120, 0))
_DIRECTIONS = {0: (), 1: ((0, 0, 1),), 5: _BIPYRAMID, 6: _OCTAHEDRON}


def known_shape(mol: "Mol") -> np.ndarray | None:
    """Return coordinates of a single atom, a diatomic, or a five- or six-fold star such as PF6, else ``None``.

    Bond lengths are sums of covalent radii (Cordero et al., Dalton Trans. 2008, 2832, as shipped by ASE).

    Returns
    -------
    array or None
        Shape (n_atoms, 3), Angstrom.
    """
    from ase.data import covalent_radii

    center = max(mol.GetAtoms(), key=lambda atom: atom.GetDegree())
    arms = [neighbor.GetIdx() for neighbor in center.GetNeighbors()]
    if len(arms) + 1 != mol.GetNumAtoms() or len(arms) not in _DIRECTIONS:
        return None
    positions = np.zeros((mol.GetNumAtoms(), 3))
    for arm, direction in zip(arms, _DIRECTIONS[len(arms)], strict=True):
        numbers = [center.GetAtomicNum(), mol.GetAtomWithIdx(arm).GetAtomicNum()]
        positions[arm] = covalent_radii[numbers].sum() * np.array(direction, dtype=float)
    return np.asarray(positions - positions.mean(axis=0))
