"""``qddft build bulk``."""

import typer

from qddft.cli.build.options import Crystal, LatticeName, Output, Phase, Png, View, number_or_name, save
from qddft.cli.verb import add


def register(group: typer.Typer) -> None:
    """Add what is built."""
    examples = ("qddft build bulk CsPbI3 --lattice experiment -o CsPbI3.cif",)
    add(group, "bulk", bulk, examples=examples)


def bulk(
    crystal: Crystal,
    output: Output,
    phase: Phase = "cubic",
    lattice: LatticeName = "pbe",
    png: Png = None,
    view: View = None,
) -> None:
    """Build the conventional cell of a crystal."""
    from qddft.atoms.bulk import build_bulk

    save(build_bulk(crystal, phase=phase, lattice=number_or_name(lattice)), output, png, view)
