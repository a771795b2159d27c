"""Put a ligand on a face of a slab."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from qddft.atoms.bond_lengths import check_distance
from qddft.atoms.cell_size import smallest_cell
from qddft.atoms.complexes import Attached, assembled, check_complete
from qddft.atoms.contacts import MIN_CONTACT, fragments_of, vdw_radii
from qddft.atoms.face_swap import FaceSwap, face_swap
from qddft.atoms.faces import FACES, FaceName, face_of
from qddft.atoms.ligand import Ligand
from qddft.atoms.placing import Blocked, Fitting, Request, first_clear, fit
from qddft.atoms.poses import COARSE, FINE, Grid
from qddft.atoms.targets import Where, check_mode, make_plans
from qddft.core.errors import PlacementError
from qddft.core.suggest import did_you_mean

if TYPE_CHECKING:
    from ase import Atoms

# places tried around others on a face that is crowded; on a clean one they are all alike
_PLACES = 12
# other conformers that are tried, and geometries that get a finer grid of angles after the coarse one failed for all
_OTHER_CONFORMERS, _CLOSER_LOOKS = 6, 2
# poses are judged by pairs up to 0.9 of the van der Waals distance
_MOST_CONTACT = 0.85


def attach(  # noqa: PLR0913  (every choice a person makes about one placement)
    slab: "Atoms",
    ligand: Ligand,
    *,
    mode: str = "atop",
    faces: str = "top",
    seed: int = 0,
    distance: float | None = None,
    site: Where = None,
    conformer: int | None = None,
    min_contact: float = MIN_CONTACT,
    vacuum: float | None = None,
) -> "Atoms":
    """Return the slab with a ligand on one face, or with one on each.

    The molecule is rigid: its anchors are set at the bond distance and it is turned, and tilted where that helps, to
    the pose with the least contact and, for acids and ammonium heads, the best hydrogen bond to a surface halide.

    Parameters
    ----------
    slab
        From ``build_slab``, or a complex that gets another ligand.
    ligand
        From ``get_ligand``.
    mode
        ``atop``: one anchor on one surface atom; ``bidentate``: two anchors on one; ``bridging``: two anchors on two
        neighbors; ``X-site``: in the place of a surface halide; ``A-site``: in the place of a surface Cs. Donors sit on
        Pb (on Cs where the face is CsX), cations on halides.
    faces
        ``top``, ``bottom``, or ``both``: then the bottom ligand is the image of the top one by half a turn of the slab
        about an axis in its plane, which keeps its handedness (by a mirror plane where there is no such axis).
    seed
        Equal seeds give equal structures.
    distance
        Anchor to surface atom, Angstrom; without it the sum of ionic radii (``qddft.atoms.bond_lengths``), up to 0.5
        Angstrom longer where that is needed to keep the rest of the molecule clear of the surface.
    site
        Index of a surface atom, a point (x, y) in Angstrom, or a ``Site``; without it the free place closest to the
        middle of the cell.
    conformer
        Index into ``conformers(ligand, seed=seed)``; without it the first that fits, those first whose chains lead away
        from the head, so that the molecule stands on the face. A ligand that comes in a conformer of your choice, or
        from a file, keeps it if it fits.
    min_contact
        Smallest distance of atoms that are not bound, as a share of the sum of van der Waals radii.
    vacuum
        Empty height above the tip of the ligand, Angstrom; without it that of the slab.

    Returns
    -------
    ase.Atoms
        Slab atoms first, in their order, without removed ions; then the ligands, in the order of attachment.
        ``info["qddft"]["fragments"]`` tells what each is, ``"removed"`` which ions were taken away.

    Raises
    ------
    PlacementError
        The mode makes no sense for this ligand or face, there is no such site, or the ligand does not fit; if it
        touches its own periodic images the smallest supercell that is large enough is named.
    StructureError
        The slab has no layers or fragments.
    LigandError
        There is no such conformer.
    """
    _check(ligand, faces, min_contact, seed)
    chosen = check_mode(mode)
    face = face_of(slab, FACES[0] if faces == "both" else faces)
    swap = face_swap(slab) if faces == "both" else None
    wanted = None if distance is None else check_distance(distance)
    if wanted is not None and chosen == "A-site":
        raise PlacementError("A-site: the head takes the place of Cs itself; leave the distance out.")
    plans = make_plans(face, ligand, chosen, site, _taken(slab))
    requests = [Request(face, slab.numbers, ligand, plan, wanted, min_contact, seed) for plan in plans]
    found = _search(slab, requests, _geometries(ligand, conformer, seed))
    complex_ = assembled(slab, _attached(found, requests[0], swap), vacuum)
    check_complete(complex_, ligand, len(slab.info["qddft"]["fragments"]), min_contact)
    return complex_


@dataclass(frozen=True)
class _Geometry:
    """A conformer and where it comes from."""

    positions: np.ndarray
    conformer: int | None
    seed: int


@dataclass(frozen=True)
class _Found:
    """The pose that was chosen, in face coordinates."""

    positions: np.ndarray
    fitting: Fitting
    geometry: _Geometry


def _check(ligand: object, faces: str, min_contact: float, seed: int) -> None:
    """Refuse arguments that mean nothing."""
    if not isinstance(ligand, Ligand):
        raise PlacementError(
            f"attach: {ligand!r} is no Ligand; get one with get_ligand, e.g. get_ligand('oleic acid')."
        )
    if faces not in (*FACES, "both"):
        raise PlacementError(f"unknown faces {faces!r}. {did_you_mean(str(faces), (*FACES, 'both'))}")
    if (
        isinstance(min_contact, bool)
        or not isinstance(min_contact, int | float)
        or not 0.0 <= min_contact <= _MOST_CONTACT
    ):
        raise PlacementError(
            f"min_contact {min_contact!r}: give a share of the van der Waals distance, 0 to {_MOST_CONTACT}."
        )
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or not 0 <= seed < 2**31:
        raise PlacementError(f"seed {seed!r}: give a whole number from 0 to 2147483647.")


def _taken(slab: "Atoms") -> frozenset[int]:
    """Return the slab atoms that hold a ligand."""
    entries = slab.info.get("qddft", {}).get("fragments", [])
    return frozenset(i for entry in entries for atoms in entry.get("sites", []) for i in atoms)


def _geometries(ligand: Ligand, conformer: int | None, seed: int) -> Iterator[_Geometry]:
    """Yield the geometries to try; the conformer search starts only if the ligand's own does not fit."""
    own = _Geometry(np.array(ligand.positions), ligand.conformer, ligand.seed)
    if conformer is not None and (conformer, seed) != (ligand.conformer, ligand.seed):
        from qddft.atoms.conformers import ligand_with_conformer

        other = ligand_with_conformer(ligand, conformer, seed=seed)
        yield _Geometry(np.array(other.positions), other.conformer, seed)
        return
    if conformer is not None or ligand.conformer is None:
        yield own
        return
    yield from _upright_first(ligand, own, seed)


