"""Everything a report shows of a run, read once from its folder."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qddft.core.errors import OutputError
from qddft.jobs.folder import OUTPUTS, JobStatus
from qddft.jobs.job import Job
from qddft.jobs.progress import Progress, read_progress
from qddft.jobs.run_folder import Entry, Run, load_run
from qddft.outputs.outputs import Outputs
from qddft.outputs.store import load_outputs

if TYPE_CHECKING:
    from ase import Atoms

RESULTS = "results.json"


@dataclass(frozen=True)
class JobView:
    """One job and how far it is.

    Attributes
    ----------
    entry, job, status
        Line of the plan, the job itself, its state.
    outputs
        What it gave; ``None`` while it is not done.
    steps
        Its ionic steps so far.
    """

    entry: Entry
    job: Job
    status: JobStatus
    outputs: Outputs | None
    steps: tuple[Progress, ...] = ()

    @property
    def atoms(self) -> "Atoms":
        """The final structure, or the one as built."""
        return self.job.built_atoms if self.outputs is None else self.outputs.atoms

    @property
    def structure_is(self) -> str:
        """In words, which of the two ``atoms`` is."""
        return "as built" if self.outputs is None else "final structure"


@dataclass(frozen=True)
class RunData:
    """A run folder with the results collected from it.

    Attributes
    ----------
    run
        What was planned.
    jobs
        In the order of the plan.
    records
        ``results.json``.
    study_text
        The study file as it was read.
    """

    run: Run
    jobs: tuple[JobView, ...]
    records: tuple[Mapping[str, Any], ...]
    study_text: str

    @cached_property
    def level(self) -> Mapping[str, Any]:
        """The level of theory, resolved for the engine."""
        # of the results, not of the first job: geometries, and points of a series, may have other levels
        named = {str(record["level"]) for record in self.records}
        levels = [job.job.level for job in self.jobs]
        return next((level for level in levels if level["name"] in named), levels[0])

    @cached_property
    def settings(self) -> Mapping[str, Any]:
        """Engine-neutral settings of the level."""
        settings: Mapping[str, Any] = self.level["settings"]
        return settings

    @cached_property
    def engine_versions(self) -> tuple[str, ...]:
        """Name and version of every engine that gave outputs."""
        found = {f"{job.outputs.engine} {job.outputs.engine_version or ''}".strip() for job in self.jobs if job.outputs}
        return tuple(sorted(found))

    @cached_property
    def slab(self) -> Mapping[str, Any]:
        """Description of the clean slab, empty if the run has none."""
        for job in self.jobs:
            note: Mapping[str, Any] = job.atoms.info.get("qddft", {})
            if job.entry.role in ("slab", "complex") and note:
                return note
        return {}

    @cached_property
    def vacuum(self) -> float:
        """Smallest empty height above an atom, Angstrom: all slabs share one cell, so that short ligands have more."""
        notes = [job.atoms.info.get("qddft", {}) for job in self.complexes] or [self.slab]
        return min(float(note["vacuum"]) for note in notes if "vacuum" in note)

    @cached_property
    def complexes(self) -> tuple[JobView, ...]:
        """Jobs with a ligand on a slab; of a relaxation and its static calculation only the last."""
        whole = [job for job in self.jobs if job.entry.role == "complex" and _has_slab(job)]
        parents = {job.entry.parent for job in whole}
        last = [job for job in whole if job.entry.id not in parents]
        # the points of a convergence series with another cutoff or mesh show the same structure again
        return tuple(job for job in last if job.job.level["name"] == self.level["name"])


def _has_slab(job: JobView) -> bool:
    """Tell a complex from the ligands of one, which are computed alone in its cell."""
    labels = job.atoms.arrays.get("fragment")
    return labels is not None and bool((labels == 0).any()) and bool((labels > 0).any())


def load_run_data(path: Path) -> RunData:
    """Read a run folder whose results were collected.

    Raises
    ------
    FolderError
        Not a run folder.
    OutputError
        ``results.json`` is missing or damaged.
    """
    run = load_run(path)
    statuses = run.statuses()
    jobs = tuple(_view(run, entry, statuses[entry.id]) for entry in run.entries)
    return RunData(run, jobs, _records(path / RESULTS), run.study_file.read_text(encoding="utf-8"))


def _view(run: Run, entry: Entry, status: JobStatus) -> JobView:
    outputs = load_outputs(run.folder(entry) / OUTPUTS) if status.state == "done" else None
    return JobView(entry, run.job(entry), status, outputs, read_progress(run.folder(entry)))


def _records(path: Path) -> tuple[Mapping[str, Any], ...]:
    try:
        return tuple(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError as error:
        raise OutputError(f"{path} does not exist; make it with: qddft collect {path.parent}") from error
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise OutputError(f"{path} is damaged ({error}); make it again with: qddft collect {path.parent}") from error
