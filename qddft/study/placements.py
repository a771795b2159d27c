"""From keys of a study to placements on its slab."""

from typing import TYPE_CHECKING

from qddft.atoms.covering import Placement, site_named
from qddft.study.schema_parts import CoveringSpec

if TYPE_CHECKING:
    from ase import Atoms

    from qddft.atoms.ligand import Ligand


def placement(slab: "Atoms", spec: CoveringSpec, ligand: "Ligand", faces: str = "top") -> Placement:
    """Return how a ligand of a study goes on its slab.

    Raises
    ------
    PlacementError
        The face has no site of the kind that is named.
    """
    site = site_named(slab, spec.site, faces) if isinstance(spec.site, str) else spec.site
    return Placement(
        ligand,
        mode=spec.mode,
        distance=spec.distance,
        site=site,
        conformer=spec.conformer,
        seed=spec.seed,
        count=spec.count,
        per_nm2=spec.per_nm2,
        pattern=spec.pattern,
    )
