"""Cutting chains: the rule, the record, the anchors."""

import pytest

from qddft.atoms.molecule import ligand_from_smiles
from qddft.atoms.smiles import canonical_smiles, parse_smiles
from qddft.atoms.truncation import truncate
from qddft.core.errors import LigandError
from qddft.library.ligands import get_ligand


@pytest.mark.parametrize(
    ("name", "carbons", "expected"),
    [
        ("oleic acid", 4, "CCCC(=O)O"),
        ("oleic acid", 1, "O=CO"),
        ("oleate", 4, "CCCC(=O)[O-]"),
        ("oleylamine", 4, "CCCCN"),
        ("oleylammonium", 3, "CCC[NH3+]"),
        ("2-HA", 4, "CCC(CC)C(=O)O"),
        ("2-hexyldecanoate", 3, "CC(C)C(=O)[O-]"),
        ("cesium oleate", 2, "CC(=O)[O-].[Cs+]"),
        ("oleic acid", 9, "C=CCCCCCCCC(=O)O"),
        ("CCCCCCCCP(=O)(CCCCCCCC)CCCCCCCC", 2, "CCP(=O)(CC)CC"),
        ("CCCCCCCC(O)CCCCCCC(=O)O", 3, "CCC(O)CCCCCCC(=O)O"),
        ("CCCCC[C@H](C)C(=O)O", 2, "CC(=O)O"),
        ("CCCCC1CCC(C(=O)O)CC1", 4, "O=C(O)C1CCCCC1"),
        ("CCCCCC/C=C/CCCC(=O)O", 5, "C=CCCCC(=O)O"),
        ("CCCC[N+](C)(C)CCCCCC", 2, "CC[N+](C)(C)CC"),
    ],
)
def test_rule(name, carbons, expected):
    short = truncate(get_ligand(name), carbons)
    assert canonical_smiles(parse_smiles(short.smiles)) == canonical_smiles(parse_smiles(expected))


def test_record_and_anchors_travel():
    whole = get_ligand("oleate")
    short = truncate(whole, 4)
    assert short.name == "oleate (C4)"
    assert (short.charge, short.unpaired) == (-1, 0)
    assert [[short.symbols[i] for i in group] for group in short.anchors] == [["O", "O"], ["O"], ["O"]]
    assert short.anchor_kinds == whole.anchor_kinds
    assert (short.truncated_from.name, short.truncated_from.smiles) == ("oleate", whole.smiles)
    record = short.truncated_from.as_dict()
    assert list(record) == ["name", "formula", "smiles", "rule"]
    assert record["formula"] == "C18H33O2"
    assert canonical_smiles(parse_smiles(record["smiles"])) == whole.smiles
    assert record["rule"] == "tails cut to 4 carbons counted from the functional group, closed with H"
    assert short.atoms.info["qddft"]["fragments"][1]["truncated_from"]["name"] == "oleate"


def test_cutting_twice_remembers_the_whole_molecule():
    twice = truncate(truncate(get_ligand("oleic acid"), 6), 3)
    assert (twice.name, twice.truncated_from.name) == ("oleic acid (C3)", "oleic acid")
    assert twice.truncated_from.formula == "C18H34O2"


def test_anchors_by_hand_survive():
    short = truncate(ligand_from_smiles("CCCCCCCCC(=O)[O:1]CC"), 3)
    assert short.anchor_kinds == ("by hand",)
    assert short.symbols[short.anchors[0][0]] == "O"


def test_an_anchored_tail_is_not_cut():
    whole = ligand_from_smiles("[CH2:1]=CCCCCCCC(=O)O")
    with pytest.raises(LigandError, match="no hydrocarbon tail longer than 3"):
        truncate(whole, 3)


@pytest.mark.parametrize(
    ("name", "carbons", "message"),
    [
        ("acetate", 4, "acetate has no hydrocarbon tail longer than 4 carbons"),
        ("oleic acid", 18, "use it whole or keep fewer"),
        ("3-PA", 3, "rings and functional groups are never cut"),
        ("PF6-", 1, "no hydrocarbon tail"),
        ("oleic acid", 0, "cannot truncate oleic acid to 0 carbons; keep 1 or more"),
    ],
)
def test_nothing_to_cut(name, carbons, message):
    with pytest.raises(LigandError, match=message):
        truncate(get_ligand(name), carbons)
