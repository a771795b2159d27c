"""What of a molecule binds, attracts and stands first in the way."""

import numpy as np

from qddft.atoms.anchors import role_of
from qddft.atoms.contacts import vdw_radii
from qddft.atoms.families import Molecule
from qddft.atoms.ligand import Ligand
from qddft.atoms.surroundings import Body

_DONORS = frozenset({"N", "O", "F", "S", "P", "Cl", "Br", "I"})
_ALKALI = (3, 11, 19, 37, 55)
_BARE = frozenset({"H", "Li", "Na", "K", "Rb", "Cs"})
_PROTIC = frozenset({"N", "O", "S", "F", "Cl", "Br", "I"})


def body_of(molecule: Molecule, *, paired: bool) -> Body:
    """Describe a molecule for the judge; the cation of an ion pair may touch the anion as ions do."""
    from ase.data import atomic_numbers

    ligand, positions = molecule.ligand, molecule.positions
    numbers = np.array([atomic_numbers[symbol] for symbol in ligand.symbols])
    linked: list[list[int]] = [[] for _ in numbers]
    for i, j in sorted(ligand.graph):
        linked[i].append(j)
        linked[j].append(i)
    first = {k for i in molecule.head for k in linked[i]}
    near = {*molecule.head, *first, *(k for i in first for k in linked[i])}
    bound = [(h, linked[h][0]) for h in np.flatnonzero(numbers == 1).tolist() if linked[h]]
    return Body(
        numbers=numbers,
        radii=vdw_radii(numbers),
        anchors=molecule.head,
        donors=tuple(sorted({i for i in _not_cationic(ligand) if ligand.symbols[i] in _DONORS})),
        heads=_cationic(ligand),
        alkali=tuple(np.flatnonzero(np.isin(numbers, _ALKALI)).tolist()) if paired else (),
        beside=tuple(tuple(linked[i]) for i in molecule.head),
        near=tuple(sorted(near)),
        protons=tuple((h, heavy) for h, heavy in bound if ligand.symbols[heavy] in _PROTIC),
        length=float(np.linalg.norm(positions - positions[list(molecule.head)].mean(axis=0), axis=1).max()),
    )


def _not_cationic(ligand: Ligand) -> list[int]:
    """Return the anchor atoms, those of the heads of cations left out."""
    named = zip(ligand.anchors, ligand.anchor_kinds, strict=True)
    return [i for group, kind in named if role_of(kind) != "cation" for i in group]


def _cationic(ligand: Ligand) -> tuple[int, ...]:
    """Return the charged atoms of molecular cations."""
    named = zip(ligand.anchors, ligand.anchor_kinds, strict=True)
    found = {i for group, kind in named if role_of(kind) == "cation" for i in group if ligand.symbols[i] not in _BARE}
    return tuple(sorted(found))
