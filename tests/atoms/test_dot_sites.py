"""Sites, vacancies and single ligands of nanocrystals: facets, edges and corners by name."""

import numpy as np
import pytest

import qddft
from qddft.atoms.contacts import ligand_contacts
from qddft.atoms.covering import Placement, cover
from qddft.atoms.dot_symmetry import dot_permutations, facet_named
from qddft.core.errors import PlacementError, StructureError

DOT = qddft.build_nanocrystal("CsPbBr3", size=(3, 3, 3))
ACETATE = qddft.get_ligand("acetate")


def test_operations_are_those_of_the_ions_and_ligands_break_them():
    permutations = dot_permutations(DOT)
    # eight corners and two opposite edges are missing, which leaves 2/m or mmm
    assert len(permutations) in (4, 8)
    for image in permutations:
        apart = np.linalg.norm(DOT.positions[:, None] - DOT.positions[None], axis=2)
        assert np.allclose(apart[np.ix_(image, image)], apart)
        assert (DOT.numbers[image] == DOT.numbers).all()
    assert len(dot_permutations(qddft.attach(DOT, ACETATE, mode="X-site", faces="+a"))) < len(permutations)


@pytest.mark.parametrize("species", ["Br", "Cs", "Pb"])
def test_every_ion_is_in_one_orbit_of_vacancies(species):
    found = qddft.find_vacancies(DOT, species)
    assert sum(item.multiplicity for item in found) == DOT.get_chemical_symbols().count(species)
    assert len({item.name for item in found}) == len(found)
    for item in found:
        assert item.site in ("corner", "edge", "face", "inside")
        assert qddft.charge_ledger(item.atoms).total == item.formal_charge


def test_equivalent_vacancies_have_equal_surroundings():
    """Distances to all other ions are the invariant that equal energies need."""
    permutations = dot_permutations(DOT)
    for item in qddft.find_vacancies(DOT, "Br"):
        images = {int(p[item.index]) for p in permutations}
        assert len(images) == item.multiplicity
        apart = [np.sort(DOT.get_distances(i, range(len(DOT)))).round(6).tolist() for i in images]
        assert all(row == apart[0] for row in apart)


def test_depth_face_and_groups():
    at_face = next(item for item in qddft.find_vacancies(DOT, "Br") if item.site == "face")
    assert (at_face.depth, at_face.face) == (0.0, "+c")
    inside = [item for item in qddft.find_vacancies(DOT, "Br") if item.site == "inside"]
    assert all(item.depth > 0 for item in inside)
    pairs = qddft.find_vacancies(DOT, "CsBr")
    assert {item.formal_charge for item in pairs} == {0}
    with pytest.raises(StructureError, match="six facets"):
        qddft.find_vacancies(DOT, "Br", faces="both")


def test_sites_of_a_facet():
    sites = qddft.find_sites(DOT, "+a")
    assert {site.kind for site in sites} == {"Cs-top", "X-top"}
    assert all("+a" in site.face for site in sites)
    assert all(site.position[0] == pytest.approx(9.0) for site in sites)
    assert {site.kind for site in qddft.find_sites(DOT, "-b", kinds=("X-top",))} == {"X-top"}
    lead = qddft.build_nanocrystal("CsPbBr3", size=(3, 3, 3), faces="PbX2")
    assert {site.kind for site in qddft.find_sites(lead)} == {"Pb-top", "X-top"}


@pytest.mark.parametrize(
    ("smiles", "mode", "facet", "charge"),
    [
        ("CC(=O)[O-]", "X-site", "+a", 0),
        ("CC(=O)[O-]", "X-site", "-c", 0),
        ("C[NH3+]", "A-site", "+b", 0),
        ("C[NH3+]", "A-site", "+a-b", 0),
        ("CN", "atop", "bottom", 0),
        ("CC(=O)[O-]", "bidentate", "-b", -1),
    ],
)
def test_one_ligand_on_a_named_facet_or_edge(smiles, mode, facet, charge):
    complex_ = qddft.attach(DOT, qddft.get_ligand(smiles), mode=mode, faces=facet)
    (entry,) = complex_.info["qddft"]["fragments"][1:]
    assert entry["face"] == facet_named(facet)
    assert complex_.info["qddft"]["kind"] == "nanocrystal"
    assert qddft.charge_ledger(complex_).total == charge
    bound = [(a, i) for a in entry["anchors"] for i in range(len(DOT))]
    assert all(contact.ratio > 0.62 for contact in ligand_contacts(complex_, ignored=bound))
    outward = complex_.positions[entry["anchors"]].mean(axis=0)
    axis, sign = "abc".index(entry["face"][1]), 1 if entry["face"][0] == "+" else -1
    assert sign * outward[axis] > 8.0


def test_a_site_by_number_and_a_second_ligand_beside_the_first():
    site = next(site for site in qddft.find_sites(DOT, "+a") if site.kind == "X-top")
    one = qddft.attach(DOT, ACETATE, mode="X-site", site=site.atoms[0])
    assert one.info["qddft"]["removed"][-1]["position"] == pytest.approx(DOT.positions[site.atoms[0]].tolist())
    same = qddft.attach(DOT, ACETATE, mode="X-site", site=site)
    assert np.array_equal(one.positions, same.positions)
    two = qddft.attach(one, ACETATE, mode="X-site", faces="+a")
    assert len(two.info["qddft"]["fragments"]) == 3
    assert qddft.charge_ledger(two).total == 0
    assert ligand_contacts(two[two.arrays["fragment"] > 0]) == ()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"faces": "+q"}, "name a facet"),
        ({"faces": "both"}, "name a facet"),
        ({"faces": "+a+a"}, "name a facet"),
        ({"faces": "+a+b"}, r"\+a\+b has no place"),
        ({"site": 10**6}, "valid ions are"),
        ({"site": (1.0, 2.0)}, r"point \(x, y, z\)"),
        ({"distance": 2.5}, "distance: a nanocrystal"),
        ({"conformer": 1, "vacuum": 5.0}, "conformer and vacuum"),
        ({"mode": "A-site"}, "no cation"),
        ({"mode": "ion-pair"}, "one by one"),
    ],
)
def test_what_a_nanocrystal_refuses(options, message):
    with pytest.raises(PlacementError, match=message):
        qddft.attach(DOT, ACETATE, **{"mode": "X-site", **options})


def test_coverages_take_a_slab_and_say_so():
    with pytest.raises(PlacementError, match="six facets and no top"):
        cover(DOT, [Placement(ACETATE, "X-site", count=2)])
    with pytest.raises(PlacementError, match="name a facet"):
        qddft.find_sites(DOT, "left")
