"""Status and harvest with a queue and an engine that these tests play; the real queue is in test_submit.py."""

import json
from dataclasses import dataclass

import pytest

from qddft.cli.main import NO, main
from qddft.core.errors import MachineError, OutputError
from qddft.engines.slurm import QueueTask
from qddft.jobs.folder import LOCK, OUTPUTS, write_failure
from qddft.jobs.lock import hold
from qddft.jobs.plan import Plan
from qddft.jobs.progress import Progress
from qddft.jobs.run_folder import create_run
from qddft.outputs.outputs import Outputs
from qddft.outputs.store import load_outputs
from qddft.study.harvest import harvest
from qddft.study.queue_status import queue_status
from qddft.study.submissions import FOLDER, Submission, save_submission, without_jobs


@dataclass(frozen=True)
class Played:
    """An engine whose programs ran elsewhere: a file ``finished`` or ``failed`` says how they ended."""

    name: str = "played"

    def finished(self, folder):
        return (folder / "finished").exists()

    def failure(self, folder):
        return (folder / "failed").read_text() if (folder / "failed").exists() else ""

    def read(self, job, folder):
        if (folder / "finished").read_text() == "nonsense":
            raise OutputError("the file is cut short")
        return Outputs(atoms=job.built_atoms, energy=-1.0, engine=self.name)

    def last_step(self, job, folder):  # noqa: ARG002
        return Progress(4, -2.0, 0.5, 60.0)


PLAYED = {"vasp": Played()}


@pytest.fixture
def run(tmp_path, lj_job, monkeypatch):
    for module in ("harvest", "queue_status"):
        monkeypatch.setattr(f"qddft.study.{module}.get_engine", PLAYED.get)
    parent = lj_job("parent")
    jobs = (parent, lj_job("child", parent=parent, task="static"), lj_job("other", atoms=5))
    return create_run(tmp_path, Plan.of(jobs), engine="vasp", title="Test", study_text="")


def folder_of(run, name):
    return run.folder(next(entry for entry in run.entries if entry.name == name))


def lines(run, monkeypatch, *tasks):
    monkeypatch.setattr("qddft.study.queue_status.queue", lambda: tasks)
    return {line.entry.name: line for line in queue_status(run.path)}


def submitted(run, token="t", slurm_id="7"):
    save_submission(run.path, Submission(token, "m", slurm_id, tuple((entry.id,) for entry in run.entries), "now"))
    (run.path / FOLDER).mkdir(exist_ok=True)
    (run.path / FOLDER / f"{token}.json").write_text("{}")


def task(index, state="PENDING", reason="Priority", token="t"):
    return QueueTask(f"7_{index}", token, state, reason, index)


def test_what_was_finished_elsewhere_is_taken_in_once(run):
    (folder_of(run, "other") / "finished").touch()
    assert [entry.name for entry in harvest(run)] == ["other"]
    assert load_outputs(folder_of(run, "other") / OUTPUTS).energy == -1.0
    assert harvest(run) == ()


def test_a_failure_elsewhere_and_an_unreadable_result_are_failures(run, monkeypatch):
    (folder_of(run, "other") / "failed").write_text("NELM was reached")
    (folder_of(run, "parent") / "finished").write_text("nonsense")
    found = lines(run, monkeypatch)
    assert (found["other"].state, found["other"].reason) == ("failed", "NELM was reached")
    assert "did not converge" in found["other"].advice
    assert (found["parent"].state, found["parent"].reason) == ("failed", "the file is cut short")
    assert found["child"].reason.endswith("which failed")


def test_a_later_success_clears_the_failure(run):
    write_failure(folder_of(run, "other"), "EngineError", "old")
    (folder_of(run, "other") / "finished").touch()
    assert len(harvest(run)) == 1
    assert run.statuses()[run.entries[2].id].state == "done"


def test_folders_in_use_and_queued_jobs_are_left_alone(run):
    folder = folder_of(run, "other")
    (folder / "finished").touch()
    with hold(folder / LOCK):
        assert harvest(run) == ()
    assert harvest(run, queued=[entry.id for entry in run.entries]) == ()
    assert len(harvest(run)) == 1


def test_a_run_that_was_never_submitted_asks_no_queue(run, monkeypatch):
    def refuse():
        raise AssertionError

    monkeypatch.setattr("qddft.study.queue_status.queue", refuse)
    assert {line.entry.name: line.state for line in queue_status(run.path)} == {
        "parent": "ready", "child": "waiting", "other": "ready",
    }  # fmt: skip


