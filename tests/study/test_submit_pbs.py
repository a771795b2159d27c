"""What a user of PBS gets: scripts and one file of qsub commands. There is no PBS here: qsub is a bit of shell."""

import os
import subprocess

import pytest
from queue_tools import family, machine, one_chunk_each, write_run

from qddft.cli.main import DONE, main
from qddft.engines.machine import Queue
from qddft.jobs.folder import write_failure
from qddft.study.submit import retry, submit


def on_pbs(made):
    return made.model_copy(update={"scheduler": "pbs", "queue": Queue(partition="workq", tasks=8, memory="16G")})


@pytest.fixture
def qsub(tmp_path, monkeypatch):
    """Put a qsub on PATH that writes down its arguments and gives ids as PBS does; return the file of arguments."""
    folder = tmp_path / "bin"
    folder.mkdir()
    log = tmp_path / "qsub.log"
    (folder / "qsub").write_text(
        f"#!/bin/bash\nprintf '<%s>' \"$@\" >> '{log}'; echo >> '{log}'\n"
        f"number=$(wc -l < '{log}')\n"
        'case "$*" in *" -J "*) echo "$number[].server" ;; *) echo "$number.server" ;; esac\n'
    )
    (folder / "qsub").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    return log


def bash(path):
    return subprocess.run(["bash", str(path)], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("name", ["run", "a 'run' $(touch pwned)", "-run\n..`touch pwned`"])
def test_commands_hand_every_job_over_once_behind_its_parent(name, tmp_path, lj_job, qsub):
    run = write_run(tmp_path / name, *family(lj_job))
    report = submit(run.path, on_pbs(one_chunk_each()))
    assert sum(len(call.entries) for call in report.submitted) == 4
    done = bash(report.to_run)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.split() == ["1[].server", "2.server", "3.server"]
    array, first, second = qsub.read_text().splitlines()
    assert "<-J><0-1>" in array
    assert "<select=1:ncpus=8:mpiprocs=1:mem=16GB>" in array
    assert "<-q><workq>" in array
    assert "depend" not in array + first
    assert "<-W><depend=afterok:2.server>" in second
    for line in (array, first, second):
        script = run.path / line.rpartition("<")[2].rstrip(">")
        assert script.is_file()
    again = bash(report.to_run)
    assert again.returncode == 1
    assert "handed over before" in again.stderr
    assert len(qsub.read_text().splitlines()) == 3
    assert not list(tmp_path.rglob("pwned"))


def test_jobs_that_were_handed_over_are_left_out_until_a_retry(tmp_path, lj_job, qsub):
    run = write_run(tmp_path / "run", *family(lj_job))
    first = submit(run.path, on_pbs(machine()))
    # not run yet: the next call takes its place
    second = submit(run.path, on_pbs(machine()))
    assert not first.to_run.exists()
    bash(second.to_run)
    third = submit(run.path, on_pbs(machine()))
    assert (third.submitted, third.to_run) == ((), None)
    assert all(reason == f"handed to PBS by submit/{second.to_run.name}" for _, reason in third.skipped)
    write_failure(run.folder(run.entries[0]), "EngineError", "a node failed")
    assert len(retry(run.path, on_pbs(machine())).submitted[0].entries) == 4


def test_children_of_jobs_that_were_handed_over_wait_for_the_next_call(tmp_path, lj_job, qsub):
    parent, child, *_ = family(lj_job)
    bash(submit(write_run(tmp_path / "run", parent).path, on_pbs(machine())).to_run)
    ((_, first), (_, second)) = submit(write_run(tmp_path / "run", parent, child).path, on_pbs(machine())).skipped
    assert first.startswith("handed to PBS by")
    assert "starts from parent, which comes first (handed to PBS" in second


def test_the_script_of_an_element_runs_its_jobs(tmp_path, lj_job, qsub, pace, monkeypatch):
    """What PBS would start, started by hand."""
    from queue_tools import states

    run = write_run(tmp_path / "run", *family(lj_job))
    (call,) = submit(run.path, on_pbs(machine())).submitted
    monkeypatch.setenv("PBS_ARRAY_INDEX", "0")
    monkeypatch.setenv("NCPUS", "2")
    done = bash(run.path / "submit" / f"{call.token}.sh")
    assert done.returncode == 0, done.stderr
    assert set(states(run).values()) == {"done"}


def test_a_rehearsal_shows_dependencies_and_writes_nothing(tmp_path, lj_job):
    run = write_run(tmp_path / "run", *family(lj_job))
    before = sorted(run.path.rglob("*"))
    commands = [call.command for call in submit(run.path, on_pbs(one_chunk_each()), dry_run=True).submitted]
    assert all(command.startswith("qsub -N qddft") for command in commands)
    assert '-W depend=afterok:"$job1"' in commands[2]
    assert sorted(run.path.rglob("*")) == before


def test_a_rehearsal_for_slurm_shows_dependencies(tmp_path, lj_job):
    run = write_run(tmp_path / "run", *family(lj_job))
    commands = [call.command for call in submit(run.path, one_chunk_each(), dry_run=True).submitted]
    assert "--dependency=afterok:ID2" in commands[2]
    assert all("--kill-on-invalid-dep=yes" in command for command in commands)


def test_the_program_says_what_to_do(tmp_path, lj_job, capsys, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    run = write_run(tmp_path / "a run", *family(lj_job))
    assert main(["machine", "init", "cluster", "--like", "cpu-pbs"]) == DONE
    assert main(["submit", str(run.path), "--machine", "cluster"]) == DONE
    said = capsys.readouterr().out
    assert "4 jobs in 1 queue job written, not yet submitted" in said
    assert "hand them to PBS with: bash '" in said
