"""Ion pairs: opposite heads together, nothing overlapping."""

import numpy as np
import pytest

from qddft.atoms.ion_pairs import Ion, docked
from qddft.atoms.molecule import ligand_from_smiles
from qddft.core.errors import LigandError
from qddft.library.ligands import get_ligand


@pytest.mark.parametrize(
    ("name", "cation", "anion", "shortest", "longest"),
    [("GAI", "H", "I", 2.4, 2.8), ("NH4PF6", "H", "F", 1.9, 2.4), ("CsOAc", "Cs", "O", 3.0, 3.4)],
)
def test_contact_between_the_heads(name, cation, anion, shortest, longest):
    pair = get_ligand(name)
    first, second = pair.components
    distances = pair.atoms.get_all_distances()[np.ix_(first, second)]
    i, j = np.unravel_index(distances.argmin(), distances.shape)
    assert {pair.symbols[first[i]], pair.symbols[second[j]]} == {cation, anion}
    assert shortest < distances.min() < longest


def test_heads_of_long_ions_meet():
    pair = ligand_from_smiles("CCCCCC(=O)[O-].CCCCCC[NH3+]")
    nitrogen = pair.symbols.index("N")
    oxygens = [i for i, symbol in enumerate(pair.symbols) if symbol == "O"]
    assert pair.atoms.get_distances(nitrogen, oxygens).min() < 3.5


def test_three_ions_and_their_balance():
    salt = ligand_from_smiles("[Cs+].[Cs+].[O-]C([O-])=O")
    assert sorted(salt.component_charges) == [-2, 1, 1]
    assert salt.charge == 0
    with pytest.raises(LigandError, match=r"charges -2, \+1"):
        ligand_from_smiles("[Cs+].[O-]C([O-])=O")


def test_docking_is_reproducible_and_finds_the_shortest_approach():
    first = Ion(np.array([55]), np.zeros((1, 3)), np.array([1.0]))
    second = Ion(np.array([53]), np.zeros((1, 3)), np.array([-1.0]))
    placed = docked(first, second, seed=1)
    assert np.array_equal(placed, docked(first, second, seed=1))
    assert np.linalg.norm(placed) == pytest.approx(2.44 + 1.39)


@pytest.mark.parametrize("pair", ["GAI", "NC(N)=[NH2+].F[B-](F)(F)F", "NC=[NH2+].[Br-]"])
def test_flat_cations_keep_their_nitrogen_off_the_halides_below(pair):
    from qddft import attach, build_slab, get_ligand

    slab = build_slab("CsPbBr3", layers=3, supercell=(3, 3))
    complex_ = attach(slab, get_ligand(pair), mode="ion-pair")
    fragment = complex_.arrays["fragment"]
    halides = [i for i in complex_.symbols.search("Br") if fragment[i] == 0]
    nitrogen = complex_.symbols.search("N")
    # along a hydrogen bond N...Br is 3.3; 2.84 is 0.85 of that
    assert min(complex_.get_distances(i, halides, mic=True).min() for i in nitrogen) > 2.8
