"""Submission on a real Slurm of one node that these tests start; they are skipped where Slurm is not installed."""

import os
import random
import signal
import time
from pathlib import Path

import pytest
from local_slurm import missing
from queue_tools import (
    ENGINE,
    energies,
    family,
    machine,
    one_chunk_each,
    starts,
    states,
    steps,
    wait_done,
    wait_empty,
    wait_step,
    wait_until,
    write_run,
)

from qddft.core.errors import FolderError, MachineError
from qddft.engines.machine import Queue
from qddft.jobs.folder import OUTPUTS
from qddft.jobs.lock import LockedError, hold
from qddft.study.execute import run as run_here
from qddft.study.queue_status import queue_status
from qddft.study.submissions import FILE, FOLDER, Submission, load_submissions, save_submission
from qddft.study.submit import cancel, retry, submit

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(missing()), reason=f"Slurm is not installed: no {', '.join(missing())}"),
]
# energies of an undisturbed run, computed once
_EXPECTED: dict[str, float] = {}


@pytest.fixture
def expected(tmp_path, slow, lj_job):
    """Return the energies of an undisturbed run on this machine."""
    if not _EXPECTED:
        reference = write_run(tmp_path / "reference", *family(lj_job))
        assert run_here(reference.path).complete
        _EXPECTED.update(energies(reference))
    return _EXPECTED


@pytest.mark.parametrize("name", ["a 'run' $(touch pwned)", '-50% %j %A "x" `touch pwned`', "two\nlines;touch pwned"])
def test_an_array_of_chunks_gives_what_a_run_here_gives(name, tmp_path, slow, lj_job, expected):
    run = write_run(tmp_path / name, *family(lj_job))
    report = submit(run.path, one_chunk_each())
    # two that stand alone, then one with a child, which waits for it
    alone, first, second = report.submitted
    assert "--array=0-1" in alone.command
    assert f"--dependency=afterok:{first.slurm_id}" in second.command
    assert "--kill-on-invalid-dep=yes" in second.command
    assert submit(run.path, one_chunk_each()).submitted == ()
    lines = queue_status(run.path)
    assert all(line.slurm_id for line in lines if line.state != "done")
    wait_done(run)
    assert energies(run) == pytest.approx(expected, abs=1e-9)
    assert all(starts(run, entry.name) == 1 for entry in run.entries)
    again = submit(run.path, machine())
    assert {reason for _, reason in again.skipped} == {"done"}
    assert len(list((run.path / FOLDER).glob("*.out"))) == 4
    assert not list(Path.cwd().glob("pwned"))
    assert not list(tmp_path.rglob("pwned"))


def test_a_rehearsal_writes_and_submits_nothing(tmp_path, slow, lj_job):
    run = write_run(tmp_path / "run", *family(lj_job))
    before = sorted(run.path.rglob("*"))
    report = submit(run.path, machine(), dry_run=True)
    assert sum(len(item.entries) for item in report.submitted) == 4
    assert "qddft.study.chunk" in report.submitted[0].script
    assert sorted(run.path.rglob("*")) == before
    assert set(states(run).values()) == {"ready", "waiting"}


def test_jobs_added_later_wait_for_their_parents_in_the_queue(tmp_path, slow, lj_job):
    slow(0.3)
    parent = lj_job("parent", engine=ENGINE)
    run = write_run(tmp_path / "run", parent)
    first = submit(run.path, machine())
    run = write_run(tmp_path / "run", lj_job("again", parent=parent, task="static", engine=ENGINE))
    second = submit(run.path, machine())
    assert f"--dependency=afterok:{first.submitted[0].slurm_id}" in second.submitted[0].command
    found = wait_until(run, lambda lines: any(line.state == "waiting" for line in lines))
    assert found["again"].reason == "for parent"
    slow(0)
    wait_done(run)


def test_what_scancel_stopped_is_retried_from_its_last_step(tmp_path, slow, lj_job, cluster, expected):
    slow(0.3)
    run = write_run(tmp_path / "run", *family(lj_job))
    submitted = submit(run.path, one_chunk_each()).submitted
    wait_step(run, "other")
    for call in submitted:
        cluster.call("scancel", call.slurm_id)
    found = wait_until(run, lambda lines: all(line.state in ("stopped", "done", "waiting") for line in lines))
    assert found["other"].reason.startswith(("cancelled", "left the queue"))
    assert "retry" in found["other"].advice
    assert found["other"].progress.step >= 2
    slow(0)
    assert len(retry(run.path, machine()).submitted) == 1
    wait_done(run)
    assert energies(run) == pytest.approx(expected, abs=1e-7)
    numbers = steps(run, "other")
    assert numbers == list(range(len(numbers)))


