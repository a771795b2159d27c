"""``qddft analyze surface`` on folders."""

import json

import pytest
from ase import Atoms

from qddft.atoms.bulk import build_bulk
from qddft.atoms.slab import build_slab
from qddft.cli.main import DONE, FIX_INPUT, main
from qddft.outputs.outputs import Outputs
from qddft.outputs.store import save_outputs

SETTINGS = {"xc": "PBE", "cutoff_eV": 400.0, "dispersion": "none"}


def slab(termination, layers):
    return build_slab("CsPbBr3", termination=termination, layers=layers, supercell=(1, 1), vacuum=15.0)


def solid(formula):
    atoms = Atoms(formula, cell=[5, 5, 5], pbc=True)
    atoms.positions[:, 0] = range(len(atoms))
    return atoms


@pytest.fixture
def runs(tmp_path, monkeypatch):
    structures = {
        "lead": (slab("PbX2", 5), -36.8),
        "cesium": (slab("CsX", 5), -34.6),
        "four": (slab(("PbX2", "CsX"), 4), -28.5),
        "six": (slab(("PbX2", "CsX"), 6), -43.0),
        "bulk": (build_bulk("CsPbBr3", phase="cubic"), -14.5),
        "pbbr2": (solid("PbBr2"), -8.3),
        "csbr": (solid("CsBr"), -6.0),
    }
    for name, (atoms, energy) in structures.items():
        (tmp_path / name).mkdir()
        proven = {"electronically_converged": True, "ionically_converged": True}
        outputs = Outputs(atoms, energy, settings=SETTINGS, source=str(tmp_path / name), **proven)
        save_outputs(tmp_path / name / "outputs.json", outputs)
    monkeypatch.chdir(tmp_path)
    return tmp_path


VERB = ["analyze", "surface"]
REFERENCES = ["--bulk", "bulk", "--bx2", "pbbr2", "--ax", "csbr"]


def test_both_terminations_with_a_figure(runs, capsys):
    assert main([*VERB, "lead", "cesium", *REFERENCES, "--figure", "surface"]) == DONE
    shown = capsys.readouterr().out
    assert "PbBr2-terminated; BX2-rich" in shown
    assert "CsBr-terminated" in shown
    assert "AX-rich" in shown
    assert (runs / "surface.svg").is_file()


def test_a_series(runs, capsys):
    assert main([*VERB, "four", "six", "--json"]) == DONE
    (record,) = json.loads(capsys.readouterr().out)
    assert record["details"]["bulk_energy_per_atom_eV"] == pytest.approx(-14.5 / 5)
    assert len(record["inputs"]) == 2
    assert main([*VERB, "four", "six"]) == DONE
    assert "two slabs only" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["lead", "cesium"], "need one composition"),
        (["lead", "--bulk", "bulk"], "which is not made of whole units"),
        (["lead", "--bx2", "pbbr2"], "need both --bulk and --bx2"),
        (["lead", *REFERENCES, "--figure", "no/f"], "the folder no does not exist"),
        (["lead", "--bulk", "csbr", "--bx2", "pbbr2"], "is no ABX3"),
        (["four"], "at least two thicknesses"),
    ],
)
def test_mistakes_are_told(runs, capsys, words, message):
    assert main([*VERB, *words]) == FIX_INPUT
    assert message in capsys.readouterr().err


def test_a_slab_with_the_composition_of_its_crystal(runs, capsys):
    assert main([*VERB, "four", "six", "--bulk", "bulk", "--figure", "plain.svg"]) == DONE
    shown = capsys.readouterr().out
    # (28.5 - 2 x 14.5)/2A and (43.0 - 3 x 14.5)/2A: both 0.5 eV above bulk
    assert shown.count("6.944 meV/Å²") == 2
    assert main([*VERB, "four", "--bulk", "bulk", "--json"]) == DONE
    (record,) = json.loads(capsys.readouterr().out)
    assert record["formula"] == "surface energy of a stoichiometric slab"
    assert len(record["inputs"]) == 2
    assert any("the faces differ" in text for text in record["warnings"])


@pytest.mark.parametrize("options", [["bulk", *REFERENCES], ["bulk", "--bulk", "bulk"], ["four", "bulk"]])
def test_a_crystal_has_no_surface(runs, options, capsys):
    assert main([*VERB, *options]) == FIX_INPUT
    message = capsys.readouterr().err
    assert "bulk is CsPbBr3 without vacuum" in message or "bulk is Br3CsPb without vacuum" in message
    assert "give the crystal as --bulk" in message
