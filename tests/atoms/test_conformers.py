"""Conformers: reproducible, sorted, with the graph and the stereochemistry of the SMILES."""

import numpy as np
import pytest

from qddft.atoms.conformers import conformers, ligand_with_conformer
from qddft.atoms.molecule import ligand_from_smiles, mol_of
from qddft.core.errors import LigandError
from qddft.library.ligands import get_ligand


@pytest.fixture(scope="module")
def amine():
    return ligand_from_smiles("CCCCCCN")


def _chirality(ligand, atoms):
    from rdkit import Chem

    mol = mol_of(ligand)
    conformer = Chem.Conformer(len(atoms))
    for index, position in enumerate(atoms.positions.tolist()):
        conformer.SetAtomPosition(index, position)
    conformer.Set3D(True)
    mol.AddConformer(conformer)
    Chem.AssignStereochemistryFrom3D(mol)
    return Chem.MolToSmiles(Chem.RemoveHs(mol))


def test_sorted_by_energy_and_reproducible(amine):
    first, second = conformers(amine, 8, seed=5), conformers(amine, 8, seed=5)
    energies = [atoms.info["qddft"]["energy_eV"] for atoms in first]
    assert energies == sorted(energies)
    assert all(np.array_equal(a.positions, b.positions) for a, b in zip(first, second, strict=True))
    assert {atoms.info["qddft"]["force_field"] for atoms in first} == {"MMFF94"}


def test_the_ligand_is_its_lowest_conformer(amine):
    assert np.allclose(conformers(amine)[0].positions, amine.positions)


def test_no_two_conformers_are_equal(amine):
    from rdkit import Chem
    from rdkit.Chem.rdMolAlign import GetBestRMS

    mol = mol_of(amine)
    for atoms in conformers(amine, 10):
        conformer = Chem.Conformer(len(atoms))
        for index, position in enumerate(atoms.positions.tolist()):
            conformer.SetAtomPosition(index, position)
        mol.AddConformer(conformer, assignId=True)
    heavy = Chem.RemoveHs(mol)
    pairs = [(i, j) for i in range(heavy.GetNumConformers()) for j in range(i)]
    assert min(GetBestRMS(Chem.Mol(heavy), heavy, i, j) for i, j in pairs) > 0.1


@pytest.mark.parametrize("smiles", [r"CCCC/C=C\CCCC(=O)O", "CCCC/C=C/CCCC(=O)O", "CC[C@H](N)C(=O)O", "C[C@@H](O)CN"])
def test_stereochemistry_is_that_of_the_smiles(smiles):
    ligand = ligand_from_smiles(smiles)
    for atoms in conformers(ligand, 4):
        assert _chirality(ligand, atoms) == ligand.smiles


def test_oleic_acid_stays_cis_and_its_stretched_form_is_among_the_conformers():
    acid = get_ligand("oleic acid")
    found = conformers(acid, 4)
    assert all(_chirality(acid, atoms) == r"CCCCCCCC/C=C\CCCCCCCC(=O)O" for atoms in found)
    assert max(atoms.get_all_distances().max() for atoms in found) > 19.5


def test_racemic_acid_is_built_as_r():
    acid = get_ligand("2-HA")
    assert "(R) at atom 8" in acid.stereo
    assert get_ligand(_chirality(acid, acid.atoms)).name == acid.name


def test_saturated_chain_is_stretched_to_its_full_length():
    acid = ligand_from_smiles("CCCCCCCCCCCCCCCC(=O)O")
    carbons = [i for i, symbol in enumerate(acid.symbols) if symbol == "C"]
    longest = max(atoms.get_all_distances()[np.ix_(carbons, carbons)].max() for atoms in conformers(acid, 3))
    # all-trans: 15 bonds of 1.53 A at 112 degrees advance 1.27 A each
    assert longest == pytest.approx(15 * 1.27, abs=0.5)


def test_choosing_a_conformer(amine):
    second = ligand_with_conformer(amine, 1, n=6, seed=2)
    assert (second.conformer, second.seed) == (1, 2)
    assert np.allclose(second.positions, conformers(amine, 6, seed=2)[1].positions)
    assert second.atoms.info["qddft"]["fragments"][1]["conformer"] == 1
    with pytest.raises(LigandError, match=r"distinct conformers \(0 to \d+\), not 99"):
        ligand_with_conformer(amine, 99, n=6)


@pytest.mark.parametrize(
    ("n", "seed", "message"),
    [(0, 0, "number of conformers is 0"), (3, -1, "seed is -1"), (3, 2**31, "seed is 2147483648")],
)
def test_wrong_arguments(amine, n, seed, message):
    with pytest.raises(LigandError, match=message):
        conformers(amine, n, seed=seed)


def test_impossible_geometry_is_reported():
    with pytest.raises(LigandError, match=r"RDKit finds no geometry for O=C.*give a structure file"):
        ligand_from_smiles("OC(=O)C1CC#C1")


def test_octahedral_ion_is_octahedral():
    ion = get_ligand("PF6-")
    center = ion.symbols.index("P")
    arms = ion.atoms.positions[[i for i in range(7) if i != center]] - ion.atoms.positions[center]
    lengths = np.linalg.norm(arms, axis=1)
    assert np.allclose(lengths, lengths[0])
    cosines = arms @ arms.T / lengths[0] ** 2
    assert sorted(np.round(cosines[np.triu_indices(6, 1)], 6)) == [-1.0] * 3 + [0.0] * 12
    bipyramid = ligand_from_smiles("[F:1]P(F)(F)(F)F").atoms
    assert sorted(np.round(bipyramid.get_all_distances()[1], 2))[1:] == [1.64] * 5


def test_a_ligand_that_was_read_is_not_searched_again(monkeypatch):
    ligand = get_ligand("CCCCSCCN")  # reading it searches its lowest conformer
    monkeypatch.setattr("qddft.atoms.conformers._embed", None)
    found = conformers(ligand)
    assert np.array_equal(np.round(found[0].positions, 8), np.array(ligand.positions))
    found[0].positions += 1.0  # what is remembered stays as it is
    assert np.array_equal(conformers(ligand)[0].positions, np.array(ligand.positions))
