"""Submission on a real Slurm of one node that these tests start; they are skipped where Slurm is not installed."""

import getpass
import json
import os
import shutil
import signal
import sys
import time
from pathlib import Path

import pytest
from local_slurm import LocalSlurm, missing

from qddft.core.errors import MachineError
from qddft.engines.machine import Chunks, Environment, Machine, Queue
from qddft.jobs.folder import LOG, OUTPUTS
from qddft.jobs.lock import LockedError, hold
from qddft.jobs.plan import Plan
from qddft.jobs.run_folder import create_run
from qddft.outputs.store import load_outputs
from qddft.study.execute import run as run_here
from qddft.study.queue_status import queue_status
from qddft.study.submissions import FILE, load_submissions
from qddft.study.submit import cancel, retry, submit

ENGINE = "ase:slow_lj:make"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(missing()), reason=f"Slurm is not installed: no {', '.join(missing())}"),
]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    # the path of a socket may not be long
    root = Path(f"/tmp/qddft-slurm-{getpass.getuser()}-{os.getpid()}")
    root.mkdir(mode=0o755)
    slurm = LocalSlurm(root)
    try:
        slurm.start()
        yield slurm
    finally:
        slurm.stop()
        shutil.rmtree(root)


@pytest.fixture
def slow(tmp_path, monkeypatch, cluster):
    """Point the commands of Slurm, and the slow calculator, at this test."""
    monkeypatch.setenv("SLURM_CONF", str(cluster.conf))
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
    monkeypatch.setenv("PYTHONPYCACHEPREFIX", str(cluster.root / "bytecode"))
    monkeypatch.setenv("SLOW_LJ_LOG", str(tmp_path / "calls.log"))
    (tmp_path / "calls.log").touch()
    yield tmp_path / "calls.log"
    cluster.call("scancel", f"--user={getpass.getuser()}")
    deadline = time.monotonic() + 20
    while cluster.call("squeue", "-h") and time.monotonic() < deadline:
        time.sleep(0.2)


def machine(*, walltime="00:10:00", minutes=60, **queue):
    return Machine(
        name="here",
        queue=Queue(partition="debug", walltime=walltime, **({"warn_seconds": 0} | queue)),
        environment=Environment(python=sys.executable),
        chunks=Chunks(minutes=minutes),
    )


def one_chunk_each():
    """Return a machine on which every family of jobs is a chunk of its own."""
    return machine().model_copy(update={"chunks": Chunks.model_construct(minutes=1e-9, at_once=0)})


def write_run(path, *jobs):
    return create_run(path, Plan.of(jobs), engine=ENGINE, title="Test", study_text="")


def family(lj_job):
    parent = lj_job("parent", engine=ENGINE)
    return (
        parent,
        lj_job("again", parent=parent, task="static", engine=ENGINE),
        lj_job("other", atoms=5, engine=ENGINE),
        lj_job("third", atoms=3, engine=ENGINE),
    )


def states(run):
    return {line.entry.name: line.state for line in queue_status(run.path)}


def wait_until(run, condition, seconds=180):
    deadline = time.monotonic() + seconds
    while not condition(found := queue_status(run.path)):
        assert time.monotonic() < deadline, [(line.entry.name, line.state, line.reason) for line in found]
        time.sleep(0.3)
    return {line.entry.name: line for line in found}


def wait_done(run):
    return wait_until(run, lambda lines: all(line.state == "done" for line in lines))


def wait_step(run, name, step=2):
    return wait_until(
        run,
        lambda lines: any(
            line.entry.name == name and line.progress is not None and line.progress.step >= step for line in lines
        ),
    )


def energies(run):
    return {entry.name: load_outputs(run.folder(entry) / OUTPUTS).energy for entry in run.entries}


def starts(run, name):
    entry = next(entry for entry in run.entries if entry.name == name)
    return (run.folder(entry) / LOG).read_text().count(" begins ")


@pytest.fixture
def expected(tmp_path, slow, lj_job):
    """Return the energies of an undisturbed run on this machine."""
    reference = write_run(tmp_path / "reference", *family(lj_job))
    assert run_here(reference.path).complete
    return energies(reference)