def test_the_queue_tells_what_runs_and_what_waits(run, monkeypatch):
    submitted(run)
    found = lines(
        run, monkeypatch, task(0, "RUNNING", "None"), task(1, reason="Dependency"), task(2, reason="Resources")
    )
    assert (found["parent"].state, found["parent"].slurm_id) == ("running", "7_0")
    assert found["parent"].progress == Progress(4, -2.0, 0.5, 60.0)
    assert (found["child"].state, found["child"].reason) == ("waiting", "for parent")
    assert (found["other"].state, found["other"].reason) == ("queued", "Resources")


def test_a_job_that_left_the_queue_without_an_end_has_stopped(run, monkeypatch):
    submitted(run)
    (run.path / FOLDER / "t.7_2.out").write_text(
        "x\nslurmstepd: error: *** JOB 9 CANCELLED AT now DUE TO TIME LIMIT ***\n"
    )
    found = lines(run, monkeypatch)
    assert (found["other"].state, found["other"].reason) == ("stopped", "time limit of the queue")
    assert found["parent"].reason.startswith("left the queue without an end")
    assert found["child"].state == "waiting"


def test_where_no_queue_answers_the_files_are_told_and_nothing_is_concluded(run, monkeypatch, capsys):
    submitted(run)
    (folder_of(run, "other") / "finished").touch()
    refusal = MachineError("squeue refuses: no configuration\nmore")
    monkeypatch.setattr("qddft.study.queue_status.queue", lambda: _raise(refusal))
    found = {line.entry.name: line for line in queue_status(run.path)}
    assert found["other"].state == "done"
    assert found["parent"].state == found["child"].state == "queued"
    assert found["parent"].reason == "was submitted; no queue answers here: squeue refuses: no configuration"
    assert main(["status", str(run.path)]) == 0
    assert capsys.readouterr().out.endswith("no queue answers here: look again where Slurm does\n")


def _raise(error):
    raise error


def test_a_submission_that_may_not_have_arrived_is_called_so(run, monkeypatch):
    submitted(run, slurm_id="")
    assert lines(run, monkeypatch)["parent"].reason == "it may not have reached the queue"


def test_a_foreign_job_with_our_old_id_is_not_ours(run, monkeypatch):
    submitted(run)
    found = lines(run, monkeypatch, task(0, "RUNNING", "None", token="foreign"))
    assert found["parent"].state == "stopped"


def test_the_last_submission_counts(run, monkeypatch):
    submitted(run, token="old")
    submitted(run, token="new", slurm_id="8")
    found = lines(run, monkeypatch, task(2, reason="Priority", token="new"))
    assert (found["other"].state, found["other"].reason) == ("queued", "Priority")
    assert found["parent"].state == "stopped"


def test_a_job_that_failed_in_a_chunk_that_goes_on_is_a_failed_job(run, monkeypatch):
    submitted(run)
    write_failure(folder_of(run, "other"), "EngineError", "ZBRENT: the line minimization failed")
    found = lines(run, monkeypatch, task(2, "RUNNING", "None"))
    assert (found["other"].state, found["other"].slurm_id) == ("failed", "7_2")
    assert "CONTCAR" in found["other"].advice


def test_what_will_never_start_says_what_to_do(run, monkeypatch):
    submitted(run)
    found = lines(run, monkeypatch, task(2, reason="PartitionConfig"))
    assert (found["other"].state, found["other"].reason) == ("queued", "PartitionConfig")
    assert "no node of the partition can hold it" in found["other"].advice


def test_what_the_queue_refused_was_not_submitted(run, monkeypatch):
    submitted(run)
    entry = run.entries[2]
    refused = Submission("t2", "m", "", ((entry.id,),), "later")
    save_submission(run.path, refused)
    save_submission(run.path, without_jobs(refused))
    found = lines(run, monkeypatch, task(2, reason="Priority"))
    assert found["other"].state == "queued"


def test_a_step_without_forces_is_still_json(run, monkeypatch, capsys):
    """VASP tells an energy before it tells forces."""
    submitted(run)
    monkeypatch.setattr(Played, "last_step", lambda *_: Progress(0, -2.0, float("nan"), 60.0))
    monkeypatch.setattr("qddft.study.queue_status.queue", lambda: (task(0, "RUNNING", "None"),))
    assert main(["status", str(run.path), "--json"]) == NO
    (parent, *_) = json.loads(capsys.readouterr().out)["jobs"]
    assert (parent["step"], parent["max_force_eV_per_A"], parent["seconds_per_step"]) == (0, None, 60.0)
