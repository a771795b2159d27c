import numpy as np
import pytest
from ase import Atoms

from qddft.atoms.slab import build_slab
from qddft.atoms.vacancy import find_vacancies
from qddft.core.errors import StructureError


def summary(slab, species):
    return [(q.site, q.layer, q.multiplicity) for q in find_vacancies(slab, species)]


def test_faces_of_a_symmetric_slab_are_equivalent():
    slab = build_slab("CsPbI3", layers=7, supercell=(2, 2))
    assert summary(slab, "I") == [("equatorial", 7, 16), ("apical", 6, 8), ("equatorial", 5, 16), ("apical", 4, 4)]
    assert summary(slab, "Pb") == [("B-site", 7, 8), ("B-site", 5, 8)]
    assert summary(slab, "Cs") == [("A-site", 6, 8), ("A-site", 4, 4)]


def test_held_layers_make_the_faces_different():
    slab = build_slab("CsPbI3", layers=5, supercell=(2, 2), fixed_layers=2)
    assert summary(slab, "Pb") == [("B-site", 5, 4), ("B-site", 3, 4), ("B-site", 1, 4)]


@pytest.mark.parametrize("termination", ["PbX2", "CsX"])
@pytest.mark.parametrize("supercell", [(1, 1), "sqrt2", (2, 3)])
def test_multiplicities_add_up_to_all_atoms(termination, supercell):
    slab = build_slab("CsPbBr3", termination=termination, layers=5, supercell=supercell)
    for species in ("Cs", "Pb", "Br"):
        found = find_vacancies(slab, species)
        assert sum(q.multiplicity for q in found) == slab.symbols.count(species)


def test_a_vacancy_lacks_one_atom_and_says_which():
    slab = build_slab("CsPbBr3", layers=5, supercell=(2, 2), fixed_layers=2)
    before = slab.copy()
    for vacancy in find_vacancies(slab, "Br"):
        assert len(vacancy.atoms) == len(slab) - 1
        assert vacancy.atoms.symbols.count("Br") == slab.symbols.count("Br") - 1
        (removed,) = vacancy.atoms.info["qddft"]["removed"]
        assert removed["symbol"] == "Br"
        assert removed["charge"] == -1
        assert removed["position"] == pytest.approx(slab.positions[vacancy.index])
        assert removed["layer"] == vacancy.layer == slab.arrays["layer"][vacancy.index]
        # the held atoms are still those of the two lowest layers
        held = vacancy.atoms.constraints[0].index
        assert set(vacancy.atoms.arrays["layer"][held]) == {1, 2}
        assert len(held) == (vacancy.atoms.arrays["layer"] <= 2).sum()
    assert slab == before
    assert slab.info == before.info
    assert slab.info["qddft"]["removed"] == []


def test_depth_and_face():
    found = find_vacancies(build_slab("CsPbBr3", layers=5, fixed_layers=1), "Pb")
    assert [(q.depth, q.face) for q in found] == [
        (pytest.approx(0.0), "top"),
        (pytest.approx(6.0), "top"),
        (pytest.approx(0.0), "bottom"),
    ]
    assert [q.formal_charge for q in found] == [-2] * 3


def test_a_ligand_makes_sites_distinct():
    slab = build_slab("CsPbBr3", layers=3, supercell=(2, 2))
    lead = next(i for i in range(len(slab)) if slab.symbols[i] == "Pb" and slab.arrays["layer"][i] == 3)
    ligand = Atoms("N", positions=slab.positions[[lead]] + [0, 0, 2.5])
    ligand.set_array("fragment", np.array([1]))
    ligand.set_array("layer", np.array([0]))
    both = slab + ligand
    both.info = slab.info
    clean, covered = summary(slab, "Pb"), summary(both, "Pb")
    assert clean == [("B-site", 3, 8)]
    # on and below the ligand, beside it, and diagonal to it
    assert sorted(n for _, layer, n in covered if layer == 3) == [1, 1, 2]
    assert sorted(n for _, layer, n in covered if layer == 1) == [1, 1, 2]


