"""Which directions are vacuum."""

import numpy as np
import pytest

from qddft.analysis.mesh import periodic_axes


def scaled(cell, *places):
    return np.array(places) @ np.linalg.inv(cell)


def test_a_molecule_in_a_box_is_periodic_nowhere():
    cell = np.diag([14.0, 14.0, 14.0])
    assert periodic_axes(cell, scaled(cell, [0, 0, 0], [1.1, 0, 0])) == (False, False, False)


def test_a_long_molecule_that_leaves_little_of_its_box_is_periodic_nowhere():
    cell = np.diag([14.0, 14.0, 24.0])
    chain = [[0, 0, z] for z in np.arange(0, 20.1, 1.25)]
    assert periodic_axes(cell, scaled(cell, *chain)) == (False, False, False)
    # a bulky one, with five empty Angstrom on every side
    cube = np.array(np.meshgrid(*[np.arange(0, 5.1, 1.25)] * 3)).reshape(3, -1).T
    cell = np.diag([10.0, 10.0, 10.0])
    assert periodic_axes(cell, scaled(cell, *cube)) == (False, False, False)


def test_an_endless_chain_stays_periodic():
    cell = np.diag([14.0, 14.0, 5.0])
    chain = [[0, 0, z] for z in np.arange(0, 5.0, 1.25)]
    assert periodic_axes(cell, scaled(cell, *chain), (1, 1, 1)) == (False, False, True)


@pytest.mark.parametrize(("mesh", "third"), [((4, 4, 1), False), (None, True), ((4, 4, 2), True)])
def test_a_long_ligand_may_nearly_fill_the_vacuum_of_its_slab(mesh, third):
    cell = np.diag([6.0, 6.0, 30.0])
    filled = [[3.0 * i, 3.0 * j, z] for i in range(2) for j in range(2) for z in (0.0, 3.0, 6.0)]
    ligand = [[0, 0, z] for z in np.arange(8.0, 26.0, 1.25)]
    assert periodic_axes(cell, scaled(cell, *filled, *ligand), mesh) == (True, True, third)


def test_a_primitive_cell_of_a_metal_with_wide_planes_is_a_crystal():
    # body-centered cesium, a = 6.14 Angstrom
    cell = 6.14 / 2 * np.array([[-1.0, 1, 1], [1, -1, 1], [1, 1, -1]])
    assert periodic_axes(cell, np.zeros((1, 3))) == (True, True, True)
