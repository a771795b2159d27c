"""Ligands per nm^2."""

import pytest
from ase import Atoms

from qddft.atoms.coverage import coverage, face_area, ligands_for_coverage
from qddft.atoms.slab import build_slab
from qddft.core.errors import PlacementError


@pytest.fixture(scope="module")
def slab():
    return build_slab("CsPbBr3", termination="PbX2", layers=3, supercell=(2, 2), vacuum=15.0)


def test_one_ligand_on_a_two_by_two_cell_of_6_angstrom(slab):
    assert face_area(slab) == pytest.approx(144.0)
    complex_ = slab.copy()
    fragments = [{"name": "slab", "charge": 0}, {"face": "top"}, {"face": "top"}, {"face": "bottom"}, {"name": "loose"}]
    complex_.info["qddft"] = slab.info["qddft"] | {"fragments": fragments}
    assert coverage(complex_) == pytest.approx({"top": 200 / 144, "bottom": 100 / 144})
    assert coverage(slab) == {"top": 0.0, "bottom": 0.0}


def test_number_of_ligands_for_a_coverage(slab):
    assert ligands_for_coverage(slab, 100 / 144) == 1
    assert ligands_for_coverage(slab, 2.8) == 4


@pytest.mark.parametrize(
    ("per_nm2", "message"),
    [
        (0.0, "positive number"),
        (float("nan"), "positive number"),
        (0.3, "one ligand on this cell is 0.69 nm.-2 already; take .* 333"),
    ],
)
def test_impossible_coverages(slab, per_nm2, message):
    with pytest.raises(PlacementError, match=message):
        ligands_for_coverage(slab, per_nm2)


def test_a_molecule_has_no_face():
    with pytest.raises(PlacementError, match="no lateral cell"):
        coverage(Atoms("O"))
