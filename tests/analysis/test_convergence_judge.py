"""The smallest setting within a tolerance, by its definition."""

from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qddft.analysis.convergence import judge

VALUES = st.lists(st.one_of(st.none(), st.integers(-30, 30).map(lambda n: n / 10)), min_size=2, max_size=8)


def test_a_series_that_settles():
    verdict = judge([-0.40, -0.33, -0.302, -0.300], 0.01)
    assert verdict.smallest == 2
    assert verdict.differences == pytest.approx((-0.10, -0.03, -0.002, 0.0))
    assert verdict.text.startswith("smallest setting: {2}; from there on all values agree within 0.01 eV")
    assert "The finest, {3}, has nothing finer to judge it" in verdict.text


def test_a_chance_crossing_does_not_count():
    # the first equals the finest, the second does not
    assert judge([-0.300, -0.400, -0.301, -0.300], 0.01).smallest == 2


def test_values_near_the_finest_but_far_from_each_other_do_not_count():
    # +0.9 and -0.9 both lie within 1 of the finest, and 1.8 apart
    assert judge([0.9, -0.9, 0.0], 1.0).smallest == 1


def test_the_last_two_decide_whether_there_is_any():
    verdict = judge([0.0, 0.0, 0.0, 0.5], 0.1, "meV/Å²")
    assert verdict.smallest is None
    assert verdict.text == (
        "not converged within the series: {2} and {3} differ by 0.5 meV/Å², more than 0.1 meV/Å²; "
        "go on to finer settings"
    )


def test_nothing_is_claimed_beyond_a_gap():
    verdict = judge([1.0, None, 1.0, 1.0], 0.1)
    assert verdict.smallest == 2
    assert verdict.text.endswith("{1} is missing, so that nothing coarser is judged")
    assert verdict.differences == (0.0, None, 0.0, 0.0)


def test_without_the_finest_nothing_is_claimed():
    verdict = judge([1.0, 1.0, None], 0.1)
    assert (verdict.smallest, verdict.differences) == (None, (None, None, None))
    assert "the finest point, {2}, is missing" in verdict.text


def test_a_gap_next_to_the_finest_leaves_it_without_company():
    verdict = judge([1.0, 1.0, None, 1.0], 0.1)
    assert verdict.smallest is None
    assert "{2} is missing, next to the finest" in verdict.text


def test_a_difference_of_exactly_the_tolerance_agrees():
    assert judge([0.31, 0.30], 0.01).smallest == 0
    assert judge([0.3101, 0.30], 0.01).smallest is None


@given(VALUES, st.integers(1, 20).map(lambda n: n / 10))
@settings(max_examples=200, deadline=None)
def test_definition(values, tolerance):
    smallest = judge(values, tolerance).smallest

    def holds(start):
        tail = values[start:]
        return None not in tail and all(abs(a - b) <= tolerance + 1e-9 for a, b in combinations(tail, 2))

    # the finest alone has no judge
    expected = next((start for start in range(len(values) - 1) if holds(start)), None)
    assert smallest == expected


@given(VALUES, st.integers(1, 20).map(lambda n: n / 10), st.integers(-5, 5))
@settings(max_examples=50, deadline=None)
def test_zero_of_energy_does_not_matter(values, tolerance, shift):
    moved = [None if value is None else value + shift for value in values]
    assert judge(moved, tolerance).smallest == judge(values, tolerance).smallest
