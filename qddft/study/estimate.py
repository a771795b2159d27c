"""How long a run will still take: honest guesses from the steps it has done."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from qddft.jobs.progress import Progress
from qddft.jobs.run_folder import Entry

# steps of a relaxation before one of the run has finished: complexes of the shipped demonstrations took 3 to 204 with
# GFN2-xTB, 50 on average, and free molecules a few
ASSUMED_STEPS = 50
# how the time of a step grows with the atoms (GFN2-xTB, 40 to 171 atoms: measured exponent 2.35)
ATOMS_POWER = 2.35
# how many of the last steps tell the time of the next one
_RECENT = 5
# GFN2-xTB energy and forces on one thread: 1 s for 46, 8 to 10 s for 126 atoms
_TBLITE_SECONDS_PER_UNIT = 1.2e-4
_TBLITE_LEAST_SECONDS = 0.05


@dataclass(frozen=True)
class TimeLeft:
    """A guess, and what it rests on.

    Attributes
    ----------
    seconds
        Wall time; ``None`` before a step has been timed.
    basis
        Words for the reader.
    """

    seconds: float | None
    basis: str


def seconds_of_step(engine: str, atoms: int) -> float | None:
    """Return about how long an energy with forces takes on one core, s; ``None`` where nothing was measured."""
    if engine != "tblite":
        return None
    return max(_TBLITE_LEAST_SECONDS, _TBLITE_SECONDS_PER_UNIT * float(atoms**ATOMS_POWER))


def relative_cost(entry: Entry, steps: int = ASSUMED_STEPS) -> float:
    """Return the cost of a job in units that compare jobs of one run."""
    return (1 if entry.task == "static" else steps) * float(entry.atoms**ATOMS_POWER)


def priorities(entries: Sequence[Entry]) -> dict[str, float]:
    """Return id -> cost of a job and of the longest chain of jobs that waits for it."""
    longest: dict[str, float] = {}
    behind: dict[str, float] = {}
    # children come after their parents
    for entry in reversed(entries):
        longest[entry.id] = relative_cost(entry) + behind.get(entry.id, 0.0)
        if entry.parent is not None:
            behind[entry.parent] = max(behind.get(entry.parent, 0.0), longest[entry.id])
    return longest


def time_left(
    entries: Iterable[Entry], steps: Mapping[str, Sequence[Progress]], done: frozenset[str], workers: int
) -> TimeLeft:
    """Return how long the jobs that are not done will take.

    A relaxation is assumed to take as many steps as those of its kind that have finished. Forces are no help: they
    rise and fall until the end.

    Parameters
    ----------
    entries
        All jobs of the run.
    steps
        Job id -> ionic steps known so far.
    done
        Ids of finished jobs.
    workers
        How many jobs go on at once.
    """
    jobs = tuple(entries)
    per_atom = _seconds_per_unit(jobs, steps)
    if per_atom is None:
        return TimeLeft(None, "time left unknown until the first step is done")
    finished = {role: _usual_steps(jobs, steps, done, role) for role in {entry.role for entry in jobs}}
    costs = [
        _remaining(entry, steps.get(entry.id, ()), finished[entry.role] or ASSUMED_STEPS, per_atom)
        for entry in jobs
        if entry.id not in done
    ]
    seconds = max(sum(costs) / workers, max(costs, default=0.0))
    known = all(finished[entry.role] for entry in jobs if entry.id not in done and entry.task == "relax")
    basis = "if the rest take as many steps as those that have finished"
    return TimeLeft(seconds, basis if known else f"if relaxations take {ASSUMED_STEPS} steps, which is a guess")


def _intervals(steps: Sequence[Progress]) -> list[float]:
    """Return the wall times of the steps, the first one included, s."""
    ends = [0.0, *(step.seconds for step in steps)]
    return [later - earlier for earlier, later in pairwise(ends)]


def _seconds_per_step(steps: Sequence[Progress]) -> float:
    recent = _intervals(steps)[-_RECENT:]
    return sum(recent) / len(recent)


def _seconds_per_unit(jobs: Sequence[Entry], steps: Mapping[str, Sequence[Progress]]) -> float | None:
    """Return the time of a step divided by the atoms to ``ATOMS_POWER``, from the largest systems known."""
    timed = [entry for entry in jobs if steps.get(entry.id)]
    largest = sorted(timed, key=lambda entry: entry.atoms)[-3:]
    return median(_seconds_per_step(steps[entry.id]) / entry.atoms**ATOMS_POWER for entry in largest) if timed else None


def _usual_steps(
    jobs: Sequence[Entry], steps: Mapping[str, Sequence[Progress]], done: frozenset[str], role: str
) -> float | None:
    counts = [
        len(steps[entry.id])
        for entry in jobs
        if entry.id in done and entry.role == role and entry.task == "relax" and steps.get(entry.id)
    ]
    return median(counts) if counts else None


def _remaining(entry: Entry, steps: Sequence[Progress], usual: float, per_atom: float) -> float:
    each = _seconds_per_step(steps) if steps else per_atom * entry.atoms**ATOMS_POWER
    if entry.task == "static":
        return 0.0 if steps else each
    # one that takes longer than usual will take a quarter longer still
    return each * max(usual - len(steps), len(steps) / 4)
