"""The operation between the faces, the room a molecule needs, and starting distances."""

import re

import numpy as np
import pytest

from qddft.atoms.binding import attach
from qddft.atoms.bond_lengths import ANIONS, CATIONS, cation_distance, check_distance, donor_distance
from qddft.atoms.cell_size import larger_cells
from qddft.atoms.face_swap import face_swap
from qddft.atoms.slab import build_slab
from qddft.core.errors import PlacementError
from qddft.library.ligands import get_ligand


@pytest.mark.parametrize("supercell", ["1x1", "2x3", "sqrt2"])
@pytest.mark.parametrize("termination", ["PbX2", "CsX"])
def test_half_a_turn_exchanges_the_faces(termination, supercell):
    slab = build_slab("CsPbI3", termination=termination, layers=5, supercell=supercell, fixed_layers=2)
    swap = face_swap(slab)
    assert swap.kind == "rotation"
    assert np.linalg.det(swap.matrix) == pytest.approx(1.0)
    layers = slab.arrays["layer"]
    assert (layers[swap.partner] == 6 - layers).all()
    assert (slab.numbers[swap.partner] == slab.numbers).all()
    moved = slab.copy()
    moved.set_constraint()
    moved.positions = swap.applied(slab.positions)
    away = np.linalg.norm(
        (moved.get_scaled_positions() - slab.get_scaled_positions()[swap.partner] + 0.5) % 1.0 - 0.5, axis=1
    )
    assert away.max() < 1e-6


def test_tilted_slabs_have_one_too():
    slab = build_slab("CsPbBr3", phase="orthorhombic", lattice="experiment", layers=5, supercell="sqrt2")
    swap = face_swap(slab)
    assert (slab.numbers[swap.partner] == slab.numbers).all()
    complex_ = attach(slab, get_ligand("ammonium"), faces="both")
    assert [entry["face"] for entry in complex_.info["qddft"]["fragments"][1:]] == ["top", "bottom"]


def test_a_distorted_face_has_none():
    slab = build_slab("CsPbBr3", layers=3, supercell="2x2")
    slab.positions[-1, 2] += 1.0
    with pytest.raises(PlacementError, match="two faces of this slab are not equivalent"):
        face_swap(slab)


def test_larger_cells_come_in_order_of_area():
    slab = build_slab("CsPbBr3", layers=3, supercell="2x1")
    assert [name for name, _ in larger_cells(slab)][:4] == ["3x1", "2x2", "4x1", "5x1"]
    areas = [abs(np.linalg.det(lattice[:, :2])) for _, lattice in larger_cells(slab)]
    assert areas == sorted(areas)
    assert areas[0] > 2 * 36.0


def test_a_tilted_slab_grows_by_whole_cells():
    slab = build_slab("CsPbBr3", phase="orthorhombic", lattice="experiment", layers=3, supercell="sqrt2")
    assert [name for name, _ in larger_cells(slab)][:2] == ["2sqrt2", "3sqrt2"]


@pytest.mark.parametrize("supercell", ["1x1", "2x1"])
@pytest.mark.parametrize("name", ["O=P(c1ccccc1)(c1ccccc1)c1ccccc1", "CC[N+](CC)(CC)CC"])
def test_the_cell_that_is_named_is_large_enough_and_the_next_smaller_is_not(name, supercell):
    ligand = get_ligand(name)
    small = build_slab("CsPbCl3", layers=3, supercell=supercell)
    with pytest.raises(PlacementError, match=r"large enough is (\S+)") as caught:
        attach(small, ligand)
    label = re.search(r"large enough is (\S+)", str(caught.value)).group(1)
    attach(build_slab("CsPbCl3", layers=3, supercell=label), ligand)
    before = [cell for cell, _ in larger_cells(small)]
    for cell in before[: before.index(label)]:
        with pytest.raises(PlacementError, match="periodic images"):
            attach(build_slab("CsPbCl3", layers=3, supercell=cell), ligand)


def test_distances_are_sums_of_shannon_radii():
    pymatgen = pytest.importorskip("pymatgen.core")
    sixfold = {"Pb": "2", "Ge": "2", "F": "-1", "S": "-2", "Se": "-2", "Cl": "-1", "Br": "-1", "I": "-1"}
    table = CATIONS | ANIONS
    for symbol, charge in sixfold.items():
        radii = pymatgen.Element(symbol).data["Shannon radii"][charge]["VI"][""]
        assert table[symbol] == radii["ionic_radius"], symbol
    for symbol in ("Cs", "Rb", "K", "Na", "Li"):
        radii = pymatgen.Element(symbol).data["Shannon radii"]["1"]["VIII"][""]
        assert CATIONS[symbol] == radii["ionic_radius"], symbol
    assert ANIONS["O"] == pymatgen.Element("O").data["Shannon radii"]["-2"]["II"][""]["ionic_radius"]
    assert ANIONS["N"] == pymatgen.Element("N").data["Shannon radii"]["-3"]["IV"][""]["ionic_radius"]
    assert donor_distance("O", "Pb") == pytest.approx(2.54)


def test_soft_donors_follow_the_covalent_rule():
    from ase.data import atomic_numbers, covalent_radii

    gaps = [
        donor_distance(symbol, "Pb") - covalent_radii[[82, atomic_numbers[symbol]]].sum()
        for symbol in ("N", "O", "F", "S", "Cl")
    ]
    assert donor_distance("P", "Pb") - covalent_radii[[82, 15]].sum() == pytest.approx(np.mean(gaps), abs=0.01)


def test_cations_sit_on_halides():
    assert cation_distance("Cs", "Br", proton=False) == pytest.approx(1.74 + 1.96)
    assert 3.2 < cation_distance("N", "Br", proton=True) < 3.5
    assert cation_distance("N", "I", proton=False) > cation_distance("N", "I", proton=True)


@pytest.mark.parametrize("distance", [0.0, -2.5, 9.0, float("nan"), "2.5", True])
def test_distances_that_mean_nothing_are_refused(distance):
    with pytest.raises(PlacementError, match="distance"):
        check_distance(distance)
