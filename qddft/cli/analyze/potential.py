"""``qddft analyze potential``: vacuum levels, work function, ionization potential, electron affinity."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from qddft.cli.analyze.options import AllowUnconverged, AsJson, Csv, Curves, Database, FigureFile, Wanted, deliver
from qddft.cli.console import say
from qddft.cli.verb import add

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from pandas import DataFrame

    from qddft.analysis.potential import SlabPotential


def register(group: typer.Typer) -> None:
    """Add the analysis."""
    examples = (
        "qddft analyze potential runs/slab",
        "qddft analyze potential runs/slab --average 6.0 --figure potential.pdf --curves potential.csv",
    )
    add(group, "potential", potential, examples=examples)


def potential(
    path: Annotated[
        Path, typer.Argument(metavar="PATH", help="Folder of a finished slab run with its LOCPOT, or that file.")
    ],
    locpot: Annotated[Path | None, typer.Option(help="The potential, where it is not the folder's LOCPOT.")] = None,
    average: Annotated[float | None, typer.Option(help="Window of a macroscopic average, Angstrom.")] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write the potential: .cube, .xsf, or LOCPOT.")
    ] = None,
    curves: Curves = None,
    figure: FigureFile = None,
    csv: Csv = None,
    database: Database = None,
    allow_unconverged: AllowUnconverged = False,
    as_json: AsJson = False,
) -> None:
    """Potential across a slab: vacuum levels on both sides, dipole step, work function, IP and EA.

    The vacuum level of a face counts as flat below 1 meV/Angstrom.
    """
    from qddft.recipes.work_function import potential_results, work_function

    wanted = Wanted(as_json, csv, database, figure, (curves, output))
    found = work_function(path, locpot=locpot, allow_unconverged=allow_unconverged)
    if output is not None:
        from qddft.outputs.grid_files import read_grid
        from qddft.outputs.grid_write import write_grid

        write_grid(read_grid(path if locpot is None else locpot, quantity="potential"), output)
    if curves is not None:
        _curves(found, average).to_csv(curves, index=False, float_format="%.8g")
    deliver(
        potential_results(found),
        wanted,
        tell=lambda: _print(found),
        draw=lambda: {"": _draw(found, average)},
    )


def _curves(found: "SlabPotential", average: float | None) -> "DataFrame":
    import pandas as pd

    columns = {"height_A": found.profile.heights, "potential_eV": found.profile.values}
    if average is not None:
        from qddft.analysis.profile import macroscopic_average

        columns["macroscopic_average_eV"] = macroscopic_average(found.profile, average).values
    return pd.DataFrame(columns)


def _draw(found: "SlabPotential", average: float | None) -> "Figure":
    from qddft.report.potential_figure import potential_figure

    return potential_figure(found, window=average)


def _print(found: "SlabPotential") -> None:
    for name, level in (("below", found.lower), ("above", found.upper)):
        kind = "flat" if level.flat else "NOT flat"
        say(f"vacuum level {name} the slab: {level.value:.4f} eV, {kind} ({1000 * level.slope:.2f} meV/Å)")
    say(f"dipole step (above - below): {found.dipole_step:+.4f} eV")
    for name, pair in (
        ("work function", found.work_function),
        ("ionization potential", found.ionization_potential),
        ("electron affinity", found.electron_affinity),
    ):
        if pair[0] is not None and pair[1] is not None:
            say(f"{name}: {pair[0]:.4f} eV below, {pair[1]:.4f} eV above")
