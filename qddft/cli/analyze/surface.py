"""``qddft analyze surface``: surface energies of slabs."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from qddft.cli.console import note, place, print_json, say
from qddft.cli.verb import add
from qddft.core.errors import OutputError, ReferenceSchemeError

if TYPE_CHECKING:
    from qddft.recipes.result import Result
    from qddft.recipes.surface_of_folders import SurfaceEnergies


def register(group: typer.Typer) -> None:
    """Add the analysis."""
    examples = (
        "qddft analyze surface slab-pbx2/ slab-csx/ --bulk bulk/ --bx2 pbbr2/ --ax csbr/ --figure surface",
        "qddft analyze surface slab-5/ slab-7/ slab-9/          thicknesses of one composition: linear fit",
    )
    add(group, "surface", surface, examples=examples)


def surface(
    slabs: Annotated[list[Path], typer.Argument(metavar="SLAB...", help="Folders of slabs.")],
    bulk: Annotated[Path | None, typer.Option(help="Folder of the ABX3 crystal.")] = None,
    bx2: Annotated[Path | None, typer.Option(help="Folder of solid BX2, one limit of the chemical potential.")] = None,
    ax: Annotated[Path | None, typer.Option(help="Folder of solid AX, the other limit.")] = None,
    figure: Annotated[Path | None, typer.Option(help="Write FIGURE.png and .svg.")] = None,
    allow_unconverged: Annotated[bool, typer.Option(help="Give marked numbers all the same.")] = False,
    allow_differences: Annotated[bool, typer.Option(help="Give marked numbers all the same.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Results as JSON on stdout.")] = False,
) -> None:
    """Compute surface energies: against the chemical potential with --bulk and --bx2, else from several thicknesses."""
    from qddft.recipes.surface_of_folders import surface_energies, thickness_series

    allowed = {"allow_unconverged": allow_unconverged, "allow_differences": allow_differences}
    files: list[Path] = []
    if bulk is None and bx2 is None and ax is None:
        if figure is not None:
            raise ReferenceSchemeError("the figure shows the chemical potential: give --bulk and --bx2")
        results: tuple[Result, ...] = (thickness_series(slabs, **allowed),)
    elif bulk is None or bx2 is None:
        raise ReferenceSchemeError("surface energies against the chemical potential need both --bulk and --bx2")
    else:
        found = surface_energies(slabs, bulk, bx2, ax, **allowed)
        results = found.results
        files = _draw(found, figure)
    if as_json:
        print_json([result.record() for result in results])
        return
    for result in results:
        _print(result)
    for text in dict.fromkeys(text for result in results for text in result.warnings):
        note(f"warning: {text}")
    if files:
        say("\nfiles: " + ", ".join(place(file) for file in files))


def _draw(found: "SurfaceEnergies", figure: Path | None) -> list[Path]:
    if figure is None:
        return []
    if not figure.parent.is_dir():
        raise OutputError(f"the folder {figure.parent} does not exist; make it first")
    if any(result.value is None for result in found.results):
        raise ReferenceSchemeError(f"no figure of energies that cannot be trusted: {found.results[0].warnings[0]}")
    from qddft.report.style import save_figure
    from qddft.report.surface_figure import surface_figure

    salt = next((line.termination for line in found.lines if line.termination.endswith("2")), "BX2")
    return save_figure(surface_figure(found.lines, found.window, salt), figure.parent, figure.name)


def _print(result: "Result") -> None:
    say(f"{result.system}: {result.reference} ({result.engine}, {result.level})")
    if result.value is None:
        say("  not given, see the warnings")
        return
    joule = result.details["J_per_m2"]
    if isinstance(joule, float):
        say(f"  {result.value:.3f} meV/Å², {joule:.5f} J/m²")
        say(f"  bulk {result.details['bulk_energy_per_atom_eV']:.6f} eV/atom from the slope")
    else:
        for end, value in result.details["meV_per_A2"].items():
            delta = result.details["delta_mu_BX2_eV"][end]
            say(f"  {end}: {value:.3f} meV/Å², {joule[end]:.5f} J/m² (Δμ(BX2) = {delta:+.3f} eV)")
    say(f"  {result.convention}")
