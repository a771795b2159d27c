"""Short contacts: against a plain double loop over images."""

import itertools

import numpy as np
import pytest
from ase import Atoms
from ase.data import vdw_radii as bondi
from ase.data.vdw_alvarez import vdw_radii as alvarez
from hypothesis import given, settings
from hypothesis import strategies as st

from qddft.atoms.contacts import lattice_points, ligand_contacts, vdw_radii
from qddft.core.errors import StructureError


def test_radii_are_at_least_those_of_each_table():
    numbers = np.array([1, 6, 7, 8, 9, 15, 16, 17, 35, 53, 55, 82])
    radii = vdw_radii(numbers)
    assert (radii >= bondi[numbers]).all()
    assert (radii >= alvarez[numbers]).all()
    assert (radii <= np.maximum(bondi, alvarez[: len(bondi)])[numbers] + 0.07).all()


def test_an_element_without_radius_is_refused():
    with pytest.raises(StructureError, match="no van der Waals radius is known for X"):
        vdw_radii(np.array([0]))


@settings(max_examples=25, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10_000), n=st.integers(2, 8))
def test_contacts_are_those_of_a_double_loop(seed, n):
    rng = np.random.default_rng(seed)
    cell = np.array([[6.0, 0, 0], [rng.uniform(-2, 2), 5.0, 0], [0, 0, 9.0]])
    atoms = Atoms(rng.choice([1, 6, 8, 35], n), positions=rng.uniform(0, 1, (n, 3)) @ cell, cell=cell, pbc=True)
    atoms.set_array("fragment", rng.integers(0, 3, n))
    expected = set()
    radii = vdw_radii(atoms.numbers)
    fragment = atoms.arrays["fragment"]
    for i, j in itertools.combinations_with_replacement(range(n), 2):
        for shift in itertools.product((-2, -1, 0, 1, 2), repeat=3):
            if fragment[i] == fragment[j] == 0 or (fragment[i] == fragment[j] and not any(shift)):
                continue
            if i == j and shift < (0, 0, 0):
                continue
            distance = np.linalg.norm(atoms.positions[j] + np.array(shift) @ cell - atoms.positions[i])
            if distance < 0.7 * (radii[i] + radii[j]):
                expected.add((round(distance, 6), frozenset((i, j))))
    found = ligand_contacts(atoms)
    assert {(round(c.distance, 6), frozenset((c.first, c.second))) for c in found} == expected
    assert [c.ratio for c in found] == sorted(c.ratio for c in found)


def test_a_contact_says_what_it_is():
    atoms = Atoms("OBr", positions=[[0, 0, 0.2], [0, 0, 7.9]], cell=[9, 9, 9], pbc=True)
    atoms.set_array("fragment", np.array([1, 0]))
    contact = ligand_contacts(atoms)[0]
    assert str(contact) == "O 0 - Br 1 of a periodic image: 1.30 Å, 0.38 of the van der Waals distance"
    assert ligand_contacts(atoms, ignored=[(1, 0)]) == ()
    assert ligand_contacts(atoms[[1]]) == ()


def test_unlabelled_atoms_are_refused():
    with pytest.raises(StructureError, match='no arrays\\["fragment"\\]'):
        ligand_contacts(Atoms("CO", positions=[[0, 0, 0], [0, 0, 1.1]]))


def test_molecules_in_open_space_have_no_images():
    atoms = Atoms("OH", positions=[[0, 0, 0], [0, 0, 1.0]])
    atoms.set_array("fragment", np.array([1, 2]))
    assert len(ligand_contacts(atoms)) == 1


def test_lattice_points_come_shortest_first():
    points = lattice_points(np.array([[3.0, 0, 0], [0, 4.0, 0]]), 5.0)
    lengths = np.linalg.norm(points @ np.array([[3.0, 0, 0], [0, 4.0, 0]]), axis=1)
    assert lengths.tolist() == [3, 3, 4, 4, 5, 5, 5, 5]
