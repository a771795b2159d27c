"""Where a SMILES goes wrong."""

import pytest

from qddft.atoms.smiles import canonical_smiles, looks_like_smiles, parse_smiles
from qddft.atoms.stereo import specified
from qddft.core.errors import LigandError


@pytest.mark.parametrize(
    ("smiles", "message"),
    [
        ("CC(=O", r"'\(' is never closed"),
        ("CC(=O)[O-", r"'\[' is never closed"),
        ("CCC(=O)O)", r"never opened, at character 9 \(CCC\(=O\)O>>\)<<\)"),
        ("C1CC", "ring closure 1 has only one end"),
        ("C%12CC", "ring closure %12 has only one end"),
        ("C1CC1C(", r"'\(' is never closed"),
        ("CC=", "ends too early, after '='"),
        ("CCC==O", r"mistake at character 5 \(CCC=>>=<<O\)"),
        ("CC[Xx]C", "mistake at character"),
        ("C(C)(C)(C)(C)C", "valence.*atoms count from 0"),
        ("c1cccc1", "kekulize"),
        ("C*O", r"wildcard atom '\*' \(atom 1\)"),
        ("[Rn]", "holds Rn"),
        ("[Pm+3]", "holds Pm"),
        ("", "has no atoms"),
    ],
)
def test_message_says_where(smiles, message):
    with pytest.raises(LigandError, match=message):
        parse_smiles(smiles)


@pytest.mark.parametrize("text", ["CC(=O)O", "c1ccccc1", "[NH4+]", "CC(=O", "F[P-](F)(F)(F)(F)F", "OCC1CC", "CXC1"])
def test_smiles_are_told_from_names(text):
    assert looks_like_smiles(text)


@pytest.mark.parametrize("text", ["oleic acid", "olic acid", "oleicacid", "acetatte", "lecithin", "hexylamine"])
def test_names_are_told_from_smiles(text):
    assert not looks_like_smiles(text)


def test_isotopes_are_dropped():
    assert canonical_smiles(parse_smiles("[13CH3]C(=O)O[2H]")) == "CC(=O)O"


def test_open_centers_are_named():
    mol, note = specified(parse_smiles("CC(O)C(N)C(=O)O"))
    assert "(R) at atom 1" in note
    assert "(R) at atom 3" in note
    assert specified(mol)[1] == ""


def test_open_double_bond_is_trans_and_a_given_one_is_kept():
    mol, note = specified(parse_smiles("CC=CC"))
    assert canonical_smiles(mol) == "C/C=C/C"
    assert "trans at the double bond of atoms 1 and 2" in note
    kept, silent = specified(parse_smiles(r"C/C=C\C"))
    assert (canonical_smiles(kept), silent) == (r"C/C=C\C", "")


def test_two_equal_hydrogens_are_no_stereocenter():
    assert specified(parse_smiles("CC[SiH2]CO"))[1] == ""


def test_an_imine_proton_is_left_to_the_search():
    assert specified(parse_smiles("CC=N"))[1] == ""
