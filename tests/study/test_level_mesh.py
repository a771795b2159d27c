"""k-meshes of folders against the mesh that a level states for the 1x1 cell."""

import pytest

from qddft.cli.main import DONE, NO, main
from qddft.study.audit import audit
from qddft.study.session import write

STUDY = """title: Mesh
levels: {{vasp: {level}}}
slab: {{formula: CsPbBr3, termination: PbX2, layers: 3, supercell: {cell}, vacuum: 12.0, fixed_layers: 2}}
ligands:
  - {{ligand: CO, mode: atop, reference: neutral}}
"""


def folders(tmp_path, cell, level="tao-pbe"):
    path = tmp_path / "study.yaml"
    path.write_text(STUDY.format(cell=cell, level=level))
    run = write(path, tmp_path / "run")
    return [run.folder(entry) for entry in run.entries]


def found(paths, level="tao-pbe"):
    return {item.key: item for item in audit(paths, level).differences}


@pytest.mark.parametrize("cell", ["sqrt2", "[2, 2]", "[2, 3]", "[3, 3]", "2sqrt2"])
@pytest.mark.parametrize("level", ["tao-pbe", "tight"])
def test_what_a_level_wrote_is_that_level(cell, level, tmp_path):
    for folder in folders(tmp_path, cell, level):
        if (folder / "POSCAR").exists():
            assert "kpoints of the level" not in found([folder], level)


def test_a_coarser_mesh_is_found(tmp_path, capsys):
    made = folders(tmp_path, "sqrt2")
    slab = next(folder for folder in made if folder.name.startswith("slab-") and (folder / "POSCAR").exists())
    assert main(["audit", str(slab), "--level", "tao-pbe"]) == DONE
    capsys.readouterr()
    lines = (slab / "KPOINTS").read_text().splitlines()
    (slab / "KPOINTS").write_text("\n".join([*lines[:3], "2 2 1", *lines[4:]]) + "\n")
    assert main(["audit", str(slab), "--level", "tao-pbe"]) == NO
    shown = capsys.readouterr().out
    assert "1 calculation and the level tao-pbe" in shown
    assert "kpoints of the level: decides energies" in shown
    assert "2x2x1 on 8.49 x 8.49 A" in shown
    assert "6x6x1 or 8x8x1 (crystals 8x8x8) on the 1x1 cell" in shown


def test_without_lead_the_mesh_is_unknown(tmp_path):
    folder = tmp_path / "Ir"
    folder.mkdir()
    (folder / "INCAR").write_text("ENCUT = 400\nPREC = Accurate\n")
    (folder / "KPOINTS").write_text("mesh\n0\nGamma\n9 9 1\n")
    (folder / "POSCAR").write_text("Ir\n1.0\n2.75 0 0\n0 2.75 0\n0 0 20\nIr\n1\nDirect\n0 0 0.1\n")
    result = audit([folder], "tao-pbe")
    assert "kpoints of the level" in {item.key for item in result.unknown}
    assert "kpoints of the level" not in {item.key for item in result.differences}
