"""One element of a job array: ``python -m qddft.study.chunk RUN TASKS INDEX``."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from qddft.core.errors import FolderError, QddftError
from qddft.engines.launch import cores
from qddft.jobs.folder import read_object
from qddft.study.execute import run_chunk

DONE, FAILED, REFUSED = 0, 1, 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Work on the jobs of one element; return 0 when all are done, 1 when not, 2 when it cannot begin."""
    run, tasks, index = sys.argv[1:] if arguments is None else arguments
    try:
        report = run_chunk(run, jobs_of(Path(run) / tasks, int(index)), workers=_workers())
    except QddftError as error:
        sys.stderr.write(f"{error}\n")
        return REFUSED
    for entry, reason in (*report.failed, *report.blocked):
        sys.stderr.write(f"{entry.folder}: {reason}\n")
    return DONE if report.complete else FAILED


def jobs_of(tasks: Path, index: int) -> tuple[str, ...]:
    """Return the ids of the jobs of one element.

    Raises
    ------
    FolderError
        The file is missing or damaged, or has no such element.
    """
    listed = read_object(tasks, missing=f"no {tasks}; submit the run again").get("tasks", [])
    if not 0 <= index < len(listed):
        raise FolderError(f"{tasks} has no element {index}; submit the run again")
    return tuple(str(job_id) for job_id in listed[index])


def _workers() -> int:
    """Return the cores that the batch system gave; where it does not confine processes, only it knows."""
    given = os.environ.get("SLURM_CPUS_PER_TASK") or os.environ.get("NCPUS") or ""
    return max(1, int(given)) if given.isdigit() else cores()


if __name__ == "__main__":
    sys.exit(main())
