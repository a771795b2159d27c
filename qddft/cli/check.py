"""``qddft check``: every error of a study at once."""

from pathlib import Path
from typing import Annotated

import typer

from qddft.cli.console import say
from qddft.cli.verb import add

Engine = Annotated[
    str | None, typer.Option(help="tblite, vasp, gpaw or ase:MODULE:FACTORY; default: the first of the study.")
]


def register(app: typer.Typer) -> None:
    """Add the verb."""
    lines = ("qddft check workflows/tao-cspbbr3/study.yaml", "qddft check study.yaml --engine vasp")
    add(app, "check", check, examples=lines)


def check(
    study: Annotated[Path, typer.Argument(metavar="STUDY", help="Study file, or a folder with study.yaml.")],
    engine: Engine = None,
) -> None:
    """Show every error of a study at once, as FILE:LINE: MESSAGE, then build all its structures."""
    from qddft.study.expand import expand
    from qddft.study.load import load_study

    loaded = load_study(study)
    names = [engine] if engine else list(loaded.levels)
    for name in names:
        found = expand(loaded, engine=name)
        say(f"{name}: {len(found.plan)} jobs for {len(found.recipes)} results at the level {found.level.name}")
    say(f"{study}: no errors")
