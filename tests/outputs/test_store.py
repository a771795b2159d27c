"""Outputs survive their file, and a damaged file is said to be damaged."""

import numpy as np
import pytest
from ase import Atoms
from ase.constraints import FixAtoms

from qddft.core.errors import OutputError
from qddft.outputs.outputs import Outputs
from qddft.outputs.store import load_outputs, save_outputs


@pytest.fixture
def outputs():
    atoms = Atoms("CO", [[0, 0, 0], [0, 0, 1.13]], cell=[8, 8, 8])
    atoms.set_constraint(FixAtoms([0]))
    return Outputs(
        atoms=atoms, energy=-14.8, forces=np.array([[0, 0, 5.0], [0, 0, -0.01]]), electronically_converged=True,
        ionically_converged=True, settings={"xc": "PBE"}, engine="test", warnings=("mind the gap",), extra={"gap": 7.0},
    )  # fmt: skip


def test_outputs_survive_their_file(tmp_path, outputs):
    save_outputs(tmp_path / "outputs.json", outputs)
    back = load_outputs(tmp_path / "outputs.json")
    assert back.energy == outputs.energy
    assert np.array_equal(back.forces, outputs.forces)
    assert back.stress is None
    assert back.warnings == outputs.warnings
    assert dict(back.settings) == dict(outputs.settings)
    assert back.atoms == outputs.atoms


def test_the_largest_force_counts_free_atoms_only(outputs):
    assert outputs.max_force == pytest.approx(0.01)


def test_converged_needs_proof_of_both_loops(outputs):
    assert outputs.converged
    assert not Outputs(atoms=outputs.atoms, electronically_converged=True).converged


def test_a_file_cut_at_any_place_gives_no_outputs(tmp_path, outputs):
    path = tmp_path / "outputs.json"
    save_outputs(path, outputs)
    text = path.read_text().rstrip()
    for end in range(0, len(text), 7):
        path.write_text(text[:end])
        with pytest.raises(OutputError, match="damaged"):
            load_outputs(path)


def test_a_missing_file_and_another_format_are_named(tmp_path, outputs):
    path = tmp_path / "outputs.json"
    with pytest.raises(OutputError, match="has not finished"):
        load_outputs(path)
    save_outputs(path, outputs)
    path.write_text(path.read_text().replace('"format": 1', '"format": 99'))
    with pytest.raises(OutputError, match="format 99"):
        load_outputs(path)
