"""What every analysis can do with its results: print them, JSON, CSV, a database, a figure; one set of options."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

from qddft.cli.console import note, place, print_json, say
from qddft.cli.main import NO
from qddft.core.errors import OutputError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from qddft.recipes.result import Result

AsJson: TypeAlias = Annotated[bool, typer.Option("--json", help="The results as JSON on stdout, nothing else there.")]
Csv: TypeAlias = Annotated[Path | None, typer.Option("--csv", help="Write the results to this file, one row each.")]
Database: TypeAlias = Annotated[
    str | None,
    typer.Option("--db", help="Write the results to an ase.db: FILE.db, FILE.json or postgresql://USER@HOST/NAME."),
]
FigureFile: TypeAlias = Annotated[
    Path | None, typer.Option("--figure", help="Write the figure: .pdf, .svg or .png; without ending .png and .svg.")
]
Curves: TypeAlias = Annotated[Path | None, typer.Option("--curves", help="Write the curves to this file, as CSV.")]
AllowUnconverged: TypeAlias = Annotated[
    bool, typer.Option("--allow-unconverged", help="Give a marked number from calculations that did not converge.")
]
AllowDifferences: TypeAlias = Annotated[
    bool, typer.Option("--allow-differences", help="Give a marked number where settings differ.")
]


@dataclass(frozen=True)
class Wanted:
    """Where the results go; what cannot be written there is refused before anything is computed.

    Attributes
    ----------
    as_json
        On stdout.
    csv, figure
        Files.
    database
        File or URL.
    others
        Further files of the verb, such as curves.
    """

    as_json: bool = False
    csv: Path | None = None
    database: str | None = None
    figure: Path | None = None
    others: tuple[Path | None, ...] = ()

    def __post_init__(self) -> None:
        for path in (self.csv, *self.others):
            if path is not None and not path.parent.is_dir():
                raise OutputError(f"the folder {path.parent} does not exist; make it first")
        if self.figure is not None:
            from qddft.report.style import check_figure_path

            check_figure_path(self.figure)
        if self.database is not None:
            from qddft.recipes.export import check_target

            check_target(self.database)


def deliver(
    results: "Sequence[Result]",
    wanted: Wanted,
    *,
    tell: Callable[[], None],
    draw: "Callable[[], Mapping[str, Figure]]",
    single: bool = False,
) -> None:
    """Write, draw and print results; leave with exit code 1 where a number is not given.

    Parameters
    ----------
    results
        Of the analysis.
    wanted
        Where they go.
    tell
        Prints them for people, without the warnings.
    draw
        Gives the figures by what is added to the name of the file; ``""`` for the only one.
    single
        The analysis always gives one result: its JSON is an object, not a list of one.
    """
    files = [*_written(results, wanted), *(path for path in wanted.others if path is not None)]
    given = all(result.value is not None for result in results)
    if wanted.figure is not None and given:
        from qddft.report.style import write_figure

        for name, figure in draw().items():
            files += write_figure(figure, _named(wanted.figure, name))
    elif wanted.figure is not None:
        note("warning: no figure is drawn of numbers that are not given")
    if wanted.as_json:
        records: list[dict[str, Any]] = [result.record() for result in results]
        print_json(records[0] if single else records)
    else:
        tell()
        for text in dict.fromkeys(text for result in results for text in result.warnings):
            note(f"warning: {text}")
        if files:
            say("\nfiles: " + ", ".join(place(file) for file in files))
        if wanted.database is not None:
            say(f"\n{len(results)} rows in {wanted.database.rpartition('@')[2]}")
    if not given:
        raise typer.Exit(NO)


def _written(results: "Sequence[Result]", wanted: Wanted) -> list[Path]:
    if wanted.database is not None:
        from qddft.recipes.export import write_results

        write_results(results, wanted.database)
    if wanted.csv is None:
        return []
    from qddft.recipes.export import write_table

    write_table(results, wanted.csv)
    return [wanted.csv]


def _named(path: Path, name: str) -> Path:
    return path.with_name(f"{path.stem}-{name}{path.suffix}") if name else path
