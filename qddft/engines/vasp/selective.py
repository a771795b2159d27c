"""Held atoms between ASE and pymatgen: ``FixAtoms`` there, selective dynamics here."""

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from ase import Atoms


def held_atoms(atoms: "Atoms") -> np.ndarray:
    """Return which atoms are held by ``FixAtoms``, booleans, shape (n_atoms,)."""
    from ase.constraints import FixAtoms

    held = np.zeros(len(atoms), dtype=bool)
    for constraint in atoms.constraints:
        if isinstance(constraint, FixAtoms):
            held[constraint.index] = True
    return held


def to_structure(atoms: "Atoms") -> Any:
    """Return a pymatgen ``Structure`` in the order of the atoms, held atoms as ``selective_dynamics``."""
    from pymatgen.core import Lattice, Structure

    held = held_atoms(atoms)
    flags = {"selective_dynamics": [[not fixed] * 3 for fixed in held.tolist()]} if held.any() else None
    return Structure(
        Lattice(atoms.cell.array),
        atoms.get_chemical_symbols(),
        atoms.positions,
        coords_are_cartesian=True,
        to_unit_cell=False,
        site_properties=flags,
    )


def to_atoms(structure: Any) -> "Atoms":
    """Return ASE atoms of a pymatgen ``Structure``; an atom with any direction held counts as held."""
    from ase import Atoms
    from ase.constraints import FixAtoms

    symbols = [site.specie.symbol for site in structure]
    atoms = Atoms(symbols, positions=structure.cart_coords, cell=structure.lattice.matrix, pbc=True)
    flags = structure.site_properties.get("selective_dynamics")
    held = [] if flags is None else [i for i, free in enumerate(flags) if free is not None and not all(free)]
    if held:
        atoms.set_constraint(FixAtoms(indices=held))
    return atoms
