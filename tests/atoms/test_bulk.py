import numpy as np
import pytest
import spglib

from qddft.atoms.bulk import build_bulk, describe_bulk
from qddft.atoms.electrons import VALENCE_ELECTRONS, n_valence_electrons
from qddft.core.errors import StructureError
from qddft.core.structure_json import structure_from_dict, structure_to_dict


@pytest.mark.parametrize("formula", ["CsPbCl3", "CsPbBr3", "CsPbI3"])
def test_cubic_cell_is_the_aristotype(formula):
    atoms = build_bulk(formula)
    assert atoms.get_chemical_formula(mode="reduce") == formula
    dataset = spglib.get_symmetry_dataset((atoms.cell.array, atoms.get_scaled_positions(), atoms.numbers))
    assert dataset.number == 221
    lead, halides = atoms.positions[atoms.symbols == "Pb"], atoms.positions[atoms.symbols == formula[4:-1]]
    assert np.linalg.norm(halides - lead, axis=1) == pytest.approx([atoms.cell.lengths()[0] / 2] * 3)


def test_description_carries_lattice_and_source():
    atoms = build_bulk("CsPbI3", lattice="experiment")
    description = atoms.info["qddft"]
    assert description["kind"] == "bulk"
    assert description["bulk"]["a"] == 6.2894
    assert "1405.1706" in description["bulk"]["source"]
    assert description["fragments"] == [{"name": "bulk", "charge": 0}]


def test_a_number_is_the_lattice_constant():
    atoms = build_bulk("CsPbBr3", lattice=5.9)
    assert atoms.cell.lengths() == pytest.approx([5.9] * 3)
    assert atoms.info["qddft"]["bulk"]["source"] == "given by user"


@pytest.mark.parametrize("edge", [-6.0, 0.0, float("nan"), True, 600.0])
def test_a_number_that_is_no_length_is_refused(edge):
    with pytest.raises(StructureError, match="not a length in Angstrom"):
        build_bulk("CsPbBr3", lattice=edge)


def test_two_builds_share_nothing():
    first = build_bulk("CsPbBr3")
    first.info["qddft"]["bulk"]["a"] = 0.0
    first.positions += 1.0
    assert build_bulk("CsPbBr3").info["qddft"]["bulk"]["a"] == 6.0
    assert build_bulk("CsPbBr3").positions[1] == pytest.approx([0, 0, 0])


def test_round_trip_through_json():
    atoms = build_bulk("CsPbCl3")
    again = structure_from_dict(structure_to_dict(atoms))
    assert again == atoms
    assert again.info == atoms.info


def test_foreign_bulk_is_described_by_its_cell():
    atoms = build_bulk("CsPbBr3")
    atoms.info = {}
    assert describe_bulk(atoms) == {
        "formula": "Br3CsPb",
        "phase": "given",
        "lattice": "given",
        "a": 6.0,
        "b": 6.0,
        "c": 6.0,
        "source": "given by user",
    }


def test_valence_electrons():
    assert n_valence_electrons(build_bulk("CsPbBr3")) == 9 + 14 + 3 * 7
    assert n_valence_electrons(["C", "H", "H", "H", "C", "O", "O"], charge=-1) == 24
    assert VALENCE_ELECTRONS["Pb"] == 14
    with pytest.raises(StructureError, match="no valence electron count for Xe"):
        n_valence_electrons(["Xe", "H"])