def test_cancel_takes_what_is_ours_and_nothing_else(tmp_path, slow, lj_job, cluster):
    slow(0.3)
    other = cluster.call("sbatch", "--parsable", "--output=/dev/null", "--wrap=sleep 60")
    run = write_run(tmp_path / "run", *family(lj_job))
    submit(run.path, machine())
    # a controller that crashed gave the id of an earlier submission of ours to somebody else
    save_submission(run.path, Submission("qddft-earlier", "here", other, ((run.entries[0].id,),), "before"))
    assert len(cancel(run.path)) == 1
    wait_empty(run)
    assert cluster.call("squeue", "-h", "-o", "%i") == other
    assert cancel(run.path) == ()


def test_cancel_takes_arrays_and_what_waits_for_them(tmp_path, slow, lj_job, cluster):
    slow(0.5)
    run = write_run(tmp_path / "run", *family(lj_job))
    submit(run.path, one_chunk_each())
    wait_step(run, "other", 1)
    assert len(cancel(run.path)) == 4
    found = wait_empty(run)
    assert {line.state for line in found.values()} == {"stopped", "waiting"}
    assert cluster.call("squeue", "-h") == ""


def test_a_failed_job_stops_its_children_and_retry_takes_both(tmp_path, slow, lj_job, monkeypatch):
    monkeypatch.setenv("SLOW_LJ_FAILS", "4")
    run = write_run(tmp_path / "run", *family(lj_job))
    submit(run.path, machine())
    found = wait_empty(run)
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


def two_families(lj_job):
    """Return two jobs, the second of which can be made to fail, and a child of each."""
    parents = [lj_job(f"parent-{atoms}", atoms=atoms, engine=ENGINE) for atoms in (3, 4)]
    children = [
        lj_job(f"child-{atoms}", parent=parent, task="static", engine=ENGINE)
        for atoms, parent in zip((3, 4), parents, strict=True)
    ]
    return (*parents, *children)


def test_a_failure_keeps_only_its_own_children_waiting(tmp_path, slow, lj_job, monkeypatch):
    """Arrays of two generations, element behind element (aftercorr)."""
    monkeypatch.setenv("SLOW_LJ_FAILS", "4")
    run = write_run(tmp_path / "run", *two_families(lj_job))
    first, second = submit(run.path, one_chunk_each()).submitted
    assert f"--dependency=aftercorr:{first.slurm_id}" in second.command
    found = wait_empty(run)
    assert {name: line.state for name, line in found.items()} == {
        "parent-3": "done", "child-3": "done", "parent-4": "failed", "child-4": "waiting",
    }  # fmt: skip
    monkeypatch.delenv("SLOW_LJ_FAILS")
    assert len(retry(run.path, one_chunk_each()).submitted) == 2
    wait_done(run)


def test_a_child_whose_parent_shared_a_chunk_with_a_failure_is_submitted_again(tmp_path, slow, lj_job, monkeypatch):
    """Slurm knows how a chunk ended, not each of its jobs: the child of the good one is cancelled, and not lost."""
    slow(0.3)
    monkeypatch.setenv("SLOW_LJ_FAILS", "4")
    jobs = two_families(lj_job)
    run = write_run(tmp_path / "run", *jobs[:2])
    submit(run.path, machine())
    run = write_run(tmp_path / "run", *jobs)
    submit(run.path, machine())
    slow(0)
    found = wait_empty(run)
    assert {name: line.state for name, line in found.items()} == {
        "parent-3": "done", "child-3": "stopped", "parent-4": "failed", "child-4": "waiting",
    }  # fmt: skip
    assert "retry" in found["child-3"].advice or "submit" in found["child-3"].advice
    assert [entry.name for entry in submit(run.path, machine()).submitted[0].entries] == ["child-3"]
    wait_until(run, lambda lines: [line.state for line in lines].count("done") == 2)


def test_a_job_that_runs_out_of_time_goes_on_after_a_retry(tmp_path, slow, lj_job, expected):
    # Slurm counts minutes
    slow(6)
    run = write_run(tmp_path / "run", *family(lj_job))
    submit(run.path, machine(walltime="00:01:00", restarts=0))
    found = wait_empty(run)
    stopped = [line for line in found.values() if line.state == "stopped"]
    assert stopped
    assert stopped[0].reason == "time limit of the queue"
    assert "more walltime" in stopped[0].advice
    slow(0)
    retry(run.path, machine())
    wait_done(run)
    assert energies(run) == pytest.approx(expected, abs=1e-7)
    for entry in run.entries:
        numbers = steps(run, entry.name)
        assert numbers == list(range(len(numbers)))


