"""What the things that can be built share: their options, and how they are read and saved."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

if TYPE_CHECKING:
    from ase import Atoms

    from qddft.atoms.alloy_order import Order as Order_
    from qddft.atoms.ligand import Ligand

Crystal = Annotated[
    str,
    typer.Argument(
        help="Formula: CsPbBr3, a mixture as 'CsPb(Br0.67I0.33)3', molecules on the A site as GA0.25Cs0.75PbI3.",
        metavar="CRYSTAL",
    ),
]
Output = Annotated[
    Path, typer.Option("--output", "-o", help="File; its name decides the format (POSCAR, .xyz, .cif ...).")
]
MaybeOutput = Annotated[Path | None, typer.Option("--output", "-o", help="File; without it the choices are listed.")]
Phase = Annotated[str, typer.Option(help="cubic, tetragonal, orthorhombic or delta, where a sourced cell exists.")]
LatticeName = Annotated[
    str, typer.Option(help="Name of a sourced lattice (pbe, experiment), or a in Angstrom; mixtures by Vegard.")
]
Normal = Annotated[str | None, typer.Option(help="Pseudo-cubic axis across the faces of a tilted phase: a, b or c.")]
Order = Annotated[str, typer.Option(help="Of a mixture: ordered, random or sqs (special quasirandom).")]
Termination = Annotated[str, typer.Option(help="PbX2 or CsX; for different faces TOP,BOTTOM.")]
Layers = Annotated[int, typer.Option(help="Atomic layers, PbX2 and CsX counted one by one.")]
Supercell = Annotated[str, typer.Option(help="Lateral cell: 2x2, 3x3, sqrt2, 2sqrt2, sqrt5 ...")]
Vacuum = Annotated[float, typer.Option(help="Empty height above the highest atom, Angstrom.")]
FixedLayers = Annotated[str, typer.Option(help="Layers held, counted from the bottom, or 'all'.")]
Truncate = Annotated[int | None, typer.Option(help="Cut alkyl chains to this many carbon atoms.")]
Charge = Annotated[
    int | None,
    typer.Option(help="Formal charge, e: needed for an ion in a file without bonds (xyz), checked otherwise."),
]
Png = Annotated[Path | None, typer.Option("--png", help="Also a still picture, from the side and from above.")]
View = Annotated[Path | None, typer.Option("--view", help="Also a page to turn in a browser; works offline.")]
Seed = Annotated[int, typer.Option(help="Seed of mixtures and conformers; equal seeds give equal structures.")]


@dataclass(frozen=True)
class SlabChoices:
    """The options of a slab, as typed."""

    crystal: str
    termination: str
    layers: int
    supercell: str
    vacuum: float
    fixed_layers: str
    phase: str
    lattice: str
    normal: str | None
    order: str
    seed: int


def slab_of(choices: SlabChoices) -> "Atoms":
    """Cut the slab that these options ask for."""
    from qddft.atoms.slab import build_slab

    faces = [face.strip() for face in choices.termination.split(",")]
    return build_slab(
        choices.crystal,
        termination=faces[0] if len(faces) == 1 else faces,
        layers=choices.layers,
        supercell=choices.supercell,
        vacuum=choices.vacuum,
        lattice=number_or_name(choices.lattice),
        phase=choices.phase,
        fixed_layers=_whole(choices.fixed_layers),
        normal=choices.normal,
        order=cast("Order_", choices.order),
        seed=choices.seed,
    )


def ligand_of(name: str, truncated: int | None, seed: int, charge: int | None = None) -> "Ligand":
    """Get a ligand of the library, from SMILES or from a file, its chains cut where asked for."""
    from qddft.library.ligands import get_ligand

    found = get_ligand(name, seed=seed, charge=charge)
    if truncated is None:
        return found
    from qddft.atoms.truncation import truncate

    return truncate(found, truncated)


def number_or_name(text: str) -> str | float:
    """Read a lattice constant in Angstrom, or leave the name of a sourced one."""
    try:
        return float(text)
    except ValueError:
        return text


def _whole(text: str) -> str | int:
    try:
        return int(text)
    except ValueError:
        return text


def save(atoms: "Atoms", output: Path, png: Path | None, view: Path | None) -> None:
    """Write the structure, say what it is, and draw it where asked for."""
    from qddft.cli.structure_file import describe, save_structure

    save_structure(atoms, output)
    describe(atoms, output)
    if png is not None:
        from qddft.cli.picture import save_picture

        save_picture(atoms, png)
    if view is not None:
        from qddft.cli.picture import save_view

        save_view(atoms, view, atoms.get_chemical_formula())
