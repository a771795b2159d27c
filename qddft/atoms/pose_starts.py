"""Poses that a molecule may bend from, and the verdict on what it bent into."""

from dataclasses import dataclass

import numpy as np

from qddft.atoms.body import body_of
from qddft.atoms.families import Bonds, molecule_of
from qddft.atoms.placing import Fitting, Judged, Request, around_of, best_of, distances_of, judged_at, levels_of
from qddft.atoms.poses import Grid, Poses
from qddft.atoms.surroundings import judge
from qddft.atoms.targets import Target
from qddft.core.errors import PlacementError

# poses that differ by less in every coordinate are alike, Angstrom
_UNLIKE = 1.0


@dataclass(frozen=True)
class Start:
    """A pose that touches the surface.

    Attributes
    ----------
    positions
        Face coordinates, shape (n_atoms, 3), Angstrom.
    bonds
        What binds to what.
    target
        The place.
    """

    positions: np.ndarray
    bonds: Bonds
    target: Target


def judged_pose(request: Request, positions: np.ndarray, bonds: Bonds, target: Target) -> Fitting | None:
    """Return one pose, shape (n_atoms, 3), as a fitting of the strictest level that it keeps, ``None`` if of none."""
    molecule = molecule_of(request.ligand, positions, request.plan, target)
    around = around_of(request, target)
    body = body_of(molecule, paired=False)
    poses = Poses(positions[None], np.zeros(1))
    levels = levels_of(request)
    judged = [Judged(poses, bonds, judge(poses, body, around, bonds.sites, levels[-1]), body, around)]
    return next((found for k in range(len(levels)) if (found := best_of(judged, target, levels, k)) is not None), None)


def closest_poses(request: Request, positions: np.ndarray, target: Target, grid: Grid, count: int) -> list[Start]:
    """Return the poses of one conformer at the shortest distance it reaches that come closest to being acceptable.

    Those of a family that are alike are left out.

    Raises
    ------
    PlacementError
        The anchors can be at none of the distances.
    """
    molecule = molecule_of(request.ligand, positions, request.plan, target)
    problem: PlacementError | None = None
    for distances in distances_of(request, target):
        try:
            judged = judged_at(request, molecule, target, distances, grid)
        except PlacementError as error:
            problem = error
            continue
        return _closest(judged, target, count)
    raise problem or PlacementError("no distance was tried")


def _closest(judged: list[Judged], target: Target, count: int) -> list[Start]:
    room = [
        (float(room), k, pose)
        for k, item in enumerate(judged)
        for pose, room in enumerate(item.verdict.worst.min(axis=0))
    ]
    ranked = sorted(room, key=lambda entry: (-round(entry[0], 4), entry[1:]))
    found: list[Start] = []
    for _, k, pose in ranked:
        positions = judged[k].poses.positions[pose]
        if all(np.abs(positions - other.positions).max() > _UNLIKE for other in found):
            found.append(Start(positions, judged[k].bonds, target))
        if len(found) == count:
            break
    return found
