"""``qddft write``: job folders of a study."""

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from qddft.cli.check import Engine
from qddft.cli.console import place, say
from qddft.cli.plan import LevelName, Study
from qddft.cli.verb import add


def register(app: typer.Typer) -> None:
    """Add the verb."""
    lines = ("qddft write workflows/tao-cspbbr3/study.yaml --engine vasp -o run-tao-vasp",)
    add(app, "write", write, examples=lines)


def write(
    study: Study,
    run: Annotated[Path, typer.Option("--output", "-o", metavar="RUN", help="Folder of the run.")],
    engine: Engine = None,
    level: LevelName = None,
) -> None:
    """Write the job folders of a study. Folders that are there already stay, with all their results."""
    from qddft.study.session import write as write_study

    made = write_study(study, run, engine=engine, level=level)
    roles = ", ".join(f"{count} {role}" for role, count in Counter(entry.role for entry in made.entries).items())
    say(f"wrote {len(made.entries)} jobs ({roles}) for the engine {made.engine} into {place(made.path)}")
    for entry in made.entries:
        after = "" if entry.parent is None else f"  after {made.entry(entry.parent).folder}"
        say(f"  {place(made.folder(entry))}{after}")
    say(f"see how far they are with: qddft status {place(made.path)}")
