"""Run the jobs of a run folder on this machine, or through any executor, and tell how it goes."""

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, Protocol, runtime_checkable

from qddft.core.errors import EngineError
from qddft.engines.launch import Launcher, Outcome, cores, lost, run_job_folder
from qddft.engines.registry import get_engine
from qddft.jobs.folder import OUTPUTS
from qddft.jobs.lock import hold
from qddft.jobs.progress import Progress, read_progress
from qddft.jobs.run_folder import Entry, Run, load_run
from qddft.study.estimate import TimeLeft, priorities, time_left

# how often the folders of running jobs are looked at, and how long a job that somebody else works on is left alone, s
_LOOK, _LEAVE = 0.3, 2.0

EventKind = Literal["start", "step", "done", "failed", "busy"]


@dataclass(frozen=True)
class Event:
    """Something that happened to a job.

    Attributes
    ----------
    kind
        ``start``, ``step`` (an ionic step), ``done``, ``failed``, or ``busy`` (somebody else works on it).
    entry
        The job.
    progress
        The last ionic step.
    reason
        Why it failed, or who works on it.
    done, total
        Jobs of the run that are done, and all of them.
    left
        How long the rest will take.
    """

    kind: EventKind
    entry: Entry
    progress: Progress | None
    reason: str
    done: int
    total: int
    left: TimeLeft


@dataclass(frozen=True)
class RunReport:
    """What a call of ``run`` did.

    Attributes
    ----------
    done
        Jobs that it finished.
    kept
        Jobs that were done before.
    failed, blocked
        Jobs that failed, and jobs that start from one that failed, each with the reason.
    """

    done: tuple[Entry, ...]
    kept: tuple[Entry, ...]
    failed: tuple[tuple[Entry, str], ...]
    blocked: tuple[tuple[Entry, str], ...]

    @property
    def complete(self) -> bool:
        """All jobs of the run are done."""
        return not self.failed and not self.blocked


@runtime_checkable
class Pool(Protocol):
    """An executor that says what it has to offer."""

    @property
    def slots(self) -> int:
        """Jobs that it takes at once."""

    @property
    def threads(self) -> int:
        """Cores of each."""


