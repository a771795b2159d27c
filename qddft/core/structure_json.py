"""ASE ``Atoms`` to JSON and back, without loss of what qddft keeps in them.

``Atoms.info["qddft"]`` holds a JSON-able description (kind, recipe of the build, fragments with formal charges);
``Atoms.arrays["fragment"]`` says to which fragment an atom belongs: 0 is the slab, 1 and up are ligands.
"""

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from ase import Atoms

KEPT_ARRAYS = ("fragment", "layer")


def structure_to_dict(atoms: "Atoms") -> dict[str, Any]:
    """Return symbols, positions (Angstrom, 10 decimals), cell, pbc, fixed atoms, labels and description."""
    from ase.constraints import FixAtoms

    fixed: set[int] = set()
    for constraint in atoms.constraints:
        if isinstance(constraint, FixAtoms):
            fixed.update(int(i) for i in constraint.index)
    return {
        "symbols": atoms.get_chemical_symbols(),
        "positions": np.round(atoms.positions, 10).tolist(),
        "cell": np.round(atoms.cell.array, 10).tolist(),
        "pbc": [bool(p) for p in atoms.pbc],
        "fixed": sorted(fixed),
        "arrays": {name: atoms.arrays[name].tolist() for name in KEPT_ARRAYS if name in atoms.arrays},
        "info": atoms.info.get("qddft", {}),
    }


def structure_from_dict(data: dict[str, Any]) -> "Atoms":
    """Return the ``Atoms`` that ``structure_to_dict`` described."""
    from ase import Atoms
    from ase.constraints import FixAtoms

    atoms = Atoms(data["symbols"], positions=data["positions"], cell=data["cell"], pbc=data["pbc"])
    for name, values in data.get("arrays", {}).items():
        atoms.set_array(name, np.array(values, dtype=int))
    if data.get("fixed"):
        atoms.set_constraint(FixAtoms(indices=data["fixed"]))
    if data.get("info"):
        atoms.info["qddft"] = data["info"]
    return atoms
