import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_up_levels import levels, projections, slab_with_ligand

from qddft.analysis.dos import computed_dos, gaussian_dos
from qddft.analysis.partitions import fragment_masks, inner_atoms, layer_masks, partitions
from qddft.core.errors import OutputError, StructureError
from qddft.outputs.dos import EnergyZero
from qddft.outputs.tables import DensityOfStates, Eigenvalues

ZERO = EnergyZero("given", 0.0, "test")


def made_up(sigma=0.05, zero=ZERO, **changed):
    atoms = slab_with_ligand()
    found = levels(**changed)
    return gaussian_dos(found, projections(atoms, found), atoms, zero=zero, sigma=sigma)


@settings(max_examples=25, deadline=None)
@given(
    sigma=st.floats(0.005, 0.5),
    energies=st.lists(st.floats(-20, 20), min_size=1, max_size=6),
    spins=st.integers(1, 2),
)
def test_integral_is_the_number_of_states(sigma, energies, spins):
    table = np.tile(np.array(energies), (spins, 1, 1))
    found = Eigenvalues(np.zeros((1, 3)), np.ones(1), table, np.ones_like(table))
    dos = gaussian_dos(found, None, slab_with_ligand(), zero=ZERO, sigma=sigma)
    states = len(energies) * (2 if spins == 1 else 1)
    assert dos.n_states == pytest.approx(np.full(spins, states))
    assert dos.integral == pytest.approx(dos.n_states, rel=1e-6)


def test_spinor_levels_hold_one_electron():
    assert made_up(noncollinear=True).integral == pytest.approx([5.0], rel=1e-6)


def test_mean_and_width_of_one_level():
    found = Eigenvalues(np.zeros((1, 3)), np.ones(1), np.array([[[0.123]]]), np.ones((1, 1, 1)))
    dos = gaussian_dos(found, None, slab_with_ligand(), zero=ZERO, sigma=0.1)
    weight = dos.total[0] / dos.total[0].sum()
    mean = (weight * dos.energies).sum()
    assert mean == pytest.approx(0.123, abs=1e-6)
    assert np.sqrt((weight * (dos.energies - mean) ** 2).sum()) == pytest.approx(0.1, rel=3e-3)


def test_zero_only_shifts_the_axis():
    one, other = made_up(), made_up(zero=EnergyZero("vbm", -1.0, "test"))
    np.testing.assert_allclose(other.energies, one.energies + 1.0)
    np.testing.assert_array_equal(one.total, other.total)
    assert other.fermi_level == pytest.approx(1.0)


def test_partitions_add_up_to_the_same_whole():
    dos = made_up()
    sums = {name: sum(parts.values()) for name, parts in dos.projected.items()}
    np.testing.assert_allclose(sums["element"], sums["element_orbital"], atol=1e-12)
    fragments = dos.projected["fragment"]
    np.testing.assert_allclose(sums["element"], fragments["dot"] + fragments["ligand"], atol=1e-12)
    np.testing.assert_allclose(fragments["dot"], sums["layer"], atol=1e-12)
    np.testing.assert_array_equal(fragments["ligand"], fragments["ligand 1"])


def test_projected_area_is_the_sum_of_the_weights():
    dos = made_up()
    area = np.trapezoid(dos.curve("element_orbital", "Pb s"), dos.energies)
    assert area == pytest.approx(2 * 0.3, rel=1e-6)


@pytest.mark.parametrize("sigma", [0.0, -0.1, float("nan")])
def test_no_width(sigma):
    with pytest.raises(OutputError, match="is no width"):
        made_up(sigma=sigma)


def test_too_narrow():
    with pytest.raises(OutputError, match=r"asks for \d+ energies; give at least"):
        made_up(sigma=1e-6)


def table_of(grid, total, integrated, projected=None, orbitals=()):
    return DensityOfStates(slab_with_ligand(), grid, total, integrated, projected, orbitals, 0.5)


