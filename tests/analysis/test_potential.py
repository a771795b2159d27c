import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms

from qddft.analysis.potential import slab_potential
from qddft.cli.main import DONE, FIX_INPUT, main
from qddft.core.errors import OutputError
from qddft.outputs.grid import Grid
from qddft.outputs.grid_write import write_grid
from qddft.outputs.outputs import Outputs
from qddft.recipes.work_function import potential_results, work_function
from qddft.report.potential_figure import potential_figure

HEIGHT, POINTS = 40.0, 400
SHARED = Path(__file__).resolve().parents[3] / "shared" / "vasp"


def slab(bottom=10.0, layers=4):
    return Atoms("Pb" * layers, [(0, 0, bottom + 3 * i) for i in range(layers)], cell=[6, 6, HEIGHT], pbc=True)


def grid_of(function, atoms=None):
    atoms = atoms or slab()
    line = function(np.arange(POINTS) * HEIGHT / POINTS)
    return Grid(atoms, np.broadcast_to(line, (2, 3, POINTS)).copy(), "potential", "made up")


def wells(z, atoms, depth=15.0):
    """Attractive wells on the atoms, zero in the vacuum."""
    apart = z[:, None] - atoms.positions[:, 2]
    return -depth * np.exp(-((apart - HEIGHT * np.round(apart / HEIGHT)) ** 2) / 1.2).sum(axis=1)


def dipole(z, step, jump_at):
    """Rise by ``step`` inside the slab and fall back at a sharp jump in the vacuum, as a dipole correction makes it."""
    rise = step * np.clip((z - 10.0) / 9.0, 0, 1)
    return np.where(z > jump_at, rise - step, rise) if jump_at > 19 else rise + np.where(z < jump_at, step, 0) - step


def test_symmetric_slab():
    atoms = slab()
    found = slab_potential(grid_of(lambda z: 4.2 + wells(z, atoms)))
    assert found.lower.value == pytest.approx(4.2, abs=1e-4)
    assert found.upper.value == pytest.approx(4.2, abs=1e-4)
    assert found.dipole_step == pytest.approx(0.0, abs=1e-6)
    assert found.lower.flat
    assert found.upper.flat
    assert found.warnings == ()


@pytest.mark.parametrize("jump_at", [29.5, 34.5, 27.0, 2.5])
def test_dipole_correction_gives_two_levels(jump_at):
    atoms = slab()
    found = slab_potential(grid_of(lambda z: wells(z, atoms) + dipole(z, 1.3, jump_at)))
    assert found.dipole_step == pytest.approx(1.3, abs=1e-3)
    assert found.lower.flat
    assert found.upper.flat
    assert found.warnings == ()


def test_slab_across_the_end_of_the_cell():
    atoms, moved = slab(), slab(bottom=-5.0)
    moved.wrap()
    one = slab_potential(grid_of(lambda z: 1.0 + wells(z, atoms)))
    other = slab_potential(grid_of(lambda z: 1.0 + wells(z, moved), moved))
    assert other.upper.value == pytest.approx(one.upper.value, abs=1e-4)
    assert other.lower.flat


def test_missing_dipole_correction_is_told():
    atoms = slab()
    # a step in the slab and a field in the vacuum that takes it back
    tilt = lambda z: np.interp(z % HEIGHT, [0, 10, 19, HEIGHT], [-0.475, -0.95, 0.95, -0.475])  # noqa: E731
    found = slab_potential(grid_of(lambda z: wells(z, atoms) + tilt(z)))
    assert not found.lower.flat
    assert not found.upper.flat
    text = " ".join(found.warnings)
    assert "is not flat" in text
    assert "dipole correction (LDIPOL, IDIPOL = 3)" in text
    assert "without a dipole correction" in text


def test_thin_vacuum_is_refused():
    atoms = slab(bottom=1.0, layers=12)
    with pytest.raises(OutputError, match="is too thin for a vacuum level"):
        slab_potential(grid_of(lambda z: wells(z, atoms), atoms))


def test_density_is_no_potential():
    grid = grid_of(np.zeros_like)
    with pytest.raises(OutputError, match="holds a density, not a potential"):
        slab_potential(replace(grid, quantity="density"))


def test_levels_below_vacuum():
    atoms = slab()
    found = slab_potential(grid_of(lambda z: wells(z, atoms) + dipole(z, 1.0, 29.5)))
    full = replace(found, fermi_level=-5.0, vbm=-5.5, cbm=-3.5)
    assert full.work_function[1] - full.work_function[0] == pytest.approx(1.0, abs=1e-3)
    assert full.ionization_potential[1] - full.electron_affinity[1] == pytest.approx(2.0)
    assert found.work_function == (None, None)
    values = {result.quantity: result.record() for result in potential_results(full)}
    assert set(values) == {"work_function", "ionization_potential", "electron_affinity", "dipole_step"}
    assert values["ionization_potential"]["value"] == pytest.approx(full.upper.value + 5.5)
    json.dumps(values)


