"""``qddft build ligand``."""

from typing import Annotated

import typer

from qddft.cli.build.options import Charge, Output, Png, Seed, Truncate, View, ligand_of, save
from qddft.cli.verb import add


def register(group: typer.Typer) -> None:
    """Add what is built."""
    examples = ('qddft build ligand "oleic acid" --truncate 4 -o butyric.xyz',)
    add(group, "ligand", ligand, examples=examples)


def ligand(
    name: Annotated[str, typer.Argument(metavar="LIGAND", help="Library name, synonym, SMILES or structure file.")],
    output: Output,
    charge: Charge = None,
    truncate: Truncate = None,
    seed: Seed = 0,
    png: Png = None,
    view: View = None,
) -> None:
    """Build a ligand in its lowest conformer."""
    found = ligand_of(name, truncate, seed, charge)
    save(found.atoms, output, png, view)
