"""``qddft collect``: results of a run as files."""

from pathlib import Path
from typing import Annotated

import typer

from qddft.cli.console import place, print_json, say, show
from qddft.cli.status import RunPath
from qddft.cli.verb import add

EXAMPLES = (
    "qddft collect run-demo",
    "qddft collect run-demo --json",
    "qddft collect run-demo --db postgresql://me@host/results",
)


def register(app: typer.Typer) -> None:
    """Add the verb."""
    add(app, "collect", collect, examples=EXAMPLES)


def collect(
    run: RunPath,
    database: Annotated[
        str | None, typer.Option("--db", help="Further ASE database: FILE.db or postgresql://USER@HOST/NAME.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The records of results.json on stdout.")] = False,
) -> None:
    """Evaluate what is done and write RUN/results.json, results.csv and results.db (an ase.db file).

    Jobs that are not done are named in the warnings of the results that need them; collect again when they are.
    """
    from qddft.recipes.export import check_target
    from qddft.study.collect import DATABASE
    from qddft.study.collect import collect as gather

    if database is not None:
        check_target(database)
    gather(run, database=database)
    records = read_records(run)
    if as_json:
        print_json(records)
        return
    show_results(records)
    say("\nfiles: " + ", ".join(place(path) for path in result_files(run)))
    if database is not None:
        say(f"the rows of {DATABASE} are in {database.rpartition('@')[2]} too")


def result_files(run: Path) -> list[Path]:
    """Return the files that ``collect`` has written."""
    from qddft.study.collect import CSV, DATABASE, JSON, SERIES

    return [run / name for name in (JSON, CSV, DATABASE, SERIES) if (run / name).exists()]


def read_records(run: Path) -> list[dict[str, object]]:
    """Return the records that were just collected."""
    import json

    from qddft.study.collect import JSON

    records: list[dict[str, object]] = json.loads((run / JSON).read_text(encoding="utf-8"))
    return records


def show_results(records: list[dict[str, object]]) -> None:
    """Print the results, beside the published values where there are any, and every warning once."""
    from qddft.report.compare import compare, order_sentence
    from qddft.report.convergence_table import only_series, series_table, without_series
    from qddft.report.quantities import by_quantity
    from qddft.report.result_tables import short_table

    for title in dict.fromkeys(f"{item['system']}; {item['engine']}, level {item['level']}" for item in records):
        say(title)
    for group in by_quantity(without_series(records)).values():
        say()
        show(short_table(group))
        if order := order_sentence(compare(group)):
            say(order)
    for series in only_series(records):
        say()
        show(series_table(series))
    warnings = dict.fromkeys(text for record in records for text in _warnings(record))
    if warnings:
        say("\nwarnings:")
        for text in warnings:
            say(f"  {text}")


def _warnings(record: dict[str, object]) -> list[str]:
    texts, details = record["warnings"], record["details"]
    # the verdict of a series stands below its table
    said = details.get("verdict") if isinstance(details, dict) else None
    return [str(text) for text in texts if text != said] if isinstance(texts, list) else []
