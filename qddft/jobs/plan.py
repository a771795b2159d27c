"""``Plan``: unique jobs in an order in which they can run."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from qddft.core.errors import PlanError
from qddft.jobs.job import Job


@dataclass(frozen=True)
class Plan:
    """Jobs, each once, parents before children.

    Attributes
    ----------
    jobs
        Unique by id, in topological order.
    """

    jobs: tuple[Job, ...]

    @classmethod
    def of(cls, jobs: Iterable[Job]) -> "Plan":
        """Order jobs and their parents, each once; the first name given to a job stays.

        Raises
        ------
        PlanError
            Two different jobs would share one folder name.
        """
        ordered: dict[str, Job] = {}
        for job in jobs:
            for ancestor in _with_ancestors(job):
                ordered.setdefault(ancestor.id, ancestor)
        folders: dict[str, Job] = {}
        for job in ordered.values():
            other = folders.setdefault(job.folder_name, job)
            if other.id != job.id:
                raise PlanError(f"the jobs {other.id} and {job.id} share the folder {job.folder_name}; rename one")
        return cls(tuple(ordered.values()))

    def __iter__(self) -> Iterator[Job]:
        return iter(self.jobs)

    def __len__(self) -> int:
        return len(self.jobs)

    def job(self, job_id: str) -> Job:
        """Return the job with an id.

        Raises
        ------
        PlanError
            No such job.
        """
        for job in self.jobs:
            if job.id == job_id:
                return job
        raise PlanError(f"the plan has no job {job_id}")


def _with_ancestors(job: Job) -> list[Job]:
    chain = [job]
    while (parent := chain[-1].parent) is not None:
        chain.append(parent)
    return chain[::-1]