def test_a_killed_node_daemon_does_no_harm(tmp_path, slow, lj_job, cluster, expected):
    slow(0.3)
    run = write_run(tmp_path / "run", *family(lj_job))
    submit(run.path, machine(cpus_per_task=2))
    wait_step(run, "other")
    cluster.kill("slurmd")
    time.sleep(1)
    cluster.start_node()
    slow(0)
    wait_done(run)
    cluster.wait_idle()
    assert energies(run) == pytest.approx(expected, abs=1e-7)
    assert all(starts(run, entry.name) == 1 for entry in run.entries)


def test_a_restarted_controller_does_no_harm(tmp_path, slow, lj_job, cluster, expected):
    slow(0.3)
    run = write_run(tmp_path / "run", *family(lj_job))
    submit(run.path, machine())
    wait_step(run, "other")
    cluster.restart_controller()
    assert submit(run.path, machine()).submitted == ()
    slow(0)
    wait_done(run)
    assert energies(run) == pytest.approx(expected, abs=1e-7)
    assert all(starts(run, entry.name) == 1 for entry in run.entries)


def test_a_crashed_controller_does_no_harm(tmp_path, own_cluster, slow, lj_job, expected, monkeypatch):
    """Its state is seconds old: it may forget jobs that run, give their ids again, and start finished ones again."""
    monkeypatch.setenv("SLURM_CONF", str(own_cluster.conf))
    slow(0.3)
    run = write_run(tmp_path / "run", *family(lj_job))
    submit(run.path, machine())
    wait_step(run, "other")
    finished = {name for name, state in states(run).items() if state == "done"}
    own_cluster.crash_controller()
    # whatever it remembers: what is not in the queue is submitted again, beside a job that may be running
    submit(run.path, machine())
    slow(0)
    wait_done(run)
    assert energies(run) == pytest.approx(expected, abs=1e-7)
    # what was done is not begun again; what was under way may lose its process, and goes on behind its last step
    for entry in run.entries:
        assert starts(run, entry.name) <= (1 if entry.name in finished else 2)
        numbers = steps(run, entry.name)
        assert numbers == list(range(len(numbers)))
    wait_empty(run)


def test_a_finished_job_that_slurm_runs_again_changes_nothing(tmp_path, slow, lj_job, cluster):
    run = write_run(tmp_path / "run", *family(lj_job))
    (call,) = submit(run.path, machine()).submitted
    wait_done(run)
    wait_empty(run)
    products = {entry.name: (run.folder(entry) / OUTPUTS).stat().st_mtime_ns for entry in run.entries}
    cluster.call("scontrol", "requeue", call.slurm_id)
    wait_until(run, lambda _: cluster.call("squeue", "-h", "-o", "%i") == call.slurm_id)
    cluster.start_now(call.slurm_id)
    wait_until(run, lambda _: "JobState=COMPLETED" in cluster.call("scontrol", "show", "job", call.slurm_id))
    assert "Restarts=1" in cluster.call("scontrol", "show", "job", call.slurm_id)
    assert {entry.name: (run.folder(entry) / OUTPUTS).stat().st_mtime_ns for entry in run.entries} == products
    assert all(starts(run, entry.name) == 1 for entry in run.entries)


def _kill_worker(slow_log, cluster, run, choose):
    """Kill one of the processes that compute."""
    workers = {int(line.split()[1]) for line in slow_log.read_text().splitlines()}
    alive = sorted(pid for pid in workers if Path(f"/proc/{pid}").exists())
    if alive:
        os.kill(choose(alive), signal.SIGKILL)


def _cancel_element(slow_log, cluster, run, choose):
    tasks = cluster.call("squeue", "-h", "--array", "-o", "%i").split()
    if tasks:
        cluster.call("scancel", choose(sorted(tasks)))


def _kill_node(slow_log, cluster, run, choose):
    cluster.kill("slurmd")
    time.sleep(0.5)
    cluster.start_node()


def _restart_controller(slow_log, cluster, run, choose):
    cluster.restart_controller()


def _submit_once_more(slow_log, cluster, run, choose):
    submit(run.path, machine())


@pytest.mark.parametrize("seed", [1, 2])
def test_kills_at_random_moments_change_no_result(tmp_path, slow, lj_job, cluster, expected, seed):
    dice = random.Random(seed)
    kinds = (_kill_worker, _cancel_element, _kill_node, _restart_controller, _submit_once_more)
    slow(0.25)
    run = write_run(tmp_path / "run", *family(lj_job))
    submit(run.path, one_chunk_each())
    for kind in dice.sample(kinds, k=len(kinds)):
        time.sleep(dice.uniform(0.5, 3.0))
        kind(tmp_path / "calls.log", cluster, run, dice.choice)
        if not any(line.slurm_id for line in queue_status(run.path)):
            retry(run.path, one_chunk_each())
    slow(0)
    wait_empty(run)
    cluster.wait_idle()
    retry(run.path, one_chunk_each())
    wait_done(run)
    assert energies(run) == pytest.approx(expected, abs=1e-7)
    for entry in run.entries:
        numbers = steps(run, entry.name)
        assert numbers == list(range(len(numbers)))


