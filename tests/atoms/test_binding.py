"""Ligands on faces: distances, contacts, labels and every refusal."""

from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qddft.atoms.binding import attach
from qddft.atoms.charge import charge_ledger
from qddft.atoms.conformers import ligand_with_conformer
from qddft.atoms.contacts import ligand_contacts
from qddft.atoms.sites import find_sites
from qddft.atoms.slab import build_slab
from qddft.core.errors import LigandError, PlacementError, StructureError
from qddft.core.structure_json import structure_from_dict, structure_to_dict
from qddft.library.ligands import get_ligand


@lru_cache(maxsize=64)
def slab(termination="PbX2", supercell="3x3", formula="CsPbBr3", layers=3, fixed=0):
    return build_slab(formula, termination=termination, layers=layers, supercell=supercell, fixed_layers=fixed)


@lru_cache(maxsize=64)
def ligand(name):
    return get_ligand(name)


def entries(complex_):
    return complex_.info["qddft"]["fragments"][1:]


def bond_errors(complex_):
    """Return how far anchor-surface distances are from the recorded ones, Angstrom."""
    return [
        abs(complex_.get_distance(anchor, atom, mic=True) - distance)
        for entry in entries(complex_)
        for anchor, atoms, row in zip(entry["anchors"], entry["sites"], entry["distances"], strict=True)
        for atom, distance in zip(atoms, row, strict=True)
    ]


def own_bonds(complex_, number, graph):
    """Return bond lengths of one ligand, shape (n_bonds,), Angstrom."""
    positions = complex_.positions[complex_.arrays["fragment"] == number]
    return np.array([np.linalg.norm(positions[i] - positions[j]) for i, j in sorted(graph)])


def bound_pairs(complex_):
    """Return anchors with every slab atom, the pairs the contact rule leaves out."""
    own = np.flatnonzero(complex_.arrays["fragment"] == 0).tolist()
    return [(anchor, atom) for entry in entries(complex_) for anchor in entry["anchors"] for atom in own]


@pytest.mark.parametrize("formula", ["CsPbCl3", "CsPbBr3", "CsPbI3"])
@pytest.mark.parametrize(
    ("name", "mode"),
    [
        ("oleic acid", "atop"),
        ("acetate", "bidentate"),
        ("acetate", "bridging"),
        ("acetate", "X-site"),
        ("2-naphthalenesulfonate", "X-site"),
        ("hexafluorophosphate", "X-site"),
        ("3-phenyl-1-propylamine", "atop"),
        ("guanidinium", "atop"),
        ("hydrogen bromide", "atop"),
    ],
)
def test_a_ligand_on_a_pbx2_face_keeps_its_distances_and_no_contact(formula, name, mode):
    complex_ = attach(slab("PbX2", "3x3", formula), ligand(name), mode=mode)
    assert max(bond_errors(complex_)) < 1e-6
    assert ligand_contacts(complex_, ignored=bound_pairs(complex_)) == ()
    graph = ligand(name).graph
    if graph:
        before = np.array(ligand_with_conformer(ligand(name), entries(complex_)[0]["conformer"]).positions)
        lengths = np.array([np.linalg.norm(before[i] - before[j]) for i, j in sorted(graph)])
        np.testing.assert_allclose(own_bonds(complex_, 1, graph), lengths, atol=1e-6)


def test_both_chains_of_a_branched_acid_lead_away_from_the_face():
    complex_ = attach(slab(), ligand("2-hexyldecanoic acid"))
    heights = complex_.positions[complex_.arrays["fragment"] == 1, 2]
    face = complex_.positions[complex_.arrays["fragment"] == 0, 2].max()
    assert np.ptp(heights) > 10.0
    assert heights.min() > face + 1.5


def test_the_molecule_points_away_from_the_face():
    complex_ = attach(slab(), ligand("oleic acid"))
    entry = entries(complex_)[0]
    tail = complex_.positions[complex_.arrays["fragment"] == 1]
    assert tail[:, 2].mean() > complex_.positions[entry["anchors"][0], 2] + 3.0
    assert tail[:, 2].min() > complex_.positions[complex_.arrays["fragment"] == 0, 2].max()


def test_slab_atoms_come_first_and_stay():
    base = slab(fixed=2)
    complex_ = attach(base, ligand("acetic acid"))
    n = len(base)
    assert (complex_.numbers[:n] == base.numbers).all()
    shift = complex_.positions[:n] - base.positions
    np.testing.assert_allclose(shift, np.broadcast_to(shift[0], shift.shape), atol=1e-9)
    assert (complex_.arrays["fragment"] == [0] * n + [1] * 8).all()
    assert (complex_.arrays["layer"][n:] == 0).all()
    assert complex_.constraints[0].index.tolist() == base.constraints[0].index.tolist()
    assert len(entries(base)) == 0


