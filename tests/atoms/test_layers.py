import numpy as np
import pytest
from ase import Atoms
from hypothesis import given, settings
from hypothesis import strategies as st

from qddft.atoms.layers import layers_of
from qddft.atoms.slab import build_slab
from qddft.core.errors import StructureError


@settings(max_examples=25, deadline=None)
@given(
    faces=st.sampled_from([("PbX2", "PbX2"), ("CsX", "CsX"), ("PbX2", "CsX"), ("CsX", "PbX2")]),
    pairs=st.integers(1, 4),
    shift=st.floats(-30.0, 30.0),
    seed=st.integers(0, 1000),
)
def test_layers_follow_from_heights_of_a_rattled_shifted_wrapped_slab(faces, pairs, shift, seed):
    layers = 2 * pairs + (1 if faces[0] == faces[1] else 0)
    slab = build_slab("CsPbI3", termination=faces, layers=layers, supercell="sqrt2")
    foreign = Atoms(slab.get_chemical_symbols(), positions=slab.positions, cell=slab.cell, pbc=True)
    foreign.rattle(0.15, seed=seed)
    foreign.positions[:, 2] += shift
    foreign.wrap()
    assert (layers_of(foreign) == slab.arrays["layer"]).all()


def test_ligand_atoms_have_layer_zero():
    slab = build_slab("CsPbBr3", layers=3)
    top = slab.positions[:, 2].max()
    both = slab + Atoms("NF", positions=[[0, 0, top + 2.5], [0, 0, top + 4]])
    del both.arrays["layer"]
    del both.arrays["fragment"]
    assert (layers_of(both)[-2:] == 0).all()
    assert (layers_of(both)[:-2] == slab.arrays["layer"]).all()


def test_given_layers_are_taken_as_they_are():
    slab = build_slab("CsPbBr3", layers=3)
    found = layers_of(slab)
    assert (found == slab.arrays["layer"]).all()
    found[:] = 7
    assert slab.arrays["layer"].max() == 3


def test_structures_without_layers_are_refused():
    with pytest.raises(StructureError, match="no Pb, Sn or Ge"):
        layers_of(Atoms("CsBr", positions=[[0, 0, 0], [3, 3, 0]], cell=[6, 6, 20], pbc=True))
    uneven = Atoms("Pb3", positions=np.array([[0, 0, 1.0], [0, 0, 7.0], [0, 0, 22.0]]), cell=[6, 6, 60], pbc=True)
    with pytest.raises(StructureError, match="not evenly spaced"):
        layers_of(uneven)
