"""Nanocrystals: charge-neutral cuboids of a perovskite with faces asked for by name."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from qddft.atoms.alloy_order import Order
from qddft.atoms.alloy_slab import Filled, Mixture, crystal_of, filled, mixture_of
from qddft.atoms.blocks import Frame, cut_block
from qddft.atoms.bulk import build_bulk, describe_bulk
from qddft.atoms.cage import DUMMY, Shape, collapse_molecules, expand_molecules, held_molecules
from qddft.atoms.ions import B_CATIONS, FORMAL_CHARGES, HALIDES
from qddft.atoms.nanocrystal_options import Size, check_seed, parse_faces, parse_size
from qddft.atoms.neutrality import RULE, ions_to_remove
from qddft.atoms.pseudocubic import PseudoCubic, pseudocubic
from qddft.core.errors import StructureError

if TYPE_CHECKING:
    from ase import Atoms

    from qddft.atoms.slab_options import Termination

# sites of a crystal so large that its composition is the one asked for
_MANY_SITES = 10_000
# an alloy is arranged in a periodic box; this much room keeps images from being neighbors, Angstrom
_ROOM = 30.0


@dataclass(frozen=True)
class _Cuboid:
    """A neutral block of a crystal, molecules as dummy atoms."""

    atoms: "Atoms"
    frame: Frame
    turn: np.ndarray
    removed: list[dict[str, Any]]

    def sites(self) -> dict[str, int]:
        """Return how many A and X sites are left."""
        held = (self.frame.places(self.atoms.positions) % 2).sum(axis=1)
        return {"A": int((held == 3).sum()), "X": int((held == 1).sum())}


def build_nanocrystal(
    bulk: "str | Atoms",
    *,
    size: Size,
    faces: str | Sequence[str] = "CsX",
    phase: str = "cubic",
    lattice: str | float = "pbe",
    order: Order = "random",
    seed: int = 0,
) -> "Atoms":
    """Cut a cuboid out of a perovskite crystal and make it neutral.

    The faces lie across the pseudo-cubic axes and tilts are kept. A cuboid is positively charged whatever its faces
    (n + m + k + 1 with CsX, n + m + k + 2 with PbX2), so cations are left out: corners first, then edges, in opposite
    pairs where the charge allows, evenly spread (``qddft.atoms.neutrality`` states the rule and its reasons).

    Parameters
    ----------
    bulk
        Formula of a library crystal (``CsPbI3``) or of an alloy (``CsPb(Br0.5I0.5)3``); or a perovskite crystal as
        ``ase.Atoms``, and then ``phase``, ``lattice`` and ``order`` are not used.
    size
        Cells along the three pseudo-cubic axes as whole numbers, ``(8, 8, 8)`` or ``"3x5x7"``, or edges in nm, ``5.0``
        or ``"5nm"``, which are rounded to whole cells. Up to 15 nm.
    faces
        ``CsX`` or ``PbX2`` on all six faces, or three names for the faces across a, b and c.
    phase, lattice
        See ``build_bulk``.
    order
        Of an alloy, see ``build_alloy``; its cell is as large as the nanocrystal.
    seed
        Of the alloy, and of the choice between ions that the rule ranks equal.

    Returns
    -------
    ase.Atoms
        Not periodic, its middle at the origin. ``arrays["fragment"]`` is 0, ``arrays["layer"]`` counts the planes along
        c from 1; ``info["qddft"]`` of kind ``nanocrystal`` says size, faces, frame and which ions were removed and why.

    Raises
    ------
    StructureError
        An option that makes no nanocrystal, or a crystal without pseudo-cubic axes.
    """
    check_seed(seed)
    if not isinstance(bulk, str) and not hasattr(bulk, "get_chemical_symbols"):
        raise StructureError(f"{bulk!r} is no formula and no ase.Atoms; give for instance 'CsPbI3'.")
    mixture = mixture_of(bulk, order, seed) if isinstance(bulk, str) else None
    crystal = _crystal(bulk, mixture, {"A": _MANY_SITES, "X": 3 * _MANY_SITES}, phase, lattice)
    reduced, shapes = collapse_molecules(crystal)
    cells = parse_size(size, np.linalg.norm(pseudocubic(reduced).vectors, axis=1))
    named = _named_faces(reduced, mixture, faces)
    cuboid = _neutral(reduced, shapes, crystal, cells=cells, faces=named, seed=seed)
    if mixture is None:
        dot = expand_molecules(cuboid.atoms, shapes, cuboid.turn)
        molecules = held_molecules(cuboid.atoms, shapes, crystal)
    else:
        crystal = _crystal(bulk, mixture, cuboid.sites(), phase, lattice)
        cuboid = _neutral(crystal, [], crystal, cells=cells, faces=named, seed=seed)
        arranged = _arranged(cuboid, mixture, _counts(mixture, cuboid, phase, lattice))
        crystal.info["qddft"]["bulk"] |= {"first_shell_order": arranged.shells}
        dot, molecules = expand_molecules(arranged.slab, arranged.shapes, np.eye(3)), arranged.molecules
    dot.info["qddft"] = {
        "kind": "nanocrystal",
        "bulk": describe_bulk(crystal),
        "cells": list(cells),
        "edges_nm": [round(float(edge) / 10, 4) for edge in cuboid.frame.edges],
        "faces": dict(zip("abc", named, strict=True)),
        "frame": cuboid.frame.as_dict(),
        "neutrality": RULE,
        "seed": int(seed),
        "fragments": [{"name": "nanocrystal", "charge": 0}],
        "removed": cuboid.removed,
    }
    if molecules:
        dot.info["qddft"]["molecules"] = molecules
    return dot


def _crystal(
    bulk: "str | Atoms", mixture: Mixture | None, sites: dict[str, int], phase: str, lattice: str | float
) -> "Atoms":
    """Return the crystal to cut from; of an alloy its end member at the lattice that so many sites give."""
    if mixture is not None:
        return crystal_of(mixture, sites, phase, lattice)[0]
    return build_bulk(bulk, phase=phase, lattice=lattice) if isinstance(bulk, str) else bulk


def _counts(mixture: Mixture, cuboid: _Cuboid, phase: str, lattice: str | float) -> dict[str, dict[str, int]]:
    return crystal_of(mixture, cuboid.sites(), phase, lattice)[1]


def _named_faces(
    crystal: "Atoms", mixture: Mixture | None, faces: str | Sequence[str]
) -> "tuple[Termination, Termination, Termination]":
    """Return the kinds of the faces across a, b and c."""
    held = set(crystal.get_chemical_symbols())
    halides = sorted(held & set(HALIDES)) if mixture is None else list(mixture.asked.x)
    b_sites = sorted(held & set(B_CATIONS))
    a_sites = sorted(held - set(HALIDES) - set(B_CATIONS))
    return parse_faces(faces, a_sites, b_sites, halides)


def _neutral(
    reduced: "Atoms",
    shapes: list[Shape],
    crystal: "Atoms",
    *,
    cells: tuple[int, int, int],
    faces: "tuple[Termination, Termination, Termination]",
    seed: int,
) -> _Cuboid:
    """Cut a cuboid and leave out what its charge asks for."""
    low = np.array([0 if face == "PbX2" else -1 for face in faces])
    axes: PseudoCubic = pseudocubic(reduced)
    block, frame = cut_block(reduced, axes, low, low + 2 * np.array(cells))
    places = frame.places(block.positions)
    _check_sublattices(block, places)
    gone = ions_to_remove(places, _charges(block), frame, seed=seed)
    removed = [_removed(block, places, frame, index, where) for index, where in gone]
    for entry, (index, _) in zip(removed, gone, strict=True):
        if entry["symbol"] == DUMMY:
            entry["symbol"] = str(held_molecules(block[[index]], shapes, crystal)[0]["symbol"])
    block.set_array("fragment", np.zeros(len(block), dtype=int))
    block.set_array("layer", places[:, 2] - frame.low[2] + 1)
    del block[[index for index, _ in gone]]
    return _Cuboid(block, frame, np.linalg.inv(axes.vectors) @ frame.vectors, removed)


def _arranged(cuboid: _Cuboid, mixture: Mixture, counts: dict[str, dict[str, int]]) -> Filled:
    """Put the species of an alloy on the sites of the cuboid."""
    boxed = cuboid.atoms.copy()
    boxed.set_cell(np.diag(np.ptp(boxed.positions, axis=0) + _ROOM))
    boxed.set_pbc(True)
    result = filled(boxed, mixture, counts, float(np.linalg.norm(cuboid.frame.vectors, axis=1).mean()))
    result.slab.set_cell(np.zeros((3, 3)))
    result.slab.set_pbc(False)
    return result


def _charges(block: "Atoms") -> np.ndarray:
    """Return formal charges, e; a molecule on the A site is a cation of charge +1."""
    known = FORMAL_CHARGES | {DUMMY: 1}
    return np.array([known[symbol] for symbol in block.get_chemical_symbols()])


def _check_sublattices(block: "Atoms", places: np.ndarray) -> None:
    """Refuse crystals that are no ABX3 perovskites."""
    odd = (places % 2).sum(axis=1)
    symbols = np.array(block.get_chemical_symbols())
    fits = np.where(odd == 1, np.isin(symbols, HALIDES), np.where(odd == 0, np.isin(symbols, B_CATIONS), odd == 3))
    single = len(np.unique(places, axis=0)) == len(places)
    strange = ~fits | (np.isin(symbols, (*HALIDES, *B_CATIONS)) & (odd == 3))
    if strange.any() or not single:
        held = dict(Counter(symbols[strange].tolist())) or "two ions on one place"
        raise StructureError(
            f"the crystal is no ABX3 perovskite: {held} where the pseudo-cubic lattice has another kind of ion."
        )


def _removed(block: "Atoms", places: np.ndarray, frame: Frame, index: int, where: str) -> dict[str, Any]:
    """Describe an ion that was left out."""
    return {
        "symbol": str(block.symbols[index]),
        "charge": int(_charges(block[[index]])[0]),
        "layer": int(places[index, 2] - frame.low[2] + 1),
        "position": [round(float(x), 10) for x in block.positions[index]],
        "why": f"charge balance, {where} of the cuboid",
    }
