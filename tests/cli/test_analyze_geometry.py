"""``qddft analyze geometry`` on folders and files."""

import json

import pytest
from ase.io import write

from qddft.atoms.bulk import build_bulk
from qddft.atoms.slab import build_slab
from qddft.cli.main import DONE, FIX_INPUT, main

VERB = ["analyze", "geometry"]


@pytest.fixture
def files(tmp_path, monkeypatch):
    slab = build_slab("CsPbBr3", termination="PbX2", layers=5, supercell=(1, 1), vacuum=15.0)
    write(tmp_path / "slab.vasp", slab, format="vasp")
    bent = slab.copy()
    bent.positions[bent.positions[:, 2].argmax(), 2] += 0.2
    write(tmp_path / "bent.vasp", bent, format="vasp")
    write(tmp_path / "bulk.vasp", build_bulk("CsPbBr3", phase="cubic"), format="vasp")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_before_and_after(files, capsys):
    assert main([*VERB, "bent.vasp", "--before", "slab.vasp", "--figure", "shape"]) == DONE
    shown = capsys.readouterr().out
    assert "top layer rumpling (Å)" in shown
    assert "+0.200" in shown
    assert "layer spacings" in shown
    assert (files / "shape.svg").is_file()


def test_one_structure(files, capsys):
    assert main([*VERB, "slab.vasp", "--figure", "one"]) == DONE
    assert "mean Pb-X (Å)" in capsys.readouterr().out


def test_a_pattern_beside_printed_peaks(files, capsys):
    assert main([*VERB, "bulk.vasp", "--xrd", "--peaks", "15.2", "--figure", "pattern"]) == DONE
    shown = capsys.readouterr().out
    assert "(100)" in shown
    assert "printed 15.200° (d 5.8" in shown
    assert main([*VERB, "bulk.vasp", "--xrd", "--json"]) == DONE
    *_, pattern = json.loads(capsys.readouterr().out)
    assert pattern["details"]["peaks"]
    assert pattern["unit"] == "° 2θ"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["none"], "none"),
        (["slab.vasp", "--figure", "no/f"], "the folder no does not exist"),
        (["slab.vasp", "--wavelength", "0"], "has to be positive"),
    ],
)
def test_mistakes_are_told(files, capsys, words, message):
    assert main([*VERB, *words]) == FIX_INPUT
    assert message in capsys.readouterr().err
