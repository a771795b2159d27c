import numpy as np
import pytest

import qddft
from qddft.atoms.contacts import ligand_contacts
from qddft.atoms.pose_candidates import Extent, pose_candidates
from qddft.atoms.pose_heads import modes_of
from qddft.atoms.pose_symmetry import face_symmetry, pose_distance, shape_of
from qddft.core.errors import PlacementError


def slab(supercell=(2, 2), *, termination="PbX2", vacuum=12.0, **options):
    return qddft.build_slab("CsPbBr3", termination=termination, layers=3, supercell=supercell, vacuum=vacuum, **options)


def shapes(candidates, clean):
    lift = [item.atoms.positions[0] - clean.positions[0] for item in candidates]
    found = []
    for item, up in zip(candidates, lift, strict=True):
        own = item.atoms.arrays["fragment"] > 0
        found.append(shape_of(item.atoms.numbers[own], item.atoms.positions[own] - up))
    return found


def candidates_of(clean, name="acetic acid", mode="any", **options):
    return pose_candidates(clean, [qddft.get_ligand(name)], [mode], Extent(**({"count": 12} | options)))


def test_candidates_differ_and_keep_their_distance():
    clean = slab()
    found = candidates_of(clean, count=20)
    assert len(found) == 20
    symmetry = face_symmetry(clean)
    each = shapes(found, clean)
    assert min(pose_distance(a, b, symmetry) for k, a in enumerate(each) for b in each[:k]) >= 0.25
    for item in found:
        assert item.atoms.info["qddft"]["kind"] == "complex"
        assert (item.atoms.positions[:32] - item.atoms.positions[0] == clean.positions - clean.positions[0]).all()
        entry = item.atoms.info["qddft"]["fragments"][1]
        bound = [(a, s) for a, sites in zip(entry["anchors"], entry["sites"], strict=True) for s in sites]
        close = ligand_contacts(item.atoms, below=0.5, ignored=bound)
        assert not close, f"{item.places}: {close[0]}"


def test_all_modes_heights_and_azimuths_are_tried():
    found = candidates_of(slab(), count=40)
    places = [item.places[0] for item in found]
    assert {place.mode for place in places} == {"atop", "bidentate", "bridging"}
    assert {place.site for place in places} == {"Pb-top", "Pb-Pb bridge"}
    atop = [place for place in places if place.mode == "atop"]
    assert {place.height for place in atop} == {2.54, 2.84}
    assert len({round(place.azimuth / 15) for place in atop}) > 5
    assert max(place.tilt for place in atop) > 40


def test_equal_seeds_give_equal_candidates_and_other_seeds_others():
    first, again, other = (candidates_of(slab(), "CN", seed=seed) for seed in (0, 0, 7))
    assert all((a.atoms.positions == b.atoms.positions).all() for a, b in zip(first, again, strict=True))
    assert [a.places for a in first] == [a.places for a in again]
    assert not all((a.atoms.positions == b.atoms.positions).all() for a, b in zip(first, other, strict=True))


@pytest.mark.parametrize(("name", "mode"), [("CN", "any"), ("acetic acid", "bridging")])
def test_neither_vacuum_nor_supercell_change_what_is_found(name, mode):
    base = slab()
    symmetry = face_symmetry(base)
    known = shapes(candidates_of(base, name, mode, count=100), base)
    for clean in (slab(vacuum=30.0), slab((3, 3)), slab((2, 3), fixed_layers=1)):
        found = shapes(candidates_of(clean, name, mode, count=100), clean)
        assert len(found) == len(known)
        # the same poses, up to a translation of the clean slab
        assert all(min(pose_distance(a, b, symmetry) for b in known) < 0.02 for a in found[:4])


def test_the_slope_is_bounded_where_asked():
    found = candidates_of(slab((3, 3)), "CCCCN", max_tilt=30.0)
    assert max(item.places[0].tilt for item in found) <= 30.0
    with pytest.raises(PlacementError, match=r"within 5 degrees of upright.*max_tilt"):
        candidates_of(slab(), mode="bridging", max_tilt=5.0)


def test_each_symmetry_distinct_place_is_used_once():
    found = candidates_of(slab(), "[Br-].[NH4+]", "ion-pair", count=4)
    anions = {tuple(np.round(item.atoms.positions[32, :2] - item.atoms.positions[0, :2], 2)) for item in found}
    assert len(anions) == 1, "every Pb of the clean face is the same place"


def test_the_ions_of_a_pair_sit_on_neighboring_places_in_many_ways():
    clean = slab((3, 3))
    found = pose_candidates(clean, [qddft.get_ligand("NH4PF6")], ["ion-pair"], Extent(count=9))
    assert len(found) == 9
    apart = []
    for item in found:
        anion, cation = item.places
        assert (anion.mode, anion.site, cation.mode, cation.site) == ("atop", "Pb-top", "ion-pair", "hollow")
        own = np.flatnonzero(item.atoms.arrays["fragment"] == 1)
        symbols = item.atoms.symbols
        p = next(i for i in own if symbols[i] == "P")
        n = next(i for i in own if symbols[i] == "N")
        apart.append(item.atoms.get_distance(p, n, mic=True))
        assert len(item.atoms.info["qddft"]["fragments"]) == 2
        assert qddft.charge_ledger(item.atoms).is_neutral
    assert min(apart) < 6.0
    assert max(apart) > min(apart) + 0.5


