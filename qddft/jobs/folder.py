"""Job folders: the unit of work, and the only place that knows how far a job is."""

import json
import re
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from qddft.core.errors import FolderError
from qddft.core.files import write_json
from qddft.jobs.disk import disk_errors
from qddft.jobs.job import Job
from qddft.jobs.job_json import FORMAT, job_from_dict, job_to_dict
from qddft.jobs.lock import is_held
from qddft.jobs.progress import Progress, read_progress

JOB = "job.json"
CHECKPOINT = "checkpoint.json"
OUTPUTS = "outputs.json"
FAILURE = "failure.json"
LOCK = "lock"
LOG = "worker.log"

State = Literal["done", "failed", "running", "waiting", "ready"]
STATES: tuple[State, ...] = ("done", "failed", "running", "waiting", "ready")
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,119}")


@dataclass(frozen=True)
class JobStatus:
    """How far a job is.

    Attributes
    ----------
    state
        The first of done, failed, running, waiting, ready that the files prove.
    reason
        Why it failed, or what it waits for.
    progress
        The last ionic step, of an interrupted attempt too; ``None`` before the first one.
    """

    state: State
    reason: str = ""
    progress: Progress | None = None


def check_name(name: str) -> str:
    """Return a name that is safe as a folder's name.

    Raises
    ------
    FolderError
        Anything but lower case letters, digits and hyphens, more than 120 of them, or a leading hyphen.
    """
    if not _NAME.fullmatch(name):
        raise FolderError(
            f"{name!r} cannot name a job folder; use lower case letters, digits and hyphens, at most 120, "
            "and begin with a letter or digit"
        )
    return name


def write_job(
    jobs: Path,
    job: Job,
    *,
    parent_folder: str | None = None,
    fill: Callable[[Path], None] | None = None,
) -> Path:
    """Make the folder of a job inside ``jobs``, whole or not at all; a folder that is there stays as it is.

    Its files are not flushed to disk one by one: who writes many folders calls ``os.sync`` after the last.

    Parameters
    ----------
    jobs
        Folder that holds the job folders.
    job
        What to write.
    parent_folder
        Name of the parent's folder where it differs from ``job.parent.folder_name``.
    fill
        Writes the engine's input files into the folder it is given.

    Raises
    ------
    FolderError
        A name that cannot be a folder, a folder of that name with another job, or a disk that refuses.
    """
    folder = jobs / check_name(job.folder_name)
    if folder.exists():
        _check_same(folder, job)
        return folder
    with disk_errors(jobs):
        jobs.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=f".{job.folder_name}.", suffix=".tmp", dir=jobs))
        try:
            write_json(draft / JOB, job_to_dict(job, parent_folder=parent_folder), flush=False)
            if fill is not None:
                fill(draft)
            # mkdtemp makes folders private
            draft.chmod(jobs.stat().st_mode & 0o7777)
            _settle(draft, folder)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    _check_same(folder, job)
    return folder


def load_job(folder: Path) -> Job:
    """Read the job of a folder, and of its parents.

    Raises
    ------
    FolderError
        Not a job folder, or its ``job.json`` is damaged, edited or of another format.
    """
    path = folder / JOB
    data = read_object(path, missing=f"no {JOB} in {folder}; is this a job folder of a qddft run?")
    if data.get("format") != FORMAT:
        raise FolderError(f"{path} has format {data.get('format')}, not {FORMAT}; write the run again with this qddft")
    try:
        return job_from_dict(data, lambda name: load_job(folder.parent / check_name(name)))
    except (KeyError, TypeError, AttributeError) as error:
        raise FolderError(f"{path} is damaged ({error!r}); delete its folder and write the run again") from error


def parent_folder(folder: Path) -> Path | None:
    """Return the folder of the job whose final structure the job of ``folder`` starts from; ``None`` without one.

    Raises
    ------
    FolderError
        ``job.json`` is missing or damaged.
    """
    data = read_object(folder / JOB, missing=f"no {JOB} in {folder}; is this a job folder of a qddft run?")
    name = data.get("start", {}).get("folder")
    return None if name is None else folder.parent / check_name(name)


def job_status(folder: Path, parent: Path | None = None) -> JobStatus:
    """Return how far the job of a folder is, from its files alone.

    Parameters
    ----------
    folder
        The job's folder.
    parent
        Folder of the job whose final structure this one starts from.
    """
    if (folder / OUTPUTS).exists():
        return JobStatus("done")
    last = last_progress(folder)
    if (folder / FAILURE).exists():
        return JobStatus("failed", failure_reason(folder), last)
    if is_held(folder / LOCK):
        return JobStatus("running", "", last)
    if parent is not None and not (parent / OUTPUTS).exists():
        failed = ", which failed" if (parent / FAILURE).exists() else ""
        return JobStatus("waiting", f"for {parent.name}{failed}", last)
    return JobStatus("ready", "", last)


def last_progress(folder: Path) -> Progress | None:
    """Return the last ionic step of a job folder."""
    steps = read_progress(folder)
    return steps[-1] if steps else None


def write_failure(folder: Path, kind: str, reason: str) -> None:
    """Record why an attempt failed."""
    write_json(folder / FAILURE, {"kind": kind, "reason": reason, "when": datetime.now(UTC).isoformat("T", "seconds")})


def failure_reason(folder: Path) -> str:
    """Return why the last attempt failed."""
    try:
        return str(read_object(folder / FAILURE, missing="no failure is recorded").get("reason", "no reason is given"))
    except FolderError as error:
        return str(error)


def clear_attempt(folder: Path) -> None:
    """Remove what a failed or killed attempt left and the next one must not see; the checkpoint stays."""
    (folder / FAILURE).unlink(missing_ok=True)
    for leftover in folder.glob(".*.tmp"):
        leftover.unlink(missing_ok=True)


def read_object(path: Path, *, missing: str) -> dict[str, Any]:
    """Read a JSON file that holds an object.

    Raises
    ------
    FolderError
        The file is missing (the message is ``missing``) or damaged.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError) as error:
        raise FolderError(missing) from error
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise FolderError(f"{path} is damaged ({error}); restore it, or delete it and write the run again") from error
    if not isinstance(data, dict):
        raise FolderError(f"{path} is damaged (no JSON object); restore it, or delete it and write the run again")
    return data


def _settle(draft: Path, folder: Path) -> None:
    """Give a finished draft its name, unless another process was quicker."""
    try:
        draft.rename(folder)
    except OSError:
        if not folder.exists():
            raise


def _check_same(folder: Path, job: Job) -> None:
    data = read_object(folder / JOB, missing=f"{folder} exists and is no job folder; choose another run folder")
    if data.get("id") != job.id:
        raise FolderError(f"{folder} belongs to another job ({data.get('id')}); choose another run folder")
