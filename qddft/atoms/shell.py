"""A shell of ligands on all faces of a nanocrystal."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from qddft.atoms.binding_groups import anchor_groups
from qddft.atoms.contacts import MIN_CONTACT, vdw_radii
from qddft.atoms.crowd import Crowd
from qddft.atoms.ions import FORMAL_CHARGES
from qddft.atoms.shell_options import Part, check_shell, parts_of, wanted_numbers
from qddft.atoms.shell_poses import PoseLibrary, Stand
from qddft.atoms.shell_sites import Core, Neighborhood, ShellSite, core_of, facets_of, reach, sites_for
from qddft.atoms.shell_structure import Placed, assembled, shell_record
from qddft.core.errors import ChargeError, PlacementError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ase import Atoms

    from qddft.atoms.ligand import Ligand

MARGIN = 1.001
# radii for which rounding has no say in which of two places is farther away, Angstrom
_DECIMALS = 3
_TINY = 1e-9


def passivate(
    dot: "Atoms",
    *ligands: "Ligand | Sequence[Any]",
    coverage: float | None = None,
    fraction: float | None = None,
    seed: int = 0,
    min_contact: float = MIN_CONTACT,
    strict: bool = False,
) -> "Atoms":
    """Return a nanocrystal with ligands on all faces, edges and corners.

    An anion takes the place of a surface halide (mode ``X-site``), a cation that of a surface Cs (``A-site``), so that
    the charge stays what it is; an ion of charge -2 takes two halides away, its own place and the nearest one.
    On PbX2 faces, which hold no Cs, the Cs of the first layer below goes and the head of the cation is raised into the
    hollow. Neutral ligands sit ``atop`` (``bidentate``, ``bridging``) of cations. Each place is worked out as
    ``attach`` does; then places are filled one after the other, the next always the free one farthest from those taken,
    with the first pose that keeps clear of every ligand placed before.

    Parameters
    ----------
    dot
        From ``build_nanocrystal``, or from here for a second round.
    *ligands
        From ``get_ligand``: a ligand, ``(ligand, mode)`` or ``(ligand, mode, share)``. Without a mode ions exchange and
        neutral molecules sit atop; without shares all kinds get equal numbers.
    coverage
        Ligands of all kinds together per nm^2 of the six faces (``info["qddft"]["frame"]``), 2.0 if neither is given.
    fraction
        Instead of a coverage: the share of its places that each kind takes, 0 to 1; shares do not count then.
    seed
        Of the conformers, of the angles and of the first place; equal seeds give equal shells.
    min_contact
        Smallest distance of atoms that are not bound, as a share of the sum of van der Waals radii.
    strict
        Refuse a shell with fewer ligands than asked for; else ``info["qddft"]["shells"]`` says what was reached.

    Returns
    -------
    ase.Atoms
        Core first, in its order, without replaced ions; then the ligands as fragments 1 and up.

    Raises
    ------
    PlacementError
        No nanocrystal, a mode that makes no sense for a ligand, numbers that mean nothing, no room at all, or (strict)
        fewer ligands than asked for.
    ChargeError
        Charges that do not add up to zero, such as anions atop without cations.
    """
    check_shell(coverage, fraction, seed, min_contact)
    core = core_of(dot)
    kinds = [Kind.of(part, core, min_contact, seed) for part in parts_of(ligands)]
    parts, places = [kind.part for kind in kinds], [len(kind.sites) for kind in kinds]
    wanted = wanted_numbers(parts, places, core, coverage, fraction)
    filling = Filling(core, kinds, wanted, Crowd(min_contact * MARGIN), np.random.default_rng(seed))
    filling.take_over(dot)
    filling.run()
    placed = _neutral(filling.placed)
    record = shell_record(core, parts, wanted, places, placed)
    record |= {"seed": int(seed), "min_contact": min_contact, "coverage": coverage, "fraction": fraction}
    if not placed or (strict and len(placed) < sum(wanted)):
        raise PlacementError(_too_few(record))
    return assembled(dot, core, placed, record)


@dataclass(frozen=True)
class Kind:
    """One kind of ligand, its places and poses."""

    part: Part
    sites: list[ShellSite]
    near: list[list[int]]
    library: PoseLibrary
    radii: np.ndarray

    @classmethod
    def of(cls, part: Part, core: Core, min_contact: float, seed: int) -> "Kind":
        """Return all places of one kind on a core."""
        from ase.data import atomic_numbers

        role = anchor_groups(part.ligand, part.mode)[0][1]
        sites = sites_for(core, part.mode, role)
        radii = vdw_radii(np.array([atomic_numbers[symbol] for symbol in part.ligand.symbols]))
        library = PoseLibrary(part.ligand, part.mode, min_contact, seed)
        return cls(part, sites, reach(core, sites), library, radii)


@dataclass
class Filling:
    """Places that are filled one after the other."""

    core: Core
    kinds: list[Kind]
    wanted: list[int]
    crowd: Crowd
    generator: np.random.Generator
    placed: list[Placed] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._points = [np.array([site.point for site in kind.sites]) for kind in self.kinds]
        self._free = [np.ones(len(kind.sites), dtype=bool) for kind in self.kinds]
        # distance to the next head; small seeded numbers decide between equal ones
        self._far = [np.full(len(kind.sites), 1e6) for kind in self.kinds]
        self._order = [self.generator.permutation(len(kind.sites)) for kind in self.kinds]
        self._counts = [0] * len(self.kinds)
        self._on = [np.array([facets_of(site.face) for site in kind.sites], dtype=bool) for kind in self.kinds]
        self._areas = np.repeat(self.core.frame.areas, 2)
        self._covered = np.zeros(len(self._areas))
        self._removed: set[int] = set()
        self._bound: set[int] = set()

    def take_over(self, dot: "Atoms") -> None:
        """Note the ligands that stand already."""
        fragment = dot.arrays["fragment"]
        others = np.flatnonzero(fragment > 0)
        if not len(others):
            return
        self.crowd.add(dot.positions[others], vdw_radii(dot.numbers[others]))
        back = {int(index): k for k, index in enumerate(self.core.indices)}
        for entry in dot.info["qddft"]["fragments"][1:]:
            self._bound.update(back[i] for atoms in entry.get("sites", []) for i in atoms if i in back)
            on = np.array(facets_of(str(entry.get("face", ""))), dtype=float)
            self._covered += on / max(on.sum(), 1)
            self._keep_away(dot.positions[[int(i) for i in entry["anchors"]]].mean(axis=0))

    def run(self) -> None:
        """Fill until every kind has its number or no places."""
        while True:
            open_ = [k for k in range(len(self.kinds)) if self._counts[k] < self.wanted[k] and self._free[k].any()]
            if not open_:
                return
            kind = min(open_, key=lambda k: (self._counts[k] / self.wanted[k], k))
            self._fill(kind)

    def _fill(self, kind: int) -> None:
        free = self._on_bare_facets(kind, np.flatnonzero(self._free[kind]))
        best = free[np.lexsort((self._order[kind][free], -self._far[kind][free].round(_DECIMALS)))[0]]
        self._free[kind][best] = False
        found = self.placed_at(kind, int(best))
        if found is None:
            return
        self.placed.append(found)
        self._counts[kind] += 1
        on = self._on[kind][int(best)]
        self._covered += on / max(on.sum(), 1)
        self.crowd.add(found.positions, self.kinds[kind].radii)
        self._removed.update(found.removed)
        self._bound.update(i for atoms in found.sites for i in atoms)
        self._keep_away(self.kinds[kind].sites[int(best)].point)

    def _on_bare_facets(self, kind: int, free: np.ndarray) -> np.ndarray:
        """Return the free places whose facets hold at most one ligand more than the barest one that has any."""
        on = self._on[kind][free]
        covered = self._covered / self._areas
        barest = covered[on.any(axis=0)].min(initial=np.inf)
        full = covered > barest + 1 / self._areas + _TINY
        kept = free[~(on & full).any(axis=1)]
        return kept if len(kept) else free

    def _keep_away(self, point: np.ndarray) -> None:
        for points, far in zip(self._points, self._far, strict=True):
            np.minimum(far, np.linalg.norm(points - point, axis=1), out=far)

    def placed_at(self, number: int, index: int) -> Placed | None:
        """Return the ligand at a place, ``None`` if the place is gone or no pose keeps clear."""
        kind, site = self.kinds[number], self.kinds[number].sites[index]
        removed = self._ions_that_go(kind, site)
        if removed is None or not self._removed.isdisjoint(site.atoms):
            return None
        for stand, around in kind.library.stands(self.core, kind.near[index], site):
            poses = around.outside(stand.poses, site)
            first = self.crowd.first_clear(poses, kind.radii)
            if first is not None:
                return _placed(kind, number, site, stand, around, poses[first], removed)
        return None

    def _ions_that_go(self, kind: Kind, site: ShellSite) -> tuple[int, ...] | None:
        """Return the ions that a ligand replaces, ``None`` if one of them is not to be had."""
        if site.removed is None:
            return ()
        charge = FORMAL_CHARGES[str(self.core.symbols[site.removed])]
        count, rest = divmod(kind.part.ligand.charge, charge)
        if rest or count < 1:
            raise ChargeError(
                f"{kind.part.mode}: {kind.part.ligand.name} (charge {kind.part.ligand.charge:+d}) cannot replace ions "
                f"of charge {charge:+d}."
            )
        taken = self._removed | self._bound
        if site.removed in taken:
            return None
        near = sorted(kind.sites, key=lambda other: _apart(other, site)) if count > 1 else [site]
        free = [int(other.removed) for other in near if other.removed is not None and other.removed not in taken]
        return tuple(free[:count]) if len(free) >= count else None


def _apart(other: ShellSite, site: ShellSite) -> float:
    """Return the distance of two places, rounded so that equal ones keep their order, Angstrom."""
    return round(float(np.linalg.norm(other.point - site.point)), _DECIMALS)


def _placed(
    kind: Kind,
    number: int,
    site: ShellSite,
    stand: Stand,
    around: Neighborhood,
    positions: np.ndarray,
    removed: tuple[int, ...],
) -> Placed:
    bonds = stand.bonds
    return Placed(
        kind=number,
        part=kind.part,
        positions=positions,
        face=site.face,
        anchors=bonds.anchors,
        sites=tuple(tuple(int(around.members[i]) for i in atoms) for atoms in bonds.sites),
        distances=bonds.distances,
        removed=removed,
        geometry=stand.geometry,
    )


def _neutral(placed: list[Placed]) -> list[Placed]:
    """Leave out the ligands placed last whose charge nothing balances.

    Raises
    ------
    ChargeError
        The charges cannot add up to zero.
    """
    kept = list(placed)
    while excess := sum(item.added_charge for item in kept):
        surplus = [k for k, item in enumerate(kept) if item.added_charge * excess > 0]
        others = any(item.added_charge * excess < 0 for item in kept)
        if not others or abs(kept[surplus[-1]].added_charge) > abs(excess):
            names = ", ".join(sorted({f"{item.part.ligand.name} ({item.part.mode})" for item in kept}))
            raise ChargeError(
                f"the shell of {names} adds a charge of {excess:+d}. Ions that exchange keep the charge (X-site for "
                "anions, A-site for cations); atop they need partners of the opposite charge."
            )
        del kept[surplus[-1]]
    return kept


def _too_few(record: dict[str, Any]) -> str:
    listed = "; ".join(
        f"{entry['name']} ({entry['mode']}): {entry['reached']} of {entry['asked']}" for entry in record["ligands"]
    )
    return (
        f"the shell has no room for all ligands: {listed}, which is {record['per_nm2']:.2f} per nm². Ask for a lower "
        "coverage, shorter chains (truncate), a smaller min_contact, or another seed; without strict you get these."
    )
