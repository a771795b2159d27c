"""``qddft analyze exchange``: energy of replacing one ligand by another, from finished calculations."""

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
from qddft.cli.analyze.references import references_of
from qddft.cli.console import say
from qddft.cli.verb import add
from qddft.core.errors import ReferenceSchemeError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from qddft.recipes.result import Result


def register(group: typer.Typer) -> None:
    """Add the analysis."""
    examples = (
        "qddft analyze exchange --from slab_OA/ --to slab_L/ --coming L/ --leaving OA/",
        "qddft analyze exchange --from slab_OA_OAmH/ --to slab_NSA/ --coming NSAH/ --leaving OAH/ --also OAm/",
        "qddft analyze exchange --from site1/ --to site0/                 one ligand on two sites",
    )
    add(group, "exchange", exchange, examples=examples)


def exchange(
    before: Annotated[Path, typer.Option("--from", help="Folder or file of the slab with the ligand that leaves.")],
    after: Annotated[Path, typer.Option("--to", help="The same with the ligand that comes.")],
    coming: Annotated[str | None, typer.Option(metavar="DIR|FORMULA=EV", help="The free ligand that comes.")] = None,
    leaving: Annotated[str | None, typer.Option(metavar="DIR|FORMULA=EV", help="The free ligand that leaves.")] = None,
    also: Annotated[
        list[str] | None,
        typer.Option(metavar="DIR|FORMULA=EV", help="Every other species of the reaction; repeat it."),
    ] = None,
    n: Annotated[int | None, typer.Option("--n", help="Ligands exchanged, if they cannot be counted.")] = None,
    figure: FigureFile = None,
    csv: Csv = None,
    database: Database = None,
    allow_unconverged: AllowUnconverged = False,
    allow_differences: AllowDifferences = False,
    as_json: AsJson = False,
) -> None:
    """Compute the energy of exchanging ligands; negative = the new one stays.

    The reaction is worked out from the structures, balanced in elements and charge, and printed.
    """
    from qddft.recipes.exchange_of_folders import exchange_energy

    wanted = Wanted(as_json, csv, database, figure)
    if (coming is None) != (leaving is None) or (also and coming is None):
        raise ReferenceSchemeError("an exchange of ligands needs both --coming and --leaving; two sites need neither")
    words = [word for word in (coming, leaving, *(also or ())) if word is not None]
    result = exchange_energy(
        before,
        after,
        references_of(words, unfinished=allow_unconverged),
        n=n,
        allow_unconverged=allow_unconverged,
        allow_differences=allow_differences,
    )
    deliver([result], wanted, tell=lambda: _print(result), draw=lambda: {"": _draw(result)}, single=True)


def _draw(result: "Result") -> "Figure":
    from qddft.report.energy_figure import energy_bars

    return energy_bars([result])


def _print(result: "Result") -> None:
    value = "not given, see the warnings" if result.value is None else f"{result.value:+.4f} {result.unit}"
    say(f"{result.quantity}: {value}  ({result.reference})")
    say(f"  {result.convention}")
    say(f"  {result.reaction}")
    say(f"  {result.system}, {result.engine}, {result.level}")
