import os
import random
import secrets
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from ase.io import read

import qddft
from qddft.core.errors import ChargeError, EngineError, FolderError, LevelError, PlacementError
from qddft.jobs.lock import LockedError, hold
from qddft.jobs.run_folder import SEARCH_LOCK, load_run
from qddft.outputs.outputs import Outputs
from qddft.outputs.store import load_outputs
from qddft.study.pose_effort import Rung, SearchEffort
from qddft.study.pose_files import read_poses
from qddft.study.pose_results import Finished, Start, rank
from qddft.study.pose_search import estimate_search, resume_search, search_poses

ENGINE = "ase:slow_lj:make"
EFFORT = SearchEffort(single_points=5, relaxations=3, steps=9, conformers=1)
# three of the five for eight steps, the two that are kept for one more
MOST = 5 + 3 * 9 + 2 * 2


def clean_slab(**options):
    chosen = {"termination": "PbX2", "layers": 3, "supercell": "sqrt2", "vacuum": 12.0, "fixed_layers": 1} | options
    return qddft.build_slab("CsPbBr3", **chosen)


def amine():
    return qddft.get_ligand("CN")


@pytest.fixture(scope="module")
def slow(tmp_path_factory):
    """Make the slow calculator importable for workers and give the file in which it writes."""
    folder = tmp_path_factory.mktemp("slow")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(Path(__file__).parent))
        patch.syspath_prepend(str(Path(__file__).parent))
        patch.setenv("SLOW_LJ_LOG", str(folder / "calls.log"))
        patch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
        patch.setenv("PYTHONPYCACHEPREFIX", str(folder / "bytecode"))
        (folder / "calls.log").touch()
        yield folder / "calls.log"


def find(folder, slab=None, ligand=None, **options):
    chosen = {"engine": ENGINE, "effort": EFFORT, "keep": 2, "workers": 2} | options
    return search_poses(slab or clean_slab(), ligand or amine(), run=folder, **chosen)


@pytest.fixture(scope="module")
def finished(slow, tmp_path_factory):
    """Give a finished search and what was said before it began."""
    said, events = [], []
    found = find(tmp_path_factory.mktemp("searches") / "run", on_estimate=said.append, on_event=events.append)
    return found, said, events


def test_the_best_are_the_lowest_of_all_that_was_relaxed(finished):
    found, _, _ = finished
    run = load_run(found.folder)
    outputs = {entry.name: load_outputs(run.folder(entry) / "outputs.json") for entry in run.entries}
    first = {name: each.energy for name, each in outputs.items() if name.endswith("-8")}
    last = {name: each.energy for name, each in outputs.items() if name.endswith("-9")}
    assert len(first) == EFFORT.relaxations
    assert found.best.energy == min([*first.values(), *last.values()])
    # those that went on were the lowest, each from where it had come to
    assert len(last) <= 2
    for name, energy in last.items():
        assert energy <= first[f"{name.removesuffix('-9')}-8"] + 1e-9
        assert outputs[name].n_ionic_steps <= 1
    assert [pose.energy for pose in found.minima] == sorted(pose.energy for pose in found.minima)
    assert [pose.rank for pose in found.minima] == list(range(1, len(found.minima) + 1))
    assert len(found.poses) == min(2, len(found.minima))
    assert found.minima[: len(found.poses)] == found.poses
    assert found.best.above_best == 0.0
    relaxed = {pose.number for pose in found.minima} | {n for pose in found.minima for n in pose.doubles}
    lowest = sorted(found.starts, key=lambda start: start.energy)[0]
    assert lowest.number in relaxed, "the lowest start is always relaxed"
    assert len(found.starts) == EFFORT.single_points


def test_the_slab_stays_where_it_was(finished):
    found, _, _ = finished
    slab = clean_slab()
    for pose in found.poses:
        own = pose.atoms.arrays["fragment"] == 0
        moved = pose.atoms.positions[own] - pose.atoms.positions[0]
        assert np.abs(moved - (slab.positions - slab.positions[0])).max() < 1e-9
        # in the poses those layers are held that the slab holds
        (held,) = pose.atoms.constraints
        assert set(pose.atoms.arrays["layer"][held.index]) == {1}
        assert pose.atoms.cell[2, 2] == pytest.approx(found.best.atoms.cell[2, 2], abs=1e-6)


