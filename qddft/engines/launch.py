"""Start workers as processes of their own, and end them."""

import contextlib
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from qddft.engines.worker import DONE, FAILED, NOT_NOW
from qddft.jobs.folder import FAILURE, LOCK, LOG, failure_reason, write_failure
from qddft.jobs.lock import holder, is_held

_THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
# how long a worker may take to end after it was asked to, s
_GRACE = 5.0
# how often a worker of a pool looks whether the job that it waits for has ended, s
_LOOK = 0.5


@dataclass(frozen=True)
class Outcome:
    """How an attempt at a job ended.

    Attributes
    ----------
    kind
        ``done``, ``failed``, ``busy`` (another process works there, or the parent is not done) or ``stopped``.
    reason
        Why, unless it is done.
    """

    kind: Literal["done", "failed", "busy", "stopped"]
    reason: str = ""


def cores() -> int:
    """Return the number of processor cores this process may use."""
    # Linux knows about the share of a batch job; other systems do not
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def run_job_folder(folder: str, threads: int) -> Outcome:
    """Work on a job folder in a process of its own; what an executor on another machine is given to do.

    When this is a worker of a pool and the pool dies, the job ends too: others may already have been given it.
    """
    launcher, over = Launcher(threads), threading.Event()
    threading.Thread(target=_end_with_pool, args=(launcher, over), daemon=True).start()
    try:
        return launcher.run(folder)
    finally:
        over.set()


def _end_with_pool(launcher: "Launcher", over: threading.Event) -> None:
    pool = multiprocessing.parent_process()
    while pool is not None and not over.is_set():
        pool.join(_LOOK)
        if not pool.is_alive():
            launcher.stop()
            return


class Launcher:
    """Runs workers, each on a leash: when this process dies, however it dies, so do they.

    Parameters
    ----------
    threads
        Threads that each worker may use.
    """

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self._guard = threading.Lock()
        self._running: set[subprocess.Popen[bytes]] = set()
        self._stopped = False

    def run(self, folder: str) -> Outcome:
        """Work on a job folder and wait for the end."""
        path = Path(folder)
        process = self._start(path)
        if process is None:
            return Outcome("stopped")
        try:
            code = process.wait()
        finally:
            with self._guard:
                self._running.discard(process)
            if process.stdin is not None:
                process.stdin.close()
        return Outcome("stopped") if self._stopped and code < 0 else _outcome(path, code)

    def stop(self) -> None:
        """End all workers; they keep their last checkpoint."""
        with self._guard:
            self._stopped = True
            running = tuple(self._running)
        for process in running:
            _signal(process, signal.SIGTERM)
        for process in running:
            try:
                process.wait(_GRACE)
            except subprocess.TimeoutExpired:
                _signal(process, signal.SIGKILL)

    def _start(self, folder: Path) -> "subprocess.Popen[bytes] | None":
        # threads that spin while they wait take the cores of other workers: twice the time on a busy machine (measured)
        waiting = {"OMP_WAIT_POLICY": "PASSIVE"}
        environment = {**waiting, **os.environ, **dict.fromkeys(_THREAD_VARIABLES, str(self._threads))}
        command = [sys.executable, "-m", "qddft.engines.worker", "--leash", str(folder)]
        with self._guard, (folder / LOG).open("ab") as log:
            if self._stopped:
                return None
            process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=log, stderr=log, env=environment, start_new_session=True
            )
            self._running.add(process)
        return process


def _signal(process: "subprocess.Popen[bytes]", number: signal.Signals) -> None:
    # the worker leads a group of its own, so that programs it has started end with it
    if process.poll() is None:
        # it may end between the question and the signal
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)


def _outcome(folder: Path, code: int) -> Outcome:
    if code == DONE:
        return Outcome("done")
    if code == NOT_NOW:
        return Outcome("busy", f"in use by {holder(folder / LOCK)}" if is_held(folder / LOCK) else _last_line(folder))
    if code == FAILED and (folder / FAILURE).exists():
        return Outcome("failed", failure_reason(folder))
    return lost(folder, _why(folder, code))


def lost(folder: Path, reason: str) -> Outcome:
    """Record in a job folder that its worker ended without a word, and return that as an outcome."""
    # a full disk has no room for the reason
    with contextlib.suppress(OSError):
        write_failure(folder, "WorkerError", reason)
    return Outcome("failed", reason)


def _why(folder: Path, code: int) -> str:
    if code >= 0:
        return f"the worker ended with code {code}: {_last_line(folder)}"
    name = signal.Signals(-code).name
    hint = ", most often because memory ran out" if code == -signal.SIGKILL else ""
    return f"the worker was killed by {name}{hint}; run again to go on from the last step"


def _last_line(folder: Path) -> str:
    lines = (folder / LOG).read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return lines[-1] if lines else "it said nothing"
