"""What holds a ligand on a perovskite: coordination and hydrogen bonds, and contacts closer than atoms come."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from qddft.atoms.bond_changes import distances_between
from qddft.atoms.bond_lengths import donor_distance
from qddft.atoms.contacts import vdw_radii
from qddft.atoms.ions import A_CATIONS, B_CATIONS, FORMAL_CHARGES, HALIDES

if TYPE_CHECKING:
    from ase import Atoms

# a donor is bound to a cation up to this share of the sum of ionic radii, a proton to a halide of the van der Waals sum
_COORDINATED, _HYDROGEN_BONDED = 1.25, 0.9
# own choice: no donor comes closer to a cation than this share of the sum of ionic radii
_SHORTEST = 0.75
# nothing binds beyond (Cs-I: 1.25 times 3.94), Angstrom
_FAR = 5.0
_PLACED = ("anchors", "sites", "distances")
_DONORS = ("N", "O", "F", "S", "Se", "P", "As", *HALIDES)
# a head without a proton (a metal ion, a quaternary nitrogen) is held as far as it was placed, up to this share more
_AS_PLACED = 1.25


@dataclass(frozen=True)
class Binding:
    """A ligand atom held by the surface.

    Attributes
    ----------
    fragment
        Number of the ligand.
    atom, surface
        Atom indices.
    symbols
        Their symbols.
    kind
        ``coordination`` (donor on a cation, or cation of the ligand on a halide) or ``hydrogen bond``.
    distance
        Angstrom.
    """

    fragment: int
    atom: int
    surface: int
    symbols: tuple[str, str]
    kind: Literal["coordination", "hydrogen bond"]
    distance: float


def placed_distances(initial: "Atoms") -> dict[tuple[int, int], float]:
    """Return how far heads of cations may be from the halides they were placed on, by pair of atoms, Angstrom."""
    reached = {}
    for entry in initial.info.get("qddft", {}).get("fragments", []):
        for anchor, sites, distances in zip(*(entry.get(key, []) for key in _PLACED), strict=False):
            for site, distance in zip(sites, distances, strict=False):
                if initial.symbols[site] in HALIDES and initial.symbols[anchor] != "H":
                    reached[(int(anchor), int(site))] = _AS_PLACED * float(distance)
    return reached


def bindings_of(final: "Atoms", fragment: np.ndarray, reached: dict[tuple[int, int], float]) -> tuple[Binding, ...]:
    """Return what the surface holds."""
    symbols = np.array(final.get_chemical_symbols())
    ligand = np.flatnonzero(fragment > 0)
    slab = np.flatnonzero((fragment == 0) & np.isin(symbols, tuple(FORMAL_CHARGES)))
    distances = distances_between(final, ligand, slab)
    found = []
    for a, b in np.argwhere(distances < _FAR):
        i, j, distance = int(ligand[a]), int(slab[b]), float(distances[a, b])
        names = (str(symbols[i]), str(symbols[j]))
        kind = _kind(*names, distance) or ("coordination" if distance < reached.get((i, j), 0.0) else None)
        if kind is not None:
            found.append(Binding(int(fragment[i]), i, j, names, kind, round(distance, 4)))
    return tuple(sorted(found, key=lambda item: item.distance))


def _kind(own: str, surface: str, distance: float) -> Literal["coordination", "hydrogen bond"] | None:
    """Return how a ligand atom is held by a surface atom at a distance, ``None`` if it is not."""
    from ase.data import atomic_numbers

    if surface in HALIDES and own == "H":
        radii = vdw_radii(np.array([1, atomic_numbers[surface]]))
        return "hydrogen bond" if distance < _HYDROGEN_BONDED * radii.sum() else None
    pair = (own, surface) if surface not in HALIDES else (surface, own)
    if pair[0] in _DONORS and pair[1] in (*A_CATIONS, *B_CATIONS):
        return "coordination" if distance < _COORDINATED * donor_distance(*pair) else None
    return None


def too_close(bindings: "tuple[Binding, ...]") -> "tuple[Binding, ...]":
    """Return the contacts of donors and cations that are shorter than such atoms come."""
    return tuple(item for item in bindings if item.kind == "coordination" and _is_too_close(item))


def _is_too_close(item: Binding) -> bool:
    pair = item.symbols if item.symbols[1] not in HALIDES else item.symbols[::-1]
    known = pair[0] in _DONORS and pair[1] in (*A_CATIONS, *B_CATIONS)
    return known and item.distance < _SHORTEST * donor_distance(*pair)
