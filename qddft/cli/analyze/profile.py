"""``qddft analyze profile``: planar average of any field, and of one field minus another."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from qddft.cli.analyze.options import AllowDifferences, AsJson, Csv, Curves, Database, FigureFile, Wanted, deliver
from qddft.cli.console import say
from qddft.cli.verb import add

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from qddft.recipes.grid_profile import GridProfile


class Axis(StrEnum):
    """Cell vector across the planes."""

    a = "a"
    b = "b"
    c = "c"


class Quantity(StrEnum):
    """What a file holds."""

    density = "density"
    potential = "potential"
    elf = "elf"


def register(group: typer.Typer) -> None:
    """Add the analysis."""
    examples = (
        "qddft analyze profile bulk/LOCPOT --average 5.9 --figure average.pdf",
        "qddft analyze profile defect/LOCPOT --minus bulk/LOCPOT --curves alignment.csv",
        "qddft analyze profile with_field/CHGCAR --minus without/CHGCAR -o difference.cube",
    )
    add(group, "profile", profile, examples=examples)


def profile(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="CHGCAR, LOCPOT, ELFCAR, cube file, or their folder.")],
    minus: Annotated[
        Path | None, typer.Option(help="Subtract this one: same cell, same grid, atoms may differ.")
    ] = None,
    quantity: Annotated[Quantity | None, typer.Option(help="What a folder or a file of another name holds.")] = None,
    axis: Annotated[Axis, typer.Option(help="Cell vector across the planes.")] = Axis.c,
    average: Annotated[float | None, typer.Option(help="Window of a macroscopic average, Angstrom.")] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write the field: .cube, .xsf, or like CHGCAR or LOCPOT.")
    ] = None,
    curves: Curves = None,
    figure: FigureFile = None,
    csv: Csv = None,
    database: Database = None,
    allow_differences: AllowDifferences = False,
    as_json: AsJson = False,
) -> None:
    """Planar and macroscopic average of a density, a potential or the ELF, or of the difference of two.

    Of a difference of defect and host the value farthest from the defect is given: what aligns their potentials.
    """
    from qddft.recipes.grid_profile import grid_profile

    wanted = Wanted(as_json, csv, database, figure, (curves, output))
    found = grid_profile(
        path,
        minus=minus,
        quantity=None if quantity is None else quantity.value,
        axis="abc".index(axis.value),
        average=average,
        allow_differences=allow_differences,
    )
    if output is not None:
        from qddft.outputs.grid_write import write_grid

        write_grid(found.grid, output)
    if curves is not None:
        _curves(found, curves)
    deliver(found.results(), wanted, tell=lambda: _print(found), draw=lambda: {"": _draw(found)})


def _curves(found: "GridProfile", path: Path) -> None:
    import pandas as pd

    columns = {"height_A": found.profile.heights, f"planar_average_{_unit(found)}": found.profile.values}
    if found.smooth is not None:
        columns[f"macroscopic_average_{_unit(found)}"] = found.smooth.values
    pd.DataFrame(columns).to_csv(path, index=False, float_format="%.8g")


def _unit(found: "GridProfile") -> str:
    return found.profile.unit.replace("/Angstrom", "_per_A")


def _draw(found: "GridProfile") -> "Figure":
    from qddft.report.profile_figure import profile_figure

    return profile_figure(found)


def _print(found: "GridProfile") -> None:
    say(f"{found.grid.atoms.get_chemical_formula(mode='hill')}: {found.grid.name or found.grid.quantity}")
    for result in found.results():
        say(f"{result.quantity}: {result.value:+.5f} {result.unit}  ({result.convention.partition(': ')[2]})")
