"""The library against the table of the four papers, and every way of naming a ligand."""

import subprocess
import sys

import numpy as np
import pytest

from qddft.atoms.anchors import find_anchors, role_of
from qddft.atoms.electrons import n_valence_electrons
from qddft.atoms.molecule import ligand_from_smiles
from qddft.atoms.smiles import parse_smiles
from qddft.atoms.truncation import truncate
from qddft.core.errors import LigandError
from qddft.library.ligands import deprotonated, find_record, get_ligand, list_ligands, protonated

# name, formula, charge, atoms, valence electrons: recomputed by hand from the compositions
TABLE = [
    ("oleic acid", "C18H34O2", 0, 54, 118),
    ("oleate", "C18H33O2", -1, 53, 118),
    ("oleylamine", "C18H37N", 0, 56, 114),
    ("oleylammonium", "C18H38N", 1, 57, 114),
    ("2-hexyldecanoic acid", "C16H32O2", 0, 50, 108),
    ("2-hexyldecanoate", "C16H31O2", -1, 49, 108),
    ("acetate", "C2H3O2", -1, 7, 24),
    ("acetic acid", "C2H4O2", 0, 8, 24),
    ("2-naphthalenesulfonic acid", "C10H8O3S", 0, 22, 72),
    ("2-naphthalenesulfonate", "C10H7O3S", -1, 21, 72),
    ("hexafluorophosphate", "F6P", -1, 7, 48),
    ("ammonium", "H4N", 1, 5, 8),
    ("3-phenyl-1-propylamine", "C9H13N", 0, 23, 54),
    ("3-phenyl-1-propylammonium", "C9H14N", 1, 24, 54),
    ("guanidinium", "CH6N3", 1, 10, 24),
    ("hydrogen bromide", "HBr", 0, 2, 8),
    ("guanidinium iodide", "CH6IN3", 0, 11, 32),
    ("ammonium hexafluorophosphate", "H4F6NP", 0, 12, 56),
]
ALL = [record.name for record in list_ligands()]


@pytest.mark.parametrize(("name", "formula", "charge", "n_atoms", "electrons"), TABLE)
def test_compositions_of_the_papers(name, formula, charge, n_atoms, electrons):
    ligand = get_ligand(name)
    assert (ligand.formula, ligand.charge, len(ligand)) == (formula, charge, n_atoms)
    assert n_valence_electrons(ligand.atoms, ligand.charge) == electrons
    assert ligand.unpaired == 0


@pytest.mark.parametrize("name", ALL)
def test_library_entry_agrees_with_what_is_built_from_its_smiles(name):
    record, ligand = find_record(name), get_ligand(name)
    assert (ligand.formula, ligand.charge, ligand.smiles) == (record.formula, record.charge, record.smiles)
    assert ligand.anchors == record.anchors
    assert "by hand" not in ligand.anchor_kinds
    assert sum(ligand.formal_charges) == ligand.charge
    assert n_valence_electrons(ligand.atoms, ligand.charge) % 2 == 0
    if ligand.charge < 0 and ligand.acid is not None:
        assert find_record(ligand.acid).charge == ligand.charge + 1


@pytest.mark.parametrize("name", ALL)
def test_anchors_of_the_library_are_those_found_by_group(name):
    record = find_record(name)
    assert record.source
    found, _ = find_anchors(parse_smiles(record.smiles), name)
    # pairs that are too far apart in space, such as trans fluorines, are found but not listed
    assert {frozenset(group) for group in record.anchors} <= {frozenset(group) for group in found}
    assert {group for group in record.anchors if len(group) == 1} == {group for group in found if len(group) == 1}
    assert len(record.anchors[0]) == len(found[0])


@pytest.mark.parametrize("name", ALL)
def test_bonds_have_sound_lengths_and_nothing_else_touches(name):
    from ase.data import covalent_radii

    ligand = get_ligand(name)
    atoms = ligand.atoms
    distances = atoms.get_all_distances()
    reach = np.add.outer(covalent_radii[atoms.numbers], covalent_radii[atoms.numbers])
    bonded = np.zeros(distances.shape, dtype=bool)
    for i, j in ligand.graph:
        bonded[i, j] = bonded[j, i] = True
    ratio = (distances / reach)[np.triu_indices(len(atoms), 1)]
    flags = bonded[np.triu_indices(len(atoms), 1)]
    assert ((ratio[flags] > 0.8) & (ratio[flags] < 1.2)).all()
    metal = np.isin(atoms.numbers, [55])
    touching = (np.add.outer(metal, metal))[np.triu_indices(len(atoms), 1)]
    assert (ratio[~flags & ~touching] > 1.25).all()
    assert (ratio[~flags & touching] > 0.99).all()


def test_anchor_elements_and_roles():
    for name, symbols, role in [
        ("oleic acid", "O", "donor"),
        ("oleate", "OO", "donor"),
        ("oleylamine", "N", "donor"),
        ("NSA", "O", "donor"),
        ("NSA-", "OO", "donor"),
        ("PF6-", "F", "donor"),
        ("GA+", "N", "cation"),
        ("NH4+", "N", "cation"),
        ("HBr", "Br", "hydrogen-bond"),
    ]:
        ligand = get_ligand(name)
        assert "".join(ligand.symbols[i] for i in ligand.anchors[0]) == symbols
        assert role_of(ligand.anchor_kinds[0]) == role