def run(
    path: str | Path,
    *,
    workers: int | None = None,
    on_event: Callable[[Event], None] | None = None,
    executor: Executor | None = None,
) -> RunReport:
    """Run the jobs of a run folder that are not done; those that failed are tried again.

    Each job is worked on by a process of its own. When this process is interrupted the workers end and keep their
    last step; the next call goes on there.

    Parameters
    ----------
    path
        A run folder.
    workers
        Jobs at once; by default as many as there are cores, each worker with its share of them.
    on_event
        Called, in this thread, with everything that happens.
    executor
        Sends the jobs elsewhere, to processes that see the same folder; by default threads of this process wait for
        processes on this machine. One with ``slots`` and ``threads`` says how many jobs it takes at once, and how many
        cores each of them has. A job whose future fails with ``EngineError`` has failed.

    Raises
    ------
    LockedError
        Another process drives this run.
    FolderError, EngineError
        Not a run, or its engine is not installed.
    """
    folder = load_run(Path(path))
    available = cores()
    pool = executor if isinstance(executor, Pool) else None
    slots = (pool.slots if pool is not None else available) if workers is None else workers
    if slots < 1:
        raise EngineError(f"a run needs at least one worker, not {slots}")
    # the processes of an executor may have what this machine lacks
    if executor is None and (missing := get_engine(folder.engine).available()) is not None:
        raise EngineError(missing)
    with hold(folder.lock):
        driver = _Driver(folder, slots, on_event, parents=folder)
        if executor is not None:
            threads = pool.threads if pool is not None else 1
            return driver.drive(
                lambda entry: executor.submit(run_job_folder, str(folder.folder(entry).resolve()), threads)
            )
        with _local(slots, max(1, available // slots)) as submit:
            return driver.drive(lambda entry: submit(str(folder.folder(entry))))


def run_chunk(path: str | Path, job_ids: Sequence[str], *, workers: int) -> RunReport:
    """Run some jobs of a run folder beside other processes that run others; what an element of a job array does.

    Parameters
    ----------
    path
        A run folder.
    job_ids
        The jobs, parents before children; parents that are not among them have to be done.
    workers
        Jobs at once.

    Raises
    ------
    FolderError, EngineError
        Not a run, a job that it does not plan, or its engine is not installed.
    """
    folder = load_run(Path(path))
    if (missing := get_engine(folder.engine).available()) is not None:
        raise EngineError(missing)
    chosen = replace(folder, entries=tuple(folder.entry(job_id) for job_id in job_ids))
    driver = _Driver(chosen, workers, None, parents=folder)
    with _local(workers, 1) as submit:
        return driver.drive(lambda entry: submit(str(folder.folder(entry))))


@contextmanager
def _local(slots: int, threads: int) -> Iterator[Callable[[str], "Future[Outcome]"]]:
    """Give a function that starts a worker; whatever ends the block ends the workers."""
    launcher = Launcher(threads)
    with ThreadPoolExecutor(slots, thread_name_prefix="qddft-worker") as pool:
        try:
            yield lambda folder: pool.submit(launcher.run, folder)
        finally:
            launcher.stop()


class _Driver:
    """Decides what runs next; all its knowledge of jobs comes from their folders."""

    def __init__(self, run_folder: Run, slots: int, on_event: Callable[[Event], None] | None, *, parents: Run) -> None:
        self._run = run_folder
        self._parents = {entry.id: entry for entry in parents.entries}
        self._slots = slots
        self._tell = on_event
        self._entries = {entry.id: entry for entry in run_folder.entries}
        self._order = priorities(run_folder.entries)
        self._kept = tuple(entry for entry in run_folder.entries if self._is_done(entry))
        self._done = {entry.id for entry in self._kept}
        self._failed: dict[str, str] = {}
        self._steps = {entry.id: read_progress(run_folder.folder(entry)) for entry in run_folder.entries}
        self._elsewhere: set[str] = set()
        self._not_before: dict[str, float] = {}

    def drive(self, submit: Callable[[Entry], "Future[Outcome]"]) -> RunReport:
        """Submit what is ready, and look, until nothing is left that can be done."""
        running: dict[Future[Outcome], Entry] = {}
        try:
            while True:
                self._fill(running, submit)
                if not running and not self._not_before:
                    return self._report()
                finished, _ = wait(running, timeout=_LOOK, return_when=FIRST_COMPLETED)
                if not running:
                    time.sleep(_LOOK)
                for entry in running.values():
                    self._look(entry)
                for future in finished:
                    entry = running.pop(future)
                    self._finish(entry, self._outcome(entry, future))
        finally:
            for future in running:
                future.cancel()

    def _fill(self, running: "dict[Future[Outcome], Entry]", submit: Callable[[Entry], "Future[Outcome]"]) -> None:
        under_way = {entry.id for entry in running.values()}
        ready = [entry for entry in self._entries.values() if entry.id not in under_way and self._is_ready(entry)]
        # the longest chain of work first, so that it does not end up alone at the end
        for entry in sorted(ready, key=lambda entry: -self._order[entry.id])[: max(0, self._slots - len(running))]:
            self._not_before.pop(entry.id, None)
            if entry.id not in self._elsewhere:
                self._emit("start", entry)
            running[submit(entry)] = entry

    def _is_ready(self, entry: Entry) -> bool:
        if entry.id in self._done or entry.id in self._failed:
            return False
        if time.monotonic() < self._not_before.get(entry.id, 0.0):
            return False
        return entry.parent is None or entry.parent in self._done or self._is_done(self._parents[entry.parent])

    def _is_done(self, entry: Entry) -> bool:
        return (self._run.folder(entry) / OUTPUTS).exists()

    def _look(self, entry: Entry) -> None:
        """Tell about the steps that a running job has done since the last look."""
        known = self._steps[entry.id]
        self._steps[entry.id] = read_progress(self._run.folder(entry))
        for step in self._steps[entry.id]:
            if step not in known:
                self._emit("step", entry, step)

    def _outcome(self, entry: Entry, future: "Future[Outcome]") -> Outcome:
        """Return how a job ended, also when nobody is left who could tell."""
        try:
            return future.result()
        except EngineError as error:
            if self._is_done(entry):
                return Outcome("done")
            return lost(self._run.folder(entry), str(error))

    def _finish(self, entry: Entry, outcome: Outcome) -> None:
        self._look(entry)
        if outcome.kind == "done":
            self._done.add(entry.id)
            self._emit("done", entry)
        elif outcome.kind == "failed":
            self._failed[entry.id] = outcome.reason
            self._emit("failed", entry, reason=outcome.reason)
        elif outcome.kind == "busy":
            self._not_before[entry.id] = time.monotonic() + _LEAVE
            if entry.id not in self._elsewhere:
                self._elsewhere.add(entry.id)
                self._emit("busy", entry, reason=outcome.reason)

    def _emit(self, kind: EventKind, entry: Entry, progress: Progress | None = None, reason: str = "") -> None:
        if self._tell is None:
            return
        steps = self._steps[entry.id]
        left = time_left(self._run.entries, self._steps, frozenset(self._done), self._slots)
        last = progress or (steps[-1] if steps else None)
        self._tell(Event(kind, entry, last, reason, len(self._done), len(self._entries), left))

    def _report(self) -> RunReport:
        kept = {entry.id for entry in self._kept}
        blocked: dict[str, str] = {}
        for entry in self._run.entries:
            if entry.id in self._done or entry.id in self._failed or entry.parent is None:
                continue
            why = self._failed.get(entry.parent) or blocked.get(entry.parent, "it has not run")
            blocked[entry.id] = f"starts from {self._parents[entry.parent].name}, which is not done: {why}"
        return RunReport(
            done=tuple(entry for entry in self._run.entries if entry.id in self._done - kept),
            kept=self._kept,
            failed=tuple((self._entries[key], reason) for key, reason in self._failed.items()),
            blocked=tuple((self._entries[key], reason) for key, reason in blocked.items()),
        )
