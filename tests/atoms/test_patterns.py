"""Coverages: Burnside's count of patterns, even spreads first, and structures that follow them."""

import math

import numpy as np
import pytest

from qddft.atoms.charge import charge_ledger
from qddft.atoms.contacts import ligand_contacts
from qddft.atoms.coverage import coverage
from qddft.atoms.patterns import attach_pattern, distinct_patterns
from qddft.atoms.slab import build_slab
from qddft.core.errors import PlacementError
from qddft.library.ligands import get_ligand


@pytest.fixture(scope="module")
def slab():
    return build_slab("CsPbBr3", layers=3, supercell="3x3")


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_multiplicities_add_up_to_all_choices(slab, count):
    patterns = distinct_patterns(slab, count)
    assert sum(pattern.multiplicity for pattern in patterns) == math.comb(9, count)
    assert [pattern.closest for pattern in patterns] == sorted((p.closest for p in patterns), reverse=True)


def test_the_number_of_pairs_on_a_square_torus(slab):
    # two sites of a 3x3 torus differ by (1, 0) or (1, 1), all else is equivalent
    assert [round(pattern.closest / 6.0, 3) for pattern in distinct_patterns(slab, 2)] == [round(2**0.5, 3), 1.0]
    four = build_slab("CsPbBr3", layers=3, supercell="4x4")
    # on a 4x4 torus two sites are one or two steps apart along each edge: five ways
    assert len(distinct_patterns(four, 2)) == 5


def test_coverage_is_per_area(slab):
    pattern = distinct_patterns(slab, 2)[0]
    assert pattern.per_nm2 == pytest.approx(2 / 3.24)
    complex_ = attach_pattern(slab, get_ligand("acetic acid"), pattern, faces="both")
    assert coverage(complex_) == pytest.approx({"top": 2 / 3.24, "bottom": 2 / 3.24})


def test_a_mixed_shell_follows_the_pattern(slab):
    pattern = distinct_patterns(slab, 2)[0]
    pair = (get_ligand("CCCCN"), get_ligand("CCCC(=O)O"))
    complex_ = attach_pattern(slab, pair, pattern)
    entries = complex_.info["qddft"]["fragments"][1:]
    assert [entry["sites"][0][0] for entry in entries] == list(pattern.sites)
    own = np.flatnonzero(complex_.arrays["fragment"] == 0).tolist()
    bound = [(anchor, atom) for entry in entries for anchor in entry["anchors"] for atom in own]
    assert ligand_contacts(complex_, ignored=bound) == ()


def test_halides_are_exchanged_along_a_pattern(slab):
    pattern = distinct_patterns(slab, 3, kind="X-top")[0]
    complex_ = attach_pattern(slab, get_ligand("acetate"), pattern, mode="X-site")
    removed = complex_.info["qddft"]["removed"]
    assert charge_ledger(complex_).total == 0
    places = {tuple(np.round(item["position"][:2], 4)) for item in removed}
    assert places == {tuple(np.round(slab.positions[i, :2], 4)) for i in pattern.sites}


@pytest.mark.parametrize(
    ("count", "options", "message"),
    [
        (10, {}, r"the top face of this cell has 9; give 1 to 9"),
        (0, {}, "give 1 to 9"),
        (1, {"kind": "Cs-top"}, "has 0"),
        (1, {"kind": "Pb-tops"}, "Did you mean 'Pb-top'"),
        (1, {"face": "side"}, "unknown face"),
    ],
)
def test_impossible_coverages_are_refused(slab, count, options, message):
    with pytest.raises(PlacementError, match=message):
        distinct_patterns(slab, count, **options)


def test_too_many_choices_are_refused():
    large = build_slab("CsPbBr3", layers=3, supercell="6x6")
    with pytest.raises(PlacementError, match="can be chosen in"):
        distinct_patterns(large, 12)


def test_numbers_have_to_agree(slab):
    pattern = distinct_patterns(slab, 2)[0]
    with pytest.raises(PlacementError, match="2 sites, but 1 ligands"):
        attach_pattern(slab, [get_ligand("acetic acid")], pattern)
