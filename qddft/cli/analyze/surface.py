"""``qddft analyze surface``: surface energies of slabs."""

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
from qddft.cli.console import say
from qddft.cli.verb import add
from qddft.core.errors import ReferenceSchemeError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.figure import Figure

    from qddft.recipes.result import Result
    from qddft.recipes.surface_of_folders import SurfaceEnergies


def register(group: typer.Typer) -> None:
    """Add the analysis."""
    examples = (
        "qddft analyze surface slab-pbx2/ slab-csx/ --bulk bulk/ --bx2 pbbr2/ --ax csbr/ --figure surface.pdf",
        "qddft analyze surface slab/ --bulk bulk/               a slab with the composition of its crystal",
        "qddft analyze surface slab-5/ slab-7/ slab-9/          thicknesses of one composition: linear fit",
    )
    add(group, "surface", surface, examples=examples)


def surface(
    slabs: Annotated[list[Path], typer.Argument(metavar="SLAB...", help="Folders of slabs.")],
    bulk: Annotated[Path | None, typer.Option(help="Folder of the crystal.")] = None,
    bx2: Annotated[Path | None, typer.Option(help="Folder of solid BX2, one limit of the chemical potential.")] = None,
    ax: Annotated[Path | None, typer.Option(help="Folder of solid AX, the other limit.")] = None,
    figure: FigureFile = None,
    csv: Csv = None,
    database: Database = None,
    allow_unconverged: AllowUnconverged = False,
    allow_differences: AllowDifferences = False,
    as_json: AsJson = False,
) -> None:
    """Compute surface energies: against the chemical potential, against bulk, or from several thicknesses.

    Slabs of ABX3 with an excess layer need --bulk and --bx2; slabs with the composition of their crystal --bulk.
    """
    from qddft.recipes.surface_of_folders import surface_energies, thickness_series

    wanted = Wanted(as_json, csv, database, figure)
    allowed = {"allow_unconverged": allow_unconverged, "allow_differences": allow_differences}
    if bulk is None and bx2 is None and ax is None:
        series = thickness_series(slabs, **allowed)
        deliver([series], wanted, tell=lambda: _print(series), draw=lambda: {"": _fit(series)})
        return
    if bulk is not None and bx2 is None and ax is None:
        from qddft.recipes.stoichiometric_surface import stoichiometric_surfaces

        plain = stoichiometric_surfaces(slabs, bulk, **allowed)
        deliver(plain, wanted, tell=lambda: _print_each(plain), draw=lambda: {"": _bars(plain, slabs)})
        return
    if bulk is None or bx2 is None:
        raise ReferenceSchemeError("surface energies against the chemical potential need both --bulk and --bx2")
    found = surface_energies(slabs, bulk, bx2, ax, **allowed)
    deliver(found.results, wanted, tell=lambda: _print_all(found), draw=lambda: {"": _draw(found)})


def _fit(series: "Result") -> "Figure":
    from qddft.report.surface_figure import thickness_figure

    return thickness_figure(series.details)


def _draw(found: "SurfaceEnergies") -> "Figure":
    from qddft.report.surface_figure import surface_figure

    salt = next((line.termination for line in found.lines if line.termination.endswith("2")), "BX2")
    return surface_figure(found.lines, found.window, salt)


def _bars(results: "Sequence[Result]", slabs: list[Path]) -> "Figure":
    from qddft.report.energy_figure import energy_bars

    return energy_bars(results, [path.name for path in slabs])


def _print_each(results: "Sequence[Result]") -> None:
    for result in results:
        _print(result)


def _print_all(found: "SurfaceEnergies") -> None:
    for result in found.results:
        _print(result)
    for pair, total in found.sums.items():
        say(f"sum of {pair}: {1000 * total:.3f} meV/Å² at every chemical potential")


def _print(result: "Result") -> None:
    say(f"{result.system}: {result.reference} ({result.engine}, {result.level})")
    if result.value is None:
        say("  not given, see the warnings")
        return
    joule = result.details["J_per_m2"]
    if isinstance(joule, float):
        say(f"  {result.value:.3f} meV/Å², {joule:.5f} J/m²")
    if "bulk_energy_per_atom_eV" in result.details:
        say(f"  bulk {result.details['bulk_energy_per_atom_eV']:.6f} eV/atom from the slope")
    elif not isinstance(joule, float):
        for end, value in result.details["meV_per_A2"].items():
            delta = result.details["delta_mu_BX2_eV"][end]
            say(f"  {end}: {value:.3f} meV/Å², {joule[end]:.5f} J/m² (Δμ(BX2) = {delta:+.3f} eV)")
    say(f"  {result.convention}")