def test_an_array_of_chunks_gives_what_a_run_here_gives(tmp_path, slow, lj_job, expected):
    run = write_run(tmp_path / "a 'run' $(touch pwned)", *family(lj_job))
    report = submit(run.path, one_chunk_each())
    assert len(report.submitted) == 1
    assert "--array=0-2" in report.submitted[0].command
    assert submit(run.path, one_chunk_each()).submitted == ()
    lines = queue_status(run.path)
    assert all(line.slurm_id for line in lines if line.state != "done")
    wait_done(run)
    assert energies(run) == pytest.approx(expected, abs=1e-9)
    assert all(starts(run, entry.name) == 1 for entry in run.entries)
    again = submit(run.path, machine())
    assert {reason for _, reason in again.skipped} == {"done"}
    assert not list(Path.cwd().rglob("pwned"))
    assert not list(tmp_path.rglob("pwned"))


def test_a_rehearsal_writes_and_submits_nothing(tmp_path, slow, lj_job):
    run = write_run(tmp_path / "run", *family(lj_job))
    before = sorted(run.path.rglob("*"))
    report = submit(run.path, machine(), dry_run=True)
    assert sum(len(item.entries) for item in report.submitted) == 4
    assert "qddft.study.chunk" in report.submitted[0].script
    assert sorted(run.path.rglob("*")) == before
    assert set(states(run).values()) == {"ready", "waiting"}


def test_jobs_added_later_wait_for_their_parents_in_the_queue(tmp_path, slow, lj_job, monkeypatch):
    monkeypatch.setenv("SLOW_LJ_SECONDS", "0.2")
    parent = lj_job("parent", engine=ENGINE)
    run = write_run(tmp_path / "run", parent)
    first = submit(run.path, machine())
    run = write_run(tmp_path / "run", lj_job("again", parent=parent, task="static", engine=ENGINE))
    second = submit(run.path, machine())
    assert (
        f"--dependency=afterok:{first.submitted[0].slurm_id} --kill-on-invalid-dep=yes" in second.submitted[0].command
    )
    found = wait_until(run, lambda lines: any(line.state == "waiting" for line in lines))
    assert found["again"].reason == "for parent"
    wait_done(run)


def test_what_scancel_stopped_is_retried_from_its_last_step(tmp_path, slow, lj_job, monkeypatch, cluster, expected):
    monkeypatch.setenv("SLOW_LJ_SECONDS", "0.3")
    run = write_run(tmp_path / "run", *family(lj_job))
    submitted = submit(run.path, one_chunk_each()).submitted[0]
    wait_step(run, "other")
    cluster.call("scancel", submitted.slurm_id)
    found = wait_until(run, lambda lines: all(line.state in ("stopped", "done", "waiting") for line in lines))
    assert found["other"].reason.startswith(("cancelled", "left the queue"))
    assert "retry" in found["other"].advice
    assert found["other"].progress.step >= 2
    monkeypatch.setenv("SLOW_LJ_SECONDS", "0")
    assert len(retry(run.path, machine()).submitted) == 1
    wait_done(run)
    assert energies(run) == pytest.approx(expected, abs=1e-7)
    numbers = _steps(run, "other")
    assert numbers == list(range(len(numbers)))


def test_cancel_takes_what_is_ours_and_nothing_else(tmp_path, slow, lj_job, monkeypatch, cluster):
    monkeypatch.setenv("SLOW_LJ_SECONDS", "0.3")
    other = cluster.call("sbatch", "--parsable", "--output=/dev/null", "--wrap=sleep 60")
    run = write_run(tmp_path / "run", *family(lj_job))
    submit(run.path, machine())
    assert len(cancel(run.path)) == 1
    wait_until(run, lambda lines: not any(line.slurm_id for line in lines))
    assert cluster.call("squeue", "-h", "-o", "%i") == other
    assert cancel(run.path) == ()


def test_a_failed_job_stops_its_children_and_retry_takes_both(tmp_path, slow, lj_job, monkeypatch):
    monkeypatch.setenv("SLOW_LJ_FAILS", "4")
    run = write_run(tmp_path / "run", *family(lj_job))
    submit(run.path, machine())
    found = wait_until(run, lambda lines: not any(line.slurm_id for line in lines))
    assert {name: line.state for name, line in found.items()} == {
        "parent": "failed", "again": "waiting", "other": "done", "third": "done",
    }  # fmt: skip
    assert "five atoms are too many" in found["parent"].reason
    assert found["parent"].advice
    skipped = {entry.name: reason for entry, reason in submit(run.path, machine()).skipped}
    assert skipped["parent"].startswith("failed: ")
    assert "which comes first" in skipped["again"]
    monkeypatch.delenv("SLOW_LJ_FAILS")
    assert [entry.name for entry in retry(run.path, machine()).submitted[0].entries] == ["parent", "again"]
    wait_done(run)


