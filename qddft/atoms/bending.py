"""When a rigid molecule finds no room, or only with long bonds: bend it, and take what is better."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from qddft.atoms.contacts import fragments_of, vdw_radii
from qddft.atoms.families import Bonds
from qddft.atoms.placing import Fitting, Request, first_clear, table_distances
from qddft.atoms.pose_starts import Start, closest_poses
from qddft.atoms.poses import COARSE
from qddft.atoms.search import Found, Geometry
from qddft.atoms.settling import can_settle, settled
from qddft.atoms.targets import Target
from qddft.core.errors import PlacementError

if TYPE_CHECKING:
    from ase import Atoms

# bonds longer than the table by more than this, in sum, are worth bending for; what is closer is good enough, Angstrom
_LONG, _GOOD, _LOOSER = 0.25, 0.1, 0.4
_GEOMETRIES, _STARTS, _PLACES = 4, 3, 3
# a bulky head in the place of Cs is raised until it has room, Angstrom
_LIFTS = (0.0, 0.5, 1.0, 1.5, 2.0, 2.5)


def bent(slab: "Atoms", requests: list[Request], tries: Iterable[Geometry]) -> Found | None:
    """Return the best pose that the molecule bends into from poses that have no room, ``None`` without any.

    Parameters
    ----------
    slab
        What it is placed on.
    requests
        What is placed, how and where.
    tries
        Conformers to begin with, best first.
    """
    able = [request for request in requests if can_settle(request)]
    if not able:
        return None
    places = _PLACES if (fragments_of(slab) > 0).any() else 1
    begun = (
        (request, geometry, start)
        for geometry in islice(tries, _GEOMETRIES)
        for request in able
        for start in _starts(request, geometry, places)
    )
    return _best(begun)


def less_stretched(found: Found) -> Found:
    """Return a pose with shorter bonds than one that is stretched, or that."""
    if not is_stretched(found) or not can_settle(found.request):
        return found
    own = Start(found.positions, found.fitting.bonds, found.fitting.target)
    begun = ((found.request, found.geometry, start) for start in (own, *_starts(found.request, found.geometry, 1)))
    other = _best(begun)
    return other if other is not None and _rank(other) < _rank(found) else found


def is_stretched(found: Found) -> bool:
    """Tell whether bonds are longer than the table says by more than a relaxation should start with."""
    return stretch(found) > _LONG


def stretch(found: Found) -> float:
    """Return by how much the bonds of a pose are longer than asked for or in the table, in sum, Angstrom."""
    if not any(found.fitting.bonds.distances):
        return 0.0
    wanted = table_distances(found.request, found.fitting.target)
    longest = [max(row) for row in found.fitting.bonds.distances if row]
    return sum(max(0.0, length - aim) for length, aim in zip(longest, wanted, strict=False))


def _starts(request: Request, geometry: Geometry, places: int) -> Iterator[Start]:
    for target in request.plan.targets[:places]:
        for lift in _LIFTS if request.plan.mode == "A-site" else (0.0,):
            raised = replace(target, points=target.points + np.array([0.0, 0.0, lift]))
            try:
                yield from closest_poses(request, geometry.positions, raised, COARSE, _STARTS)
            except PlacementError:
                # the second anchor does not reach before the molecule bends
                yield from _by_first_anchor(request, geometry, raised)


def _by_first_anchor(request: Request, geometry: Geometry, target: Target) -> Iterator[Start]:
    """Yield poses in which the first of two anchors is in place and the second anywhere."""
    plan = request.plan
    alone = Target(target.atoms[:1], target.points[:1], target.removed, target.place)
    single = replace(request, plan=replace(plan, mode="atop", group=plan.group[:1], targets=(alone,)))
    ends = (target.atoms[:1], target.atoms[-1:])
    distances = table_distances(request, target)
    bonds = Bonds(plan.group, ends, ((distances[0],), (distances[1],)))
    for start in closest_poses(single, geometry.positions, alone, COARSE, _STARTS):
        yield Start(start.positions, bonds, target)


def _best(begun: Iterable[tuple[Request, Geometry, Start]]) -> Found | None:
    best: Found | None = None
    for request, geometry, start in begun:
        fitting = settled(request, start)
        if fitting is None or (positions := _clear(request, fitting)) is None:
            continue
        found = Found(positions, fitting, replace(geometry, conformer=None), request)
        if best is None or _rank(found) < _rank(best):
            best = found
        if best.fitting.strictness == 0 and stretch(best) < _GOOD:
            break
    return best


def _rank(found: Found) -> float:
    """Return what is lower for a better pose; contacts of a looser kind weigh as much as long bonds."""
    return round(max(stretch(found) - _GOOD, 0.0) + _LOOSER * found.fitting.strictness, 2)


def _clear(request: Request, fitting: Fitting) -> np.ndarray | None:
    from ase.data import atomic_numbers

    radii = vdw_radii(np.array([atomic_numbers[symbol] for symbol in request.ligand.symbols]))
    return first_clear(fitting, radii, request.rules.face.lattice, request.rules.limit)
