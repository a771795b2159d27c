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
        ("broken.xyz", None, "ASE cannot read broken.xyz"),
        ("what.cif", None, "ASE cannot read what.cif"),
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
