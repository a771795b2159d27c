"""Several ligands on one slab: each with its own mode and place, or spread over the face at a coverage."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from qddft.atoms.binding import attach
from qddft.atoms.coverage import ligands_for_coverage
from qddft.atoms.faces import FACES, face_of
from qddft.atoms.ligand import Ligand
from qddft.atoms.patterns import Pattern, distinct_patterns
from qddft.atoms.sites import KINDS, Site, find_sites
from qddft.atoms.targets import Where, check_mode, kind_of_sites
from qddft.core.errors import PlacementError
from qddft.core.suggest import did_you_mean

if TYPE_CHECKING:
    from ase import Atoms


@dataclass(frozen=True)
class Placement:
    """One ligand and how it goes on a slab; the fields that are also arguments of ``attach`` mean the same.

    Attributes
    ----------
    ligand, mode, distance, site, conformer, seed
        As in ``attach``.
    count
        How many are put on the face; ``None`` for one at ``site``.
    per_nm2
        The same as a coverage, ligands per nm^2.
    pattern
        Which of the symmetry-distinct ways to choose their sites, from 1, the evenly spread ones first.
    """

    ligand: Ligand
    mode: str = "atop"
    distance: float | None = None
    site: Where = None
    conformer: int | None = None
    seed: int = 0
    count: int | None = None
    per_nm2: float | None = None
    pattern: int = 1

    @property
    def spread(self) -> bool:
        """Its sites come from a pattern."""
        return self.count is not None or self.per_nm2 is not None


def cover(
    slab: "Atoms", placements: Sequence[Placement], *, faces: str = "top", vacuum: float | None = None
) -> "Atoms":
    """Return the slab with several ligands, attached in the order given.

    Parameters
    ----------
    slab
        From ``build_slab``.
    placements
        What goes on it.
    faces
        As in ``attach``.
    vacuum
        Empty height above the highest tip, Angstrom; without it that of the slab.

    Raises
    ------
    PlacementError
        As ``attach`` and ``patterns_of``.
    """
    chosen = list(chosen_patterns(slab, placements, faces))
    complex_ = slab
    for item, pattern in zip(placements, chosen, strict=True):
        # atoms are renumbered when ions are taken away; places in the plane stay
        places = [item.site] if pattern is None else [tuple(slab.positions[i, :2].tolist()) for i in pattern.sites]
        for place in places:
            complex_ = attach(
                complex_,
                item.ligand,
                mode=item.mode,
                faces=faces,
                seed=item.seed,
                distance=item.distance,
                site=place,
                conformer=item.conformer,
                vacuum=vacuum,
            )
    return complex_


def site_named(slab: "Atoms", kind: str, faces: str = "top") -> Site:
    """Return the site of a kind that is closest to the middle of a face.

    Raises
    ------
    PlacementError
        No such kind, or none on this face.
    """
    known = next((name for name in KINDS if name.lower() == kind.strip().lower()), None)
    if known is None:
        raise PlacementError(f"there is no kind of site {kind!r}. {did_you_mean(kind, KINDS)}")
    face = FACES[0] if faces == "both" else faces
    found = find_sites(slab, face, kinds=(known,))
    if not found:
        here = ", ".join(sorted({site.kind for site in find_sites(slab, face)}))
        raise PlacementError(f"the {face} face of this slab has no {known} site; it has {here}.")
    return found[0]


def patterns_of(slab: "Atoms", item: Placement, faces: str, beside: Sequence[Pattern] = ()) -> tuple[Pattern, ...]:
    """Return the symmetry-distinct ways to spread a ligand over a face, beside those that are placed already.

    Raises
    ------
    PlacementError
        The coverage does not fit on the face, or a site, or both a number and a coverage, are given too.
    """
    if item.site is not None:
        raise PlacementError(f"{item.ligand.name}: a coverage chooses the sites; leave the site out, or the coverage.")
    if item.count is not None and item.per_nm2 is not None:
        raise PlacementError(f"{item.ligand.name}: give the number of ligands or their coverage, not both.")
    seen = FACES[0] if faces == "both" else faces
    kind = kind_of_sites(face_of(slab, seen), item.ligand, check_mode(item.mode))
    count = ligands_for_coverage(slab, item.per_nm2) if item.per_nm2 is not None else item.count
    return distinct_patterns(slab, count or 0, kind=kind, face=seen, beside=beside)


def chosen_patterns(slab: "Atoms", placements: Sequence[Placement], faces: str) -> Iterator[Pattern | None]:
    """Yield the pattern of every placement, ``None`` for one with a place of its own.

    Raises
    ------
    PlacementError
        There is no pattern of that number.
    """
    used: list[Pattern] = []
    for item in placements:
        if not item.spread:
            yield None
            continue
        found = patterns_of(slab, item, faces, used)
        if not 1 <= item.pattern <= len(found):
            raise PlacementError(
                f"{item.ligand.name}: there is no pattern {item.pattern}; this coverage has {len(found)} "
                f"symmetry-distinct ones, give 1 to {len(found)}."
            )
        used.append(found[item.pattern - 1])
        yield used[-1]
