"""Real Parsl, here and on a real Slurm: workers, pilot jobs and drivers are killed, results stay the same."""

import getpass
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from pilot_tools import calls, family_of, gone, parent_of, wait_for, workers_at_work
from queue_tools import energies, entry_of, family, starts, steps, write_run

from qddft.core.errors import MachineError
from qddft.jobs.folder import OUTPUTS
from qddft.study.execute import run
from qddft.study.pilots import PilotExecutor, Pilots
from qddft.study.submissions import load_submissions

pytest.importorskip("parsl")
pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("compiled")]

QUICK = {"heartbeat": 6, "jobs": 2}


def local(**changes):
    return Pilots(provider="local", **(QUICK | changes))


def in_slurm(**changes):
    block = {"partition": "debug", "walltime": "00:10:00"}
    return Pilots(provider="slurm", slurm=block, address="127.0.0.1", **(QUICK | changes))


@pytest.fixture
def reference(tmp_path, pace, lj_job):
    """Return the energies of an undisturbed run without pilot jobs."""
    pace(0)
    folder = write_run(tmp_path / "reference", *family(lj_job))
    assert run(folder.path).complete
    (tmp_path / "calls.log").write_text("")
    return energies(folder)


class Once:
    """Does something at the second step of a job, once."""

    def __init__(self, name, what):
        self.name, self.what, self.events = name, what, []

    def __call__(self, event):
        self.events.append(event)
        at_work = event.kind == "step" and event.entry.name == self.name and event.progress.step >= 2
        if at_work and self.what is not None:
            what, self.what = self.what, None
            what()


def check(folder, reference, report, restarted):
    assert report.complete, report
    assert energies(folder) == pytest.approx(reference, abs=1e-7)
    begun = {entry.name: starts(folder, entry.name) for entry in folder.entries}
    assert begun == {entry.name: 1 + (entry.name in restarted) for entry in folder.entries}
    for entry in folder.entries:
        numbers = steps(folder, entry.name)
        assert numbers == list(range(len(numbers)))


def test_pilot_jobs_give_what_a_run_gives_whatever_its_folder_is_called(tmp_path, reference, lj_job):
    folder = write_run(tmp_path / "a 'run' $(touch pwned) [1] {x} %j", *family(lj_job))
    seen = Once("", None)
    # a Slurm of this process of pytest may be at work
    others = family_of([os.getpid()])
    with PilotExecutor(local(), folder.path) as executor:
        report = run(folder.path, executor=executor, on_event=seen)
        processes = family_of([os.getpid()]) - others
    check(folder, reference, report, ())
    assert gone(processes, 20) == []
    assert [event.kind for event in seen.events].count("done") == 4
    assert not list(Path.cwd().glob("pwned"))
    with PilotExecutor(local(), folder.path) as executor:
        assert len(run(folder.path, executor=executor).kept) == 4
    assert len(list((folder.path / "parsl").iterdir())) == 1


def test_a_killed_worker_costs_one_step(tmp_path, reference, pace, lj_job):
    pace(0.2)

    def kill():
        jobs, _ = workers_at_work(tmp_path)
        job = next(pid for atoms, pid in calls(tmp_path) if atoms == "5" and pid in jobs)
        os.kill(parent_of(job), signal.SIGKILL)
        assert gone([job], 10) == []
        pace(0)

    folder = write_run(tmp_path / "run", *family(lj_job))
    with PilotExecutor(local(), folder.path) as executor:
        report = run(folder.path, executor=executor, on_event=Once("other", kill))
    check(folder, reference, report, {"other"})


def test_a_killed_block_is_replaced(tmp_path, reference, pace, lj_job):
    pace(0.2)
    before = []

    def kill():
        jobs, workers = workers_at_work(tmp_path)
        before.extend(jobs)
        group = os.getpgid(next(iter(workers)))
        before.extend(family_of([group]))
        os.killpg(group, signal.SIGKILL)
        assert gone(before, 10) == []
        pace(0)

    folder = write_run(tmp_path / "run", lj_job("other", atoms=5, engine="ase:slow_lj:make"))
    with PilotExecutor(local(), folder.path) as executor:
        report = run(folder.path, executor=executor, on_event=Once("other", kill))
    assert before
    check(folder, {"other": reference["other"]}, report, {"other"})


DRIVER = """
import sys
from qddft.study.execute import run
from qddft.study.pilots import PilotExecutor, Pilots
with PilotExecutor(Pilots.model_validate_json(sys.argv[2]), sys.argv[1]) as executor:
    run(sys.argv[1], executor=executor)
"""


def start_driver(folder, pilots):
    command = [sys.executable, "-c", DRIVER, str(folder.path), pilots.model_dump_json()]
    return subprocess.Popen(command, stderr=subprocess.PIPE, start_new_session=True)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_a_killed_driver_leaves_nothing_behind_and_the_next_goes_on(tmp_path, reference, pace, lj_job, number):
    # slow enough that the job does not end while its driver does
    pace(1.0)
    folder = write_run(tmp_path / "run", *family(lj_job))
    driver = start_driver(folder, local())
    wait_for(lambda: len(steps_of(folder, "other")) > 2)
    processes = family_of([driver.pid])
    # Parsl: interchange, shell, pool, its server and tracker, two workers; and the jobs
    assert len(processes) >= 9
    # like Ctrl-C, which a terminal sends to the whole group
    os.killpg(driver.pid, number)
    driver.wait(20)
    driver.stderr.close()
    assert gone(processes, 20) == []
    done = {entry.name: starts(folder, entry.name) for entry in folder.entries if is_done(folder, entry)}
    before = len(calls(tmp_path))
    time.sleep(0.5)
    assert len(calls(tmp_path)) == before
    pace(0)
    with PilotExecutor(local(), folder.path) as executor:
        report = run(folder.path, executor=executor)
    begun = {entry.name for entry in folder.entries if starts(folder, entry.name) == 2}
    assert "other" in begun
    assert not begun & set(done)
    check(folder, reference, report, begun)


