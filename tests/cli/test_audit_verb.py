"""``qddft audit`` on runs and on folders."""

import json

import pytest
from made_up_run import make_run

from qddft.cli.main import DONE, FIX_INPUT, NO, main
from qddft.outputs.store import load_outputs, save_outputs


@pytest.fixture
def run(tmp_path):
    return make_run(tmp_path / "run")


def test_jobs_of_a_run_belong_together(run, capsys):
    assert main(["audit", str(run.path)]) == DONE
    assert "the energies belong together" in capsys.readouterr().out


def test_another_functional_does_not_belong(run, capsys):
    from dataclasses import replace

    path = run.folder(run.entries[0]) / "outputs.json"
    outputs = load_outputs(path)
    save_outputs(path, replace(outputs, settings=dict(outputs.settings) | {"xc": "PBE"}))
    assert main(["audit", str(run.path)]) == NO
    shown = capsys.readouterr().out
    assert "xc: decides energies" in shown
    assert "do NOT belong together" in shown


def test_json_is_one_document(run, capsys):
    assert main(["audit", str(run.path), "--json"]) == DONE
    assert json.loads(capsys.readouterr().out)["compatible"] is True


def test_one_folder_without_a_level(tmp_path, capsys):
    assert main(["audit", str(tmp_path)]) == FIX_INPUT
    assert "give two folders, or one and a level" in capsys.readouterr().err


def test_level_that_does_not_exist(run, capsys):
    assert main(["audit", str(run.path), "--level", "tao-pb"]) == FIX_INPUT
    assert "tao-pbe" in capsys.readouterr().err
