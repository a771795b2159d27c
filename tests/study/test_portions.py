import json
from functools import partial
from pathlib import Path

import pytest

from qddft.core.errors import PlacementError
from qddft.jobs.run_folder import PLAN
from qddft.study.complexes import build_complexes
from qddft.study.expand import expand
from qddft.study.load import load_study
from qddft.study.portions import portions
from qddft.study.session import write

HEAD = """title: Portions
levels: {tblite: screening}
slab: {formula: CsPbBr3, termination: PbX2, layers: 3, supercell: [2, 2], vacuum: 12.0, fixed_layers: 2}
ligands:
"""
FITTING = [
    "{ligand: acetic acid, mode: atop, reference: neutral}",
    "{ligand: CCN, mode: atop, reference: neutral}",
    "{ligand: acetic acid, mode: atop, reference: neutral, seed: 1}",
    "{ligand: CCCCO, mode: atop, reference: neutral}",
]


def study(folder: Path, rows, tail=""):
    path = folder / "study.yaml"
    path.write_text(HEAD + "".join(f"  - {row}\n" for row in rows) + tail)
    return load_study(path)


def test_portions_give_the_jobs_and_recipes_of_the_whole(tmp_path):
    loaded = study(tmp_path, FITTING)
    whole = expand(loaded)
    parts = list(portions(loaded, rows=1))
    assert len(parts) == len(FITTING)
    assert {job.id for part in parts for job in part.plan} == {job.id for job in whole.plan}
    assert [recipe.record() for part in parts for recipe in part.recipes] == [item.record() for item in whole.recipes]
    assert len({job.folder_name for part in parts for job in part.plan}) == len(whole.plan)


def test_what_ties_rows_together_keeps_them_together(tmp_path):
    tail = "vacancies:\n  - {species: Br}\n"
    loaded = study(tmp_path, FITTING, tail)
    parts = list(portions(loaded, rows=3))
    assert len(parts) == 2
    whole = expand(loaded)
    assert {recipe.name for part in parts for recipe in part.recipes} == {recipe.name for recipe in whole.recipes}
    assert {job.id for part in parts for job in part.plan} == {job.id for job in whole.plan}


def test_one_portion_is_the_study(tmp_path):
    loaded = study(tmp_path, FITTING)
    (only,) = portions(loaded, rows=len(FITTING))
    assert [job.id for job in only.plan] == [job.id for job in expand(loaded).plan]


def test_written_run_does_not_depend_on_portions(tmp_path, monkeypatch):
    loaded = study(tmp_path, FITTING)
    write(loaded, tmp_path / "whole")
    monkeypatch.setattr("qddft.study.session.portions", partial(portions, rows=1))
    write(loaded, tmp_path / "parts")
    whole, parts = (json.loads((tmp_path / name / PLAN).read_text()) for name in ("whole", "parts"))
    assert parts == whole


def test_rows_of_all_portions_are_told_with_their_numbers(tmp_path, monkeypatch):
    def refusing(slab, adsorbate, halide):
        if adsorbate.ligand.formula == "C2H4O2":
            raise PlacementError("no room")
        return build_complexes(slab, adsorbate, halide)

    monkeypatch.setattr("qddft.study.expand.build_complexes", refusing)
    with pytest.raises(PlacementError) as error:
        list(portions(study(tmp_path, FITTING), rows=1))
    lines = str(error.value).splitlines()
    assert [line.partition("study.yaml: ")[2] for line in lines] == [
        "ligand 1 (acetic acid): no room",
        "ligand 3 (acetic acid): no room",
    ]
