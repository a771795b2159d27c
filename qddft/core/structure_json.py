"""ASE ``Atoms`` to JSON and back, without loss of what qddft keeps in them.

``Atoms.info["qddft"]`` holds a JSON-able description (kind, recipe of the build, fragments with formal charges);
``Atoms.arrays["fragment"]`` says to which fragment an atom belongs: 0 is the slab, 1 and up are ligands.
"""

from typing import TYPE_CHECKING, Any

import numpy as np

from qddft.core.errors import StructureError

if TYPE_CHECKING:
    from ase import Atoms

KEPT_ARRAYS = ("fragment", "layer")
_PARTLY = ("FixScaled", "FixCartesian")


def structure_to_dict(atoms: "Atoms") -> dict[str, Any]:
    """Return symbols, positions (Angstrom, 10 decimals), cell, pbc, fixed atoms, labels and description.

    ``partly_fixed``, where there are such atoms, lists the kind of constraint, the atoms and which directions are held.

    Raises
    ------
    StructureError
        A constraint that is neither ``FixAtoms`` nor ``FixScaled`` or ``FixCartesian``.
    """
    fixed: set[int] = set()
    partly: list[dict[str, Any]] = []
    for constraint in atoms.constraints:
        kind = type(constraint).__name__
        if kind == "FixAtoms":
            fixed.update(int(i) for i in constraint.index)
        elif kind in _PARTLY:
            mask = [bool(held) for held in constraint.mask]
            partly.append({"kind": kind, "atoms": [int(i) for i in constraint.index], "held": mask})
        else:
            raise StructureError(
                f"the structure has a constraint {kind}, which qddft does not keep; hold whole atoms with FixAtoms, or "
                f"directions with {' or '.join(_PARTLY)}"
            )
    return ({"partly_fixed": partly} if partly else {}) | {
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
    from ase.constraints import FixAtoms, FixCartesian, FixScaled

    atoms = Atoms(data["symbols"], positions=data["positions"], cell=data["cell"], pbc=data["pbc"])
    for name, values in data.get("arrays", {}).items():
        atoms.set_array(name, np.array(values, dtype=int))
    constraints: list[Any] = [FixAtoms(indices=data["fixed"])] if data.get("fixed") else []
    kinds = {"FixScaled": FixScaled, "FixCartesian": FixCartesian}
    constraints += [kinds[item["kind"]](item["atoms"], item["held"]) for item in data.get("partly_fixed", [])]
    if constraints:
        atoms.set_constraint(constraints)
    if data.get("info"):
        atoms.info["qddft"] = data["info"]
    return atoms
