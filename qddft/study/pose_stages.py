"""The stages of a search of poses: lay out starts, compute them, relax the best, rank the minima, write the best."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from qddft.atoms.charge import charge_ledger, require_neutral
from qddft.atoms.pose_candidates import Candidate, pose_candidates
from qddft.atoms.pose_selection import Kind, choose
from qddft.atoms.pose_symmetry import FaceSymmetry, face_symmetry
from qddft.core.errors import EngineError
from qddft.engines.registry import get_engine
from qddft.jobs.folder import OUTPUTS, failure_reason
from qddft.jobs.job import Given, Job, Task
from qddft.jobs.plan import Plan
from qddft.jobs.run_folder import PLAN, Entry, Run, create_run, load_run
from qddft.outputs.store import load_outputs
from qddft.study.execute import Event
from qddft.study.execute import run as execute
from qddft.study.pose_files import write_poses
from qddft.study.pose_request import SearchRequest
from qddft.study.pose_results import Finished, PoseSearch, Start, ligand_shape, rank, starts_of
from qddft.study.structures import common_height, with_frozen_slab, with_height

if TYPE_CHECKING:
    from ase import Atoms

    from qddft.atoms.ligand import Ligand

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
        jobs.append(_job("pose", number, atoms, request.level))
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
    if all(start.energy is None for start in starts):
        raise EngineError(f"none of the {len(starts)} starting poses could be computed: {starts[0].problem}")
    symmetry = face_symmetry(request.atoms)
    initial = {start.number: run.job(entry).built_atoms for start, entry in zip(starts, entries, strict=True)}
    chosen = _best_starts(starts, initial, symmetry, request.effort.relaxations)
    level = _short(request)
    relaxed = {start.number: _job("relaxed", start.number, initial[start.number], level) for start in chosen}
    run = _written(run.path, request, [*(run.job(entry) for entry in entries), *relaxed.values()])
    driving.run(run.path)
    finished, failed = _finished(run, chosen, initial, relaxed)
    if not finished:
        raise EngineError(f"none of the {len(chosen)} relaxations succeeded: {failed[0]}")
    minima = rank(finished, symmetry, request.atoms)
    notes = _notes(starts, failed, len(finished), len(minima), keep)
    found = PoseSearch(run.path, minima[:keep], minima, starts, notes, str(request.level["caution"]))
    write_poses(found, request)
    return found


def _notes(starts: Sequence[Start], failed: Sequence[str], finished: int, minima: int, keep: int) -> tuple[str, ...]:
    """Say what a reader of the result has to know."""
    notes = [f"start {start.number} failed: {start.problem}" for start in starts if start.energy is None]
    notes += failed
    if minima < keep:
        notes.append(
            f"{keep} poses were to be kept, but the {finished} relaxations ended in {minima} distinct minima; relax "
            "more of the starting poses for more"
        )
    return tuple(notes)


def _job(kind: str, number: int, atoms: "Atoms", level: Mapping[str, Any]) -> Job:
    """Return the job of a pose: ``pose`` for its energy, ``relaxed`` for its relaxation."""
    task: Task = "static" if kind == "pose" else "relax"
    # the parity of all electrons is that of the valence electrons: closed cores hold an even number
    return Job(f"{kind}-{number:03d}", "complex", task, Given.of(atoms), level, 0, int(sum(atoms.numbers)) % 2)


def _best_starts(
    starts: Sequence[Start], initial: "dict[int, Atoms]", symmetry: FaceSymmetry, count: int
) -> list[Start]:
    """Return the lowest starts that differ by an Angstrom, and where that leaves room closer ones too."""
    done = sorted((s for s in starts if s.energy is not None), key=lambda s: (s.energy, s.number))
    kind = Kind(lambda: done, lambda start: ligand_shape(initial[start.number]), lambda _: True)
    chosen = choose([kind], symmetry, count, whole=len(starts[0].places) == 1)
    return sorted(chosen, key=lambda start: start.number)


def _short(request: SearchRequest) -> dict[str, Any]:
    """Return the level with the steps of this search."""
    settings = dict(request.level["settings"]) | {"max_ionic_steps": request.effort.steps}
    return dict(request.level) | {"settings": settings}


def _finished(
    run: Run, chosen: Sequence[Start], initial: "dict[int, Atoms]", relaxed: dict[int, Job]
) -> tuple[list[Finished], list[str]]:
    found, notes = [], []
    for start in chosen:
        entry = run.entry(relaxed[start.number].id)
        folder = run.folder(entry)
        if (folder / OUTPUTS).exists():
            found.append(Finished(start, initial[start.number], load_outputs(folder / OUTPUTS), entry.folder))
        else:
            notes.append(f"the relaxation of start {start.number} failed: {failure_reason(folder)}")
    return found, notes