def steps_of(folder, name):
    return steps(folder, name) if (folder.folder(entry_of(folder, name)) / "progress.jsonl").exists() else []


def is_done(folder, entry):
    return (folder.folder(entry) / OUTPUTS).exists()


def test_pilot_jobs_that_cannot_start_end_the_run(tmp_path, pace, lj_job):
    folder = write_run(tmp_path / "run", lj_job(engine="ase:slow_lj:make"))
    broken = local(lost_blocks=1, environment={"setup": ["echo no such module >&2", "exit 3"]})
    begun = time.monotonic()
    with (
        pytest.raises(MachineError, match=r"2 pilot jobs were lost .*\(lost_blocks = 1\).*no such module"),
        PilotExecutor(broken, folder.path) as executor,
    ):
        run(folder.path, executor=executor)
    assert time.monotonic() - begun < 60
    assert [status.state for status in folder.statuses().values()] == ["ready"]


def test_a_dead_interchange_ends_the_run(tmp_path, pace, lj_job):
    pace(0.2)
    folder = write_run(tmp_path / "run", lj_job(engine="ase:slow_lj:make"))
    processes = set()
    others = family_of([os.getpid()])

    def kill():
        processes.update(family_of([os.getpid()]) - others)
        title = b"HTEX interchange"
        found = [pid for pid in processes if title in Path(f"/proc/{pid}/cmdline").read_bytes()]
        assert len(found) == 1
        os.kill(found[0], signal.SIGKILL)

    with (
        pytest.raises(MachineError, match=r"interchange has died; .*run again"),
        PilotExecutor(local(), folder.path) as executor,
    ):
        run(folder.path, executor=executor, on_event=Once("cluster", kill))
    assert gone(processes, 20) == []


def blocks_in(cluster):
    lines = cluster.call("squeue", "-h", "-o", "%i %j %t").splitlines()
    return [line.split() for line in lines if " parsl." in line]


def test_in_slurm_a_cancelled_block_is_replaced(tmp_path, slow, cluster, reference, lj_job):
    slow(0.2)

    def cancel():
        cluster.call("scancel", blocks_in(cluster)[0][0])
        wait_for(lambda: not workers_at_work(tmp_path)[0])
        slow(0)

    folder = write_run(tmp_path / "a 'run' $(touch pwned)", *family(lj_job))
    with PilotExecutor(in_slurm(), folder.path) as executor:
        report = run(folder.path, executor=executor, on_event=Once("other", cancel))
    begun = {entry.name for entry in folder.entries if starts(folder, entry.name) == 2}
    assert "other" in begun
    check(folder, reference, report, begun)
    wait_for(lambda: not cluster.call("squeue", "-h"), 30)
    assert not list(Path.cwd().glob("pwned"))
    assert not list(folder.path.rglob("pwned"))


def test_in_slurm_a_killed_driver_releases_its_blocks_and_the_next_cancels_those_that_wait(
    tmp_path, slow, cluster, reference, lj_job
):
    slow(0.2)
    foreign = cluster.call(
        "sbatch", "--parsable", "--output=/dev/null", "--job-name=parsl.htex.block-9", "--wrap=sleep 900"
    )
    folder = write_run(tmp_path / "run", *family(lj_job))
    # two pilot jobs of two cores, and three cores left
    pilots = in_slurm(blocks=2)
    driver = start_driver(folder, pilots)
    wait_for(lambda: len(steps_of(folder, "other")) > 2)
    wait_for(lambda: sorted(state for block, _, state in blocks_in(cluster) if block != foreign) == ["PD", "R"])
    assert {item.slurm_id for item in load_submissions(folder.path)} == {block[0] for block in blocks_in(cluster)} - {
        foreign
    }
    running = next(block for block, _, state in blocks_in(cluster) if state == "R" and block != foreign)
    processes = family_of([driver.pid]) | workers_at_work(tmp_path)[0] | workers_at_work(tmp_path)[1]
    driver.kill()
    driver.wait()
    driver.stderr.close()
    assert gone(processes, 20) == []
    wait_for(lambda: running not in [block for block, _, _ in blocks_in(cluster)], 20)
    slow(0)
    with PilotExecutor(in_slurm(), folder.path) as executor:
        report = run(folder.path, executor=executor)
    begun = {entry.name for entry in folder.entries if starts(folder, entry.name) == 2}
    check(folder, reference, report, begun)
    # what was cancelled needs a moment to end
    wait_for(lambda: cluster.call("squeue", "-h", "-o", "%i").split() == [foreign], 30)
    cluster.call("scancel", f"--user={getpass.getuser()}")
