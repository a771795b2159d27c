"""Which atoms of a face a binding mode uses, and which ion it takes away."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from qddft.atoms.anchors import role_of
from qddft.atoms.binding_groups import anchor_groups
from qddft.atoms.faces import Face, neighbors
from qddft.atoms.sites import Site, uncovered
from qddft.core.errors import PlacementError
from qddft.core.suggest import did_you_mean

if TYPE_CHECKING:
    from ase import Atoms

    from qddft.atoms.ligand import Ligand

Mode = Literal["atop", "bidentate", "bridging", "X-site", "A-site", "ion-pair"]
MODES: tuple[Mode, ...] = ("atop", "bidentate", "bridging", "X-site", "A-site", "ion-pair")
Where = int | Sequence[float] | Site | None
# a second neighbor counts as bound to the place of a halide if it is at most this much farther than the first
_SAME_SHELL = 1.3


@dataclass(frozen=True)
class Target:
    """A place on a face where anchors go.

    Attributes
    ----------
    atoms
        Surface atoms that the anchors bind to: one or two, none for a place of Cs.
    points
        Their images that belong together, face coordinates, shape (n, 3), Angstrom; the place itself without atoms.
    removed
        The slab atom whose place is taken.
    place
        Where that atom is, face coordinates, shape (3,), Angstrom.
    """

    atoms: tuple[int, ...]
    points: np.ndarray
    removed: int | None = None
    place: np.ndarray | None = None


@dataclass(frozen=True)
class Plan:
    """What is put where.

    Attributes
    ----------
    mode
        The binding mode.
    group
        Ligand atoms that bind.
    role
        How they bind: ``donor``, ``cation`` or ``hydrogen-bond``.
    targets
        Places to try, best first.
    """

    mode: Mode
    group: tuple[int, ...]
    role: str
    targets: tuple[Target, ...]


def check_mode(mode: str) -> Mode:
    """Return the name of a binding mode; upper and lower case alike.

    Raises
    ------
    PlacementError
        An unknown name.
    """
    for known in MODES:
        if known.lower() == str(mode).strip().lower():
            return known
    raise PlacementError(f"unknown binding mode {mode!r}. {did_you_mean(str(mode), MODES)}")


def taken_atoms(slab: "Atoms") -> frozenset[int]:
    """Return the slab atoms that hold a ligand."""
    entries = slab.info.get("qddft", {}).get("fragments", [])
    return frozenset(i for entry in entries for atoms in entry.get("sites", []) for i in atoms)


def make_plans(face: Face, ligand: "Ligand", mode: Mode, where: Where, taken: frozenset[int]) -> tuple[Plan, ...]:
    """Choose anchors and places; the first plan is the one to follow unless the ligand does not fit that way.

    Parameters
    ----------
    face
        The face.
    ligand
        What is attached.
    mode
        How.
    where
        Index of a slab atom, a point (x, y) or (x, y, z) in slab coordinates, a ``Site``, or ``None`` for the places
        around the middle of the cell.
    taken
        Slab atoms that hold a ligand already; they are left out unless ``where`` asks for them.

    Raises
    ------
    PlacementError
        The mode makes no sense for this ligand or face, or there is no such place.
    """
    plans = []
    for group, role in anchor_groups(ligand, mode):
        listed = _PLACES[mode](face, role)
        plans.append(Plan(mode, group, role, tuple(_chosen(face, listed, where, taken, mode))))
    return tuple(plans)


def kind_of_sites(face: Face, ligand: "Ligand", mode: Mode) -> str:
    """Return above which atoms of a face the places of a mode lie: ``Pb-top``, ``Cs-top`` or ``X-top``.

    Raises
    ------
    PlacementError
        The mode makes no sense for this ligand, or its places lie above no atom.
    """
    if mode == "ion-pair":
        return "Pb-top" if face.termination == "PbX2" else "Cs-top"
    role = anchor_groups(ligand, mode)[0][1]
    if mode == "A-site":
        return "Cs-top"
    if mode == "bridging" and face.termination != "PbX2":
        raise PlacementError("bridging: between two Cs of a CsX face there is no atom, so that no pattern is counted.")
    if mode in ("X-site", "bridging") or role != "donor":
        return "X-top"
    return "Pb-top" if face.termination == "PbX2" else "Cs-top"


def _surface_partners(face: Face, role: str) -> np.ndarray:
    """Return the outermost atoms that an anchor binds to: cations for donors, halides for cations and protons."""
    return face.of("X") if role != "donor" else np.concatenate([face.of("B"), face.of("A")])


def _tops(face: Face, role: str) -> list[Target]:
    return [Target((int(i),), face.positions[[i]]) for i in _surface_partners(face, role)]


def _neighbor_pairs(face: Face, role: str) -> list[Target]:
    """Return neighboring surface atoms of one kind."""
    partners = _surface_partners(face, role)
    found: dict[tuple[float, ...], Target] = {}
    shortest = min(_to_next(face, i, partners) for i in partners)
    for i in partners:
        for j, image in neighbors(face, face.positions[i], partners, 1.15 * shortest):
            if j < i or (j == i and np.linalg.norm(image - face.positions[i]) < 1e-6):
                continue
            middle = tuple(np.round((face.positions[i] + image) / 2, 2).tolist())
            found[middle] = Target((int(i), j), np.array([face.positions[i], image]))
    return list(found.values())


def _to_next(face: Face, atom: int, partners: np.ndarray) -> float:
    """Return the distance to the next partner or image of the atom itself, Angstrom."""
    reach = float(np.linalg.norm(face.lattice, axis=1).min()) + 0.1
    places = [image for _, image in neighbors(face, face.positions[atom], partners, reach)]
    return min(distance for place in places if (distance := float(np.linalg.norm(place - face.positions[atom]))) > 1e-6)


def _halide_places(face: Face, role: str) -> list[Target]:  # noqa: ARG001  (one signature for all modes)
    """Return the outermost halides with the Pb that they bridge."""
    cations = np.flatnonzero(face.species == "B")
    found = []
    for x in face.of("X"):
        place = face.positions[x]
        near = neighbors(face, place, cations, 12.0)
        shell = _SAME_SHELL * float(np.linalg.norm(near[0][1] - place)) if near else 0.0
        bound = [(atom, image) for atom, image in near if np.linalg.norm(image - place) <= shell][:2]
        if bound:
            points = np.array([image for _, image in bound])
            found.append(Target(tuple(atom for atom, _ in bound), points, removed=int(x), place=place))
    return found


def _cesium_places(face: Face, role: str) -> list[Target]:  # noqa: ARG001  (one signature for all modes)
    """Return the outermost Cs."""
    if not len(face.of("A")):
        raise PlacementError(
            f"A-site: the {face.name} face is {face.termination} and holds no Cs; take a slab with termination CsX, "
            "or the mode atop, which sets the cation on a halide."
        )
    return [Target((), face.positions[[i]], removed=int(i), place=face.positions[i]) for i in face.of("A")]


_PLACES: dict[Mode, Callable[[Face, str], list[Target]]] = {
    "atop": _tops,
    "bidentate": _tops,
    "bridging": _neighbor_pairs,
    "X-site": _halide_places,
    "A-site": _cesium_places,
}


def _chosen(face: Face, listed: list[Target], where: Where, taken: frozenset[int], mode: Mode) -> list[Target]:
    """Sort places by their distance from what was asked, or keep the ones that were asked for."""
    if not listed:
        raise PlacementError(f"{mode}: the {face.termination} {face.name} face has no place for it.")
    if where is None:
        free = [item for item in listed if taken.isdisjoint(_used(item))]
        if not free:
            raise PlacementError(f"{mode}: every place on the {face.name} face is taken; take a larger supercell.")
        return _by_distance(face, free, face.center)
    if isinstance(where, Site):
        return _at_atoms(face, listed, where.atoms, f"the site {where.kind} on atoms {list(where.atoms)}", mode)
    if isinstance(where, int | np.integer) and not isinstance(where, bool):
        return _at_atoms(face, listed, (int(where),), f"atom {where}", mode)
    return _by_distance(face, listed, _point(face, where))[:1]


def cation_plan(face: Face, ligand: "Ligand", point: np.ndarray, taken: frozenset[int]) -> Plan:
    """Return where the cation of an ion pair goes: hollows between halides of a PbX2 face, halides of a CsX face.

    Parameters
    ----------
    face
        The face.
    ligand
        The cation.
    point
        Where the anion is, face coordinates, shape (3,), Angstrom; places near it come first.
    taken
        Slab atoms that hold a ligand already.

    Raises
    ------
    PlacementError
        Nothing in the cation binds to halides, or every place is taken.
    """
    named = zip(ligand.anchors, ligand.anchor_kinds, strict=True)
    group = next((group for group, kind in named if len(group) == 1 and role_of(kind) == "cation"), None)
    if group is None:
        raise PlacementError(f"ion-pair: {ligand.name} has no head that binds to halides.")
    listed = _hollows(face) if face.termination == "PbX2" else _tops(face, "cation")
    free = [item for item in listed if taken.isdisjoint(_used(item)) or len(item.atoms) > 1]
    if not free:
        raise PlacementError(f"ion-pair: every place for a cation on the {face.name} face is taken.")
    return Plan("ion-pair", group, "cation", tuple(_by_distance(face, free, point)))


def _hollows(face: Face) -> list[Target]:
    """Return the places over uncovered Cs of the second layer, with the four halides around each."""
    halides = face.of("X")
    found = []
    for atom in uncovered(face):
        point = np.array([*face.positions[atom, :2], face.height])
        shell = neighbors(face, point, halides, 12.0)[:4]
        if len(shell) == 4:
            found.append(Target(tuple(i for i, _ in shell), np.array([image for _, image in shell])))
    return found


def _used(target: Target) -> tuple[int, ...]:
    return target.atoms if target.removed is None else (*target.atoms, target.removed)


def _middle(target: Target) -> np.ndarray:
    return target.points.mean(axis=0) if target.place is None else target.place


def _by_distance(face: Face, listed: list[Target], point: np.ndarray) -> list[Target]:
    """Sort places by lateral distance from a point; the image of a place closest to the point is used."""
    middles = np.array([_middle(item) for item in listed])
    near = face.nearest_image(middles, point)
    distances = np.linalg.norm((near - point)[:, :2], axis=1).round(2)
    return [_moved(listed[k], near[k] - middles[k]) for k in np.argsort(distances, kind="stable")]


def _moved(target: Target, shift: np.ndarray) -> Target:
    place = None if target.place is None else target.place + shift
    return Target(target.atoms, target.points + shift, target.removed, place)


def _at_atoms(face: Face, listed: list[Target], atoms: tuple[int, ...], what: str, mode: Mode) -> list[Target]:
    """Keep the places that an atom, or all atoms of a site, belong to."""
    key = [{item.removed} if item.removed is not None else set(item.atoms) for item in listed]
    found = [item for item, used in zip(listed, key, strict=True) if set(atoms) <= used]
    if not found:
        valid = sorted(set().union(*key))
        raise PlacementError(
            f"{mode}: {what} is no place for this mode on the {face.name} face; valid atoms are "
            f"{', '.join(str(i) for i in valid)}."
        )
    return _by_distance(face, found, face.center)


def _point(face: Face, where: object) -> np.ndarray:
    """Read a point in slab coordinates."""
    try:
        point = np.asarray(where, dtype=float)
    except (TypeError, ValueError):
        point = np.empty(0)
    if point.shape not in ((2,), (3,)) or not np.isfinite(point).all():
        raise PlacementError(f"site {where!r}: give the index of a slab atom, a point (x, y) in Å, or a Site.")
    return np.asarray(np.array([point[0], point[1], 0.0]) * face.turn + [0.0, 0.0, face.height])
