"""Add to job folders what could not be written at first: the start of jobs whose parent is done, data sets."""

from qddft.engines.base import Engine, WritesInputs
from qddft.engines.registry import get_engine
from qddft.engines.start import starting_point
from qddft.jobs.disk import disk_errors
from qddft.jobs.folder import LOCK, OUTPUTS
from qddft.jobs.job import Given
from qddft.jobs.lock import LockedError, hold
from qddft.jobs.run_folder import Entry, Run
from qddft.study.harvest import harvest


def refresh(run: Run) -> tuple[Entry, ...]:
    """Complete the input files of a run; return the jobs that got some.

    Finished calculations are read first. Folders in which somebody works, and files that are there, are left alone.

    Raises
    ------
    QddftError
        A parent's result is damaged, the library of data sets is not what it should be, or the disk refuses.
    """
    engine = get_engine(run.engine)
    if not isinstance(engine, WritesInputs):
        return ()
    harvest(run)
    done = {entry.id for entry in run.entries if (run.folder(entry) / OUTPUTS).exists()}
    return tuple(entry for entry in run.entries if entry.id not in done and _completed(run, entry, engine, done))


def _completed(run: Run, entry: Entry, engine: Engine, done: set[str]) -> bool:
    folder = run.folder(entry)
    known = entry.parent is None or entry.parent in done
    if not isinstance(engine, WritesInputs) or not engine.lacks_inputs(folder, start_known=known):
        return False
    job = run.job(entry)
    try:
        with disk_errors(folder), hold(folder / LOCK, patience=0.0):
            atoms = starting_point(job, folder)[0] if known or isinstance(job.start, Given) else None
            engine.write(job, atoms, folder)
    except LockedError:
        return False
    return True
