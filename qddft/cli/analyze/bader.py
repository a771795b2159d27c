"""``qddft analyze bader``: charges of atoms and ligands from the basins of a density."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from qddft.cli.analyze.options import AllowUnconverged, AsJson, Csv, Database, FigureFile, Wanted, deliver
from qddft.cli.console import say
from qddft.cli.verb import add

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from qddft.recipes.bader_of_folders import BaderOfRun


class Method(StrEnum):
    """How baderkit finds basins."""

    neargrid = "neargrid"
    neargrid_weight = "neargrid-weight"
    weight = "weight"
    ongrid = "ongrid"


def register(group: typer.Typer) -> None:
    """Add the analysis."""
    examples = (
        "qddft analyze bader runs/complex",
        "qddft analyze bader runs/complex --acf basins/ACF.dat --json",
    )
    add(group, "bader", bader, examples=examples)


def bader(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="Folder of a finished run with its vasprun.xml.")],
    acf: Annotated[Path | None, typer.Option(help="Table of the program bader; by default PATH/ACF.dat.")] = None,
    reference: Annotated[
        Path | None, typer.Option(help="Density whose basins are taken; by default AECCAR0 + AECCAR2.")
    ] = None,
    method: Annotated[Method, typer.Option(help="How baderkit finds the basins.")] = Method.neargrid,
    allow_unconverged: AllowUnconverged = False,
    figure: FigureFile = None,
    csv: Csv = None,
    database: Database = None,
    as_json: AsJson = False,
) -> None:
    """Bader charges of atoms and fragments, with the valences of the data sets that the run used.

    The basins are those of ACF.dat where there is one. Without it, baderkit finds them in AECCAR0 + AECCAR2 (a static
    run with LAECHG = .TRUE.); it is started in a Python of its own by uv.
    """
    from qddft.recipes.bader_of_folders import bader_of_run

    wanted = Wanted(as_json, csv, database, figure)
    found = bader_of_run(path, acf=acf, reference=reference, method=method.value, allow_unconverged=allow_unconverged)
    deliver(found.results(), wanted, tell=lambda: _print(found), draw=lambda: {"": _draw(found)})


def _draw(found: "BaderOfRun") -> "Figure":
    from qddft.report.bader_figure import bader_figure

    return bader_figure(found.outputs.atoms, found.charges)


def _print(found: "BaderOfRun") -> None:
    symbols = found.outputs.atoms.get_chemical_symbols()
    say(f"q = ZVAL - electrons in the basin, positive = electrons lost; {found.program}")
    for index, (symbol, charge) in enumerate(zip(symbols, found.charges.charges, strict=True), start=1):
        say(f"{index:5d} {symbol:3s} {round(charge, 4) + 0.0:+.4f} e")
    for name, charge in found.charges.by_part.items():
        say(f"{name}: {round(charge, 4) + 0.0:+.4f} e")
