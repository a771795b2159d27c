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
    assert VALENCE_ELECTRONS["Cs"] == 9
    with pytest.raises(StructureError, match="no valence electron count for Xe"):
        n_valence_electrons(["Xe", "H"])


@pytest.mark.parametrize(
    ("formula", "phase", "lattice", "number", "n_atoms"),
    [
        ("CsPbCl3", "tetragonal", "materials-project", 127, 10),
        ("CsPbBr3", "orthorhombic", "experiment", 62, 20),
        ("CsPbBr3", "orthorhombic", "materials-project", 62, 20),
        ("CsPbBr3", "delta", "materials-project", 62, 20),
        ("CsPbI3", "orthorhombic", "experiment", 62, 20),
        ("CsPbI3", "orthorhombic", "pbesol", 62, 20),
        ("CsPbI3", "orthorhombic", "materials-project", 62, 20),
        ("CsPbI3", "delta", "experiment", 62, 20),
        ("CsPbI3", "delta", "materials-project", 62, 20),
    ],
)
def test_tilted_and_delta_phases(formula, phase, lattice, number, n_atoms):
    """Space group as stated, every Pb octahedrally coordinated at chemically sensible distances."""
    atoms = build_bulk(formula, phase=phase, lattice=lattice)
    assert len(atoms) == n_atoms
    dataset = spglib.get_symmetry_dataset((atoms.cell.array, atoms.get_scaled_positions(), atoms.numbers), symprec=1e-3)
    assert dataset.number == number
    large = atoms * (2, 3, 2)
    halides = np.flatnonzero(large.symbols == formula[4:-1])
    # sum of Shannon radii (VI) of Pb2+ and the halide
    expected = 1.19 + {"Cl": 1.81, "Br": 1.96, "I": 2.20}[formula[4:-1]]
    for lead in np.flatnonzero(atoms.symbols == "Pb"):
        nearest = np.sort(large.get_distances(int(lead), halides, mic=True))[:6]
        assert nearest == pytest.approx([expected] * 6, rel=0.12)


def test_orthorhombic_cells_are_built_in_pbnm():
    atoms = build_bulk("CsPbI3", phase="orthorhombic", lattice="experiment")
    assert atoms.cell.lengths() == pytest.approx([8.5766, 8.8561, 12.4722])
    assert atoms.get_volume() == pytest.approx(947.33, abs=0.01)
    scaled = build_bulk("CsPbI3", phase="orthorhombic", lattice=8.0)
    assert scaled.cell.lengths() == pytest.approx(np.array([8.5766, 8.8561, 12.4722]) * 8.0 / 8.5766)


def test_phases_without_a_source_say_so():
    with pytest.raises(StructureError, match=r"no sourced P4/mbm cell .* known are cubic, delta, orthorhombic"):
        build_bulk("CsPbI3", phase="tetragonal")
    with pytest.raises(StructureError, match=r"no sourced PBE cell .* Take one of experiment \(a = 8.198\)"):
        build_bulk("CsPbBr3", phase="orthorhombic")


def test_valence_electrons_are_those_of_the_sets_that_are_written():
    """The counts of the VASP engine and of pymatgen's statistics of the distributed files are the same."""
    from qddft.engines.vasp.potcar import potentials

    for potential in potentials(VALENCE_ELECTRONS):
        assert potential.n_electrons == VALENCE_ELECTRONS[potential.element], potential.symbol


def test_mixed_formulas_are_sent_to_the_alloy_builder():
    with pytest.raises(StructureError, match=r"is a mixed crystal: make it with .*build_alloy"):
        build_bulk("CsPb(Br0.5I0.5)3")