def test_several_ligands_sit_beside_each_other():
    clean = slab((3, 3))
    pair = [qddft.get_ligand("CN"), qddft.get_ligand("acetic acid")]
    found = pose_candidates(clean, pair, ["atop", "atop"], Extent(count=8))
    assert len(found) == 8
    for item in found:
        assert [entry["name"] for entry in item.atoms.info["qddft"]["fragments"][1:]] == ["CN", "acetic acid"]
        sites = [entry["sites"] for entry in item.atoms.info["qddft"]["fragments"][1:]]
        assert sites[0] != sites[1]
        assert len(item.places) == 2
    symmetry = face_symmetry(clean)
    each = shapes(found, clean)
    distances = [pose_distance(a, b, symmetry, whole=False) for k, a in enumerate(each) for b in each[:k]]
    assert min(distances) >= 0.25


def test_ions_that_balance_each_other_are_searched_together():
    clean = slab((3, 3), termination="CsX")
    pair = [qddft.get_ligand("C[NH3+]"), qddft.get_ligand("acetate")]
    found = pose_candidates(clean, pair, ["A-site", "atop"], Extent(count=4, conformers=1))
    assert [place.mode for place in found[0].places] == ["A-site", "atop"]
    assert found[0].places[0].site == "place of Cs"


def test_both_faces_hold_images():
    found = pose_candidates(slab(), [qddft.get_ligand("CN")], ["atop"], Extent(count=3, faces="both"))
    for item in found:
        faces = [entry["face"] for entry in item.atoms.info["qddft"]["fragments"][1:]]
        assert faces == ["top", "bottom"]


def test_the_bottom_face_is_searched_too():
    (first, *_) = pose_candidates(slab(), [qddft.get_ligand("CN")], ["atop"], Extent(count=3, faces="bottom"))
    own = first.atoms.arrays["fragment"] > 0
    assert first.atoms.positions[own, 2].max() < first.atoms.positions[~own, 2].min()


def test_a_geometry_from_a_file_is_kept(tmp_path):
    from ase.io import write

    write(tmp_path / "amine.xyz", qddft.get_ligand("CN").atoms)
    ligand = qddft.get_ligand(tmp_path / "amine.xyz")
    found = pose_candidates(slab(), [ligand], ["atop"], Extent(count=3))
    assert {item.places[0].conformer for item in found} == {None}


@pytest.mark.parametrize(
    ("name", "modes"),
    [
        ("acetic acid", ("atop", "bidentate", "bridging")),
        ("CN", ("atop",)),
        ("acetate", ("X-site",)),
        ("C[NH3+]", ("A-site",)),
        ("NH4PF6", ("ion-pair",)),
    ],
)
def test_any_means_what_suits_the_charge(name, modes):
    assert modes_of(qddft.get_ligand(name), "any") == modes


@pytest.mark.parametrize(
    ("name", "mode", "message"),
    [
        ("acetate", "A-site", "A-site: acetate .charge -1. is no cation"),
        ("CN", "bidentate", "bidentate: CN has no two anchors"),
        ("CN", "atop of it", "unknown binding mode"),
        ("CN", (), "no binding mode was given"),
        ("CN", "ion-pair", "is not one anion and one cation"),
    ],
)
def test_impossible_modes_are_refused(name, mode, message):
    with pytest.raises(PlacementError, match=message):
        candidates_of(slab(), name, mode)


def test_an_impossible_mode_among_possible_ones_is_left_out():
    found = candidates_of(slab(), "CN", ("atop", "bidentate"), count=4)
    assert {item.places[0].mode for item in found} == {"atop"}


def test_a_ligand_that_is_larger_than_the_cell_is_refused():
    with pytest.raises(
        PlacementError, match=r"touches its own periodic images in the 1x1 cell\. The smallest supercell"
    ):
        candidates_of(slab((1, 1)), "CN(Cc1ccccc1)Cc1ccccc1", "atop")


def test_pairs_are_not_mixed_with_other_ligands():
    with pytest.raises(PlacementError, match="an ion pair is searched alone"):
        pose_candidates(slab(), [qddft.get_ligand("NH4PF6"), qddft.get_ligand("CN")], ["any", "any"], Extent())
    with pytest.raises(PlacementError, match="several ligands are searched on one face"):
        pose_candidates(slab(), [qddft.get_ligand("CN")] * 2, ["any", "any"], Extent(faces="both"))


def test_a_diacid_bridges_in_conformers_made_for_it():
    found = candidates_of(slab((3, 3)), "O=C(O)CCC(=O)O", ("bridging",), count=6, conformers=2)
    spans = []
    for item in found:
        (entry,) = item.atoms.info["qddft"]["fragments"][1:]
        a, b = entry["anchors"]
        spans.append(item.atoms.get_distance(a, b))
        assert len({site for sites in entry["sites"] for site in sites}) == 2
    # oxygens of one group are 2.3 Å apart
    assert max(spans) > 3.0
