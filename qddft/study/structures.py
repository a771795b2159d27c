"""The structures of a study: slab, complexes and molecules in boxes, all pure."""

from typing import TYPE_CHECKING

from qddft.study.schema import SlabSpec

if TYPE_CHECKING:
    from ase import Atoms


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
    )
