import numpy as np
import pytest
from ase import Atoms
from ase.geometry import get_distances

import qddft
from qddft.atoms.bond_changes import distances_between


@pytest.mark.parametrize("pbc", [True, (True, True, False)])
@pytest.mark.parametrize("supercell", ["sqrt2", (3, 2), "2sqrt2"])
def test_the_quick_way_of_rectangular_cells_agrees_with_ase(supercell, pbc):
    slab = qddft.build_slab("CsPbBr3", termination="PbX2", layers=3, supercell=supercell, vacuum=8.0)
    slab.positions += np.random.default_rng(0).normal(size=slab.positions.shape) * 5.0
    slab.pbc = pbc
    rows, columns = np.arange(0, len(slab), 2), np.arange(1, len(slab), 3)
    expected = get_distances(slab.positions[rows], slab.positions[columns], cell=slab.cell, pbc=slab.pbc)[1]
    assert np.abs(distances_between(slab, rows, columns) - expected).max() < 1e-12


def test_skewed_and_open_cells_go_the_general_way():
    skewed = Atoms("Ar2", [[0, 0, 0], [5.0, 3.0, 0]], cell=[[6, 0, 0], [3, 5, 0], [0, 0, 9]], pbc=True)
    assert distances_between(skewed, np.array([0]), np.array([1]))[0, 0] == pytest.approx(np.sqrt(8))
    free = Atoms("Ar2", [[0, 0, 0], [5.0, 0, 0]])
    assert distances_between(free, np.array([0]), np.array([1]))[0, 0] == pytest.approx(5.0)
    assert distances_between(free, np.array([], dtype=int), np.array([1])).shape == (0, 1)
