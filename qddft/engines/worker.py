"""The process that works on one job folder: ``python -m qddft.engines.worker FOLDER``.

It may be started any number of times, by a driver, by Slurm or by hand: a lock keeps a second one out while it works,
a finished job is left alone, an interrupted one goes on from its checkpoint.
"""

import argparse
import contextlib
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from qddft.core.errors import FolderError, QddftError
from qddft.engines.registry import get_engine
from qddft.engines.start import NotReadyError, starting_point
from qddft.jobs.disk import disk_errors
from qddft.jobs.folder import CHECKPOINT, LOCK, OUTPUTS, clear_attempt, load_job, write_failure
from qddft.jobs.lock import LockedError, hold
from qddft.jobs.progress import Progress, append_progress, drop_progress_from
from qddft.outputs.store import save_outputs

DONE, FAILED, NOT_NOW = 0, 1, 75


def main(arguments: Sequence[str] | None = None) -> int:
    """Work on a job folder; return 0 when it is done, 1 when it failed, 75 when it cannot be worked on now."""
    parser = argparse.ArgumentParser(prog="python -m qddft.engines.worker", description="Work on one job folder.")
    parser.add_argument("folder", type=Path, help="folder with a job.json")
    parser.add_argument("--leash", action="store_true", help="end when standard input is closed")
    options = parser.parse_args(arguments)
    if options.leash:
        threading.Thread(target=_end_with_driver, daemon=True).start()
    try:
        work(options.folder)
    except (LockedError, NotReadyError) as error:
        _log(str(error))
        return NOT_NOW
    except QddftError as error:
        _log(f"failed: {error}")
        return FAILED
    return DONE


def work(folder: Path) -> None:
    """Do the job of a folder unless it is done; its product appears whole or not at all.

    Raises
    ------
    FolderError
        There is no such folder.
    LockedError
        Another process works there.
    NotReadyError
        The parent has not finished.
    QddftError
        The job failed; ``failure.json`` says why.
    """
    if not folder.is_dir():
        raise FolderError(f"there is no job folder {folder}; give one of RUN/jobs")
    with disk_errors(folder), hold(folder / LOCK):
        if (folder / OUTPUTS).exists():
            return
        clear_attempt(folder)
        with _failures_recorded(folder):
            _compute(folder)


def _compute(folder: Path) -> None:
    job = load_job(folder)
    atoms, notes = starting_point(job, folder)
    engine = get_engine(job.level["engine"])
    _log(f"begins {job.name} with {engine.name} as process {os.getpid()} on {socket.gethostname()}")
    outputs = engine.run(job, atoms, folder, _reporter(folder))
    save_outputs(folder / OUTPUTS, replace(outputs, warnings=(*notes, *outputs.warnings)))
    # the product says all that is needed from here on
    for leftover in folder.glob(f"{Path(CHECKPOINT).stem}*"):
        leftover.unlink(missing_ok=True)
    _log("done")


def _reporter(folder: Path) -> Callable[[Progress], None]:
    """Return a function that writes progress; its first line replaces what an earlier attempt did beyond it."""
    first = True

    def report(progress: Progress) -> None:
        nonlocal first
        if first:
            drop_progress_from(folder, progress.step)
            first = False
        append_progress(folder, progress)

    return report


@contextlib.contextmanager
def _failures_recorded(folder: Path) -> Iterator[None]:
    """Write ``failure.json`` for whatever goes wrong inside the block, and let it go on its way."""
    try:
        with disk_errors(folder):
            yield
    except NotReadyError:
        raise
    except QddftError as error:
        _record(folder, type(error).__name__, str(error))
        raise
    except Exception as error:
        name = type(error).__name__
        _record(folder, name, f"{name}: {error}; this is no fault of the input, the traceback is in worker.log")
        raise


def _record(folder: Path, kind: str, reason: str) -> None:
    # a full disk has no room for the reason either; the log and the exit code remain
    with contextlib.suppress(OSError):
        write_failure(folder, kind, reason)


def _end_with_driver() -> None:
    """Wait until the driver's end of the pipe is closed, by its death too, then end with all that was started here."""
    while os.read(0, 1):
        pass
    own_group = os.getpgrp() == os.getpid()
    os.kill(-os.getpid() if own_group else os.getpid(), signal.SIGTERM)


def _log(text: str) -> None:
    now = datetime.now(UTC).isoformat("T", "seconds")
    sys.stderr.write(f"{now} {text}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
