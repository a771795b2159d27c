import json
import os
import random
import secrets
import signal
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from qddft.core.errors import EngineError, FolderError
from qddft.engines.launch import run_job_folder
from qddft.engines.registry import get_engine
from qddft.jobs.folder import CHECKPOINT, LOCK, LOG, OUTPUTS, job_status
from qddft.jobs.lock import LockedError, hold
from qddft.jobs.plan import Plan
from qddft.jobs.progress import FILE as PROGRESS
from qddft.jobs.run_folder import create_run, load_run
from qddft.outputs.store import load_outputs
from qddft.study import chunk
from qddft.study.execute import run

ENGINE = "ase:slow_lj:make"


@pytest.fixture(scope="session")
def bytecode(tmp_path_factory):
    """Give a folder in which workers keep compiled modules; compiling them costs more than the tests."""
    return tmp_path_factory.mktemp("bytecode")


@pytest.fixture
def slow(tmp_path, monkeypatch, bytecode):
    """Make the slow calculator importable for workers and give the file in which it writes."""
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
    monkeypatch.setenv("PYTHONPYCACHEPREFIX", str(bytecode))
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    monkeypatch.setenv("SLOW_LJ_LOG", str(tmp_path / "calls.log"))
    (tmp_path / "calls.log").touch()
    return tmp_path / "calls.log"


def write_run(path, *jobs):
    return create_run(path, Plan.of(jobs), engine=ENGINE, title="Test", study_text="")


def family(lj_job):
    """Return two relaxations and two static calculations that start from the first."""
    options = {"engine": ENGINE}
    parent = lj_job("parent", atoms=4, **options)
    return (
        parent,
        lj_job("part", parent=parent, kept=(1,), task="static", **options),
        lj_job("again", parent=parent, task="static", **options),
        lj_job("other", atoms=5, **options),
    )


def ignore(progress):
    """Take a progress and do nothing."""


def reference_energies(folder, *jobs):
    """Return what the jobs give without workers, interruptions and folders."""
    engine, results = get_engine(ENGINE), {}
    for job in jobs:
        place = folder / job.name
        place.mkdir(parents=True)
        atoms = job.built_atoms
        if job.parent is not None:
            atoms = results[job.parent.id].atoms
            atoms = atoms if job.start.fragments is None else atoms[1:]
        results[job.id] = engine.run(job, atoms, place, ignore)
    return {job.name: results[job.id].energy for job in jobs}


def energies(run_folder):
    return {entry.name: load_outputs(run_folder.folder(entry) / OUTPUTS).energy for entry in run_folder.entries}


def test_a_run_finishes_and_tells_how_it_goes(tmp_path, slow, lj_job):
    folder = write_run(tmp_path / "run", *family(lj_job))
    events = []
    report = run(folder.path, workers=2, on_event=events.append)
    assert report.complete
    assert len(report.done) == 4
    assert all(status.state == "done" for status in folder.statuses().values())
    kinds = Counter((event.entry.name, event.kind) for event in events)
    for name in ("parent", "part", "again", "other"):
        assert kinds[name, "start"] == kinds[name, "done"] == 1
        assert kinds[name, "step"] >= 1
    order = [event.entry.name for event in events if event.kind in ("start", "done")]
    assert order.index("part") > order.index("parent")
    assert [event.done for event in events] == sorted(event.done for event in events)
    assert events[-1].done == events[-1].total == 4
    assert events[0].left.seconds is None
    assert "unknown" in events[0].left.basis
    assert events[-1].left.seconds == 0.0
    outputs = load_outputs(folder.folder(folder.entries[0]) / OUTPUTS)
    assert outputs.converged
    assert len(slow.read_text().splitlines()) >= sum(kind == "step" for _, kind in kinds)


def test_running_again_does_nothing(tmp_path, slow, lj_job):
    folder = write_run(tmp_path / "run", *family(lj_job))
    run(folder.path)
    calls = slow.read_text()
    report = run(folder.path)
    assert slow.read_text() == calls
    assert report.complete
    assert (report.done, len(report.kept)) == ((), 4)


def test_fragments_of_the_parent_are_kept(tmp_path, slow, lj_job):
    parent, part, _, _ = family(lj_job)
    folder = write_run(tmp_path / "run", part)
    run(folder.path)
    whole = load_outputs(folder.folder(folder.entry(parent.id)) / OUTPUTS)
    kept = load_outputs(folder.folder(folder.entry(part.id)) / OUTPUTS)
    assert len(kept.atoms) == 3
    assert (kept.atoms.positions == whole.atoms.positions[1:]).all()


