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


def test_many_names_are_counted_and_the_odd_one_is_named(tmp_path, capsys):
    for number in range(9):
        folder = tmp_path / f"point-{number}"
        folder.mkdir()
        (folder / "INCAR").write_text(f"ENCUT = {300 if number == 4 else 400}\n")
    assert main(["audit", *map(str, sorted(tmp_path.iterdir()))]) == NO
    shown = capsys.readouterr().out
    assert "300: point-4\n" in shown
    assert "400: the other 8\n" in shown
    assert "unknown in all 9" in shown
    assert shown.count("note on all 9: there is neither KPOINTS nor KSPACING") == 1


def test_json_is_one_document(run, capsys):
    assert main(["audit", str(run.path), "--json"]) == DONE
    assert json.loads(capsys.readouterr().out)["compatible"] is True


def test_one_folder_without_a_level(tmp_path, capsys):
    assert main(["audit", str(tmp_path)]) == FIX_INPUT
    assert "give two folders, or one and a level" in capsys.readouterr().err


def test_level_that_does_not_exist(run, capsys):
    assert main(["audit", str(run.path), "--level", "tao-pb"]) == FIX_INPUT
    assert "tao-pbe" in capsys.readouterr().err


@pytest.fixture
def written(tmp_path, monkeypatch):
    """Return a function that writes the VASP folders of a small study at a level."""
    monkeypatch.delenv("PMG_VASP_PSP_DIR", raising=False)

    def make(level, more=""):
        (tmp_path / "study.yaml").write_text(
            f"title: audit\nlevels: {{vasp: {level}}}\n"
            "slab: {formula: CsPbI3, layers: 3, supercell: [1, 1], vacuum: 12.0, fixed_layers: 1}\n"
            f"ligands: [{{ligand: ammonia}}]\nvacancies: [{{species: I, starts: 1}}]\n{more}"
        )
        assert main(["write", str(tmp_path / "study.yaml"), "-o", str(tmp_path / "written")]) == DONE
        return tmp_path / "written"

    return make


@pytest.mark.parametrize("level", ["tao-pbe", "hse06", "tao-pbe-soc"])
def test_geometries_are_no_terms_and_what_has_not_started_has_its_atoms(level, written, capsys):
    run = written(level)
    capsys.readouterr()
    assert main(["audit", str(run)]) == DONE
    shown = capsys.readouterr().out
    assert "the energies belong together" in shown
    assert "left out: 5 relaxations, whose energies give way to static ones" in shown
    assert "polarized exactly where the number of electrons is odd" in shown or level == "tao-pbe-soc"


def test_points_of_a_series_differ_on_purpose(written, capsys):
    run = written("tao-pbe", "convergence: [{vary: cutoff_eV, values: [300, 400]}]\n")
    capsys.readouterr()
    assert main(["audit", str(run)]) == DONE
    assert "left out: 3 points of series, whose settings differ from tao-pbe on purpose" in capsys.readouterr().out
