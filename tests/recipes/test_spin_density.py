"""Spin densities: integral, moment of the run, refusals."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms

from qddft.cli.main import DONE, FIX_INPUT, main
from qddft.core.errors import ConvergenceError, OutputError
from qddft.outputs.grid import Grid
from qddft.outputs.grid_files import read_grid
from qddft.outputs.grid_write import write_grid
from qddft.outputs.outputs import Outputs
from qddft.outputs.store import save_outputs
from qddft.recipes.spin_density import spin_density

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "engines" / "vasp"))
from shared_vasp import FOLDER, present

ATOMS = Atoms("PbBr2", [[1, 1, 4], [3, 1, 4], [1, 3, 4]], cell=[4, 4, 16], pbc=True)
SHAPE = (6, 6, 24)


def gaussian(height, moment):
    """Return a spin density that integrates to a moment, around a height above the third atom."""
    places = np.stack(np.meshgrid(*[np.arange(n) / n for n in SHAPE], indexing="ij"), axis=-1)
    apart = places - np.array([0.25, 0.75, height / 16])
    squared = (((apart - np.round(apart)) * [4, 4, 16]) ** 2).sum(axis=-1)
    values = np.exp(-squared / 1.5)
    return values * moment / (values.mean() * 256)


@pytest.fixture
def folder(tmp_path):
    """Write a CHGCAR with a moment of 0.7 up and 0.2 down, and the result that belongs to it."""
    density = gaussian(4.0, 1.0) + 0.2
    blocks = []
    for values in (density, gaussian(4.6, 0.7) - gaussian(3.0, 0.2)):
        write_grid(Grid(ATOMS, values, "density"), tmp_path / "part")
        blocks.append((tmp_path / "part").read_text())
    (tmp_path / "part").unlink()
    numbers = blocks[1].partition("Direct\n")[2].partition("\n\n")[2]
    (tmp_path / "CHGCAR").write_text(blocks[0] + numbers)
    write(tmp_path)
    return tmp_path


def write(folder, **changes):
    facts = {
        "atoms": ATOMS, "energy": -10.0, "electronically_converged": True, "ionically_converged": True,
        "magnetization": 0.5, "engine": "vasp", "settings": {"xc": "PBE", "ispin": 2},
    }  # fmt: skip
    save_outputs(folder / "outputs.json", Outputs(**(facts | changes)))


def test_the_integral_is_the_moment_of_the_run(folder):
    found = spin_density(folder)
    assert found.moment == pytest.approx(0.5, abs=1e-6)
    assert found.run_moment == 0.5
    assert 0.5 < found.unpaired < 0.9
    assert found.warnings == ()
    step = found.profile.heights[1] - found.profile.heights[0]
    assert found.profile.values.sum() * step == pytest.approx(found.moment)
    first, second = found.results()
    assert (first.quantity, first.unit, first.level) == ("magnetization", "Bohr magneton", "PBE")
    assert len(first.inputs) == 2
    assert second.value == found.unpaired


def test_a_density_of_another_run_is_told(folder):
    write(folder, magnetization=2.0)
    assert any("may belong to different runs" in text for text in spin_density(folder).warnings)
    (folder / "outputs.json").unlink()
    assert spin_density(folder / "CHGCAR").warnings == (
        "no result file beside the density says what the magnetization of the run is",
    )


def test_what_has_no_spin_density_is_refused(folder):
    text = (folder / "CHGCAR").read_text()
    dimensions = "\n 6 6 24\n"
    first, second = text.split(dimensions)[1:]
    head = text.split(dimensions)[0]
    (folder / "CHGCAR").write_text(head + dimensions + first)
    with pytest.raises(OutputError, match="holds no spin density: the calculation was not spin-polarized"):
        spin_density(folder)
    (folder / "CHGCAR").write_text(dimensions.join([head, first.rstrip("\n"), *[second.rstrip("\n")] * 2, second]))
    with pytest.raises(OutputError, match="non-collinear spins, whose moments are vectors"):
        spin_density(folder)
    (folder / "CHGCAR").unlink()
    with pytest.raises(OutputError, match="holds no CHGCAR"):
        spin_density(folder)


def test_unconverged_electrons_are_refused_unless_asked_for(folder):
    write(folder, electronically_converged=False)
    with pytest.raises(ConvergenceError, match="its spin density means nothing"):
        spin_density(folder)
    assert any("NOT CONVERGED" in text for text in spin_density(folder, allow_unconverged=True).warnings)


@pytest.mark.parametrize("name", ["m.cube", "m.xsf", "CHGCAR_m"])
def test_the_field_is_written_in_every_format(folder, monkeypatch, capsys, name):
    monkeypatch.chdir(folder)
    assert main(["analyze", "spin", ".", "-o", name, "--curves", "m.csv", "--figure", "m.svg"]) == DONE
    assert "integral: +0.5000 Bohr magnetons; the run: +0.5000" in capsys.readouterr().out
    assert (folder / "m-profile.svg").is_file()
    assert (folder / "m-surface.svg").is_file()
    assert (folder / "m.csv").read_text().startswith("height_A,spin_muB_per_A")
    if name != "m.xsf":
        assert read_grid(folder / name).integral == pytest.approx(0.5, abs=1e-5)


def test_the_program_answers_in_json(folder, capsys):
    assert main(["analyze", "spin", str(folder), "--json"]) == DONE
    names = [record["quantity"] for record in json.loads(capsys.readouterr().out)]
    assert names == ["magnetization", "unpaired_electrons"]
    assert main(["analyze", "spin", str(folder / "none")]) == FIX_INPUT


@present
def test_a_real_density():
    found = spin_density(FOLDER / "10_chgcar_variants" / "CHGCAR.spin.gz")
    assert found.moment == pytest.approx(-0.02028913, abs=1e-6)
    with pytest.raises(OutputError, match="holds no spin density"):
        spin_density(FOLDER / "10_chgcar_variants" / "CHGCAR.nospin.gz")
    with pytest.raises(OutputError, match="non-collinear"):
        spin_density(FOLDER / "10_chgcar_variants" / "CHGCAR.ncl_dummy")