def test_acid_binds_by_its_carbonyl_oxygen_first():
    acid = get_ligand("acetic acid")
    orders = {(i, j): order for i, j, order in acid.bonds}
    assert orders[(1, acid.anchors[0][0])] == 2.0


@pytest.mark.parametrize(
    ("word", "name"),
    [
        ("OA", "oleic acid"), ("OAm", "oleylamine"), ("oam", "oleylamine"), ("2-HA", "2-hexyldecanoic acid"),
        ("NSA", "2-naphthalenesulfonic acid"), ("3-PA", "3-phenyl-1-propylamine"), ("GA", "guanidinium"),
        ("AcO-", "acetate"), ("AcO⁻", "acetate"), ("PF6⁻", "hexafluorophosphate"),
        ("NH₄PF₆", "ammonium hexafluorophosphate"),
        ("  Oleic   Acid ", "oleic acid"), ("OC(C)=O", "acetic acid"), ("[H]OC(=O)C", "acetic acid"),
        (r"OC(=O)CCCCCCC\C=C/CCCCCCCC", "oleic acid"), ("Br", "hydrogen bromide"),
        ("[I-].NC(=[NH2+])N", "guanidinium iodide"), ("CCCCCCCC[C@H](CCCCCC)C(=O)O", "2-hexyldecanoic acid"),
    ],
)  # fmt: skip
def test_synonyms_and_any_spelling_of_the_smiles_give_the_library_name(word, name):
    assert get_ligand(word).name == name


def test_elaidic_acid_is_not_oleic_acid():
    assert get_ligand("CCCCCCCC/C=C/CCCCCCCC(=O)O").name != "oleic acid"


def test_no_name_is_used_twice():
    names = [name.casefold() for record in list_ligands() for name in (record.name, *record.synonyms)]
    assert len(names) == len(set(names))


def test_equal_seeds_give_equal_coordinates_and_others_do_not():
    first, again, other = (ligand_from_smiles("CCCCC(CC)CN", seed=seed) for seed in (3, 3, 4))
    assert first == again
    assert not np.allclose(first.positions, other.positions)


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("olic acid", "Did you mean 'oleic acid'"),
        ("acetatte", "Did you mean 'acetate'"),
        ("qwertyuiop", "`qddft ligands` lists the names"),
        ("", "the ligand is empty"),
        ("missing.xyz", "there is no structure file 'missing.xyz'"),
        ("CC(=O", r"does not parse: '\(' is never closed"),
        ("CCCC", "no group that is known to bind.*by hand"),
        ("CC(=O)O.CCN", r"2 separate molecules with charges \+0, \+0"),
        ("CC(=O)[O-].NC(N)=[NH2+].[Cs+]", r"3 separate molecules with charges -1, \+1, \+1"),
        ("C" * 300 + "(=O)O", "has 902 atoms; conformers are searched up to 400"),
        ("[Pu+3]", "no van der Waals radius or no engine"),
    ],
)
def test_wrong_names_and_smiles(word, message):
    with pytest.raises(LigandError, match=message):
        get_ligand(word)


def test_charge_must_agree_with_the_smiles():
    assert get_ligand("CC(=O)[O-]", charge=-1).charge == -1
    with pytest.raises(LigandError, match=r"acetate has the formal charge -1 by its SMILES .*, not \+0"):
        get_ligand("CC(=O)[O-]", charge=0)
    with pytest.raises(LigandError, match="formal charge"):
        get_ligand("oleic acid", charge=-1)


@pytest.mark.parametrize(
    ("base", "acid"),
    [
        ("acetate", "acetic acid"),
        ("oleate", "oleic acid"),
        ("2-naphthalenesulfonate", "2-naphthalenesulfonic acid"),
        ("oleylamine", "oleylammonium"),
        ("iodide", "hydrogen iodide"),
        ("guanidine", "guanidinium"),
        ("ammonia", "ammonium"),
    ],
)
def test_protons_come_and_go_between_library_names(base, acid):
    assert protonated(get_ligand(base)).name == acid
    assert deprotonated(get_ligand(acid)).name == base
    assert get_ligand(base).charge + 1 == get_ligand(acid).charge


def test_the_acid_of_a_truncated_anion_is_truncated_too():
    acid = protonated(truncate(get_ligand("oleate"), 4))
    assert (acid.name, acid.formula) == ("oleic acid (C4)", "C4H8O2")
    assert acid.truncated_from.name == "oleic acid"
    assert acid.truncated_from.formula == "C18H34O2"


def test_listing_loads_no_heavy_package():
    code = (
        "import sys; from qddft.library.ligands import list_ligands; list_ligands()[0].as_dict(); "
        "print([m for m in ('rdkit', 'ase', 'numpy', 'scipy', 'pymatgen') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
