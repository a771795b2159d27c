"""The stages of a search: lay out starts, compute them, relax the best in rungs, rank the minima, write the best."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from qddft.atoms.charge import charge_ledger, require_neutral
from qddft.atoms.pose_candidates import Candidate, pose_candidates
from qddft.atoms.pose_symmetry import face_symmetry
from qddft.core.errors import EngineError
from qddft.engines.registry import get_engine
from qddft.jobs.job import FinalOf, Given, Job, Task
from qddft.jobs.plan import Plan
from qddft.jobs.run_folder import PLAN, Entry, Run, create_run, load_run
from qddft.study.execute import Event
from qddft.study.execute import run as execute
from qddft.study.pose_files import write_poses
from qddft.study.pose_request import SearchRequest
from qddft.study.pose_results import PoseSearch, Start, rank, starts_of
from qddft.study.pose_rungs import Climb, Relaxed, relaxed_in_rungs
from qddft.study.structures import common_height, with_frozen_slab, with_height

if TYPE_CHECKING:
    from ase import Atoms

    from qddft.atoms.ligand import Ligand

# forces to which a search relaxes, eV/Angstrom, unless its level asks for less: at the 0.05 of screening a floppy head
# rests on shoulders (methylphosphonic acid 0.029 eV above its minimum)
FORCE_TOL = 0.02
_START = re.compile(r"pose-\d+")
OnEvent = Callable[[Event], None]


@dataclass(frozen=True)
class Driving:
    """How jobs are run: how many at once, and who is told about them."""

    workers: int | None
    on_event: OnEvent | None

    def run(self, folder: Path) -> None:
        """Run the jobs of a folder that are not done."""
        execute(folder, workers=self.workers, on_event=self.on_event)


def planned(folder: Path) -> Run | None:
    """Return the run if its starting poses were laid out."""
    return load_run(folder) if (folder / PLAN).exists() else None


def starting_entries(run: Run) -> tuple[Entry, ...]:
    """Return the jobs of the starting poses."""
    return tuple(entry for entry in run.entries if _START.fullmatch(entry.name))


def laid_out(request: SearchRequest, ligands: "Sequence[Ligand]") -> tuple[Candidate, ...]:
    """Lay out starting poses.

    Raises
    ------
    PlacementError, ChargeError
        Nothing fits, or the cell would be charged.
    """
    found = pose_candidates(request.atoms, ligands, request.modes, request.extent)
    require_neutral(charge_ledger(found[0].atoms), request.title)
    return found


def write_starts(folder: Path, request: SearchRequest, candidates: Sequence[Candidate], height: float) -> Run:
    """Write the jobs of the starting poses, in cells of one height (Angstrom)."""
    jobs = []
    for number, item in enumerate(candidates, start=1):
        atoms = with_frozen_slab(with_height(item.atoms, height))
        note = {"number": number, "places": [asdict(place) for place in item.places]}
        atoms.info["qddft"] = dict(atoms.info["qddft"]) | {"pose": note}
        jobs.append(_job(f"pose-{number:03d}", "static", Given.of(atoms), request.level))
    return _written(folder, request, jobs)


def cell_height(slab: "Atoms", candidates: Sequence[Candidate]) -> float:
    """Return the height of a cell that leaves the vacuum of the slab above the tip of every candidate, Angstrom."""
    stated = slab.info.get("qddft", {}).get("vacuum")
    vacuum = stated if stated is not None else slab.cell[2, 2] - np.ptp(slab.positions[:, 2])
    return common_height([slab, *(item.atoms for item in candidates)], float(vacuum))


def _written(folder: Path, request: SearchRequest, jobs: Sequence[Job]) -> Run:
    program = get_engine(request.engine)

    def fill(job: Job, place: Path) -> None:
        program.write(job, job.built_atoms, place)

    about = f"# {request.title}\n# a search of poses; what was asked for stands in search.json\n"
    return create_run(folder, Plan.of(jobs), engine=request.engine, title=request.title, study_text=about, fill=fill)


def carried_out(run: Run, request: SearchRequest, *, keep: int, driving: Driving) -> PoseSearch:
    """Compute the starting poses, relax the best, rank the minima and write the best.

    Raises
    ------
    EngineError
        Every starting pose, or every relaxation, failed.
    """
    driving.run(run.path)
    entries = starting_entries(run)
    starts = starts_of(run, entries)
    known = [start for start in starts if start.energy is not None]
    if not known:
        raise EngineError(f"none of the {len(starts)} starting poses could be computed: {starts[0].problem}")
    symmetry = face_symmetry(request.atoms)
    rigid = {start.number: run.job(entry) for start, entry in zip(starts, entries, strict=True)}
    initial = {number: job.built_atoms for number, job in rigid.items()}

    def compute(jobs: Sequence[Job]) -> Run:
        longer = _written(run.path, request, [*rigid.values(), *jobs])
        driving.run(run.path)
        return longer

    climb = Climb(symmetry, lambda name, start, steps: _relaxation(name, start, steps, request), compute)
    relaxed = relaxed_in_rungs(starts, initial, request.effort.rungs(keep), keep, climb)
    minima = rank(relaxed.finished, symmetry, request.atoms)
    notes = _notes(starts, relaxed, len(minima), keep)
    evaluations = len(known) + relaxed.evaluations
    found = PoseSearch(
        run.path, minima[:keep], minima, starts, notes, str(request.level["caution"]), evaluations=evaluations
    )
    write_poses(found, request)
    return found


def _notes(starts: Sequence[Start], relaxed: Relaxed, minima: int, keep: int) -> tuple[str, ...]:
    """Say what a reader of the result has to know."""
    notes = [f"start {start.number} failed: {start.problem}" for start in starts if start.energy is None]
    notes += relaxed.problems
    if minima < keep:
        notes.append(
            f"{keep} poses were to be kept, but the {len(relaxed.finished)} relaxations ended in {minima} distinct "
            "minima; relax more of the starting poses for more"
        )
    return tuple(notes)


def _job(name: str, task: Task, start: Given | FinalOf, level: Mapping[str, Any]) -> Job:
    """Return a job of a search."""
    draft = Job(name, "complex", task, start, level)
    # the parity of all electrons is that of the valence electrons: closed cores hold an even number
    return replace(draft, unpaired=int(sum(draft.built_atoms.numbers)) % 2)


def _relaxation(name: str, start: Given | FinalOf, steps: int, request: SearchRequest) -> Job:
    """Return the job of a relaxation of so many steps at the level of a search."""
    settings = dict(request.level["settings"])
    settings |= {"max_ionic_steps": steps, "force_tol_eV_per_A": min(FORCE_TOL, settings["force_tol_eV_per_A"])}
    return _job(name, "relax", start, dict(request.level) | {"settings": settings})