def test_files_hold_the_poses_and_where_they_come_from(finished):
    found, _, _ = finished
    for pose in found.poses:
        again = read(found.folder / "poses" / f"pose-{pose.rank}.extxyz")
        assert again.get_potential_energy() == pytest.approx(pose.energy, abs=1e-6)
        assert np.abs(again.positions - pose.atoms.positions).max() < 1e-6
        poscar = read(found.folder / "poses" / f"pose-{pose.rank}.vasp")
        assert sorted(poscar.symbols) == sorted(pose.atoms.symbols)
        assert len(poscar.constraints) == 1
    kept = read_poses(found.folder)
    assert [pose.record["energy_eV"] for pose in kept.poses] == [pose.energy for pose in found.poses]
    assert (kept.poses[0].atoms.positions == np.round(found.best.atoms.positions, 10)).all()
    assert kept.request["seed"] == 0
    table = found.table()
    assert list(table["rank"]) == [pose.rank for pose in found.minima]
    assert {"site", "mode", "conformer", "azimuth", "height", "intact", "bound", "proton_transferred"} <= set(table)
    starts = found.starts_table()
    assert starts["above_lowest_eV"].is_monotonic_increasing
    assert starts["above_lowest_eV"][0] == 0.0
    assert (found.folder / "poses.csv").read_text().startswith("rank,above_best_eV")


def test_the_estimate_comes_first_and_holds(finished, slow):
    found, said, events = finished
    (guess,) = said
    assert (guess.single_points, guess.relaxations, guess.steps) == (5, 3, 9)
    assert guess.atoms == 16 + 7
    assert guess.evaluations == MOST
    assert guess.seconds is None
    assert "5 single points of 23 atoms, then 3 relaxations, the best up to 9 steps" in guess.words
    assert len(slow.read_text().splitlines()) == found.evaluations <= guess.evaluations
    assert events[-1].done == events[-1].total >= 8
    for_xtb = estimate_search(clean_slab(), amine(), effort=EFFORT)
    assert for_xtb.seconds > 0
    assert "of one core" in for_xtb.words


def test_searching_again_computes_nothing_and_gives_the_same(finished, slow):
    found, _, _ = finished
    calls = slow.read_text()
    again = find(found.folder)
    from_folder = resume_search(found.folder, keep=2, workers=1)
    assert slow.read_text() == calls
    for other in (again, from_folder):
        assert [pose.record() for pose in other.minima] == [pose.record() for pose in found.minima]
        assert other.starts == found.starts


def test_fewer_can_be_kept_afterwards(finished):
    found, _, _ = finished
    one = resume_search(found.folder, keep=1)
    assert len(one.poses) == 1
    assert sorted(path.name for path in (found.folder / "poses").iterdir()) == ["pose-1.extxyz", "pose-1.vasp"]
    resume_search(found.folder, keep=2)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"slab": clean_slab(supercell=(2, 1))}, r"its slab is .* sqrt2, 3 layers, not .* 2x1, 3 layers"),
        ({"slab": clean_slab(vacuum=20.0)}, r"the same words, but other coordinates or another vacuum"),
        ({"ligand": qddft.get_ligand("CCN")}, "its ligand is CN, not CCN"),
        ({"mode": ("atop", "bidentate")}, r"its modes are .*atop.*, not .*atop bidentate"),
        ({"seed": 1}, "its seed is 0, not 1"),
        ({"faces": "bottom"}, "its faces are top, not bottom"),
        ({"effort": SearchEffort(single_points=5, relaxations=3, steps=4, conformers=1)}, "its steps are 9, not 4"),
        ({"engine": "ase:ase.calculators.lj:LennardJones"}, "its engine is ase:slow_lj:make, not ase:ase"),
    ],
)
def test_another_search_is_refused_in_the_same_folder(finished, options, message):
    found, _, _ = finished
    with pytest.raises(FolderError, match=message):
        find(found.folder, **options)


