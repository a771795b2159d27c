"""``qddft analyze spin``: spin density, its integral and where it is."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from qddft.cli.analyze.options import AllowUnconverged, AsJson, Csv, Curves, Database, FigureFile, Wanted, deliver
from qddft.cli.console import say
from qddft.cli.verb import add

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from qddft.recipes.spin_density import SpinDensity


def register(group: typer.Typer) -> None:
    """Add the analysis."""
    examples = (
        "qddft analyze spin runs/v_I",
        "qddft analyze spin runs/v_I/CHGCAR -o spin.cube --figure spin.pdf --curves spin.csv",
    )
    add(group, "spin", spin, examples=examples)


def spin(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="Folder with a CHGCAR, or the file itself.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write the spin density: .cube, .xsf, or CHGCAR.")
    ] = None,
    level: Annotated[float | None, typer.Option(help="Value on the surfaces, e/Angstrom^3.")] = None,
    colors: Annotated[str, typer.Option(help="papers (yellow and blue) or safe.")] = "papers",
    average: Annotated[float | None, typer.Option(help="Window of a macroscopic average, Angstrom.")] = None,
    curves: Curves = None,
    figure: FigureFile = None,
    csv: Csv = None,
    database: Database = None,
    allow_unconverged: AllowUnconverged = False,
    as_json: AsJson = False,
) -> None:
    """Spin density rho(up) - rho(down): integral, planar average, surfaces.

    The integral is compared with the magnetization that the run reports.
    """
    from qddft.recipes.spin_density import spin_density

    wanted = Wanted(as_json, csv, database, figure, (curves, output))
    found = spin_density(path, allow_unconverged=allow_unconverged)
    if output is not None:
        from qddft.outputs.grid_write import write_grid

        write_grid(found.grid, output)
    if curves is not None:
        _curves(found, curves, average)
    deliver(
        found.results(),
        wanted,
        tell=lambda: _print(found),
        draw=lambda: _draw(found, level, colors, average),
    )


def _curves(found: "SpinDensity", path: Path, average: float | None) -> None:
    import pandas as pd

    columns = {"height_A": found.profile.heights, "spin_muB_per_A": found.profile.values}
    if average is not None:
        from qddft.analysis.profile import macroscopic_average

        columns["macroscopic_average_muB_per_A"] = macroscopic_average(found.profile, average).values
    pd.DataFrame(columns).to_csv(path, index=False, float_format="%.8g")


def _draw(found: "SpinDensity", level: float | None, colors: str, average: float | None) -> "dict[str, Figure]":
    from qddft.report.charge_figure import isosurface_figure
    from qddft.report.spin_figure import spin_figure

    return {
        "profile": spin_figure(found, window=average),
        "surface": isosurface_figure(found, level=level, scheme=colors),
    }


def _print(found: "SpinDensity") -> None:
    say(f"{found.grid.atoms.get_chemical_formula(mode='hill')}: rho(up) - rho(down), {found.level}")
    run = "not reported" if found.run_moment is None else f"{found.run_moment:+.4f}"
    say(f"integral: {found.moment:+.4f} Bohr magnetons; the run: {run}")
    say(f"unpaired in all: {found.unpaired:.4f} (integral of the absolute value)")
