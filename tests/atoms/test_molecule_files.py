"""Ligands from structure files keep their coordinates and get the library's name."""

import numpy as np
import pytest

from qddft.atoms.molecule import mol_of
from qddft.core.errors import LigandError
from qddft.library.ligands import get_ligand


def _sdf(ligand, path, *, flat=False, hydrogens=True):
    from rdkit import Chem

    mol = mol_of(ligand)
    conformer = Chem.Conformer(len(ligand))
    for index, position in enumerate(ligand.positions):
        conformer.SetAtomPosition(index, position if not flat else (position[0], position[1], 0.0))
    conformer.Set3D(not flat)
    mol.AddConformer(conformer)
    if not hydrogens:
        mol = Chem.RemoveHs(mol)
    path.write_text(Chem.MolToMolBlock(mol) + "\n$$$$\n", encoding="utf-8")
    return path


def _sorted_distances(ligand):
    return np.sort(ligand.atoms.get_all_distances().ravel())


@pytest.mark.parametrize("name", ["acetic acid", "acetate", "guanidinium", "NSA-", "3-PA", "ammonium"])
def test_xyz_round_trip(tmp_path, name):
    ligand = get_ligand(name, seed=1)
    shuffled = np.random.default_rng(0).permutation(len(ligand))
    ligand.atoms[shuffled].write(tmp_path / "molecule.xyz", plain=True)
    found = get_ligand(tmp_path / "molecule.xyz", charge=ligand.charge)
    assert (found.name, found.formula, found.charge) == (ligand.name, ligand.formula, ligand.charge)
    assert found.conformer is None
    assert found.source == "structure file molecule.xyz"
    assert np.allclose(_sorted_distances(found), _sorted_distances(ligand), atol=1e-6)
    lengths = found.atoms.get_all_distances()
    assert all(lengths[i, j] < 2.0 for i, j in found.graph)


def test_xyz_written_by_ase_with_a_description(tmp_path):
    get_ligand("oleic acid").atoms.write(tmp_path / "oa.xyz")
    assert get_ligand(str(tmp_path / "oa.xyz")).name == "oleic acid"


def test_sdf_round_trip_keeps_charges_and_stereo(tmp_path):
    for name in ("oleate", "NH4PF6"):
        ligand = get_ligand(name)
        found = get_ligand(_sdf(ligand, tmp_path / "a.sdf"))
        assert (found.name, found.charge) == (name if name == "oleate" else ligand.name, ligand.charge)
        assert np.allclose(_sorted_distances(found), _sorted_distances(ligand), atol=2e-3)


def test_sdf_without_hydrogens_or_depth_is_completed(tmp_path):
    acid = get_ligand("acetic acid")
    bare = get_ligand(_sdf(acid, tmp_path / "a.sdf", hydrogens=False))
    assert (len(bare), bare.conformer) == (8, None)
    flat = get_ligand(_sdf(acid, tmp_path / "b.mol", flat=True))
    assert (len(flat), flat.conformer) == (8, 0)


def test_unknown_molecule_is_named_after_its_file(tmp_path):
    get_ligand("CCCP(=O)(O)O").atoms.write(tmp_path / "propylphosphonic.xyz", plain=True)
    assert get_ligand(tmp_path / "propylphosphonic.xyz").name == "propylphosphonic"


def test_molecule_across_the_border_of_its_box_is_made_whole(tmp_path):
    atoms = get_ligand("acetic acid").atoms
    atoms.set_cell([12.0, 12.0, 12.0])
    atoms.pbc = True
    atoms.wrap()
    atoms.write(tmp_path / "POSCAR", format="vasp")
    found = get_ligand(tmp_path / "POSCAR")
    assert found.name == "acetic acid"
    assert np.allclose(_sorted_distances(found), _sorted_distances(get_ligand("acetic acid")), atol=1e-6)


