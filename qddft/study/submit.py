"""Hand the jobs of a run to Slurm, with their dependencies, each at most once."""

import secrets
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from qddft.core.errors import FolderError, MachineError
from qddft.core.files import write_json, write_text
from qddft.engines import slurm
from qddft.engines.machine import Machine, megabytes, seconds_of
from qddft.engines.script import chunk_script, folder_script, sbatch_options
from qddft.jobs.disk import disk_errors
from qddft.jobs.folder import FAILURE, JobStatus
from qddft.jobs.lock import hold
from qddft.jobs.run_folder import Entry, Run, load_run
from qddft.study import pbs
from qddft.study.batches import Batch, alone, chunked
from qddft.study.harvest import harvest
from qddft.study.submissions import (
    FOLDER,
    Submission,
    load_submissions,
    queued_jobs,
    save_submission,
    with_id,
    without_jobs,
)

# engines whose jobs are big: each is a job of the queue with MPI ranks of its own
_BIG = ("vasp",)
# beginnings of reasons to leave a job out that hold for those that start from it too; Slurm's queue has dependencies
_HOLDING = ("failed", "somebody", "starts from", "handed to PBS")


@dataclass(frozen=True)
class Prepared:
    """One call of sbatch or qsub, ready to be made.

    Attributes
    ----------
    token
        Name in the queue.
    entries
        The jobs.
    command
        The command as it would be typed; in a rehearsal ``ID1`` stands for the id that the first command will give.
    script
        Text of the script.
    slurm_id
        Id that the queue gave; empty in a rehearsal.
    """

    token: str
    entries: tuple[Entry, ...]
    command: str
    script: str
    slurm_id: str = ""


@dataclass(frozen=True)
class SubmitReport:
    """What ``submit`` did, or would do.

    Attributes
    ----------
    submitted
        Calls of sbatch in order.
    skipped
        Jobs left out, each with the reason.
    to_run
        Script of qsub commands that the user has to run; ``None`` for Slurm.
    """

    submitted: tuple[Prepared, ...]
    skipped: tuple[tuple[Entry, str], ...]
    to_run: Path | None = None


def submit(path: str | Path, machine: Machine, *, dry_run: bool = False, retry_failed: bool = False) -> SubmitReport:
    """Submit the jobs of a run that are neither done, nor failed, nor submitted already.

    Call it as often as you like. It asks the queue what is there, by name, not by id; each job keeps a lock and a done
    marker of its own, so that a queue which starts a job twice does no harm. For PBS it writes the scripts and one file
    of qsub commands, and leaves running that file to the user.

    Parameters
    ----------
    path
        A run folder.
    machine
        Where to.
    dry_run
        Return scripts and commands, write and submit nothing.
    retry_failed
        Submit failed jobs too.

    Raises
    ------
    MachineError
        The queue refuses, does not answer, or has no node that is large enough.
    FolderError
        Not a run, or another process is submitting it, or a path that Slurm cannot take.
    """
    run = load_run(Path(path).resolve())
    if dry_run:
        return _Submitter(run, machine, retry_failed=retry_failed).rehearse()
    if machine.scheduler == "pbs":
        with hold(run.path / "submit.lock"):
            harvest(run)
            return _Submitter(run, machine, retry_failed=retry_failed).leave_to_the_user()
    if "\\" in str(run.path):
        raise FolderError(f"Slurm takes no backslash in the path of its output; rename a folder of {run.path}")
    _check_size(machine, serial=run.engine not in _BIG)
    with hold(run.path / "submit.lock"):
        submissions = load_submissions(run.path)
        queued = queued_jobs(submissions, slurm.queue())
        harvest(run, queued=queued)
        return _Submitter(run, machine, retry_failed=retry_failed).submit(queued)


def cancel(path: str | Path) -> tuple[str, ...]:
    """Cancel what of a run is in the queue; return the ids of the cancelled tasks. What is done stays done.

    Raises
    ------
    MachineError
        The queue does not answer.
    """
    run = load_run(Path(path).resolve())
    tasks = slurm.cancel_named({item.token for item in load_submissions(run.path)})
    return tuple(task.slurm_id for task in tasks)


def retry(path: str | Path, machine: Machine) -> SubmitReport:
    """Submit failed and stopped jobs again; relaxations go on from their last step.

    Raises
    ------
    MachineError
        The queue refuses or does not answer.
    """
    return submit(path, machine, retry_failed=True)


