"""Hashing, frozen values, files, suggestions and units."""

import json
import math
import os
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qddft.core import units
from qddft.core.files import write_json, write_text
from qddft.core.frozen import freeze_fields
from qddft.core.hashing import canonical_json, content_hash
from qddft.core.resources import data_folder
from qddft.core.suggest import did_you_mean

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**40), 2**40)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(JSON)
def test_canonical_json_is_a_fixed_point(value):
    once = canonical_json(value)
    assert canonical_json(json.loads(once)) == once


@given(st.dictionaries(st.text(), st.integers(), min_size=2))
def test_hash_does_not_depend_on_key_order(mapping):
    backwards = dict(reversed(list(mapping.items())))
    assert content_hash(mapping) == content_hash(backwards)


def test_hash_is_the_same_in_every_session():
    assert content_hash({"task": "relax", "cutoff": 400.0, "mesh": (8, 8, 1)}) == "9328194afcc2d9d6"


def test_negative_zero_and_numpy_numbers_hash_like_plain_ones():
    assert content_hash({"x": -0.0, "n": np.int64(3), "a": np.array([1.5])}) == content_hash(
        {"x": 0.0, "n": 3, "a": [1.5]}
    )


@pytest.mark.parametrize("value", [math.nan, math.inf, {1, 2}, object()])
def test_what_has_no_canonical_form_is_refused(value):
    with pytest.raises(TypeError, match="cannot hash"):
        content_hash({"x": value})


@dataclass(frozen=True)
class Sample:
    numbers: np.ndarray
    notes: dict = field(default_factory=dict)

    def __post_init__(self):
        freeze_fields(self)


def test_frozen_fields_are_copies_that_cannot_be_written():
    numbers = np.arange(3.0)
    sample = Sample(numbers, {"a": 1})
    numbers[0] = 9.0
    assert sample.numbers[0] == 0.0
    with pytest.raises(ValueError, match="read-only"):
        sample.numbers[0] = 1.0
    with pytest.raises(TypeError):
        sample.notes["a"] = 2


def test_a_failing_write_leaves_the_old_file_and_no_temporary(tmp_path):
    path = tmp_path / "value.json"
    write_json(path, {"a": 1})
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(path, {"a": math.nan})
    assert json.loads(path.read_text()) == {"a": 1}
    assert os.listdir(tmp_path) == ["value.json"]  # noqa: PTH208


def test_written_files_follow_the_umask(tmp_path):
    write_text(tmp_path / "a", "x")
    (tmp_path / "b").write_text("x")
    assert (tmp_path / "a").stat().st_mode == (tmp_path / "b").stat().st_mode


def test_suggestions_keep_the_spelling_of_the_choice():
    assert did_you_mean("pbx2", ["PbX2", "CsX"]) == "Did you mean 'PbX2'?"
    assert did_you_mean("zzz", ["b", "a"]) == "Valid: a, b."
    assert did_you_mean("zzz", []) == "There is nothing to choose from."


def test_units_agree_with_scipy():
    from scipy import constants as c

    assert c.e / 1e-20 == pytest.approx(units.EV_PER_A2_IN_J_PER_M2)
    assert 1e3 / c.N_A / c.e == pytest.approx(units.KJ_PER_MOL_IN_EV)
    assert 4184 / c.N_A / c.e == pytest.approx(units.KCAL_PER_MOL_IN_EV)
    assert c.value("Hartree energy in eV") == pytest.approx(units.HARTREE_IN_EV, rel=1e-10)
    assert c.value("Bohr radius") * 1e10 == pytest.approx(units.BOHR_IN_A, rel=1e-9)
    assert c.h * c.c / c.e * 1e9 == pytest.approx(units.HC_IN_EV_NM)
    assert c.k / c.e == pytest.approx(units.BOLTZMANN_IN_EV_PER_K)


def test_data_folders_are_found_and_a_missing_one_is_named():
    assert (data_folder("structures") / "bulk").is_dir()
    with pytest.raises(FileNotFoundError, match="nowhere"):
        data_folder("nowhere")
