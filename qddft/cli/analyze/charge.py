"""``qddft analyze charge``: charge density differences."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from qddft.cli.analyze.options import AllowDifferences, AsJson, Csv, Curves, Database, FigureFile, Wanted, deliver
from qddft.cli.console import say
from qddft.cli.verb import add

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from pandas import DataFrame

    from qddft.analysis.charge import ChargeDifference


def register(group: typer.Typer) -> None:
    """Add the analysis."""
    examples = (
        "qddft analyze charge --complex runs/complex --slab runs/slab-at-ads --ligand runs/ligand-at-ads",
        "qddft analyze charge --complex A/CHGCAR --slab B/CHGCAR --ligand C/CHGCAR -o delta.cube --figure delta.pdf",
    )
    add(group, "charge", charge, examples=examples)


def charge(
    complex_: Annotated[Path, typer.Option("--complex", help="Folder with CHGCAR, or CHGCAR or cube file.")],
    slab: Annotated[Path, typer.Option(help="The slab alone, at the geometry of the complex.")],
    ligand: Annotated[Path, typer.Option(help="All ligands alone, at the geometry of the complex.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write the difference: .cube, .xsf, or CHGCAR.")
    ] = None,
    page: Annotated[Path | None, typer.Option(help="Write an HTML page to turn the surfaces.")] = None,
    level: Annotated[float | None, typer.Option(help="Value on the surfaces, e/Angstrom^3.")] = None,
    colors: Annotated[str, typer.Option(help="papers (yellow and blue) or safe.")] = "papers",
    average: Annotated[float | None, typer.Option(help="Window of a macroscopic average, Angstrom.")] = None,
    curves: Curves = None,
    figure: FigureFile = None,
    csv: Csv = None,
    database: Database = None,
    allow_differences: AllowDifferences = False,
    as_json: AsJson = False,
) -> None:
    """Charge density difference of a complex: where electrons gathered, and what the ligand gained."""
    from qddft.recipes.charge_difference import charge_difference, charge_results

    wanted = Wanted(as_json, csv, database, figure, (curves, output, page))
    found = charge_difference(complex_, slab, ligand, allow_differences=allow_differences)
    if output is not None:
        from qddft.outputs.grid_write import write_grid

        write_grid(found.grid, output)
    if curves is not None:
        _curves(found, average).to_csv(curves, index=False, float_format="%.8g")
    if page is not None:
        from qddft.core.files import write_text
        from qddft.report.charge_page import charge_page

        write_text(page, charge_page(found, level=level, scheme=colors))
    deliver(
        charge_results(found),
        wanted,
        tell=lambda: _print(found),
        draw=lambda: _draw(found, level, colors, average),
    )


def _curves(found: "ChargeDifference", average: float | None) -> "DataFrame":
    import pandas as pd

    columns = {
        "height_A": found.profile.heights,
        "difference_e_per_A": found.profile.values,
        "gathered_up_to_height_e": found.transferred,
    }
    if average is not None:
        from qddft.analysis.profile import macroscopic_average

        columns["macroscopic_average_e_per_A"] = macroscopic_average(found.profile, average).values
    return pd.DataFrame(columns)


def _draw(found: "ChargeDifference", level: float | None, colors: str, average: float | None) -> "dict[str, Figure]":
    """Return the profile, and the surfaces where scikit-image is there."""
    from qddft.report.charge_figure import charge_profile_figure, isosurface_figure

    return {
        "profile": charge_profile_figure(found, scheme=colors, window=average),
        "surface": isosurface_figure(found, level=level, scheme=colors),
    }


def _print(found: "ChargeDifference") -> None:
    whole, slab, ligand = found.electrons
    say(f"{found.grid.atoms.get_chemical_formula(mode='hill')}: rho(complex) - rho(slab) - rho(ligand)")
    say(f"electrons: {whole:.4f} - {slab:.4f} - {ligand:.4f} = {found.grid.integral:+.5f}")
    planes = " and ".join(f"{plane:.2f}" for plane in found.planes)
    say(f"gained by the ligand: {found.gained_by_ligand:+.4f} e beyond the plane at {planes} Å; positive = electrons")
    say(f"moved in all: {found.moved:.4f} e (half the integral of the absolute difference)")
