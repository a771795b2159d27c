"""Try geometries and places until a ligand fits, or say why none does."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from qddft.atoms.cell_size import smallest_cell
from qddft.atoms.contacts import fragments_of, vdw_radii
from qddft.atoms.ligand import Ligand
from qddft.atoms.placing import Blocked, Fitting, Request, first_clear, fit
from qddft.atoms.poses import COARSE, FINE, Grid
from qddft.core.errors import PlacementError

if TYPE_CHECKING:
    from ase import Atoms

# places tried around others on a face that is crowded; on a clean one they are all alike
_PLACES = 12
# other conformers that are tried, and geometries that get a finer grid of angles after the coarse one failed for all
_OTHER_CONFORMERS, _CLOSER_LOOKS = 6, 2


@dataclass(frozen=True)
class Geometry:
    """A conformer and where it comes from."""

    positions: np.ndarray
    conformer: int | None
    seed: int


@dataclass(frozen=True)
class Found:
    """The pose that was chosen, in face coordinates."""

    positions: np.ndarray
    fitting: Fitting
    geometry: Geometry
    request: Request


def geometries(ligand: Ligand, conformer: int | None, seed: int) -> Iterator[Geometry]:
    """Yield the geometries to try, best first; one that was asked for by number, or that came from a file, is alone."""
    own = Geometry(np.array(ligand.positions), ligand.conformer, ligand.seed)
    if conformer is not None and (conformer, seed) != (ligand.conformer, ligand.seed):
        from qddft.atoms.conformers import ligand_with_conformer

        other = ligand_with_conformer(ligand, conformer, seed=seed)
        yield Geometry(np.array(other.positions), other.conformer, seed)
        return
    if conformer is not None or ligand.conformer is None:
        yield own
        return
    yield from _upright_first(ligand, own, seed)


def _upright_first(ligand: Ligand, own: Geometry, seed: int) -> Iterator[Geometry]:
    """Yield conformers, those first whose middle is far from the head: in a shell, chains stand on the face.

    A conformer that somebody chose stays the first.
    """
    head = ligand.anchors[0][0]
    others = [item for item in _conformers(ligand, seed) if (item.conformer, item.seed) != (own.conformer, own.seed)]
    if own.conformer:
        yield own
    else:
        others.append(own)
    yield from sorted(others, key=lambda item: -_extension(item.positions, head))[:_OTHER_CONFORMERS]


@lru_cache(maxsize=32)
def _conformers(ligand: Ligand, seed: int) -> tuple[Geometry, ...]:
    from qddft.atoms.conformers import conformers

    return tuple(Geometry(atoms.positions, rank, seed) for rank, atoms in enumerate(conformers(ligand, seed=seed)))


def _extension(positions: np.ndarray, head: int) -> float:
    """Return how far the middle of a molecule is from its head, Angstrom."""
    return float(np.linalg.norm(positions.mean(axis=0) - positions[head]))


def search(slab: "Atoms", requests: list[Request], tries: Iterable[Geometry]) -> Found:
    """Return the pose of the first geometry that fits; a strict fit at any place goes before a loose one.

    Raises
    ------
    PlacementError
        None fits; the message says why.
    """
    failed = _Failed()
    crowded = bool((fragments_of(slab) > 0).any())
    tried = []
    for geometry in tries:
        tried.append(geometry)
        found = _try(geometry, requests, failed, COARSE, crowded=crowded)
        if found is not None:
            return found
        if failed.hopeless:
            break
    # finer angles make room on a face, but not in a cell that is too small
    for geometry in [] if failed.touching else tried[:_CLOSER_LOOKS]:
        found = _try(geometry, requests, failed, FINE, crowded=crowded)
        if found is not None:
            return found
    raise _explained(slab, requests[0], failed)


@dataclass
class _Failed:
    """What was tried in vain: poses that touch their images, what was in the way, distances that cannot be."""

    touching: list[Fitting] = field(default_factory=list)
    blocked: list[Blocked] = field(default_factory=list)
    problems: list[PlacementError] = field(default_factory=list)

    @property
    def hopeless(self) -> bool:
        """No conformer will do: either the anchors do not reach or the head has no room."""
        return not self.touching and all(item.head for item in self.blocked)


def _try(geometry: Geometry, requests: list[Request], failed: _Failed, grid: Grid, *, crowded: bool) -> Found | None:
    """Return the best pose of one geometry, ``None`` if there is none; note failures in ``failed``."""
    loose: Found | None = None
    for request in requests:
        for target in request.plan.targets[: _PLACES if crowded else 1]:
            try:
                fitting = fit(request, geometry.positions, target, grid)
            except PlacementError as error:
                failed.problems.append(error)
                continue
            if isinstance(fitting, Blocked):
                failed.blocked.append(fitting)
                continue
            if loose is not None and fitting.strictness >= loose.fitting.strictness:
                continue
            positions = first_clear(fitting, _radii(request.ligand), request.rules.face.lattice, request.rules.limit)
            if positions is None:
                failed.touching.append(fitting)
                continue
            loose = Found(positions, fitting, geometry, request)
            if fitting.strictness == 0:
                return loose
    return loose


def _radii(ligand: Ligand) -> np.ndarray:
    from ase.data import atomic_numbers

    return vdw_radii(np.array([atomic_numbers[symbol] for symbol in ligand.symbols]))


def _explained(slab: "Atoms", request: Request, failed: _Failed) -> PlacementError:
    """Return the error that helps most."""
    if failed.touching:
        return _too_large(slab, request, failed.touching)
    return _no_room(slab, request, failed.blocked) if failed.blocked else failed.problems[0]


def _too_large(slab: "Atoms", request: Request, touching: list[Fitting]) -> PlacementError:
    """Say which cell is large enough."""
    radii = _radii(request.ligand)

    def fits(lattice: np.ndarray) -> bool:
        return any(first_clear(fitting, radii, lattice, request.rules.limit) is not None for fitting in touching)

    label = slab.info.get("qddft", {}).get("supercell", "this")
    needed = smallest_cell(slab, fits)
    remedy = f"The smallest supercell that is large enough is {needed}" if needed else "No cell up to 9x9 is"
    return PlacementError(
        f"{request.plan.mode}: {request.ligand.name} touches its own periodic images in the {label} cell. {remedy}; "
        "a shorter chain (truncate) needs less."
    )


def _no_room(slab: "Atoms", request: Request, blocked: list[Blocked]) -> PlacementError:
    """Say that no pose is free of contacts with the surface."""
    rules = request.rules
    asked = f" at {rules.distance:g} Å" if rules.distance is not None else ""
    others = " or the ligands on it" if (fragments_of(slab) > 0).any() else ""
    found = blocked[0].obstacle
    atom, surface = request.ligand.symbols[found.atom], slab.symbols[found.surface]
    return PlacementError(
        f"{request.plan.mode}: {request.ligand.name} finds no pose on the {rules.face.termination} {rules.face.name} "
        f"face{asked} that stays {rules.min_contact:g} of the van der Waals distance away from the surface{others}; "
        f"at best its {atom} {found.atom} comes within {found.distance:.2f} Å of {surface} {found.surface}. "
        "Try another mode, site or distance, or a smaller min_contact."
    )
