"""One ligand on a named facet, edge or ion of a nanocrystal."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from qddft.atoms.crowd import Crowd
from qddft.atoms.dot_symmetry import facet_named
from qddft.atoms.ligand import Ligand
from qddft.atoms.shell import MARGIN, Filling, Kind
from qddft.atoms.shell_options import Part
from qddft.atoms.shell_sites import Core, ShellSite, core_of
from qddft.atoms.shell_structure import assembled
from qddft.atoms.sites import Site
from qddft.atoms.targets import check_mode
from qddft.core.errors import PlacementError

if TYPE_CHECKING:
    from ase import Atoms


def attach_to_dot(
    dot: "Atoms", ligand: Ligand, *, mode: str, faces: str, site: Any, seed: int, min_contact: float
) -> "Atoms":
    """Return a nanocrystal with one more ligand.

    Parameters
    ----------
    dot
        From ``build_nanocrystal``, with ligands or without.
    ligand, mode
        What and how: the modes of ``passivate``.
    faces
        ``+a`` to ``-c``, an edge or a corner as ``+a-b``; ``top`` is ``+c``.
    site
        Number of an ion of the core, a ``Site``, a point (x, y, z), or ``None`` for the place of that facet that is
        nearest its middle.
    seed, min_contact
        As in ``attach``.

    Raises
    ------
    PlacementError
        No such facet or place, or no room there.
    """
    core = core_of(dot)
    kind = Kind.of(Part(ligand, check_mode(mode), 1.0), core, min_contact, seed)
    filling = Filling(core, [kind], [1], Crowd(min_contact * MARGIN), np.random.default_rng(seed))
    filling.take_over(dot)
    facet = facet_named(faces)
    for index in _places(dot, core, kind, facet, site):
        placed = filling.placed_at(0, index)
        if placed is not None:
            return assembled(dot, core, [placed], None)
    where = f"on {facet}" if site is None else f"at the site {site!r}"
    raise PlacementError(
        f"{mode}: {ligand.name} finds no pose {where} that stays {min_contact:g} of the van der Waals distance away "
        "from the ions and ligands around it. Try another facet, site or mode, a shorter chain (truncate), or a "
        "smaller min_contact."
    )


def _places(dot: "Atoms", core: Core, kind: Kind, facet: str, site: Any) -> list[int]:
    """Return the numbers of the places to try, best first.

    Raises
    ------
    PlacementError
        There are none.
    """
    if site is None:
        listed = [k for k, place in enumerate(kind.sites) if place.face == facet]
        if not listed:
            valid = sorted({place.face for place in kind.sites})
            raise PlacementError(
                f"{kind.part.mode}: {facet} has no place for it; {', '.join(valid)} of this nanocrystal have."
            )
        middle = np.mean([kind.sites[k].point for k in listed], axis=0)
        return _nearest(kind.sites, listed, middle)
    if isinstance(site, Sequence | np.ndarray):
        return _nearest(kind.sites, list(range(len(kind.sites))), _point(site))[:1]
    wanted = set(site.atoms) if isinstance(site, Site) else {site}
    back = {int(index): k for k, index in enumerate(core.indices)}
    ions = {back.get(int(atom), -1) for atom in wanted if not isinstance(atom, bool)}
    listed = [k for k, place in enumerate(kind.sites) if ions and ions <= _ions_of(place)]
    if not listed:
        some = sorted({int(core.indices[i]) for place in kind.sites for i in _ions_of(place)})
        raise PlacementError(
            f"{kind.part.mode}: {site!r} is no place for this mode; valid ions are "
            f"{', '.join(map(str, some[:12]))}{' ...' if len(some) > 12 else ''} (of {len(dot)} atoms)."
        )
    return listed


def _ions_of(place: ShellSite) -> set[int]:
    """Return the ion whose place is taken, else those that anchors bind to."""
    return {place.removed} if place.removed is not None else set(place.atoms)


def _nearest(sites: Sequence[ShellSite], listed: list[int], point: np.ndarray) -> list[int]:
    apart = np.linalg.norm(np.array([sites[k].point for k in listed]) - point, axis=1).round(3)
    return [listed[k] for k in np.argsort(apart, kind="stable")]


def _point(site: Any) -> np.ndarray:
    try:
        point = np.asarray(site, dtype=float)
    except (TypeError, ValueError):
        point = np.empty(0)
    if point.shape != (3,) or not np.isfinite(point).all():
        raise PlacementError(f"site {site!r}: on a nanocrystal give the number of an ion or a point (x, y, z) in Å.")
    return point
