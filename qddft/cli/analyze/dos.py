"""``qddft analyze dos``: density of states, gap, states in the gap, overlap and alignment."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from qddft.cli.analyze.options import AllowUnconverged, AsJson, Csv, Curves, Database, FigureFile, Wanted, deliver
from qddft.cli.console import say
from qddft.cli.verb import add
from qddft.core.errors import OutputError

if TYPE_CHECKING:
    from ase import Atoms
    from matplotlib.figure import Figure

    from qddft.recipes.electronic_structure import ElectronicStructure

Window = Annotated[
    tuple[float, float] | None, typer.Option(help="Overlap of dot and ligand between two energies, relative to --zero.")
]
Shown = Annotated[tuple[float, float] | None, typer.Option(help="Energies in the figure, relative to --zero.")]
Edges = Annotated[
    tuple[float, float] | None,
    typer.Option(help="VBM and CBM of the pristine slab on this run's energy scale, for states in the gap."),
]


def register(group: typer.Typer) -> None:
    """Add the analysis."""
    examples = (
        "qddft analyze dos runs/complex",
        "qddft analyze dos runs/complex --window -5 -3 --zero vbm --figure dos.pdf --curves dos.csv",
    )
    add(group, "dos", dos, examples=examples)


def dos(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="Folder of a finished run, or its result file.")],
    zero: Annotated[
        str,
        typer.Option(help="vbm, fermi, vacuum, core, an energy on the run's own scale, or auto: vbm, fermi in metals."),
    ] = "auto",
    broadening: Annotated[str, typer.Option(help="auto, gaussian, tetrahedron, or 'as computed'.")] = "auto",
    sigma: Annotated[float, typer.Option(help="Width of the Gaussians, eV.")] = 0.05,
    window: Window = None,
    edges: Edges = None,
    delta: Annotated[float, typer.Option(help="Distance of states in the gap from both edges, eV.")] = 0.10,
    labels: Annotated[Path | None, typer.Option(help="Structure file of the same atoms that tells fragments.")] = None,
    show: Shown = None,
    curves: Curves = None,
    figure: FigureFile = None,
    csv: Csv = None,
    database: Database = None,
    allow_unconverged: AllowUnconverged = False,
    as_json: AsJson = False,
) -> None:
    """Density of states by element, orbital, fragment and layer, with gap, states in the gap, overlap and alignment."""
    from qddft.analysis.midgap import Criterion
    from qddft.recipes.density_of_states import read_tables
    from qddft.recipes.electronic_structure import electronic_structure

    wanted = Wanted(as_json, csv, database, figure, (curves,))
    tables = read_tables(
        path, labels=None if labels is None else _structure(labels), allow_unconverged=allow_unconverged
    )
    found = electronic_structure(
        tables,
        zero=zero_of(zero),
        broadening=broadening,
        sigma=sigma,
        window=window,
        edges=edges,
        criterion=Criterion(delta=delta),
    )
    if curves is not None:
        from qddft.report.dos_table import dos_table

        dos_table(found.dos).to_csv(curves, index=False, float_format="%.6g")
    deliver(found.results(), wanted, tell=lambda: _print(found), draw=lambda: {"": _draw(found, show)})


def _draw(found: "ElectronicStructure", show: tuple[float, float] | None) -> "Figure":
    from qddft.report.dos_figure import dos_figure

    return dos_figure(found.dos, window=show, gap_states=found.gap_states, overlap=found.overlap)


def zero_of(text: str) -> str | float:
    """Return a number where the user typed one."""
    try:
        return float(text)
    except ValueError:
        return text


def _structure(path: Path) -> "Atoms":
    """Read labels: the outputs of qddft, or any structure file that keeps the array ``fragment`` (.extxyz)."""
    from ase.io import read
    from ase.io.formats import UnknownFileTypeError

    from qddft.engines.vasp.read import read_outputs

    if path.is_dir() or path.name == "outputs.json":
        return read_outputs(path).atoms
    try:
        atoms: Atoms = read(path)
    except (OSError, ValueError, IndexError, KeyError, UnknownFileTypeError) as error:
        raise OutputError(f"{path} cannot be read as a structure: {error or type(error).__name__}") from error
    if "fragment" not in atoms.arrays:
        raise OutputError(f"{path} labels no atoms: it needs a column 'fragment' (qddft build complex -o FILE.extxyz)")
    return atoms


def _print(found: "ElectronicStructure") -> None:
    from qddft.report.dos_table import dos_lines

    for line in dos_lines(found):
        say(line)
