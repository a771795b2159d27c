import json
import shutil

import numpy as np
import pytest
from made_up_search import finished_search

import qddft
from qddft.core.errors import StudyError
from qddft.jobs.job import Given

STUDY = """\
title: Methylamine from a search
levels: {{tblite: screening, vasp: tao-pbe}}
slab: {{formula: CsPbBr3, termination: PbX2, layers: 3, supercell: {supercell}, vacuum: 18.0, fixed_layers: 2}}
ligands:
  - {{ligand: {ligand}, mode: atop, reference: neutral, poses: {poses}, poses_from: found{more}}}
"""


@pytest.fixture(scope="module")
def searched(tmp_path_factory):
    """A finished search with three poses."""
    return finished_search(tmp_path_factory.mktemp("search") / "found", keep=3)


def study(folder, searched, *, supercell="2x2", ligand="CN", poses=2, more=""):
    if not (folder / "found").exists():
        shutil.copytree(searched, folder / "found")
    path = folder / "study.yaml"
    path.write_text(STUDY.format(supercell=supercell, ligand=ligand, poses=poses, more=more))
    return path


def test_the_best_poses_are_where_the_relaxations_start(tmp_path, searched):
    plan = qddft.plan(study(tmp_path, searched), engine="vasp")
    complexes = [job for job in plan if job.role == "complex" and isinstance(job.start, Given)]
    assert [job.name for job in complexes] == ["complex-ch5n-neutral-0", "complex-ch5n-neutral-1"]
    kept = json.loads((searched / "poses.json").read_text())["poses"]
    for job, pose in zip(complexes, kept, strict=False):
        atoms = job.built_atoms
        expected = np.array(pose["structure"]["positions"])
        assert np.abs((atoms.positions - atoms.positions[0]) - (expected - expected[0])).max() < 1e-8
        note = atoms.info["qddft"]["pose_search"]
        assert (note["folder"], note["rank"], note["engine"], note["seed"]) == ("found", pose["rank"], "tblite", 0)
        # the held layers and the vacuum are those of the study
        (held,) = atoms.constraints
        assert set(atoms.arrays["layer"][held.index]) == {1, 2}
        assert atoms.info["qddft"]["fixed_layers"] == 2
        assert atoms.cell[2, 2] - np.ptp(atoms.positions[:, 2]) >= 18.0 - 1e-6
    slab = next(job for job in plan if job.role == "slab").built_atoms
    assert np.abs(slab.cell.array - complexes[0].built_atoms.cell.array).max() < 1e-6


def test_the_job_folder_says_where_its_start_comes_from(tmp_path, searched):
    run = qddft.write(study(tmp_path, searched, poses=1), tmp_path / "run", engine="tblite")
    entry = next(entry for entry in run.entries if entry.role == "complex" and entry.task == "relax")
    job = json.loads((run.folder(entry) / "job.json").read_text())
    assert job["start"]["structure"]["info"]["pose_search"]["rank"] == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"supercell": "3x3"}, r"study.yaml:5: poses_from found: the search was on .* 2x2, .* slab is .* 3x3"),
        ({"ligand": "CCN"}, "the search was of CN, not of CCN"),
        ({"poses": 9}, "the search kept 3 poses, not 9; ask for fewer, or keep more: qddft search found --keep 9"),
        ({"more": ", faces: both"}, "the search was on faces top, the row says both"),
        ({"more": ", distance: 2.5, site: 3"}, r"the search has decided where .*; leave distance, site out"),
    ],
)
def test_a_search_of_something_else_is_refused_with_its_line(tmp_path, searched, options, message):
    path = study(tmp_path, searched, **options)
    path.write_text(path.read_text().replace("fixed_layers: 2", "fixed_layers: 0"))
    with pytest.raises(StudyError, match=message):
        qddft.load_study(path)


def test_a_search_that_has_not_finished_is_said(tmp_path, searched):
    path = study(tmp_path, searched)
    (tmp_path / "found" / "poses.json").unlink()
    with pytest.raises(StudyError, match=r"no poses.json in .*found; finish the search with: qddft search"):
        qddft.load_study(path)
    (tmp_path / "found" / "poses.json").write_text("{")
    with pytest.raises(StudyError, match=r"poses.json is damaged"):
        qddft.load_study(path)


@pytest.mark.parametrize("folder", ["/etc", "../found", "~/found"])
def test_searches_lie_beside_the_study(tmp_path, searched, folder):
    path = study(tmp_path, searched)
    path.write_text(path.read_text().replace("poses_from: found", f"poses_from: {folder}"))
    with pytest.raises(StudyError, match="give the folder of a search that lies beside the study or below it"):
        qddft.load_study(path)


def test_poses_of_another_mode_than_the_reference_are_refused(tmp_path, searched):
    path = study(tmp_path, searched, poses=1)
    data = json.loads((tmp_path / "found" / "poses.json").read_text())
    data["poses"][0]["structure"]["info"]["fragments"][1]["mode"] = "X-site"
    (tmp_path / "found" / "poses.json").write_text(json.dumps(data))
    with pytest.raises(StudyError, match="pose 1 has the mode X-site, but the reference scheme 'neutral' goes with"):
        qddft.load_study(path)
