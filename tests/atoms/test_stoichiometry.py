"""Cs/Pb/X ratios of models and papers."""

import pytest

import qddft
from qddft.atoms.stoichiometry import PUBLISHED
from qddft.core.errors import StructureError


def test_ratios_of_a_cube_by_formula() -> None:
    ratios = qddft.ion_ratios(qddft.build_nanocrystal("CsPbI3", size=(4, 4, 4)))
    assert (ratios.a, ratios.b, ratios.x) == (125 - 13, 64, 240)
    assert ratios.balance == 0
    assert ratios.per_a == pytest.approx((1.0, 64 / 112, 240 / 112))
    assert ratios.ratios == pytest.approx((112 / 64, 1.0, 3.75))
    assert str(ratios) == "Cs : Pb : X = 1 : 0.57 : 2.14, X/Pb 3.75, Cs + 2 Pb - X = +0"


def test_ligands_are_not_counted_but_their_charge_shows() -> None:
    dot = qddft.build_nanocrystal("CsPbI3", size=(2, 2, 2), faces="PbX2")
    anions = qddft.passivate(dot, qddft.get_ligand("hexafluorophosphate"), coverage=0.3)
    count = len(anions.info["qddft"]["fragments"]) - 1
    assert count > 0
    assert qddft.ion_ratios(anions).balance == count


def test_a_bulk_is_1_1_3() -> None:
    assert qddft.ion_ratios(qddft.build_bulk("CsPbBr3")).per_a == (1.0, 1.0, 3.0)


def test_without_cesium_there_is_no_ratio_to_it() -> None:
    dot = qddft.build_nanocrystal("CsPbI3", size=1, faces="PbX2")
    assert str(qddft.ion_ratios(dot)) == "Cs : Pb : X = 0 : 1 : 2.00, X/Pb 2.00, Cs + 2 Pb - X = +0"


def test_molecular_cations_count_as_a_cations() -> None:
    dot = qddft.build_nanocrystal("MA0.5Cs0.5PbI3", size=(2, 1, 1))
    ratios = qddft.ion_ratios(dot)
    assert ratios.balance == 0
    assert ratios.a == 12 - 5


def test_published_balances_are_those_of_the_printed_ratios() -> None:
    balances = [item.balance for item in PUBLISHED if item.balance is not None]
    assert balances == pytest.approx([1.3, -0.2, 0.5, 0.0])
    assert [item.x_per_b for item in PUBLISHED] == [1.75, 3.09, 2.42, 2.91, 2.87, 3.29, 3.44]


def test_a_molecule_has_no_ratios() -> None:
    with pytest.raises(StructureError, match="no Pb, Sn or Ge"):
        qddft.ion_ratios(qddft.get_ligand("acetate").atoms)
