"""``qddft run``: compute a study on this machine, and show what came out."""

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from qddft.cli.check import Engine
from qddft.cli.console import note, place, say, typed
from qddft.cli.main import NO
from qddft.cli.plan import LevelName
from qddft.cli.verb import add

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from qddft.study.execute import RunReport
    from qddft.study.pilots import Pilots


def register(app: typer.Typer) -> None:
    """Add the verb."""
    lines = (
        "qddft run workflows/tao-cspbbr3/demo.yaml",
        "qddft run study.yaml --engine ase:my_potential:make -o run-potential",
        "qddft run run-demo",
        "qddft run run-demo --executor parsl:examples/pilots-local.toml",
    )
    add(app, "run", run, examples=lines)


def run(
    target: Annotated[Path, typer.Argument(metavar="STUDY|RUN", help="A study, or a run folder to go on with.")],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="RUN", help="Folder of the run; default: run-NAME here."),
    ] = None,
    engine: Engine = None,
    level: LevelName = None,
    workers: Annotated[int | None, typer.Option(help="Jobs at once; default: one for each core.")] = None,
    executor: Annotated[
        str | None,
        typer.Option(metavar="parsl:FILE", help="Through pilot jobs, here or in Slurm, as the TOML file FILE says."),
    ] = None,
) -> None:
    """Run a study here, with progress, and end with table, figure and the places of the files.

    Interrupt it at any time: nothing is lost. The same command again goes on at the last ionic step; jobs that are
    done are not done again. Exit code 1 when a job failed or a result has no number.
    """
    from qddft.cli.progress import progress_display
    from qddft.study.execute import run as execute
    from qddft.study.session import prepare

    pilots = None if executor is None else _pilots(executor)
    folder = prepare(target, output, engine=engine, level=level)
    say(f"run folder {place(folder)}")
    with progress_display() as display, _executor(pilots, folder) as pool:
        report = execute(folder, workers=workers, on_event=display.show, executor=pool)
    _outcome(report)
    numbers = _results(folder)
    if not report.complete:
        note(f"\ntry the failed jobs again with: qddft run {typed(folder)}")
    if not report.complete or not numbers:
        raise typer.Exit(NO)


def _pilots(executor: str) -> "Pilots":
    from qddft.study.pilots.settings import named_pilots

    return named_pilots(executor)


def _executor(pilots: "Pilots | None", folder: Path) -> "AbstractContextManager[Executor | None]":
    if pilots is None:
        return nullcontext()
    from qddft.study.pilots import PilotExecutor

    return PilotExecutor(pilots, folder)


def _outcome(report: "RunReport") -> None:
    kept = f", {len(report.kept)} were done before" if report.kept else ""
    say(f"{len(report.done)} jobs done{kept}")
    for entry, reason in (*report.failed, *report.blocked):
        note(f"not done: {entry.folder}: {reason}")


def _results(folder: Path) -> bool:
    """Show the results; return whether each has a number."""
    from qddft.cli.collect import read_records, result_files, show_results
    from qddft.report.write import write_report

    made = write_report(folder)
    say()
    records = read_records(folder)
    show_results(records)
    say()
    say(f"page     {place(made.page)}")
    if made.figures:
        say(f"figure   {place(made.figures[0])}")
    say(f"results  {', '.join(place(path) for path in result_files(folder))}")
    return all(record["value"] is not None for record in records)
