"""Find the best pose of a rigid molecule at one place of a face."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from qddft.atoms.body import body_of
from qddft.atoms.families import Bonds, Molecule, Turn, anchor_distances, families, molecule_of
from qddft.atoms.own_images import own_images_clear, own_translations
from qddft.atoms.poses import COARSE, Grid, Poses
from qddft.atoms.surroundings import (
    Body,
    Limits,
    Obstacle,
    Surroundings,
    Verdict,
    judge,
    obstacle,
    surroundings_of,
)
from qddft.core.errors import PlacementError

if TYPE_CHECKING:
    from qddft.atoms.faces import Face
    from qddft.atoms.ligand import Ligand
    from qddft.atoms.targets import Plan, Target

# ratios are kept a little above the limit, so that rounded coordinates still keep it
_MARGIN = 1.001
# what pairs that follow from the bond may come down to: 0.64 is C...Pb of a carboxylate that chelates at 2.54 Å, 0.62
# is O...Cs at the sum of ionic radii; at a distance that the user insists on an anchor may push a halide further
GEMINAL_LIMIT, _ANCHOR_LIMIT, _ASKED_LIMIT = 0.62, 0.62, 0.5
# without a distance asked for, bonds are lengthened by up to this much where that makes room, Angstrom
_STRETCH, _LONGEST_STRETCH, _MOST_STRETCHES = 0.1, 0.5, 8
# two anchors of a protonated group need more, because the proton lies between them, Angstrom
_LONGEST_FOR_TWO = 0.7
_ABOVE_PLACE = 0.3
# a flat head over a hollow is wider than the one atom that the table knows, Angstrom
_ABOVE_HOLLOW = 0.6


@dataclass(frozen=True)
class Rules:
    """On what and under which rules something is placed.

    Attributes
    ----------
    face
        The face.
    numbers
        Atomic numbers of the slab, shape (n_slab,).
    distance
        Anchor-surface distance that was asked for, Angstrom; ``None`` for the table.
    min_contact
        Smallest ratio of a non-bonded distance to the sum of van der Waals radii.
    seed
        Turns the grid of angles unless it is 0.
    """

    face: "Face"
    numbers: np.ndarray
    distance: float | None
    min_contact: float
    seed: int

    @property
    def limit(self) -> float:
        """Ratio that poses have to keep."""
        return self.min_contact * _MARGIN


@dataclass(frozen=True)
class Request:
    """What is placed, how and where.

    Attributes
    ----------
    rules
        On what and under which rules.
    ligand
        The molecule.
    plan
        Mode, anchors and places.
    """

    rules: Rules
    ligand: "Ligand"
    plan: "Plan"


@dataclass(frozen=True)
class Fitting:
    """All acceptable poses at one place, best first, before periodic images of the molecule are looked at.

    Attributes
    ----------
    poses
        Shape (n_poses, n_atoms, 3), face coordinates, Angstrom.
    bonds
        What binds to what.
    target
        The place.
    strictness
        0 if all pairs but the bonds keep the smallest contact, 1 if anchors come closer to other surface atoms, 2 if
        geminal pairs (see ``qddft.atoms.surroundings``) are closer too.
    """

    poses: np.ndarray
    bonds: Bonds
    target: "Target"
    strictness: int


@dataclass(frozen=True)
class Judged:
    """One family of poses with its verdict."""

    poses: Poses
    bonds: Bonds
    verdict: Verdict
    body: Body
    around: Surroundings


@dataclass(frozen=True)
class Blocked:
    """No acceptable pose.

    Attributes
    ----------
    obstacle
        What is in the way of the best pose.
    head
        Even the head of the molecule alone has no room, so that other conformers do not help.
    """

    obstacle: Obstacle
    head: bool


def fit(request: Request, positions: np.ndarray, target: "Target", grid: Grid = COARSE) -> Fitting | Blocked:
    """Return the acceptable poses of one conformer at one place, the strictest kind there is, or what is in the way.

    Parameters
    ----------
    request
        What is placed.
    positions
        The conformer, shape (n_atoms, 3), Angstrom.
    target
        The place.
    grid
        How finely orientations are laid out.

    Raises
    ------
    PlacementError
        The anchors cannot be at the distance that was asked for.
    """
    molecule = molecule_of(request.ligand, positions, request.plan, target)
    levels = levels_of(request)
    judged = _each_distance(request, molecule, target, grid)
    return _first(judged, target, levels) or _blocked(judged)


def _each_distance(request: Request, molecule: Molecule, target: "Target", grid: Grid) -> list[list[Judged]]:
    """Judge the poses at every distance that is tried, until one is strictly acceptable.

    Raises
    ------
    PlacementError
        The anchors can be at none of them.
    """
    judged: list[list[Judged]] = []
    problem: PlacementError | None = None
    for distances in distances_of(request, target):
        try:
            judged.append(judged_at(request, molecule, target, distances, grid))
        except PlacementError as error:
            problem = error
            continue
        if best_of(judged[-1], target, levels_of(request), 0) is not None:
            break
    if problem is not None and not judged:
        raise problem
    return judged


def _first(judged: list[list[Judged]], target: "Target", levels: tuple[Limits, ...]) -> Fitting | None:
    """Return the poses of the strictest level and the shortest distance that has any."""
    for strictness in range(len(levels)):
        for each in judged:
            found = best_of(each, target, levels, strictness)
            if found is not None:
                return found
    return None


def _head_fits(judged: list[list[Judged]]) -> bool:
    return any(item.verdict.head_fits for each in judged for item in each)


def first_clear(fitting: Fitting, radii: np.ndarray, lattice: np.ndarray, limit: float) -> np.ndarray | None:
    """Return the best pose that stays clear of its own lateral images, ``None`` if there is none.

    Parameters
    ----------
    fitting
        Poses, best first.
    radii
        Van der Waals radii of the molecule, shape (n_atoms,), Angstrom.
    lattice
        Lateral lattice, shape (2, 3), Angstrom.
    limit
        Smallest ratio allowed.
    """
    first = fitting.poses[0]
    size = float(np.linalg.norm(first[:, None, :] - first[None, :, :], axis=2).max())
    translations = own_translations(lattice, size, limit * 2 * float(radii.max()))
    for positions in fitting.poses:
        if own_images_clear(positions, radii, translations, limit):
            return np.asarray(positions)
    return None


def distances_of(request: Request, target: "Target") -> list[tuple[float, ...]]:
    """Return the distances to try, as asked or from the table upwards."""
    from ase.data import chemical_symbols

    symbols = np.array(chemical_symbols)[request.rules.numbers]
    table = anchor_distances(request.ligand, request.plan, target, symbols)
    if not table:
        return [()]
    if request.rules.distance is not None:
        return [(request.rules.distance,) * len(table)]
    longest = _LONGEST_STRETCH if len(table) == 1 else _LONGEST_FOR_TWO
    if target.place is not None and len(target.atoms) == 1:
        # above a single Pb the place of the halide is farther away than a bond, and bulky heads stay above it
        longest += max(0.0, _ABOVE_PLACE + float(np.linalg.norm(target.place - target.points[0])) - min(table))
    if len(target.atoms) > 2:
        longest += _ABOVE_HOLLOW
    steps = min(_MOST_STRETCHES, round(longest / _STRETCH) + 1)
    return [tuple(d + stretch for d in table) for stretch in np.linspace(0.0, longest, steps).tolist()]


def levels_of(request: Request) -> tuple[Limits, ...]:
    """Return the limits of pairs of the kinds other, anchor and geminal, strictest first."""
    limit = request.rules.limit
    anchor = min(limit, _ANCHOR_LIMIT if request.rules.distance is None else _ASKED_LIMIT)
    return (limit, limit, limit), (limit, anchor, limit), (limit, anchor, min(limit, GEMINAL_LIMIT))


def table_distances(request: Request, target: "Target") -> tuple[float, ...]:
    """Return the distance of each anchor that is asked for, or the one of the table, Angstrom."""
    return distances_of(request, target)[0]


def around_of(request: Request, target: "Target") -> Surroundings:
    """Return what lies near a place."""
    lowest = float(target.points[:, 2].min())
    return surroundings_of(request.rules.face, request.rules.numbers, target.removed, lowest)


def judged_at(
    request: Request, molecule: Molecule, target: "Target", distances: tuple[float, ...], grid: Grid
) -> list[Judged]:
    """Judge the poses at one distance of each anchor, Angstrom, family by family.

    Raises
    ------
    PlacementError
        The anchors cannot be at these distances.
    """
    around = around_of(request, target)
    body = body_of(molecule, paired=request.plan.mode == "ion-pair")
    loosest = levels_of(request)[-1]
    found = families(
        molecule, request.plan, target, distances, Turn(request.rules.seed, request.rules.face.azimuth, grid)
    )
    return [
        Judged(poses, bonds, judge(poses, body, around, bonds.sites, loosest), body, around) for poses, bonds in found
    ]


def _blocked(judged: list[list[Judged]]) -> Blocked:
    """Say what is in the way of the pose that comes closest to being acceptable."""
    flat = [item for each in judged for item in each]
    room = [item.verdict.worst.min(axis=0) for item in flat]
    best = max(range(len(flat)), key=lambda k: float(room[k].max()))
    item, pose = flat[best], int(room[best].argmax())
    found = obstacle(item.poses.positions[pose], item.body, item.around, item.bonds.sites)
    return Blocked(found, head=not _head_fits(judged))


def best_of(judged: list[Judged], target: "Target", levels: tuple[Limits, ...], strictness: int) -> Fitting | None:
    """Return the acceptable poses of the family that holds the best one."""
    best: tuple[float, Fitting] | None = None
    limits = np.array(levels[strictness])[:, None]
    for item in judged:
        good = np.flatnonzero((item.verdict.worst >= limits).all(axis=0))
        if not len(good):
            continue
        order = good[np.argsort(item.verdict.score[good].round(6), kind="stable")]
        score = float(item.verdict.score[order[0]])
        if best is None or score < best[0] - 1e-6:
            best = (score, Fitting(item.poses.positions[order], item.bonds, target, strictness))
    return None if best is None else best[1]
