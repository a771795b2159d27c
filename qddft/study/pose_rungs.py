"""Relax the starts of a search in rungs: all chosen ones for a few steps, the best of them further, the best of all on.

Which starts go on is decided by energies alone, so that a search that was killed anywhere ends the same.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from qddft.atoms.pose_motif import Motif, motif_of
from qddft.atoms.pose_selection import Kind, choose, twins
from qddft.atoms.pose_symmetry import FaceSymmetry
from qddft.core.errors import EngineError
from qddft.jobs.folder import OUTPUTS, failure_reason
from qddft.jobs.job import FinalOf, Given, Job
from qddft.jobs.run_folder import Run
from qddft.outputs.store import load_outputs
from qddft.study.pose_request import Rung
from qddft.study.pose_results import SAME_MINIMUM, Finished, Start, energy_of, ligand_shape

if TYPE_CHECKING:
    from ase import Atoms

# makes the job that relaxes a start: its name, where it begins, how many steps
MakeJob = Callable[[str, Given | FinalOf, int], Job]
# plans jobs beside those of the run and computes them
Compute = Callable[[Sequence[Job]], Run]


@dataclass(frozen=True)
class Climb:
    """What the rungs of a search work with.

    Attributes
    ----------
    symmetry
        Of the clean face.
    make
        Makes the jobs.
    compute
        Computes them.
    """

    symmetry: FaceSymmetry
    make: MakeJob
    compute: Compute


@dataclass(frozen=True)
class Relaxed:
    """What the relaxations ended in.

    Attributes
    ----------
    finished
        The last structure of every start that was relaxed.
    problems
        What failed, in words.
    evaluations
        Energies with forces that were computed.
    """

    finished: tuple[Finished, ...]
    problems: tuple[str, ...]
    evaluations: int


@dataclass(frozen=True)
class _Under:
    """A start on its way: what its last finished relaxation was and gave, ``None`` before the first."""

    start: Start
    initial: "Atoms"
    job: Job | None = None
    last: Finished | None = None

    @property
    def rests(self) -> bool:
        """The forces have converged; there is nowhere to go on to."""
        return self.last is not None and bool(self.last.outputs.ionically_converged)


def relaxed_in_rungs(
    starts: Sequence[Start], initial: "Mapping[int, Atoms]", rungs: Sequence[Rung], climb: Climb
) -> Relaxed:
    """Relax starts in rungs and return where each of them ended.

    Parameters
    ----------
    starts
        With their energies; those without are left out.
    initial
        Their structures by number.
    rungs
        How many go how far.
    climb
        How jobs are made and computed.

    Raises
    ------
    EngineError
        No relaxation succeeded.
    """
    first = best_starts(starts, initial, climb.symmetry, rungs[0].count)
    climbing = {start.number: _Under(start, initial[start.number]) for start in first}
    jobs: list[Job] = []
    problems: list[str] = []
    spent, before = 0, 0
    for number, rung in enumerate(rungs):
        chosen = list(climbing) if number == 0 else _best(climbing, climb.symmetry, rung.count)
        going = {n: _next_job(climbing[n], rung.steps, before, climb.make) for n in chosen if not climbing[n].rests}
        if not going:
            break
        jobs += going.values()
        run = climb.compute(jobs)
        for n, job in going.items():
            under, problem = _after(climbing[n], job, run)
            climbing[n] = under
            problems += problem
            spent += 0 if problem or under.last is None else 1 + int(under.last.outputs.n_ionic_steps or 0)
        before = rung.steps
    finished = tuple(under.last for under in climbing.values() if under.last is not None)
    if not finished:
        raise EngineError(f"none of the {len(first)} relaxations succeeded: {problems[0]}")
    return Relaxed(finished, tuple(problems), spent)


def best_starts(
    starts: Sequence[Start], initial: "Mapping[int, Atoms]", symmetry: FaceSymmetry, count: int
) -> list[Start]:
    """Return starts in turn from every kind of contact with the surface, each time the lowest that differs from all.

    They differ by an Angstrom, and where that leaves room closer ones are taken too.
    """
    done = sorted((s for s in starts if s.energy is not None), key=lambda s: (s.energy, s.number))
    groups: dict[Motif, list[Start]] = {}
    for start in done:
        groups.setdefault(motif_of(initial[start.number]), []).append(start)
    shapes = {start.number: ligand_shape(initial[start.number]) for start in done}

    def kind(group: list[Start]) -> Kind[Start]:
        return Kind(lambda: group, lambda start: shapes[start.number], lambda _: True)

    kinds = [kind(group) for group in groups.values()]
    chosen = choose(kinds, symmetry, count, whole=len(starts[0].places) == 1)
    return sorted(chosen, key=lambda start: start.number)


def _best(climbing: Mapping[int, _Under], symmetry: FaceSymmetry, count: int) -> list[int]:
    """Return the numbers of the lowest structures so far, none of them on its way to the minimum of a lower one."""
    reached = [under.last for under in climbing.values() if under.last is not None]
    ordered = sorted(reached, key=lambda item: (energy_of(item.outputs), item.start.number))
    if not ordered:
        return []
    shapes = [ligand_shape(item.outputs.atoms) for item in ordered]
    doubles = twins(shapes, symmetry, SAME_MINIMUM, whole=len(ordered[0].start.places) == 1)
    apart = [item.start.number for item, twin in zip(ordered, doubles, strict=True) if twin is None]
    return sorted(apart[:count])


def _next_job(under: _Under, steps: int, before: int, make: MakeJob) -> Job:
    """Return the job that takes a start on to so many steps in all."""
    name = f"relaxed-{under.start.number:03d}-{steps}"
    if under.job is None:
        return make(name, Given.of(under.initial), steps)
    return make(name, FinalOf(under.job), steps - before)


def _after(under: _Under, job: Job, run: Run) -> tuple[_Under, list[str]]:
    """Return a start after one more job, or as it was with what went wrong."""
    entry = run.entry(job.id)
    folder = run.folder(entry)
    number = under.start.number
    if not (folder / OUTPUTS).exists():
        return under, [f"the relaxation of start {number} failed: {failure_reason(folder)}"]
    outputs = load_outputs(folder / OUTPUTS)
    steps = int(outputs.n_ionic_steps or 0) + (0 if under.last is None else under.last.steps)
    last = Finished(under.start, under.initial, outputs, entry.folder, steps)
    return replace(under, job=job, last=last), []
