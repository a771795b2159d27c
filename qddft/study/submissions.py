"""What of a run was handed to a batch system: ``RUN/submissions.jsonl``, one line an event."""

import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from qddft.engines.slurm import QueueTask
from qddft.jobs.disk import disk_errors

FILE, FOLDER = "submissions.jsonl", "submit"


@dataclass(frozen=True)
class Submission:
    """One call of sbatch.

    Attributes
    ----------
    token
        Name of the job in the queue, unique: ids are given twice by a controller that crashed, names of ours are not.
    machine
        Name of the machine.
    slurm_id
        Id that sbatch gave; empty when this process died before it knew.
    tasks
        Ids of the jobs of each element of the array; one element for a job without array.
    when
        Time, ISO 8601, UTC.
    """

    token: str
    machine: str
    slurm_id: str
    tasks: tuple[tuple[str, ...], ...]
    when: str

    def element_of(self, job_id: str) -> int | None:
        """Return the element of the array that works on a job."""
        return next((index for index, jobs in enumerate(self.tasks) if job_id in jobs), None)


def load_submissions(run: Path) -> tuple[Submission, ...]:
    """Return what was submitted from a run, oldest first; of a token, the last line counts."""
    path = run / FILE
    if not path.exists():
        return ()
    read = (_parsed(line) for line in path.read_bytes().splitlines())
    by_token = {item.token: item for item in read if item is not None}
    return tuple(by_token.values())


def save_submission(run: Path, submission: Submission) -> None:
    """Add a submission, or what became known of one."""
    with disk_errors(run), (run / FILE).open("ab") as file:
        # a line that a killed process left torn is ended first
        file.write(b"\n" + json.dumps(asdict(submission)).encode())
        file.flush()
        os.fsync(file.fileno())


def _parsed(line: bytes) -> Submission | None:
    try:
        data = json.loads(line)
        return Submission(**{**data, "tasks": tuple(tuple(jobs) for jobs in data["tasks"])})
    except (UnicodeDecodeError, json.JSONDecodeError, KeyError, TypeError):
        # torn by a killed process, which had not submitted yet
        return None


def latest_by_job(submissions: Iterable[Submission]) -> dict[str, Submission]:
    """Return job id -> the last submission that contains it."""
    return {job_id: item for item in submissions for jobs in item.tasks for job_id in jobs}


def queued_jobs(submissions: Iterable[Submission], queue: Iterable[QueueTask]) -> dict[str, QueueTask]:
    """Return job id -> the task of the queue that will work, or works, on it."""
    by_place = {(task.token, task.index): task for task in queue}
    return {
        job_id: by_place[item.token, index]
        for item in submissions
        for index, jobs in enumerate(item.tasks)
        for job_id in jobs
        if (item.token, index) in by_place
    }


def with_id(submission: Submission, slurm_id: str) -> Submission:
    """Return a submission with the id that it turned out to have."""
    return replace(submission, slurm_id=slurm_id)


def without_jobs(submission: Submission) -> Submission:
    """Return a submission that the queue refused: it works on nothing."""
    return replace(submission, tasks=())