def _upright_first(ligand: Ligand, own: _Geometry, seed: int) -> Iterator[_Geometry]:
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
def _conformers(ligand: Ligand, seed: int) -> tuple[_Geometry, ...]:
    from qddft.atoms.conformers import conformers

    return tuple(_Geometry(atoms.positions, rank, seed) for rank, atoms in enumerate(conformers(ligand, seed=seed)))


def _extension(positions: np.ndarray, head: int) -> float:
    """Return how far the middle of a molecule is from its head, Angstrom."""
    return float(np.linalg.norm(positions.mean(axis=0) - positions[head]))


def _search(slab: "Atoms", requests: list[Request], geometries: Iterator[_Geometry]) -> _Found:
    """Return the pose of the first geometry that fits; a strict fit at any place goes before a loose one."""
    failed = _Failed()
    crowded = bool((fragments_of(slab) > 0).any())
    tried = []
    for geometry in geometries:
        tried.append(geometry)
        found = _try(geometry, requests, failed, COARSE, crowded=crowded)
        if found is not None:
            return found
        if failed.hopeless:
            break
    for geometry in tried[:_CLOSER_LOOKS]:
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


def _try(geometry: _Geometry, requests: list[Request], failed: _Failed, grid: Grid, *, crowded: bool) -> _Found | None:
    """Return the best pose of one geometry, ``None`` if there is none; note failures in ``failed``."""
    loose: _Found | None = None
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
            positions = first_clear(fitting, _radii(request.ligand), request.face.lattice, request.limit)
            if positions is None:
                failed.touching.append(fitting)
                continue
            loose = _Found(positions, fitting, geometry)
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
        return any(first_clear(fitting, radii, lattice, request.limit) is not None for fitting in touching)

    label = slab.info.get("qddft", {}).get("supercell", "this")
    needed = smallest_cell(slab, fits)
    remedy = f"The smallest supercell that is large enough is {needed}" if needed else "No cell up to 9x9 is"
    return PlacementError(
        f"{request.plan.mode}: {request.ligand.name} touches its own periodic images in the {label} cell. {remedy}; "
        "a shorter chain (truncate) needs less."
    )


def _no_room(slab: "Atoms", request: Request, blocked: list[Blocked]) -> PlacementError:
    """Say that no pose is free of contacts with the surface."""
    asked = f" at {request.distance:g} Å" if request.distance is not None else ""
    others = " or the ligands on it" if (fragments_of(slab) > 0).any() else ""
    found = blocked[0].obstacle
    atom, surface = request.ligand.symbols[found.atom], slab.symbols[found.surface]
    return PlacementError(
        f"{request.plan.mode}: {request.ligand.name} finds no pose on the {request.face.termination} "
        f"{request.face.name} face{asked} that stays {request.min_contact:g} of the van der Waals distance away from "
        f"the surface{others}; at best its {atom} {found.atom} comes within {found.distance:.2f} Å of {surface} "
        f"{found.surface}. Try another mode, site or distance, or a smaller min_contact."
    )


def _attached(found: _Found, request: Request, swap: FaceSwap | None) -> list[Attached]:
    """Describe the ligand, and its image on the other face, in slab coordinates."""
    positions = request.face.back(found.positions)
    bonds = found.fitting.bonds
    notes: dict[str, Any] = {
        "mode": request.plan.mode,
        "seed": request.seed,
        "conformer": found.geometry.conformer,
        "conformer_seed": found.geometry.seed,
        "distances": [[round(d, 6) for d in row] for row in bonds.distances],
    }
    first = Attached(
        ligand=request.ligand,
        positions=positions,
        face=request.face.name,
        anchors=bonds.anchors,
        sites=bonds.sites,
        removed=found.fitting.target.removed,
        notes=notes,
    )
    return [first] if swap is None else [first, _image(first, swap)]


def _image(first: Attached, swap: FaceSwap) -> Attached:
    """Return the ligand on the other face."""
    other: FaceName = "bottom" if first.face == "top" else "top"
    return Attached(
        ligand=first.ligand,
        positions=swap.applied(first.positions),
        face=other,
        anchors=first.anchors,
        sites=tuple(tuple(int(swap.partner[i]) for i in atoms) for atoms in first.sites),
        removed=None if first.removed is None else int(swap.partner[first.removed]),
        notes={**first.notes, "image_by": swap.kind},
    )
