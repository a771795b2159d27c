"""Which atoms bind, by functional group."""

import pytest

from qddft.atoms.anchors import KINDS, role_of
from qddft.atoms.molecule import ligand_from_smiles
from qddft.core.errors import LigandError

GROUPS = [
    ("CC(=O)[O-]", "carboxylate", "OO"),
    ("CC(=O)O", "carboxylic acid", "O"),
    ("CCCN", "primary amine", "N"),
    ("CNC", "amine", "N"),
    ("CN(C)C", "amine", "N"),
    ("CCC[NH3+]", "ammonium", "N"),
    ("CC[N+](C)(C)C", "quaternary ammonium", "N"),
    ("CC(N)=[NH2+]", "amidinium", "N"),
    ("NC(N)=[NH2+]", "guanidinium", "N"),
    ("CCS(=O)(=O)O", "sulfonic acid", "O"),
    ("CCS(=O)(=O)[O-]", "sulfonate", "OO"),
    ("CCP(=O)(O)O", "phosphonic acid", "O"),
    ("CCP(=O)(O)[O-]", "phosphonate", "OO"),
    ("CP(C)(C)=O", "phosphine oxide", "O"),
    ("CP(C)C", "phosphine", "P"),
    ("CCS", "thiol", "S"),
    ("CC[S-]", "thiolate", "S"),
    ("CCO", "alcohol", "O"),
    ("CC(=O)N", "amide", "O"),
    ("CCOC(C)=O", "carbonyl", "O"),
    ("CC#N", "nitrile", "N"),
    ("c1ccncc1", "pyridine", "N"),
    ("c1cc[nH+]cc1", "pyridinium", "N"),
    ("CS(C)=O", "sulfoxide", "O"),
    ("CCN(CC)C(=S)[S-]", "dithiocarbamate", "SS"),
    ("[S-]C#N", "pseudohalide", "S"),
    ("F[B-](F)(F)F", "tetrafluoroborate", "F"),
    ("CC[P+](C)(C)C", "phosphonium", "P"),
    ("O", "water", "O"),
    ("[Cl-]", "halide", "Cl"),
    ("NC(N)=S", "thiocarbonyl", "S"),
    ("C1CCOC1", "ether", "O"),
]


@pytest.mark.parametrize(("smiles", "kind", "symbols"), GROUPS)
def test_first_anchor(smiles, kind, symbols):
    ligand = ligand_from_smiles(smiles)
    assert ligand.anchor_kinds[0] == kind
    assert "".join(ligand.symbols[i] for i in ligand.anchors[0]) == symbols


def test_zwitterion_lists_all_groups_the_anion_first():
    ligand = ligand_from_smiles("[NH3+]CCCCCC(=O)[O-]")
    assert ligand.charge == 0
    assert ligand.anchor_kinds == ("carboxylate", "carboxylate", "carboxylate", "ammonium")


def test_lecithin_head_lists_phosphate_and_choline():
    ligand = ligand_from_smiles("CC(=O)OC[C@H](COP(=O)([O-])OCC[N+](C)(C)C)OC(C)=O")
    assert ligand.charge == 0
    kinds = dict.fromkeys(kind for kind in ligand.anchor_kinds if " + " not in kind)
    assert list(kinds) == ["phosphate", "carbonyl", "quaternary ammonium"]


def test_anchors_by_hand_replace_the_groups():
    ligand = ligand_from_smiles("[NH2:2]CCC[OH:1]")
    assert ligand.anchor_kinds == ("by hand", "by hand")
    assert [ligand.symbols[group[0]] for group in ligand.anchors] == ["O", "N"]
    assert ":" not in ligand.smiles
    joint = ligand_from_smiles("[NH2:1]CC[NH2:1]")
    assert [len(group) for group in joint.anchors] == [2, 1, 1]


def test_each_atom_belongs_to_one_group_only():
    for smiles, _, _ in GROUPS:
        singles = [group for group in ligand_from_smiles(smiles).anchors if len(group) == 1]
        assert len(singles) == len(set(singles))


def test_every_pattern_is_valid_and_has_binding_atoms():
    from rdkit import Chem

    for kind in KINDS:
        pattern = Chem.MolFromSmarts(kind.smarts)
        assert pattern is not None, kind
        assert any(atom.GetAtomMapNum() for atom in pattern.GetAtoms()), kind


def test_roles():
    assert role_of("carboxylate") == "donor"
    assert role_of("ammonium") == "cation"
    assert role_of("by hand") == "donor"


@pytest.mark.parametrize("smiles", ["CCCCCC", "c1ccccc1", "FC(F)(F)F", "[H][H]"])
def test_nothing_to_bind_with(smiles):
    with pytest.raises(LigandError, match=r"no group that is known to bind.*map numbers"):
        ligand_from_smiles(smiles)


def test_lecithin_bridges_by_its_phosphate_and_a_diacid_by_both_ends():
    from qddft.atoms.anchors import two_anchors
    from qddft.library.ligands import get_ligand

    def first(smiles):
        ligand = get_ligand(smiles)
        named = list(zip(ligand.anchors, ligand.anchor_kinds, strict=True))
        group, _ = two_anchors(named, bridging=True)[0]
        return ligand.anchor_kinds[ligand.anchors.index(group)]

    assert first("CCC(=O)OC[C@H](COP(=O)([O-])OCC[N+](C)(C)C)OC(=O)CC") == "phosphate"
    assert first("[O-]C(=O)CCCC(=O)[O-]") == "carboxylate + carboxylate"
    assert first("NCCCCN") == "primary amine + primary amine"