def test_names_are_fit_for_files():
    assert [q.name for q in find_vacancies(build_slab("CsPbI3", layers=3), "I")] == ["v-i-equatorial-3", "v-i-apical-2"]


WRONG = {
    "I": "no 'I' in the slab, which holds Br, Cs, Pb",
    "CsPb": "a group is neutral and names the cation first",
    "BrCs": "a group is neutral and names the cation first",
    "PbBr": "a group is neutral",
    "Cs2Br": "give an element",
    "br": "give an element",
    "": "give an element",
}


@pytest.mark.parametrize(("species", "message"), WRONG.items())
def test_wrong_species_are_refused(species, message):
    with pytest.raises(StructureError, match=message):
        find_vacancies(build_slab("CsPbBr3", layers=3), species)


def test_x_means_the_halide():
    slab = build_slab("CsPbBr3", layers=3)
    assert {q.species for q in find_vacancies(slab, "X")} == {"Br"}
    assert {q.species for q in find_vacancies(slab, "PbX2")} == {"PbBr2"}
    slab.symbols[int(np.flatnonzero(slab.symbols == "Br")[0])] = "I"
    with pytest.raises(StructureError, match="X is not one halide here; name one of Br, I"):
        find_vacancies(slab, "X")


def test_neutral_groups_are_neighbors_and_neutral():
    slab = build_slab("CsPbI3", termination="CsX", layers=5, supercell=(3, 3))
    pairs = find_vacancies(slab, "CsI")
    assert [(q.site, q.layer, q.multiplicity) for q in pairs] == [
        ("A-site+apical", 5, 72),
        ("A-site+equatorial", 5, 72),
        ("A-site+equatorial", 3, 72),
        ("A-site+apical", 3, 36),
    ]
    triples = find_vacancies(slab, "PbI2")
    # cis and trans pairs of the six halides of the octahedron: 15 pairs on 18 Pb, the two faces being equivalent
    assert sum(q.multiplicity for q in triples) == 15 * 18
    for vacancy in (*pairs, *triples):
        assert vacancy.formal_charge == 0
        assert vacancy.charge_states == (0,)
        first, *others = vacancy.indices
        assert all(slab.get_distance(first, other, mic=True) < 0.75 * 6.39 for other in others)
        assert vacancy.n_electrons(0) % 2 == 0
        assert len(vacancy.atoms.info["qddft"]["removed"]) == len(vacancy.indices)
    assert len({q.name for q in (*pairs, *triples)}) == len(pairs) + len(triples)


def test_charge_states_and_electrons():
    slab = build_slab("CsPbBr3", layers=5, supercell=(2, 2))
    (bromine, *_), (cesium, *_), (lead, *_) = (find_vacancies(slab, s) for s in ("Br", "Cs", "Pb"))
    assert (bromine.formal_charge, bromine.charge_states) == (1, (1, 0, -1))
    assert (cesium.formal_charge, cesium.charge_states) == (-1, (-1, 0))
    assert (lead.formal_charge, lead.charge_states) == (-2, (-2, -1, 0))
    # the neutral halide vacancy keeps an odd electron, the formally charged one is closed-shell
    assert bromine.n_electrons(0) % 2 == 1
    for vacancy in (bromine, cesium, lead):
        assert vacancy.n_electrons(vacancy.formal_charge) % 2 == 0


def test_both_faces_keep_the_slab_symmetric():
    slab = build_slab("CsPbBr3", layers=5, supercell=(2, 2))
    one = find_vacancies(slab, "Br", layers=[5, 4])
    both = find_vacancies(slab, "Br", layers=[5, 4], faces="both")
    assert [q.indices[0] for q in both] == [q.index for q in one]
    for vacancy in both:
        first, second = vacancy.indices
        assert slab.arrays["layer"][first] + slab.arrays["layer"][second] == 6
        # the partner is right below
        assert slab.get_distance(first, second, mic=True, vector=True)[:2] == pytest.approx([0, 0])
        assert (vacancy.count, vacancy.formal_charge, len(vacancy.atoms)) == (2, 2, len(slab) - 2)


