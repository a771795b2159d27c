"""Symmetry of a structure as permutations of its atoms (spglib)."""

from typing import TYPE_CHECKING, Any

import numpy as np

from qddft.core.errors import StructureError

if TYPE_CHECKING:
    from ase import Atoms

SYMPREC = 1e-2


def kinds_of(atoms: "Atoms") -> np.ndarray:
    """Return numbers that are equal for atoms of one element, fragment and constraint, shape (n_atoms,).

    A held layer breaks the mirror between the two faces: a site of the free face has no partner on the held one.
    """
    from ase.constraints import FixAtoms

    held = np.zeros(len(atoms), dtype=int)
    for constraint in atoms.constraints:
        if isinstance(constraint, FixAtoms):
            held[constraint.index] = 1
    fragment = atoms.arrays.get("fragment", np.zeros(len(atoms), dtype=int))
    labels = np.column_stack([atoms.numbers, held, fragment])
    return np.asarray(np.unique(labels, axis=0, return_inverse=True)[1].ravel() + 1)


def symmetry_cell(atoms: "Atoms") -> tuple[Any, Any, Any]:
    """Return (cell, fractional positions, kinds) for spglib; atoms that differ in constraint or fragment differ."""
    return atoms.cell.array, atoms.get_scaled_positions(), kinds_of(atoms)


def atom_permutations(atoms: "Atoms", symprec: float = SYMPREC) -> np.ndarray:
    """Return what each space-group operation does to the atoms, integers, shape (n_operations, n_atoms).

    Entry (s, i) is the atom on whose place operation s puts atom i.

    Parameters
    ----------
    atoms
        A structure periodic in three directions.
    symprec
        Distance below which two places are one, Angstrom.

    Raises
    ------
    StructureError
        spglib finds no symmetry, for instance because two atoms coincide.
    """
    import spglib
    from scipy.spatial import cKDTree

    cell, scaled, kinds = symmetry_cell(atoms)
    found = spglib.get_symmetry((cell, scaled, kinds), symprec=symprec)
    if found is None:
        raise StructureError("spglib finds no symmetry operations: do two atoms lie on one place?")
    lengths = np.linalg.norm(cell, axis=1)
    wrapped = (scaled + 1e-9) % 1.0
    tree = cKDTree(wrapped * lengths, boxsize=lengths * (1 + 1e-12))
    permutations = np.empty((len(found["rotations"]), len(atoms)), dtype=int)
    for number, (rotation, shift) in enumerate(zip(found["rotations"], found["translations"], strict=True)):
        moved = (scaled @ rotation.T + shift + 1e-9) % 1.0
        permutations[number] = tree.query(moved * lengths)[1]
    # an image that is not met by exactly one atom would give wrong orbits, so such an operation is left out
    whole = (np.sort(permutations, axis=1) == np.arange(len(atoms))).all(axis=1)
    return np.asarray(permutations[whole])


def distinct_sets(permutations: np.ndarray, sets: list[tuple[int, ...]]) -> dict[tuple[int, ...], int]:
    """Return one member of every orbit of sets of atoms, with the number of sets in the orbit.

    Parameters
    ----------
    permutations
        From ``atom_permutations``.
    sets
        Atom indices; the first of equivalent ones is kept, in the order given.
    """
    seen: set[tuple[int, ...]] = set()
    orbits: dict[tuple[int, ...], int] = {}
    for members in sets:
        if tuple(sorted(members)) in seen:
            continue
        images = np.unique(np.sort(permutations[:, list(members)], axis=1), axis=0)
        seen.update(tuple(int(i) for i in image) for image in images)
        orbits[members] = len(images)
    return orbits