def test_foreign_folders_are_refused_and_left_alone(tmp_path, slow):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "thesis.tex").touch()
    with pytest.raises(FolderError, match=r"holds other files \(thesis.tex, ...\)"):
        find(tmp_path / "a")
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "run.json").write_text("{}")
    with pytest.raises(FolderError, match="is the run of a study"):
        find(tmp_path / "b")
    (tmp_path / "c").touch()
    with pytest.raises(FolderError, match="is a file"):
        find(tmp_path / "c")
    assert not (tmp_path / "a" / "search.json").exists()
    with pytest.raises(FolderError, match=r"no search.json in .*qddft search CRYSTAL"):
        resume_search(tmp_path / "a")


def test_what_does_not_fit_leaves_no_folder(tmp_path, slow):
    with pytest.raises(PlacementError, match="X-site: CN"):
        find(tmp_path / "run", mode="X-site")
    with pytest.raises(ChargeError, match="the formal charges add up to -1"):
        find(tmp_path / "run", ligand=qddft.get_ligand("[O-]C=O"), mode="atop")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"keep": 4}, PlacementError, "4 poses are to be kept, but 3 are relaxed"),
        ({"keep": 0}, PlacementError, "keep 0: give a whole number from 1"),
        ({"engine": "ase:no_such_module:make"}, EngineError, "no module 'no_such_module'"),
        ({"engine": "tblit"}, EngineError, "there is no engine 'tblit'. Did you mean 'tblite'"),
        ({"engine": "vasp"}, LevelError, "poses are meant to be ranked by tblite"),
        ({"ligand": "CN"}, PlacementError, "'CN' is no Ligand; get one with get_ligand"),
        ({"faces": "left"}, PlacementError, "unknown faces 'left'"),
        ({"seed": -1}, PlacementError, "seed -1: give a whole number"),
        ({"ligand": [amine(), amine()], "mode": ["atop"] * 3}, PlacementError, "3 modes for 2 ligands"),
        ({"slab": qddft.attach(clean_slab(), amine())}, PlacementError, "give the clean slab"),
    ],
)
def test_mistakes_are_named(tmp_path, slow, options, error, message):
    with pytest.raises(error, match=message):
        find(tmp_path / "run", **options)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"single_points": 0}, "single_points 0: give a whole number from 1 to 9999"),
        ({"steps": 1.5}, "steps 1.5: give a whole number"),
        ({"heights": ()}, r"heights \(\): give one or more lengths"),
        ({"heights": (0.0, 9.0)}, "give one or more lengths from 0 to 3"),
        ({"max_tilt": float("nan")}, "max_tilt nan: give an angle"),
    ],
)
def test_efforts_that_make_no_sense_are_refused(options, message):
    with pytest.raises(PlacementError, match=message):
        SearchEffort(**options)


@pytest.mark.parametrize(
    ("relaxations", "steps", "keep", "rungs"),
    [
        (12, 120, 3, [(12, 10), (6, 40), (3, 120)]),
        (12, 120, 8, [(12, 10), (8, 40), (8, 120)]),
        (6, 40, 1, [(6, 8), (3, 13), (2, 40)]),
        (3, 9, 2, [(3, 8), (2, 9)]),
        (3, 2, 1, [(3, 2)]),
        (1, 300, 1, [(1, 25), (1, 100), (1, 300)]),
    ],
)
def test_many_starts_are_relaxed_a_little_and_few_to_the_end(relaxations, steps, keep, rungs):
    effort = SearchEffort(relaxations=relaxations, steps=steps)
    assert effort.rungs(keep) == tuple(Rung(count, reach) for count, reach in rungs)
    each = [(min(count, 5), reach) for count, reach in rungs]
    before = [0, *(reach for _, reach in rungs)]
    assert effort.evaluations(5, keep) == 5 + sum(n * (1 + b - a) for (n, b), a in zip(each, before, strict=False))


