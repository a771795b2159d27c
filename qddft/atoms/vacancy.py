"""Vacancies of a slab at its symmetry-distinct sites, with or without ligands on the surface."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from qddft.atoms.dot_symmetry import DotPlaces, dot_permutations, dot_places, is_nanocrystal
from qddft.atoms.electrons import n_valence_electrons
from qddft.atoms.ions import B_CATIONS, FORMAL_CHARGES, HALIDES
from qddft.atoms.layers import layers_of
from qddft.atoms.symmetry import atom_permutations, distinct_sets
from qddft.atoms.vacancy_sites import candidate_sets, mirror_partner, parse_species
from qddft.core.errors import StructureError

if TYPE_CHECKING:
    from ase import Atoms

__all__ = ["FORMAL_CHARGES", "Vacancy", "find_vacancies"]

Faces = Literal["one", "both"]


@dataclass(frozen=True)
class Vacancy:
    """Missing atoms of a slab: one ion, or a neutral group CsX or PbX2.

    Attributes
    ----------
    species
        What is missing: ``Br``, ``CsBr``, ``PbBr2``.
    layer
        Atomic layer of the (first) missing atom, counted from 1 at the bottom.
    site
        ``equatorial`` (halide in a PbX2 layer), ``apical`` (halide in a CsX layer), ``A-site`` or ``B-site``; the parts
        of a group are joined by ``+``.
    depth
        Height of the nearer face above the site, by the mean heights of their layers, Angstrom; 0 in the face itself.
    face
        ``top`` or ``bottom``, whichever is nearer (``top`` for the middle layer); of a nanocrystal ``+a`` to ``-c``, at
        an edge ``+a-b``.
    multiplicity
        Number of equivalent places for this vacancy in the slab.
    indices
        The removed atoms, counted in the pristine slab; with ``faces="both"`` those of the other face follow.
    count
        Vacancies in the cell: 2 with ``faces="both"``, else 1.
    formal_charge
        Charge that the vacancy brings when every ion keeps its formal charge: +1 for one halide, 0 for a neutral group.
    variant
        Numbers the distinct sites of equal species, site and layer, from 1; the nearest to a ligand comes first.
    ligand_distance
        From the (first) missing atom to the nearest ligand atom, Angstrom; ``None`` without ligands.
    position
        Where the (first) missing atom was, Angstrom.
    atoms
        The slab without the atoms, labels and constraints kept; ``info["qddft"]["removed"]`` names what is missing.
    """

    species: str
    layer: int
    site: str
    depth: float
    face: str
    multiplicity: int
    indices: tuple[int, ...]
    count: int
    formal_charge: int
    variant: int
    ligand_distance: float | None
    position: tuple[float, float, float]
    atoms: "Atoms"

    @property
    def index(self) -> int:
        """The (first) removed atom, counted in the pristine slab."""
        return self.indices[0]

    @property
    def name(self) -> str:
        """Species, site, layer and variant, for file names: ``v-br-equatorial-9``, ``v-br-equatorial-9-2``."""
        parts = ["v", self.species, *self.site.split("+"), str(self.layer)]
        if self.variant > 1:
            parts.append(str(self.variant))
        return "-".join(parts).lower()

    @property
    def charge_states(self) -> tuple[int, ...]:
        """Charges from the formal one to the neutral cell; a halide vacancy also as the electron trap, -1 each."""
        if self.formal_charge == 0:
            return (0,)
        sign = 1 if self.formal_charge > 0 else -1
        last = -self.count if sign > 0 else 0
        return tuple(range(self.formal_charge, last - sign, -sign))

    def n_electrons(self, charge: int) -> int:
        """Return the valence electrons at a charge of the cell; an odd number needs a spin-polarized calculation."""
        return n_valence_electrons(self.atoms, charge)


def find_vacancies(
    slab: "Atoms", species: str, *, layers: Iterable[int] | None = None, faces: Faces = "one"
) -> list[Vacancy]:
    """Return the vacancies of one species at every symmetry-distinct site, from the top face down.

    Parameters
    ----------
    slab
        A slab or nanocrystal, bare or with ligands; ligand atoms are never removed. Its symmetry decides which sites
        are distinct: the two faces of a clean symmetric slab are equivalent unless layers are held.
    species
        ``Br``, ``Cs``, ``Pb``, or a neutral group of neighbors: ``CsBr``, ``PbBr2`` (``CsX`` and ``PbX2`` are
        understood).
    layers
        Keep only sites whose (first) atom lies in one of these layers.
    faces
        ``both`` removes the equivalent atoms of the other face as well, so that the slab keeps equal faces and no
        dipole; energies are then for two vacancies.

    Raises
    ------
    StructureError
        The slab has no such atoms, or with ``faces="both"`` its faces are not equivalent.
    """
    numbers = layers_of(slab)
    parts = parse_species(species, slab, numbers)
    sets = candidate_sets(slab, numbers, parts)
    wanted = None if layers is None else set(layers)
    sets = [members for members in sets if wanted is None or int(numbers[members[0]]) in wanted]
    if not sets:
        raise StructureError(f"no {species} vacancy in layers {sorted(wanted or ())} of the slab.")
    distances = _ligand_distances(slab, numbers)
    sets.sort(key=lambda members: _order(numbers, distances, members))
    dot = dot_places(slab) if is_nanocrystal(slab) else None
    if dot is not None and faces == "both":
        raise StructureError('faces="both" belongs to slabs; a nanocrystal has six facets: use faces="one".')
    permutations = atom_permutations(slab) if dot is None else dot_permutations(slab)
    orbits = distinct_sets(permutations, sets)
    seen: Counter[tuple[str, int]] = Counter()
    found = []
    for members, multiplicity in orbits.items():
        first, *others = (dot.names[i] if dot else _site(slab, numbers, i) for i in members)
        site = "+".join([first, *sorted(others)])
        key = (site, int(numbers[members[0]]))
        seen[key] += 1
        removed = members if faces == "one" else members + mirror_partner(slab, numbers, permutations, members)
        labels = {"species": "".join(_symbols_of(slab, members)), "site": site, "variant": seen[key]}
        face, depth = _face_and_depth(slab, numbers, dot, members[0])
        labels |= {"multiplicity": multiplicity, "reach": float(distances[members[0]]), "face": face, "depth": depth}
        found.append(_vacancy(slab, numbers, members, removed, labels))
    return found


def _face_and_depth(slab: "Atoms", numbers: np.ndarray, dot: DotPlaces | None, index: int) -> tuple[str, float]:
    """Return the nearer face of an atom and how far below it the atom is, Angstrom."""
    if dot is not None:
        return dot.facets[index], round(float(dot.depths[index]), 6)
    layer, top = int(numbers[index]), int(numbers.max())
    nearer = top if 2 * layer >= top + 1 else 1
    heights = [float(slab.positions[numbers == number, 2].mean()) for number in (nearer, layer)]
    return "bottom" if nearer == 1 else "top", round(abs(heights[0] - heights[1]), 6)


def _vacancy(
    slab: "Atoms", numbers: np.ndarray, members: tuple[int, ...], removed: tuple[int, ...], labels: dict[str, Any]
) -> Vacancy:
    """Describe and remove a set of atoms."""
    x, y, z = (round(float(value), 10) for value in slab.positions[members[0]])
    return Vacancy(
        species=labels["species"],
        layer=int(numbers[members[0]]),
        site=labels["site"],
        depth=labels["depth"],
        face=labels["face"],
        multiplicity=labels["multiplicity"],
        indices=removed,
        count=len(removed) // len(members),
        formal_charge=-sum(FORMAL_CHARGES[slab.symbols[index]] for index in removed),
        variant=labels["variant"],
        ligand_distance=labels["reach"] if np.isfinite(labels["reach"]) else None,
        position=(x, y, z),
        atoms=_without(slab, numbers, removed),
    )


def _order(numbers: np.ndarray, distances: np.ndarray, members: tuple[int, ...]) -> tuple[Any, ...]:
    """Sort from the top down; in one layer the nearest to a ligand first, then groups that reach further out."""
    downwards = [-int(numbers[index]) for index in members]
    return downwards[0], round(float(distances[members[0]]), 3), sorted(downwards), members


def _ligand_distances(slab: "Atoms", numbers: np.ndarray) -> np.ndarray:
    """Return the distance of every atom to the nearest ligand atom, infinite without ligands, shape (n_atoms,)."""
    from ase.geometry import get_distances

    ligand = numbers == 0
    if not ligand.any():
        return np.full(len(slab), np.inf)
    apart = get_distances(slab.positions, slab.positions[ligand], cell=slab.cell, pbc=slab.pbc)[1]
    return np.asarray(apart.min(axis=1))


def _symbols_of(slab: "Atoms", members: tuple[int, ...]) -> list[str]:
    """Return the formula of a group piece by piece: Pb, Br2."""
    counted = Counter(slab.symbols[index] for index in members)
    return [symbol if number == 1 else f"{symbol}{number}" for symbol, number in counted.items()]


def _site(slab: "Atoms", numbers: np.ndarray, index: int) -> str:
    """Name the sublattice of an atom."""
    symbol = slab.symbols[index]
    if symbol in B_CATIONS:
        return "B-site"
    if symbol not in HALIDES:
        return "A-site"
    beside = np.array(slab.get_chemical_symbols())[numbers == numbers[index]]
    return "equatorial" if np.isin(beside, B_CATIONS).any() else "apical"


def _without(slab: "Atoms", numbers: np.ndarray, removed: tuple[int, ...]) -> "Atoms":
    """Return a copy without some atoms, with a note of what was there."""
    left = slab.copy()
    if "layer" not in left.arrays:
        left.set_array("layer", numbers)
    del left[list(removed)]
    notes: list[dict[str, Any]] = [
        {
            "symbol": slab.symbols[index],
            "charge": FORMAL_CHARGES[slab.symbols[index]],
            "layer": int(numbers[index]),
            "position": [round(float(x), 10) for x in slab.positions[index]],
            "why": "vacancy",
        }
        for index in removed
    ]
    description = dict(slab.info.get("qddft", {}))
    description["removed"] = [*description.get("removed", []), *notes]
    left.info = {**slab.info, "qddft": _with_shifted_indices(description, removed)}
    return left


def _with_shifted_indices(description: dict[str, Any], removed: tuple[int, ...]) -> dict[str, Any]:
    """Renumber the anchors and sites of ligands after atoms were taken out; a site that is gone is dropped."""
    gone = np.sort(np.array(removed))

    def renumber(indices: Iterable[int]) -> list[int]:
        return [int(i - np.searchsorted(gone, i)) for i in indices if i not in removed]

    fragments = []
    for fragment in description.get("fragments", []):
        changed = dict(fragment)
        if "anchors" in changed:
            changed["anchors"] = renumber(changed["anchors"])
        if "sites" in changed:
            changed["sites"] = [renumber(site) for site in changed["sites"]]
        fragments.append(changed)
    return {**description, "fragments": fragments} if fragments else description
