"""Ion pairs on a face: the anion on a cation of the surface, the cation between the halides beside it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from qddft.atoms.complexes import Attached, assembled
from qddft.atoms.faces import face_of
from qddft.atoms.placing import Request, Rules
from qddft.atoms.search import Found, Geometry, search
from qddft.atoms.targets import Mode, Where, cation_plan, make_plans, taken_atoms
from qddft.core.errors import PlacementError

if TYPE_CHECKING:
    from ase import Atoms

    from qddft.atoms.ligand import Ligand

# heads that are this close are neighbors, Angstrom; if they are farther apart the anion is tried another way
_NEIGHBORS = 6.0


@dataclass(frozen=True)
class Ion:
    """One ion of a pair.

    Attributes
    ----------
    ligand
        The ion as a ligand of its own, in the geometry it has in the pair.
    members
        Its atoms in the pair.
    """

    ligand: "Ligand"
    members: tuple[int, ...]


def ions_in(pair: "Ligand") -> tuple[Ion, Ion]:
    """Return the anion and the cation of an ion pair.

    Raises
    ------
    PlacementError
        The ligand is not one anion and one cation.
    """
    parts = pair.components
    charges = pair.component_charges
    if len(parts) != 2 or pair.charge != 0 or min(charges) >= 0:
        raise PlacementError(
            f"ion-pair: {pair.name} is not one anion and one cation; write a pair as a SMILES with a dot, such as "
            "'[NH4+].CC(=O)[O-]', or attach the ions one after the other."
        )
    anion, cation = sorted(range(2), key=lambda k: charges[k])
    return _ion(pair, anion), _ion(pair, cation)


def _ion(pair: "Ligand", number: int) -> Ion:
    """Cut one ion out of a pair."""
    members = pair.components[number]
    new = {old: k for k, old in enumerate(members)}
    kept = [
        (tuple(new[i] for i in group), kind)
        for group, kind in zip(pair.anchors, pair.anchor_kinds, strict=True)
        if set(group) <= new.keys()
    ]
    ligand = replace(
        pair,
        name=f"the {'anion' if pair.component_charges[number] < 0 else 'cation'} of {pair.name}",
        charge=pair.component_charges[number],
        smiles=pair.smiles.split(".")[number],
        anchors=tuple(group for group, _ in kept),
        anchor_kinds=tuple(kind for _, kind in kept),
        symbols=tuple(pair.symbols[i] for i in members),
        positions=tuple(pair.positions[i] for i in members),
        formal_charges=tuple(pair.formal_charges[i] for i in members),
        bonds=tuple((new[i], new[j], order) for i, j, order in pair.bonds if i in new),
    )
    return Ion(ligand, members)


def pair_on_face(slab: "Atoms", pair: "Ligand", rules: Rules, where: Where, tries: Iterable[Geometry]) -> Attached:
    """Return an ion pair in slab coordinates: the anion at a place, the cation at the closest place that is free.

    Parameters
    ----------
    slab
        The slab or complex.
    pair
        The ion pair.
    rules
        The face and the rules; the distance is that of the anion.
    where
        The place of the anion, as in ``attach``.
    tries
        Geometries of the pair.

    Raises
    ------
    PlacementError
        The ligand is no pair, or an ion does not fit.
    """
    anion, cation = ions_in(pair)
    kept = list(tries)
    best: tuple[float, Attached] | None = None
    problem: PlacementError | None = None
    for request in _anion_requests(anion, rules, where, taken_atoms(slab)):
        try:
            apart, placed = _both(slab, pair, request, (anion, cation), kept)
        except PlacementError as error:
            problem = problem or error
            continue
        if best is None or apart < best[0]:
            best = apart, placed
        if apart < _NEIGHBORS:
            break
    if best is None:
        raise problem or PlacementError(f"ion-pair: the anion of {pair.name} has no atom that binds.")
    return best[1]


def _both(
    slab: "Atoms", pair: "Ligand", request: Request, ions: tuple[Ion, Ion], tries: list[Geometry]
) -> tuple[float, Attached]:
    """Place the anion, then the cation; return how far apart their heads are, Angstrom, and both."""
    anion, cation = ions
    first = search(slab, [request], list(_parts(tries, anion)))
    interim = assembled(slab, [_interim(anion, first)], None)
    lift = interim.positions[0] - slab.positions[0]
    rules = request.rules
    face = face_of(interim, rules.face.name)
    head = face.turn * (rules.face.back(first.positions[list(first.fitting.bonds.anchors)].mean(axis=0)) + lift)
    above = replace(rules, face=face, numbers=interim.numbers, distance=None)
    plan = cation_plan(face, cation.ligand, head, taken_atoms(interim))
    second = search(interim, [Request(above, cation.ligand, plan)], list(_parts(tries, cation)))
    apart = float(np.linalg.norm(second.positions[list(second.fitting.bonds.anchors)].mean(axis=0) - head))
    return apart, joined_ions(pair, (anion, first), (cation, second), lift)


def _anion_requests(anion: Ion, rules: Rules, where: Where, taken: frozenset[int]) -> list[Request]:
    """Return how the anion may bind: with two anchors if its best group has two, else with one."""
    modes: tuple[Mode, ...] = ("bidentate", "atop") if len(anion.ligand.anchors[0]) == 2 else ("atop",)
    plans = [plan for mode in modes for plan in make_plans(rules.face, anion.ligand, mode, where, taken)]
    return [Request(rules, anion.ligand, plan) for plan in plans]


def _parts(tries: Iterable[Geometry], ion: Ion) -> Iterator[Geometry]:
    """Yield the geometry of one ion in each geometry of the pair."""
    for geometry in tries:
        yield replace(geometry, positions=geometry.positions[list(ion.members)])


def _interim(ion: Ion, found: Found) -> Attached:
    face, bonds = found.request.rules.face, found.fitting.bonds
    return Attached(
        ion.ligand, face.back(found.positions), face.name, bonds.anchors, bonds.sites, None, {"mode": "atop"}
    )


def joined_ions(pair: "Ligand", first: tuple[Ion, Found], second: tuple[Ion, Found], lift: np.ndarray) -> Attached:
    """Return both ions as one ligand; the second was placed on a structure that had moved up."""
    positions = np.empty((len(pair), 3))
    anchors: list[int] = []
    sites: list[tuple[int, ...]] = []
    distances: list[list[float]] = []
    for (ion, found), moved in ((first, np.zeros(3)), (second, lift)):
        positions[list(ion.members)] = found.request.rules.face.back(found.positions) - moved
        bonds = found.fitting.bonds
        anchors += [ion.members[i] for i in bonds.anchors]
        sites += list(bonds.sites)
        distances += [[round(d, 6) for d in row] for row in bonds.distances]
    rules = first[1].request.rules
    notes: dict[str, Any] = {
        "mode": "ion-pair",
        "seed": rules.seed,
        "conformer": first[1].geometry.conformer,
        "conformer_seed": first[1].geometry.seed,
        "distances": distances,
    }
    return Attached(pair, positions, rules.face.name, tuple(anchors), tuple(sites), None, notes)
