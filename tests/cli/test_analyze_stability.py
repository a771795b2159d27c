"""``qddft analyze stability`` on folders."""

import json
import sys
from pathlib import Path

import pytest
from ase import Atoms

from qddft.cli.main import DONE, FIX_INPUT, main
from qddft.outputs.outputs import Outputs
from qddft.outputs.store import save_outputs

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "engines" / "vasp"))
from shared_vasp import FOLDER, present

ENERGIES = {"Cs": -1.0, "Pb": -3.0, "I2": -3.0, "CsI": -5.9, "PbI2": -8.3, "CsPbI3": -14.4}
VERB = ["analyze", "stability"]


def write(folder, formula, energy, **settings):
    atoms = Atoms(formula, cell=[5, 5, 5], pbc=True)
    atoms.positions[:, 0] = range(len(atoms))
    outputs = Outputs(
        atoms=atoms, energy=energy, electronically_converged=True, ionically_converged=True, engine="vasp",
        settings={"xc": "PBE", "cutoff_eV": 400.0, "dispersion": "none"} | settings,
    )  # fmt: skip
    (folder / formula).mkdir(parents=True, exist_ok=True)
    save_outputs(folder / formula / "outputs.json", outputs)


@pytest.fixture
def phases(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for formula, energy in ENERGIES.items():
        write(tmp_path / "phases", formula, energy)
    return tmp_path


def test_corners_and_limits_are_printed(phases, capsys):
    assert main([*VERB, "CsPbI3", "phases", "--figure", "s.pdf"]) == DONE
    shown = capsys.readouterr().out
    assert "CsPbI3 is stable against CsI + PbI2 by 0.200 eV per formula unit" in shown
    assert "zero of I: -1.500000 eV per atom" in shown
    assert "corner with" in shown
    assert "PbI2-rich: " in shown
    assert (phases / "s.pdf").read_bytes().startswith(b"%PDF")


def test_where_there_is_no_stable_region_the_edges_are_given(phases, capsys):
    write(phases / "phases", "CsPbI3", -14.1)
    assert main([*VERB, "CsPbI3", "phases"]) == DONE
    captured = capsys.readouterr()
    assert "there is no stable region: CsPbI3 lies 0.100 eV per formula unit above CsI + PbI2" in captured.out
    assert "edge to CsI: " in captured.out
    assert main([*VERB, "CsPbI3", "phases", "--json"]) == DONE
    first, second = json.loads(capsys.readouterr().out)
    assert (first["quantity"], first["value"]) == ("decomposition_energy", pytest.approx(0.1))
    assert first["details"]["stable"] is False
    assert set(first["details"]["edges_eV"]) == {"CsI", "PbI2"}
    assert len(first["inputs"]) == len(ENERGIES)
    assert second["value"] == pytest.approx(-14.1 + 1.0 + 3.0 + 4.5)


def test_settings_that_differ_are_refused(phases, capsys):
    write(phases / "phases", "PbI2", -8.3, cutoff_eV=500.0)
    assert main([*VERB, "CsPbI3", "phases"]) == FIX_INPUT
    message = capsys.readouterr().err
    assert "energies that do not belong together: cutoff_eV differs" in message
    assert "--allow-differences" in message
    assert main([*VERB, "CsPbI3", "phases", "--allow-differences"]) == DONE
    assert "SETTINGS DIFFER: cutoff_eV" in capsys.readouterr().err


def test_a_missing_element_is_told(phases, capsys):
    (phases / "phases" / "Pb" / "outputs.json").unlink()
    (phases / "phases" / "Pb").rmdir()
    assert main([*VERB, "CsPbI3", "phases"]) == FIX_INPUT
    assert "Pb" in capsys.readouterr().err


@present
def test_real_phases_one_of_them_cut(capsys):
    folder = str(FOLDER / "04_Cs2AgBiBr6_competing_phases")
    assert main([*VERB, "Cs2AgBiBr6", folder]) == FIX_INPUT
    assert "is not complete" in capsys.readouterr().err
    assert main([*VERB, "Cs2AgBiBr6", folder, "--allow-unconverged"]) == FIX_INPUT
    assert "hfscreen differs" in capsys.readouterr().err
    assert main([*VERB, "Cs2AgBiBr6", folder, "--allow-unconverged", "--allow-differences", "--json"]) == DONE
    captured = capsys.readouterr()
    # 10 atoms a formula unit
    assert json.loads(captured.out)[0]["value"] / 10 == pytest.approx(0.017070, abs=1e-6)
    assert any(text.startswith("NOT CONVERGED: Bi") for text in json.loads(captured.out)[0]["warnings"])


def test_calculations_of_other_elements_neither_count_nor_have_to_be_finished(phases, capsys):
    write(phases / "phases", "SnI2", -7.0, cutoff_eV=500.0)
    write(phases / "phases", "Bi", -4.0, xc="LDA")
    assert main([*VERB, "CsPbI3", "phases", "--json"]) == DONE
    first, _ = json.loads(capsys.readouterr().out)
    assert sorted(Path(item).name for item in first["details"]["unused"]) == ["Bi", "SnI2"]
    assert "not used, as they hold other elements than Cs-Pb-I: " in " ".join(first["warnings"])
    assert len(first["inputs"]) == len(ENERGIES)


def test_what_is_no_formula_is_told_before_anything_is_read(phases, capsys):
    assert main([*VERB, "CsPbJ3", "nowhere"]) == FIX_INPUT
    assert "'CsPbJ3' is not a chemical formula" in capsys.readouterr().err
    assert main([*VERB, "SnBi", "phases"]) == FIX_INPUT
    assert "none of the calculations is a phase of Sn-Bi" in capsys.readouterr().err


@present
def test_a_run_that_was_cut_matters_only_where_its_elements_do(tmp_path, capsys):
    folder = FOLDER / "04_Cs2AgBiBr6_competing_phases"
    assert main([*VERB, "Cs2AgBr3", str(folder), "--figure", str(tmp_path / "s.png")]) == DONE
    captured = capsys.readouterr()
    assert "Cs2AgBr3 is stable against" in captured.out
    assert "other elements than Cs-Ag-Br: " in captured.err
    assert "Bi_EaH=0" in captured.err
    assert main([*VERB, "Cs3Bi2Br9", str(folder)]) == FIX_INPUT
    assert "Bi_EaH=0" in capsys.readouterr().err
