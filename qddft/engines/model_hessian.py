"""A model of the Hessian of bonded atoms, from positions alone: where a relaxation starts.

Source: R. Lindh, A. Bernhardsson, G. Karlstroem, P.-A. Malmqvist, Chem. Phys. Lett. 241 (1995) 423. Stretches, bends
and torsions of all near atoms get force constants that fall off with the distances of the atoms involved.
"""

from typing import TYPE_CHECKING

import numpy as np

from qddft.core.units import BOHR_IN_A, HARTREE_IN_EV

if TYPE_CHECKING:
    from ase import Atoms

# force constants of the model: Hartree/Bohr^2 for stretches, Hartree/rad^2 for bends and torsions
STRETCH, BEND, TORSION = 0.45, 0.15, 0.005
# exponents (1/Bohr^2) and reference distances (Bohr) by rows of the periodic table; later rows count as the third
_EXPONENT = np.array([[1.0, 0.3949, 0.3949], [0.3949, 0.28, 0.28], [0.3949, 0.28, 0.28]])
_REFERENCE = np.array([[1.35, 2.10, 2.53], [2.10, 2.87, 3.40], [2.53, 3.40, 3.40]])
# pairs whose weight is below this enter no stretch; bends and torsions are made of bonded pairs only
_WEAK, _BONDED = 1e-3, 0.1
# curvature that every direction gets on top, so that no direction is free: eV/Angstrom^2
FLOOR = 0.1


def model_hessian(atoms: "Atoms", free: np.ndarray) -> np.ndarray:
    """Return the model Hessian of the free atoms.

    Parameters
    ----------
    atoms
        Structure; periodic neighbors are found by the minimum image.
    free
        Indices of the atoms that move.

    Returns
    -------
    numpy.ndarray
        Symmetric and positive definite, shape (3 n_free, 3 n_free), eV/Angstrom^2.
    """
    weight, vector = _pairs(atoms)
    column = np.full(len(atoms), -1)
    column[free] = np.arange(len(free))
    hessian = np.zeros((3 * len(free), 3 * len(free)))
    for indices, gradients, constants in (
        _stretches(weight, vector),
        _bends(weight, vector),
        _torsions(weight, vector),
    ):
        _add(hessian, column, indices, gradients, constants)
    return hessian * HARTREE_IN_EV + FLOOR * np.eye(len(hessian))


Terms = tuple[np.ndarray, np.ndarray, np.ndarray]


def _pairs(atoms: "Atoms") -> tuple[np.ndarray, np.ndarray]:
    """Return weights, shape (n, n), and minimum-image vectors i -> j, shape (n, n, 3), Angstrom."""
    from ase.geometry import get_distances

    vector, distance = get_distances(atoms.positions, cell=atoms.cell, pbc=atoms.pbc)
    rows = np.clip(np.searchsorted([2, 10], atoms.numbers), 0, 2)
    exponent, reference = _EXPONENT[np.ix_(rows, rows)], _REFERENCE[np.ix_(rows, rows)]
    weight = np.exp(np.minimum(exponent * (reference**2 - (distance / BOHR_IN_A) ** 2), 1.0))
    np.fill_diagonal(weight, 0.0)
    return weight, vector


def _stretches(weight: np.ndarray, vector: np.ndarray) -> Terms:
    """Return atom indices (m, 2), gradients of the distances (m, 2, 3) and force constants (m,), Hartree/Angstrom^2."""
    i, j = np.nonzero(np.triu(weight > _WEAK))
    unit = vector[i, j] / np.linalg.norm(vector[i, j], axis=1, keepdims=True)
    return np.stack([i, j], axis=1), np.stack([-unit, unit], axis=1), STRETCH * weight[i, j] / BOHR_IN_A**2


def _bends(weight: np.ndarray, vector: np.ndarray) -> Terms:
    """Return atom indices (m, 3), gradients of the angles (m, 3, 3), 1/Angstrom, and force constants (m,), Hartree."""
    bonded = weight > _BONDED
    j, i, k = np.nonzero(bonded[:, :, None] & bonded[:, None, :] & np.triu(np.ones_like(bonded), 1)[None])
    a, b = vector[j, i], vector[j, k]
    length_a, length_b = np.linalg.norm(a, axis=1, keepdims=True), np.linalg.norm(b, axis=1, keepdims=True)
    a, b = a / length_a, b / length_b
    cosine = (a * b).sum(axis=1, keepdims=True)
    # a straight angle has no gradient of its own; the bound keeps the expression finite
    sine = np.sqrt(np.maximum(1 - cosine**2, 0.01))
    on_i, on_k = (cosine * a - b) / (length_a * sine), (cosine * b - a) / (length_b * sine)
    constants = BEND * weight[i, j] * weight[j, k]
    return np.stack([i, j, k], axis=1), np.stack([on_i, -on_i - on_k, on_k], axis=1), constants


def _torsions(weight: np.ndarray, vector: np.ndarray) -> Terms:
    """Return atom indices (m, 4), gradients of the dihedrals (m, 4, 3), 1/Angstrom, and constants (m,), Hartree."""
    bonded = weight > _BONDED
    quads = [
        (i, j, k, n)
        for j, k in np.argwhere(np.triu(bonded))
        for i in np.flatnonzero(bonded[j])
        for n in np.flatnonzero(bonded[k])
        if i not in (k, n) and n != j
    ]
    if not quads:
        return np.empty((0, 4), dtype=int), np.empty((0, 4, 3)), np.empty(0)
    i, j, k, n = np.array(quads).T
    b1, b2, b3 = vector[i, j], vector[j, k], vector[k, n]
    normal_1, normal_2 = np.cross(b1, b2), np.cross(b2, b3)
    length = np.linalg.norm(b2, axis=1, keepdims=True)
    # nearly straight chains have no dihedral
    square_1 = np.maximum((normal_1**2).sum(axis=1, keepdims=True), 0.05)
    square_2 = np.maximum((normal_2**2).sum(axis=1, keepdims=True), 0.05)
    on_i, on_n = -length * normal_1 / square_1, length * normal_2 / square_2
    t1 = (b1 * b2).sum(axis=1, keepdims=True) / length**2
    t3 = (b3 * b2).sum(axis=1, keepdims=True) / length**2
    on_j = -(1 + t1) * on_i + t3 * on_n
    on_k = -(1 + t3) * on_n + t1 * on_i
    constants = TORSION * weight[i, j] * weight[j, k] * weight[k, n]
    return np.stack([i, j, k, n], axis=1), np.stack([on_i, on_j, on_k, on_n], axis=1), constants


def _add(
    hessian: np.ndarray, column: np.ndarray, indices: np.ndarray, gradients: np.ndarray, constants: np.ndarray
) -> None:
    """Add ``constant * gradient x gradient`` of every term to the Hessian of the free atoms, in place."""
    for first in range(indices.shape[1]):
        for second in range(indices.shape[1]):
            row, other = column[indices[:, first]], column[indices[:, second]]
            kept = (row >= 0) & (other >= 0)
            blocks = np.einsum("m,ma,mb->mab", constants[kept], gradients[kept, first], gradients[kept, second])
            rows, columns = (3 * index[kept, None] + np.arange(3) for index in (row, other))
            np.add.at(hessian, (rows[:, :, None], columns[:, None, :]), blocks)
