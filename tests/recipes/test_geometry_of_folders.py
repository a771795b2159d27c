"""Shape of structures in folders and files."""

import json

import pytest
from ase import Atoms
from ase.io import write

from qddft.atoms.bulk import build_bulk
from qddft.atoms.slab import build_slab
from qddft.core.errors import OutputError
from qddft.outputs.outputs import Outputs
from qddft.recipes.geometry_of_folders import geometry

SLAB = build_slab("CsPbBr3", termination="PbX2", layers=3, supercell=(1, 1), vacuum=15.0)


def test_files_and_outputs_agree(tmp_path):
    write(tmp_path / "POSCAR", SLAB, format="vasp")
    by_file = geometry(tmp_path / "POSCAR")
    by_outputs = geometry(Outputs(SLAB, ionically_converged=True))
    assert by_file.geometry.bonds == pytest.approx(by_outputs.geometry.bonds, abs=1e-6)
    assert list(by_file.inputs) == [str(tmp_path / "POSCAR")]
    assert by_outputs.warnings == ()
    assert json.dumps([item.record() for item in by_file.results()])


def test_unrelaxed_structures_and_other_cells_are_told():
    larger = build_slab("CsPbBr3", termination="PbX2", layers=3, supercell=(2, 2), vacuum=15.0)
    found = geometry(Outputs(larger, ionically_converged=False), before=SLAB)
    assert any("NOT CONVERGED" in text for text in found.warnings)
    assert any("the lateral cells differ" in text for text in found.warnings)
    bonds = [item.difference for item in found.differences if "Pb-X" in item.name]
    assert bonds == pytest.approx([0.0] * 5, abs=1e-4)


def test_patterns_of_crystals_and_slabs():
    crystal = geometry(build_bulk("CsPbBr3", phase="cubic"), xrd=True)
    assert crystal.peaks
    assert crystal.warnings == ()
    assert any("stack of slabs" in text for text in geometry(SLAB, xrd=True).warnings)


def test_a_structure_without_a_cell_is_refused(tmp_path):
    write(tmp_path / "dot.xyz", Atoms("PbBr2", positions=[[0, 0, 0], [3, 0, 0], [0, 3, 0]]), format="xyz")
    with pytest.raises(OutputError, match="has no cell"):
        geometry(tmp_path / "dot.xyz")
    (tmp_path / "bad.cif").write_text("not a cif")
    with pytest.raises(OutputError, match="cannot be read as a structure"):
        geometry(tmp_path / "bad.cif")
