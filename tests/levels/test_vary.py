"""Levels with one setting changed say so."""

import pytest

from qddft.core.errors import LevelError
from qddft.levels.load import load_level
from qddft.levels.vary import varied

TAO = load_level("tao-pbe")


def test_a_child_names_its_parent_and_what_was_changed():
    child = varied(TAO, "cutoff-300", {"cutoff_eV": 300.0})
    assert (child.name, child.parent) == ("tao-pbe-cutoff-300", "tao-pbe")
    assert child.description == "tao-pbe with cutoff_eV 300 in place of 400"
    assert child.choices["cutoff_eV"] == "varied: 300 in place of 400 of the level tao-pbe"
    assert child.settings == TAO.settings.model_copy(update={"cutoff_eV": 300.0})
    assert child.engines == TAO.engines
    assert child.resolved("vasp")["parent"] == "tao-pbe"


def test_the_same_settings_are_the_level_itself():
    assert varied(TAO, "cutoff-400", {"cutoff_eV": 400.0}) is TAO
    assert varied(TAO, "k-8x8x1", {"kpoints_static": (8, 8, 1)}) is TAO


def test_the_other_choices_keep_their_reasons():
    child = varied(TAO, "k-4x4x1", {"kpoints_static": (4, 4, 1)})
    assert child.choices["kpoint_scheme"] == TAO.choices["kpoint_scheme"]
    assert "4x4x1 in place of 8x8x1" in child.description


def test_what_a_level_does_not_allow_is_refused():
    with pytest.raises(LevelError, match=r"the level screening cannot be varied to k: .*kpoints_static differ"):
        varied(load_level("screening"), "k", {"kpoints_static": (4, 4, 1)})


def test_long_names_stay_names():
    level = TAO.model_copy(update={"name": "a" * 64})
    assert len(varied(level, "cutoff-300", {"cutoff_eV": 300.0}).name) == 64


def test_names_and_parents_do_not_make_another_job(lj_job):
    from dataclasses import replace

    job = lj_job()
    named = replace(job, level=dict(job.level) | {"name": "other", "parent": "test"})
    assert named.id == job.id
