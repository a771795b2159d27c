"""Run folders: what was planned, by which version and for which engine."""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from qddft.core.errors import FolderError
from qddft.core.files import write_json, write_text
from qddft.jobs.disk import disk_errors
from qddft.jobs.folder import JOB, JobStatus, check_name, job_status, load_job, read_object, write_job
from qddft.jobs.job import Job
from qddft.jobs.plan import Plan

FORMAT = 1
RUN, STUDY, PLAN, JOBS, LOCK = "run.json", "study.yaml", "plan.json", "jobs", "lock"
# what a search of poses keeps beside them from its first moment on
SEARCH, SEARCH_LOCK = "search.json", "search.lock"
_OURS = (JOBS, STUDY, PLAN, LOCK, SEARCH, SEARCH_LOCK)


@dataclass(frozen=True)
class Entry:
    """One line of the plan: what has to be known of a job without reading its structure.

    Attributes
    ----------
    id, name, role, task
        Of the job.
    folder
        Name of its folder inside ``jobs``.
    parent
        Id of the job it starts from.
    atoms
        Number of atoms.
    """

    id: str
    name: str
    role: str
    task: str
    folder: str
    parent: str | None
    atoms: int


@dataclass(frozen=True)
class Run:
    """A run folder, as its ``run.json`` and ``plan.json`` describe it.

    Attributes
    ----------
    path
        The folder.
    engine
        Name of the engine, for instance ``tblite``.
    title
        Title of the study.
    version
        Version of qddft that planned it last.
    entries
        The jobs, parents before children.
    recipes
        The recipes as records of the layer above, JSON types.
    """

    path: Path
    engine: str
    title: str
    version: str
    entries: tuple[Entry, ...]
    recipes: tuple[Mapping[str, Any], ...]

    @property
    def study_file(self) -> Path:
        """The copy of the study."""
        return self.path / STUDY

    @property
    def lock(self) -> Path:
        """Lock file of the process that drives this run."""
        return self.path / LOCK

    def entry(self, job_id: str) -> Entry:
        """Return the line of a job.

        Raises
        ------
        FolderError
            The run does not plan this job.
        """
        for entry in self.entries:
            if entry.id == job_id:
                return entry
        raise FolderError(f"{self.path} plans no job {job_id}; write the study into it again")

    def folder(self, entry: Entry) -> Path:
        """Return the folder of a job."""
        return self.path / JOBS / entry.folder

    def job(self, entry: Entry) -> Job:
        """Read a job, whole, from its folder."""
        return load_job(self.folder(entry))

    def plan(self) -> Plan:
        """Read all jobs from their folders."""
        return Plan.of(self.job(entry) for entry in self.entries)

    def statuses(self) -> dict[str, JobStatus]:
        """Return the status of every job by id, in the order of the plan."""
        folders = {entry.id: self.folder(entry) for entry in self.entries}
        return {
            entry.id: job_status(folders[entry.id], None if entry.parent is None else folders[entry.parent])
            for entry in self.entries
        }


def create_run(
    path: Path,
    plan: Plan,
    *,
    engine: str,
    title: str,
    study_text: str,
    recipes: Sequence[Mapping[str, Any]] = (),
    fill: Callable[[Job, Path], None] | None = None,
) -> Run:
    """Make a run folder, or add to the one that is there what it does not hold yet.

    Jobs that the folder holds already are kept with all their results, under whatever name they were given then.

    Parameters
    ----------
    path
        Folder of the run.
    plan
        All jobs.
    engine
        Engine that computes them.
    title
        Title of the study; a folder belongs to one study and one engine.
    study_text
        The study file, copied for the record.
    recipes
        Records from which the layer above makes its recipes again.
    fill
        Writes the engine's input files of a job into its new folder.

    Raises
    ------
    FolderError
        The folder is no run, belongs to another study or engine, or cannot be written to.
    """
    return create_run_of([(plan, recipes)], path, engine=engine, title=title, study_text=study_text, fill=fill)


