"""``qddft retry``: failed and stopped jobs into the queue again."""

import typer

from qddft.cli.status import RunPath
from qddft.cli.submit import DryRun, Json, MachineName, show
from qddft.cli.verb import add


def register(app: typer.Typer) -> None:
    """Add the verb."""
    add(app, "retry", retry, examples=("qddft retry run-vasp --machine cluster",))


def retry(run: RunPath, machine: MachineName, dry_run: DryRun = False, as_json: Json = False) -> None:
    """Submit failed and stopped jobs again; relaxations go on from their last step. Here: `qddft run RUN`."""
    from qddft.engines.machine import load_machine
    from qddft.study.submit import submit

    report = submit(run, load_machine(machine), dry_run=dry_run, retry_failed=True)
    show(run, report, dry_run=dry_run, as_json=as_json)
