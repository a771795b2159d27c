"""``qddft cancel``: the jobs of a run out of the queue."""

import typer

from qddft.cli.console import say
from qddft.cli.status import RunPath
from qddft.cli.verb import add


def register(app: typer.Typer) -> None:
    """Add the verb."""
    add(app, "cancel", cancel, examples=("qddft cancel run-vasp",))


def cancel(run: RunPath) -> None:
    """Take what this run has in the queue out of it, and nothing else. What is done stays done."""
    from qddft.study.submit import cancel as take_out

    ids = take_out(run)
    say(f"cancelled {', '.join(ids)}" if ids else "nothing of this run is in the queue")
