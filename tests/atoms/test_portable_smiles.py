"""Descriptions survive the extended XYZ format, cis double bonds included."""

import pytest
from ase.io import read
from rdkit import Chem

from qddft.atoms.portable_smiles import without_backslash
from qddft.library.ligands import get_ligand

CIS = ["CCCCCCCC/C=C\\CCCCCCCC(=O)O", "F/C=C\\F", "C/C=C/C=C\\C"]


@pytest.mark.parametrize("smiles", CIS)
def test_another_spelling_is_the_same_molecule(smiles):
    plain = without_backslash(smiles)
    assert "\\" not in plain
    assert Chem.CanonSmiles(plain) == Chem.CanonSmiles(smiles)


def test_without_such_a_spelling_the_marks_go_and_the_molecule_stays():
    smiles = "CCCCC/C=C\\C/C=C\\CCCCCCCC(=O)O"
    flat = Chem.MolToSmiles(Chem.MolFromSmiles(smiles), isomericSmiles=False)
    assert Chem.CanonSmiles(without_backslash(smiles)) == flat


def test_what_needs_no_change_is_not_changed():
    assert without_backslash("C/C=C/C") == "C/C=C/C"


def test_the_description_of_a_cis_ligand_comes_back_from_extended_xyz(tmp_path):
    atoms = get_ligand("oleic acid").atoms
    atoms.write(tmp_path / "oleic.xyz")
    assert read(tmp_path / "oleic.xyz").info["qddft"] == atoms.info["qddft"]
