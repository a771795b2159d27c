"""The studies of the four papers: demonstrations ask what the studies ask, and texts quote what the runs gave."""

import csv
import json
import re
from pathlib import Path

import pytest

from qddft.core.resources import data_folder
from qddft.report.tables import number
from qddft.study.load import load_study

WORKFLOWS = data_folder("workflows")
FOLDERS = sorted(path.parent for path in WORKFLOWS.glob("*/study.yaml"))
RESULTS = sorted(WORKFLOWS.glob("*/results/*/results.json"))


def name_of(path: Path) -> str:
    return str(path.relative_to(WORKFLOWS).parent if path.is_file() else path.name)


def questions(study):
    """Return what a study asks, without what only decides how long the answer takes."""
    return {
        "ligands": [(row.ligand, row.mode, row.faces, row.reference) for row in study.ligands],
        "exchanges": study.exchanges,
        "published": study.published,
        "vacancies": [
            (row.species, [(item.ligand, item.mode) for item in row.ligands], row.published) for row in study.vacancies
        ],
        "face": (study.slab.formula, study.slab.termination, study.slab.layers, study.slab.lattice),
        "levels": study.levels,
    }


def records(path: Path):
    return json.loads(path.read_text(encoding="utf-8"))


def test_all_four_papers_are_there():
    assert [path.name for path in FOLDERS] == ["guo-cspbi3", "li-cspbi3", "ren-cspbi3", "tao-cspbbr3"]


@pytest.mark.parametrize("folder", FOLDERS, ids=name_of)
def test_a_demonstration_asks_what_its_study_asks(folder):
    assert questions(load_study(folder / "demo.yaml")) == questions(load_study(folder / "study.yaml"))


@pytest.mark.parametrize("folder", FOLDERS, ids=name_of)
def test_the_demonstration_was_run(folder):
    names = {path.name for path in (folder / "results" / "demo").iterdir()}
    assert {"results.json", "results.csv", "methods.md", "binding.svg"} <= names


@pytest.mark.parametrize("path", RESULTS, ids=name_of)
def test_every_result_has_a_number_and_a_level(path):
    for record in records(path):
        assert record["value"] is not None, record["ligand"]
        assert record["warnings"], "screening numbers go with their caution"


@pytest.mark.parametrize("path", RESULTS, ids=name_of)
def test_the_text_quotes_every_number_of_the_run(path):
    text = (path.parents[2] / "README.md").read_text(encoding="utf-8")
    missing = [(record["ligand"], record["value"]) for record in records(path) if number(record["value"]) not in text]
    assert not missing


@pytest.mark.parametrize("path", RESULTS, ids=name_of)
def test_every_row_was_asked_for(path):
    study = load_study(path.parents[2] / f"{path.parent.name}.yaml")
    asked = len(study.ligands) + len(study.exchanges) + len(study.vacancies)
    assert len(records(path)) == asked
    with (path.parent / "results.csv").open(encoding="utf-8", newline="") as file:
        assert len(list(csv.DictReader(file))) == asked


@pytest.mark.parametrize("path", RESULTS, ids=name_of)
def test_nothing_of_the_machine_is_left_in_the_results(path):
    for file in path.parent.iterdir():
        assert not re.search(r"/(tmp|root|home|work)/", file.read_text(encoding="utf-8")), file.name
