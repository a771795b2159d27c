import json
from dataclasses import replace

import numpy as np
import pytest
from made_up_density import MOVED, density_of, made_up_complex, write_legs

from qddft.analysis.charge import charge_transfer
from qddft.cli.main import DONE, FIX_INPUT, main
from qddft.core.errors import OutputError, SettingsMismatchError
from qddft.outputs.grid import Grid
from qddft.outputs.grid_files import read_grid
from qddft.outputs.grid_write import write_grid
from qddft.outputs.outputs import Outputs
from qddft.recipes.charge_difference import charge_difference, charge_results
from qddft.report.charge_figure import charge_profile_figure, default_level, isosurface, isosurface_figure


@pytest.fixture(scope="module")
def legs(tmp_path_factory):
    return write_legs(tmp_path_factory.mktemp("legs"))


@pytest.fixture(scope="module")
def found(legs):
    return charge_difference(*legs)


def test_known_transfer_is_found(found):
    # spheres of width 0.6 Angstrom reach a little beyond the plane 1.3 Angstrom away
    assert found.gained_by_ligand == pytest.approx(MOVED, rel=0.05)
    assert found.moved == pytest.approx(MOVED, rel=0.05)
    assert found.ligand_atoms == (5, 6)
    assert found.planes == pytest.approx((2.8,))


def test_difference_integrates_to_zero(found):
    assert abs(found.grid.integral) < 1e-9
    assert found.electrons == pytest.approx((54, 44, 10))
    assert found.transferred[-1] == pytest.approx(0.0, abs=1e-9)


def test_equals_whole_grids_subtracted(found, legs):
    whole, slab, ligand = (read_grid(path).values for path in legs)
    np.testing.assert_allclose(found.grid.values, whole - slab - ligand, atol=1e-12)


def test_sign_turns_with_the_charge(found):
    turned = charge_transfer(replace(found.grid, values=-found.grid.values), found.ligand_atoms, found.electrons)
    assert turned.gained_by_ligand == pytest.approx(-found.gained_by_ligand)
    np.testing.assert_allclose(turned.profile.values, -found.profile.values)


def test_a_plane_through_both_is_told(found):
    assert found.warnings == () or not any("each other" in text for text in found.warnings)
    grid = found.grid
    deeper = grid.atoms.copy()
    deeper.positions[5:, 2] -= 3.0
    mixed = charge_transfer(replace(grid, atoms=deeper), found.ligand_atoms, found.electrons)
    assert any("ligand and slab reach 0.40 Angstrom into each other" in text for text in mixed.warnings)


def test_a_sign_that_depends_on_the_plane_is_told(found):
    assert not any("sign" in text for text in found.warnings)
    grid = found.grid
    # gathered at the plane, drained beside it
    (plane,) = found.planes
    heights = np.arange(grid.values.shape[2]) * grid.atoms.cell[2, 2] / grid.values.shape[2]
    near = heights - np.mod(plane, grid.atoms.cell[2, 2])
    wave = np.cos(np.pi * near / 0.6) * (np.abs(near) < 1.8)
    made = charge_transfer(
        replace(grid, values=np.broadcast_to(wave, grid.values.shape)), found.ligand_atoms, found.electrons
    )
    assert any(text.startswith("the sign of the charge") for text in made.warnings)


def test_ligands_on_both_faces():
    atoms = made_up_complex()
    mirrored = atoms + atoms[5:]
    mirrored.positions[7:, 2] = [-4.1, -5.25]
    moved = [(atoms.positions[2], -0.2), (atoms.positions[5], 0.1), (mirrored.positions[7], 0.1)]
    grid = density_of(mirrored, moved)
    plain = density_of(mirrored)
    result = charge_transfer(Grid(mirrored, grid.values - plain.values, "density"), (5, 6, 7, 8), (0, 0, 0))
    assert len(result.planes) == 2
    assert result.gained_by_ligand == pytest.approx(0.2, rel=0.06)


def test_cube_files_and_folders_give_the_same(found, legs, tmp_path):
    cubes = write_legs(tmp_path, file="rho.cube")
    assert charge_difference(*cubes).gained_by_ligand == pytest.approx(found.gained_by_ligand, abs=1e-4)
    folders = [path.parent for path in legs]
    assert charge_difference(*folders).gained_by_ligand == pytest.approx(found.gained_by_ligand)


def test_outputs_stand_for_their_folders(found, legs):
    items = [Outputs(made_up_complex(), source=str(path.parent)) for path in legs]
    assert charge_difference(*items).gained_by_ligand == pytest.approx(found.gained_by_ligand)
    with pytest.raises(OutputError, match="do not say which files"):
        charge_difference(Outputs(made_up_complex()), *items[1:])


def test_relaxed_fragment_is_refused(tmp_path):
    with pytest.raises(SettingsMismatchError, match=r"0\.050 Angstrom away from its place.*not relaxed"):
        charge_difference(*write_legs(tmp_path, shift=0.05))


def rewritten(path, change):
    write_grid(change(read_grid(path)), path)


