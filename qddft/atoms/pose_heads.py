"""What is placed in a search and where it may go: modes, anchors, places and the poses there."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import zip_longest
from typing import TYPE_CHECKING

import numpy as np

from qddft.atoms.anchors import role_of
from qddft.atoms.contacts import vdw_radii
from qddft.atoms.faces import Face, face_of
from qddft.atoms.families import anchor_distances
from qddft.atoms.holding import held_geometries, spans
from qddft.atoms.own_images import own_images_clear, own_translations
from qddft.atoms.placing import Blocked, Fitting, Request, Rules, fit
from qddft.atoms.pose_selection import Kind
from qddft.atoms.pose_symmetry import Shape, shape_of
from qddft.atoms.search import Found, Geometry
from qddft.atoms.sites import Site, site_orbits
from qddft.atoms.targets import Mode, Plan, Target, cation_plan, check_mode, make_plans, taken_atoms
from qddft.core.errors import PlacementError

if TYPE_CHECKING:
    from ase import Atoms

    from qddft.atoms.ligand import Ligand

# anchor groups of one ligand that are tried, and places beside a ligand that is there already
_GROUPS, _BESIDE = 4, 4
# conformers made for two anchors that are tried
_MADE = 4
_NEUTRAL: tuple[Mode, ...] = ("atop", "bidentate", "bridging")
ANY = "any"
# gives a conformer when it is wanted
Source = Callable[[], Geometry | None]


@dataclass(frozen=True)
class Head:
    """A ligand, or one ion of a pair, with what is tried for it.

    Attributes
    ----------
    ligand
        What is placed.
    modes
        Binding modes; ``ion-pair`` for the cation of a pair.
    geometries
        Conformers.
    """

    ligand: "Ligand"
    modes: tuple[Mode, ...]
    geometries: tuple[Geometry, ...]


def modes_of(ligand: "Ligand", names: str | Sequence[str]) -> tuple[Mode, ...]:
    """Return binding modes by name; ``any`` stands for all that suit the charge of a ligand.

    Raises
    ------
    PlacementError
        An unknown name, or none at all.
    """
    asked = (names,) if isinstance(names, str) else tuple(names)
    if not asked:
        raise PlacementError(f"{ligand.name}: no binding mode was given; give one, or {ANY!r}.")
    if asked != (ANY,):
        return tuple(dict.fromkeys(check_mode(name) for name in asked))
    if len(ligand.components) > 1:
        return ("ion-pair",)
    if ligand.charge:
        return ("A-site",) if ligand.charge > 0 else ("X-site",)
    paired = any(len(group) == 2 for group in ligand.anchors)
    return _NEUTRAL if paired else ("atop",)


def geometries_of(ligand: "Ligand", count: int, seed: int) -> tuple[Geometry, ...]:
    """Return up to ``count`` conformers by force-field energy; one that was chosen, or came from a file, is alone.

    Among them are those that differ from the lowest by the turns of O-H in the head alone; they have no number.
    """
    if ligand.conformer is None or ligand.conformer:
        return (Geometry(np.array(ligand.positions), ligand.conformer, ligand.seed),)
    from qddft.atoms.conformers import conformers
    from qddft.atoms.rotamers import rotamers

    found = conformers(ligand, seed=seed)
    ranked = [
        (float(atoms.info["qddft"]["energy_eV"]), Geometry(atoms.positions, rank, seed))
        for rank, atoms in enumerate(found)
    ]
    ranked += [(item.energy, Geometry(item.positions, None, seed)) for item in rotamers(ligand, found[0].positions)]
    ranked.sort(key=lambda item: round(item[0], 3))
    return tuple(geometry for _, geometry in ranked[:count])


def plans_of(slab: "Atoms", face: Face, head: Head) -> list[Plan]:
    """Return one plan for each mode and anchor group, with one place of each set of equivalent ones.

    Raises
    ------
    PlacementError
        The only mode that was asked for makes no sense here; where several were, one has to.
    """
    return [replace(plan, targets=_distinct(slab, face, plan)) for plan in _plans(slab, face, head)]


def _plans(slab: "Atoms", face: Face, head: Head) -> list[Plan]:
    """Return one plan for each mode and anchor group with all free places."""
    taken = taken_atoms(slab)
    plans: list[Plan] = []
    problem: PlacementError | None = None
    for mode in head.modes:
        for ligand in _led_by_each_group(head.ligand, mode):
            try:
                made = make_plans(face, ligand, mode, None, taken)
            except PlacementError as error:
                problem = problem or error
                continue
            known = {(plan.mode, plan.group) for plan in plans}
            plans += [plan for plan in made if (plan.mode, plan.group) not in known]
    if not plans:
        raise problem or PlacementError(f"{head.ligand.name} has no anchor for {', '.join(head.modes)}.")
    return plans


def plans_beside(slab: "Atoms", face: Face, head: Head, point: np.ndarray) -> list[Plan]:
    """Return plans for places close to a point: beside a ligand that is there already.

    Parameters
    ----------
    slab
        The complex so far.
    face
        Its face.
    head
        What comes next.
    point
        Where the last head is, face coordinates, shape (3,), Angstrom.

    Raises
    ------
    PlacementError
        As ``plans_of``, or every place is taken.
    """
    if head.modes == ("ion-pair",):
        plans = [cation_plan(face, head.ligand, point, taken_atoms(slab))]
    else:
        plans = _plans(slab, face, head)
    return [replace(plan, targets=_nearest(face, plan.targets, point)) for plan in plans]


def kinds_of(head: Head, plans: Sequence[Plan], rules: Rules, laid: "Laid") -> list[Kind[Found]]:
    """Return the acceptable poses of every conformer at every place and height, those of the shortest bonds first."""
    # the best conformer in every mode, then the next
    each = [[(plan, source) for source in sources] for plan, sources in _sources(head, plans, rules)]
    tried = [item for row in zip_longest(*each) for item in row if item is not None]
    return [
        _kind(Request(rules, head.ligand, plan), source, target, Laid((rise,), laid.max_tilt))
        for rise in laid.heights
        for plan, source in tried
        for target in plan.targets
    ]


def _sources(head: Head, plans: Sequence[Plan], rules: Rules) -> Iterator[tuple[Plan, list[Source]]]:
    """Yield plans with what gives their geometries when they are wanted.

    Anchors of two functional groups need conformers made for them, which take long: they are made once in each mode.
    """
    made: set[Mode] = set()
    spanning = {id(plan) for plan in plans if head.ligand.conformer == 0 and spans(head.ligand, plan.group)}
    for plan in sorted(plans, key=lambda plan: id(plan) in spanning):
        sources: list[Source] = [partial(_itself, geometry) for geometry in head.geometries]
        if id(plan) in spanning and plan.mode not in made:
            made.add(plan.mode)
            sources = [partial(_made, Request(rules, head.ligand, plan), k) for k in range(_MADE)]
        yield plan, sources


def _itself(geometry: Geometry) -> Geometry:
    return geometry


def _made(request: Request, number: int) -> Geometry | None:
    """Return one of the conformers made for the anchors of a request, ``None`` if there are not so many."""
    seed = request.rules.seed
    found = held_geometries(request, seed)
    return Geometry(found[number], None, seed) if number < len(found) else None


@dataclass(frozen=True)
class Laid:
    """Heights (how much longer than the shortest bond that fits, Angstrom) and the largest tilt, degrees."""

    heights: tuple[float, ...]
    max_tilt: float


def rules_on(slab: "Atoms", face: str, min_contact: float, seed: int) -> Rules:
    """Return the rules of a face of a slab or complex."""
    return Rules(face_of(slab, face), slab.numbers, None, min_contact, seed)


def head_point(found: Found) -> np.ndarray:
    """Return the middle of the anchors of a pose in face coordinates, shape (3,), Angstrom."""
    return np.asarray(found.positions[list(found.fitting.bonds.anchors)].mean(axis=0))


def site_name(symbols: Sequence[str], target: Target) -> str:
    """Return a place in words."""
    if target.removed is not None:
        return f"place of {symbols[target.removed]}"
    names = [symbols[i] for i in target.atoms]
    if len(names) > 2:
        return "hollow"
    return f"{names[0]}-top" if len(names) == 1 else f"{'-'.join(names)} bridge"


def _led_by_each_group(ligand: "Ligand", mode: Mode) -> Iterator["Ligand"]:
    """Yield the ligand with each anchor group of the right size as its first; equivalent ones are told apart later."""
    wanted = (1, 2) if mode == "X-site" else (2,) if mode in ("bidentate", "bridging") else (1,)
    named = list(zip(ligand.anchors, ligand.anchor_kinds, strict=True))
    roles = {"X-site": ("donor",), "A-site": ("cation",)}.get(mode, ("donor", "cation", "hydrogen-bond"))
    fitting = [item for item in named if len(item[0]) in wanted and role_of(item[1]) in roles]
    if not fitting:
        # the error of the mode itself says what is wrong
        yield ligand
    for first in fitting[:_GROUPS]:
        order = [first, *(item for item in named if item != first)]
        yield replace(ligand, anchors=tuple(g for g, _ in order), anchor_kinds=tuple(k for _, k in order))


def _distinct(slab: "Atoms", face: Face, plan: Plan) -> tuple[Target, ...]:
    """Return the first place of each set that the symmetry of the slab makes equal."""
    symbols = slab.get_chemical_symbols()
    sites = [
        Site(site_name(symbols, target), face.name, _point(face.back(_middle(target))), target.atoms, 1.0)
        for target in plan.targets
    ]
    labels = site_orbits(slab, sites)
    first = {int(label): k for k, label in reversed(list(enumerate(labels)))}
    return tuple(plan.targets[k] for k in sorted(first.values()))


def _point(position: np.ndarray) -> tuple[float, float, float]:
    return float(position[0]), float(position[1]), float(position[2])


def _middle(target: Target) -> np.ndarray:
    return np.asarray(target.points.mean(axis=0)) if target.place is None else target.place


def _nearest(face: Face, targets: Sequence[Target], point: np.ndarray) -> tuple[Target, ...]:
    """Return the places closest to a point in the plane, images considered."""
    middles = face.nearest_image(np.array([_middle(target) for target in targets]), point)
    distances = np.linalg.norm((middles - point)[:, :2], axis=1).round(2)
    return tuple(targets[k] for k in np.argsort(distances, kind="stable")[:_BESIDE])


def _fitted(request: Request, geometry: Geometry, target: Target, rise: float) -> Fitting | None:
    """Return the poses with bonds longer by ``rise`` than the shortest that fit, ``None`` if there are none."""
    try:
        found = fit(request, geometry.positions, target)
        if rise and isinstance(found, Fitting):
            shortest = [min(row) for row in found.bonds.distances if row] or list(_table(request, target))
            if not shortest:
                return None
            raised = replace(request.rules, distance=min(shortest) + rise)
            found = fit(replace(request, rules=raised), geometry.positions, target)
    except PlacementError:
        return None
    return None if isinstance(found, Blocked) else found


def _table(request: Request, target: Target) -> tuple[float, ...]:
    """Return the table distances of a head over a hollow, which has no single bond; none in the place of Cs."""
    from ase.data import chemical_symbols

    symbols = np.array(chemical_symbols)[request.rules.numbers]
    return anchor_distances(request.ligand, request.plan, target, symbols)


def _kind(request: Request, source: Source, target: Target, laid: Laid) -> Kind[Found]:
    """Return the poses of one conformer at one place and height as a kind."""
    from ase.data import atomic_numbers

    numbers = np.array([atomic_numbers[symbol] for symbol in request.ligand.symbols])
    radii = vdw_radii(numbers)
    face = request.rules.face

    def lay() -> list[Found]:
        geometry = source()
        fitting = None if geometry is None else _fitted(request, geometry, target, laid.heights[0])
        if geometry is None or fitting is None:
            return []
        poses = fitting.poses[_upright(fitting, laid.max_tilt)]
        return [Found(pose, fitting, geometry, request) for pose in poses]

    def shape(found: Found) -> Shape:
        return shape_of(numbers, face.back(found.positions))

    def usable(found: Found) -> bool:
        size = float(np.linalg.norm(found.positions[:, None] - found.positions[None], axis=2).max())
        images = own_translations(face.lattice, size, request.rules.limit * 2 * float(radii.max()))
        return own_images_clear(found.positions, radii, images, request.rules.limit)

    return Kind(lay, shape, usable)


def _upright(fitting: Fitting, max_tilt: float) -> np.ndarray:
    """Tell which poses lean no more than ``max_tilt`` degrees, shape (n_poses,)."""
    up = fitting.poses.mean(axis=1) - fitting.poses[:, list(fitting.bonds.anchors)].mean(axis=1)
    length = np.linalg.norm(up, axis=1)
    return np.asarray((length < 0.3) | (up[:, 2] >= np.cos(np.radians(max_tilt)) * length - 1e-9))
