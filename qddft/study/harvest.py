"""Take in what programs finished without a worker: VASP folders whose ``job.sh`` ran on a cluster."""

from collections.abc import Collection
from pathlib import Path

from qddft.core.errors import OutputError
from qddft.engines.base import Engine
from qddft.engines.registry import get_engine
from qddft.jobs.disk import disk_errors
from qddft.jobs.folder import FAILURE, LOCK, OUTPUTS, write_failure
from qddft.jobs.lock import LockedError, hold
from qddft.jobs.run_folder import Entry, Run
from qddft.outputs.store import save_outputs


def harvest(run: Run, *, queued: Collection[str] = ()) -> tuple[Entry, ...]:
    """Read the calculations of a run that are finished and have no ``outputs.json`` yet, and write it.

    Folders in which somebody works, and jobs that wait in a queue, are left alone. A calculation that cannot be read,
    or that says itself why it failed, becomes a failed job.

    Parameters
    ----------
    run
        A run folder.
    queued
        Ids of jobs that wait in a queue: what their folders say of a failure is about an earlier attempt.

    Returns
    -------
    tuple of Entry
        Jobs that are done since.

    Raises
    ------
    FolderError
        The disk refuses.
    """
    engine = get_engine(run.engine)
    return tuple(entry for entry in run.entries if entry.id not in queued and _taken(run, entry, engine))


def _taken(run: Run, entry: Entry, engine: Engine) -> bool:
    folder = run.folder(entry)
    if (folder / OUTPUTS).exists() or not (engine.finished(folder) or engine.failure(folder)):
        return False
    try:
        with disk_errors(folder), hold(folder / LOCK, patience=0.0):
            return _read(run, entry, engine, folder)
    except LockedError:
        return False


def _read(run: Run, entry: Entry, engine: Engine, folder: Path) -> bool:
    if not engine.finished(folder):
        _fail(folder, engine.failure(folder))
        return False
    try:
        save_outputs(folder / OUTPUTS, engine.read(run.job(entry), folder))
    except OutputError as error:
        _fail(folder, str(error))
        return False
    (folder / FAILURE).unlink(missing_ok=True)
    return True


def _fail(folder: Path, reason: str) -> None:
    if not (folder / FAILURE).exists():
        write_failure(folder, "EngineError", reason)
