import numpy as np
import pytest
from ase import Atoms
from ase.build import molecule
from hypothesis import given, settings
from hypothesis import strategies as st

from qddft.engines import model_hessian as module
from qddft.engines.model_hessian import FLOOR, model_hessian


def gradients_of(terms):
    indices, gradients, _ = terms
    return {tuple(map(int, row)): gradient for row, gradient in zip(indices, gradients, strict=True)}


@pytest.mark.parametrize(
    ("terms", "measure"),
    [
        (module._stretches, lambda atoms, row: atoms.get_distance(*row)),
        (module._bends, lambda atoms, row: np.radians(atoms.get_angle(*row))),
        (module._torsions, lambda atoms, row: np.radians(atoms.get_dihedral(*row))),
    ],
)
def test_gradients_of_internal_coordinates_are_those_of_finite_differences(terms, measure):
    atoms = molecule("CH3CH2OH")
    atoms.rattle(0.1, seed=1)
    found = gradients_of(terms(*module._pairs(atoms)))
    assert found
    for row, gradient in found.items():
        for place, atom in enumerate(row):
            for axis in range(3):
                ends = []
                for sign in (-1, 1):
                    moved = atoms.copy()
                    moved.positions[atom, axis] += sign * 1e-4
                    ends.append(measure(moved, row))
                change = (ends[1] - ends[0] + np.pi) % (2 * np.pi) - np.pi
                assert gradient[place, axis] == pytest.approx(change / 2e-4, abs=1e-5)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10_000))
def test_it_is_symmetric_positive_and_blind_to_translation(seed):
    atoms = molecule("CH3COOH")
    atoms.rattle(0.2, seed=seed)
    hessian = model_hessian(atoms, np.arange(len(atoms)))
    assert np.allclose(hessian, hessian.T)
    assert np.linalg.eigvalsh(hessian).min() > 0.99 * FLOOR
    shift = np.tile([1.0, 0.0, 0.0], len(atoms))
    assert np.allclose(hessian @ shift, FLOOR * shift, atol=1e-9)


def test_it_turns_with_the_molecule():
    atoms = molecule("CH3OH")
    turned = atoms.copy()
    turned.rotate(50, (1, 2, 3))
    free = np.arange(len(atoms))
    assert np.allclose(
        np.linalg.eigvalsh(model_hessian(atoms, free)), np.linalg.eigvalsh(model_hessian(turned, free)), atol=1e-8
    )


def test_fixed_atoms_push_but_do_not_move():
    atoms = molecule("H2O")
    everything, oxygen = (model_hessian(atoms, np.array(free)) for free in ([0, 1, 2], [0]))
    assert np.allclose(oxygen, everything[:3, :3])


def test_bonds_reach_across_the_cell():
    inside = Atoms("N2", [[0, 0, 0], [0, 0, 1.1]], cell=[9, 9, 9], pbc=True)
    across = Atoms("N2", [[0, 0, 0], [0, 0, 7.9]], cell=[9, 9, 9], pbc=True)
    across.positions[1, 2] = 9 - 1.1
    free = np.arange(2)
    assert np.allclose(model_hessian(inside, free), model_hessian(across, free))


def test_stretch_of_hydrogen_is_near_the_real_one():
    # harmonic wavenumber 4401 1/cm (Huber and Herzberg): k = mu (2 pi c nu)^2 = 35.9 eV/A^2
    stretch = model_hessian(Atoms("H2", [[0, 0, 0], [0, 0, 0.741]]), np.arange(2))[2, 2]
    assert stretch == pytest.approx(35.9, rel=0.4)
