"""``qddft analyze binding`` on folders."""

import json

import pytest
from ase import Atoms

from qddft.cli.main import main
from qddft.outputs.outputs import Outputs
from qddft.outputs.store import save_outputs


@pytest.fixture
def folders(tmp_path):
    """Return a slab, hydrogen fluoride, and both together, bound by 0.5 eV."""
    cell = [6.0, 6.0, 20.0]
    slab = Atoms("PbBr2", [[0, 0, 0], [3, 0, 0], [0, 3, 0]], cell=cell, pbc=True)
    molecule = Atoms("HF", [[0, 0, 3.4], [0, 0, 2.5]], cell=cell, pbc=True)
    systems = {"slab": (slab, -20.0), "ligand": (molecule, -8.0), "complex": (slab + molecule, -28.5)}
    for name, (atoms, energy) in systems.items():
        (tmp_path / name).mkdir()
        outputs = Outputs(
            atoms=atoms, energy=energy, electronically_converged=True, ionically_converged=True, engine="test",
            settings={"xc": "PBE", "cutoff_eV": 400.0},
        )  # fmt: skip
        save_outputs(tmp_path / name / "outputs.json", outputs)
    return tmp_path


def arguments(folders, *more):
    pairs = [part for name in ("complex", "slab", "ligand") for part in (f"--{name}", str(folders / name))]
    return ["analyze", "binding", *pairs, *more]


def test_json_holds_the_energy_and_its_convention(folders, capsys):
    assert main(arguments(folders, "--json")) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["value"] == pytest.approx(-0.5)
    assert record["details"]["E_bind"] == pytest.approx(0.5)
    assert "negative = bound" in record["convention"]


def test_the_reaction_is_printed(folders, capsys):
    assert main(arguments(folders)) == 0
    out = capsys.readouterr().out
    assert "E_ads: -0.5000 eV" in out
    assert "-> complex" in out


def test_a_reaction_that_does_not_balance_is_refused(folders, capsys):
    (folders / "ligand" / "outputs.json").unlink()
    water = Atoms("OH2", [[0, 0, 0], [0.8, 0.6, 0], [-0.8, 0.6, 0]], cell=[9, 9, 9])
    save_outputs(folders / "ligand" / "outputs.json", Outputs(atoms=water, energy=-14.0))
    assert main(arguments(folders)) == 2
    assert "Traceback" not in capsys.readouterr().err


def test_an_energy_that_did_not_converge_gives_no_number(folders, capsys):
    atoms = Atoms("HF", [[0, 0, 3.4], [0, 0, 2.5]], cell=[6, 6, 20], pbc=True)
    save_outputs(
        folders / "ligand" / "outputs.json",
        Outputs(atoms=atoms, energy=-8.0, electronically_converged=False, engine="test"),
    )
    assert main(arguments(folders)) == 1
    captured = capsys.readouterr()
    assert "not given" in captured.out
    assert "NOT CONVERGED" in captured.err
