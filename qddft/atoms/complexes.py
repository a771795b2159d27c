"""Join a slab and placed ligands to one labelled structure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from qddft.atoms.contacts import ligand_contacts
from qddft.atoms.faces import FaceName
from qddft.atoms.ions import A_CATIONS, B_CATIONS, FORMAL_CHARGES
from qddft.atoms.ligand import Ligand
from qddft.atoms.slab import with_vacuum
from qddft.core.errors import PlacementError

if TYPE_CHECKING:
    from ase import Atoms


@dataclass(frozen=True)
class Attached:
    """One placed ligand.

    Attributes
    ----------
    ligand
        What it is.
    positions
        Slab coordinates, shape (n_atoms, 3), Angstrom.
    face
        ``top`` or ``bottom``.
    anchors
        Ligand atoms that bind.
    sites
        Slab atoms each anchor binds to.
    removed
        Slab atom whose place was taken.
    notes
        What else ``info["qddft"]["fragments"]`` says, JSON types only.
    """

    ligand: Ligand
    positions: np.ndarray
    face: FaceName
    anchors: tuple[int, ...]
    sites: tuple[tuple[int, ...], ...]
    removed: int | None
    notes: Mapping[str, Any]


def assembled(slab: "Atoms", ligands: list[Attached], vacuum: float | None) -> "Atoms":
    """Return the complex: the slab without removed ions, earlier ligands, then these; vacuum above the highest tip.

    Parameters
    ----------
    slab
        A slab or complex.
    ligands
        What is added.
    vacuum
        Angstrom; ``None`` keeps that of the slab.
    """
    gone = sorted(item.removed for item in ligands if item.removed is not None)
    number = len(slab.info["qddft"]["fragments"])
    joined = slab.copy()
    info = _without(joined.info["qddft"], gone)
    info["removed"] = [
        *info.get("removed", []),
        *(
            _removed(slab, item.removed, f"{item.notes['mode']} of fragment {number + k}")
            for k, item in enumerate(ligands)
            if item.removed is not None
        ),
    ]
    del joined[gone]
    for item in ligands:
        entry = _entry(item, start=len(joined), gone=gone)
        info["fragments"] = [*info["fragments"], entry]
        joined.extend(_atoms(item, number))
        number += 1
    joined.info["qddft"] = info | {"kind": "complex"}
    return with_vacuum(joined, _vacuum(slab) if vacuum is None else vacuum)


def check_complete(complex_: "Atoms", ligand: Ligand, first: int, min_contact: float) -> None:
    """Check the new ligands once more, atom by atom, in the finished periodic cell.

    Parameters
    ----------
    complex_
        The structure.
    ligand
        What was attached.
    first
        Number of the first new fragment.
    min_contact
        Smallest ratio of distances to sums of van der Waals radii.

    Raises
    ------
    PlacementError
        Two atoms are too close.
    """
    fragment = complex_.arrays["fragment"]
    ignored = [*_geminal_pairs(complex_), *_donor_pairs(complex_, ligand, first)]
    for contact in ligand_contacts(complex_, below=min_contact, ignored=ignored):
        if max(fragment[contact.first], fragment[contact.second]) < first:
            continue
        if contact.image[2]:
            raise PlacementError(f"the vacuum is too thin: {contact} across the cell. Take 10 Å or more.")
        raise PlacementError(f"there is no room for the ligand: {contact}. Take another site or a larger supercell.")


def _geminal_pairs(complex_: "Atoms") -> list[tuple[int, int]]:
    """Return the pairs of anchors with slab atoms, and of surface atoms with what is near an anchor of theirs."""
    fragment = complex_.arrays["fragment"]
    own = np.flatnonzero(fragment == 0).tolist()
    pairs: list[tuple[int, int]] = []
    for number, entry in enumerate(complex_.info["qddft"]["fragments"]):
        members = np.flatnonzero(fragment == number)
        for anchor, atoms in zip(entry.get("anchors", []), entry.get("sites", []), strict=False):
            apart = np.linalg.norm(complex_.positions[members] - complex_.positions[anchor], axis=1)
            beside = members[apart < _BONDED].tolist()
            pairs.extend((anchor, i) for i in own)
            pairs.extend((j, i) for j in beside for i in atoms)
    return pairs


def _donor_pairs(complex_: "Atoms", ligand: Ligand, first: int) -> list[tuple[int, int]]:
    """Return the pairs of all atoms of the new ligands that can bind with the cations of the slab."""
    fragment = complex_.arrays["fragment"]
    cations = np.flatnonzero((fragment == 0) & np.isin(complex_.get_chemical_symbols(), (*A_CATIONS, *B_CATIONS)))
    donors = sorted({i for group in ligand.anchors for i in group})
    starts = [int(np.flatnonzero(fragment == number)[0]) for number in range(first, int(fragment.max()) + 1)]
    return [(start + donor, cation) for start in starts for donor in donors for cation in cations.tolist()]


# no bond of an anchor atom is longer than this (P-I 2.5), Angstrom
_BONDED = 2.6


def _vacuum(slab: "Atoms") -> float:
    """Return the vacuum of a slab, Angstrom."""
    stated = slab.info["qddft"].get("vacuum")
    return float(stated if stated is not None else slab.cell[2, 2] - np.ptp(slab.positions[:, 2]))


def _without(info: dict[str, Any], gone: list[int]) -> dict[str, Any]:
    """Renumber the atoms that a description names after some were taken away."""
    fragments = []
    for entry in info["fragments"]:
        new = dict(entry)
        if "anchors" in entry:
            new["anchors"] = [_renumbered(i, gone) for i in entry["anchors"]]
            new["sites"] = [[_renumbered(i, gone) for i in atoms if i not in gone] for atoms in entry["sites"]]
        fragments.append(new)
    return dict(info) | {"fragments": fragments}


def _renumbered(index: int, gone: list[int]) -> int:
    return index - sum(lost < index for lost in gone)


def _removed(slab: "Atoms", index: int, why: str) -> dict[str, Any]:
    """Describe an ion that made room."""
    symbol = slab.symbols[index]
    return {
        "symbol": symbol,
        "charge": FORMAL_CHARGES[symbol],
        "layer": int(slab.arrays["layer"][index]),
        "position": [round(float(x), 10) for x in slab.positions[index]],
        "why": why,
    }


def _entry(item: Attached, *, start: int, gone: list[int]) -> dict[str, Any]:
    return item.ligand.record(
        **item.notes,
        face=item.face,
        anchors=[start + i for i in item.anchors],
        sites=[[_renumbered(i, gone) for i in atoms] for atoms in item.sites],
    )


def _atoms(item: Attached, number: int) -> "Atoms":
    from ase import Atoms

    atoms = Atoms(list(item.ligand.symbols), positions=item.positions)
    atoms.set_array("fragment", np.full(len(atoms), number))
    atoms.set_array("layer", np.zeros(len(atoms), dtype=int))
    return atoms