def test_the_vacuum_is_counted_above_the_tip():
    complex_ = attach(slab(), ligand("oleic acid"))
    assert complex_.cell[2, 2] - np.ptp(complex_.positions[:, 2]) == pytest.approx(15.0)
    assert attach(slab(), ligand("acetate"), vacuum=20.0).info["qddft"]["vacuum"] == 20.0


def test_the_acid_proton_points_to_a_halide():
    complex_ = attach(slab(), ligand("acetic acid"))
    proton = len(complex_) - 1
    halides = np.flatnonzero(complex_.symbols == "Br")
    assert complex_.get_distances(proton, halides, mic=True).min() < 2.9


def test_both_faces_are_images_by_half_a_turn():
    chiral = ligand("C[C@H](N)C(=O)O")
    complex_ = attach(slab(), chiral, faces="both")
    first, second = (complex_.positions[complex_.arrays["fragment"] == k] for k in (1, 2))
    hands = [_handedness(positions, chiral) for positions in (first, second)]
    assert np.sign(hands[0]) == np.sign(hands[1])
    middle = complex_.positions[complex_.arrays["fragment"] == 0, 2].mean()
    assert first[:, 2].max() - middle == pytest.approx(middle - second[:, 2].min(), abs=1e-6)
    assert [entry["face"] for entry in entries(complex_)] == ["top", "bottom"]


def _handedness(positions, chiral):
    center = next(i for i, s in enumerate(chiral.symbols) if s == "C" and len(_linked(chiral, i)) == 4)
    a, b, c = (positions[k] - positions[center] for k in _linked(chiral, center)[:3])
    return float(np.cross(a, b) @ c)


def _linked(chiral, atom):
    return sorted({i for pair in chiral.graph if atom in pair for i in pair} - {atom})


def test_x_site_takes_a_halide_and_keeps_the_charge_zero():
    complex_ = attach(slab(), ligand("acetate"), mode="X-site")
    removed = complex_.info["qddft"]["removed"]
    assert [(item["symbol"], item["charge"], item["why"]) for item in removed] == [("Br", -1, "X-site of fragment 1")]
    assert charge_ledger(complex_).total == 0
    assert (complex_.symbols == "Br").sum() == (slab().symbols == "Br").sum() - 1
    assert {complex_.symbols[i] for atoms in entries(complex_)[0]["sites"] for i in atoms} == {"Pb"}
    # the place of the halide moves with the slab when the cell is made higher
    place = np.array(removed[0]["position"])
    assert abs(place[2] - complex_.positions[complex_.arrays["layer"] == 3, 2].mean()) < 1e-6


def test_x_site_on_both_faces_of_a_csx_slab():
    complex_ = attach(slab("CsX", "3x3"), ligand("acetate"), mode="X-site", faces="both")
    assert len(complex_.info["qddft"]["removed"]) == 2
    assert charge_ledger(complex_).total == 0
    assert max(bond_errors(complex_)) < 1e-6


def test_a_second_ligand_takes_another_place():
    once = attach(slab(), ligand("acetate"), mode="X-site")
    twice = attach(once, ligand("acetate"), mode="X-site")
    assert len(entries(twice)) == 2
    assert max(bond_errors(twice)) < 1e-6
    sites = [tuple(i for atoms in entry["sites"] for i in atoms) for entry in entries(twice)]
    assert set(sites[0]).isdisjoint(sites[1])
    assert charge_ledger(twice).total == 0
    again = structure_from_dict(structure_to_dict(twice))
    assert again.info["qddft"]["fragments"] == twice.info["qddft"]["fragments"]


@pytest.mark.parametrize("termination", ["PbX2", "CsX"])
@pytest.mark.parametrize(
    "name", ["guanidinium iodide", "ammonium hexafluorophosphate", "cesium acetate", "C[N+](C)(C)C.[Br-]"]
)
def test_an_ion_pair_sits_on_neighboring_sites(name, termination):
    pair = ligand(name)
    complex_ = attach(slab(termination), pair, mode="ion-pair")
    entry = entries(complex_)[0]
    assert len(entries(complex_)) == 1
    assert charge_ledger(complex_).total == 0
    assert max(bond_errors(complex_)) < 1e-6
    start = len(slab(termination))
    heads = [
        complex_.positions[[i for i in entry["anchors"] if i - start in part]].mean(axis=0)
        for part in sorted(pair.components, key=lambda part: pair.component_charges[pair.components.index(part)])
    ]
    assert np.linalg.norm(heads[0] - heads[1]) < 6.5
    surface = {complex_.symbols[i] for atoms in entry["sites"] for i in atoms}
    assert {"Pb" if termination == "PbX2" else "Cs"} <= surface
    donors = [start + i for group in pair.anchors for i in group]
    every = [(i, j) for i in donors for j in range(start)]
    assert ligand_contacts(complex_, ignored=every) == ()


