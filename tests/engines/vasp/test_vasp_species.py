"""One order of species in POSCAR, POTCAR, MAGMOM and POTCAR.spec, and the way back."""

import json
from itertools import pairwise

import numpy as np
import pytest
from ase import Atoms
from ase.constraints import FixAtoms
from hypothesis import given, settings
from hypothesis import strategies as st

from qddft.core.errors import OutputError
from qddft.engines.vasp.engine import in_job_order
from qddft.engines.vasp.selective import held_atoms, to_atoms, to_structure
from qddft.engines.vasp.species import grouped, species_of, species_order
from qddft.engines.vasp.write import ORDER_FILE, folder_files
from qddft.jobs.job import Given, Job
from qddft.levels.load import load_level
from qddft.outputs.outputs import Outputs

SYMBOLS = ("Cs", "Pb", "Br", "I", "C", "H", "O", "N")


@st.composite
def shuffled_atoms(draw):
    """Atoms of any species in any order on a grid wide enough that none touch, some held, with fragment labels."""
    symbols = draw(st.lists(st.sampled_from(SYMBOLS), min_size=1, max_size=14))
    positions = [[2.5 * (i % 4), 2.5 * (i // 4), 1.0] for i in range(len(symbols))]
    atoms = Atoms(symbols, positions=positions, cell=[12, 12, 20], pbc=True)
    count = len(symbols)
    atoms.set_array("fragment", np.array(draw(st.lists(st.integers(0, 2), min_size=count, max_size=count))))
    held = draw(st.lists(st.integers(0, count - 1), unique=True, max_size=count - 1))
    if held:
        atoms.set_constraint(FixAtoms(indices=sorted(held)))
    return atoms


@given(symbols=st.lists(st.sampled_from(SYMBOLS), max_size=30))
@settings(max_examples=50, deadline=None)
def test_order_is_a_stable_permutation_that_groups_elements(symbols):
    order = species_order(symbols)
    assert sorted(order.tolist()) == list(range(len(symbols)))
    ordered = [symbols[i] for i in order]
    changes = sum(a != b for a, b in pairwise(ordered))
    assert changes == max(0, len(set(symbols)) - 1)
    for element in set(symbols):
        of_element = [i for i in order.tolist() if symbols[i] == element]
        assert of_element == sorted(of_element)


@given(symbols=st.lists(st.sampled_from(SYMBOLS), max_size=30))
@settings(max_examples=25, deadline=None)
def test_sorting_twice_changes_nothing(symbols):
    ordered = [symbols[i] for i in species_order(symbols)]
    assert species_order(ordered).tolist() == list(range(len(ordered)))


@given(atoms=shuffled_atoms())
@settings(max_examples=25, deadline=None)
def test_all_files_agree_on_the_order(atoms):
    from pymatgen.io.vasp.inputs import Incar, Poscar

    level = load_level("tao-pbe").resolved("vasp")
    level = level | {"settings": level["settings"] | {"spin": "polarized"}}
    files = folder_files(Job("any", "slab", "relax", Given.of(atoms), level), atoms, None)
    poscar = Poscar.from_str(files["POSCAR"])
    order = json.loads(files[ORDER_FILE])["order"]
    assert [site.specie.symbol for site in poscar.structure] == [atoms.symbols[i] for i in order]
    assert [title.split()[1].partition("_")[0] for title in files["POTCAR.spec"].splitlines()] == poscar.site_symbols
    moments = Incar.from_str(files["INCAR"])["MAGMOM"]
    assert len(moments) == len(atoms)
    only_hydrogen = set(atoms.symbols) == {"H"}
    assert all(only_hydrogen or atoms.symbols[i] != "H" for i, moment in zip(order, moments, strict=True) if moment)
    flags = poscar.selective_dynamics
    held = [False] * len(atoms) if flags is None else [not all(free) for free in flags]
    assert held == held_atoms(atoms)[order].tolist()
    assert poscar.structure.cart_coords == pytest.approx(atoms.positions[order], abs=1e-9)


@given(atoms=shuffled_atoms())
@settings(max_examples=25, deadline=None)
def test_reading_undoes_the_grouping(atoms):
    job = Job("any", "slab", "relax", Given.of(atoms), {"name": "none"})
    final = grouped(atoms)
    final.set_constraint()
    final.positions += 0.1
    forces = final.positions.copy()
    back = in_job_order(job, Outputs(atoms=final, forces=forces))
    assert back.atoms.get_chemical_symbols() == atoms.get_chemical_symbols()
    assert back.atoms.positions == pytest.approx(atoms.positions + 0.1)
    assert back.forces == pytest.approx(atoms.positions + 0.1)
    assert back.atoms.arrays["fragment"].tolist() == atoms.arrays["fragment"].tolist()
    assert held_atoms(back.atoms).tolist() == held_atoms(atoms).tolist()


def test_files_of_another_job_are_refused(slab):
    job = Job("slab", "slab", "relax", Given.of(slab), {"name": "none"})
    with pytest.raises(OutputError, match="these are not the files of this job"):
        in_job_order(job, Outputs(atoms=Atoms("Cs"), source="somewhere"))


def test_species_follow_electronegativity_as_in_pymatgen(complex_atoms):
    from pymatgen.core import Structure

    ordered = grouped(complex_atoms)
    assert species_of(ordered) == ("Cs", "H", "Pb", "C", "Br", "O")
    by_pymatgen = Structure.from_sites(to_structure(complex_atoms)).get_sorted_structure()
    assert [site.specie.symbol for site in by_pymatgen] == ordered.get_chemical_symbols()
    assert by_pymatgen.cart_coords == pytest.approx(ordered.positions)


def test_structure_and_back(complex_atoms):
    back = to_atoms(to_structure(complex_atoms))
    assert back.get_chemical_symbols() == complex_atoms.get_chemical_symbols()
    assert back.positions == pytest.approx(complex_atoms.positions)
    assert held_atoms(back).tolist() == held_atoms(complex_atoms).tolist()
