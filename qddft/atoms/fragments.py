"""Take a complex apart and compare structures: what the decomposition of a binding energy needs."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from qddft.atoms.contacts import fragments_of
from qddft.core.errors import StructureError

if TYPE_CHECKING:
    from ase import Atoms


@dataclass(frozen=True)
class Parts:
    """A complex taken apart; every part keeps the cell, the positions and the fixed atoms of the whole.

    Attributes
    ----------
    slab
        Fragment 0.
    ligands
        Fragments 1 and up, in order.
    """

    slab: "Atoms"
    ligands: "tuple[Atoms, ...]"


@dataclass(frozen=True)
class Comparison:
    """How far atoms are from where they were, nearest periodic image, in Angstrom.

    Attributes
    ----------
    rms
        Root mean square over all atoms.
    largest
        Of the atom that is farthest.
    atom
        Index of that atom.
    """

    rms: float
    largest: float
    atom: int


def split(complex_: "Atoms") -> Parts:
    """Return the slab and the ligands of a complex.

    Raises
    ------
    StructureError
        The atoms have no fragment labels, or there is no slab.
    """
    numbers = sorted({int(number) for number in fragments_of(complex_)})
    if not numbers or numbers[0] != 0:
        raise StructureError("split: the structure holds no slab (fragment 0).")
    return Parts(component(complex_, 0), tuple(component(complex_, number) for number in numbers[1:]))


def component(atoms: "Atoms", number: int) -> "Atoms":
    """Return the atoms of one fragment: 0 is the slab, 1 and up are the ligands.

    Labels and the list of fragments stay as they are, so that formal charges can still be added up; anchors and sites
    are left out, because they name atoms of the whole.

    Raises
    ------
    StructureError
        There is no such fragment.
    """
    label = fragments_of(atoms)
    if number not in label:
        held = ", ".join(str(n) for n in sorted({int(n) for n in label}))
        raise StructureError(f"there is no fragment {number}; the structure holds {held}.")
    part = atoms[label == number]
    description = part.info.get("qddft", {})
    part.info["qddft"] = dict(description) | {
        "kind": "slab" if number == 0 else "molecule",
        "fragments": [_placeless(entry) for entry in description.get("fragments", [])],
        "removed": description.get("removed", []) if number == 0 else [],
    }
    return part


def _placeless(entry: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in entry.items() if key not in ("anchors", "sites", "distances")}


def compare(before: "Atoms", after: "Atoms") -> Comparison:
    """Compare two structures atom by atom.

    Parameters
    ----------
    before, after
        Same atoms in the same order; the cell of ``before`` decides what the nearest image is.

    Raises
    ------
    StructureError
        The atoms differ, or there are none.
    """
    require_same_atoms(before, after)
    if len(before) == 0:
        raise StructureError("compare: there are no atoms.")
    from ase.geometry import find_mic

    distances = find_mic(after.positions - before.positions, before.cell, before.pbc)[1]
    return Comparison(float(np.sqrt((distances**2).mean())), float(distances.max()), int(distances.argmax()))


def require_same_atoms(before: "Atoms", after: "Atoms") -> None:
    """Refuse structures whose atoms differ in number, kind or order.

    Raises
    ------
    StructureError
        They do; the first difference is named.
    """
    if len(before) != len(after):
        raise StructureError(f"the structures hold {len(before)} and {len(after)} atoms; they are not the same system.")
    different = np.flatnonzero(before.numbers != after.numbers)
    if len(different):
        k = int(different[0])
        raise StructureError(
            f"atom {k} is {before.symbols[k]} in one structure and {after.symbols[k]} in the other; "
            "bring the atoms into the same order."
        )
