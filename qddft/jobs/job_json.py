"""``Job`` to JSON and back."""

from collections.abc import Callable, Mapping
from typing import Any

from qddft.core.errors import FolderError
from qddft.jobs.job import FinalOf, Given, Job

FORMAT = 1


def job_to_dict(job: Job, *, parent_folder: str | None = None) -> dict[str, Any]:
    """Return the JSON form of a job; a parent is named by id and folder, not repeated."""
    if isinstance(job.start, Given):
        start: dict[str, Any] = {"structure": dict(job.start.structure)}
    else:
        kept = None if job.start.fragments is None else list(job.start.fragments)
        start = {"final_of": job.start.job.id, "folder": parent_folder or job.start.job.folder_name, "fragments": kept}
    return {
        "format": FORMAT,
        "id": job.id,
        "name": job.name,
        "role": job.role,
        "task": job.task,
        "charge": job.charge,
        "unpaired": job.unpaired,
        "wanted": sorted(job.wanted),
        "start": start,
        "level": dict(job.level),
    }


def job_from_dict(data: Mapping[str, Any], parent: Callable[[str], Job]) -> Job:
    """Return the job of its JSON form.

    Parameters
    ----------
    data
        What ``job_to_dict`` made.
    parent
        Gives the parent job for the name of its folder.

    Raises
    ------
    FolderError
        The content does not belong to the id it carries.
    """
    start = data["start"]
    origin: Given | FinalOf
    if "structure" in start:
        origin = Given(start["structure"])
    else:
        kept = start["fragments"]
        origin = FinalOf(parent(start["folder"]), None if kept is None else tuple(kept))
    job = Job(
        name=data["name"],
        role=data["role"],
        task=data["task"],
        start=origin,
        level=data["level"],
        charge=data["charge"],
        unpaired=data["unpaired"],
        wanted=frozenset(data["wanted"]),
    )
    if job.id != data["id"]:
        raise FolderError(f"job {data['name']}: its content has the id {job.id}, not {data['id']}; it was edited")
    return job
