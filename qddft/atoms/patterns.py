"""Several ligands on one face: the symmetry-distinct ways to fill a coverage, and how to attach them."""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from qddft.atoms.binding import attach
from qddft.atoms.coverage import face_area
from qddft.atoms.faces import face_of
from qddft.atoms.ligand import Ligand
from qddft.atoms.symmetry import atom_permutations
from qddft.core.errors import PlacementError
from qddft.core.suggest import did_you_mean

if TYPE_CHECKING:
    from ase import Atoms

_SPECIES = {"Pb-top": "B", "Cs-top": "A", "X-top": "X"}
# choices times symmetry operations that are compared; 16 sites in fours are 1820 choices
_MOST = 40_000_000


@dataclass(frozen=True)
class Pattern:
    """Which sites of a face hold a ligand.

    Attributes
    ----------
    sites
        Surface atoms.
    multiplicity
        How many equivalent patterns this cell has.
    closest
        Shortest lateral distance of two sites that hold a ligand, images included, Angstrom.
    per_nm2
        Ligands per nm^2 of this face.
    """

    sites: tuple[int, ...]
    multiplicity: int
    closest: float
    per_nm2: float


def distinct_patterns(
    slab: "Atoms", count: int, *, kind: str = "Pb-top", face: str = "top", beside: Sequence[Pattern] = ()
) -> tuple[Pattern, ...]:
    """Return the symmetry-distinct ways to put ligands on sites of one kind, evenly spread ones first.

    Parameters
    ----------
    slab
        A slab; its symmetry, ligands on it included, decides what is distinct.
    count
        How many sites are taken; ``ligands_for_coverage`` turns a coverage into a count.
    kind
        ``Pb-top``, ``X-top`` (also for the mode X-site) or ``Cs-top`` (also for A-site).
    face
        ``top`` or ``bottom``.
    beside
        Patterns of other ligands on the same slab, one for each species: their sites are taken, and only operations
        that keep every one of them make two ways equal.

    Raises
    ------
    PlacementError
        An unknown kind, more ligands than free sites, or more choices than can be compared.
    """
    if kind not in _SPECIES:
        raise PlacementError(f"patterns are of sites above atoms, not {kind!r}. {did_you_mean(kind, _SPECIES)}")
    seen = face_of(slab, face)
    others = [np.array(pattern.sites) for pattern in beside]
    taken = np.concatenate([np.zeros(0, dtype=int), *others])
    atoms = np.setdiff1d(seen.of(_SPECIES[kind]), taken)
    if isinstance(count, bool) or not isinstance(count, int | np.integer) or not 1 <= count <= len(atoms):
        left = f"{len(atoms)} left" if beside else str(len(atoms))
        raise PlacementError(
            f"{count!r} ligands on {kind} sites: the {face} face of this cell has {left}; "
            f"give 1 to {len(atoms)}, or take a larger supercell or the other termination."
        )
    operations = _on_face(_keeping(atom_permutations(slab), others), atoms)
    if math.comb(len(atoms), count) * len(operations) > _MOST:
        raise PlacementError(
            f"{count} of {len(atoms)} sites can be chosen in {math.comb(len(atoms), count)} ways; take a smaller "
            "supercell or fewer ligands."
        )
    places = np.concatenate([atoms, taken])
    apart = _lateral_distances(seen.positions[places], seen.lattice)
    own = float(np.linalg.norm(seen.lattice, axis=1).min())
    per_nm2 = 100.0 * count / face_area(slab)
    found = []
    for chosen, multiplicity in _orbits(operations, len(atoms), count):
        all_sites = (*chosen, *range(len(atoms), len(places)))
        closest = min([own, *(float(apart[i, j]) for i, j in itertools.combinations(all_sites, 2))])
        found.append(Pattern(tuple(int(atoms[k]) for k in chosen), multiplicity, round(closest, 4), per_nm2))
    return tuple(sorted(found, key=lambda pattern: (-pattern.closest, pattern.sites)))


def attach_pattern(
    slab: "Atoms",
    ligands: Ligand | Sequence[Ligand],
    pattern: Pattern,
    *,
    mode: str | Sequence[str] = "atop",
    faces: str = "top",
    seed: int = 0,
) -> "Atoms":
    """Return the slab with a ligand on every site of a pattern.

    Parameters
    ----------
    slab
        The slab that the pattern was made for.
    ligands
        One for all sites, or one for each, as in a pair of oleylamine and oleic acid.
    pattern
        From ``distinct_patterns``.
    mode
        One binding mode for all, or one for each.
    faces, seed
        As in ``attach``; ``both`` decorates the bottom face alike.

    Raises
    ------
    PlacementError
        The numbers of ligands, modes and sites differ, or a ligand does not fit.
    """
    each = [ligands] * len(pattern.sites) if isinstance(ligands, Ligand) else list(ligands)
    modes = [mode] * len(pattern.sites) if isinstance(mode, str) else list(mode)
    if not len(each) == len(modes) == len(pattern.sites):
        raise PlacementError(
            f"the pattern has {len(pattern.sites)} sites, but {len(each)} ligands and {len(modes)} modes were given."
        )
    # atoms are renumbered when ions are taken away; places in the plane stay
    places = [tuple(slab.positions[site, :2].tolist()) for site in pattern.sites]
    complex_ = slab
    for ligand, name, place in zip(each, modes, places, strict=True):
        complex_ = attach(complex_, ligand, mode=name, faces=faces, seed=seed, site=place)
    return complex_


def _keeping(permutations: np.ndarray, groups: Sequence[np.ndarray]) -> np.ndarray:
    """Return the operations that map every group of atoms onto itself."""
    kept = permutations
    for group in groups:
        kept = kept[(np.sort(kept[:, group], axis=1) == np.sort(group)).all(axis=1)]
    return kept


def _on_face(permutations: np.ndarray, atoms: np.ndarray) -> np.ndarray:
    """Return what the operations that keep a face do to its sites, shape (n_operations, n_sites)."""
    number = np.full(permutations.shape[1], -1)
    number[atoms] = np.arange(len(atoms))
    images = number[permutations[:, atoms]]
    return np.unique(images[(images >= 0).all(axis=1)], axis=0)


def _orbits(operations: np.ndarray, n_sites: int, count: int) -> list[tuple[tuple[int, ...], int]]:
    """Return one choice of each class of equivalent ones with the size of the class."""
    seen: set[tuple[int, ...]] = set()
    found = []
    for chosen in itertools.combinations(range(n_sites), count):
        if chosen in seen:
            continue
        images = {tuple(row) for row in np.sort(operations[:, list(chosen)], axis=1).tolist()}
        seen |= images
        found.append((chosen, len(images)))
    return found


def _lateral_distances(positions: np.ndarray, lattice: np.ndarray) -> np.ndarray:
    """Return nearest-image distances in the plane, shape (n, n), Angstrom."""
    shifts = np.array([(i, j) for i in (-1, 0, 1) for j in (-1, 0, 1)]) @ lattice
    apart = positions[:, None, :] - positions[None, :, :]
    return np.asarray(np.linalg.norm((apart[:, :, None, :] + shifts)[..., :2], axis=3).min(axis=2))