def test_file_errors(tmp_path):
    acid = get_ligand("acetic acid")
    one = _sdf(acid, tmp_path / "one.sdf").read_text(encoding="utf-8")
    (tmp_path / "two.sdf").write_text(one + one, encoding="utf-8")
    (tmp_path / "broken.sdf").write_text("nothing\n", encoding="utf-8")
    (tmp_path / "empty.sdf").write_text("", encoding="utf-8")
    (tmp_path / "broken.xyz").write_text("7\n\nC 0 0\n", encoding="utf-8")
    (tmp_path / "what.cif").write_bytes(b"\x00\x01")
    (tmp_path / "metal.xyz").write_text("1\n\nPu 0 0 0\n", encoding="utf-8")
    atoms = acid.atoms
    pair = atoms.copy()
    pair.positions += 8.0
    (atoms + pair).write(tmp_path / "pair.xyz", plain=True)
    atoms.write(tmp_path / "acid.xyz", plain=True)
    atoms.write(tmp_path / "twice.xyz", plain=True)
    atoms.write(tmp_path / "twice.xyz", plain=True, append=True)
    for file, charge, message in [
        ("two.sdf", None, r"two.sdf holds 2 molecules; give one file for each"),
        ("broken.sdf", None, "not a valid MOL/SDF block"),
        ("empty.sdf", None, "not a valid MOL/SDF block"),
        ("broken.xyz", None, "broken.xyz cannot be read as a structure"),
        ("what.cif", None, "what.cif cannot be read as a structure"),
        ("metal.xyz", None, "holds Pu"),
        ("pair.xyz", None, "pair.xyz holds 2 separate molecules"),
        ("acid.xyz", 3, r"no bond orders fit the coordinates of acid.xyz with a total charge of \+3"),
        ("twice.xyz", None, "twice.xyz holds 2 structures"),
        ("one.sdf", -1, r"formal charge \+0 .* not -1"),
    ]:
        with pytest.raises(LigandError, match=message):
            get_ligand(tmp_path / file, charge=charge)
    with pytest.raises(LigandError, match="there is no structure file"):
        get_ligand(tmp_path / "none.sdf")


MOL2 = """@<TRIPOS>MOLECULE
methylamine
 7 6 0 0 0
SMALL
NO_CHARGES

@<TRIPOS>ATOM
1 C1 0.00 0.00 0.00 C.3 1 UNL1 0.0
2 N1 1.47 0.00 0.00 N.3 1 UNL1 0.0
3 H1 -0.36 1.02 0.00 H 1 UNL1 0.0
4 H2 -0.36 -0.51 0.89 H 1 UNL1 0.0
5 H3 -0.36 -0.51 -0.89 H 1 UNL1 0.0
6 H4 1.80 0.47 -0.82 H 1 UNL1 0.0
7 H5 1.80 0.47 0.82 H 1 UNL1 0.0
@<TRIPOS>BOND
1 1 2 1
2 1 3 1
3 1 4 1
4 1 5 1
5 2 6 1
6 2 7 1
"""


def test_mol2_keeps_bonds_and_coordinates(tmp_path):
    (tmp_path / "amine.mol2").write_text(MOL2)
    found = get_ligand(tmp_path / "amine.mol2")
    assert (found.smiles, found.charge, found.conformer) == ("CN", 0, None)
    assert found.atoms.get_distance(0, 1) == pytest.approx(1.47)
    assert found.anchor_kinds == ("primary amine",)


def test_smiles_files(tmp_path):
    (tmp_path / "one.smi").write_text("# a comment\n\nCC(=O)[O-] acetate of mine\n")
    assert get_ligand(tmp_path / "one.smi").name == "acetate"
    with pytest.raises(LigandError, match=r"formal charge -1 .* not \+0"):
        get_ligand(tmp_path / "one.smi", charge=0)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("two.smi", "CN\nCO\n", "two.smi holds 2 molecules"),
        ("none.smi", "\n", "none.smi holds 0 molecules"),
        ("two.mol2", MOL2 + MOL2, "two.mol2 holds 2 molecules"),
        ("bad.mol2", MOL2.replace("C.3", "Q.9"), "bad.mol2"),
        ("note.doc", "hello", r"note.doc cannot be read as a structure .*give .sdf, .mol, .mol2, .smi, .xyz"),
    ],
)
def test_files_that_hold_no_single_molecule(tmp_path, name, text, message):
    (tmp_path / name).write_text(text)
    with pytest.raises(LigandError, match=message):
        get_ligand(tmp_path / name)
