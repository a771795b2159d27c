import numpy as np
import pytest

import qddft
from qddft.atoms.pose_motif import motif_of
from qddft.core.errors import StructureError


def slab():
    return qddft.build_slab("CsPbBr3", termination="PbX2", layers=3, supercell=(2, 2), vacuum=12.0)


def with_molecule(symbols, positions):
    """A slab with atoms above one Pb of its top layer, given relative to that Pb."""
    from ase import Atoms

    clean = slab()
    lead = max(np.flatnonzero(clean.numbers == 82), key=lambda i: round(clean.positions[i, 2], 3))
    more = Atoms(symbols, np.array(positions) + clean.positions[lead])
    more.set_array("fragment", np.ones(len(more), dtype=int))
    clean.extend(more)
    return clean


def test_a_donor_on_lead_and_a_hydrogen_bond_are_told():
    # water: O on Pb, one H towards the neighboring Br (3 A along x), one away
    found = motif_of(with_molecule("OHH", [(0.3, 0, 2.55), (1.3, 0, 1.9), (0, 0, 3.5)]))
    assert found == (("H-Br", 1), ("O-Pb", 1))
    assert motif_of(with_molecule("OHH", [(0, 0, 2.55), (0, 0.8, 3.2), (0, -0.8, 3.2)])) == (("O-Pb", 1),)


def test_hydrogens_of_carbon_bind_to_nothing():
    found = motif_of(with_molecule("CH", [(1.5, 0, 3.6), (2.2, 0, 2.4)]))
    assert found == ()


def test_far_away_nothing_touches():
    assert motif_of(with_molecule("N", [(0, 0, 6.0)])) == ()


def test_more_than_two_of_a_kind_count_as_two():
    ring = [(2.0 * np.cos(a), 2.0 * np.sin(a), 2.2) for a in (0.8, 2.4, 4.0)]
    assert dict(motif_of(with_molecule("OOO", ring)))["O-Pb"] == 2


def test_atoms_without_labels_are_refused():
    bare = slab()
    del bare.arrays["fragment"]
    with pytest.raises(StructureError, match="no arrays"):
        motif_of(bare)
