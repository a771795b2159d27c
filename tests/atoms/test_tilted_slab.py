"""Slabs of tilted phases: the pattern of octahedral tilts survives cutting and supercells."""

import numpy as np
import pytest

from qddft.atoms.bulk import build_bulk
from qddft.atoms.pseudocubic import pseudocubic, with_normal
from qddft.atoms.slab import build_slab
from qddft.core.errors import StructureError

TILTED = [("CsPbCl3", "tetragonal", "materials-project", "Cl"), ("CsPbI3", "orthorhombic", "experiment", "I")]


def lead_halide_bonds(atoms, halide, lead):
    distances = atoms.get_distances(lead, np.flatnonzero(atoms.symbols == halide), mic=True)
    return np.sort(distances[distances < 3.7])


def bridge_angles(atoms, halide):
    """Pb-X-Pb angles of all halides between two Pb, sorted, degrees."""
    lead = np.flatnonzero(atoms.symbols == "Pb")
    angles = []
    for index in np.flatnonzero(atoms.symbols == halide):
        vectors = atoms.get_distances(index, lead, mic=True, vector=True)
        near = vectors[np.linalg.norm(vectors, axis=1) < 3.7]
        if len(near) == 2:
            cosine = near[0] @ near[1] / np.prod(np.linalg.norm(near, axis=1))
            angles.append(np.degrees(np.arccos(cosine)))
    return np.sort(angles)


@pytest.mark.parametrize(("formula", "phase", "lattice", "halide"), TILTED)
@pytest.mark.parametrize("normal", ["a", "b", "c"])
@pytest.mark.parametrize("termination", ["PbX2", "CsX"])
def test_octahedra_inside_the_slab_are_those_of_the_crystal(formula, phase, lattice, halide, normal, termination):
    crystal = with_normal(build_bulk(formula, phase=phase, lattice=lattice), normal)
    slab = build_slab(crystal, layers=7, supercell=(2, 2), termination=termination)
    leads = [i for i in range(len(slab)) if slab.symbols[i] == "Pb" and 2 < slab.arrays["layer"][i] < 6]
    reference = crystal * (2, 2, 2)
    in_crystal = lead_halide_bonds(reference, halide, int(np.flatnonzero(reference.symbols == "Pb")[0]))
    for lead in leads:
        assert lead_halide_bonds(slab, halide, lead) == pytest.approx(in_crystal, abs=2e-3)
    crystal_angles = np.unique(np.round(bridge_angles(reference, halide), 1))
    assert crystal_angles.min() < 175
    for angle in bridge_angles(slab, halide):
        assert np.abs(crystal_angles - angle).min() < 0.2


@pytest.mark.parametrize(("formula", "phase", "lattice", "halide"), TILTED)
def test_a_larger_cell_is_the_smaller_one_repeated(formula, phase, lattice, halide):
    options = {"phase": phase, "lattice": lattice, "layers": 5}
    small = build_slab(formula, supercell="sqrt2", **options) * (2, 2, 1)
    large = build_slab(formula, supercell="2sqrt2", **options)
    assert small.cell.array == pytest.approx(large.cell.array)
    both = large + small
    for index in range(len(large)):
        others = np.arange(len(large), len(both))
        distances = both.get_distances(index, others, mic=True)
        assert distances.min() < 1e-6
        assert both.symbols[others[distances.argmin()]] == both.symbols[index]


@pytest.mark.parametrize(("formula", "phase", "lattice", "halide"), TILTED)
@pytest.mark.parametrize("layers", [3, 4, 5, 6, 9])
def test_stoichiometry_does_not_depend_on_tilts(formula, phase, lattice, halide, layers):
    termination = "PbX2" if layers % 2 else ("CsX", "PbX2")
    options = {"layers": layers, "supercell": "sqrt2", "termination": termination}
    tilted = build_slab(formula, phase=phase, lattice=lattice, **options)
    cubic = build_slab(formula, **options)
    assert tilted.get_chemical_formula() == cubic.get_chemical_formula()
    assert (np.bincount(tilted.arrays["layer"]) == np.bincount(cubic.arrays["layer"])).all()


def test_cells_in_which_the_tilts_do_not_fit_are_refused():
    with pytest.raises(
        StructureError, match=r"pattern of this crystal \(tilts, alloy order\) does not repeat.*Take sqrt2, 2x2"
    ):
        build_slab("CsPbI3", phase="orthorhombic", lattice="experiment", supercell=(1, 1))
    with pytest.raises(StructureError, match="does not repeat"):
        build_slab("CsPbI3", phase="orthorhombic", lattice="experiment", supercell=(3, 2))
    turned = with_normal(build_bulk("CsPbI3", phase="orthorhombic", lattice="experiment"), "a")
    with pytest.raises(StructureError, match="Take 2x2"):
        build_slab(turned, supercell="sqrt2")


def test_the_delta_phase_has_no_such_faces():
    with pytest.raises(StructureError, match="delta phase is no perovskite"):
        build_slab("CsPbI3", phase="delta", lattice="experiment")


def test_pseudocubic_axes_of_the_orthorhombic_cell():
    crystal = build_bulk("CsPbI3", phase="orthorhombic", lattice="experiment")
    frame = pseudocubic(crystal)
    assert np.linalg.norm(frame.vectors, axis=1) == pytest.approx([6.1642, 6.1642, 6.2361], abs=1e-3)
    assert np.linalg.det(frame.vectors) == pytest.approx(crystal.get_volume() / 4)
    assert frame.vectors[2] == pytest.approx([0, 0, 12.4722 / 2])
    with pytest.raises(StructureError, match="axis 'd'"):
        with_normal(crystal, "d")


def test_normal_is_recorded():
    crystal = build_bulk("CsPbI3", phase="orthorhombic", lattice="experiment")
    slab = build_slab(with_normal(crystal, "b"), layers=3, supercell=(2, 2))
    assert slab.info["qddft"]["bulk"]["normal"] == "b"
    assert slab.info["qddft"]["bulk"]["lattice"] == "experiment"
    assert "normal" not in crystal.info["qddft"]["bulk"]
