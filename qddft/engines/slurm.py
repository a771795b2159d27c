"""The commands of Slurm, called with argument lists: nothing passes through a shell."""

import re
import shutil
import subprocess
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from qddft.core.errors import MachineError

_TIMEOUT = 120
# one line a task: job id with array index, name, state, reason, array index
_FORMAT = "%i|%j|%T|%r|%K"
# how scancel names a job that it could not cancel
_REFUSED_ID = re.compile(r"job id (\d+)")
_MOMENT = 1.0
# ids in one call of scancel
_AT_ONCE = 500


class RefusedError(MachineError):
    """Slurm answered, and the answer was no."""


@dataclass(frozen=True)
class QueueTask:
    """A task that the queue knows.

    Attributes
    ----------
    slurm_id
        ``123`` or, in an array, ``123_4``.
    token
        Name under which it was submitted, unique for a submission.
    state
        ``PENDING``, ``RUNNING``, ``COMPLETING`` ...
    reason
        Why it is pending.
    index
        Place in its array; 0 for a job without one.
    """

    slurm_id: str
    token: str
    state: str
    reason: str
    index: int


def submit(options: Sequence[str], script: Path, folder: Path) -> str:
    """Hand a script to sbatch and return the job id.

    Raises
    ------
    MachineError
        sbatch is not here, or refuses; the message is Slurm's.
    """
    answer = _call(["sbatch", "--parsable", f"--chdir={folder}", *options, str(script)])
    return answer.strip().partition(";")[0]


def queue() -> tuple[QueueTask, ...]:
    """Return all tasks of this user that are pending or running.

    Raises
    ------
    MachineError
        squeue is not here or does not answer; nothing may be concluded from that.
    """
    lines = _call(["squeue", "--me", "--noheader", "--array", f"--format={_FORMAT}"]).splitlines()
    return tuple(_task(line) for line in lines if line.count("|") == _FORMAT.count("|"))


def cancel(ids: Sequence[str]) -> None:
    """Cancel jobs of this user, whole arrays by the id without index.

    Parameters
    ----------
    ids
        From an answer of ``queue`` a moment ago: after a crash of the controller an older id may be another's.

    Raises
    ------
    MachineError
        scancel is not here or refuses.
    """
    for first in range(0, len(ids), _AT_ONCE):
        _call(["scancel", "--me", *ids[first : first + _AT_ONCE]])


def cancel_named(names: Collection[str]) -> tuple[QueueTask, ...]:
    """Cancel what the queue has under these names now; return the tasks that were cancelled.

    Names, not ids: a controller that crashed gives ids twice. Slurm refuses a task that has ended since the queue was
    asked; that is no failure, and it is left out of the answer.

    Raises
    ------
    MachineError
        The queue does not answer, or refuses to cancel what still runs.
    """
    tasks = _alive(names)
    try:
        cancel(_whole(tasks))
    except RefusedError as refusal:
        ended = set(_REFUSED_ID.findall(str(refusal)))
        time.sleep(_MOMENT)
        # the others of the same call are cancelled all the same; what is left says whether the refusal was one
        cancel(_whole(_alive(names)))
        return tuple(task for task in tasks if task.slurm_id.partition("_")[0] not in ended)
    return tasks


def _alive(names: Collection[str]) -> tuple[QueueTask, ...]:
    return tuple(task for task in queue() if task.token in names and task.state != "COMPLETING")


def _whole(tasks: Sequence[QueueTask]) -> list[str]:
    """Return each id once, arrays by the id without index."""
    return list(dict.fromkeys(task.slurm_id.partition("_")[0] for task in tasks))


@dataclass(frozen=True)
class Partition:
    """What the nodes of a partition have.

    Attributes
    ----------
    cores
        Of the largest node.
    memory
        Of the largest node, MB.
    nodes
        Number of nodes.
    limit
        Longest walltime, s; ``None`` without one.
    """

    cores: int
    memory: int
    nodes: int
    limit: int | None


def partition(name: str | None) -> Partition:
    """Return what a partition offers; the default one without a name.

    Raises
    ------
    MachineError
        There is no such partition.
    """
    lines = _call(["sinfo", "--noheader", "--format=%P|%c|%D|%l|%m"]).splitlines()
    rows = [line.split("|") for line in lines if line.count("|") == 4]
    wanted = [row for row in rows if (row[0].endswith("*") if name is None else row[0].rstrip("*") == name)]
    if not wanted:
        known = ", ".join(sorted({row[0].rstrip("*") for row in rows})) or "none"
        asked = f"no partition {name!r}" if name else "no default partition; set 'partition' in [queue]"
        raise MachineError(f"Slurm has {asked}; it has: {known}")
    cores, memory = (max(int(row[column].rstrip("+")) for row in wanted) for column in (1, 4))
    return Partition(cores, memory, sum(int(row[2]) for row in wanted), limit_seconds(wanted[0][3]))


def limit_seconds(text: str) -> int | None:
    """Return the seconds of a limit as Slurm writes it: ``10:00``, ``1:00:00``, ``7-00:00:00``, ``infinite``."""
    days, _, clock = text.strip().rpartition("-")
    parts = clock.split(":")
    if not all(part.isdigit() for part in parts) or not (days.isdigit() or not days):
        return None
    seconds = 0
    for part in parts:
        seconds = 60 * seconds + int(part)
    return int(days or 0) * 86400 + (seconds if len(parts) > 1 else 60 * seconds)


def _task(line: str) -> QueueTask:
    slurm_id, token, state, reason, index = line.split("|")
    return QueueTask(slurm_id, token, state, reason, int(index) if index.isdigit() else 0)


def _call(command: list[str]) -> str:
    if shutil.which(command[0]) is None:
        raise MachineError(f"there is no {command[0]} here; run this where Slurm's commands are, on a login node")
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT, check=False)
    except subprocess.TimeoutExpired as error:
        raise MachineError(f"{command[0]} has not answered for {_TIMEOUT} s; try again later") from error
    if done.returncode:
        raise RefusedError(f"{command[0]} refuses: {done.stderr.strip() or done.stdout.strip() or 'no reason given'}")
    return done.stdout
