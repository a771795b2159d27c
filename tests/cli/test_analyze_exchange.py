"""``qddft analyze exchange`` and the outputs that all analyses share."""

import csv
import json

import pytest
from ase import Atoms
from ase.db import connect

from qddft.cli.main import FIX_INPUT, main
from qddft.outputs.outputs import Outputs
from qddft.outputs.store import save_outputs

VERB = ["analyze", "exchange"]


@pytest.fixture
def folders(tmp_path, monkeypatch):
    """Write a slab with HF and with HCl on it, and both molecules."""
    monkeypatch.chdir(tmp_path)
    cell = [6.0, 6.0, 20.0]
    slab = Atoms("PbBr2", [[0, 0, 0], [3, 0, 0], [0, 3, 0]], cell=cell, pbc=True)
    hf, hcl = (Atoms(name, [[0, 0, 3.4], [0, 0, 2.5]], cell=cell, pbc=True) for name in ("HF", "HCl"))
    systems = {"with_hf": (slab + hf, -28.5), "with_hcl": (slab + hcl, -26.7), "hf": (hf, -8.0), "hcl": (hcl, -6.0)}
    for name, (atoms, energy) in systems.items():
        (tmp_path / name).mkdir()
        outputs = Outputs(
            atoms=atoms, energy=energy, electronically_converged=True, ionically_converged=True, engine="test",
            settings={"xc": "PBE", "cutoff_eV": 400.0, "dispersion": "none"},
        )  # fmt: skip
        save_outputs(tmp_path / name / "outputs.json", outputs)
    return tmp_path


WORDS = ["--from", "with_hf", "--to", "with_hcl", "--coming", "hcl", "--leaving", "hf"]


def test_the_reaction_and_its_energy_are_printed(folders, capsys):
    assert main([*VERB, *WORDS]) == 0
    shown = capsys.readouterr().out
    assert "E_exchange: -0.2000 eV" in shown
    assert "before + HCl -> after + HF" in shown


def test_a_free_molecule_may_be_a_number(folders, capsys):
    assert main([*VERB, *WORDS[:-1], "HF=-8.0"]) == 0
    captured = capsys.readouterr()
    assert "E_exchange: -0.2000 eV" in captured.out
    assert "was given as a number" in captured.err


def test_every_way_out_holds_the_same_result(folders, capsys):
    assert main([*VERB, *WORDS, "--json", "--csv", "r.csv", "--db", "r.db", "--figure", "r.pdf"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["value"] == pytest.approx(-0.2)
    assert record["formula"] == "exchange energy per ligand"
    assert sorted(record["inputs"]) == [f"{name}/outputs.json" for name in ("hcl", "hf", "with_hcl", "with_hf")]
    assert record["audit"]["compatible"]
    assert record["audit"]["settings"]["after"]["cutoff_eV"] == 400.0
    with (folders / "r.csv").open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert float(row["value"]) == record["value"]
    assert row["audit"] == "compatible; unknown: kpoints"
    (stored,) = connect("r.db").select(quantity="E_exchange")
    assert stored.value == stored.E_exchange == record["value"]
    assert stored.data["result"] == record
    assert stored.formula == "PbBr2ClH"
    assert (folders / "r.pdf").read_bytes().startswith(b"%PDF")


def test_a_result_is_in_the_database_once(folders):
    for _ in range(2):
        assert main([*VERB, *WORDS, "--db", "r.db"]) == 0
    assert connect("r.db").count() == 1
    assert (
        main([*VERB, "--from", "with_hcl", "--to", "with_hf", "--coming", "hf", "--leaving", "hcl", "--db", "r.db"])
        == 0
    )
    assert connect("r.db").count() == 2


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([*WORDS[:6]], "needs both --coming and --leaving"),
        ([*WORDS, "--db", "r.sqlite"], "is no database that is known here; give FILE.db"),
        ([*WORDS, "--db", "mysql://me:secret@host/x"], "mysql://me:***@host/x is no database"),
        ([*WORDS, "--db", "no/r.db"], "the folder no does not exist"),
        ([*WORDS, "--csv", "no/r.csv"], "the folder no does not exist"),
        ([*WORDS, "--figure", "r.jpg"], "figures are written as .pdf, .svg, .png"),
        ([*WORDS, "--n", "0"], "a whole number from 1"),
        (["--from", "with_hf", "--to", "none"], "none does not exist"),
    ],
)
def test_mistakes_are_told(folders, capsys, words, message):
    assert main([*VERB, *words]) == FIX_INPUT
    captured = capsys.readouterr()
    assert message in captured.err
    assert captured.out == ""


def test_a_file_that_is_no_database_is_told(folders, capsys):
    (folders / "r.db").write_bytes(b"this is no database, by no means" * 40)
    assert main([*VERB, *WORDS, "--db", "r.db"]) == FIX_INPUT
    assert "the database r.db cannot be written to" in capsys.readouterr().err
