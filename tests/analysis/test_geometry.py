"""Bonds, tilts, octahedra, layers and diffraction."""

import math

import numpy as np
import pytest
from ase import Atoms
from hypothesis import given, settings
from hypothesis import strategies as st

from qddft.analysis.diffraction import bragg_angle, bragg_spacing, cubic_spacing, spacing_shift, xrd_pattern
from qddft.analysis.geometry import changes, geometry_of, unwrapped_heights
from qddft.atoms.binding import attach
from qddft.atoms.bulk import build_bulk
from qddft.atoms.slab import build_slab
from qddft.core.errors import StructureError
from qddft.library.ligands import get_ligand


def cubic(a=6.0):
    places = [(0, 0, 0), (0.5, 0.5, 0.5), (0.5, 0.5, 0), (0.5, 0, 0.5), (0, 0.5, 0.5)]
    return Atoms("CsPbBr3", scaled_positions=places, cell=[a, a, a], pbc=True)


def test_an_ideal_cubic_crystal():
    found = geometry_of(cubic())
    assert np.allclose(found.bonds, 3.0)
    assert len(found.bonds) == 6
    assert np.allclose(found.angles, 180.0, atol=1e-4)
    assert found.length_distortions == pytest.approx([0.0])
    assert found.angle_variances == pytest.approx([0.0], abs=1e-9)
    assert found.incomplete == 0
    assert not len(found.spacings)


def test_tilted_octahedra_are_bent_at_the_halide_and_stay_octahedra():
    found = geometry_of(build_bulk("CsPbBr3", phase="orthorhombic", lattice="materials-project"))
    assert found.angles.min() < 165
    assert found.length_distortions.max() < 1e-3
    assert found.incomplete == 0


@settings(max_examples=10, deadline=None)
@given(st.floats(-0.3, 0.3))
def test_an_off_center_lead_atom_distorts_the_bonds(shift):
    atoms = cubic()
    atoms.positions[1, 2] += shift
    found = geometry_of(atoms)
    across = math.sqrt(9 + shift**2)
    lengths = np.array([3 + shift, 3 - shift, *[across] * 4])
    assert found.bonds == pytest.approx(np.sort(lengths))
    assert found.length_distortions[0] == pytest.approx(((lengths / lengths.mean() - 1) ** 2).mean(), abs=1e-12)


def test_layers_of_a_slab_and_of_the_same_slab_across_the_boundary():
    slab = build_slab("CsPbBr3", termination="PbX2", layers=5, supercell=(2, 2), vacuum=15.0, lattice="pbe")
    found = geometry_of(slab)
    assert np.allclose(found.spacings, 3.0)
    assert np.allclose(found.rumplings, 0.0)
    assert found.incomplete == 8
    moved = slab.copy()
    moved.positions[:, 2] += 0.6 * moved.cell[2, 2]
    moved.wrap()
    assert np.allclose(geometry_of(moved).layer_heights, found.layer_heights, atol=1e-6)
    assert unwrapped_heights(moved).min() == pytest.approx(0.0, abs=1e-6)


def test_before_and_after_a_ligand():
    slab = build_slab("CsPbBr3", termination="PbX2", layers=3, supercell=(2, 2), vacuum=15.0)
    whole = attach(slab, get_ligand("acetic acid"), mode="atop", faces="top", seed=0)
    lead = max(i for i in range(len(whole)) if whole.symbols[i] == "Pb" and whole.arrays["fragment"][i] == 0)
    whole.positions[lead, 2] += 0.1
    found = {item.name: item for item in changes(geometry_of(slab), geometry_of(whole))}
    assert found["top layer rumpling (Å)"].difference == pytest.approx(0.1, abs=1e-6)
    assert found["mean anchor distance (Å)"].before is None
    assert found["mean anchor distance (Å)"].difference is None
    assert found["mean anchor distance (Å)"].after == pytest.approx(2.6, abs=0.5)
    assert found["smallest Pb-X-Pb (°)"].difference < 0


def test_no_perovskite():
    with pytest.raises(StructureError, match="this is no lead-halide structure"):
        geometry_of(Atoms("H2O", positions=[[0, 0, 0], [0, 0, 1], [0, 1, 0]], cell=[9, 9, 9], pbc=True))


def test_lattice_spacing_of_ren_is_the_lattice_constant():
    # HRTEM 0.628 nm beside the experimental a = 6.2894 Angstrom of cubic CsPbI3
    assert cubic_spacing(6.2894, (1, 0, 0)) / 10 == pytest.approx(0.628, abs=1.5e-3)


@settings(max_examples=30, deadline=None)
@given(st.floats(1.0, 20.0))
def test_bragg_there_and_back(spacing):
    assert bragg_spacing(bragg_angle(spacing)) == pytest.approx(spacing)


def test_a_shift_to_lower_angle_is_a_larger_spacing():
    change = spacing_shift(30.0, -0.1)
    assert change == pytest.approx(math.radians(0.1) / 2 / math.tan(math.radians(15.0)), rel=1e-2)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: cubic_spacing(6.0, (0, 0, 0)), "no lattice plane"),
        (lambda: bragg_spacing(200.0), "between 0 and 180"),
        (lambda: bragg_angle(0.5), "do not diffract"),
        (lambda: bragg_angle(0.0), "do not diffract"),
    ],
)
def test_planes_that_cannot_be(call, message):
    with pytest.raises(StructureError, match=message):
        call()


def test_the_pattern_of_the_cubic_crystal_has_its_planes():
    peaks = xrd_pattern(cubic(), two_theta=(10, 35))
    spacings = {peak.indices[0]: peak.spacing for peak in peaks}
    assert max(peak.intensity for peak in peaks) == pytest.approx(100.0)
    for indices, spacing in spacings.items():
        assert spacing == pytest.approx(cubic_spacing(6.0, indices), rel=1e-6)
        assert bragg_angle(spacing) in [pytest.approx(peak.two_theta) for peak in peaks]