def test_an_ion_pair_on_both_faces():
    complex_ = attach(slab("PbX2"), ligand("ammonium hexafluorophosphate"), mode="ion-pair", faces="both")
    assert [entry["face"] for entry in entries(complex_)] == ["top", "bottom"]
    assert max(bond_errors(complex_)) < 1e-6


def test_a_cation_takes_the_place_of_cs():
    complex_ = attach(slab("CsX"), ligand("guanidinium"), mode="A-site", faces="both")
    removed = complex_.info["qddft"]["removed"]
    assert [(item["symbol"], item["charge"]) for item in removed] == [("Cs", 1), ("Cs", 1)]
    assert charge_ledger(complex_).total == 0
    start = len(complex_) - 20
    center = complex_.positions[start : start + 10][np.array(ligand("guanidinium").symbols) == "N"].mean(axis=0)
    np.testing.assert_allclose(center, removed[0]["position"], atol=1e-6)
    assert ligand_contacts(complex_) == ()


def test_equal_seeds_give_equal_structures_and_other_seeds_turn_the_molecule():
    first, second = (attach(slab(), ligand("oleylamine"), seed=3) for _ in range(2))
    np.testing.assert_array_equal(first.positions, second.positions)
    other = attach(slab(), ligand("oleylamine"), seed=4)
    assert np.abs(other.positions - first.positions).max() > 0.1
    assert max(bond_errors(other)) < 1e-6


@settings(max_examples=12, deadline=None, derandomize=True)
@given(distance=st.floats(2.3, 3.2), seed=st.integers(0, 50), face=st.sampled_from(["top", "bottom"]))
def test_the_distance_asked_for_is_kept(distance, seed, face):
    complex_ = attach(slab(), ligand("acetic acid"), distance=distance, seed=seed, faces=face)
    entry = entries(complex_)[0]
    assert complex_.get_distance(entry["anchors"][0], entry["sites"][0][0], mic=True) == pytest.approx(distance)
    assert ligand_contacts(complex_, ignored=bound_pairs(complex_)) == ()


def test_a_site_may_be_an_atom_a_point_or_a_site():
    lead = find_sites(slab(), kinds=("Pb-top",))[0]
    by_site = attach(slab(), ligand("acetic acid"), site=lead)
    by_atom = attach(slab(), ligand("acetic acid"), site=lead.atoms[0])
    by_point = attach(slab(), ligand("acetic acid"), site=lead.position[:2])
    for other in (by_atom, by_point):
        np.testing.assert_allclose(other.positions, by_site.positions)


def test_a_small_cell_is_refused_with_the_smallest_that_works():
    with pytest.raises(
        PlacementError, match=r"2-hexyldecanoic acid touches its own periodic images.*1x1.*is \d"
    ) as caught:
        attach(slab("PbX2", "1x1"), ligand("2-hexyldecanoic acid"))
    label = str(caught.value).split("large enough is ")[1].split(" ")[0]
    attach(slab("PbX2", label), ligand("2-hexyldecanoic acid"))


@pytest.mark.parametrize(
    ("name", "termination", "options", "message"),
    [
        ("oleylamine", "PbX2", {"mode": "bidentate"}, "no two anchors"),
        ("oleylamine", "PbX2", {"mode": "atopp"}, "Did you mean 'atop'"),
        ("oleylamine", "PbX2", {"faces": "tops"}, "Did you mean 'top'"),
        ("oleylamine", "PbX2", {"distance": -1.0}, "distance -1 Å"),
        ("oleylamine", "PbX2", {"distance": "far"}, "distance 'far'"),
        ("oleylamine", "PbX2", {"distance": 1.2}, "finds no pose .* at 1.2 Å"),
        ("oleylamine", "PbX2", {"min_contact": 2.0}, "min_contact 2.0"),
        ("oleylamine", "PbX2", {"seed": -1}, "seed -1"),
        ("oleylamine", "PbX2", {"site": 0}, "atom 0 is no place"),
        ("oleylamine", "PbX2", {"site": "middle"}, "site 'middle'"),
        ("oleylammonium", "PbX2", {"mode": "X-site"}, "no anion that could take the place of a halide"),
        ("oleylammonium", "PbX2", {"mode": "A-site"}, "holds no Cs"),
        ("acetate", "CsX", {"mode": "A-site"}, "is no cation"),
        ("ammonium", "CsX", {"mode": "A-site", "distance": 3.0}, "leave the distance out"),
        ("acetate", "PbX2", {"mode": "bridging", "distance": 1.5}, "do not reach both"),
        ("acetate", "PbX2", {"mode": "bidentate", "distance": 1.05}, "cannot both lie"),
        ("oleic acid", "PbX2", {"mode": "ion-pair"}, "not one anion and one cation"),
        ("oleic acid", "PbX2", {"mode": "X-site"}, "is no anion"),
        ("oleylamine", "CsX", {"mode": "A-site"}, "is no cation"),
    ],
)
def test_impossible_wishes_are_refused(name, termination, options, message):
    with pytest.raises(PlacementError, match=message):
        attach(slab(termination, "2x2"), ligand(name), **options)