def test_a_job_that_runs_out_of_time_goes_on_after_a_retry(tmp_path, slow, lj_job, monkeypatch, expected):
    # Slurm counts minutes
    monkeypatch.setenv("SLOW_LJ_SECONDS", "6")
    run = write_run(tmp_path / "run", *family(lj_job))
    submit(run.path, machine(walltime="00:01:00", restarts=0))
    found = wait_until(run, lambda lines: not any(line.slurm_id for line in lines))
    stopped = [line for line in found.values() if line.state == "stopped"]
    assert stopped
    assert stopped[0].reason == "time limit of the queue"
    assert "more walltime" in stopped[0].advice
    monkeypatch.setenv("SLOW_LJ_SECONDS", "0")
    retry(run.path, machine())
    wait_done(run)
    assert energies(run) == pytest.approx(expected, abs=1e-7)
    for entry in run.entries:
        numbers = _steps(run, entry.name)
        assert numbers == list(range(len(numbers)))


def test_a_killed_node_daemon_does_no_harm(tmp_path, slow, lj_job, monkeypatch, cluster, expected):
    monkeypatch.setenv("SLOW_LJ_SECONDS", "0.2")
    run = write_run(tmp_path / "run", *family(lj_job))
    submit(run.path, machine(cpus_per_task=2))
    wait_step(run, "other")
    cluster.kill("slurmd")
    time.sleep(1)
    cluster.start_node()
    wait_until(run, lambda lines: all(line.state == "done" for line in lines))
    cluster.wait_idle()
    assert energies(run) == pytest.approx(expected, abs=1e-7)
    assert all(starts(run, entry.name) == 1 for entry in run.entries)


def test_a_restarted_controller_does_no_harm(tmp_path, slow, lj_job, monkeypatch, cluster, expected):
    monkeypatch.setenv("SLOW_LJ_SECONDS", "0.2")
    run = write_run(tmp_path / "run", *family(lj_job))
    submit(run.path, machine())
    wait_step(run, "other")
    cluster.restart_controller()
    submit(run.path, machine())
    wait_done(run)
    assert energies(run) == pytest.approx(expected, abs=1e-7)
    assert all(starts(run, entry.name) == 1 for entry in run.entries)


def test_a_queue_that_does_not_answer_is_no_empty_queue(tmp_path, slow, lj_job, monkeypatch):
    run = write_run(tmp_path / "run", *family(lj_job))
    submit(run.path, machine())
    wait_done(run)
    monkeypatch.setenv("SLURM_CONF", "/nowhere")
    monkeypatch.setattr("qddft.engines.slurm._TIMEOUT", 1)
    for call in (lambda: submit(run.path, machine()), lambda: queue_status(run.path), lambda: cancel(run.path)):
        with pytest.raises(MachineError, match=r"refuses|has not answered for 1 s; try again later"):
            call()


def test_a_submission_that_died_before_it_knew_its_id_is_found_by_name(tmp_path, slow, lj_job, monkeypatch):
    monkeypatch.setenv("SLOW_LJ_SECONDS", "0.2")
    run = write_run(tmp_path / "run", *family(lj_job))
    submit(run.path, machine())
    lines = (run.path / FILE).read_text().splitlines()
    (run.path / FILE).write_text("\n".join(lines[:-1]) + '\n{"token": "torn')
    assert [item.slurm_id for item in load_submissions(run.path)] == [""]
    assert submit(run.path, machine()).submitted == ()
    wait_done(run)
    assert all(starts(run, entry.name) == 1 for entry in run.entries)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"tasks": 64}, "asks for 64 cores on a node .*; the largest node of the partition has 4"),
        ({"partition": "gpus"}, "Slurm has no partition 'gpus'; it has: debug, short"),
        ({"partition": "short"}, "asks for 01:00:00; the partition allows 0 h 10 min"),
        ({"account": "x", "options": ("--no-such-option",)}, "sbatch refuses: .*no-such-option"),
    ],
)
def test_what_would_wait_for_ever_is_refused(tmp_path, slow, lj_job, changes, message):
    run = write_run(tmp_path / "run", *family(lj_job))
    queue = Queue(**({"partition": "debug", "walltime": "01:00:00"} | changes))
    with pytest.raises(MachineError, match=message):
        submit(run.path, machine().model_copy(update={"queue": queue}))


