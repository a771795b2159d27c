"""Pilot jobs as Parsl sees them: started, looked at, ended. Nothing passes through a shell but a quoted script."""

import contextlib
import os
import secrets
import signal
import subprocess
import threading
import time
from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from parsl.jobs.states import JobState, JobStatus
from parsl.providers.base import ExecutionProvider

from qddft.core.errors import MachineError
from qddft.core.files import write_text
from qddft.engines import slurm
from qddft.engines.machine import seconds_of
from qddft.engines.script import sbatch_options
from qddft.study.pilots.script import block_script
from qddft.study.pilots.settings import Pilots
from qddft.study.pilots.setup import KEYS, LABEL
from qddft.study.submissions import Submission, load_submissions, save_submission, with_id

# names of pilot jobs in the queue begin so
PREFIX = "parsl."
# how often Slurm and this computer are asked, s
_ASK_SLURM, _ASK_HERE = 10, 1
# a pilot job that ended this shortly before its walltime ended of age; Slurm counts minutes
_OF_AGE = 90.0
# how long processes may take to end after they were asked to, s
_GRACE = 3.0
_LONGEST_PAUSE = 60.0
_TAIL = 600


@dataclass
class _Block:
    script: Path
    state: JobState = JobState.PENDING
    since: float | None = None
    unwanted: bool = False


class Blocks(ExecutionProvider):  # type: ignore[misc]
    """Pilot jobs of one driver.

    Parameters
    ----------
    pilots
        What they are to be like.
    give_up
        Called when there is no use in going on.
    """

    def __init__(self, pilots: Pilots, give_up: Callable[[MachineError], None]) -> None:
        self._pilots, self._give_up = pilots, give_up
        self._folder = Path.cwd()
        self._guard = threading.Lock()
        self._blocks: dict[str, _Block] = {}
        self._closed = False
        self._lost = 0
        self._not_before = 0.0
        # what Parsl asks of a provider
        self.nodes_per_block, self.max_blocks = pilots.block.nodes, pilots.blocks
        self.init_blocks = self.min_blocks = 0
        self.parallelism = 1.0
        self.cores_per_node = self.mem_per_node = None
        # Parsl says where, before it asks for the first pilot job
        self.script_dir = ""
        self.resources: dict[object, object] = {}

    @property
    def label(self) -> str:
        """Name for logs."""
        return self._pilots.provider

    @property
    def status_polling_interval(self) -> int:
        """Seconds between two looks."""
        return _ASK_HERE if self._pilots.provider == "local" else _ASK_SLURM

    def submit(self, command: str, tasks_per_node: int, job_name: str = "parsl.auto") -> str:  # noqa: ARG002
        """Start a pilot job and return its name, which is unique."""
        if self._closed or time.monotonic() < self._not_before:
            raise MachineError("no new pilot job now")
        name = f"{job_name}-{secrets.token_hex(5)}"
        place = Path(self.script_dir)
        script = place / f"{name}.sh"
        paths = {"logs": place.parent / LABEL, "keys": place.parent.parent / KEYS}
        write_text(script, block_script(self._pilots, command, self._folder, **paths))
        try:
            self._start(name, script)
        except MachineError as error:
            if not self._blocks:
                self._give_up(error)
            else:
                self._lose(str(error))
            raise
        with self._guard:
            self._blocks[name] = _Block(script)
        return name

    def status(self, job_ids: Sequence[object]) -> list[JobStatus]:
        """Return how pilot jobs are, and count those that were lost."""
        alive = self._look()
        with self._guard:
            blocks = dict(self._blocks)
        for name, block in blocks.items():
            if alive is None or block.state is JobState.COMPLETED:
                continue
            block.state = alive.get(name, JobState.COMPLETED)
            if block.state is JobState.RUNNING and block.since is None:
                block.since = time.monotonic()
            if block.state is JobState.COMPLETED:
                self._leave(name)
                if not block.unwanted and not self._closed and not self._of_age(block):
                    self._lose(_last_words(block.script))
        return [JobStatus(blocks[str(name)].state) for name in job_ids]

    def cancel(self, job_ids: Sequence[object]) -> list[bool]:
        """End pilot jobs."""
        names = [str(name) for name in job_ids]
        with self._guard:
            for name in names:
                self._blocks[name].unwanted = True
        if not self._closed:
            self._end(names)
        return [True for _ in names]

    def result_came(self) -> None:
        """Forget the losses before: workers work."""
        self._lost = 0

    def close(self) -> None:
        """End all pilot jobs; no more can be started."""
        self._closed = True
        with self._guard:
            names = list(self._blocks)
        self._end(names)

    def _lose(self, why: str) -> None:
        self._lost += 1
        # the first one is replaced at once
        self._not_before = time.monotonic() + min(_LONGEST_PAUSE, 2.0 ** (self._lost - 1) - 1)
        if self._lost > self._pilots.lost_blocks:
            self._give_up(
                MachineError(
                    f"{self._lost} pilot jobs were lost without a result in between (lost_blocks = "
                    f"{self._pilots.lost_blocks}), the last one with: {why}\ntheir output is in {self.script_dir}; "
                    "run again when the cause is gone, nothing is lost"
                )
            )

    def _of_age(self, block: _Block) -> bool:
        limited = self._pilots.provider == "slurm" and block.since is not None
        return limited and time.monotonic() - (block.since or 0) > seconds_of(self._pilots.block.walltime) - _OF_AGE

    @abstractmethod
    def _start(self, name: str, script: Path) -> None:
        """Start a pilot job."""

    @abstractmethod
    def _look(self) -> dict[str, JobState] | None:
        """Return the pilot jobs that are there; ``None`` when nobody knows."""

    @abstractmethod
    def _end(self, names: Sequence[str]) -> None:
        """End pilot jobs."""

    def _leave(self, name: str) -> None:
        """Clear away what a pilot job left."""


