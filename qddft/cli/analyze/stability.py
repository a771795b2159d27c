"""``qddft analyze stability``: chemical potentials at which a compound exists, from it and its competing phases."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from qddft.cli.analyze.options import (
    AllowDifferences,
    AllowUnconverged,
    AsJson,
    Csv,
    Database,
    FigureFile,
    Wanted,
    deliver,
)
from qddft.cli.analyze.vacancy_words import folders
from qddft.cli.console import say
from qddft.cli.verb import add

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from qddft.recipes.competing_phases import CompetingPhases


def register(group: typer.Typer) -> None:
    """Add the analysis."""
    examples = (
        "qddft analyze stability CsPbI3 cspbi3/ cs/ pb/ i2/ csi/ pbi2/ --figure stability.pdf",
        "qddft analyze stability CsPbI3 phases/ --json          one folder with a calculation in each of its folders",
    )
    add(group, "stability", stability, examples=examples)


def stability(
    target: Annotated[str, typer.Argument(metavar="FORMULA", help="The compound.")],
    phases: Annotated[
        list[Path],
        typer.Argument(metavar="PHASE...", help="Folders of the compound, its elements and competing phases."),
    ],
    figure: FigureFile = None,
    csv: Csv = None,
    database: Database = None,
    allow_unconverged: AllowUnconverged = False,
    allow_differences: AllowDifferences = False,
    as_json: AsJson = False,
) -> None:
    """Region of stability of a compound, its corners, and named limits of the chemical potentials.

    Where there is no stable region that is said, and the edges are given.
    """
    from qddft.recipes.competing_phases import competing_phases
    from qddft.recipes.stability_results import stability_results

    wanted = Wanted(as_json, csv, database, figure)
    found = competing_phases(
        target,
        [item for path in phases for item in folders(path)],
        allow_unconverged=allow_unconverged,
        allow_differences=allow_differences,
    )
    deliver(stability_results(found), wanted, tell=lambda: _print(found), draw=lambda: {"": _draw(found)})


def _draw(found: "CompetingPhases") -> "Figure":
    from qddft.report.stability_figure import stability_figure

    return stability_figure(found.region)


def _print(found: "CompetingPhases") -> None:
    from qddft.analysis.limits import limit_names, named_limit

    region = found.region
    say(region.text)
    say(f"formation energy {region.formation_energy:.4f} eV per formula unit")
    for element, energy in region.references.items():
        say(f"  zero of {element}: {energy:.6f} eV per atom")
    for phases, row in zip(region.corner_phases, region.corners, strict=False):
        shown = ", ".join(f"{name} {value:+.4f}" for name, value in zip(region.elements, row, strict=True))
        say(f"corner with {' + '.join(phases)}: {shown} eV")
    for edge in region.edges if not region.stable else ():
        for row in edge.corners:
            shown = ", ".join(f"{name} {value:+.4f}" for name, value in zip(region.elements, row, strict=True))
            say(f"edge to {edge.phase}: {shown} eV")
    for name in limit_names(region):
        ranges = named_limit(region, name).ranges()
        say(f"{name}: " + ", ".join(f"{element} {_span(*ends)}" for element, ends in ranges.items()) + " eV")


def _span(low: float, high: float) -> str:
    return f"{low:+.4f}" if high - low < 1e-4 else f"{low:+.4f} to {high:+.4f}"