def test_a_failed_job_stops_its_children_only(tmp_path, slow, lj_job, monkeypatch):
    monkeypatch.setenv("SLOW_LJ_FAILS", "4")
    folder = write_run(tmp_path / "run", *family(lj_job))
    events = []
    report = run(folder.path, on_event=events.append)
    assert not report.complete
    assert [entry.name for entry in report.done] == ["other"]
    assert [(entry.name, reason) for entry, reason in report.failed] == [
        ("parent", "ase:slow_lj:make failed: five atoms are too many")
    ]
    assert {entry.name for entry, _ in report.blocked} == {"part", "again"}
    assert all("starts from parent, which is not done: ase:slow_lj" in reason for _, reason in report.blocked)
    assert [event.reason for event in events if event.kind == "failed"] == [report.failed[0][1]]
    states = {folder.entry(key).name: value.state for key, value in folder.statuses().items()}
    assert states == {"parent": "failed", "part": "waiting", "again": "waiting", "other": "done"}
    monkeypatch.delenv("SLOW_LJ_FAILS")
    assert run(folder.path).complete
    assert not list(folder.path.rglob("failure.json"))


def test_a_bug_is_reported_with_the_place_of_its_traceback(tmp_path, slow, lj_job, monkeypatch):
    monkeypatch.setenv("SLOW_LJ_SECONDS", "soon")
    folder = write_run(tmp_path / "run", lj_job(engine=ENGINE))
    report = run(folder.path)
    assert "could not convert string to float" in report.failed[0][1]
    assert "worker.log" in report.failed[0][1]
    assert "Traceback" in (folder.folder(folder.entries[0]) / LOG).read_text()


def test_a_worker_that_is_killed_is_a_failure_with_a_reason(tmp_path, slow, lj_job, monkeypatch):
    monkeypatch.setenv("SLOW_LJ_SECONDS", "0.2")
    folder = write_run(tmp_path / "run", lj_job(engine=ENGINE))

    def kill(event):
        if event.kind == "step":
            os.kill(int(slow.read_text().split()[-1]), signal.SIGKILL)

    report = run(folder.path, on_event=kill)
    assert "killed by SIGKILL, most often because memory ran out" in report.failed[0][1]
    monkeypatch.setenv("SLOW_LJ_SECONDS", "0")
    assert run(folder.path).complete


def test_an_interrupt_ends_the_workers_and_loses_nothing(tmp_path, slow, lj_job, monkeypatch):
    monkeypatch.setenv("SLOW_LJ_SECONDS", "0.1")
    folder = write_run(tmp_path / "run", *family(lj_job))

    def interrupt(event):
        if event.kind == "step" and event.progress.step >= 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(folder.path, on_event=interrupt)
    states = [status for status in folder.statuses().values() if status.progress is not None]
    assert states
    assert all(status.state == "ready" for status in states)
    before = len(slow.read_text().splitlines())
    time.sleep(0.5)
    assert len(slow.read_text().splitlines()) == before
    monkeypatch.setenv("SLOW_LJ_SECONDS", "0")
    assert run(folder.path).complete
    assert energies(folder) == pytest.approx(reference_energies(tmp_path, *family(lj_job)), abs=1e-7)


DRIVER = """
import sys
from qddft.study import chunk
from qddft.study.execute import run
run(sys.argv[1], workers=2)
"""


def start_driver(path):
    return subprocess.Popen([sys.executable, "-c", DRIVER, str(path)], stderr=subprocess.PIPE)