class LocalBlocks(Blocks):
    """Pilot jobs that are process groups of this computer."""

    def __init__(self, pilots: Pilots, give_up: Callable[[MachineError], None]) -> None:
        super().__init__(pilots, give_up)
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    def _start(self, name: str, script: Path) -> None:
        with script.with_suffix(".out").open("ab") as log:
            self._processes[name] = subprocess.Popen(
                ["bash", str(script)], stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )

    def _look(self) -> dict[str, JobState]:
        return {name: JobState.RUNNING for name, process in list(self._processes.items()) if process.poll() is None}

    def _end(self, names: Sequence[str]) -> None:
        groups = [self._processes[name] for name in names if name in self._processes]
        for process in groups:
            _signal(process, signal.SIGTERM)
        deadline = time.monotonic() + _GRACE
        for process in groups:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(max(0.0, deadline - time.monotonic()))
        for process in groups:
            _signal(process, signal.SIGKILL)
            process.wait()

    def _leave(self, name: str) -> None:
        # the shell is dead; others of its group may not be
        _signal(self._processes[name], signal.SIGKILL)


class SlurmBlocks(Blocks):
    """Pilot jobs in the queue of Slurm, recorded in the run folder before they are submitted.

    Parameters
    ----------
    pilots, give_up
        As for ``Blocks``.
    run
        The run folder.
    """

    def __init__(self, pilots: Pilots, give_up: Callable[[MachineError], None], *, run: Path) -> None:
        super().__init__(pilots, give_up)
        self._run = run

    def _start(self, name: str, script: Path) -> None:
        now = datetime.now(UTC).isoformat("T", "seconds")
        submission = Submission(name, "parsl", "", (), now)
        save_submission(self._run, submission)
        # workers that start again on another node would be strangers to their driver
        options = [*sbatch_options(self._pilots.queue, name, serial=False), "--no-requeue", f"--output={name}.out"]
        slurm_id = slurm.submit(options, script, script.parent)
        save_submission(self._run, with_id(submission, slurm_id))

    def _look(self) -> dict[str, JobState] | None:
        try:
            tasks = slurm.queue()
        except MachineError:
            return None
        waiting = ("PENDING", "CONFIGURING", "REQUEUED", "REQUEUE_HOLD")
        return {task.token: JobState.PENDING if task.state in waiting else JobState.RUNNING for task in tasks}

    def _end(self, names: Sequence[str]) -> None:
        slurm.cancel_named(set(names))


def cancel_leftovers(run: Path) -> None:
    """Cancel the pilot jobs that a driver of this run left in the queue when it was killed; no others.

    Raises
    ------
    MachineError
        The queue does not answer.
    """
    names = {item.token for item in load_submissions(run) if item.token.startswith(PREFIX)}
    if names:
        slurm.cancel_named(names)


def _signal(process: "subprocess.Popen[bytes]", number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)


def _last_words(script: Path) -> str:
    output = script.with_suffix(".out")
    if not output.exists():
        return "it said nothing"
    return output.read_text(encoding="utf-8", errors="replace")[-_TAIL:].strip() or "it said nothing"
