"""``qddft analyze potential``: vacuum levels, work function, ionization potential, electron affinity."""

from pathlib import Path
from typing import Annotated

import typer

from qddft.cli.console import place, print_json, say
from qddft.cli.verb import add
from qddft.core.errors import OutputError


def register(group: typer.Typer) -> None:
    """Add the analysis."""
    examples = (
        "qddft analyze potential runs/slab",
        "qddft analyze potential runs/slab --average 6.0 --figure potential --csv potential.csv",
    )
    add(group, "potential", potential, examples=examples)


def potential(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="Folder of a finished slab run with its LOCPOT.")],
    locpot: Annotated[Path | None, typer.Option(help="The potential, where it is not the folder's LOCPOT.")] = None,
    average: Annotated[float | None, typer.Option(help="Window of a macroscopic average, Angstrom.")] = None,
    figure: Annotated[Path | None, typer.Option(help="Write FIGURE.png and FIGURE.svg.")] = None,
    csv: Annotated[Path | None, typer.Option(help="Write height and planar average.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Results as JSON on stdout.")] = False,
) -> None:
    """Potential across a slab: vacuum levels on both sides, dipole step, work function, IP and EA.

    The vacuum level of a face counts as flat below 1 meV/Angstrom.
    """
    from qddft.recipes.work_function import potential_results, work_function

    for file in (figure, csv):
        if file is not None and not file.parent.is_dir():
            raise OutputError(f"the folder {file.parent} does not exist; make it first")
    found = work_function(path, locpot=locpot)
    files: list[Path] = []
    if figure is not None:
        from qddft.report.potential_figure import potential_figure
        from qddft.report.style import save_figure

        files += save_figure(potential_figure(found, window=average), figure.parent, figure.name)
    if csv is not None:
        import pandas as pd

        columns = {"height_A": found.profile.heights, "potential_eV": found.profile.values}
        pd.DataFrame(columns).to_csv(csv, index=False, float_format="%.8g")
        files.append(csv)
    if as_json:
        print_json([result.record() for result in potential_results(found)])
        return
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
    for text in found.warnings:
        say(f"warning: {text}")
    if files:
        say("\nfiles: " + ", ".join(place(file) for file in files))
