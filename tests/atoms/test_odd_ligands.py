"""Molecules that are in no library, as users bring them."""

import numpy as np
import pytest

from qddft.atoms.electrons import n_valence_electrons
from qddft.atoms.geometry import fits_graph
from qddft.atoms.molecule import ligand_from_smiles
from qddft.atoms.truncation import truncate
from qddft.core.errors import LigandError
from qddft.library.ligands import dissociated, get_ligand, ions_of

# SMILES, formula, charge, first functional group, unpaired electrons
ODD = [
    ("C[N+](C)(C)CCCS(=O)(=O)[O-]", "C6H15NO3S", 0, "sulfonate", 0),
    ("CCOP(=O)([O-])OCC[N+](C)(C)C", "C7H18NO4P", 0, "phosphate", 0),
    ("CCCCP(=O)([O-])[O-]", "C4H9O3P", -2, "phosphonate", 0),
    ("CCP(=O)(O)CC", "C4H11O2P", 0, "phosphonic acid", 0),
    ("CCOP(=S)([S-])OCC", "C4H10O2PS2", -1, "dithiophosphate", 0),
    ("CCOC(=S)[S-]", "C3H5OS2", -1, "dithiocarbamate", 0),
    ("OC(=O)C(S)C(S)C(=O)O", "C4H6O4S2", 0, "carboxylic acid", 0),
    ("[O-]C(=O)CCCC(=O)[O-]", "C5H6O4", -2, "carboxylate", 0),
    ("O=S(=O)([N-]S(=O)(=O)C(F)(F)F)C(F)(F)F", "C2F6NO4S2", -1, "nitrogen anion", 0),
    ("F[Sb-](F)(F)(F)(F)F", "F6Sb", -1, "fluoroanion", 0),
    ("[O-]Cl(=O)(=O)=O", "ClO4", -1, "oxoanion", 0),
    ("OB(O)c1ccccc1", "C6H7BO2", 0, "hydroxyl", 0),
    ("C[Si](C)(C)O", "C3H10OSi", 0, "hydroxyl", 0),
    ("CCC[SeH]", "C3H8Se", 0, "selenol", 0),
    ("CC1(C)CCCC(C)(C)N1[O]", "C9H18NO", 0, "nitroxide", 1),
    ("[OH3+]", "H3O", 1, "oxonium", 0),
    ("CCn1cc[n+](C)c1", "C6H11N2", 1, "pyridinium", 0),
    ("I[Pb]I", "I2Pb", 0, "metal halide", 0),
    ("[Pb+2].CC(=O)[O-].CC(=O)[O-]", "C4H6O4Pb", 0, "carboxylate", 0),
    ("NC12CC3CC(CC(C3)C1)C2", "C10H17N", 0, "primary amine", 0),
    ("CC(=O)/C=C(/C)[O-]", "C5H7O2", -1, "alkoxide", 0),
    ("C1COCCOCCOCCO1", "C8H16O4", 0, "ether", 0),
    ("[NH3+][C@@H](Cc1c[nH]cn1)C(=O)[O-]", "C6H9N3O2", 0, "carboxylate", 0),
    ("NC(=[NH2+])NCCC[C@H]([NH3+])C(=O)[O-]", "C6H15N4O2", 1, "carboxylate", 0),
    ("CCN=C=O", "C3H5NO", 0, "isocyanate", 0),
    ("O=[N+]([O-])c1ccc(N)cc1", "C6H6N2O2", 0, "primary amine", 0),
    ("[C-]#[O+]", "CO", 0, "carbon monoxide", 0),
    ("CP(C)(C)=S", "C3H9PS", 0, "phosphine chalcogenide", 0),
    ("OC(=O)C(F)(F)C(F)(F)F", "C3HF5O2", 0, "carboxylic acid", 0),
    ("C[NH3+].[I-]", "CH6IN", 0, "halide", 0),
    ("C[N+](C)(C)CCCC.[Br-]", "C7H18BrN", 0, "halide", 0),
    ("CC(C)(C)[O-].[K+]", "C4H9KO", 0, "alkoxide", 0),
]


@pytest.mark.parametrize(("smiles", "formula", "charge", "kind", "unpaired"), ODD)
def test_formula_charge_group_and_geometry(smiles, formula, charge, kind, unpaired):
    ligand = ligand_from_smiles(smiles)
    assert (ligand.formula, ligand.charge, ligand.anchor_kinds[0], ligand.unpaired) == (formula, charge, kind, unpaired)
    assert sum(ligand.component_charges) == charge
    assert n_valence_electrons(ligand.atoms, charge) % 2 == unpaired
    if len(ligand.components) == 1:
        assert fits_graph(ligand.atoms.numbers, np.array(ligand.positions), list(ligand.graph))


def test_every_spelling_gives_the_same_coordinates():
    assert ligand_from_smiles("OC(=O)CCS") == ligand_from_smiles("SCCC(O)=O")


def test_groups_across_a_molecule_bind_together_last():
    diamine = ligand_from_smiles("NCCN")
    assert diamine.anchor_kinds == ("primary amine", "primary amine", "primary amine + primary amine")
    assert sorted(diamine.anchors[-1]) == sorted(index for group in diamine.anchors[:2] for index in group)
    diacid = ligand_from_smiles("OC(=O)CCC(=O)O")
    assert len(diacid.anchors[-1]) == 2
    assert [kind for kind in diacid.anchor_kinds if "+" in kind] == ["carboxylic acid + carboxylic acid"]


def test_ions_of_a_pair_are_not_one_anchor():
    assert not [kind for kind in ligand_from_smiles("CC(=O)[O-].NC=[NH2+]").anchor_kinds if "+" in kind]


def test_an_acid_comes_apart_into_base_and_proton():
    base, proton = dissociated(get_ligand("oleic acid"))
    assert (base.name, proton.name, base.charge + proton.charge) == ("oleate", "proton", 0)
    assert len(base) + len(proton) == len(get_ligand("oleic acid"))
    assert n_valence_electrons(proton.atoms, proton.charge) == 0


def test_an_ion_pair_comes_apart_into_library_ions():
    assert [ion.name for ion in ions_of(get_ligand("GAI"))] == ["guanidinium", "iodide"]
    assert {ion.name for ion in ions_of(get_ligand("NH4PF6"))} == {"ammonium", "hexafluorophosphate"}
    with pytest.raises(LigandError, match="acetate is one molecule"):
        ions_of(get_ligand("acetate"))
    with pytest.raises(LigandError, match="take the ions of cesium oleate"):
        ions_of(truncate(get_ligand("cesium oleate"), 4))


def test_a_coordination_that_force_fields_spoil_is_refused():
    with pytest.raises(LigandError, match=r"UFF gives C\[P-\].* broken or overlapping atoms.*structure file"):
        ligand_from_smiles("C[P-](F)(F)(F)(F)F")


def test_bond_graph_check_sees_each_mistake():
    water, bonds = np.array([8, 1, 1]), [(0, 1), (0, 2)]
    sound = np.array([[0, 0, 0], [0.96, 0, 0], [-0.24, 0.93, 0.0]])
    assert fits_graph(water, sound, bonds)
    assert not fits_graph(water, sound * 0.5, bonds)
    assert not fits_graph(water, sound * 2.0, bonds)
    assert not fits_graph(water, sound[[0, 1, 1]] + [[0, 0, 0], [0, 0, 0], [0.1, 0, 0]], bonds)
