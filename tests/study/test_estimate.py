import pytest
from hypothesis import given
from hypothesis import strategies as st

from qddft.jobs.progress import Progress
from qddft.jobs.run_folder import Entry
from qddft.study.estimate import ASSUMED_STEPS, priorities, relative_cost, time_left


def entry(name, *, task="relax", parent=None, atoms=10, role="molecule"):
    return Entry(id=name, name=name, role=role, task=task, folder=name, parent=parent, atoms=atoms)


def steps(count, seconds):
    return tuple(Progress(number, -1.0, 0.1, seconds * (number + 1)) for number in range(count))


def test_nothing_is_known_before_the_first_step():
    left = time_left([entry("a")], {}, frozenset(), 1)
    assert left.seconds is None
    assert "unknown until the first step" in left.basis


def test_a_static_job_is_one_step():
    left = time_left([entry("a", task="static"), entry("b", task="static")], {"a": steps(1, 3.0)}, frozenset({"a"}), 1)
    assert left.seconds == pytest.approx(3.0)


def test_before_any_relaxation_has_finished_the_guess_is_called_one():
    left = time_left([entry("a")], {"a": steps(10, 2.0)}, frozenset(), 1)
    assert left.seconds == pytest.approx((ASSUMED_STEPS - 10) * 2.0)
    assert "which is a guess" in left.basis


def test_finished_relaxations_tell_how_long_the_others_take():
    jobs = [entry("a"), entry("b")]
    left = time_left(jobs, {"a": steps(12, 2.0), "b": steps(4, 3.0)}, frozenset({"a"}), 1)
    assert left.seconds == pytest.approx(8 * 3.0)
    assert "those that have finished" in left.basis


def test_larger_systems_take_longer_by_the_measured_power():
    jobs = [entry("a", task="static", atoms=10), entry("b", task="static", atoms=20)]
    left = time_left(jobs, {"a": steps(1, 1.0)}, frozenset({"a"}), 1)
    assert left.seconds == pytest.approx(2**2.35)


def test_one_that_takes_longer_than_usual_never_has_nothing_left():
    left = time_left([entry("a"), entry("b")], {"a": steps(5, 1.0), "b": steps(40, 1.0)}, frozenset({"a"}), 1)
    assert left.seconds == pytest.approx(10.0)


def test_workers_share_the_work_but_not_one_job():
    jobs = [entry(name, task="static") for name in "abcd"]
    known = {"a": steps(1, 2.0)}
    assert time_left(jobs, known, frozenset({"a"}), 3).seconds == pytest.approx(2.0)
    assert time_left(jobs, known, frozenset({"a"}), 100).seconds == pytest.approx(2.0)
    assert time_left(jobs, known, frozenset({"a"}), 1).seconds == pytest.approx(6.0)


def test_a_finished_run_has_nothing_left():
    assert time_left([entry("a")], {"a": steps(3, 1.0)}, frozenset({"a"}), 2).seconds == 0.0


def test_the_longest_chain_goes_first():
    chain = [entry("slab", atoms=50), entry("slab-static", parent="slab", task="static", atoms=50)]
    order = priorities([entry("molecule"), *chain, entry("large", atoms=50)])
    assert order["slab"] > order["large"] > order["slab-static"] > 0
    assert order["large"] > order["molecule"]


@given(st.lists(st.tuples(st.integers(1, 200), st.booleans()), min_size=1, max_size=8))
def test_a_parent_is_worth_more_than_any_child(shapes):
    jobs = [entry("0", atoms=shapes[0][0])]
    jobs += [
        entry(str(i), atoms=atoms, parent=str(i - 1) if chained else "0")
        for i, (atoms, chained) in enumerate(shapes[1:], start=1)
    ]
    order = priorities(jobs)
    for job in jobs[1:]:
        assert order[job.parent] >= order[job.id] + relative_cost(next(j for j in jobs if j.id == job.parent)) - 1e-6
