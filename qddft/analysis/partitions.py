"""Ways to divide a density of states: by element, orbital, fragment and layer.

A partition is a name and, for each of its parts, the weight (0 or 1) of every orbital of every atom.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from qddft.atoms.ions import A_CATIONS, B_CATIONS, HALIDES
from qddft.atoms.layers import layers_of
from qddft.core.errors import StructureError

if TYPE_CHECKING:
    from ase import Atoms

DOT, LIGAND = "dot", "ligand"
# where nobody labeled the atoms: F occurs in ligands (PF6), the other halides in the dot
DOT_ELEMENTS = frozenset({*A_CATIONS, *B_CATIONS, "Cl", "Br", "I"})
LIGAND_ELEMENTS = frozenset({"C", "H", "O", "N", "S", "P", "F"})
# crystals have gaps of 3-4 between their atoms, also layered ones; ligands stand beside a wider one, Angstrom
_OPEN = 5.0
# layers of a crystal are nearer than this, images of a slab farther apart, Angstrom
VACUUM = 7.0

Parts = Mapping[str, np.ndarray]


def partitions(atoms: "Atoms", orbitals: tuple[str, ...]) -> dict[str, Parts]:
    """Return the partitions that a structure allows.

    ``element`` and ``element_orbital`` always; ``fragment`` where the atoms are labeled or every element is known to
    belong to the dot or to ligands; ``layer`` where the slab has atomic layers.

    Parameters
    ----------
    atoms
        The structure.
    orbitals
        Names of the projected orbitals, ``s py pz px ...`` or ``s p d``.

    Returns
    -------
    dict
        Partition to part to weights of shape (n_atoms, n_orbitals), 0 or 1.
    """
    found: dict[str, Parts] = {
        "element": _over_atoms(_by_element(atoms), len(orbitals)),
        "element_orbital": _by_orbital(_by_element(atoms), orbitals),
    }
    for name, masks in (("fragment", fragment_masks(atoms)), ("layer", layer_masks(atoms))):
        if masks:
            found[name] = _over_atoms(masks, len(orbitals))
    return found


def fragment_masks(atoms: "Atoms") -> dict[str, np.ndarray]:
    """Return the atoms of ``dot`` and ``ligand`` and, where labeled, of each ligand; empty where nothing tells them.

    Unlabeled atoms are told by their elements, in lead halides only: oxygen is no ligand of SnO2. A crystal without
    empty space has no ligands either, whatever its molecules are.

    Returns
    -------
    dict
        Part to mask of shape (n_atoms,).
    """
    if "fragment" in atoms.arrays:
        return _labeled(atoms)
    symbols = np.array(atoms.get_chemical_symbols())
    dot, ligand = (np.isin(symbols, sorted(names)) for names in (DOT_ELEMENTS, LIGAND_ELEMENTS))
    has_ions = all((dot & np.isin(symbols, names)).any() for names in (HALIDES, B_CATIONS))
    if not (dot | ligand).all() or not has_ions:
        return {}
    if ligand.any() and max(empty_height(atoms, axis) for axis in range(3)) < _OPEN:
        return {}
    return {DOT: dot, LIGAND: ligand} if ligand.any() else {DOT: dot}


def layer_masks(atoms: "Atoms") -> dict[str, np.ndarray]:
    """Return the atoms of each atomic layer, counted from 1 at the bottom; empty where no layers can be told.

    A crystal without vacuum has none, unless its atoms are labeled.
    """
    if "layer" not in atoms.arrays and empty_height(atoms) < VACUUM:
        return {}
    try:
        layers = layers_of(atoms)
    except StructureError:
        return {}
    numbers = [int(number) for number in np.unique(layers) if number > 0]
    return {str(number): layers == number for number in numbers} if len(numbers) > 1 else {}


def inner_atoms(atoms: "Atoms") -> tuple[np.ndarray, str]:
    """Return the atoms of the bulk-like layers: those more than two layers away from either face.

    The band edges are states of BX2 layers, so that the middle is widened to hold one. A slab too thin for that has no
    bulk-like layers; then all of its atoms are returned, and the words say so.

    Returns
    -------
    tuple
        Mask of shape (n_atoms,), and what it is in words.

    Raises
    ------
    StructureError
        The structure is no slab with layers.
    """
    masks = list(layer_masks(atoms).values())
    if not masks:
        raise StructureError("the structure has no atomic layers: give the band edges of a pristine slab as reference")
    leads = np.isin(atoms.get_chemical_symbols(), B_CATIONS)
    for skipped in range(min(2, (len(masks) - 1) // 2), 0, -1):
        inner = np.any(masks[skipped : len(masks) - skipped], axis=0)
        if (inner & leads).any():
            return np.asarray(inner), f"bulk-like layers {skipped + 1} to {len(masks) - skipped} of {len(masks)}"
    words = f"all {len(masks)} layers (the slab is too thin to have bulk-like ones)"
    return np.asarray(np.any(masks, axis=0)), words


def empty_height(atoms: "Atoms", axis: int = 2) -> float:
    """Return the widest interval along a cell vector that holds no atom, normal to the other two, Angstrom."""
    one, two = (atoms.cell[other] for other in range(3) if other != axis)
    height = float(atoms.cell.volume / np.linalg.norm(np.cross(one, two)))
    places = np.sort(atoms.get_scaled_positions()[:, axis])
    return float(np.diff([*places, places[0] + 1.0]).max()) * height


def _labeled(atoms: "Atoms") -> dict[str, np.ndarray]:
    labels = np.asarray(atoms.arrays["fragment"])
    parts = {DOT: labels == 0}
    if (labels > 0).any():
        parts[LIGAND] = labels > 0
    described = atoms.info.get("qddft", {}).get("fragments", [])
    for number in np.unique(labels[labels > 0]):
        name = described[number].get("name", "") if number < len(described) else ""
        parts[f"ligand {number}: {name}" if name else f"ligand {number}"] = labels == number
    return {name: mask for name, mask in parts.items() if mask.any()}


def _by_element(atoms: "Atoms") -> dict[str, np.ndarray]:
    symbols = np.array(atoms.get_chemical_symbols())
    return {symbol: symbols == symbol for symbol in dict.fromkeys(symbols.tolist())}


def _over_atoms(masks: Mapping[str, np.ndarray], n_orbitals: int) -> Parts:
    return {name: np.repeat(mask[:, None].astype(float), n_orbitals, axis=1) for name, mask in masks.items()}


def _by_orbital(masks: Mapping[str, np.ndarray], orbitals: tuple[str, ...]) -> Parts:
    kinds = {kind: np.array([name[:1] == kind for name in orbitals], dtype=float) for kind in "spdf"}
    return {
        f"{name} {kind}": np.outer(mask, columns)
        for name, mask in masks.items()
        for kind, columns in kinds.items()
        if columns.any()
    }


def weight_matrix(parts: Parts) -> np.ndarray:
    """Return the weights of all parts, shape (n_atoms * n_orbitals, n_parts)."""
    return np.stack([weights.ravel() for weights in parts.values()], axis=1)