def test_both_faces_need_equivalent_faces():
    with pytest.raises(StructureError, match="no symmetry operation exchanges the two faces"):
        find_vacancies(build_slab("CsPbBr3", layers=5, fixed_layers=1), "Br", faces="both")
    with pytest.raises(StructureError, match="no symmetry operation exchanges"):
        find_vacancies(build_slab("CsPbBr3", layers=4, termination=("PbX2", "CsX")), "Br", faces="both")
    with pytest.raises(StructureError, match="middle plane and has no partner"):
        find_vacancies(build_slab("CsPbBr3", layers=5), "Pb", faces="both")


def test_layers_that_hold_no_such_atom():
    with pytest.raises(StructureError, match=r"no Cs vacancy in layers \[5\]"):
        find_vacancies(build_slab("CsPbBr3", layers=5), "Cs", layers=[5])


@pytest.mark.parametrize("supercell", [(2, 2), (3, 3), "2sqrt2"])
@pytest.mark.parametrize("vacuum", [8.0, 25.0])
def test_number_of_distinct_sites_is_a_property_of_the_surface(supercell, vacuum):
    slab = build_slab("CsPbBr3", layers=7, supercell=supercell, vacuum=vacuum)
    assert [(q.site, q.layer) for q in find_vacancies(slab, "Br")] == [
        ("equatorial", 7),
        ("apical", 6),
        ("equatorial", 5),
        ("apical", 4),
    ]
    assert len(find_vacancies(slab, "CsBr")) == 5
    assert len(find_vacancies(slab, "PbBr2")) == 8


def test_tilts_split_the_equatorial_sites():
    slab = build_slab("CsPbI3", phase="orthorhombic", lattice="experiment", supercell="sqrt2", layers=5)
    found = find_vacancies(slab, "I", layers=[5])
    assert [q.name for q in found] == ["v-i-equatorial-5", "v-i-equatorial-5-2"]


def test_ligand_indices_follow_the_removal():
    slab = build_slab("CsPbBr3", layers=3, supercell=(2, 2))
    lead = next(i for i in range(len(slab)) if slab.symbols[i] == "Pb" and slab.arrays["layer"][i] == 3)
    ligand = Atoms("N", positions=slab.positions[[lead]] + [0, 0, 2.5])
    ligand.set_array("fragment", np.array([1]))
    ligand.set_array("layer", np.array([0]))
    both = slab + ligand
    both.info["qddft"] = slab.info["qddft"] | {
        "kind": "complex",
        "fragments": [
            {"name": "slab", "charge": 0},
            {"name": "nitrogen", "charge": 0, "anchors": [len(slab)], "sites": [[lead]]},
        ],
    }
    found = find_vacancies(both, "Br", layers=[3, 2])
    assert [q.ligand_distance for q in found] == sorted(q.ligand_distance for q in found if q.layer == 3) + [
        q.ligand_distance for q in found if q.layer == 2
    ]
    for vacancy in found:
        fragment = vacancy.atoms.info["qddft"]["fragments"][1]
        assert vacancy.atoms.symbols[fragment["anchors"][0]] == "N"
        assert vacancy.atoms.positions[fragment["sites"][0][0]] == pytest.approx(slab.positions[lead])
    (gone, *_) = [q for q in find_vacancies(both, "Pb") if q.index == lead]
    assert gone.atoms.info["qddft"]["fragments"][1]["sites"] == [[]]
    assert gone.ligand_distance == pytest.approx(2.5)


def test_a_foreign_slab_gets_its_layers_from_the_heights():
    slab = build_slab("CsPbBr3", layers=5, supercell=(2, 2))
    expected = [(q.species, q.layer, q.site, q.multiplicity) for q in find_vacancies(slab, "Br")]
    bare = Atoms(slab.get_chemical_symbols(), positions=slab.positions, cell=slab.cell, pbc=True)
    assert [(q.species, q.layer, q.site, q.multiplicity) for q in find_vacancies(bare, "Br")] == expected
    assert find_vacancies(bare, "Br")[0].atoms.info["qddft"]["removed"][0]["symbol"] == "Br"