def test_killed_at_random_times_it_ends_with_the_same_results_and_does_no_done_job_again(
    tmp_path, slow, lj_job, monkeypatch
):
    expected = reference_energies(tmp_path, *family(lj_job))
    clean = Counter(line.split()[0] for line in slow.read_text().splitlines())
    slow.write_text("")
    monkeypatch.setenv("SLOW_LJ_SECONDS", "0.05")
    folder = write_run(tmp_path / "run", *family(lj_job))
    done_once: dict[str, str] = {}
    seed = secrets.randbelow(2**31)
    print(f"kill times from the seed {seed}")  # noqa: T201  (shown when the test fails)
    delays = random.Random(seed)
    # from before the first worker is up to the middle of the relaxations
    for _ in range(10):
        driver = start_driver(folder.path)
        time.sleep(delays.uniform(0.3, 3.0))
        driver.kill()
        driver.wait()
        driver.stderr.close()
        for entry in folder.entries:
            product = folder.folder(entry) / OUTPUTS
            if product.exists():
                assert done_once.setdefault(entry.id, product.read_text()) == product.read_text()
    monkeypatch.setenv("SLOW_LJ_SECONDS", "0")
    # workers of the killed driver end with it
    deadline = time.monotonic() + 5
    while any(status.state == "running" for status in folder.statuses().values()) and time.monotonic() < deadline:
        time.sleep(0.05)
    finished_before = {key for key, status in folder.statuses().items() if status.state == "done"}
    stamps = {key: (folder.folder(folder.entry(key)) / OUTPUTS).stat().st_mtime_ns for key in finished_before}
    report = run(folder.path, workers=2)
    assert report.complete
    assert {entry.id for entry in report.kept} == finished_before
    for key, stamp in stamps.items():
        assert (folder.folder(folder.entry(key)) / OUTPUTS).stat().st_mtime_ns == stamp
    assert energies(folder) == pytest.approx(expected, abs=1e-7)
    calls = Counter(line.split()[0] for line in slow.read_text().splitlines())
    # every kill costs each of the two workers at most the evaluation it was in
    assert all(calls[atoms] <= clean[atoms] + 10 for atoms in clean)


def test_workers_die_with_their_driver(tmp_path, slow, lj_job, monkeypatch):
    monkeypatch.setenv("SLOW_LJ_SECONDS", "0.1")
    folder = write_run(tmp_path / "run", lj_job(engine=ENGINE))
    driver = start_driver(folder.path)
    while not slow.read_text():
        time.sleep(0.05)
    driver.kill()
    driver.wait()
    driver.stderr.close()
    worker = int(slow.read_text().split()[1])
    deadline = time.monotonic() + 3
    while Path(f"/proc/{worker}").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not Path(f"/proc/{worker}").exists()
    assert job_status(folder.folder(folder.entries[0])).state == "ready"


def test_a_second_driver_is_refused_and_nothing_is_done_twice(tmp_path, slow, lj_job, monkeypatch):
    monkeypatch.setenv("SLOW_LJ_SECONDS", "0.1")
    folder = write_run(tmp_path / "run", *family(lj_job))
    driver = start_driver(folder.path)
    while not slow.read_text():
        time.sleep(0.05)
    with pytest.raises(LockedError, match=rf"in use by process {driver.pid} on .*; wait until it has ended"):
        run(folder.path)
    driver.wait(60)
    driver.stderr.close()
    for entry in folder.entries:
        steps = (folder.folder(entry) / PROGRESS).read_text().splitlines()
        numbers = [json.loads(line)["step"] for line in steps]
        assert numbers == list(range(len(numbers)))
        assert (folder.folder(entry) / LOG).read_text().count(" begins ") == 1
    assert run(folder.path).complete


def test_a_job_that_somebody_else_works_on_is_waited_for(tmp_path, slow, lj_job):
    folder = write_run(tmp_path / "run", lj_job(engine=ENGINE))
    lock = folder.folder(folder.entries[0]) / LOCK
    held = hold(lock)
    held.__enter__()
    seen = []

    def release(event):
        seen.append(event.kind)
        if event.kind == "busy":
            assert f"in use by process {os.getpid()}" in event.reason
            held.__exit__(None, None, None)

    assert run(folder.path, on_event=release).complete
    assert seen[:2] == ["start", "busy"]
    assert seen[-1] == "done"


def test_a_damaged_checkpoint_and_a_torn_line_do_no_harm(tmp_path, slow, lj_job):
    expected = reference_energies(tmp_path, lj_job(engine=ENGINE))
    folder = write_run(tmp_path / "run", lj_job(engine=ENGINE))
    place = folder.folder(folder.entries[0])
    (place / CHECKPOINT).write_text('{"format": 1, "ke')
    (place / PROGRESS).write_text('{"step": 0, "energy_eV": -1, "max_force": 1, "seconds": 1}\n{"step": 7, "ener')
    assert run(folder.path).complete
    assert energies(folder) == pytest.approx(expected, abs=1e-9)
    numbers = [json.loads(line)["step"] for line in (place / PROGRESS).read_text().splitlines()]
    assert numbers == list(range(len(numbers)))
    assert not (place / CHECKPOINT).exists()


def test_any_executor_will_do(tmp_path, slow, lj_job):
    folder = write_run(tmp_path / "run", lj_job(engine=ENGINE))
    with ThreadPoolExecutor(2) as pool:
        assert run(folder.path, executor=pool).complete


