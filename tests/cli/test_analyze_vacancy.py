"""``qddft analyze vacancy`` on folders."""

import json

import numpy as np
import pytest
from ase import Atoms

from qddft.cli.main import DONE, FIX_INPUT, main
from qddft.outputs.outputs import Outputs
from qddft.outputs.store import save_outputs

SETTINGS = {"xc": "PBE", "cutoff_eV": 400.0, "dispersion": "none", "kpoints": [2, 2, 1]}
ENERGIES = {
    "defect": ("Cs4Pb4I11", -95.5),
    "slab": ("Cs4Pb4I12", -100.0),
    "defect-oa": ("Cs4Pb4I11C2H4", -121.0),
    "slab-oa": ("Cs4Pb4I12C2H4", -126.0),
    **{f"phase-{name}": (name, energy) for name, energy in (
        ("Cs", -1.0), ("Pb", -3.5), ("I2", -3.0), ("CsI", -6.0), ("PbI2", -8.3), ("CsPbI3", -14.5),
    )},
}  # fmt: skip


@pytest.fixture
def runs(tmp_path, monkeypatch):
    for name, (formula, energy) in ENERGIES.items():
        atoms = Atoms(formula, cell=[12, 12, 30], pbc=True)
        atoms.positions[:, 0] = np.linspace(0, 12, len(atoms), endpoint=False)
        atoms.positions[:, 1] = np.linspace(0, 24, len(atoms), endpoint=False) % 12
        (tmp_path / name).mkdir()
        proven = {"electronically_converged": True, "ionically_converged": True}
        outputs = Outputs(atoms, energy, settings=SETTINGS, source=str(tmp_path / name), **proven)
        save_outputs(tmp_path / name / "outputs.json", outputs)
    monkeypatch.chdir(tmp_path)
    return tmp_path


BASE = ["analyze", "vacancy", "--defect", "defect", "--pristine", "slab", "--removed", "I=1"]
PHASES = [word for name in ENERGIES if name.startswith("phase") for word in ("--phases", name)]


def test_a_number_for_the_chemical_potential(runs, capsys):
    assert main([*BASE, "--mu", "I=-1.5"]) == DONE
    shown = capsys.readouterr()
    assert "E_f: 3.0000 eV" in shown.out
    assert "one set of chemical potentials only" in shown.err


def test_both_limits_with_passivation_and_figure(runs, capsys):
    bare = ["--bare", "defect", "slab", "--figure", "limits"]
    command = [*BASE, "--target", "CsPbI3", *PHASES, *bare]
    command[3], command[5] = "defect-oa", "slab-oa"
    assert main(command) == DONE
    shown = capsys.readouterr().out
    assert "CsPbI3 is stable against CsI + PbI2 by 0.200 eV per formula unit" in shown
    assert "I-rich: 3.5000 eV" in shown
    assert "I-poor: 2.5000 eV" in shown
    assert "E_passivation: 0.5000 eV" in shown
    for name in ("stability", "limits"):
        assert (runs / f"limits-{name}.svg").is_file()
        assert (runs / f"limits-{name}.png").is_file()


def test_potentials_by_limit_and_phases_in_one_folder(runs, capsys):
    assert main([*BASE, "--mu", "rich:I=-1.5", "--mu", "poor:I=-2.5", "--limit", "poor"]) == DONE
    shown = capsys.readouterr().out
    assert "E_f: 2.0000 eV" in shown
    assert "rich: 3.0000 eV" in shown
    (runs / "phases").mkdir()
    for path in runs.glob("phase-*"):
        path.rename(runs / "phases" / path.name)
    assert main([*BASE, "--target", "CsPbI3", "--phases", "phases"]) == DONE
    assert "CsPbI3 is stable" in capsys.readouterr().out


def test_json_is_one_document(runs, capsys):
    assert main([*BASE, "--mu", "I=phase-I2", "--json"]) == DONE
    (record,) = json.loads(capsys.readouterr().out)
    assert record["value"] == pytest.approx(3.0)
    assert len(record["inputs"]) == 3


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ([], "no chemical potentials: give --mu"),
        (["--mu", "I"], "'I' is not ELEMENT=VALUE"),
        (["--mu", "rich:I=-1.5", "--mu", "I=-1"], "either all of a limit"),
        (["--mu", "rich:I=x"], "has to be a number in eV"),
        (["--target", "CsPbI3"], "needs both --target and --phases"),
        (
            ["--mu", "I=-1.5", "--charge", "1"],
            "a charged defect (here +1) needs --charge, --vbm, --correction and --method",
        ),
        (["--mu", "I=-1.5", "--removed", "I=x"], "has to be a whole number"),
        (["--mu", "I=-1.5", "--figure", "f.gif"], "figures are written as .pdf, .svg, .png"),
        (["--mu", "I=-1.5", "--layer", "2"], "give NAME=DIR"),
        (["--mu", "I=-1.5", "--charge", "1", "--charge", "0"], "1 --defect need as many --charge, not 2"),
        (["--mu", "I=-1.5", "--defect", "defect-oa"], "defect and defect-oa have one charge, +0"),
        (["--mu", "I=-1.5", "--vbm", "x"], "--vbm x: this is no number of eV"),
        (["--mu", "I=-1.5", "--correction", "+1=0.2"], "there is no defect of the charge +1"),
        (["--target", "CsPbI3", *PHASES, "--figure", "no/f"], "the folder no does not exist"),
    ],
)
def test_mistakes_are_told(runs, capsys, more, message):
    assert main([*BASE, *more]) == FIX_INPUT
    assert message in capsys.readouterr().err
