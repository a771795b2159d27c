"""Poses of a ligand on the places of a nanocrystal: each kind of place is worked out once."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from qddft.atoms.binding_groups import anchor_groups
from qddft.atoms.bond_lengths import CATIONS, donor_distance
from qddft.atoms.families import Bonds
from qddft.atoms.placing import Fitting, Request, Rules, fit
from qddft.atoms.poses import COARSE, Grid
from qddft.atoms.search import Geometry, geometries
from qddft.atoms.shell_sites import Core, Neighborhood, ShellSite, neighborhood
from qddft.atoms.targets import Mode, Plan, Target
from qddft.core.errors import PlacementError

if TYPE_CHECKING:
    from qddft.atoms.ligand import Ligand

# upright poses first; few of them, because every place of a kind shares them and neighbors stand parallel
SHELL = Grid(
    cone=((0, 1), (12, 6), (25, 8), (40, 8), (55, 8)),
    rest=((80, 8), (110, 8), (140, 6), (180, 1)),
    spins=12,
    hinges=COARSE.hinges,
    leans=COARSE.leans,
    azimuths=COARSE.azimuths,
)
# the best poses of a place that are kept, and every how many-eth of the others, up to a number
_BEST, _MOST = 24, 96
_CONFORMERS = 4
# a donor is bound up to this share of the sum of ionic radii, as in ``check_complex``
_HELD = 1.25
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
    held
        An anchor is close enough to count as bound (``qddft.atoms.bond_lengths``).
    """

    poses: np.ndarray
    bonds: Bonds
    geometry: Geometry
    held: bool


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
        """Yield the poses at a place, conformer by conformer, those first whose chains lead away from the head.

        Poses whose anchors are too far away to be held are only given if there are no others.
        """
        around = neighborhood(core, near, site)
        held = False
        for rank in range(len(self.conformers)):
            for stand in self._known_stands(around, rank):
                if stand.held:
                    held = True
                    yield stand, around
        if not held:
            for rank in range(len(self.conformers)):
                yield from ((stand, around) for stand in self._known_stands(around, rank))

    def _known_stands(self, around: Neighborhood, rank: int) -> tuple[Stand, ...]:
        key = (rank, around.key)
        if key not in self._known:
            self._known[key] = tuple(self._worked_out(around, self.conformers[rank]))
        return self._known[key]

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
                    held = _held(self.ligand, found.bonds, around)
                    yield Stand(_kept(found.poses), found.bonds, geometry, held)
                    break


def _held(ligand: "Ligand", bonds: Bonds, around: Neighborhood) -> bool:
    """Tell whether a donor is close enough to a cation; what binds otherwise is where it should be."""
    shares = [
        distance / donor_distance(ligand.symbols[anchor], around.symbols[site])
        for anchor, sites, distances in zip(bonds.anchors, bonds.sites, bonds.distances, strict=True)
        for site, distance in zip(sites, distances, strict=True)
        if around.symbols[site] in CATIONS
    ]
    return min(shares, default=0.0) < _HELD


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
