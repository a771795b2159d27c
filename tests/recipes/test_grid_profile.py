"""Planar averages of fields and of their differences."""

import sys
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms

from qddft.cli.main import DONE, FIX_INPUT, main
from qddft.core.errors import SettingsMismatchError
from qddft.outputs.grid import Grid
from qddft.outputs.grid_files import read_grid
from qddft.outputs.grid_write import write_grid
from qddft.outputs.outputs import Outputs
from qddft.outputs.store import save_outputs
from qddft.recipes.grid_profile import grid_profile

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "engines" / "vasp"))
from shared_vasp import FOLDER, present

HOST = Atoms("Pb2Br2", [[0, 0, 0], [2, 2, 3], [2, 0, 6], [0, 2, 9]], cell=[4, 4, 12], pbc=True)
SHAPE = (4, 4, 24)


def potential(step):
    """Return a potential that changes around the third atom, at half the height."""
    heights = np.arange(24) / 2
    line = -1.0 + step * np.cos(2 * np.pi * (heights - 6) / 12)
    return np.broadcast_to(line, SHAPE).copy()


@pytest.fixture
def folders(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    defect = HOST[[0, 1, 3]]
    for name, atoms, step in (("host", HOST, 0.0), ("defect", defect, 0.3)):
        (tmp_path / name).mkdir()
        write_grid(Grid(atoms, potential(step), "potential"), tmp_path / name / "LOCPOT")
        settings = {"xc": "PBE", "cutoff_eV": 400.0}
        outputs = Outputs(
            atoms=atoms, energy=-1.0, electronically_converged=True, ionically_converged=True, engine="vasp",
            settings=settings,
        )  # fmt: skip
        save_outputs(tmp_path / name / "outputs.json", outputs)
    return tmp_path


def test_the_value_far_from_a_defect_aligns_potentials(folders):
    found = grid_profile("defect", minus="host", quantity="potential", average=4.0)
    assert found.far == (pytest.approx(0.0, abs=1e-6) if found.far[0] < 6 else pytest.approx(12.0), pytest.approx(-0.3))
    values = {item.quantity: item.value for item in found.results()}
    assert values["highest_planar_average"] == pytest.approx(0.3)
    assert values["mean"] == pytest.approx(0.0, abs=1e-9)
    assert found.smooth is not None
    assert np.abs(found.smooth.values).max() < 0.3
    assert len(found.inputs) == 4
    assert found.audit["compatible"]


def test_turning_a_difference_round_turns_its_sign(folders):
    there, back = (grid_profile(a, minus=b, quantity="potential") for a, b in (("defect", "host"), ("host", "defect")))
    assert there.grid.values == pytest.approx(-back.grid.values)


def test_settings_cells_and_grids_have_to_be_the_same(folders):
    fine = Outputs(atoms=HOST, settings={"xc": "PBE", "cutoff_eV": 520.0}, engine="vasp")
    save_outputs(folders / "host" / "outputs.json", fine)
    with pytest.raises(SettingsMismatchError, match=r"different settings: cutoff_eV.*--allow-differences"):
        grid_profile("defect", minus="host", quantity="potential")
    forced = grid_profile("defect", minus="host", quantity="potential", allow_differences=True)
    assert any(text.startswith("SETTINGS DIFFER: cutoff_eV") for text in forced.warnings)
    write_grid(Grid(HOST, potential(0.0)[:, :, ::2], "potential"), folders / "host" / "LOCPOT")
    with pytest.raises(SettingsMismatchError, match="have grids of 4x4x24 and 4x4x12 points"):
        grid_profile("defect", minus="host", quantity="potential", allow_differences=True)
    wide = HOST.copy()
    wide.set_cell([4, 4, 13], scale_atoms=True)
    write_grid(Grid(wide, potential(0.0), "potential"), folders / "host" / "LOCPOT")
    with pytest.raises(SettingsMismatchError, match=r"differ by up to 1\.0000 Angstrom"):
        grid_profile("defect", minus="host", quantity="potential", allow_differences=True)
    write_grid(Grid(HOST, potential(0.0), "density"), folders / "CHGCAR")
    with pytest.raises(SettingsMismatchError, match=r"holds a potential, .* a density"):
        grid_profile("defect/LOCPOT", minus="CHGCAR")


def test_the_program_writes_what_it_says(folders, capsys):
    words = ["analyze", "profile", "defect/LOCPOT", "--minus", "host/LOCPOT"]
    assert main([*words, "-o", "d.cube", "--curves", "d.csv", "--figure", "d.pdf", "--average", "4"]) == DONE
    assert "far_planar_average: -0.30000 eV" in capsys.readouterr().out
    assert read_grid(folders / "d.cube", quantity="potential").values.max() == pytest.approx(0.3)
    assert (folders / "d.csv").read_text().startswith("height_A,planar_average_eV,macroscopic_average_eV")
    assert main(["analyze", "profile", "host", "--quantity", "potential", "--axis", "a"]) == DONE
    assert main(["analyze", "profile", "host"]) == FIX_INPUT


@present
def test_real_pairs():
    large = FOLDER / "12_YTOS_F_on_O_defect_large"
    found = grid_profile(large / "F_O_1" / "LOCPOT.gz", minus=large / "Bulk" / "LOCPOT.gz")
    values = {item.quantity: item.value for item in found.results()}
    assert values["lowest_planar_average"] == pytest.approx(-0.31776, abs=1e-5)
    assert values["far_planar_average"] == pytest.approx(0.18523, abs=1e-5)
    silicon = FOLDER / "09_Si_static_full_output_set"
    atomic = grid_profile(silicon / "AECCAR2.gz", minus=silicon / "AECCAR1.gz", quantity="density")
    values = {item.quantity: item.value for item in atomic.results()}
    assert values["integral"] == pytest.approx(-0.004405, abs=1e-6)
    assert values["charge_moved"] == pytest.approx(0.590048, abs=1e-6)