def run_folder(tmp_path, **changed):
    """A folder with outputs.json and LOCPOT."""
    from qddft.outputs.store import save_outputs

    atoms = slab()
    settings = {"effective": {"LVHAR": True}}
    given = {"fermi_level": -5.0, "electronically_converged": True, "ionically_converged": True, "settings": settings}
    save_outputs(tmp_path / "outputs.json", Outputs(atoms, engine="made up", **(given | changed)))
    write_grid(grid_of(lambda z: 1.0 + wells(z, atoms)), tmp_path / "LOCPOT")
    return tmp_path


def test_work_function_of_a_folder(tmp_path):
    found = work_function(run_folder(tmp_path))
    assert found.work_function == pytest.approx((6.0, 6.0), abs=1e-3)
    assert found.vbm is None
    assert found.warnings == ()
    assert set(found.inputs) == {str(tmp_path / "LOCPOT"), str(tmp_path / "outputs.json")}


def test_the_potential_itself_stands_for_its_folder(tmp_path):
    folder = run_folder(tmp_path)
    assert work_function(folder / "LOCPOT").work_function == work_function(folder).work_function


def test_a_potential_alone_has_no_levels(tmp_path, capsys):
    folder = run_folder(tmp_path)
    (folder / "outputs.json").unlink()
    assert main(["analyze", "potential", str(folder / "LOCPOT")]) == FIX_INPUT
    message = capsys.readouterr().err
    assert "LOCPOT is a potential alone, without the Fermi level" in message
    assert f"qddft analyze profile {folder / 'LOCPOT'}" in message


def test_unconverged_on_demand_only(tmp_path, capsys):
    folder = run_folder(tmp_path, electronically_converged=False)
    assert main(["analyze", "potential", str(folder)]) == FIX_INPUT
    assert "--allow-unconverged" in capsys.readouterr().err
    assert main(["analyze", "potential", str(folder), "--allow-unconverged"]) == DONE
    assert "NOT CONVERGED" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("settings", "told"),
    [({"effective": {"LVTOT": True, "LVHAR": False}}, "holds exchange and correlation"), ({}, "do not say whether")],
)
def test_kind_of_potential(settings, told, tmp_path):
    assert told in " ".join(work_function(run_folder(tmp_path, settings=settings)).warnings)


def test_unconverged(tmp_path):
    from qddft.core.errors import ConvergenceError

    folder = run_folder(tmp_path, electronically_converged=False)
    with pytest.raises(ConvergenceError, match="have not converged"):
        work_function(folder)
    assert "NOT CONVERGED" in " ".join(work_function(folder, allow_unconverged=True).warnings)


def test_figure_names_the_levels(tmp_path):
    figure = potential_figure(work_function(run_folder(tmp_path)), window=3.0)
    names = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert names == ["planar average", "macroscopic average", r"$E_\mathrm{F}$"]


def test_program(tmp_path, capsys):
    folder = run_folder(tmp_path)
    files = ["--figure", str(tmp_path / "v"), "--csv", str(tmp_path / "v.csv"), "--average", "3"]
    assert main(["analyze", "potential", str(folder), *files]) == DONE
    shown = capsys.readouterr().out
    assert "vacuum level above the slab: 1.0000 eV, flat" in shown
    assert "work function: 6.0000 eV below, 6.0000 eV above" in shown
    assert {"v.png", "v.svg", "v.csv"} <= {path.name for path in tmp_path.iterdir()}
    assert main(["analyze", "potential", str(folder), "--json"]) == DONE
    assert json.loads(capsys.readouterr().out)[0]["quantity"] == "work_function"
    assert main(["analyze", "potential", str(folder), "--average", "99", "--figure", str(tmp_path / "w")]) == FIX_INPUT
    assert "does not fit a period" in capsys.readouterr().err


@pytest.mark.skipif(not SHARED.is_dir(), reason="the third-party VASP files are not on this machine")
def test_crystal_has_no_vacuum_level(tmp_path):
    source = SHARED / "12_YTOS_F_on_O_defect_large" / "Bulk"
    for name in ("LOCPOT.gz", "vasprun.xml.gz"):
        shutil.copy(source / name, tmp_path / name)
    with pytest.raises(OutputError, match="too thin for a vacuum level"):
        work_function(tmp_path)


@pytest.mark.skipif(not SHARED.is_dir(), reason="the third-party VASP files are not on this machine")
def test_planar_potential_of_a_defect_minus_bulk():
    from qddft.analysis.profile import planar_average
    from qddft.outputs.grid_files import read_grid

    folder = SHARED / "12_YTOS_F_on_O_defect_large"
    defect, bulk = (planar_average(read_grid(folder / name / "LOCPOT.gz")).values for name in ("F_O_1", "Bulk"))
    # README.md of the data: -0.31776 eV at index 0, +0.18523 eV at half the cell
    assert (defect - bulk)[0] == pytest.approx(-0.31776, abs=2e-5)
    assert (defect - bulk)[len(bulk) // 2] == pytest.approx(0.18523, abs=2e-5)
