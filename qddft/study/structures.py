"""The structures of a study: the slab, the complexes in cells of one height, molecules in boxes."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from qddft.core.errors import StructureError
from qddft.study.schema import SlabSpec

if TYPE_CHECKING:
    from ase import Atoms

# cell heights in steps, so that a plan does not depend on the last digit of a conformer
HEIGHT_STEP = 0.5


def build_study_slab(slab: SlabSpec) -> "Atoms":
    """Return the clean slab as the study describes it.

    Raises
    ------
    StructureError
        The keys do not make a slab.
    """
    from qddft.atoms.slab import build_slab

    return build_slab(
        slab.formula,
        phase=slab.phase,
        lattice=slab.lattice,
        termination=slab.termination,
        layers=slab.layers,
        supercell=slab.supercell,
        vacuum=slab.vacuum,
        fixed_layers=slab.fixed_layers,
        normal=slab.normal,
        order=slab.order,
        seed=slab.seed,
    )


def build_study_bulk(slab: SlabSpec) -> "Atoms":
    """Return the crystal that the slab of a study is cut from.

    Raises
    ------
    StructureError
        There is no such crystal, or it is a mixture, which is arranged on the sites of the slab itself.
    """
    from qddft.atoms.alloy_slab import mixture_of
    from qddft.atoms.bulk import build_bulk

    if mixture_of(slab.formula, slab.order, slab.seed) is not None:
        raise StructureError(
            f"bulk energy: {slab.formula} is a mixture, arranged on the sites of the slab itself, without a crystal of "
            "its own; take of: energy per formula unit"
        )
    return build_bulk(slab.formula, phase=slab.phase, lattice=slab.lattice)


def common_height(structures: Sequence["Atoms"], vacuum: float) -> float:
    """Return the cell height that leaves a vacuum above the tip of every structure, Angstrom.

    All terms of an energy difference get this height, because the energy of a polar cell depends on its vacuum.
    """
    tallest = max(float(np.ptp(atoms.positions[:, 2])) for atoms in structures)
    return math.ceil(round((tallest + vacuum) / HEIGHT_STEP, 6)) * HEIGHT_STEP


def with_height(atoms: "Atoms", height: float) -> "Atoms":
    """Return a copy in a cell of a given height, Angstrom; the vacuum is what the atoms leave of it."""
    from qddft.atoms.slab import with_vacuum

    return with_vacuum(atoms, round(height - float(np.ptp(atoms.positions[:, 2])), 8))


def with_frozen_slab(atoms: "Atoms") -> "Atoms":
    """Return a copy in which all atoms of the slab are fixed."""
    from ase.constraints import FixAtoms

    changed = atoms.copy()
    changed.set_constraint(FixAtoms(indices=np.flatnonzero(atoms.arrays["fragment"] == 0)))
    return changed


def boxed(molecule: "Atoms", padding: float) -> "Atoms":
    """Return a copy in the middle of a box that leaves ``padding`` on every side, Angstrom; not periodic."""
    low, high = molecule.positions.min(axis=0), molecule.positions.max(axis=0)
    changed = molecule.copy()
    edges = np.ceil(np.round((high - low + 2 * padding) / HEIGHT_STEP, 6)) * HEIGHT_STEP
    changed.set_cell(np.diag(edges))
    changed.set_pbc(False)
    changed.positions += edges / 2 - (low + high) / 2
    return changed


def without_ligands(atoms: "Atoms") -> "Atoms":
    """Return the slab of a complex alone, with the vacancies that its ligands filled."""
    return atoms[atoms.arrays["fragment"] == 0]


def slab_thickness(slab: SlabSpec) -> float:
    """Return the height from the lowest to the highest atom of a clean slab, Angstrom.

    Raises
    ------
    StructureError
        The keys do not make a slab.
    """
    return float(np.ptp(build_study_slab(slab).positions[:, 2]))