def _check_size(machine: Machine, *, serial: bool) -> None:
    """Refuse what no node of the partition can hold: Slurm would keep it pending for ever."""
    offered = slurm.partition(machine.queue.partition)
    cores = machine.queue.tasks * machine.queue.cpus_per_task
    if cores > offered.cores:
        raise MachineError(
            f"machine {machine.name} asks for {cores} cores on a node (tasks x cpus_per_task in [queue]); the largest "
            f"node of the partition has {offered.cores}"
        )
    memory = machine.queue.memory
    if memory is not None and megabytes(memory) > offered.memory:
        raise MachineError(
            f"machine {machine.name} asks for {memory} of memory on a node; the largest node of the partition has "
            f"{offered.memory} MB"
        )
    if not serial and machine.queue.nodes > offered.nodes:
        raise MachineError(f"machine {machine.name} asks for {machine.queue.nodes} nodes; there are {offered.nodes}")
    if offered.limit is not None and seconds_of(machine.queue.walltime) > offered.limit:
        allowed = f"{offered.limit // 3600} h {offered.limit % 3600 // 60} min"
        raise MachineError(f"machine {machine.name} asks for {machine.queue.walltime}; the partition allows {allowed}")


class _Submitter:
    """Decides what is submitted, and how."""

    def __init__(self, run: Run, machine: Machine, *, retry_failed: bool) -> None:
        self._run, self._machine, self._retry = run, machine, retry_failed
        self._statuses = run.statuses()
        self._serial = run.engine not in _BIG
        self._entries = {entry.id: entry for entry in run.entries}
        # job id -> what a job that starts from it has to wait for
        self._waits: dict[str, str] = {}

    def rehearse(self) -> SubmitReport:
        """Return what would be submitted if the queue were empty."""
        batches, skipped = self._plan({})
        ids: list[str] = []
        calls = []
        pbs_machine = self._machine.scheduler == "pbs"
        for number, batch in enumerate(batches):
            calls.append(self._prepare(batch, _token(batch), ids))
            self._remember(batch, f"job{number}" if pbs_machine else f"ID{number + 1}", ids)
        return SubmitReport(tuple(calls), skipped)

    def leave_to_the_user(self) -> SubmitReport:
        """Write scripts and one file of qsub commands, which hands each job to PBS once."""
        sent = pbs.sent_jobs(self._run.path) if not self._retry else {}
        batches, skipped = self._plan({job_id: f"handed to PBS by {name}" for job_id, name in sent.items()})
        if not batches:
            return SubmitReport((), skipped)
        with disk_errors(self._run.path):
            (self._run.path / FOLDER).mkdir(exist_ok=True)
            calls, ids = [], list[str]()
            for number, batch in enumerate(batches):
                calls.append(self._prepare(batch, _token(batch), ids))
                self._write(batch, calls[-1])
                self._remember(batch, f"job{number}", ids)
            jobs = [entry.id for call in calls for entry in call.entries]
            path = pbs.write_commands(self._run.path, [call.command for call in calls], jobs)
        return SubmitReport(tuple(calls), skipped, path)

    def submit(self, queued: Mapping[str, slurm.QueueTask]) -> SubmitReport:
        """Submit all batches but what is queued, each recorded before and after."""
        # what is done in a chunk that goes on keeps nobody waiting
        done = {key for key, status in self._statuses.items() if status.state == "done"}
        ahead = {key: task.slurm_id for key, task in queued.items() if key not in done}
        self._waits = dict(ahead)
        batches, skipped = self._plan({job_id: f"in the queue as {slurm_id}" for job_id, slurm_id in ahead.items()})
        made: list[Prepared] = []
        ids: list[str] = []
        with disk_errors(self._run.path):
            (self._run.path / FOLDER).mkdir(exist_ok=True)
            for batch in batches:
                try:
                    made.append(self._submit(batch, ids))
                except MachineError as error:
                    if not made:
                        raise
                    raise MachineError(
                        f"{error}\n{len(made)} of {len(batches)} queue jobs were submitted before; correct the cause, "
                        "then submit again for the others"
                    ) from error
        return SubmitReport(tuple(made), skipped)

    def _plan(self, queued: dict[str, str]) -> tuple[tuple[Batch, ...], tuple[tuple[Entry, str], ...]]:
        skipped: dict[str, str] = {}
        wanted = []
        for entry in self._run.entries:
            done = self._statuses[entry.id].state == "done"
            reason = "done" if done else queued.get(entry.id) or self._reason_against(entry, skipped)
            if reason is None:
                wanted.append(entry)
            else:
                skipped[entry.id] = reason
        batches = chunked(wanted, self._machine.chunks.minutes, queued=queued) if self._serial else alone(wanted)
        return batches, tuple((self._entries[job_id], reason) for job_id, reason in skipped.items())

    def _reason_against(self, entry: Entry, skipped: dict[str, str]) -> str | None:
        status: JobStatus = self._statuses[entry.id]
        if status.state == "running":
            return "somebody works on it"
        if status.state == "failed" and not self._retry:
            return f"failed: {status.reason}"
        parent = entry.parent
        if parent is not None and skipped.get(parent, "").startswith(_HOLDING):
            return f"starts from {self._entries[parent].name}, which comes first ({skipped[parent]})"
        return None

    def _prepare(self, batch: Batch, token: str, ids: list[str]) -> Prepared:
        """Return the call for a batch; ``ids`` are those of the batches before it."""
        entries = tuple(entry for task in batch.tasks for entry in task)
        if self._serial:
            script = chunk_script(self._machine, self._run.path, f"{FOLDER}/{token}.json")
        else:
            script = folder_script(self._machine, self._run.folder(entries[0]))
        if self._machine.scheduler == "pbs":
            found = self._dependency(batch, ids).split(":")[1:]
            after = list(dict.fromkeys(item.partition("_")[0] for item in found))
            command = pbs.command(self._machine.queue, batch, token, serial=self._serial, after=after)
        else:
            command = f"sbatch --parsable {shlex.join([*self._options(batch, token, ids), f'{FOLDER}/{token}.sh'])}"
        return Prepared(token, entries, command, script)

    def _options(self, batch: Batch, token: str, ids: list[str]) -> list[str]:
        dependency = self._dependency(batch, ids)
        options = sbatch_options(self._machine.queue, token, serial=self._serial, dependency=dependency)
        # Slurm reads % in the whole path, that of the run too
        place = str(self._run.path / FOLDER / token).replace("%", "%%")
        options.append(f"--output={place}.%A_%a.out" if len(batch.tasks) > 1 else f"--output={place}.out")
        if len(batch.tasks) > 1:
            limit = f"%{self._machine.chunks.at_once}" if self._machine.chunks.at_once else ""
            options.append(f"--array=0-{len(batch.tasks) - 1}{limit}")
        return options

    def _dependency(self, batch: Batch, ids: list[str]) -> str:
        if batch.after is not None and len(batch.tasks) > 1:
            # element by element
            return f"aftercorr:{ids[batch.after]}"
        parents = batch.parents if batch.after is None else (batch.tasks[0][0].parent,)
        found = dict.fromkeys(self._waits[parent] for parent in parents if parent in self._waits)
        return f"afterok:{':'.join(found)}" if found else ""

    def _submit(self, batch: Batch, ids: list[str]) -> Prepared:
        token = _token(batch)
        prepared = self._prepare(batch, token, ids)
        tasks = self._write(batch, prepared)
        now = datetime.now(UTC).isoformat("T", "seconds")
        submission = Submission(token, self._machine.name, "", tasks, now)
        # recorded before it is made: if this process dies in between, the queue is asked for the token
        save_submission(self._run.path, submission)
        script = self._run.path / FOLDER / f"{token}.sh"
        try:
            slurm_id = slurm.submit(self._options(batch, token, ids), script, self._run.path)
        except slurm.RefusedError:
            save_submission(self._run.path, without_jobs(submission))
            raise
        save_submission(self._run.path, with_id(submission, slurm_id))
        self._remember(batch, slurm_id, ids)
        return Prepared(token, prepared.entries, prepared.command, prepared.script, slurm_id)

    def _write(self, batch: Batch, prepared: Prepared) -> tuple[tuple[str, ...], ...]:
        """Write script and list of jobs of a batch; return the ids of the jobs of each element."""
        tasks = tuple(tuple(entry.id for entry in task) for task in batch.tasks)
        place = self._run.path / FOLDER
        write_text(place / f"{prepared.token}.sh", prepared.script)
        write_json(place / f"{prepared.token}.json", {"tasks": tasks})
        for entry in prepared.entries:
            # the reason of the failed attempt must not be taken for one of the next
            (self._run.folder(entry) / FAILURE).unlink(missing_ok=True)
        return tasks

    def _remember(self, batch: Batch, slurm_id: str, ids: list[str]) -> None:
        ids.append(slurm_id)
        for index, task in enumerate(batch.tasks):
            place = f"{slurm_id}_{index}" if len(batch.tasks) > 1 else slurm_id
            self._waits |= dict.fromkeys((entry.id for entry in task), place)


def _token(batch: Batch) -> str:
    first = batch.tasks[0]
    count = sum(len(task) for task in batch.tasks)
    # names of folders hold letters, digits and hyphens only: nothing that squeue's table or a comma list could split
    name = first[0].folder[:40] if count == 1 else f"{count}-jobs"
    return f"qddft-{name}-{secrets.token_hex(5)}"
