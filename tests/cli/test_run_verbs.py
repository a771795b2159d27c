"""Verbs of a study and of its run, with the quickest engine there is."""

import json
import re
from pathlib import Path

import pytest
from made_up_run import make_run

from qddft.cli.main import DONE, FIX_INPUT, NO, main

LENNARD_JONES = "ase:ase.calculators.lj:LennardJones"
# a study cannot start foreign code by itself
WITH = ["--engine", LENNARD_JONES]
STUDY = f"""\
title: Methanol and acetate on CsPbBr3
levels: {{"{LENNARD_JONES}": loose.yaml, vasp: tao-pbe}}
slab: {{formula: CsPbBr3, termination: PbX2, layers: 3, supercell: sqrt2, vacuum: 12.0, fixed_layers: all}}
ligands:
  - {{ligand: "CO", mode: atop, reference: neutral}}
  - {{ligand: acetate, mode: X-site, reference: acid-exchange}}
published:
  - {{ligand: acetate, value: -1.77, source: "Tao et al., SI"}}
"""
METHANOL = '  - {ligand: "CO", mode: atop, reference: neutral}\n'
LEVEL = """\
name: loose
parent: calculator
description: so loose that every start has converged
source: this test
settings: {force_tol_eV_per_A: 1e9, max_ionic_steps: 2}
choices: {force_tol_eV_per_A: quick, max_ionic_steps: quick}
"""


@pytest.fixture
def study(tmp_path, monkeypatch):
    """A study file beside its level, in the current folder."""
    monkeypatch.chdir(tmp_path)
    Path("loose.yaml").write_text(LEVEL)
    Path("small.yaml").write_text(STUDY)
    return Path("small.yaml")


@pytest.fixture
def small_study(study):
    """The same with one ligand, to be run."""
    study.write_text(STUDY.replace(METHANOL, ""))
    return study


def test_check_finds_nothing(study, capsys):
    assert main(["check", str(study)]) == DONE
    shown = capsys.readouterr().out
    assert "small.yaml: no errors" in shown
    assert "vasp" in shown


def test_check_names_every_mistake_with_its_line(study, capsys):
    text = STUDY.replace("layers: 3", "layers: -3").replace('"CO"', '"olic acid"').replace("title", "titel")
    study.write_text(text)
    assert main(["check", str(study)]) == FIX_INPUT
    shown = capsys.readouterr().err
    lines = {int(number) for number in re.findall(r"small\.yaml:(\d+):", shown)}
    assert {1, 3, 5} <= lines
    assert "title" in shown
    assert "oleic acid" in shown


@pytest.mark.parametrize("title", ["../../etc", "/root/x", "a\\b"])
def test_path_in_a_name(study, title, capsys):
    study.write_text(STUDY.replace("Methanol and acetate on CsPbBr3", title))
    assert main(["check", str(study)]) == FIX_INPUT
    assert "small.yaml:1" in capsys.readouterr().err


@pytest.mark.parametrize("verb", ["check", "plan", "run"])
def test_study_that_is_not_there(verb, tmp_path, capsys):
    assert main([verb, str(tmp_path / "none.yaml")]) == FIX_INPUT
    assert "none.yaml does not exist" in capsys.readouterr().err


def test_plan_writes_nothing(study, capsys):
    before = sorted(Path().iterdir())
    assert main(["plan", str(study), *WITH]) == DONE
    assert sorted(Path().iterdir()) == before
    shown = capsys.readouterr().out
    assert "7 jobs for 2 results" in shown
    assert "acetate (-1)" in shown


def test_plan_as_json(study, capsys):
    assert main(["plan", str(study), "--engine", "vasp", "--json"]) == DONE
    plan = json.loads(capsys.readouterr().out)
    assert plan["engine"] == "vasp"
    assert plan["level"] == "tao-pbe"
    by_name = {job["name"]: job for job in plan["jobs"]}
    assert len(by_name) == len(plan["jobs"])
    assert {"atoms", "electrons", "charge", "kpoints", "after"} <= plan["jobs"][0].keys()
    assert all(job["after"] in ("", *by_name) for job in plan["jobs"])
    assert [system["total"] for system in plan["charges"]] == [0, 0]


@pytest.mark.parametrize("line", [["run"], ["write", "-o", "here"]], ids=["run", "write"])
def test_study_starts_no_foreign_code_by_itself(study, line, capsys):
    assert main([line[0], str(study), *line[1:]]) == FIX_INPUT
    assert "ask for it yourself with --engine" in capsys.readouterr().err
    assert not Path("here").exists()


