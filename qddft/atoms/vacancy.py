"""Vacancies of a slab at its symmetry-distinct sites, with or without ligands on the surface."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from qddft.atoms.bulk_data import HALIDES
from qddft.atoms.pseudocubic import B_CATIONS
from qddft.atoms.symmetry import atom_permutations, distinct_sets
from qddft.core.errors import StructureError

if TYPE_CHECKING:
    from ase import Atoms


@dataclass(frozen=True)
class Vacancy:
    """One missing atom of a slab.

    Attributes
    ----------
    species
        What is missing, for instance ``Br``.
    layer
        Atomic layer, counted from 1 at the bottom.
    site
        ``equatorial`` (halide in a PbX2 layer), ``apical`` (halide in a CsX layer), ``A-site`` or ``B-site``.
    depth
        Height of the nearer face above the site, by the mean heights of their layers, Angstrom; 0 in the face itself.
    face
        ``top`` or ``bottom``, whichever is nearer (``top`` for the middle layer).
    multiplicity
        Number of equivalent sites in this slab.
    index
        The removed atom, counted in the pristine slab.
    formal_charge
        Charge of the cell when every ion keeps its formal charge: +1 for a halide vacancy.
    atoms
        The slab without the atom, labels and constraints kept; ``info["qddft"]["removed"]`` names what is missing.
    """

    species: str
    layer: int
    site: str
    depth: float
    face: str
    multiplicity: int
    index: int
    formal_charge: int
    atoms: "Atoms"

    @property
    def name(self) -> str:
        """Species, site and layer, for file names: ``v-br-equatorial-9``."""
        return f"v-{self.species}-{self.site}-{self.layer}".lower()


def find_vacancies(slab: "Atoms", species: str) -> list[Vacancy]:
    """Return the vacancies of one species at every symmetry-distinct site, from the top face down.

    Parameters
    ----------
    slab
        A slab, or a slab with ligands; ligand atoms are never removed. Its symmetry decides which sites are distinct:
        the two faces of a clean symmetric slab are equivalent unless layers are held.
    species
        ``Br``, ``Cs``, ``Pb``, ...

    Raises
    ------
    StructureError
        The slab has no such atom, or does not say its layers.
    """
    layers = _layers(slab)
    symbols = np.array(slab.get_chemical_symbols())
    own = np.flatnonzero((symbols == species) & (layers > 0))
    if not len(own):
        held = ", ".join(sorted(set(symbols[layers > 0])))
        raise StructureError(f"no {species!r} in the slab, which holds {held}; ligand atoms are not counted.")
    downwards = sorted((int(i) for i in own), key=lambda i: (-layers[i], i))
    orbits = distinct_sets(atom_permutations(slab), [(i,) for i in downwards])
    return [_vacancy(slab, layers, index, count) for (index,), count in orbits.items()]


def _vacancy(slab: "Atoms", layers: np.ndarray, index: int, multiplicity: int) -> Vacancy:
    """Describe and remove one atom."""
    layer, symbol = int(layers[index]), slab.symbols[index]
    top = int(layers.max())
    nearer = top if 2 * layer >= top + 1 else 1
    heights = [slab.positions[layers == number, 2].mean() for number in (nearer, layer)]
    charge = -FORMAL_CHARGES[symbol]
    return Vacancy(
        species=symbol,
        layer=layer,
        site=_site(slab, layers, index),
        depth=round(abs(float(heights[0] - heights[1])), 6),
        face="bottom" if nearer == 1 else "top",
        multiplicity=multiplicity,
        index=index,
        formal_charge=charge,
        atoms=_without(slab, layers, index),
    )


FORMAL_CHARGES = {"Cs": 1, "Rb": 1, "K": 1, "Pb": 2, "Sn": 2, "Ge": 2} | dict.fromkeys(HALIDES, -1)


def _layers(slab: "Atoms") -> np.ndarray:
    """Return the layer of every atom, 0 for ligand atoms."""
    if "layer" not in slab.arrays:
        raise StructureError('find_vacancies: the structure has no arrays["layer"]; make it with build_slab.')
    return np.asarray(slab.arrays["layer"])


def _site(slab: "Atoms", layers: np.ndarray, index: int) -> str:
    """Name the sublattice of an atom."""
    symbol = slab.symbols[index]
    if symbol in B_CATIONS:
        return "B-site"
    if symbol not in HALIDES:
        return "A-site"
    beside = np.array(slab.get_chemical_symbols())[layers == layers[index]]
    return "equatorial" if np.isin(beside, B_CATIONS).any() else "apical"


def _without(slab: "Atoms", layers: np.ndarray, index: int) -> "Atoms":
    """Return a copy without one atom, with a note of what was there."""
    left = slab.copy()
    del left[index]
    symbol = slab.symbols[index]
    removed: dict[str, Any] = {
        "symbol": symbol,
        "charge": FORMAL_CHARGES[symbol],
        "layer": int(layers[index]),
        "position": [round(float(x), 10) for x in slab.positions[index]],
        "why": "vacancy",
    }
    description = dict(slab.info.get("qddft", {}))
    description["removed"] = [*description.get("removed", []), removed]
    left.info["qddft"] = description
    return left