def test_a_chunk_does_its_jobs_and_no_others(tmp_path, slow, lj_job, monkeypatch, capsys):
    parent, part, again, other = family(lj_job)
    folder = write_run(tmp_path / "run", parent, part, again, other)
    tasks = {"tasks": [[other.id], [parent.id, part.id], [again.id]]}
    (folder.path / "t.json").write_text(json.dumps(tasks))
    monkeypatch.setenv("SLURM_CPUS_PER_TASK", "1")
    assert chunk.main([str(folder.path), "t.json", "2"]) == 1
    assert "starts from parent, which is not done" in capsys.readouterr().err
    assert chunk.main([str(folder.path), "t.json", "1"]) == 0
    assert chunk.main([str(folder.path), "t.json", "2"]) == 0
    states = {folder.entry(key).name: value.state for key, value in folder.statuses().items()}
    assert states == {"parent": "done", "part": "done", "again": "done", "other": "ready"}
    assert chunk.main([str(folder.path), "t.json", "9"]) == 2
    assert "has no element 9" in capsys.readouterr().err


def test_a_child_of_an_unconverged_parent_says_so(tmp_path, slow, lj_job):
    parent = lj_job("parent", engine=ENGINE, max_steps=1)
    child = lj_job("child", parent=parent, task="static", engine=ENGINE)
    folder = write_run(tmp_path / "run", child)
    assert run(folder.path).complete
    outputs = load_outputs(folder.folder(folder.entry(child.id)) / OUTPUTS)
    assert outputs.warnings == ("starts from the last structure of parent, whose relaxation has not converged",)
    assert load_outputs(folder.folder(folder.entry(parent.id)) / OUTPUTS).ionically_converged is False


def test_a_job_whose_parent_is_missing_is_not_a_failure(tmp_path, slow, lj_job):
    parent = lj_job("parent", engine=ENGINE)
    folder = write_run(tmp_path / "run", lj_job("child", parent=parent, engine=ENGINE))
    child = folder.folder(folder.entries[1])
    outcome = run_job_folder(str(child), 1)
    assert outcome.kind == "busy"
    assert "starts from parent, which has not finished" in outcome.reason
    assert job_status(child, child.parent / parent.folder_name).state == "waiting"


def test_wrong_input_is_refused(tmp_path, slow, lj_job):
    folder = write_run(tmp_path / "run", lj_job(engine=ENGINE))
    with pytest.raises(EngineError, match="at least one worker, not 0"):
        run(folder.path, workers=0)
    with pytest.raises(FolderError, match="is this a run folder"):
        run(tmp_path)
    missing = create_run(
        tmp_path / "m", Plan.of([lj_job(engine="ase:nowhere:x")]), engine="ase:nowhere:x", title="", study_text=""
    )
    with pytest.raises(EngineError, match="no module 'nowhere'"):
        run(missing.path)


def test_a_run_can_be_loaded_while_it_runs(tmp_path, slow, lj_job):
    folder = write_run(tmp_path / "run", lj_job(engine=ENGINE))
    seen = []
    run(folder.path, on_event=lambda event: seen.append(load_run(folder.path).statuses()[event.entry.id].state))
    assert set(seen) <= {"ready", "running", "done"}
    assert "done" in seen


@pytest.mark.slow
def test_a_real_engine_that_is_killed_goes_on(tmp_path):
    """GFN2-xTB, acetic acid and methanol, killed six times."""
    from ase.build import molecule

    from qddft.jobs import Given, Job
    from qddft.levels.load import load_level

    level = load_level("screening").resolved("tblite")
    jobs = []
    for name in ("CH3COOH", "CH3OH"):
        atoms = molecule(name)
        atoms.rattle(0.15, seed=1)
        jobs.append(Job(name=name.lower(), role="molecule", task="relax", start=Given.of(atoms), level=level))
    results = []
    for place, kills in (("whole", 0), ("cut", 6)):
        folder = create_run(tmp_path / place, Plan.of(jobs), engine="tblite", title="", study_text="")
        for number in range(kills):
            driver = start_driver(folder.path)
            time.sleep(0.8 + 0.15 * ((5 * number) % kills))
            driver.kill()
            driver.wait()
            driver.stderr.close()
        assert run(folder.path).complete
        results.append(energies(folder))
        for entry in folder.entries:
            assert load_outputs(folder.folder(entry) / OUTPUTS).converged
    assert results[0] == pytest.approx(results[1], abs=1e-5)
