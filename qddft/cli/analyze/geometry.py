"""``qddft analyze geometry``: bonds, tilts, octahedra, layers, diffraction."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from qddft.cli.analyze.options import AsJson, Csv, Database, FigureFile, Wanted, deliver
from qddft.cli.console import say, show
from qddft.cli.verb import add
from qddft.core.errors import OutputError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from qddft.recipes.geometry_of_folders import GeometryReport

# as many lines of a pattern as fit a screen
_LINES = 20


def register(group: typer.Typer) -> None:
    """Add the analysis."""
    examples = (
        "qddft analyze geometry complex/ --before slab/ --figure shape",
        "qddft analyze geometry CsPbBr3.cif --xrd --peaks 15.2 --peaks 21.6 --figure pattern",
    )
    add(group, "geometry", geometry, examples=examples)


def geometry(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="Folder of a finished run, or a structure file.")],
    before: Annotated[Path | None, typer.Option(help="What to compare with, such as the clean slab.")] = None,
    xrd: Annotated[bool, typer.Option("--xrd", help="Powder pattern too.")] = False,
    wavelength: Annotated[float, typer.Option(help="Of the pattern, Å.")] = 1.5418,
    peaks: Annotated[
        list[float] | None, typer.Option(help="Printed peak, degrees 2θ, to lie beside; repeat it.")
    ] = None,
    figure: FigureFile = None,
    csv: Csv = None,
    database: Database = None,
    as_json: AsJson = False,
) -> None:
    """Measure Pb-X bonds, Pb-X-Pb angles, octahedra and layers, and what a ligand changed."""
    from qddft.recipes.geometry_of_folders import geometry as report_of

    if not wavelength > 0:
        raise OutputError(f"the wavelength has to be positive, not {wavelength:g}")
    wanted = Wanted(as_json, csv, database, figure)
    found = report_of(path, before=before, xrd=xrd, wavelength=wavelength)
    printed = peaks or []
    deliver(
        found.results(printed=printed),
        wanted,
        tell=lambda: _print(found, printed, wavelength),
        draw=lambda: _draw(found, printed),
    )


def _draw(found: "GeometryReport", printed: list[float]) -> "dict[str, Figure]":
    """Return the pattern where one was asked for, else bonds and tilts."""
    from qddft.report.geometry_figure import geometry_figure, pattern_figure

    if found.peaks:
        return {"": pattern_figure(found.peaks, printed)}
    return {"": geometry_figure(found.geometry, found.before)}


def _print(found: "GeometryReport", printed: list[float], wavelength: float) -> None:
    from qddft.report.tables import number, table_of

    say(f"{found.system}: {len(found.geometry.bonds)} Pb-X bonds, {found.geometry.incomplete} Pb without six of them")
    summary = found.geometry.summary()
    columns = {"quantity": list(summary)}
    if found.before is not None:
        columns["before"] = [number(item.before, 3, signed=False) for item in found.differences]
        columns["after"] = [number(item.after, 3, signed=False) for item in found.differences]
        columns["difference"] = [number(item.difference, 3) for item in found.differences]
    else:
        columns["value"] = [number(value, 3, signed=False) for value in summary.values()]
    show(table_of(columns))
    if len(found.geometry.spacings):
        say("layer spacings from the bottom (Å): " + " ".join(f"{value:.3f}" for value in found.geometry.spacings))
    for peak in found.peaks[:_LINES]:
        families = " ".join("(" + "".join(str(i) for i in indices) + ")" for indices in peak.indices)
        say(f"  2θ {peak.two_theta:7.3f}°  d {peak.spacing:.4f} Å  {peak.intensity:5.1f}  {families}")
    if found.peaks:
        from qddft.analysis.diffraction import bragg_spacing

        for angle in printed:
            nearest = min(found.peaks, key=lambda item: abs(item.two_theta - angle))
            d = bragg_spacing(angle, wavelength)
            say(f"  printed {angle:.3f}° (d {d:.4f} Å): nearest line {nearest.two_theta - angle:+.3f}° away")
