"""``qddft tolerance``: tolerance factors with the radii they rest on."""

from dataclasses import asdict
from typing import Annotated

import typer

from qddft.cli.console import print_json, say
from qddft.cli.verb import add


def register(app: typer.Typer) -> None:
    """Add the verb."""
    examples = (
        "qddft tolerance CsPbI3 GAPbI3",
        "qddft tolerance Cs0.9GA0.1PbI3 --coordination VIII --json",
    )
    add(app, "tolerance", tolerance, examples=examples)


def tolerance(
    formulas: Annotated[list[str], typer.Argument(metavar="FORMULA...", help="CsPbI3, GAPbI3, Cs0.9GA0.1PbI3 ...")],
    coordination: Annotated[
        str, typer.Option(help="Of the A cation in Shannon's table: XII, VIII or VI; molecules have one radius.")
    ] = "XII",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
) -> None:
    """Compute the Goldschmidt, octahedral and Bartel factors; radii, coordination and printed values are told."""
    from qddft.atoms.tolerance import tolerance_factors

    found = [tolerance_factors(formula, coordination=coordination) for formula in formulas]
    if as_json:
        print_json([asdict(item) for item in found])
        return
    for item in found:
        say(f"{item}\n")
