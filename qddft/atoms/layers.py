"""Atomic layers of a slab that does not carry them, for instance one read from a POSCAR."""

from typing import TYPE_CHECKING

import numpy as np

from qddft.atoms.ions import A_CATIONS, B_CATIONS
from qddft.core.errors import StructureError

if TYPE_CHECKING:
    from ase import Atoms

# the halide of a slab; fluorine only occurs in ligands (PF6) here
_SLAB_HALIDES = ("Cl", "Br", "I")
# B cations of one layer differ less in height than this, those of two layers more, Angstrom
_SAME_LAYER = 2.0


def layers_of(atoms: "Atoms") -> np.ndarray:
    """Return the atomic layer of every atom, counted from 1 at the bottom; 0 for ligand atoms, shape (n_atoms,).

    ``arrays["layer"]`` is taken where it exists. Else the B cations are grouped by height; every other ion of the slab
    belongs to the BX2 layer or to the AX layer (half way between) that is nearest in height.

    Raises
    ------
    StructureError
        There is no B cation, or the slab has gaps: no layer follows from the heights.
    """
    if "layer" in atoms.arrays:
        return np.asarray(atoms.arrays["layer"]).copy()
    own = _slab_atoms(atoms)
    heights = _unwrapped_heights(atoms, own)
    leads = own & np.isin(atoms.get_chemical_symbols(), B_CATIONS)
    if not leads.any():
        raise StructureError('the structure has no arrays["layer"] and no Pb, Sn or Ge from which layers would follow.')
    planes = _planes(np.sort(heights[leads]))
    spacing = float(np.diff(planes).mean()) if len(planes) > 1 else 6.0
    if len(planes) > 1 and np.ptp(np.diff(planes)) > 0.5 * spacing:
        raise StructureError("the heights of the Pb atoms are not evenly spaced: give the slab as build_slab makes it.")
    edges = np.arange(-1, 2 * len(planes))
    centers = np.interp(edges, [-1, *range(0, 2 * len(planes), 2), 2 * len(planes) - 1], _with_outer(planes, spacing))
    level = edges[np.abs(heights[:, None] - centers[None, :]).argmin(axis=1)]
    # a B cation never counts to an AX layer, however far it was pulled out
    level[leads] = 2 * np.abs(heights[leads][:, None] - planes[None, :]).argmin(axis=1)
    layers = level - level[own].min() + 1
    layers[~own] = 0
    return np.asarray(layers)


def _slab_atoms(atoms: "Atoms") -> np.ndarray:
    """Tell which atoms are ions of the slab."""
    if "fragment" in atoms.arrays:
        return np.asarray(atoms.arrays["fragment"] == 0)
    return np.isin(atoms.get_chemical_symbols(), (*A_CATIONS, *B_CATIONS, *_SLAB_HALIDES))


def _unwrapped_heights(atoms: "Atoms", own: np.ndarray) -> np.ndarray:
    """Return heights with the vacuum at the ends, even where the file has the slab across the cell boundary."""
    heights = atoms.positions[:, 2].copy()
    height = float(atoms.cell[2, 2])
    if not own.any() or height <= 0:
        return np.asarray(heights)
    inside = np.sort(heights[own] % height)
    gaps = np.diff([*inside, inside[0] + height])
    start = inside[(int(gaps.argmax()) + 1) % len(inside)]
    return np.asarray((heights - start + 1e-6) % height)


def _planes(heights: np.ndarray) -> np.ndarray:
    """Return the mean heights of the groups of sorted heights."""
    groups = np.split(heights, np.flatnonzero(np.diff(heights) > _SAME_LAYER) + 1)
    return np.array([group.mean() for group in groups])


def _with_outer(planes: np.ndarray, spacing: float) -> np.ndarray:
    """Add the AX layers that may lie below the lowest and above the highest BX2 layer."""
    return np.concatenate([[planes[0] - spacing / 2], planes, [planes[-1] + spacing / 2]])
