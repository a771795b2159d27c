"""Put a ligand on a face of a slab."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from qddft.atoms.bending import bent, less_stretched
from qddft.atoms.bond_lengths import check_distance
from qddft.atoms.complexes import Attached, assembled, check_complete
from qddft.atoms.contacts import MIN_CONTACT
from qddft.atoms.dot_ligand import attach_to_dot
from qddft.atoms.dot_symmetry import is_nanocrystal
from qddft.atoms.face_swap import FaceSwap, face_swap
from qddft.atoms.faces import FACES, FaceName, face_of
from qddft.atoms.holding import bond_lengths, held_geometries, spans
from qddft.atoms.ligand import Ligand
from qddft.atoms.pairing import pair_on_face
from qddft.atoms.placing import Request, Rules
from qddft.atoms.search import Found, Geometry, geometries, search
from qddft.atoms.targets import Where, check_mode, make_plans, taken_atoms
from qddft.core.errors import PlacementError
from qddft.core.suggest import did_you_mean

if TYPE_CHECKING:
    from ase import Atoms

# poses are judged by pairs up to 0.9 of the van der Waals distance
_MOST_CONTACT = 0.85
# two anchors that are stretched beyond this share of their bond lengths hold nothing; one of them may still reach
_LOOSE = 1.25


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
        From ``build_slab``, or a complex that gets another ligand. A nanocrystal gets one ligand on a facet.
    ligand
        From ``get_ligand``.
    mode
        ``atop``: one anchor on one surface atom; ``bidentate``: two anchors on one; ``bridging``: two anchors on two
        neighbors; ``X-site``: in the place of a surface halide; ``A-site``: in the place of a surface Cs; ``ion-pair``:
        the anion of a pair on Pb and the cation between the halides beside it. Donors sit on Pb (on Cs where the face
        is CsX), cations on halides.
    faces
        ``top``, ``bottom``, or ``both``: then the bottom ligand is the image of the top one by half a turn of the slab
        about an axis in its plane, which keeps its handedness (by a mirror plane where there is no such axis).
        Of a nanocrystal a facet, ``+a`` to ``-c``, an edge, ``+a-b``, or a corner; ``top`` is ``+c``.
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
    _check(ligand, min_contact, seed)
    if is_nanocrystal(slab):
        _check_for_dot(distance, conformer, vacuum)
        return attach_to_dot(slab, ligand, mode=mode, faces=faces, site=site, seed=seed, min_contact=min_contact)
    _check_faces(faces)
    chosen = check_mode(mode)
    face = face_of(slab, FACES[0] if faces == "both" else faces)
    swap = face_swap(slab) if faces == "both" else None
    wanted = None if distance is None else check_distance(distance)
    if wanted is not None and chosen == "A-site":
        raise PlacementError("A-site: the head takes the place of Cs itself; leave the distance out.")
    rules = Rules(face, slab.numbers, wanted, min_contact, seed)
    if chosen == "ion-pair":
        placed = pair_on_face(slab, ligand, rules, site, geometries(ligand, conformer, seed))
    else:
        plans = make_plans(face, ligand, chosen, site, taken_atoms(slab))
        requests = [Request(rules, ligand, plan) for plan in plans]
        placed = described(ligand, _found(slab, requests, conformer, seed))
    complex_ = assembled(slab, [placed] if swap is None else [placed, image_of(placed, swap)], vacuum)
    check_complete(complex_, ligand, len(slab.info["qddft"]["fragments"]), min_contact)
    return complex_


def _found(slab: "Atoms", requests: list[Request], conformer: int | None, seed: int) -> Found:
    """Return the pose of the ligand: of a rigid conformer, or bent where that has no room or long bonds.

    Raises
    ------
    PlacementError
        None fits.
    """
    ligand = requests[0].ligand
    free = conformer is None and ligand.conformer == 0
    try:
        found = (_held(slab, requests, seed) if conformer is None else None) or search(
            slab, requests, geometries(ligand, conformer, seed)
        )
    except PlacementError:
        other = bent(slab, requests, _beginnings(requests, seed)) if free else None
        if other is None:
            raise
        return other
    if len(requests) > 1 and _is_loose(found):
        found = _closer(slab, requests, geometries(ligand, conformer, seed), found)
    return less_stretched(found) if free else found


def _beginnings(requests: list[Request], seed: int) -> Iterator[Geometry]:
    """Yield conformers to bend: those made for anchors of two groups, then those of the free molecule."""
    for request in requests:
        if spans(request.ligand, request.plan.group):
            yield from (Geometry(made, None, seed) for made in held_geometries(request, seed)[:2])
    yield from geometries(requests[0].ligand, None, seed)


def _held(slab: "Atoms", requests: list[Request], seed: int) -> Found | None:
    """Return the pose of a conformer made for anchors of two groups; ``None`` where there are no such anchors.

    Of all that fit, the one whose bonds are stretched least. A ligand in a conformer of the user's choice, or from a
    file, keeps it.
    """
    for request in requests:
        if request.ligand.conformer != 0 or not spans(request.ligand, request.plan.group):
            continue
        best: Found | None = None
        for made in held_geometries(request, seed):
            try:
                found = search(slab, [request], [Geometry(made, None, seed)])
            except PlacementError:
                # the conformers of the free molecule may still fit, and if not, say better what is in the way
                continue
            if best is None or _strain(found) < _strain(best):
                best = found
            if _strain(best) <= (0, bond_lengths(request)):
                break
        if best is not None:
            return best
    return None


def _closer(slab: "Atoms", requests: list[Request], tries: Iterable[Geometry], loose: Found) -> Found:
    """Return a pose of another request that holds the ligand closer than a loose one, or that."""
    others = [request for request in requests if request is not loose.request]
    try:
        found = search(slab, others, tries)
    except PlacementError:
        return loose
    return found if _longest(found) < _longest(loose) else loose


def _is_loose(found: Found) -> bool:
    """Tell whether two anchors are too far from their surface atoms to hold them."""
    pair = len(found.request.plan.group) == 2
    return pair and _longest(found) > _LOOSE * bond_lengths(found.request) / 2


def _longest(found: Found) -> float:
    """Return the longest bond of a pose, Angstrom; 0 where anchors have no bonds."""
    return max((length for row in found.fitting.bonds.distances for length in row), default=0.0)


def _strain(found: Found) -> tuple[int, float]:
    """Rank a pose: how loose its contacts are, then the lengths of its bonds, Angstrom."""
    return found.fitting.strictness, round(sum(map(sum, found.fitting.bonds.distances)), 3)


def _check(ligand: object, min_contact: float, seed: int) -> None:
    """Refuse arguments that mean nothing."""
    if not isinstance(ligand, Ligand):
        raise PlacementError(
            f"attach: {ligand!r} is no Ligand; get one with get_ligand, e.g. get_ligand('oleic acid')."
        )
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


def _check_faces(faces: str) -> None:
    if faces not in (*FACES, "both"):
        raise PlacementError(f"unknown faces {faces!r}. {did_you_mean(str(faces), (*FACES, 'both'))}")


def _check_for_dot(distance: float | None, conformer: int | None, vacuum: float | None) -> None:
    """Refuse what a placement on a nanocrystal does not have."""
    given = {"distance": distance, "conformer": conformer, "vacuum": vacuum}
    if named := [name for name, value in given.items() if value is not None]:
        raise PlacementError(
            f"{' and '.join(named)}: a nanocrystal takes ligands at the bond lengths of the table, in a conformer that "
            "fits, without a cell; leave it out, or place the ligand on a slab (build_slab)."
        )


def described(ligand: Ligand, found: Found) -> Attached:
    """Describe a ligand in slab coordinates."""
    bonds = found.fitting.bonds
    rules = found.request.rules
    notes: dict[str, Any] = {
        "mode": found.request.plan.mode,
        "seed": rules.seed,
        "conformer": found.geometry.conformer,
        "conformer_seed": found.geometry.seed,
        "distances": [[round(d, 6) for d in row] for row in bonds.distances],
    }
    return Attached(
        ligand=ligand,
        positions=rules.face.back(found.positions),
        face=rules.face.name,
        anchors=bonds.anchors,
        sites=bonds.sites,
        removed=found.fitting.target.removed,
        notes=notes,
    )


def image_of(first: Attached, swap: FaceSwap) -> Attached:
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
