"""How far the jobs of a run are, here and in the queue."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from qddft.core.errors import MachineError
from qddft.engines.base import Engine
from qddft.engines.registry import get_engine
from qddft.engines.slurm import QueueTask, queue
from qddft.jobs.folder import JobStatus
from qddft.jobs.progress import Progress
from qddft.jobs.run_folder import Entry, Run, load_run
from qddft.study.advice import advice, end_of_slurm_job, queue_advice
from qddft.study.harvest import harvest
from qddft.study.submissions import FOLDER, Submission, latest_by_job, load_submissions, queued_jobs

State = Literal["done", "failed", "running", "queued", "stopped", "waiting", "ready"]
NO_ANSWER = "no queue answers here"
_TAIL = 4096
# what Slurm calls a task that has processes
_ACTIVE = ("RUNNING", "COMPLETING", "STAGE_OUT", "SUSPENDED")


@dataclass(frozen=True)
class JobLine:
    """One line of ``qddft status``.

    Attributes
    ----------
    entry
        The job.
    state
        ``done``, ``failed``, ``running``, ``queued``, ``stopped`` (it left the queue without an end), ``waiting`` or
        ``ready``.
    reason
        Why it failed or stopped, or what it waits for.
    advice
        What to do next; empty when there is nothing to do.
    progress
        The last ionic step.
    slurm_id
        Id in the queue; empty when it is not there.
    """

    entry: Entry
    state: State
    reason: str = ""
    advice: str = ""
    progress: Progress | None = None
    slurm_id: str = ""


def queue_status(path: str | Path) -> tuple[JobLine, ...]:
    """Return a line for every job of a run.

    The queue is asked, once, when something was submitted from this run; a run that never was asks nobody. Where no
    queue answers, as on another computer or while the controller restarts, the files say what they know: nothing is
    concluded about what was submitted and has not ended.

    Raises
    ------
    FolderError
        Not a run.
    """
    run = load_run(Path(path).resolve())
    submissions = load_submissions(run.path)
    queued, silence = _asked(submissions)
    harvest(run, queued=queued)
    statuses = run.statuses()
    latest = latest_by_job(submissions)
    engine = get_engine(run.engine)
    lines = (
        _not_known(entry, statuses[entry.id], silence)
        if silence and entry.id in latest and statuses[entry.id].state in ("ready", "waiting")
        else _line(run, entry, statuses[entry.id], queued, latest)
        for entry in run.entries
    )
    return tuple(_with_step(run, line, engine) for line in lines)


def _asked(submissions: Sequence[Submission]) -> tuple[Mapping[str, QueueTask], str]:
    """Return the jobs that the queue has, and why it does not answer."""
    if not submissions:
        return {}, ""
    try:
        return queued_jobs(submissions, queue()), ""
    except MachineError as error:
        return {}, " ".join(str(error).split("\n", maxsplit=1)[0].split())


def _not_known(entry: Entry, status: JobStatus, silence: str) -> JobLine:
    """Return the line of a job that was submitted and has not ended, when the queue does not answer."""
    reason = f"was submitted; {NO_ANSWER}: {silence}"
    return JobLine(entry, "queued", reason, "ask again where Slurm answers", status.progress)


def _with_step(run: Run, line: JobLine, engine: Engine) -> JobLine:
    """Ask the engine's own files where a job runs, or ran, without a worker."""
    if line.progress is not None or line.state not in ("running", "failed", "stopped"):
        return line
    return replace(line, progress=engine.last_step(run.job(line.entry), run.folder(line.entry)))


def _line(
    run: Run, entry: Entry, status: JobStatus, queued: Mapping[str, QueueTask], latest: Mapping[str, Submission]
) -> JobLine:
    if status.state == "done":
        return JobLine(entry, "done")
    task = queued.get(entry.id)
    if task is not None and status.state != "failed":
        state, reason = _in_queue(run, entry, status, task)
        return JobLine(entry, state, reason, queue_advice(task.reason), status.progress, task.slurm_id)
    if task is not None:
        # in a chunk with others that are not done; what an earlier attempt left went away when it was submitted
        return JobLine(entry, "failed", status.reason, advice(status.reason), status.progress, task.slurm_id)
    if status.state == "failed":
        return JobLine(entry, "failed", status.reason, advice(status.reason), status.progress)
    if status.state == "ready" and entry.id in latest:
        reason = _why_it_stopped(run, latest[entry.id], entry.id)
        return JobLine(entry, "stopped", reason, advice(reason), status.progress)
    return JobLine(entry, status.state, status.reason, "", status.progress)


def _in_queue(run: Run, entry: Entry, status: JobStatus, task: QueueTask) -> tuple[State, str]:
    """Return state and reason of a job that the queue knows."""
    if status.state == "running":
        return "running", ""
    if task.state in _ACTIVE:
        # big jobs go alone; locks may not be visible from one node to the other
        in_chunk = (run.path / FOLDER / f"{task.token}.json").exists() and run.engine != "vasp"
        return ("queued", "its chunk is running") if in_chunk else ("running", "")
    if task.reason == "Dependency" and entry.parent is not None:
        return "waiting", f"for {run.entry(entry.parent).name}"
    return "queued", {"None": "", "BeginTime": "was put back, starts again in a moment"}.get(task.reason, task.reason)


def _why_it_stopped(run: Run, submission: Submission, job_id: str) -> str:
    folder = run.path / FOLDER
    element = submission.element_of(job_id)
    outputs = [*folder.glob(f"{submission.token}.out"), *folder.glob(f"{submission.token}.*_{element}.out")]
    tail = "".join(_tail(path) for path in outputs)
    if not submission.slurm_id and not tail:
        return "it may not have reached the queue"
    return end_of_slurm_job(tail) or "left the queue without an end: cancelled before it began, or lost with its node"


def _tail(path: Path) -> str:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _TAIL))
        return file.read().decode("utf-8", errors="replace")