def test_two_submissions_at_once_are_refused(tmp_path, slow, lj_job):
    run = write_run(tmp_path / "run", *family(lj_job))
    with hold(run.path / "submit.lock"), pytest.raises(LockedError, match="in use by"):
        submit(run.path, machine())


def test_pbs_is_rehearsed_only(tmp_path, slow, lj_job):
    run = write_run(tmp_path / "run", *family(lj_job))
    pbs = machine().model_copy(update={"scheduler": "pbs"})
    with pytest.raises(MachineError, match="does not submit to PBS"):
        submit(run.path, pbs)
    assert submit(run.path, pbs, dry_run=True).submitted[0].command.startswith("qsub -N ")


def test_a_warned_job_puts_itself_back_and_finishes(tmp_path, slow, lj_job, monkeypatch, cluster, expected):
    monkeypatch.setenv("SLOW_LJ_SECONDS", "1")
    run = write_run(tmp_path / "run", *family(lj_job))
    submitted = submit(run.path, machine(walltime="00:10:00", warn_seconds=300))
    wait_step(run, "other")
    cluster.call("scancel", "--signal=USR1", "--batch", submitted.submitted[0].slurm_id)
    found = wait_until(run, lambda lines: any("starts again" in line.reason for line in lines))
    assert found["other"].state == "queued"
    # Slurm keeps a job that was put back for two minutes
    cluster.call("scontrol", "update", f"JobId={submitted.submitted[0].slurm_id}", "StartTime=now")
    wait_done(run)
    assert energies(run) == pytest.approx(expected, abs=1e-7)
    assert starts(run, "other") == 2


def _steps(run, name):
    entry = next(entry for entry in run.entries if entry.name == name)
    return [json.loads(line)["step"] for line in (run.folder(entry) / "progress.jsonl").read_text().splitlines()]


def test_a_killed_batch_shell_is_retried(tmp_path, slow, lj_job, monkeypatch, expected):
    monkeypatch.setenv("SLOW_LJ_SECONDS", "0.3")
    run = write_run(tmp_path / "run", *family(lj_job))
    submit(run.path, machine())
    wait_step(run, "other")
    worker = int(slow.read_text().split()[-1])
    driver = int(Path(f"/proc/{worker}/stat").read_text().rpartition(")")[2].split()[1])
    os.kill(driver, signal.SIGKILL)
    wait_until(run, lambda lines: not any(line.slurm_id for line in lines))
    monkeypatch.setenv("SLOW_LJ_SECONDS", "0")
    retry(run.path, machine())
    wait_done(run)
    assert energies(run) == pytest.approx(expected, abs=1e-7)


def test_a_study_computed_by_tblite_is_the_same_through_the_queue(tmp_path, slow, monkeypatch, cluster):
    """The demonstration of the Tao study at the level smoke, disturbed once by scancel."""
    from qddft.core.resources import data_folder
    from qddft.study.collect import collect
    from qddft.study.session import run as run_study
    from qddft.study.session import write

    study = data_folder("workflows") / "tao-cspbbr3" / "demo.yaml"
    assert run_study(study, tmp_path / "here", level="smoke").complete
    run = write(study, tmp_path / "queue", level="smoke")
    submitted = submit(run.path, one_chunk_each()).submitted
    assert sum(len(item.entries) for item in submitted) == len(run.entries)
    wait_until(run, lambda lines: any(line.state == "running" for line in lines))
    cluster.call("scancel", submitted[0].slurm_id)
    wait_until(run, lambda lines: not any(line.slurm_id for line in lines))
    retry(run.path, machine(cpus_per_task=2, minutes=1))
    wait_until(run, lambda lines: all(line.state == "done" for line in lines), seconds=900)
    here, there = collect(tmp_path / "here"), collect(run.path)
    assert list(here["ligand"]) == list(there["ligand"])
    assert list(here["value"]) == pytest.approx(list(there["value"]), abs=1e-3, nan_ok=True)
