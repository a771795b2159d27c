"""The Ligand value: frozen, labelled, and its parts."""

import copy
import dataclasses
import json
import pickle

import numpy as np
import pytest

from qddft.atoms.ligand import connected_parts
from qddft.core.structure_json import structure_from_dict, structure_to_dict
from qddft.library.ligands import get_ligand


def test_atoms_are_fresh_labelled_and_described():
    ligand = get_ligand("acetate")
    atoms = ligand.atoms
    atoms.positions += 5.0
    assert np.allclose(ligand.atoms.positions, ligand.positions)
    assert atoms.arrays["fragment"].tolist() == [1] * 7
    entry = atoms.info["qddft"]["fragments"][1]
    assert (entry["name"], entry["charge"], entry["smiles"]) == ("acetate", -1, "CC(=O)[O-]")
    assert entry["anchors"] == [2, 3]


def test_description_survives_json():
    ligand = get_ligand("oleic acid")
    data = json.loads(json.dumps(structure_to_dict(ligand.atoms)))
    assert structure_from_dict(data).info == ligand.atoms.info


def test_record_is_completed_by_the_placement():
    entry = get_ligand("acetate").record(mode="bidentate", anchors=(5, 6), sites=((1,), (1,)))
    assert entry["sites"] == [[1], [1]]
    assert entry["anchors"] == [5, 6]
    assert json.loads(json.dumps(entry)) == entry


def test_frozen_hashable_and_copyable():
    ligand = get_ligand("acetic acid")
    with pytest.raises(dataclasses.FrozenInstanceError):
        ligand.charge = 1
    assert hash(ligand) == hash(copy.deepcopy(ligand))
    assert pickle.loads(pickle.dumps(ligand)) == ligand


def test_ion_pair_has_two_components_with_opposite_charges():
    pair = get_ligand("guanidinium iodide")
    assert sorted(pair.component_charges) == [-1, 1]
    assert sorted(len(part) for part in pair.components) == [1, 10]


def test_connected_parts_keep_order():
    assert connected_parts(5, frozenset({(0, 3), (1, 2)})) == ((0, 3), (1, 2), (4,))


def test_graph_of_acetic_acid():
    acid = get_ligand("acetic acid")
    assert len(acid.graph) == 7
    assert sorted(order for _, _, order in acid.bonds) == [1.0] * 6 + [2.0]
