"""Machines and the queue, as far as they can be shown without one; tests/study has a real Slurm."""

import json
import re

import pytest
from made_up_run import make_run

from qddft.cli.main import DONE, FIX_INPUT, main


@pytest.fixture
def config(tmp_path, monkeypatch):
    """A configuration folder of this test's own, and no queue."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("PATH", "/nonexistent")
    return tmp_path / "config" / "qddft" / "machines"


@pytest.fixture
def run(tmp_path):
    return make_run(tmp_path / "run", leave_out=("complex-methylamine", "molecule-methylamine"))


def test_machine_from_an_example(config, capsys):
    assert main(["machine", "init", "cluster", "--like", "cpu-slurm"]) == DONE
    assert (config / "cluster.toml").is_file()
    assert main(["machine", "check", "cluster"]) == DONE
    assert "no mistakes; scheduler slurm" in capsys.readouterr().out
    assert main(["machine", "list"]) == DONE
    assert re.search(r"machines in \S+: cluster", capsys.readouterr().out)


def test_machine_file_is_not_overwritten(config, capsys):
    main(["machine", "init", "cluster"])
    (config / "cluster.toml").write_text("mine")
    assert main(["machine", "init", "cluster"]) == FIX_INPUT
    assert (config / "cluster.toml").read_text() == "mine"
    assert "exists" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["../evil", "a/b", ".hidden", "$(touch x)", "a\nb"])
def test_names_that_are_no_names(config, name, capsys):
    assert main(["machine", "init", name]) == FIX_INPUT
    assert "cannot name a machine" in capsys.readouterr().err
    assert not config.exists() or not list(config.iterdir())


def test_unknown_example(config, capsys):
    assert main(["machine", "init", "cluster", "--like", "cpu-slrum"]) == FIX_INPUT
    assert "cpu-slurm" in capsys.readouterr().err


def test_machine_file_with_mistakes(config, capsys):
    main(["machine", "init", "cluster"])
    path = config / "cluster.toml"
    path.write_text(path.read_text() + "\n[colour]\nred = 1\n")
    assert main(["machine", "check", "cluster"]) == FIX_INPUT
    assert "colour" in capsys.readouterr().err


def test_dry_run_shows_commands_and_changes_nothing(config, run, capsys):
    main(["machine", "init", "cluster"])
    capsys.readouterr()
    before = sorted(run.path.rglob("*"))
    assert main(["submit", str(run.path), "--machine", "cluster", "--dry-run"]) == DONE
    shown = capsys.readouterr().out
    assert "$ sbatch" in shown
    assert "2 jobs in" in shown
    assert sorted(run.path.rglob("*")) == before


def test_dry_run_as_json(config, run, capsys):
    main(["machine", "init", "cluster"])
    capsys.readouterr()
    assert main(["submit", str(run.path), "--machine", "cluster", "--dry-run", "--json"]) == DONE
    document = json.loads(capsys.readouterr().out)
    assert sum(len(call["jobs"]) for call in document["submitted"]) == 2


@pytest.mark.parametrize("verb", ["submit", "retry"])
def test_no_queue_here(verb, config, run, capsys):
    main(["machine", "init", "cluster"])
    assert main([verb, str(run.path), "--machine", "cluster"]) == FIX_INPUT
    assert "Traceback" not in capsys.readouterr().err


def test_cancel_without_a_queue(config, run, capsys):
    assert main(["cancel", str(run.path)]) == FIX_INPUT
    assert "squeue" in capsys.readouterr().err


def test_unknown_machine(config, run, capsys):
    assert main(["submit", str(run.path), "--machine", "nowhere"]) == FIX_INPUT
    assert "qddft machine init" in capsys.readouterr().err


def test_status_asks_no_queue_when_nothing_was_submitted(config, run, capsys):
    assert main(["status", str(run.path), "--json"]) == DONE
    jobs = json.loads(capsys.readouterr().out)["jobs"]
    assert {job["state"] for job in jobs} == {"done", "ready"}
