"""How a pose touches the surface, in a few words: donors on cations, hydrogen bonds to halides."""

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from qddft.atoms.contacts import ligand_contacts

if TYPE_CHECKING:
    from ase import Atoms

# shares of the van der Waals distance up to which atoms touch: O-Pb below 3.5, H-Br below 2.6 Angstrom
_TOUCHING = 0.85
_DONORS = frozenset({"N", "O", "F", "S", "P", "Se", "Cl", "Br", "I"})
_HALIDES = frozenset({"F", "Cl", "Br", "I"})
_CATIONS = frozenset({"Pb", "Sn", "Ge", "Cs", "Rb", "K"})
# a polar hydrogen is no farther than this from its heavy atom, Angstrom
_BONDED = 1.5
# more contacts of one kind make no kind of their own
_MOST = 2

Motif = tuple[tuple[str, int], ...]


def motif_of(atoms: "Atoms") -> Motif:
    """Return the contacts of the ligands with the slab by kind, as ``(("H-Br", 1), ("O-Pb", 1))``.

    Counted are donor atoms at cations and hydrogens on a donor at halides, up to two of each kind.

    Parameters
    ----------
    atoms
        A complex.

    Raises
    ------
    StructureError
        The atoms have no fragment labels.
    """
    fragment = atoms.arrays.get("fragment", np.zeros(len(atoms), dtype=int))
    polar = _polar_hydrogens(atoms)
    found: Counter[str] = Counter()
    for contact in ligand_contacts(atoms, below=_TOUCHING):
        first, second = contact.symbols
        if fragment[contact.second]:
            continue
        held = first in _DONORS and second in _CATIONS
        bridged = contact.first in polar and second in _HALIDES
        if held or bridged:
            found[f"{first}-{second}"] += 1
    return tuple((name, min(_MOST, count)) for name, count in sorted(found.items()))


def _polar_hydrogens(atoms: "Atoms") -> frozenset[int]:
    """Return the hydrogens of the ligands that sit on a donor."""
    own = np.flatnonzero(atoms.arrays.get("fragment", np.zeros(len(atoms), dtype=int)) > 0)
    donors = [i for i in own if atoms.symbols[i] in _DONORS]
    hydrogens = [i for i in own if atoms.symbols[i] == "H"]
    if not donors or not hydrogens:
        return frozenset()
    apart = atoms.positions[hydrogens][:, None] - atoms.positions[donors][None]
    near = np.linalg.norm(apart, axis=2).min(axis=1) < _BONDED
    return frozenset(int(i) for i, holds in zip(hydrogens, near, strict=True) if holds)
