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


def test_wrong_species_and_foreign_structures_are_refused():
    slab = build_slab("CsPbBr3", layers=3)
    with pytest.raises(StructureError, match="no 'I' in the slab, which holds Br, Cs, Pb"):
        find_vacancies(slab, "I")
    del slab.arrays["layer"]
    with pytest.raises(StructureError, match="make it with build_slab"):
        find_vacancies(slab, "Br")