def test_a_second_search_in_the_folder_is_kept_out(finished):
    found, _, _ = finished
    with hold(found.folder / SEARCH_LOCK), pytest.raises(LockedError, match="in use by process"):
        find(found.folder)


def test_when_nothing_can_be_computed_the_reason_is_told(tmp_path, slow, monkeypatch):
    monkeypatch.setenv("SLOW_LJ_FAILS", "23")
    effort = SearchEffort(single_points=1, relaxations=1, steps=1)
    with pytest.raises(EngineError, match=r"none of the 1 starting poses could be computed: .*five atoms are too many"):
        find(tmp_path / "run", effort=effort, keep=1)
    monkeypatch.delenv("SLOW_LJ_FAILS")
    assert find(tmp_path / "run", effort=effort, keep=1).best.rank == 1


def test_equal_minima_are_one_and_too_few_are_said(finished):
    found, _, _ = finished
    slab = clean_slab()
    from qddft.atoms.pose_symmetry import face_symmetry

    symmetry = face_symmetry(slab)
    first = found.best.atoms
    own = np.flatnonzero(first.arrays["fragment"] > 0)

    def ended(number, positions, energy):
        atoms = first.copy()
        atoms.positions[own] = positions
        outputs = Outputs(atoms=atoms, energy=energy, forces=np.zeros((len(atoms), 3)), ionically_converged=True)
        return Finished(Start(number, found.best.places, energy + 1), atoms, outputs, f"job-{number}")

    place = first.positions[own]
    lift = first.positions[0] - slab.positions[0]
    turned = (place - lift) @ symmetry.rotations[1].T + symmetry.shifts[1] + lift + symmetry.primitive[0]
    relaxed = [ended(1, place, -1.0), ended(2, turned, -1.1), ended(3, place + np.array([0, 0, 2.0]), -3.0)]
    minima = rank(relaxed, symmetry, slab)
    assert [(pose.number, pose.doubles) for pose in minima] == [(3, ()), (2, (1,))]
    assert minima[1].above_best == pytest.approx(1.9)
    assert not minima[0].bound
    assert "desorbed" in minima[0].warnings[0]


DRIVER = """
import sys
sys.path.insert(0, sys.argv[2])
import test_pose_search as here
here.find(sys.argv[1], workers=1)
"""


def test_killed_at_random_it_does_nothing_twice_and_finds_the_same(tmp_path, slow, finished):
    reference, _, _ = finished
    log = tmp_path / "calls.log"
    log.touch()
    folder = tmp_path / "run"
    seed = secrets.randbelow(2**31)
    print(f"kill times from the seed {seed}")  # noqa: T201  (shown when the test fails)
    delays = random.Random(seed)
    kills = 0
    environment = os.environ | {"SLOW_LJ_LOG": str(log), "SLOW_LJ_SECONDS": "0.2"}
    arguments = [sys.executable, "-c", DRIVER, str(folder), str(Path(__file__).parent)]
    done_once: dict[Path, str] = {}
    for _ in range(4):
        driver = subprocess.Popen(arguments, env=environment, stderr=subprocess.DEVNULL, start_new_session=True)
        try:
            driver.wait(delays.uniform(2.0, 7.0))
        except subprocess.TimeoutExpired:
            kills += 1
        driver.send_signal(signal.SIGKILL)
        driver.wait()
        for product in folder.glob("jobs/*/outputs.json"):
            assert done_once.setdefault(product, product.read_text()) == product.read_text()
    time.sleep(1.0)
    before = {path: path.stat().st_mtime_ns for path in folder.glob("jobs/*/outputs.json")}
    found = find(folder)
    assert all(path.stat().st_mtime_ns == stamp for path, stamp in before.items())
    assert [pose.record() for pose in found.minima] == [
        pose.record() | {"energy_eV": pytest.approx(pose.energy, abs=1e-7)} for pose in reference.minima
    ]
    calls = len(log.read_text().splitlines())
    here = Path(os.environ["SLOW_LJ_LOG"])
    assert here != log
    # every kill costs the one worker at most the evaluation it was in
    assert calls <= reference.evaluations + kills
