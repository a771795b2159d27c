import numpy as np
import pytest
from made_up_search import MadeUp

import qddft
from qddft.core.errors import EngineError
from qddft.jobs.folder import write_failure
from qddft.jobs.run_folder import load_run
from qddft.outputs.outputs import Outputs
from qddft.outputs.store import save_outputs
from qddft.study.pose_effort import SearchEffort
from qddft.study.pose_request import make_request, settle_request
from qddft.study.pose_results import Start
from qddft.study.pose_rungs import best_starts
from qddft.study.pose_stages import Driving, carried_out, cell_height, laid_out, write_starts


class Merging(Driving):
    """Relaxations that never converge, fall by a meV a step and come to one place in the end."""

    def __init__(self, last="-16", broken=()):
        super().__init__(None, None)
        object.__setattr__(self, "last", last)
        object.__setattr__(self, "broken", broken)

    def run(self, folder):
        run = load_run(folder)
        for entry in run.entries:
            place, job = run.folder(entry), run.job(entry)
            if (place / "outputs.json").exists():
                continue
            if entry.name in self.broken:
                write_failure(place, "EngineError", "the cycle does not converge")
                continue
            atoms = job.built_atoms
            own = atoms.arrays["fragment"] > 0
            energy = float(atoms.positions[own, 2].mean())
            steps = 0 if job.task == "static" else int(job.level["settings"]["max_ionic_steps"])
            if entry.name.endswith(self.last):
                atoms.positions[own] = atoms.positions[0] + np.arange(own.sum())[:, None] + [0, 0, 9]
                energy = -1.0
            outputs = Outputs(
                atoms=atoms, energy=energy - 1e-3 * steps, forces=np.ones((len(atoms), 3)),
                electronically_converged=True, ionically_converged=job.task == "static", engine="tblite",
                n_ionic_steps=steps,
            )  # fmt: skip
            save_outputs(place / "outputs.json", outputs)


def searched(folder, driving, *, keep=2, **effort):
    slab = qddft.build_slab("CsPbBr3", termination="PbX2", layers=3, supercell="2x2", vacuum=12.0)
    ligand = qddft.get_ligand("CN")
    chosen = SearchEffort(**({"single_points": 8, "relaxations": 4, "steps": 16} | effort))
    request = make_request(
        slab, ligand, mode="any", faces="top", seed=0, effort=chosen, engine="tblite", level="screening"
    )
    candidates = laid_out(request, [ligand])
    folder.mkdir()
    settle_request(folder, request)
    run = write_starts(folder, request, candidates, cell_height(slab, candidates))
    found = carried_out(run, request, keep=keep, driving=driving)
    return found, [entry.name for entry in load_run(folder).entries if entry.name.startswith("relaxed")]


def test_where_relaxations_end_in_one_minimum_others_follow(tmp_path):
    found, names = searched(tmp_path / "run", Merging())
    assert sum(name.endswith("-8") for name in names) == 4
    assert sum(name.endswith("-16") for name in names) == 4, "all came to one minimum, so none was left"
    assert len(found.minima) == 1
    assert "4 relaxations ended in 1 distinct minima" in found.notes[-1]
    assert found.best.steps == 16
    # eight rigid starts, and each relaxation begins with the energy of where it starts
    assert found.evaluations == 8 + 4 * 9 + 4 * 9


def test_only_the_best_go_to_the_end(tmp_path):
    found, names = searched(tmp_path / "run", Merging(), keep=1)
    ends = [name for name in names if name.endswith("-16")]
    lowest = min((pose for pose in found.minima if pose.steps == 8), key=lambda pose: pose.energy)
    assert len(ends) == 1
    assert found.best.steps == 16
    assert f"{lowest.number:03d}" not in ends[0]


def test_what_failed_stays_where_it_was_and_is_told(tmp_path):
    _, names = searched(tmp_path / "first", Merging(last="never"), keep=1)
    (end,) = [name for name in names if name.endswith("-16")]
    found, again = searched(tmp_path / "second", Merging(last="never", broken=(end,)), keep=1)
    number = int(end.split("-")[1])
    assert end in again
    assert any(f"the relaxation of start {number} failed: the cycle does not converge" in note for note in found.notes)
    (pose,) = [pose for pose in found.minima if pose.number == number]
    assert pose.steps == 8


def test_nothing_that_relaxes_is_an_error(tmp_path):
    _, names = searched(tmp_path / "first", Merging(), keep=1, steps=4)
    with pytest.raises(EngineError, match=r"none of the 4 relaxations succeeded: the relaxation of start \d+ failed"):
        searched(tmp_path / "second", Merging(broken=tuple(names)), keep=1, steps=4)


def test_a_converged_relaxation_does_not_go_on(tmp_path):
    _, names = searched(tmp_path / "run", MadeUp(None, None), keep=2)
    assert len(names) == 4


def test_every_kind_of_contact_gets_its_turn():
    slab = qddft.build_slab("CsPbBr3", termination="PbX2", layers=3, supercell=(2, 2), vacuum=12.0)
    held = [qddft.attach(slab, qddft.get_ligand("CN"), mode="atop", seed=seed) for seed in range(6)]
    far = held[0].copy()
    far.positions[far.arrays["fragment"] > 0, 2] += 3.0
    initial = dict(enumerate([*held, far], start=1))
    starts = [Start(number, (), 10.0 if number == 7 else float(number), "") for number in initial]
    from qddft.atoms.pose_symmetry import face_symmetry

    chosen = best_starts(starts, initial, face_symmetry(slab), 2)
    assert [start.number for start in chosen] == [1, 7], "the lowest, and the lowest of those that touch nothing"
