"""Structures through JSON keep what holds their atoms, or are refused."""

import json

import numpy as np
import pytest
from ase import Atoms
from ase.constraints import FixAtoms, FixBondLength, FixCartesian, FixScaled

from qddft.core.errors import StructureError
from qddft.core.structure_json import structure_from_dict, structure_to_dict
from qddft.jobs.job import Given


def _atoms(*constraints):
    atoms = Atoms("PbBr2", positions=[[0, 0, 0], [3, 0, 0], [0, 3, 0]], cell=[6, 6, 20], pbc=True)
    atoms.set_constraint(list(constraints))
    return atoms


def test_atoms_held_in_some_directions_stay_so():
    held = _atoms(FixAtoms([0]), FixScaled(1, (True, False, True)), FixCartesian([2], (False, False, True)))
    found = structure_from_dict(json.loads(json.dumps(structure_to_dict(held))))
    assert [type(item).__name__ for item in found.constraints] == ["FixAtoms", "FixScaled", "FixCartesian"]
    assert found.constraints[1].mask.tolist() == [True, False, True]
    assert found.constraints[2].index.tolist() == [2]


def test_whole_atoms_are_written_as_before():
    assert "partly_fixed" not in structure_to_dict(_atoms(FixAtoms([0, 1])))


def test_other_constraints_are_refused():
    with pytest.raises(StructureError, match="a constraint FixBondLengths"):
        structure_to_dict(_atoms(FixBondLength(0, 1)))


def test_jobs_hold_whole_atoms_only():
    with pytest.raises(StructureError, match="hold whole atoms with ase"):
        Given.of(_atoms(FixScaled(1, (True, False, True))))
    assert np.array_equal(Given.of(_atoms(FixAtoms([1]))).atoms.constraints[0].index, [1])
