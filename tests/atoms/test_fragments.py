"""Taking a complex apart and comparing structures."""

import numpy as np
import pytest
from ase import Atoms

from qddft.atoms.binding import attach
from qddft.atoms.charge import charge_ledger
from qddft.atoms.fragments import compare, component, split
from qddft.atoms.slab import build_slab
from qddft.core.errors import StructureError
from qddft.library.ligands import get_ligand


@pytest.fixture(scope="module")
def both():
    slab = build_slab("CsPbBr3", layers=3, supercell="2x2", fixed_layers=1)
    once = attach(slab, get_ligand("acetate"), mode="X-site")
    return attach(once, get_ligand("ammonium"))


def test_the_parts_add_up_to_the_whole(both):
    parts = split(both)
    positions = np.vstack([parts.slab.positions, *(part.positions for part in parts.ligands)])
    np.testing.assert_array_equal(positions, both.positions)
    for part in (parts.slab, *parts.ligands):
        np.testing.assert_array_equal(part.cell.array, both.cell.array)
    assert sum(charge_ledger(part).total for part in (parts.slab, *parts.ligands)) == charge_ledger(both).total
    assert parts.slab.constraints[0].index.tolist() == both.constraints[0].index.tolist()


def test_a_component_is_one_fragment(both):
    acetate = component(both, 1)
    assert acetate.get_chemical_formula() == "C2H3O2"
    assert acetate.info["qddft"]["kind"] == "molecule"
    assert acetate.info["qddft"]["removed"] == []
    assert len(component(both, 0).info["qddft"]["removed"]) == 1
    with pytest.raises(StructureError, match="there is no fragment 5; the structure holds 0, 1, 2"):
        component(both, 5)


def test_unlabelled_atoms_cannot_be_split():
    with pytest.raises(StructureError, match="make it with build_slab"):
        split(Atoms("CO", positions=[[0, 0, 0], [0, 0, 1.1]]))
    with pytest.raises(StructureError, match="holds no slab"):
        split(get_ligand("acetate").atoms)


def test_compare_takes_the_nearest_image(both):
    moved = both.copy()
    moved.set_constraint()
    moved.positions[3] += both.cell[0] + [0.3, 0.0, 0.4]
    found = compare(both, moved)
    assert found.atom == 3
    assert found.largest == pytest.approx(0.5)
    assert found.rms == pytest.approx(0.5 / np.sqrt(len(both)))


def test_compare_refuses_other_systems(both):
    with pytest.raises(StructureError, match=r"hold .* atoms"):
        compare(both, both[:-1])
    swapped = both.copy()
    swapped.symbols[0] = "I"
    with pytest.raises(StructureError, match=r"atom 0 is .* in one structure and I"):
        compare(both, swapped)
    with pytest.raises(StructureError, match="there are no atoms"):
        compare(Atoms(), Atoms())
