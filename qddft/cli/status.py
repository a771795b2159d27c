"""``qddft status``: how far every job of a run is."""

import math
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from qddft.cli.console import print_json, say, show, typed
from qddft.cli.main import NO
from qddft.cli.verb import add

if TYPE_CHECKING:
    from qddft.study.queue_status import JobLine

RunPath = Annotated[Path, typer.Argument(metavar="RUN", help="Run folder, as made by `qddft run` or `qddft write`.")]


def register(app: typer.Typer) -> None:
    """Add the verb."""
    add(app, "status", status, examples=("qddft status run-demo", "qddft status run-demo --json"))


def status(
    run: RunPath,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
) -> None:
    """Show one line for each job: its state, how far it is, why it failed, and what to do next.

    States: done, failed, running, queued, stopped (left the queue without an end), waiting, ready. Exit code 1 when a
    job failed or stopped.
    """
    from qddft.jobs.run_folder import load_run
    from qddft.study.queue_status import NO_ANSWER, queue_status

    folder = load_run(run)
    jobs = [_job(line, folder.folder(line.entry)) for line in queue_status(run)]
    counts = Counter(job["state"] for job in jobs)
    if as_json:
        print_json({"study": folder.title, "engine": folder.engine, "jobs": jobs, "counts": dict(counts)})
    else:
        _show(jobs)
        say("\n" + ", ".join(f"{count} {state}" for state, count in counts.items()))
        silent = any(NO_ANSWER in job["reason"] for job in jobs)
        say(f"{NO_ANSWER}: look again where Slurm does" if silent else _next_step(run, counts))
    if counts["failed"] or counts["stopped"]:
        raise typer.Exit(NO)


def _job(line: "JobLine", folder: Path) -> dict[str, Any]:
    from qddft.jobs.folder import last_progress

    entry, step = line.entry, line.progress or last_progress(folder)
    return {
        "id": entry.id,
        "name": entry.name,
        "folder": entry.folder,
        "role": entry.role,
        "task": entry.task,
        "atoms": entry.atoms,
        "state": line.state,
        "reason": line.reason,
        "advice": line.advice,
        "slurm_id": line.slurm_id,
        "step": None if step is None else step.step,
        "energy_eV": None if step is None else step.energy,
        # a program that has told its energy but not yet its forces
        "max_force_eV_per_A": None if step is None or math.isnan(step.max_force) else step.max_force,
        "seconds": None if step is None else step.seconds,
        "seconds_per_step": None if step is None or not step.seconds else step.seconds / (step.step + 1),
    }


def _show(jobs: list[dict[str, Any]]) -> None:
    from qddft.report.tables import number, table_of

    columns = {
        "job": [job["name"] for job in jobs],
        "state": [job["state"] for job in jobs],
        "atoms": [job["atoms"] for job in jobs],
        "step": [job["step"] for job in jobs],
        "energy (eV)": [number(job["energy_eV"], 4) for job in jobs],
        "force (eV/Å)": [number(job["max_force_eV_per_A"], 3, signed=False) for job in jobs],
        "s/step": [number(job["seconds_per_step"], 1, signed=False) for job in jobs],
    }
    for name in ("slurm_id", "reason", "advice"):
        if any(job[name] for job in jobs):
            columns[name.replace("slurm_id", "queue")] = [job[name] for job in jobs]
    show(table_of(columns))


def _next_step(run: Path, counts: Counter[str]) -> str:
    from qddft.jobs.run_folder import SEARCH

    if counts["running"] or counts["queued"]:
        return "jobs are under way; look again later"
    if (run / SEARCH).exists():
        return f"a search of poses; go on with, or see what it found: qddft search {typed(run)}"
    if counts["failed"] or counts["stopped"] or counts["ready"] or counts["waiting"]:
        verb = "retry" if counts["failed"] or counts["stopped"] else "submit"
        return f"go on with: qddft run {typed(run)}, or on a cluster: qddft {verb} {typed(run)} --machine NAME"
    return f"all done; results: qddft report {typed(run)}"
