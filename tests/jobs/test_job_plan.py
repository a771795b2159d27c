"""Jobs are named by content, plans hold each once, parents first."""

import numpy as np
import pytest
from ase import Atoms
from ase.constraints import FixAtoms
from hypothesis import given, settings
from hypothesis import strategies as st

from qddft.core.errors import PlanError
from qddft.core.structure_json import structure_from_dict, structure_to_dict
from qddft.jobs.job import FinalOf, Given, Job
from qddft.jobs.plan import Plan

LEVEL = {"name": "smoke", "engine": "tblite", "settings": {"xc": "GFN2-xTB"}, "raw": {}}


def water(shift=0.0):
    atoms = Atoms("OH2", [[0, 0, shift], [0.76, 0.59, shift], [-0.76, 0.59, shift]], cell=[9, 9, 9])
    atoms.set_array("fragment", np.array([0, 1, 1]))
    return atoms


def relax(name="water", **changes):
    values = {"role": "molecule", "task": "relax", "start": Given.of(water()), "level": LEVEL} | changes
    return Job(name=name, **values)


def test_the_name_and_the_prose_of_a_level_do_not_change_the_id():
    assert relax("a").id == relax("b", level=LEVEL | {"description": "words", "name": "other"}).id


def test_build_notes_do_not_change_the_id():
    noted = water()
    noted.info["qddft"] = {"kind": "molecule"}
    assert relax(start=Given.of(noted)).id == relax().id


@pytest.mark.parametrize(
    "change",
    [
        {"task": "static"},
        {"charge": 1},
        {"unpaired": 2},
        {"wanted": frozenset({"density"})},
        {"role": "slab"},
        {"start": Given.of(water(0.001))},
        {"level": LEVEL | {"engine": "vasp"}},
    ],
)
def test_everything_that_changes_a_calculation_changes_the_id(change):
    assert relax(**change).id != relax().id


def test_id_is_the_same_in_every_session():
    assert relax().id == "8ecf795c2e6930e4"


def test_a_child_is_named_by_its_parent_and_the_fragments_it_keeps():
    parent = relax()
    child = relax(task="static", start=FinalOf(parent))
    part = relax(task="static", start=FinalOf(parent, fragments=(1,)))
    assert child.parent is parent
    assert len({parent.id, child.id, part.id}) == 3
    assert part.built_atoms.get_chemical_formula() == "H2"
    assert child.built_atoms.get_chemical_formula() == "H2O"


@settings(max_examples=25)
@given(st.permutations(range(4)))
def test_a_plan_holds_each_job_once_with_parents_first_whatever_the_order(order):
    parent = relax("parent")
    children = [relax("child", task="static", start=FinalOf(parent), charge=charge) for charge in range(3)]
    everything = [*children, relax("again")]
    plan = Plan.of([everything[i] for i in order])
    ids = [job.id for job in plan]
    assert len(ids) == len(set(ids)) == 4
    assert ids[0] == parent.id


def test_an_unknown_job_is_named():
    with pytest.raises(PlanError, match="no job abc"):
        Plan.of([relax()]).job("abc")


def test_a_structure_survives_json():
    atoms = water()
    atoms.set_constraint(FixAtoms([0]))
    atoms.info["qddft"] = {"kind": "molecule", "fragments": [{"name": "slab", "charge": 0}]}
    back = structure_from_dict(structure_to_dict(atoms))
    assert back == atoms
    assert back.constraints[0].index.tolist() == [0]
    assert back.info["qddft"] == atoms.info["qddft"]
    assert back.arrays["fragment"].tolist() == [0, 1, 1]
