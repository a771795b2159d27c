"""A proton goes to the strongest base, leaves the strongest acid, or goes where it is told."""

import pytest

from qddft.atoms.molecule import ligand_from_smiles
from qddft.atoms.protonation import deprotonated_smiles, protonated_smiles
from qddft.atoms.smiles import canonical_smiles, parse_smiles
from qddft.core.errors import LigandError
from qddft.library.ligands import get_ligand


def _same(first, second):
    return canonical_smiles(parse_smiles(first)) == canonical_smiles(parse_smiles(second))


@pytest.mark.parametrize(
    ("smiles", "acid"),
    [
        ("CC(=O)[O-]", "CC(=O)O"),
        ("CCN", "CC[NH3+]"),
        ("CC[S-]", "CCS"),
        ("CCP(=O)([O-])[O-]", "CCP(=O)(O)[O-]"),
        ("CCS(=O)(=O)[O-]", "CCS(=O)(=O)O"),
        ("c1ccncc1", "c1cc[nH+]cc1"),
        ("[NH3+]CC(=O)[O-]", "[NH3+]CC(=O)O"),
        ("NCC(=O)[O-]", "[NH3+]CC(=O)[O-]"),
        ("Nc1ccc(C(=O)[O-])cc1", "Nc1ccc(C(=O)O)cc1"),
    ],
)
def test_strongest_base_takes_it(smiles, acid):
    assert _same(protonated_smiles(ligand_from_smiles(smiles)), acid)


@pytest.mark.parametrize(
    ("smiles", "base"),
    [
        ("CC(=O)O", "CC(=O)[O-]"),
        ("CCCP(=O)(O)O", "CCCP(=O)(O)[O-]"),
        ("OS(=O)(=O)CC(=O)O", "[O-]S(=O)(=O)CC(=O)O"),
        ("CC[NH3+]", "CCN"),
        ("CCS", "CC[S-]"),
        ("[NH3+]CC(=O)O", "[NH3+]CC(=O)[O-]"),
        ("OC(=O)CCC(=O)O", "OC(=O)CCC(=O)[O-]"),
    ],
)
def test_strongest_acid_gives_it(smiles, base):
    assert _same(deprotonated_smiles(ligand_from_smiles(smiles)), base)


def test_a_named_group_is_obeyed():
    glycinate = ligand_from_smiles("NCC(=O)[O-]")
    assert _same(protonated_smiles(glycinate, group="carboxylate"), "NCC(=O)O")
    cysteamine = ligand_from_smiles("[NH3+]CCS")
    assert _same(deprotonated_smiles(cysteamine, group="thiol"), "[NH3+]CC[S-]")


@pytest.mark.parametrize(
    ("name", "shift", "group", "message"),
    [
        ("PF6-", protonated_smiles, None, "hexafluorophosphate has no group that takes a proton"),
        ("acetate", deprotonated_smiles, None, "acetate has no group that gives a proton"),
        ("GAI", protonated_smiles, None, "guanidinium iodide is an ion pair"),
        ("acetate", protonated_smiles, "amine", "acetate has no amine; what takes a proton there: carboxylate"),
        ("acetate", protonated_smiles, "carboxilate", "Did you mean 'carboxylate'"),
    ],
)
def test_errors(name, shift, group, message):
    with pytest.raises(LigandError, match=message):
        shift(get_ligand(name), group=group)


def test_electrons_are_conserved_by_a_proton():
    from qddft.atoms.electrons import n_valence_electrons

    base = ligand_from_smiles("NCCC(=O)[O-]")
    acid = ligand_from_smiles(protonated_smiles(base))
    assert n_valence_electrons(base.atoms, base.charge) == n_valence_electrons(acid.atoms, acid.charge)
