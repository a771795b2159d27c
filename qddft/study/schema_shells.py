"""Several ligands at once: the section ``shells`` of a study."""

from typing import Annotated

from pydantic import Field

from qddft.study.schema_parts import CoveringSpec, Faces, Line, Strict, Words

Many = Annotated[int, Field(strict=True, ge=1, le=1000)]


class ShellSpec(Strict):
    """Ligands that sit on one slab together, and the reaction that their energy belongs to.

    Attributes
    ----------
    name
        In tables.
    ligands
        Attached in this order; their charges, and those of the ions they replace, add up to zero.
    faces
        The top face, or both alike.
    consumes, releases
        Molecule -> how many for each shell: what it is made from, and what leaves. Without them a shell of neutral
        molecules is made from these.
    conformers
        Conformers of each gas-phase molecule that are relaxed; the lowest counts.
    source
        Where the model comes from.
    """

    name: Words
    ligands: Annotated[tuple[CoveringSpec, ...], Field(min_length=1, max_length=20)]
    faces: Faces = "top"
    consumes: dict[Line, Many] = Field(default_factory=dict)
    releases: dict[Line, Many] = Field(default_factory=dict)
    conformers: Annotated[int, Field(strict=True, ge=1, le=50)] = 1
    source: Line = ""
