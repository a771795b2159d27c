"""``qddft analyze charge``: charge density differences."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from qddft.cli.console import place, print_json, say
from qddft.cli.verb import add
from qddft.core.errors import OutputError

if TYPE_CHECKING:
    from qddft.analysis.charge import ChargeDifference


def register(group: typer.Typer) -> None:
    """Add the analysis."""
    examples = (
        "qddft analyze charge --complex runs/complex --slab runs/slab-at-ads --ligand runs/ligand-at-ads",
        "qddft analyze charge --complex A/CHGCAR --slab B/CHGCAR --ligand C/CHGCAR -o delta.cube --figure delta",
    )
    add(group, "charge", charge, examples=examples)


def charge(
    complex_: Annotated[Path, typer.Option("--complex", help="Folder with CHGCAR, or CHGCAR or cube file.")],
    slab: Annotated[Path, typer.Option(help="The slab alone, at the geometry of the complex.")],
    ligand: Annotated[Path, typer.Option(help="All ligands alone, at the geometry of the complex.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write the difference: .cube, .xsf, or CHGCAR.")
    ] = None,
    figure: Annotated[Path | None, typer.Option(help="Write FIGURE-profile and FIGURE-surface, .png and .svg.")] = None,
    page: Annotated[Path | None, typer.Option(help="Write an HTML page to turn the surfaces.")] = None,
    level: Annotated[float | None, typer.Option(help="Value on the surfaces, e/Angstrom^3.")] = None,
    colors: Annotated[str, typer.Option(help="papers (yellow and blue) or safe.")] = "papers",
    csv: Annotated[Path | None, typer.Option(help="Write height, planar average and transfer.")] = None,
    allow_differences: Annotated[
        bool, typer.Option("--allow-differences", help="Subtract in spite of different settings.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Results as JSON on stdout.")] = False,
) -> None:
    """Charge density difference of a complex: where electrons gathered, and what the ligand gained."""
    from qddft.recipes.charge_difference import charge_difference, charge_results

    for path in (output, figure, page, csv):
        if path is not None and not path.parent.is_dir():
            raise OutputError(f"the folder {path.parent} does not exist; make it first")
    found = charge_difference(complex_, slab, ligand, allow_differences=allow_differences)
    files = _write(found, output, csv)
    if figure is not None:
        files += _draw(found, figure, level, colors)
    if page is not None:
        from qddft.core.files import write_text
        from qddft.report.charge_page import charge_page

        write_text(page, charge_page(found, level=level, scheme=colors))
        files.append(page)
    if as_json:
        print_json([result.record() for result in charge_results(found)])
        return
    _print(found)
    if files:
        say("\nfiles: " + ", ".join(place(file) for file in files))


def _write(found: "ChargeDifference", output: Path | None, csv: Path | None) -> list[Path]:
    files: list[Path] = []
    if output is not None:
        from qddft.outputs.grid_write import write_grid

        write_grid(found.grid, output)
        files.append(output)
    if csv is not None:
        import pandas as pd

        columns = {
            "height_A": found.profile.heights,
            "difference_e_per_A": found.profile.values,
            "gathered_up_to_height_e": found.transferred,
        }
        pd.DataFrame(columns).to_csv(csv, index=False, float_format="%.8g")
        files.append(csv)
    return files


def _draw(found: "ChargeDifference", figure: Path, level: float | None, colors: str) -> list[Path]:
    from qddft.report.charge_figure import charge_profile_figure, isosurface_figure
    from qddft.report.style import save_figure

    profile = save_figure(charge_profile_figure(found, scheme=colors), figure.parent, f"{figure.name}-profile")
    surface = isosurface_figure(found, level=level, scheme=colors)
    return [*profile, *save_figure(surface, figure.parent, f"{figure.name}-surface")]


def _print(found: "ChargeDifference") -> None:
    whole, slab, ligand = found.electrons
    say(f"{found.grid.atoms.get_chemical_formula(mode='hill')}: rho(complex) - rho(slab) - rho(ligand)")
    say(f"electrons: {whole:.4f} - {slab:.4f} - {ligand:.4f} = {found.grid.integral:+.5f}")
    planes = " and ".join(f"{plane:.2f}" for plane in found.planes)
    say(f"gained by the ligand: {found.gained_by_ligand:+.4f} e beyond the plane at {planes} Å; positive = electrons")
    say(f"moved in all: {found.moved:.4f} e (half the integral of the absolute difference)")
    for text in found.warnings:
        say(f"warning: {text}")
