"""What the things that can be built share: their options, and how they are read and saved."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from ase import Atoms

    from qddft.atoms.ligand import Ligand

Crystal = Annotated[str, typer.Argument(help="Formula of a library crystal, for instance CsPbBr3.", metavar="CRYSTAL")]
Output = Annotated[
    Path, typer.Option("--output", "-o", help="File; its name decides the format (POSCAR, .xyz, .cif ...).")
]
Phase = Annotated[str, typer.Option(help="Phase of the crystal.")]
LatticeName = Annotated[str, typer.Option(help="Name of a sourced lattice (pbe, experiment), or a in Angstrom.")]
Termination = Annotated[str, typer.Option(help="PbX2 or CsX; for different faces TOP,BOTTOM.")]
Layers = Annotated[int, typer.Option(help="Atomic layers, PbX2 and CsX counted one by one.")]
Supercell = Annotated[str, typer.Option(help="Lateral cell: 2x2, 3x3, sqrt2, 2sqrt2 ...")]
Vacuum = Annotated[float, typer.Option(help="Empty height above the highest atom, Angstrom.")]
FixedLayers = Annotated[str, typer.Option(help="Layers held, counted from the bottom, or 'all'.")]
LigandName = Annotated[str, typer.Option("--ligand", help="Library name, synonym, SMILES or structure file.")]
Truncate = Annotated[int | None, typer.Option(help="Cut alkyl chains to this many carbon atoms.")]
Png = Annotated[Path | None, typer.Option("--png", help="Also a still picture, from the side and from above.")]
View = Annotated[Path | None, typer.Option("--view", help="Also a page to turn in a browser; works offline.")]
Seed = Annotated[int, typer.Option(help="Seed of the conformer search; equal seeds give equal structures.")]


def slab_of(
    crystal: str,
    termination: str,
    layers: int,
    supercell: str,
    vacuum: float,
    fixed_layers: str,
    phase: str,
    lattice: str,
) -> "Atoms":
    """Cut the slab that these options ask for."""
    from qddft.atoms.slab import build_slab

    faces = [face.strip() for face in termination.split(",")]
    return build_slab(
        crystal,
        termination=faces[0] if len(faces) == 1 else faces,
        layers=layers,
        supercell=supercell,
        vacuum=vacuum,
        lattice=number_or_name(lattice),
        phase=phase,
        fixed_layers=_whole(fixed_layers),
    )


def ligand_of(name: str, truncated: int | None, seed: int) -> "Ligand":
    """Get a ligand of the library, from SMILES or from a file, its chains cut where asked for."""
    from qddft.library.ligands import get_ligand

    found = get_ligand(name, seed=seed)
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