def test_a_queue_that_does_not_answer_is_no_empty_queue(tmp_path, slow, lj_job, monkeypatch):
    run = write_run(tmp_path / "run", *family(lj_job))
    submit(run.path, machine())
    wait_done(run)
    monkeypatch.setenv("SLURM_CONF", "/nowhere")
    monkeypatch.setattr("qddft.engines.slurm._TIMEOUT", 1)
    for call in (lambda: submit(run.path, machine()), lambda: cancel(run.path)):
        with pytest.raises(MachineError, match=r"refuses|has not answered for 1 s; try again later"):
            call()
    # what has ended is known from the files
    assert set(states(run).values()) == {"done"}


def test_a_submission_that_died_before_it_knew_its_id_is_found_by_name(tmp_path, slow, lj_job):
    slow(0.3)
    run = write_run(tmp_path / "run", *family(lj_job))
    submit(run.path, machine())
    lines = (run.path / FILE).read_text().splitlines()
    (run.path / FILE).write_text("\n".join(lines[:-1]) + '\n{"token": "torn')
    assert [item.slurm_id for item in load_submissions(run.path)] == [""]
    assert submit(run.path, machine()).submitted == ()
    slow(0)
    wait_done(run)
    assert all(starts(run, entry.name) == 1 for entry in run.entries)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"tasks": 64}, "asks for 64 cores on a node .*; the largest node of the partition has 4"),
        ({"partition": "gpus"}, "Slurm has no partition 'gpus'; it has: debug, short"),
        ({"partition": "short"}, "asks for 01:00:00; the partition allows 0 h 10 min"),
        ({"memory": "900G"}, "asks for 900G of memory on a node; the largest node of the partition has 1000 MB"),
        ({"gpus": 2}, "sbatch refuses: .*"),
        ({"account": "x", "options": ("--no-such-option",)}, "sbatch refuses: .*no-such-option"),
    ],
)
def test_what_would_wait_for_ever_is_refused(tmp_path, slow, lj_job, cluster, changes, message):
    run = write_run(tmp_path / "run", *family(lj_job))
    queue = Queue(**({"partition": "debug", "walltime": "01:00:00"} | changes))
    with pytest.raises(MachineError, match=message):
        submit(run.path, machine().model_copy(update={"queue": queue}))
    assert cluster.call("squeue", "-h") == ""
    # what the queue refused was not submitted, and is no job that stopped
    assert set(states(run).values()) == {"ready", "waiting"}


def test_a_path_that_slurm_cannot_take_is_refused(tmp_path, slow, lj_job):
    run = write_run(tmp_path / "a \\ b", *family(lj_job))
    with pytest.raises(FolderError, match="Slurm takes no backslash"):
        submit(run.path, machine())


def test_two_submissions_at_once_are_refused(tmp_path, slow, lj_job):
    run = write_run(tmp_path / "run", *family(lj_job))
    with hold(run.path / "submit.lock"), pytest.raises(LockedError, match="in use by"):
        submit(run.path, machine())


def test_a_warned_job_puts_itself_back_and_finishes(tmp_path, slow, lj_job, cluster, expected):
    slow(0.5)
    run = write_run(tmp_path / "run", *family(lj_job))
    submitted = submit(run.path, machine(walltime="00:10:00", warn_seconds=300))
    wait_step(run, "other")
    cluster.call("scancel", "--signal=USR1", "--batch", submitted.submitted[0].slurm_id)
    found = wait_until(run, lambda lines: any("starts again" in line.reason for line in lines))
    assert found["other"].state == "queued"
    slow(0)
    cluster.start_now(submitted.submitted[0].slurm_id)
    wait_done(run)
    assert energies(run) == pytest.approx(expected, abs=1e-7)
    assert starts(run, "other") == 2
    text = "".join(path.read_text() for path in (run.path / FOLDER).glob("*.out"))
    assert "out of time, back into the queue (restart 1 of 5)" in text


def test_a_killed_batch_shell_is_retried(tmp_path, slow, lj_job, expected):
    slow(0.3)
    run = write_run(tmp_path / "run", *family(lj_job))
    submit(run.path, machine())
    wait_step(run, "other")
    worker = int((tmp_path / "calls.log").read_text().split()[-1])
    driver = int(Path(f"/proc/{worker}/stat").read_text().rpartition(")")[2].split()[1])
    os.kill(driver, signal.SIGKILL)
    wait_empty(run)
    slow(0)
    retry(run.path, machine())
    wait_done(run)
    assert energies(run) == pytest.approx(expected, abs=1e-7)
