"""Poses of a ligand on the places of a nanocrystal: each kind of place is worked out once."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from qddft.atoms.families import Bonds
from qddft.atoms.placing import Fitting, Request, Rules, fit
from qddft.atoms.poses import Grid
from qddft.atoms.search import Geometry, geometries
from qddft.atoms.shell_sites import Core, Neighborhood, ShellSite, neighborhood
from qddft.atoms.targets import Mode, Plan, Target, anchor_groups
from qddft.core.errors import PlacementError

if TYPE_CHECKING:
    from qddft.atoms.ligand import Ligand

# upright poses first; few of them, because every place of a kind shares them and neighbors stand parallel
SHELL = Grid(
    cone=((0, 1), (12, 6), (25, 8), (40, 8), (55, 8)),
    rest=((80, 8), (110, 8), (140, 6), (180, 1)),
    spins=12,
    hinges=(-60, -45, -30, -15, 0, 15, 30, 45, 60),
    leans=(0, -15, 15, -30, 30),
    azimuths=8,
)
# the best poses of a place that are kept, and every how many-eth of the others, up to a number
_BEST, _MOST = 24, 96
_CONFORMERS = 4
# a head in the place of Cs below a PbX2 face is raised toward the hollow until it has room, Angstrom
_UP = np.array([0.0, 0.0, 1.0])
_LIFTS = (0.0, 0.6, 1.2, 1.8, 2.4, 3.0, 3.6, 4.2)


@dataclass(frozen=True)
class Stand:
    """Acceptable poses of one conformer at one kind of place, best first.

    Attributes
    ----------
    poses
        Coordinates of the neighborhood, shape (n, n_atoms, 3), Angstrom.
    bonds
        Anchors, their ions (indices of the neighborhood) and distances.
    geometry
        The conformer.
    """

    poses: np.ndarray
    bonds: Bonds
    geometry: Geometry


@dataclass
class PoseLibrary:
    """What is known about one ligand in one mode, filled as places ask for it.

    Attributes
    ----------
    ligand, mode
        What is placed and how.
    min_contact
        Smallest ratio of a non-bonded distance to the sum of van der Waals radii.
    seed
        Of the conformers and of the angles.
    """

    ligand: "Ligand"
    mode: Mode
    min_contact: float
    seed: int
    _known: dict[tuple[int, bytes], tuple[Stand, ...]] = field(default_factory=dict)
    _tries: tuple[Geometry, ...] = ()

    def stands(self, core: Core, near: list[int], site: ShellSite) -> Iterator[tuple[Stand, Neighborhood]]:
        """Yield the poses at a place, conformer by conformer, those first whose chains lead away from the head."""
        around = neighborhood(core, near, site)
        for rank in range(len(self.conformers)):
            key = (rank, around.key)
            if key not in self._known:
                self._known[key] = tuple(self._worked_out(around, self.conformers[rank]))
            for stand in self._known[key]:
                yield stand, around

    @property
    def conformers(self) -> tuple[Geometry, ...]:
        """The geometries that are tried."""
        if not self._tries:
            self._tries = tuple(geometries(self.ligand, None, self.seed))[:_CONFORMERS]
        return self._tries

    def _worked_out(self, around: Neighborhood, geometry: Geometry) -> Iterator[Stand]:
        for group, role in anchor_groups(self.ligand, self.mode):
            plan = Plan(self.mode, group, role, ())
            rules = Rules(around.face, around.numbers, None, self.min_contact, self.seed)
            for target in _raised(around.target, self.mode):
                found = _fitting(Request(rules, self.ligand, plan), geometry, target)
                if found is not None:
                    yield Stand(_kept(found.poses), found.bonds, geometry)
                    break


def _raised(target: Target, mode: Mode) -> Iterator[Target]:
    """Yield the place, and places above it for a cation that takes the place of Cs."""
    for lift in _LIFTS if mode == "A-site" else (0.0,):
        yield replace(target, points=target.points + lift * _UP)


def _fitting(request: Request, geometry: Geometry, target: Target) -> Fitting | None:
    try:
        found = fit(request, geometry.positions, target, SHELL)
    except PlacementError:
        # anchors that do not reach at this place; another group or place may do
        return None
    return found if isinstance(found, Fitting) else None


def _kept(poses: np.ndarray) -> np.ndarray:
    """Return the best poses and, evenly, some of the others."""
    rest = poses[_BEST:]
    step = max(1, -(-len(rest) // (_MOST - _BEST)))
    return np.concatenate([poses[:_BEST], rest[::step]])