def create_run_of(
    portions: Iterable[tuple[Plan, Sequence[Mapping[str, Any]]]],
    path: Path,
    *,
    engine: str,
    title: str,
    study_text: str,
    fill: Callable[[Job, Path], None] | None = None,
) -> Run:
    """Do as ``create_run`` for jobs and recipes that come in portions; none is kept when the next one comes."""
    from qddft import __version__

    existing = _checked_target(path, engine, title)
    with disk_errors(path):
        jobs = path / JOBS
        jobs.mkdir(parents=True, exist_ok=True)
        present = _present(jobs)
        written: dict[str, Entry] = {}
        records: list[dict[str, Any]] = []
        for plan, recipes in portions:
            _write_jobs(jobs, plan, fill, present, written)
            records += [dict(record) for record in recipes]
        # the index comes last: where it stands, the folders it names are on the disk
        os.sync()
        entries = tuple(written.values())
        write_text(path / STUDY, study_text)
        write_json(path / PLAN, {"format": FORMAT, "jobs": [asdict(entry) for entry in entries], "recipes": records})
        now = datetime.now(UTC).isoformat("T", "seconds")
        created = existing.get("created", now)
        about = {"title": title, "engine": engine, "qddft": __version__, "created": created, "planned": now}
        write_json(path / RUN, {"format": FORMAT, **about})
    return Run(path, engine, title, __version__, entries, tuple(records))


def load_run(path: Path) -> Run:
    """Read a run folder.

    Raises
    ------
    FolderError
        Not a run folder, or one that is damaged or of another format.
    """
    if not path.is_dir():
        raise FolderError(f"there is no folder {path}; make a run with: qddft write STUDY -o {path}")
    about = read_object(path / RUN, missing=_no_run(path))
    plan = read_object(path / PLAN, missing=f"no {PLAN} in {path}; write the study into it again with qddft write")
    for name, data in ((RUN, about), (PLAN, plan)):
        if data.get("format") != FORMAT:
            raise FolderError(f"{path / name} has format {data.get('format')}, not {FORMAT}; write the run again")
    try:
        entries = tuple(Entry(**line) for line in plan["jobs"])
        for entry in entries:
            check_name(entry.folder)
        return Run(path, about["engine"], about["title"], about["qddft"], entries, tuple(plan["recipes"]))
    except (KeyError, TypeError) as error:
        raise FolderError(f"{path / PLAN} is damaged ({error}); write the study into the run again") from error


def _checked_target(path: Path, engine: str, title: str) -> dict[str, Any]:
    """Return what ``run.json`` says of a folder that is there already; refuse what is not ours."""
    if not path.exists():
        return {}
    if not path.is_dir():
        raise FolderError(f"{path} is a file; give a folder for the run")
    if not (path / RUN).exists():
        # jobs alone: an earlier write was killed before it wrote run.json
        foreign = sorted(item.name for item in path.iterdir() if item.name not in _OURS)
        if any(not name.endswith(".tmp") for name in foreign):
            raise FolderError(f"{path} holds other files ({foreign[0]}, ...); give a new or empty folder for the run")
        return {}
    about = read_object(path / RUN, missing=_no_run(path))
    for what, wanted in (("engine", engine), ("title", title)):
        if about.get(what) != wanted:
            raise FolderError(
                f"{path} is a run of the {'engine' if what == 'engine' else 'study'} {about.get(what)!r}, "
                f"not of {wanted!r}; give another folder with -o"
            )
    return about


def _no_run(path: Path) -> str:
    return f"no {RUN} in {path}; is this a run folder? Make one with: qddft write STUDY -o {path}"


def _write_jobs(
    jobs: Path,
    plan: Plan,
    fill: Callable[[Job, Path], None] | None,
    present: Mapping[str, str],
    written: dict[str, Entry],
) -> None:
    """Write the job folders that are missing, and enter all in ``written`` by id."""
    for job in plan:
        if job.id in written:
            continue
        folder = present.get(job.id[:8])
        if folder is None or not _holds(jobs / folder, job):
            parent_folder = None if job.parent is None else written[job.parent.id].folder
            folder = write_job(jobs, job, parent_folder=parent_folder, fill=_filler(fill, job)).name
        parent = None if job.parent is None else job.parent.id
        written[job.id] = Entry(job.id, job.name, job.role, job.task, folder, parent, len(job.built_atoms))


def _present(jobs: Path) -> dict[str, str]:
    """Return first digits of the id -> folder name of the job folders that are there."""
    with os.scandir(jobs) as items:
        return {item.name.rpartition("-")[2]: item.name for item in items if not item.name.startswith(".")}


def _holds(folder: Path, job: Job) -> bool:
    return bool(read_object(folder / JOB, missing=f"no {JOB} in {folder}; delete this folder").get("id") == job.id)


def _filler(fill: Callable[[Job, Path], None] | None, job: Job) -> Callable[[Path], None] | None:
    return None if fill is None else lambda folder: fill(job, folder)
