"""Starting poses of a search: conformers at distinct places in many orientations and heights, doubles left out."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from qddft.atoms.binding import described, image_of
from qddft.atoms.complexes import Attached, assembled, check_complete
from qddft.atoms.contacts import MIN_CONTACT
from qddft.atoms.face_swap import FaceSwap, face_swap
from qddft.atoms.pairing import Ion, ions_in, joined_ions
from qddft.atoms.placing import Request, Rules
from qddft.atoms.pose_heads import (
    Head,
    Laid,
    geometries_of,
    head_point,
    kinds_of,
    modes_of,
    plans_beside,
    plans_of,
    rules_on,
    site_name,
)
from qddft.atoms.pose_selection import Kind, azimuth_of, choose, tilt_of
from qddft.atoms.pose_symmetry import FaceSymmetry, Shape, face_symmetry, no_symmetry, shape_of
from qddft.atoms.search import Found, Geometry, search
from qddft.atoms.targets import Plan
from qddft.core.errors import PlacementError

if TYPE_CHECKING:
    from ase import Atoms

    from qddft.atoms.ligand import Ligand

# of several ligands more poses are built than asked for, because some turn out to be doubles
_SPARE = 2


@dataclass(frozen=True)
class Extent:
    """How widely is searched.

    Attributes
    ----------
    count
        Candidates at most.
    conformers
        Conformers of each ligand, lowest force-field energy first.
    heights
        How much longer than the shortest bond that fits, Angstrom.
    max_tilt
        Largest angle of a ligand from upright, degrees.
    faces
        ``top`` or ``bottom``; with ``both`` each candidate of one ligand has its image on the other face too.
    min_contact
        As in ``attach``.
    seed
        Of conformers and of where the grid of angles begins.
    """

    count: int = 48
    conformers: int = 4
    heights: tuple[float, ...] = (0.0, 0.3)
    max_tilt: float = 180.0
    faces: str = "top"
    min_contact: float = MIN_CONTACT
    seed: int = 0


@dataclass(frozen=True)
class Place:
    """Where one ligand, or one ion of a pair, sits in a candidate.

    Attributes
    ----------
    ligand, mode
        What, and how it is held.
    site
        The place in words: ``Pb-top``, ``Pb-Pb bridge``, ``place of Br``, ``hollow``.
    conformer
        Rank of the conformer; ``None`` for coordinates from a file, with another turn of O-H in the head, or made for
        two anchors of two groups.
    azimuth, tilt
        Direction in the plane and angle from upright, degrees.
    height
        Of the middle of the anchors above the outermost layer, Angstrom.
    """

    ligand: str
    mode: str
    site: str
    conformer: int | None
    azimuth: float
    tilt: float
    height: float


@dataclass(frozen=True)
class Candidate:
    """One starting pose: the complex, and where each of its ligands or ions sits."""

    atoms: "Atoms"
    places: tuple[Place, ...]


def pose_candidates(
    slab: "Atoms", ligands: "Sequence[Ligand]", modes: Sequence[str | Sequence[str]], extent: Extent
) -> tuple[Candidate, ...]:
    """Return starting poses that differ by more than 0.25 Angstrom, symmetry of the face and equal atoms considered.

    Parameters
    ----------
    slab
        A clean slab.
    ligands
        What sits on the face together: one ligand, an ion pair (mode ``ion-pair``), or several.
    modes
        For each of them the binding modes that are tried, or ``any``.
    extent
        How widely.

    Raises
    ------
    PlacementError
        No mode is possible, or nothing fits; as ``attach`` says it.
    """
    heads = [
        Head(ligand, modes_of(ligand, names), geometries_of(ligand, extent.conformers, extent.seed))
        for ligand, names in zip(ligands, modes, strict=True)
    ]
    if len(heads) > 1:
        _check_several(heads, extent)
    swap = face_swap(slab) if extent.faces == "both" else None
    laying = _Laying(slab, extent, face_symmetry(slab), swap)
    if heads[0].modes == ("ion-pair",):
        return laying.pair(heads[0])
    return laying.together(heads)


def _check_several(heads: Sequence[Head], extent: Extent) -> None:
    """Refuse what is searched for one ligand or one pair only."""
    if extent.faces == "both":
        raise PlacementError("several ligands are searched on one face; take faces top or bottom.")
    for head in heads:
        if "ion-pair" in head.modes:
            raise PlacementError(
                f"{head.ligand.name}: an ion pair is searched alone; give its two ions as ligands of their own instead."
            )


@dataclass(frozen=True)
class _Chain:
    """Ligands placed one after the other.

    Attributes
    ----------
    atoms
        The complex so far.
    steps
        What was placed, and how.
    lifts
        How far the slab had moved up when each was placed, shape (3,), Angstrom.
    """

    atoms: "Atoms"
    steps: tuple[tuple[Head, Found], ...] = ()
    lifts: tuple[np.ndarray, ...] = (np.zeros(3),)

    def longer(self, head: Head, found: Found, atoms: "Atoms") -> "_Chain":
        """Return the chain with one more ligand."""
        old = self.atoms.positions[1 if found.fitting.target.removed == 0 else 0]
        lift = self.lifts[-1] + atoms.positions[0] - old
        return _Chain(atoms, (*self.steps, (head, found)), (*self.lifts, lift))

    def shape(self) -> Shape:
        """Return the ligands in the coordinates of the clean slab."""
        own = self.atoms.arrays["fragment"] > 0
        return shape_of(self.atoms.numbers[own], self.atoms.positions[own] - self.lifts[-1])

    def places(self) -> tuple[Place, ...]:
        """Describe where everything is."""
        return tuple(_place(head, found) for head, found in self.steps)


@dataclass(frozen=True)
class _Laying:
    """The slab, how widely is searched, and the symmetry that tells doubles."""

    slab: "Atoms"
    extent: Extent
    symmetry: FaceSymmetry
    swap: FaceSwap | None
    problems: list[PlacementError] = field(default_factory=list)

    @property
    def face(self) -> str:
        """The face on which poses are laid out."""
        return "top" if self.extent.faces == "both" else self.extent.faces

    def together(self, heads: Sequence[Head]) -> tuple[Candidate, ...]:
        """Return candidates of one ligand, or of several, each beside the one before it."""
        return tuple(Candidate(chain.atoms, chain.places()) for chain in self._chains(heads, self.swap))

    def pair(self, head: Head) -> tuple[Candidate, ...]:
        """Return candidates of an ion pair: the anion, and the cation on one of the nearest places beside it."""
        anion, cation = ions_in(head.ligand)
        double = len(anion.ligand.anchors[0]) == 2
        first = Head(anion.ligand, ("bidentate", "atop") if double else ("atop",), _parts(head, anion))
        second = Head(cation.ligand, ("ion-pair",), _parts(head, cation))
        return tuple(
            self._as_pair(head.ligand, (anion, cation), chain) for chain in self._chains((first, second), None)
        )

    def _as_pair(self, pair: "Ligand", ions: tuple[Ion, Ion], chain: _Chain) -> Candidate:
        """Return the two ions of a chain as one fragment."""
        (_, first), (_, second) = chain.steps
        placed = joined_ions(pair, (ions[0], first), (ions[1], second), chain.lifts[1])
        return Candidate(self._built(self.slab, placed, self.swap), chain.places())

    def _chains(self, heads: Sequence[Head], swap: FaceSwap | None) -> list[_Chain]:
        """Place the heads one after the other in many ways and return those that differ."""
        families = [[_Chain(self.slab)]]
        for number, head in enumerate(heads):
            room = self._room(sum(map(len, families)), len(heads) - number)
            parents = [chain for family in families for chain in family]
            families = [family for chain in parents if (family := self._extended(chain, head, room, swap))]
        if not families:
            raise self.problems[0]
        if len(heads) == 1:
            return families[0]
        kinds = [_as_kind(family) for family in families]
        return choose(kinds, self.symmetry, self.extent.count, whole=False)

    def _room(self, chains: int, left: int) -> int:
        """Return how many poses of the next head each chain gets."""
        each: int = math.ceil((self.extent.count / chains) ** (1 / left))
        return each if left > 1 or chains == 1 else _SPARE * each

    def _extended(self, chain: _Chain, head: Head, room: int, swap: FaceSwap | None) -> list[_Chain]:
        """Return a chain with each of several poses of one more ligand; note why none fits."""
        rules = rules_on(chain.atoms, self.face, self.extent.min_contact, self.extent.seed)
        try:
            plans = self._plans(chain, head, rules)
        except PlacementError as error:
            self.problems.append(error)
            return []
        laid = Laid(self.extent.heights, self.extent.max_tilt)
        try:
            # beside a ligand equal places of the clean face differ
            symmetry = no_symmetry(chain.atoms) if chain.steps else self.symmetry
            found = choose(kinds_of(head, plans, rules, laid), symmetry, room) or [
                self._last_resort(chain, head, [Request(rules, head.ligand, plan) for plan in plans])
            ]
        except PlacementError as error:
            self.problems.append(error)
            return []
        return [longer for each in found if (longer := self._longer(chain, head, each, swap)) is not None]

    def _last_resort(self, chain: _Chain, head: Head, requests: list[Request]) -> Found:
        """Return the one pose that ``attach`` finds by a closer look, or raise what it says.

        Raises
        ------
        PlacementError
            Nothing fits.
        """
        found = search(chain.atoms, requests, head.geometries)
        tilt = tilt_of(found.positions, head_point(found))
        if tilt > self.extent.max_tilt:
            raise PlacementError(
                f"{head.ligand.name} finds no pose within {self.extent.max_tilt:g} degrees of upright; the one that "
                f"fits leans by {tilt:.0f}: ask for a larger max_tilt."
            )
        return found

    def _longer(self, chain: _Chain, head: Head, found: Found, swap: FaceSwap | None) -> _Chain | None:
        """Return the chain with one more ligand; note what stands in the way."""
        try:
            atoms = self._built(chain.atoms, described(head.ligand, found), swap)
        except PlacementError as error:
            self.problems.append(error)
            return None
        return chain.longer(head, found, atoms)

    def _built(self, slab: "Atoms", placed: Attached, swap: FaceSwap | None) -> "Atoms":
        """Return a slab or complex with one more ligand, or with that and its image on the other face."""
        both = [placed] if swap is None else [placed, image_of(placed, swap)]
        complex_ = assembled(slab, both, None)
        check_complete(complex_, placed.ligand, len(slab.info["qddft"]["fragments"]), self.extent.min_contact)
        return complex_

    def _plans(self, chain: _Chain, head: Head, rules: Rules) -> list[Plan]:
        """Return where the next head may go: anywhere, or beside the last one."""
        if not chain.steps:
            return plans_of(chain.atoms, rules.face, head)
        _, last = chain.steps[-1]
        before = last.request.rules.face
        lift = chain.lifts[-1] - chain.lifts[-2]
        point = rules.face.turn * (before.back(head_point(last)) + lift)
        return plans_beside(chain.atoms, rules.face, head, point)


def _as_kind(family: list[_Chain]) -> Kind[_Chain]:
    """Return chains with the same first pose as one kind."""
    return Kind(lambda: family, _Chain.shape, lambda _: True)


def _parts(head: Head, ion: Ion) -> tuple[Geometry, ...]:
    """Return the geometry of one ion in each conformer of its pair."""
    return tuple(replace(item, positions=item.positions[list(ion.members)]) for item in head.geometries)


def _place(head: Head, found: Found) -> Place:
    from ase.data import chemical_symbols

    face, fitting = found.request.rules.face, found.fitting
    point = head_point(found)
    return Place(
        ligand=head.ligand.name,
        mode=found.request.plan.mode,
        site=site_name([chemical_symbols[z] for z in found.request.rules.numbers], fitting.target),
        conformer=found.geometry.conformer,
        azimuth=round(azimuth_of(found.positions, point), 1),
        tilt=round(tilt_of(found.positions, point), 1),
        height=round(float(point[2]) - face.height, 3),
    )
