"""Where pymatgen's AdsorbateSiteFinder and autoadsorbate put a molecule on our slabs; for comparisons only."""

import contextlib
import io
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ase import Atoms

# above the site, Angstrom: pymatgen's default, and two more where the budget has room
DISTANCES = (2.0, 2.5, 3.0)
CONFORMERS = 8


def as_pymatgen(slab: "Atoms"):
    """Return a slab of ours as pymatgen's, cut along its third axis."""
    from pymatgen.core import Lattice
    from pymatgen.core.surface import Slab

    symbols = slab.get_chemical_symbols()
    return Slab(
        Lattice(slab.cell.array), symbols, slab.get_scaled_positions(), (0, 0, 1), None, 0.0, np.eye(3),
        reorient_lattice=False,
    )  # fmt: skip


def pymatgen_complexes(slab: "Atoms", molecules: "Sequence[Atoms]", distances: Sequence[float] = DISTANCES):
    """Return positions (n_slab + n_molecule, 3) of the molecule at all distinct sites, reoriented to the face.

    Its sites are those above atoms, bridges and hollows, reduced by symmetry as it does by itself.
    """
    from pymatgen.core import Molecule
    from pymatgen.core.adsorption import AdsorbateSiteFinder

    finder = AdsorbateSiteFinder(as_pymatgen(slab))
    found = []
    for distance in distances:
        sites = finder.find_adsorption_sites(distance=distance)["all"]
        for atoms in molecules:
            molecule = Molecule(atoms.get_chemical_symbols(), atoms.positions)
            for site in sites:
                structure = finder.add_adsorbate(molecule, site, reorient=True)
                found.append(structure.cart_coords)
    return found


def autoadsorbate_complexes(slab: "Atoms", marked: Sequence[str], *, per_site: int, reduce: bool = True):
    """Return (symbols, positions) of the molecule at its sites, in the order of autoadsorbate.

    Parameters
    ----------
    slab
        Ours.
    marked
        Surrogate SMILES, tried one after the other.
    per_site
        How many conformers and turns each site keeps, those without overlap first.
    reduce
        Use one of each set of equivalent sites, as ``sym_reduce`` finds them.
    """
    from autoadsorbate import Fragment, Surface

    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        surface = Surface(bare(slab))
        if reduce:
            surface.sym_reduce()
        found = []
        for smile in marked:
            fragment = Fragment(smile=smile, to_initialize=CONFORMERS)
            found.append(surface.get_populated_sites(fragment, site_index="all", conformers_per_site_cap=per_site))
    return [(atoms.get_chemical_symbols(), atoms.positions) for lot in found for atoms in lot]


def bare(slab: "Atoms") -> "Atoms":
    """Return a slab without labels, constraints and description."""
    from ase import Atoms

    return Atoms(slab.get_chemical_symbols(), slab.positions, cell=slab.cell, pbc=True)
