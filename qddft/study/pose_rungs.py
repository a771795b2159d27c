"""Relax the starts of a search in rungs: all chosen ones for a few steps, the best of them further, the best of all on.

Which starts go on is decided by energies alone, so that a search that was killed anywhere ends the same.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from qddft.atoms.pose_motif import Motif, motif_of
from qddft.atoms.pose_selection import Kind, choose, twins
from qddft.atoms.pose_symmetry import FaceSymmetry
from qddft.core.errors import EngineError
from qddft.jobs.folder import OUTPUTS, failure_reason
from qddft.jobs.job import FinalOf, Given, Job
from qddft.jobs.run_folder import Run
from qddft.outputs.store import load_outputs
from qddft.study.pose_effort import Rung
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


@dataclass
class _Under:
    """Starts on their way, by number: the last job of each and what it gave, and what that took.

    Attributes
    ----------
    last
        The last finished relaxation.
    made
        The job it came from.
    failed
        Starts whose relaxation failed; they stay where they were.
    jobs
        All that were planned.
    problems, evaluations
        As in ``Relaxed``.
    """

    starts: Mapping[int, Start]
    initial: "Mapping[int, Atoms]"
    climb: Climb
    last: dict[int, Finished] = field(default_factory=dict)
    made: dict[int, Job] = field(default_factory=dict)
    failed: set[int] = field(default_factory=set)
    jobs: list[Job] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    evaluations: int = 0

    def go_on(self, chosen: Sequence[int], steps: int) -> bool:
        """Relax those of the chosen starts that are not there yet to so many steps in all; tell whether any were."""
        going = {number: self._next_job(number, steps) for number in chosen if self._may_go_on(number, steps)}
        if going:
            self.jobs += going.values()
            run = self.climb.compute(self.jobs)
            for number, job in going.items():
                self._take_in(number, job, run)
        return bool(going)

    def best(self, count: int) -> list[int]:
        """Return the numbers of the lowest structures so far, none of them on its way to the minimum of a lower one."""
        ordered = sorted(self.last.values(), key=lambda item: (energy_of(item.outputs), item.start.number))
        if not ordered:
            return []
        shapes = [ligand_shape(item.outputs.atoms) for item in ordered]
        whole = len(ordered[0].start.places) == 1
        doubles = twins(shapes, self.climb.symmetry, SAME_MINIMUM, whole=whole)
        apart = [item.start.number for item, twin in zip(ordered, doubles, strict=True) if twin is None]
        return sorted(apart[:count])

    def _may_go_on(self, number: int, steps: int) -> bool:
        last = self.last.get(number)
        rests = last is not None and (bool(last.outputs.ionically_converged) or last.steps >= steps)
        return number not in self.failed and not rests

    def _next_job(self, number: int, steps: int) -> Job:
        name = f"relaxed-{number:03d}-{steps}"
        if number not in self.last:
            return self.climb.make(name, Given.of(self.initial[number]), steps)
        return self.climb.make(name, FinalOf(self.made[number]), steps - self.last[number].steps)

    def _take_in(self, number: int, job: Job, run: Run) -> None:
        """Note what one more job of a start gave, or why it gave nothing."""
        entry = run.entry(job.id)
        folder = run.folder(entry)
        if not (folder / OUTPUTS).exists():
            self.failed.add(number)
            self.problems.append(f"the relaxation of start {number} failed: {failure_reason(folder)}")
            return
        outputs = load_outputs(folder / OUTPUTS)
        done = int(outputs.n_ionic_steps or 0)
        before = self.last[number].steps if number in self.last else 0
        start = self.starts[number]
        self.last[number] = Finished(start, self.initial[number], outputs, entry.folder, before + done)
        self.made[number] = job
        self.evaluations += 1 + done


def relaxed_in_rungs(
    starts: Sequence[Start], initial: "Mapping[int, Atoms]", rungs: Sequence[Rung], keep: int, climb: Climb
) -> Relaxed:
    """Relax starts in rungs and return where each of them ended.

    Where starts that went to the end came to one minimum, others follow until as many minima as are kept are there.

    Parameters
    ----------
    starts
        With their energies; those without are left out.
    initial
        Their structures by number.
    rungs
        How many go how far.
    keep
        How many of the lowest have to go to the end.
    climb
        How jobs are made and computed.

    Raises
    ------
    EngineError
        No relaxation succeeded.
    """
    first = best_starts(starts, initial, climb.symmetry, rungs[0].count)
    under = _Under({start.number: start for start in first}, initial, climb)
    under.go_on(list(under.starts), rungs[0].steps)
    for rung in rungs[1:]:
        under.go_on(under.best(rung.count), rung.steps)
    while under.go_on(under.best(keep), rungs[-1].steps):
        pass
    if not under.last:
        raise EngineError(f"none of the {len(first)} relaxations succeeded: {under.problems[0]}")
    return Relaxed(tuple(under.last.values()), tuple(under.problems), under.evaluations)


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
