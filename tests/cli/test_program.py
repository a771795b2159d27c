"""The program as a whole: help, versions, start-up, exit codes, messages."""

import json
import re
import sys
from pathlib import Path

import pytest

from qddft.cli import main as program
from qddft.cli.analyze import ANALYSES
from qddft.cli.main import BUG, DONE, FIX_INPUT, INTERRUPTED, VERBS, main
from qddft.core.errors import LigandError

CLI = Path(program.__file__).parent


def test_help_lists_every_verb(capsys):
    assert main(["--help"]) == DONE
    shown = capsys.readouterr().out
    assert all(re.search(rf"^  {verb} ", shown, re.MULTILINE) for verb in VERBS)
    assert "130 interrupted" in shown


def test_no_arguments_show_help(capsys):
    assert main([]) == DONE
    assert "Start here" in capsys.readouterr().out


def test_version(capsys):
    import qddft

    assert main(["--version"]) == DONE
    assert capsys.readouterr().out == f"qddft {qddft.__version__}\n"


@pytest.mark.parametrize("verb", VERBS)
def test_help_of_every_verb_shows_an_example(verb, capsys):
    assert main([verb, "--help"]) == DONE
    shown = capsys.readouterr().out
    groups = {
        "build": ("bulk", "slab", "ligand", "complex", "vacancy"),
        "analyze": ANALYSES,
        "machine": ("init", "list", "check"),
    }
    if verb in groups:
        for what in groups[verb]:
            assert main([verb, what, "--help"]) == DONE
            assert f"qddft {verb} {what}" in capsys.readouterr().out
    else:
        assert f"\n    qddft {verb}" in shown


def test_every_verb_has_its_file():
    assert {path.stem for path in CLI.iterdir()} >= set(VERBS)
    assert {path.stem for path in (CLI / "analyze").iterdir()} >= set(ANALYSES)


@pytest.mark.parametrize("word", ["lignads", "runn"])
def test_misspelt_verb(word, capsys):
    assert main([word]) == FIX_INPUT
    assert f"No such command '{word}'" in capsys.readouterr().err


def test_unknown_option(capsys):
    assert main(["ligands", "--jsn"]) == FIX_INPUT
    assert "--json" in capsys.readouterr().err


def test_a_users_mistake_is_one_message(monkeypatch, capsys):
    monkeypatch.setattr(program, "_call", _raising(LigandError("no ligand is called 'x'")))
    assert main(["ligands"]) == FIX_INPUT
    assert capsys.readouterr().err == "error: no ligand is called 'x'\n"


def test_a_bug_keeps_its_traceback(monkeypatch, capsys):
    monkeypatch.setattr(program, "_call", _raising(ZeroDivisionError("oops")))
    assert main(["ligands"]) == BUG
    shown = capsys.readouterr().err
    assert "Traceback" in shown
    assert "This is a bug of qddft (ZeroDivisionError)" in shown


def test_interrupt(monkeypatch, capsys):
    monkeypatch.setattr(program, "_call", _raising(KeyboardInterrupt()))
    assert main(["run", "x"]) == INTERRUPTED
    assert "interrupted" in capsys.readouterr().err


def test_interrupt_inside_a_verb(monkeypatch, capsys):
    monkeypatch.setattr("qddft.cli.ligands.list_ligands", _raising(KeyboardInterrupt()))
    assert main(["ligands"]) == INTERRUPTED
    assert "run the same command again" in capsys.readouterr().err


def test_reader_who_leaves_is_no_error(monkeypatch):
    monkeypatch.setattr(sys, "stdout", sys.stdout)
    monkeypatch.setattr(program, "_call", _raising(BrokenPipeError()))
    assert main(["ligands"]) == DONE


def test_ligands_table(capsys):
    assert main(["ligands"]) == DONE
    shown = capsys.readouterr().out
    assert "oleic acid" in shown
    assert "CCCCCCCC/C=C\\CCCCCCCC(=O)O" in shown
    assert "[NH3+]" in shown


def test_a_narrow_terminal_gets_a_line_a_ligand(capsys, monkeypatch):
    monkeypatch.setattr("qddft.cli.console.PIPE_WIDTH", 80)
    assert main(["ligands"]) == DONE
    shown = capsys.readouterr().out.splitlines()
    assert max(map(len, shown)) <= 80
    assert sum(line.startswith("oleic acid ") for line in shown) == 1
    assert any("wider terminal" in line for line in shown)


def test_ligands_json_is_one_document(capsys):
    assert main(["ligands", "--json"]) == DONE
    records = json.loads(capsys.readouterr().out)
    assert len(records) >= 18
    assert {"name", "formula", "charge", "smiles", "anchors", "source"} <= records[0].keys()


def _raising(error):
    def call(*_):
        raise error

    return call
