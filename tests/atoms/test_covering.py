"""Several ligands at once: patterns beside patterns, modes of their own, both faces."""

from itertools import combinations
from math import comb

import pytest

from qddft import QddftError, build_slab, charge_ledger, get_ligand
from qddft.atoms.covering import Placement, chosen_patterns, cover, patterns_of

SLAB = build_slab("CsPbBr3", layers=3, supercell=(3, 3))
CESIUM = build_slab("CsPbBr3", layers=3, supercell=(3, 3), termination="CsX")


def test_patterns_beside_a_pattern_count_every_choice_of_the_free_sites():
    acid, amine = Placement(get_ligand("acetic acid"), count=2), Placement(get_ligand("CN"), count=2)
    first = list(chosen_patterns(SLAB, [acid], "top"))
    found = patterns_of(SLAB, amine, "top", first)
    assert sum(pattern.multiplicity for pattern in found) == comb(7, 2)
    assert all(set(pattern.sites).isdisjoint(first[0].sites) for pattern in found)
    # fewer operations keep the first pattern, so more choices are distinct than on the bare face
    assert len(found) > len(patterns_of(SLAB, amine, "top"))


def test_each_ligand_gets_a_site_of_its_own():
    acid, amine = get_ligand("acetic acid"), get_ligand("CN")
    complex_ = cover(SLAB, [Placement(acid, count=2), Placement(amine, count=2, pattern=3)])
    entries = complex_.info["qddft"]["fragments"][1:]
    assert [entry["name"] for entry in entries] == ["acetic acid", "acetic acid", "CN", "CN"]
    sites = [entry["sites"][0][0] for entry in entries]
    assert len(set(sites)) == 4


def test_cation_and_anion_exchange_keep_the_cell_neutral():
    pair = [
        Placement(get_ligand("C[NH3+]"), "A-site", count=2),
        Placement(get_ligand("acetate"), "X-site", count=2),
    ]
    complex_ = cover(CESIUM, pair)
    assert charge_ledger(complex_).is_neutral
    assert [item["symbol"] for item in complex_.info["qddft"]["removed"]] == ["Cs", "Cs", "Br", "Br"]


def test_both_faces_alike():
    pair = [Placement(get_ligand("C[NH3+]"), "A-site", count=1), Placement(get_ligand("acetate"), "X-site", count=1)]
    complex_ = cover(CESIUM, pair, faces="both")
    assert [entry["face"] for entry in complex_.info["qddft"]["fragments"][1:]] == ["top", "bottom", "top", "bottom"]
    assert charge_ledger(complex_).is_neutral


def test_coverage_in_ligands_per_square_nanometer():
    complex_ = cover(SLAB, [Placement(get_ligand("CN"), per_nm2=0.9)])
    assert len(complex_.info["qddft"]["fragments"]) - 1 == round(0.9 * 18 * 18 / 100)


def test_ion_pairs_side_by_side():
    complex_ = cover(SLAB, [Placement(get_ligand("NH4PF6"), "ion-pair", count=2)])
    assert charge_ledger(complex_).is_neutral
    first, second = (list(complex_.info["qddft"]["fragments"][k]["sites"][0]) for k in (1, 2))
    assert first != second


def test_distances_between_patterned_ligands_keep_contact():
    complex_ = cover(SLAB, [Placement(get_ligand("CN"), count=9)])
    fragment = complex_.arrays["fragment"]
    for one, other in combinations(range(1, 10), 2):
        apart = complex_.get_all_distances(mic=True)[fragment == one][:, fragment == other]
        assert apart.min() > 1.9


@pytest.mark.parametrize(
    ("placement", "message"),
    [
        ({"count": 10}, "this cell has 9; give 1 to 9"),
        ({"per_nm2": 0.01}, "take a supercell of"),
        ({"count": 2, "pattern": 3}, "there is no pattern 3; this coverage has 2"),
        ({"count": 2, "per_nm2": 1.0}, "not both"),
        ({"count": 2, "site": 49}, "leave the site out"),
        ({"count": 2, "mode": "A-site"}, "is no cation"),
    ],
)
def test_what_cannot_be_spread(placement, message):
    with pytest.raises(QddftError, match=message):
        cover(SLAB, [Placement(get_ligand("CN"), **placement)])
