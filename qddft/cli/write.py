"""``qddft write``: job folders of a study."""

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from qddft.cli.check import Engine
from qddft.cli.console import place, say, typed
from qddft.cli.plan import LevelName
from qddft.cli.verb import add
from qddft.core.errors import StudyError


def register(app: typer.Typer) -> None:
    """Add the verb."""
    lines = ("qddft write workflows/tao-cspbbr3/study.yaml --engine vasp -o run-tao-vasp", "qddft write run-tao-vasp")
    add(app, "write", write, examples=lines)


def write(
    study: Annotated[Path, typer.Argument(metavar="STUDY|RUN", help="A study, or a run folder to complete.")],
    run: Annotated[Path | None, typer.Option("--output", "-o", metavar="RUN", help="Folder of the run.")] = None,
    engine: Engine = None,
    level: LevelName = None,
) -> None:
    """Write the job folders of a study. Folders that are there already stay, with all their results.

    Written again, or called with the run folder, it adds what was missing: POSCAR of jobs whose parent is done now,
    POTCAR when PMG_VASP_PSP_DIR is set.
    """
    from qddft.study.session import is_run
    from qddft.study.session import write as write_study

    if is_run(study):
        _complete(study, given=(run, engine, level))
        return
    if run is None:
        raise StudyError(f"say where the job folders go: qddft write {typed(study)} -o RUN")
    made = write_study(study, run, engine=engine, level=level)
    roles = ", ".join(f"{count} {role}" for role, count in Counter(entry.role for entry in made.entries).items())
    say(f"wrote {len(made.entries)} jobs ({roles}) for the engine {made.engine} into {place(made.path)}")
    for entry in made.entries:
        after = "" if entry.parent is None else f"  after {made.entry(entry.parent).folder}"
        say(f"  {place(made.folder(entry))}{after}")
    say(f"see how far they are with: qddft status {typed(made.path)}")


def _complete(path: Path, *, given: tuple[Path | None, str | None, str | None]) -> None:
    from qddft.jobs.run_folder import load_run
    from qddft.study.refresh import refresh

    if any(item is not None for item in given):
        raise StudyError(f"{path} is a run folder and keeps its engine, level and place; leave these options out")
    run = load_run(path)
    completed = refresh(run)
    for entry in completed:
        say(f"completed {place(run.folder(entry))}")
    waiting = sum(status.state == "waiting" for status in run.statuses().values())
    say(f"{len(completed)} folders completed" + (f"; {waiting} jobs wait for their parents" if waiting else ""))
    if waiting:
        say("when these are done write again; on a cluster `qddft submit` needs none of it: job.sh makes POSCAR itself")