def test_other_grid_is_refused(tmp_path):
    paths = write_legs(tmp_path)
    rewritten(paths[1], lambda grid: Grid(grid.atoms, grid.values[::2, ::2], "density"))
    with pytest.raises(SettingsMismatchError, match=r"12x12x80 points, .*24x24x80.*NGXF"):
        charge_difference(*paths)


def test_other_cell_is_refused(tmp_path):
    paths = write_legs(tmp_path)

    def stretched(grid):
        atoms = grid.atoms.copy()
        atoms.set_cell(atoms.cell.array * [[1], [1], [1.001]])
        return Grid(atoms, grid.values, "density")

    rewritten(paths[2], stretched)
    with pytest.raises(SettingsMismatchError, match=r"differs from that of the complex by up to 0\.0200"):
        charge_difference(*paths)


def test_other_charge_is_refused(tmp_path):
    paths = write_legs(tmp_path)
    rewritten(paths[2], lambda grid: Grid(grid.atoms, grid.values * 1.1, "density"))
    with pytest.raises(SettingsMismatchError, match=r"holds -1\.0000 electrons instead of none.*another charge"):
        charge_difference(*paths)


def test_missing_fragment_is_refused(tmp_path):
    paths = write_legs(tmp_path)
    rewritten(paths[2], lambda grid: Grid(grid.atoms[:1], grid.values, "density"))
    with pytest.raises(SettingsMismatchError, match="the complex has C more than slab and ligand"):
        charge_difference(*paths)


def test_legs_in_the_wrong_order_are_refused(legs):
    with pytest.raises(SettingsMismatchError, match=r"holds (C|O|Cs),"):
        charge_difference(legs[1], legs[0], legs[2])


def test_same_fragment_twice(legs):
    with pytest.raises(SettingsMismatchError, match="share atoms"):
        charge_difference(legs[0], legs[1], legs[1])


def test_unknown_settings_are_said(found):
    assert all("settings of the" in text for text in found.warnings)


def test_results_carry_everything(found):
    gained, moved = (result.record() for result in charge_results(found))
    assert (gained["unit"], gained["quantity"]) == ("e", "charge_gained_by_ligand")
    assert gained["ligand"] == "CO"
    assert len(gained["inputs"]) == 3
    assert moved["value"] == pytest.approx(found.moved)
    json.dumps([gained, moved])


def test_profile_figure(found):
    figure = charge_profile_figure(found)
    assert [axes.get_ylabel() for axes in figure.axes] == [
        r"$\Delta\bar\rho$ (electrons/Å)", r"$\Delta Q$ up to this height (electrons)",
    ]  # fmt: skip


def test_surface_of_a_sphere():
    pytest.importorskip("skimage")
    atoms = made_up_complex()[2:3]
    grid = density_of(atoms, shape=(48, 48, 160))
    surface = isosurface(grid, float(grid.values.max()) * np.exp(-0.5), origin=np.array([0.5, 0.5, 0.5]))
    # exp(-r^2 / 2 w^2) falls to exp(-1/2) at r = w
    place = atoms.positions[0] + atoms.cell.array.sum(axis=0) * [1, 1, 1]
    assert np.linalg.norm(surface.vertices - place, axis=1) == pytest.approx(0.6, abs=0.02)


def test_surface_figure(found):
    pytest.importorskip("skimage")
    figure = isosurface_figure(found, scheme="safe")
    (legend,) = figure.legends
    texts = [text.get_text() for text in legend.get_texts()]
    assert texts[0].startswith(f"+{default_level(found.grid):.2g}")
    assert texts[2:] == ["Cs", "Br", "Pb", "O", "C"]


def test_no_surface_there(found):
    pytest.importorskip("skimage")
    with pytest.raises(OutputError, match="with no surface at 99"):
        isosurface_figure(found, level=99.0)
    with pytest.raises(OutputError, match="unknown colors 'paper'"):
        isosurface_figure(found, scheme="paper")


def test_program(legs, tmp_path, capsys):
    pytest.importorskip("skimage")
    pytest.importorskip("plotly")
    options = [f"--{name}={path}" for name, path in zip(("complex", "slab", "ligand"), legs, strict=True)]
    files = ["--output", "d.cube", "--figure", "d", "--page", "d.html", "--csv", "d.csv"]
    files = [item if item.startswith("--") else str(tmp_path / item) for item in files]
    assert main(["analyze", "charge", *options, *files]) == DONE
    assert "gained by the ligand: +0.19" in capsys.readouterr().out
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {
        "d.cube", "d.html", "d.csv", "d-profile.png", "d-profile.svg", "d-surface.png", "d-surface.svg",
    }  # fmt: skip
    page = (tmp_path / "d.html").read_text()
    assert 'src="http' not in page
    assert main(["analyze", "charge", *options, "--json"]) == DONE
    assert json.loads(capsys.readouterr().out)[0]["value"] == pytest.approx(MOVED, rel=0.05)


def test_program_with_a_missing_file(legs, capsys):
    options = [f"--complex={legs[0]}", f"--slab={legs[1]}", f"--ligand={legs[2]}x"]
    assert main(["analyze", "charge", *options]) == FIX_INPUT
    assert "Did you mean 'CHGCAR'" in capsys.readouterr().err
