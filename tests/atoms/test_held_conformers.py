"""Two groups of one molecule on one Pb or on two: distances, geometry, and what is left as it was."""

import numpy as np
import pytest

from qddft import attach, build_slab, charge_ledger, check_complex, get_ligand
from qddft.atoms.held_conformers import Hold, held_conformers
from qddft.atoms.holding import spans
from qddft.core.errors import PlacementError

SLAB = build_slab("CsPbBr3", layers=3, supercell=(3, 3))


def _held(smiles, mode):
    complex_ = attach(SLAB, get_ligand(smiles), mode=mode)
    return complex_, complex_.info["qddft"]["fragments"][1]


@pytest.mark.parametrize("smiles", ["NCCN", "NCCCN", "SCCS", "OCCO", "NCCS", "[O-]C(=O)C([O-])=O", "CC(=O)CC(C)=O"])
def test_chelates_hold_one_lead_by_two_groups(smiles):
    complex_, entry = _held(smiles, "bidentate")
    assert entry["sites"][0] == entry["sites"][1]
    for anchor, (site,), (distance,) in zip(entry["anchors"], entry["sites"], entry["distances"], strict=True):
        assert complex_.get_distance(anchor, site, mic=True) == pytest.approx(distance, abs=1e-4)
        assert distance < 3.1
    checks = check_complex(complex_, complex_)
    assert checks.bound
    assert checks.molecule_intact


@pytest.mark.parametrize(
    "smiles",
    [
        "OC(=O)CCCCC(=O)O",
        "OC(=O)CCC(=O)O",
        "OC(=O)/C=C/C(=O)O",
        "[O-]C(=O)CCCC([O-])=O",
        "NCCCCN",
        "OP(=O)(O)CCP(=O)(O)O",
    ],
)
def test_both_ends_bridge_two_leads(smiles):
    complex_, entry = _held(smiles, "bridging")
    (first,), (second,) = entry["sites"]
    assert first != second
    assert complex_.get_distance(first, second, mic=True) == pytest.approx(6.0)
    assert max(d for row in entry["distances"] for d in row) < 2.9
    ends = [_end_of(complex_, anchor) for anchor in entry["anchors"]]
    assert ends[0].isdisjoint(ends[1])
    assert charge_ledger(complex_).total == get_ligand(smiles).charge


def _end_of(complex_, anchor):
    """Return an anchor with the heavy atoms bonded to it."""
    apart = complex_.get_distances(anchor, range(len(complex_)), mic=True)
    own = (complex_.arrays["fragment"] == 1) & (complex_.numbers > 1) & (apart < 1.9)
    return set(np.flatnonzero(own).tolist())


def test_the_lone_pairs_of_a_diamine_point_to_the_lead():
    for positions in held_conformers(get_ligand("NCCN"), Hold((0, 3), (2.65, 2.65), 0.0), 0)[:1]:
        span = float(np.linalg.norm(positions[0] - positions[3]))
        assert 2.6 < span < 3.3


def test_seeds_and_what_cannot_be_held():
    ligand = get_ligand("NCCCN")
    pair = next(group for group in ligand.anchors if len(group) == 2)
    hold = Hold(pair, (2.65, 2.65), 0.0)
    first, again = held_conformers(ligand, hold, 3), held_conformers.__wrapped__(ligand, hold, 3)
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    # para-phenylenediamine cannot put both ends on one atom
    stiff = get_ligand("Nc1ccc(N)cc1")
    assert held_conformers(stiff, Hold(next(g for g in stiff.anchors if len(g) == 2), (2.65, 2.65), 0.0), 0) == ()


def test_one_group_keeps_the_conformers_of_the_free_molecule():
    acetate, diacid = get_ligand("acetate"), get_ligand("OC(=O)CCC(=O)O")
    assert not spans(acetate, acetate.anchors[0])
    assert [spans(diacid, group) for group in diacid.anchors if len(group) == 2] == [False, False, True]
    entry = attach(SLAB, acetate, mode="bridging").info["qddft"]["fragments"][1]
    assert entry["conformer"] == 0


def test_both_faces_and_a_distance_of_the_users_choice():
    both = attach(SLAB, get_ligand("NCCN"), mode="bidentate", faces="both")
    assert [entry["face"] for entry in both.info["qddft"]["fragments"][1:]] == ["top", "bottom"]
    entry = attach(SLAB, get_ligand("NCCN"), mode="bidentate", distance=2.8).info["qddft"]["fragments"][1]
    assert entry["distances"] == [[2.8], [2.8]]


def test_a_straight_molecule_bridges_but_does_not_chelate():
    thiocyanate = get_ligand("[S-]C#N")
    with pytest.raises(PlacementError, match="no two anchors"):
        attach(SLAB, thiocyanate, mode="bidentate")
    entry = attach(SLAB, thiocyanate, mode="bridging").info["qddft"]["fragments"][1]
    assert entry["sites"][0] != entry["sites"][1]
