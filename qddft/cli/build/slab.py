"""``qddft build slab``."""

import typer

from qddft.cli.build.options import (
    Crystal,
    FixedLayers,
    LatticeName,
    Layers,
    Normal,
    Order,
    Output,
    Phase,
    Png,
    Seed,
    SlabChoices,
    Supercell,
    Termination,
    Vacuum,
    View,
    save,
    slab_of,
)
from qddft.cli.verb import add


def register(group: typer.Typer) -> None:
    """Add what is built."""
    examples = (
        "qddft build slab CsPbBr3 --termination PbX2 --layers 9 --supercell 2x2 --vacuum 15 -o POSCAR",
        "qddft build slab 'CsPb(Br0.67I0.33)3' --order sqs --supercell 2x2 --layers 5 -o POSCAR",
        "qddft build slab CsPbBr3 --phase orthorhombic --lattice experiment --normal a --supercell 2x2 -o POSCAR",
    )
    add(group, "slab", slab, examples=examples)


def slab(
    crystal: Crystal,
    output: Output,
    termination: Termination = "PbX2",
    layers: Layers = 9,
    supercell: Supercell = "1x1",
    vacuum: Vacuum = 15.0,
    fixed_layers: FixedLayers = "0",
    phase: Phase = "cubic",
    lattice: LatticeName = "pbe",
    normal: Normal = None,
    order: Order = "random",
    seed: Seed = 0,
    png: Png = None,
    view: View = None,
) -> None:
    """Cut an (001) slab with the termination of each face asked for by name."""
    choices = SlabChoices(
        crystal, termination, layers, supercell, vacuum, fixed_layers, phase, lattice, normal, order, seed
    )
    save(slab_of(choices), output, png, view)