def test_computed_curves_are_kept():
    grid = np.linspace(-1, 1, 201)
    total = np.array([np.full(201, 3.0)])
    projected = np.zeros((1, 15, 2, 201))
    projected[0, 0, 0] = 1.0
    dos = computed_dos(
        table_of(grid, total, 3.0 * (grid + 1)[None], projected, ("s", "px")), slab_with_ligand(), zero=ZERO
    )
    assert dos.broadening == "as computed"
    assert dos.sigma is None
    assert dos.integral == pytest.approx([6.0])
    assert dos.warnings == ()
    np.testing.assert_array_equal(dos.curve("element_orbital", "Pb s"), np.ones(201))
    assert dos.curve("layer", "2").sum() == 0


def test_coarse_grid_is_told():
    grid = np.linspace(-1, 1, 5)
    dos = computed_dos(table_of(grid, np.ones((1, 5)), np.linspace(0, 8, 5)[None]), slab_with_ligand(), zero=ZERO)
    assert "hold 2.00 states where 8.00 exist" in dos.warnings[0]


def test_noncollinear_table_is_its_first_component():
    grid = np.linspace(-1, 1, 201)
    total = np.zeros((4, 201))
    total[0] = 1.0
    dos = computed_dos(table_of(grid, total, np.cumsum(total, axis=1) * 0.01), slab_with_ligand(), zero=ZERO)
    assert dos.total.shape == (1, 201)


def test_fragments_without_labels_follow_the_elements():
    masks = fragment_masks(slab_with_ligand(labeled=False))
    labeled = fragment_masks(slab_with_ligand())
    np.testing.assert_array_equal(masks["ligand"], labeled["ligand"])
    np.testing.assert_array_equal(masks["dot"], labeled["dot"])


def test_unknown_elements_give_no_fragments():
    from ase import Atoms

    atoms = Atoms("NiO", [(0, 0, 0), (0, 0, 2)], cell=[4, 4, 4], pbc=True)
    assert fragment_masks(atoms) == {}
    assert set(partitions(atoms, ("s", "p"))) == {"element", "element_orbital"}


@pytest.mark.parametrize("formula", ["Sn2O4", "Pb2S2", "CsPbF3", "Cs2O"])
def test_oxygen_or_sulfur_of_other_crystals_is_no_ligand(formula):
    from ase import Atoms

    atoms = Atoms(formula, cell=[6, 6, 30], pbc=True)
    atoms.positions[:, 2] = 2.0 * np.arange(len(atoms))
    assert "ligand" not in fragment_masks(atoms)


def test_molecules_of_a_crystal_without_empty_space_are_no_ligands():
    atoms = slab_with_ligand(layers=4, labeled=False)
    atoms.set_cell([6.0, 6.0, np.ptp(atoms.positions[:, 2]) + 3.0])
    assert fragment_masks(atoms) == {}


def test_named_ligands():
    atoms = slab_with_ligand()
    atoms.info["qddft"] = {"fragments": [{"name": "slab"}, {"name": "carbon monoxide"}]}
    assert "ligand 1: carbon monoxide" in fragment_masks(atoms)


def test_a_crystal_has_no_layers():
    from qddft.atoms.bulk import build_bulk

    assert layer_masks(build_bulk("CsPbBr3")) == {}


@pytest.mark.parametrize(
    ("layers", "words", "chosen"),
    [
        (3, "all 3 layers", {1, 2, 3}),
        (5, "bulk-like layers 3 to 3 of 5", {3}),
        (7, "bulk-like layers 3 to 5 of 7", {3, 4, 5}),
    ],
)
def test_inner_layers_hold_lead(layers, words, chosen):
    atoms = slab_with_ligand(layers)
    mask, text = inner_atoms(atoms)
    assert text.startswith(words)
    assert set(atoms.arrays["layer"][mask]) == chosen


def test_no_inner_layers_in_a_molecule():
    from ase.build import molecule

    with pytest.raises(StructureError, match="no atomic layers: give the band edges"):
        inner_atoms(molecule("H2O", vacuum=5))