def test_unequal_faces_cannot_both_be_decorated_at_once():
    uneven = build_slab("CsPbBr3", termination=("PbX2", "CsX"), layers=4, supercell="2x2")
    with pytest.raises(PlacementError, match="not equivalent"):
        attach(uneven, ligand("acetate"), faces="both")


def test_a_name_is_not_a_ligand():
    with pytest.raises(PlacementError, match="is no Ligand"):
        attach(slab(), "oleic acid")


def test_a_bare_structure_is_no_slab():
    bare = slab().copy()
    del bare.arrays["layer"]
    with pytest.raises(StructureError, match="make it with build_slab"):
        attach(bare, ligand("acetate"))


def test_a_conformer_is_taken_as_asked():
    complex_ = attach(slab(), ligand("3-phenyl-1-propylamine"), conformer=1)
    assert entries(complex_)[0]["conformer"] == 1
    with pytest.raises(LigandError, match="distinct conformers"):
        attach(slab(), ligand("3-phenyl-1-propylamine"), conformer=999)


def test_a_folded_geometry_gives_way_to_another_conformer():
    straight = ligand("CCCCCCCC(=O)O")
    positions = np.array(straight.positions)
    anchor = straight.anchors[0][0]
    # six atoms of the tail surround the anchor: whichever way up, one is in the surface
    tail = np.argsort(-np.linalg.norm(positions - positions[anchor], axis=1))[:6]
    positions[tail] = positions[anchor] + 1.5 * np.vstack([np.eye(3), -np.eye(3)])
    folded = replace(straight, positions=tuple(tuple(row) for row in positions.tolist()))
    complex_ = attach(slab(), folded)
    assert entries(complex_)[0]["conformer"] != 0
    from_file = replace(folded, conformer=None)
    with pytest.raises(PlacementError, match="finds no pose"):
        attach(slab(), from_file)


def test_an_anion_in_the_place_of_a_halide_stays_within_reach_of_lead():
    options = {"phase": "orthorhombic", "lattice": "experiment", "normal": "a"}
    face = build_slab("CsPbBr3", termination="CsX", layers=3, supercell="2x2", **options)
    entry = attach(face, get_ligand("acetate"), mode="X-site").info["qddft"]["fragments"][1]
    assert all(distance < 1.25 * 2.54 for row in entry["distances"] for distance in row)


@pytest.mark.parametrize("formula", ["CsPbBr3", "CsPbI3"])
def test_fluoroanion_sinks_between_the_cesium_around_its_place(formula):
    options = {"phase": "orthorhombic", "lattice": "experiment"}
    face = build_slab(formula, termination="CsX", layers=3, supercell="2sqrt2", **options)
    complex_ = attach(face, get_ligand("PF6-"), mode="X-site")
    fluorine, cesium = complex_.symbols.search("F"), complex_.symbols.search("Cs")
    nearest = np.sort([complex_.get_distances(i, cesium, mic=True) for i in fluorine], axis=None)
    # the ionic radii of Cs and F add up to 3.07
    assert 2.97 < nearest[0] < 3.2
    assert nearest[3] < 3.5
    assert max(d for row in complex_.info["qddft"]["fragments"][1]["distances"] for d in row) < 1.15 * 2.52


@pytest.mark.parametrize("cell", ["sqrt2", "2x2"])
@pytest.mark.parametrize(
    ("smiles", "mode"), [("[NH4+]", "A-site"), ("NC(N)=[NH2+]", "A-site"), ("C(=O)[O-]", "X-site")]
)
def test_places_on_the_edge_of_the_cell_are_places_like_others(cell, smiles, mode):
    face = build_slab("CsPbBr3", termination="CsX", layers=3, supercell=cell)
    top = face.arrays["layer"] == 3
    symbol = "Cs" if mode == "A-site" else "Br"
    for index in np.flatnonzero(top & (face.symbols == symbol)):
        placed = attach(face, get_ligand(smiles), mode=mode, site=int(index))
        assert charge_ledger(placed).is_neutral
