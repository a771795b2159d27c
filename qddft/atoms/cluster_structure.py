"""A cluster as one labelled structure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from qddft.atoms.blocks import Frame
from qddft.atoms.contacts import fragments_of
from qddft.atoms.faces import FaceName
from qddft.atoms.ions import FORMAL_CHARGES
from qddft.atoms.neutrality import RULE

if TYPE_CHECKING:
    from ase import Atoms


@dataclass(frozen=True)
class Block:
    """Which part of a slab is cut.

    Attributes
    ----------
    frame
        Its planes; positions are counted from the origin of the slab lattice.
    cells
        B cations along both lateral axes.
    face
        Of the slab.
    origin
        Where the middle of the face of the block is, slab coordinates, shape (3,), Angstrom.
    site
        Place of the site on the face, half steps, shape (3,).
    point
        The site in slab coordinates, shape (3,), Angstrom.
    """

    frame: Frame
    cells: tuple[int, int]
    face: FaceName
    origin: np.ndarray
    site: np.ndarray
    point: np.ndarray


@dataclass(frozen=True)
class Ions:
    """Ions of the lattice inside a block, replaced and missing ones included.

    Attributes
    ----------
    owners
        Index of the slab atom, -1 for a replaced or missing ion, shape (n,).
    positions
        Slab coordinates of the image inside the block, shape (n, 3), Angstrom.
    places
        Half steps, shape (n, 3).
    charges
        Formal charges, e, shape (n,).
    entries
        Descriptions of the replaced and missing ones.
    """

    owners: np.ndarray
    positions: np.ndarray
    places: np.ndarray
    charges: np.ndarray
    entries: tuple[dict[str, Any], ...]


def assembled(
    slab: "Atoms", block: Block, ions: Ions, ligands: Mapping[int, np.ndarray], gone: Sequence[tuple[int, str]]
) -> "Atoms":
    """Return the cluster.

    Parameters
    ----------
    slab
        What it is cut from.
    block, ions
        Which part, and the ions in it.
    ligands
        Ligands that are kept, and by how much each is moved, Angstrom.
    gone
        Ions that are left out, and from where each is.
    """
    lost = [index for index, _ in gone]
    kept = np.setdiff1d(np.flatnonzero(ions.owners >= 0), lost)
    kept = kept[np.lexsort((kept, ions.owners[kept]))]
    fragment = fragments_of(slab)
    members = {number: np.flatnonzero(fragment == number) for number in ligands}
    taken = np.concatenate([ions.owners[kept], *members.values()]).astype(int)
    moved = [slab.positions[members[number]] + shift for number, shift in ligands.items()]
    cluster = slab[taken]
    cluster.set_positions(np.concatenate([ions.positions[kept], *moved]) - block.origin, apply_constraint=False)
    cluster.set_cell(np.zeros((3, 3)))
    cluster.set_pbc(False)
    labels = [np.zeros(len(kept)), *(np.full(len(own), k + 1) for k, own in enumerate(members.values()))]
    cluster.set_array("fragment", np.concatenate(labels).astype(int))
    told = slab.info["qddft"]
    described = {
        "kind": "cluster",
        "bulk": told.get("bulk", {}),
        "termination": told.get("termination", {}),
        "layers": int(block.frame.high[2] - block.frame.low[2] + 1),
        "cells": list(block.cells),
        "face": block.face,
        "site": [round(float(x), 10) for x in block.point[:2]],
        "fixed_layers": told.get("fixed_layers", 0),
        "neutrality": RULE,
        "fragments": [{"name": "cluster", "charge": 0}, *_entries(slab, ions, kept, members)],
        "removed": [*_left_out(slab, block, ions, gone), *_replaced(block, ions, list(ligands))],
    }
    cluster.info = {"qddft": described}
    return cluster


def _entries(slab: "Atoms", ions: Ions, kept: np.ndarray, members: Mapping[int, np.ndarray]) -> list[dict[str, Any]]:
    """Return the descriptions of the ligands with their atoms renumbered."""
    new = {int(ions.owners[index]): k for k, index in enumerate(kept)}
    found, start = [], len(kept)
    for number, own in members.items():
        entry = dict(slab.info["qddft"]["fragments"][number])
        inside = {int(index): start + k for k, index in enumerate(own)}
        entry["anchors"] = [inside[i] for i in entry["anchors"]]
        pairs = [[(i, d) for i, d in zip(atoms, row, strict=False) if i in new] for atoms, row in _bonds(entry)]
        entry["sites"] = [[new[i] for i, _ in row] for row in pairs]
        entry["distances"] = [[d for _, d in row] for row in pairs]
        found.append(entry)
        start += len(own)
    return found


def _bonds(entry: Mapping[str, Any]) -> list[tuple[list[int], list[float]]]:
    return list(zip(entry["sites"], entry["distances"], strict=False))


def _left_out(slab: "Atoms", block: Block, ions: Ions, gone: Sequence[tuple[int, str]]) -> list[dict[str, Any]]:
    """Describe the ions that were left out for neutrality."""
    found = []
    for index, where in gone:
        symbol = str(slab.symbols[int(ions.owners[index])])
        found.append(
            {
                "symbol": symbol,
                "charge": FORMAL_CHARGES[symbol],
                "layer": int(slab.arrays["layer"][int(ions.owners[index])]),
                "position": [round(float(x), 10) for x in ions.positions[index] - block.origin],
                "why": f"charge balance, {where} of the cluster",
            }
        )
    return found


def _replaced(block: Block, ions: Ions, ligands: Sequence[int]) -> list[dict[str, Any]]:
    """Describe the ions that ligands replaced and the vacancies, ligands renumbered."""
    new = {f" of fragment {number}": f" of fragment {k}" for k, number in enumerate(ligands, start=1)}
    found = []
    for entry in ions.entries:
        why = str(entry["why"])
        head, mark, tail = why.rpartition(" of fragment ")
        place = [round(float(x), 10) for x in np.array(entry["position"]) - block.origin]
        found.append(entry | {"position": place, "why": head + new.get(mark + tail, mark + tail) if mark else why})
    return found
