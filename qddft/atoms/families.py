"""Pose families of each binding mode: where the anchors go, and how the molecule may turn about them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from qddft.atoms.bond_lengths import cation_distance, donor_distance
from qddft.atoms.poses import (
    Grid,
    Poses,
    bridge_ends,
    chelate_ends,
    joined,
    poses_on_axis,
    poses_on_point,
    start_angles,
)

if TYPE_CHECKING:
    from qddft.atoms.ligand import Ligand
    from qddft.atoms.targets import Plan, Target

_ELEVATIONS = np.array([20.0, 35.0, 50.0, 65.0]) * np.pi / 180
# an anchor goes to the middle of two Pb if its bond length is at least this share of half their distance
_REACHES = 0.9
# atoms of one charged head lie closer together than this, Angstrom (N-N of guanidinium: 2.3)
_HEAD = 2.6
_Z = np.array([0.0, 0.0, 1.0])


@dataclass(frozen=True)
class Bonds:
    """Which anchor sits at what distance from which surface atoms.

    Attributes
    ----------
    anchors
        Ligand atoms.
    sites
        Surface atoms of each anchor; none for a cation in the place of Cs.
    distances
        Distance from each of them, Angstrom.
    """

    anchors: tuple[int, ...]
    sites: tuple[tuple[int, ...], ...]
    distances: tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class Molecule:
    """One conformer of a ligand and what of it binds.

    Attributes
    ----------
    ligand
        The ligand.
    positions
        Shape (n_atoms, 3), Angstrom.
    head
        The atoms that bind.
    up
        Direction that should point away from the face, Angstrom; its length says how clear that is.
    """

    ligand: "Ligand"
    positions: np.ndarray
    head: tuple[int, ...]
    up: np.ndarray


@dataclass(frozen=True)
class Turn:
    """Which orientations are laid out.

    Attributes
    ----------
    seed
        Turns the grid of angles unless it is 0.
    azimuth
        Where the grid starts in the plane, radians.
    grid
        How fine it is.
    """

    seed: int
    azimuth: float
    grid: Grid


def molecule_of(ligand: "Ligand", positions: np.ndarray, plan: "Plan", target: "Target") -> Molecule:
    """Return a conformer with its head for a plan; a hydrogen halide points its proton down."""
    whole = plan.mode == "A-site" or len(target.atoms) > 2
    head = _whole_head(ligand, positions, plan) if whole else plan.group
    up = positions.mean(axis=0) - positions[list(head)].mean(axis=0)
    if plan.role == "hydrogen-bond":
        up = -up
    return Molecule(ligand, positions, head, up)


def _whole_head(ligand: "Ligand", positions: np.ndarray, plan: "Plan") -> tuple[int, ...]:
    """Return all charged atoms of a head: on an A site and over a hollow its middle is placed."""
    kind = ligand.anchor_kinds[ligand.anchors.index(plan.group)]
    groups = zip(ligand.anchors, ligand.anchor_kinds, strict=True)
    alike = {i for group, other in groups if other == kind for i in group}
    first = positions[plan.group[0]]
    return tuple(sorted(i for i in alike if float(np.linalg.norm(positions[i] - first)) < _HEAD))


def families(
    molecule: Molecule, plan: "Plan", target: "Target", distances: tuple[float, ...], turn: Turn
) -> Iterator[tuple[Poses, Bonds]]:
    """Yield families of poses, each with its bonds.

    Parameters
    ----------
    molecule
        What is placed.
    plan
        Mode and anchors.
    target
        Where.
    distances
        Of each anchor from its surface atoms, Angstrom.
    turn
        Which orientations.

    Raises
    ------
    PlacementError
        The anchors cannot be at these distances.
    """
    if plan.mode == "A-site":
        yield _in_place(molecule, target, turn)
    elif len(target.atoms) > 2:
        yield _over_hollow(molecule, target, distances[0], turn)
    elif len(plan.group) == 2:
        yield from _two_anchors(molecule, target, distances, turn)
    elif len(target.atoms) == 2:
        yield from _one_between_two(molecule, target, distances[0], turn)
    else:
        point = target.points[0] + distances[0] * _Z
        yield _on_points(molecule, [point], turn), Bonds(plan.group, (target.atoms,), (distances,))


def anchor_distances(ligand: "Ligand", plan: "Plan", target: "Target", symbols: np.ndarray) -> tuple[float, ...]:
    """Return the table distance of each anchor, Angstrom.

    Parameters
    ----------
    ligand, plan, target
        What is placed where.
    symbols
        Chemical symbols of the surface, shape (n_slab,).
    """
    if plan.mode == "A-site":
        return ()
    surface = str(symbols[target.atoms[0]])
    if plan.role == "donor":
        found = tuple(donor_distance(ligand.symbols[i], surface) for i in plan.group)
        return _reaching_middle(found, target)
    protonated = {i for i in plan.group if any(ligand.symbols[k] == "H" for k in _linked(ligand, i))}
    return tuple(cation_distance(ligand.symbols[i], surface, proton=i in protonated) for i in plan.group)


def _reaching_middle(found: tuple[float, ...], target: "Target") -> tuple[float, ...]:
    """Lengthen the bond of a single anchor that nearly reaches the middle between two surface atoms."""
    if len(found) == 1 and len(target.atoms) == 2:
        half = float(np.linalg.norm(target.points[1] - target.points[0])) / 2
        if _REACHES * half <= found[0] < half:
            return (half,)
    return found


def _linked(ligand: "Ligand", atom: int) -> list[int]:
    return [j if i == atom else i for i, j in sorted(ligand.graph) if atom in (i, j)]


def _in_place(molecule: Molecule, target: "Target", turn: Turn) -> tuple[Poses, Bonds]:
    """Put the middle of a charged head where an ion was taken away."""
    nothing = tuple(() for _ in molecule.head)
    return _on_points(molecule, [target.points[0]], turn), Bonds(molecule.head, nothing, nothing)


def _over_hollow(molecule: Molecule, target: "Target", distance: float, turn: Turn) -> tuple[Poses, Bonds]:
    """Put the middle of a charged head over the middle of several surface atoms, at a distance from the closest."""
    middle = target.points.mean(axis=0)
    offsets = target.points - middle
    closest = offsets[np.linalg.norm(offsets[:, :2], axis=1).argmin()]
    rise = np.sqrt(max(distance**2 - float((closest[:2] ** 2).sum()), 0.0)) + float(closest[2])
    place = middle + max(rise, 0.0) * _Z
    poses = _on_points(molecule, [place], turn)
    if len(molecule.head) > 1:
        nothing = tuple(() for _ in molecule.head)
        return poses, Bonds(molecule.head, nothing, nothing)
    apart = tuple(float(d) for d in np.linalg.norm(target.points - place, axis=1))
    return poses, Bonds(molecule.head, (target.atoms,), (apart,))


def _on_points(molecule: Molecule, points: list[np.ndarray], turn: Turn) -> Poses:
    pivot = molecule.positions[list(molecule.head)].mean(axis=0)
    start = start_angles(turn.seed, turn.azimuth)
    placed = [poses_on_point(molecule.positions, pivot, point, molecule.up, start, turn.grid) for point in points]
    return joined(placed)


def _one_between_two(
    molecule: Molecule, target: "Target", distance: float, turn: Turn
) -> Iterator[tuple[Poses, Bonds]]:
    """One anchor in the place of a halide: above the middle of its two Pb, or on one of them if it does not reach."""
    line = target.points[1] - target.points[0]
    half = float(np.linalg.norm(line)) / 2
    if distance >= half - 1e-9:
        rise = np.sqrt(max(distance**2 - half**2, 0.0))
        point = target.points.mean(axis=0) + rise * _Z
        yield _on_points(molecule, [point], turn), Bonds(molecule.head, (target.atoms,), ((distance, distance),))
        return
    for k, axis in ((0, line), (1, -line)):
        inwards = axis / (2 * half)
        points = [target.points[k] + distance * (np.cos(angle) * inwards + np.sin(angle) * _Z) for angle in _ELEVATIONS]
        yield _on_points(molecule, points, turn), Bonds(molecule.head, (target.atoms[k : k + 1],), ((distance,),))


def _two_anchors(
    molecule: Molecule, target: "Target", distances: tuple[float, ...], turn: Turn
) -> Iterator[tuple[Poses, Bonds]]:
    """Two anchors on one surface atom, or each on its own."""
    first, second = molecule.head
    span = float(np.linalg.norm(molecule.positions[first] - molecule.positions[second]))
    pair, reach = (first, second), (distances[0], distances[1])
    if len(target.atoms) == 1:
        point = target.points[0]
        turned = []
        for azimuth in turn.azimuth + 2 * np.pi * np.arange(turn.grid.azimuths) / turn.grid.azimuths:
            ends = chelate_ends(point, reach, span, azimuth)
            about = np.array([point, point + ends[1] - ends[0]])
            turned.append(poses_on_axis(molecule.positions, pair, ends, molecule.up, about, turn.grid))
        yield joined(turned), Bonds(pair, (target.atoms, target.atoms), ((reach[0],), (reach[1],)))
        return
    for order in ((0, 1), (1, 0)):
        points = target.points[list(order)]
        ends = bridge_ends(points, reach, span)
        poses = poses_on_axis(molecule.positions, pair, ends, molecule.up, points, turn.grid)
        sites = tuple((target.atoms[k],) for k in order)
        yield poses, Bonds(pair, sites, ((reach[0],), (reach[1],)))
