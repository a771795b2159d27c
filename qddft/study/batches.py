"""Which jobs of a run go into one job of the queue together."""

from collections.abc import Container, Sequence
from dataclasses import dataclass
from typing import TypeVar

from qddft.jobs.run_folder import Entry
from qddft.study.estimate import ASSUMED_STEPS, ATOMS_POWER

# GFN2-xTB energy and forces, one thread: 7.5 s for 126 atoms (measured)
_SECONDS, _ATOMS = 7.5, 126
# an array has at most this many elements (Slurm's default limit is 1001)
MAX_ELEMENTS = 1000

_Element = TypeVar("_Element")


@dataclass(frozen=True)
class Batch:
    """One job, or one array, of the queue.

    Attributes
    ----------
    tasks
        Jobs of each element; an element does its jobs in this order.
    parents
        Ids of jobs outside that have to be done first.
    after
        Place of an earlier array, from 0, whose element ``i`` has to have succeeded before element ``i`` of this one.
    """

    tasks: tuple[tuple[Entry, ...], ...]
    parents: tuple[str, ...]
    after: int | None = None


def alone(entries: Sequence[Entry]) -> tuple[Batch, ...]:
    """Return a batch for each job: what big jobs want."""
    return tuple(Batch(((entry,),), () if entry.parent is None else (entry.parent,)) for entry in entries)


def chunked(entries: Sequence[Entry], minutes: float, *, queued: Container[str] = ()) -> tuple[Batch, ...]:
    """Return arrays of chunks of about equal length.

    A job and all that start from it stay in one chunk when they are short together. A longer family is divided by
    generations: an array of first jobs, then an array of those that start from them, element behind element, so that
    one failure keeps nobody else's children waiting. Jobs whose parent is in the queue make batches of their own, one
    for each parent.

    Parameters
    ----------
    entries
        Jobs to submit, parents before children.
    minutes
        Estimated length of a chunk.
    queued
        Ids of jobs in the queue; other parents that are not among ``entries`` are done.
    """
    families: dict[str, list[Entry]] = {}
    root: dict[str, str] = {}
    for entry in entries:
        root[entry.id] = root.get(entry.parent, entry.id) if entry.parent is not None else entry.id
        families.setdefault(root[entry.id], []).append(entry)
    by_parent: dict[str | None, list[tuple[Entry, ...]]] = {}
    for members in families.values():
        outside = members[0].parent
        by_parent.setdefault(outside if outside in queued else None, []).append(tuple(members))
    batches: list[Batch] = []
    for parent, groups in by_parent.items():
        parents = () if parent is None else (parent,)
        is_long = [len(group) > 1 and _seconds(group) > minutes * 60 for group in groups]
        short = [group for group, long in zip(groups, is_long, strict=True) if not long]
        divided = [_generations(group) for group, long in zip(groups, is_long, strict=True) if long]
        batches += [Batch(tuple(chunks), parents) for chunks in _parts(_packed(short, minutes * 60))]
        # those with most generations first: the arrays of later generations are shorter
        for part in _parts(sorted(divided, key=len, reverse=True)):
            for number in range(len(part[0])):
                tasks = tuple(family[number] for family in part if number < len(family))
                batches.append(Batch(tasks, () if number else parents, len(batches) - 1 if number else None))
    return tuple(batches)


def estimated_seconds(entry: Entry) -> float:
    """Return the length of a job in GFN2-xTB on one thread, s."""
    steps = 1 if entry.task == "static" else ASSUMED_STEPS
    return float(steps * _SECONDS * (entry.atoms / _ATOMS) ** ATOMS_POWER)


def _seconds(group: Sequence[Entry]) -> float:
    return sum(estimated_seconds(entry) for entry in group)


def _parts(elements: Sequence[_Element]) -> list[Sequence[_Element]]:
    return [elements[first : first + MAX_ELEMENTS] for first in range(0, len(elements), MAX_ELEMENTS)]


def _generations(family: Sequence[Entry]) -> tuple[tuple[Entry, ...], ...]:
    """Return the first job of a family, then those that start from it, then those that start from these."""
    depth: dict[str, int] = {}
    for entry in family:
        depth[entry.id] = depth.get(entry.parent, -1) + 1 if entry.parent is not None else 0
    last = max(depth.values())
    return tuple(tuple(entry for entry in family if depth[entry.id] == number) for number in range(last + 1))


def _packed(groups: Sequence[tuple[Entry, ...]], seconds: float) -> list[tuple[Entry, ...]]:
    """Put groups one after another into chunks until each is full."""
    chunks: list[tuple[Entry, ...]] = []
    length = 0.0
    for group in groups:
        cost = _seconds(group)
        if chunks and length + cost <= seconds:
            chunks[-1] = (*chunks[-1], *group)
            length += cost
        else:
            chunks.append(group)
            length = cost
    return chunks