def test_engine_without_a_level(study, capsys):
    assert main(["plan", str(study), "--engine", "gpaw"]) == FIX_INPUT
    assert "no level for the engine 'gpaw'" in capsys.readouterr().err


def test_write_wants_to_know_where(small_study, capsys):
    assert main(["write", str(small_study), *WITH]) == FIX_INPUT
    assert "qddft write small.yaml -o RUN" in capsys.readouterr().err


def test_write_of_a_run_completes_it(small_study, capsys):
    main(["write", str(small_study), "-o", "here", *WITH])
    capsys.readouterr()
    assert main(["write", "here"]) == DONE
    assert "0 folders completed" in capsys.readouterr().out
    assert main(["write", "here", *WITH]) == FIX_INPUT
    assert "keeps its engine, level and place" in capsys.readouterr().err


def test_write_then_status_then_run(small_study, capsys):
    assert main(["write", str(small_study), "-o", "here", *WITH]) == DONE
    assert "4 jobs" in capsys.readouterr().out
    assert main(["status", "here", "--json"]) == DONE
    status = json.loads(capsys.readouterr().out)
    assert {job["state"] for job in status["jobs"]} == {"ready"}
    assert main(["collect", "here", "--json"]) == DONE
    records = json.loads(capsys.readouterr().out)
    assert [record["value"] for record in records] == [None]
    assert "not finished" in records[0]["warnings"][-1]
    assert main(["run", "here"]) == DONE
    shown = capsys.readouterr().out
    assert "4 jobs done" in shown
    assert "E_ads" in shown
    assert main(["run", "here"]) == DONE
    assert "0 jobs done, 4 were done before" in capsys.readouterr().out
    assert main(["status", "here"]) == DONE
    assert "all done" in capsys.readouterr().out


def test_run_of_a_study_ends_with_table_and_files(small_study, capsys):
    assert main(["run", str(small_study), "--workers", "1", *WITH]) == DONE
    shown = capsys.readouterr().out
    assert "run folder run-small" in shown
    assert "acid-exchange" in shown
    assert "−1.77" in shown
    for name in ("results.json", "results.csv", "results.db", "report/index.html", "report/figures/binding.png"):
        assert (Path("run-small") / name).stat().st_size > 0
        assert name in shown


def test_run_with_a_failing_engine_says_why(small_study, capsys):
    Path("broken_potential.py").write_text(
        "from ase.calculators.calculator import Calculator, all_changes\n"
        "class Broken(Calculator):\n"
        "    implemented_properties = ['energy', 'forces']\n"
        "    def calculate(self, atoms=None, properties=None, system_changes=all_changes):\n"
        "        raise RuntimeError('no parameters for Pb')\n"
    )
    engine = "ase:broken_potential:Broken"
    small_study.write_text(small_study.read_text().replace(LENNARD_JONES, engine))
    assert main(["run", str(small_study), "--engine", engine]) == NO
    shown = capsys.readouterr()
    assert "no parameters for Pb" in shown.err
    assert "try the failed jobs again" in shown.err
    assert main(["status", "run-small", "--json"]) == NO
    jobs = json.loads(capsys.readouterr().out)["jobs"]
    assert {job["state"] for job in jobs} == {"failed"}


def test_run_folder_keeps_its_engine(study, capsys):
    main(["write", str(study), "-o", "here", *WITH])
    assert main(["run", "here", "--engine", "tblite"]) == FIX_INPUT
    assert "keeps its engine" in capsys.readouterr().err


@pytest.mark.parametrize("verb", ["status", "collect", "report"])
def test_folder_that_is_no_run(verb, tmp_path, capsys):
    assert main([verb, str(tmp_path)]) == FIX_INPUT
    assert "is this a run folder?" in capsys.readouterr().err
    assert main([verb, str(tmp_path / "nothing")]) == FIX_INPUT
    assert "there is no folder" in capsys.readouterr().err


def test_run_of_a_folder_that_is_neither(tmp_path, capsys):
    assert main(["run", str(tmp_path)]) == FIX_INPUT
    assert "study.yaml does not exist" in capsys.readouterr().err


def test_report_names_its_files(tmp_path, capsys):
    run = make_run(tmp_path / "made-up")
    assert main(["report", str(run.path)]) == DONE
    shown = capsys.readouterr().out
    for name in ("index.html", "binding.png", "binding.svg", "methods.md", "references.bib"):
        assert name in shown


def test_collect_table_shows_the_published_value(tmp_path, capsys):
    run = make_run(tmp_path / "made-up")
    assert main(["collect", str(run.path)]) == DONE
    shown = capsys.readouterr().out
    assert "negative = bound" in shown
    assert re.search(r"methanol .*−0\.330 .*−0\.33 .*\+0\.00", shown)
