"""``qddft build complex``."""

from typing import Annotated

import typer

from qddft.cli.build.options import (
    Crystal,
    FixedLayers,
    LatticeName,
    Layers,
    LigandName,
    Output,
    Phase,
    Png,
    Seed,
    Supercell,
    Termination,
    Truncate,
    Vacuum,
    View,
    ligand_of,
    save,
    slab_of,
)
from qddft.cli.verb import add


def register(group: typer.Typer) -> None:
    """Add what is built."""
    examples = (
        'qddft build complex CsPbBr3 --ligand "oleic acid" --mode atop --supercell 3x3 -o complex.vasp',
        "qddft build complex CsPbBr3 --ligand acetate --mode X-site -o c.vasp --png c.png --view c.html",
    )
    add(group, "complex", complex_, examples=examples)


def complex_(
    crystal: Crystal,
    name: LigandName,
    output: Output,
    mode: Annotated[str, typer.Option(help="atop, bidentate, bridging, X-site or A-site.")] = "atop",
    faces: Annotated[str, typer.Option(help="top, bottom, or both for one ligand on each.")] = "top",
    distance: Annotated[
        float | None, typer.Option(help="Anchor to surface atom, Angstrom; default by element.")
    ] = None,
    truncate: Truncate = None,
    seed: Seed = 0,
    termination: Termination = "PbX2",
    layers: Layers = 3,
    supercell: Supercell = "3x3",
    vacuum: Vacuum = 15.0,
    fixed_layers: FixedLayers = "0",
    phase: Phase = "cubic",
    lattice: LatticeName = "pbe",
    png: Png = None,
    view: View = None,
) -> None:
    """Put a ligand on a slab by its anchor atoms; the vacuum is counted above the ligand."""
    from qddft.atoms.binding import attach

    surface = slab_of(crystal, termination, layers, supercell, vacuum, fixed_layers, phase, lattice)
    placed = attach(surface, ligand_of(name, truncate, seed), mode=mode, faces=faces, distance=distance, seed=seed)
    save(placed, output, png, view)
