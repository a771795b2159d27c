"""Which jobs of a run go into one job of the queue together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from qddft.jobs.run_folder import Entry
from qddft.study.estimate import ASSUMED_STEPS, ATOMS_POWER

# GFN2-xTB energy and forces, one thread: 7.5 s for 126 atoms (measured)
_SECONDS, _ATOMS = 7.5, 126
# an array has at most this many elements (Slurm's default limit is 1001)
MAX_ELEMENTS = 1000


@dataclass(frozen=True)
class Batch:
    """One job, or one array, of the queue.

    Attributes
    ----------
    tasks
        Jobs of each element; an element does its jobs in this order.
    parents
        Ids of jobs outside that have to be done first.
    """

    tasks: tuple[tuple[Entry, ...], ...]
    parents: tuple[str, ...]


def alone(entries: Sequence[Entry]) -> tuple[Batch, ...]:
    """Return a batch for each job: what big jobs want."""
    return tuple(Batch(((entry,),), () if entry.parent is None else (entry.parent,)) for entry in entries)


def chunked(entries: Sequence[Entry], minutes: float) -> tuple[Batch, ...]:
    """Return arrays of chunks of about equal length.

    A job and all that start from it stay in one chunk, so that chunks wait for nothing but jobs that were submitted
    earlier: jobs with such a parent make batches of their own, one for each parent.

    Parameters
    ----------
    entries
        Jobs to submit, parents before children.
    minutes
        Estimated length of a chunk.
    """
    chosen = {entry.id for entry in entries}
    families: dict[str, list[Entry]] = {}
    root: dict[str, str] = {}
    for entry in entries:
        root[entry.id] = root.get(entry.parent, entry.id) if entry.parent is not None else entry.id
        families.setdefault(root[entry.id], []).append(entry)
    by_parent: dict[str | None, list[tuple[Entry, ...]]] = {}
    for members in families.values():
        outside = members[0].parent
        by_parent.setdefault(None if outside in chosen else outside, []).append(tuple(members))
    batches = []
    for parent, groups in by_parent.items():
        chunks = _packed(groups, minutes * 60)
        parts = [chunks[first : first + MAX_ELEMENTS] for first in range(0, len(chunks), MAX_ELEMENTS)]
        batches += [Batch(tuple(part), () if parent is None else (parent,)) for part in parts]
    return tuple(batches)


def estimated_seconds(entry: Entry) -> float:
    """Return the length of a job in GFN2-xTB on one thread, s."""
    steps = 1 if entry.task == "static" else ASSUMED_STEPS
    return float(steps * _SECONDS * (entry.atoms / _ATOMS) ** ATOMS_POWER)


def dependencies(batch: Batch, ids: Mapping[str, str]) -> tuple[str, ...]:
    """Return the queue ids that a batch waits for; ``ids`` gives them by job for those that are not done."""
    return tuple(dict.fromkeys(ids[parent] for parent in batch.parents if parent in ids))


def _packed(groups: Sequence[tuple[Entry, ...]], seconds: float) -> list[tuple[Entry, ...]]:
    """Put groups one after another into chunks until each is full."""
    chunks: list[tuple[Entry, ...]] = []
    length = 0.0
    for group in groups:
        cost = sum(estimated_seconds(entry) for entry in group)
        if chunks and length + cost <= seconds:
            chunks[-1] = (*chunks[-1], *group)
            length += cost
        else:
            chunks.append(group)
            length = cost
    return chunks
