"""``qddft submit``, ``retry`` and ``cancel``: the jobs of a run in the queue of a cluster."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from qddft.cli.console import print_json, say, typed
from qddft.cli.status import RunPath
from qddft.cli.verb import add

if TYPE_CHECKING:
    from qddft.study.submit import SubmitReport

MachineName = Annotated[
    str, typer.Option("--machine", metavar="NAME", help="Machine of `qddft machine list`, or a .toml file.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show commands and scripts; submit nothing.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON document.")]


def register(app: typer.Typer) -> None:
    """Add the verb."""
    lines = ("qddft submit run-vasp --machine cluster --dry-run", "qddft submit run-vasp --machine cluster")
    add(app, "submit", submit, examples=lines)


def submit(run: RunPath, machine: MachineName, dry_run: DryRun = False, as_json: Json = False) -> None:
    """Submit the jobs of a run to Slurm with their dependencies, each at most once however often it is called.

    Failed jobs are left out; `qddft retry` submits them again. For PBS it writes the scripts and a file of qsub
    commands, which you run.
    """
    from qddft.engines.machine import load_machine
    from qddft.study.submit import submit as hand_over

    show(run, hand_over(run, load_machine(machine), dry_run=dry_run), dry_run=dry_run, as_json=as_json)


def show(run: Path, report: "SubmitReport", *, dry_run: bool, as_json: bool) -> None:
    """Print what was submitted, or would be."""
    if as_json:
        print_json(_document(report))
        return
    for number, call in enumerate(report.submitted, start=1):
        if dry_run:
            say(f"# {number}: {', '.join(entry.name for entry in call.entries)}\n$ {call.command}\n{call.script}")
        elif report.to_run is not None:
            say(f"{call.token}  {', '.join(entry.name for entry in call.entries)}")
        else:
            say(f"{call.slurm_id or call.token}  {', '.join(entry.name for entry in call.entries)}")
    for entry, reason in report.skipped:
        say(f"left out  {entry.name}: {reason}")
    verb = "would be submitted" if dry_run else "submitted" if report.to_run is None else "written, not yet submitted"
    count, calls = sum(len(call.entries) for call in report.submitted), len(report.submitted)
    say(f"{count} job{'s' * (count != 1)} in {calls} queue job{'s' * (calls != 1)} {verb}")
    if report.to_run is not None:
        say(f"hand them to PBS with: bash {typed(report.to_run)}")
    if not dry_run:
        say(f"see how far they are with: qddft status {typed(run)}")


def _document(report: "SubmitReport") -> dict[str, object]:
    return {
        "to_run": None if report.to_run is None else str(report.to_run),
        "submitted": [
            {
                "token": call.token,
                "slurm_id": call.slurm_id,
                "jobs": [entry.id for entry in call.entries],
                "command": call.command,
                "script": call.script,
            }
            for call in report.submitted
        ],
        "skipped": [{"job": entry.id, "name": entry.name, "reason": reason} for entry, reason in report.skipped],
    }
