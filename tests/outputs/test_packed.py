import numpy as np
import pytest
from ase import Atoms
from hypothesis import given, settings
from hypothesis import strategies as st

from qddft.core.errors import OutputError
from qddft.engines.vasp.read import read_dos, read_eigenvalues, read_projected
from qddft.outputs.grid import Grid
from qddft.outputs.grid_files import read_grid
from qddft.outputs.packed import load_eigenvalues, load_grid, load_projections, save_grid, save_levels
from qddft.outputs.tables import Eigenvalues, MissingTableError, Projections


def levels(n_spins=2, n_kpoints=3, n_bands=4):
    random = np.random.default_rng(7)
    shape = (n_spins, n_kpoints, n_bands)
    return Eigenvalues(
        random.random((n_kpoints, 3)),
        np.full(n_kpoints, 1 / n_kpoints),
        np.sort(random.random(shape), axis=-1),
        random.random(shape),
        -1.25,
    )


def labeled():
    atoms = Atoms("PbBr", positions=[[0, 0, 1], [2, 2, 1]], cell=[4, 5, 20], pbc=(True, True, False))
    atoms.set_array("fragment", np.array([0, 1]))
    return atoms


def projected():
    eigenvalues = levels()
    weights = np.random.default_rng(3).random((*eigenvalues.energies.shape, 2, 4))
    return Projections(labeled(), weights, ("s", "py", "pz", "px"), eigenvalues)


def field():
    return Grid(labeled(), np.random.default_rng(5).random((3, 4, 5)), "density", "electron density")


def test_levels_come_back(tmp_path):
    table = projected()
    save_levels(tmp_path / "levels.npz", table.eigenvalues, table)
    found = load_projections(tmp_path / "levels.npz")
    np.testing.assert_array_equal(found.eigenvalues.energies, table.eigenvalues.energies)
    np.testing.assert_array_equal(found.eigenvalues.occupations, table.eigenvalues.occupations)
    np.testing.assert_allclose(found.weights, table.weights, atol=1e-7)
    assert found.orbitals == table.orbitals
    assert found.eigenvalues.fermi_level == -1.25
    assert found.atoms.arrays["fragment"].tolist() == [0, 1]
    assert found.atoms.pbc.tolist() == [True, True, False]


def test_the_readers_of_folders_find_them(tmp_path):
    table = projected()
    save_levels(tmp_path / "levels.npz", table.eigenvalues, table)
    for path in (tmp_path, tmp_path / "levels.npz", tmp_path / "outputs.json"):
        np.testing.assert_array_equal(read_eigenvalues(path).energies, table.eigenvalues.energies)
        assert read_projected(path).orbitals == table.orbitals
        with pytest.raises(MissingTableError, match="holds levels, not a density of states as computed"):
            read_dos(path)


def test_levels_without_projections(tmp_path):
    save_levels(tmp_path / "levels.npz", levels())
    with pytest.raises(MissingTableError, match="holds no projections on atoms; ask for 'dos'"):
        load_projections(tmp_path / "levels.npz")


def test_equal_content_is_equal_bytes(tmp_path):
    for name in ("a.npz", "b.npz"):
        save_grid(tmp_path / name, field())
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_fields_come_back(tmp_path):
    grid = field()
    save_grid(tmp_path / "density.npz", grid, grid.values / 10)
    found = read_grid(tmp_path)
    np.testing.assert_allclose(found.values, grid.values, rtol=1e-7)
    assert found.values.dtype == np.float64
    assert (found.quantity, found.name) == ("density", "electron density")
    assert found.integral == pytest.approx(grid.integral, rel=1e-6)
    spin = read_grid(tmp_path / "density.npz", channel="spin")
    np.testing.assert_allclose(spin.values, grid.values / 10, rtol=1e-7)
    assert spin.name == "spin electron density"


def test_a_field_is_not_taken_for_another(tmp_path):
    save_grid(tmp_path / "density.npz", field())
    with pytest.raises(OutputError, match="holds a field of the kind density, not potential"):
        read_grid(tmp_path / "density.npz", quantity="potential")
    with pytest.raises(OutputError, match="holds no spin density"):
        read_grid(tmp_path, channel="spin")
    with pytest.raises(OutputError, match="holds 'grid' of format 1, not 'levels'"):
        load_eigenvalues(tmp_path / "density.npz")
    with pytest.raises(OutputError, match=r"nothing\.npz does not exist"):
        load_grid(tmp_path / "nothing.npz")


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_damaged_files_are_refused_or_unharmed(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("damaged")
    table = projected()
    save_levels(folder / "levels.npz", table.eigenvalues, table)
    content = bytearray((folder / "levels.npz").read_bytes())
    if data.draw(st.booleans()):
        content = content[: data.draw(st.integers(0, len(content) - 1))]
    else:
        content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    (folder / "levels.npz").write_bytes(content)
    try:
        found = load_projections(folder / "levels.npz")
    except OutputError:
        # whatever is wrong with it, no other error
        pass
    else:
        np.testing.assert_array_equal(found.eigenvalues.energies, table.eigenvalues.energies)
        np.testing.assert_allclose(found.weights, table.weights, atol=1e-7)


def test_shapes_that_do_not_belong_together(tmp_path):
    table = levels()
    broken = Eigenvalues(table.kpoints[:2], table.weights, table.energies, table.occupations)
    save_levels(tmp_path / "levels.npz", broken)
    with pytest.raises(OutputError, match="do not belong together"):
        load_eigenvalues(tmp_path / "levels.npz")
