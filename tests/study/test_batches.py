import pytest
from hypothesis import given
from hypothesis import strategies as st

from qddft.core.errors import FolderError
from qddft.engines.slurm import QueueTask
from qddft.jobs.run_folder import Entry
from qddft.study.advice import advice, end_of_slurm_job, queue_advice
from qddft.study.batches import MAX_ELEMENTS, alone, chunked, estimated_seconds
from qddft.study.chunk import jobs_of
from qddft.study.submissions import (
    FILE,
    Submission,
    latest_by_job,
    load_submissions,
    queued_jobs,
    save_submission,
    with_id,
)


def entry(name, parent=None, *, atoms=50, task="relax"):
    return Entry(id=name, name=name, role="complex", task=task, folder=name, parent=parent, atoms=atoms)


def names(batch):
    return [[item.id for item in task] for task in batch.tasks]


def test_small_families_share_a_chunk():
    jobs = [entry("a", atoms=5), entry("a1", "a", atoms=5), entry("b", atoms=5)]
    (batch,) = chunked(jobs, 60)
    assert names(batch) == [["a", "a1", "b"]]
    assert batch.parents == ()


def test_a_job_longer_than_a_chunk_is_one():
    jobs = [entry("a", atoms=126), entry("a1", "a", atoms=126, task="static"), entry("b", atoms=126)]
    alone, first, second = chunked(jobs, 1)
    assert (names(alone), names(first), names(second)) == ([["b"]], [["a"]], [["a1"]])
    assert (alone.after, first.after, second.after) == (None, None, 1)


def test_long_families_are_arrays_by_generation_element_behind_element():
    jobs = [
        entry("a"),
        entry("b"),
        entry("b1", "b"),
        entry("b2", "b"),
        entry("c"),
        entry("c1", "c"),
        entry("c11", "c1"),
    ]
    batches = chunked(jobs, 1)
    assert [(names(batch), batch.after) for batch in batches] == [
        ([["a"]], None),
        ([["c"], ["b"]], None),
        ([["c1"], ["b1", "b2"]], 1),
        ([["c11"]], 2),
    ]
    assert all(batch.parents == () for batch in batches)


def test_long_families_of_a_job_in_the_queue_wait_for_it():
    first, second = chunked([entry("a1", "a", atoms=126), entry("a2", "a1", atoms=126)], 1, queued={"a"})
    assert (names(first), first.parents, first.after) == ([["a1"]], ("a",), None)
    assert (names(second), second.parents, second.after) == ([["a2"]], (), 0)


def test_children_of_jobs_outside_wait_for_them():
    jobs = [entry("a1", "a"), entry("a2", "a1"), entry("b1", "b"), entry("c")]
    batches = chunked(jobs, 600, queued={"a", "b"})
    assert {batch.parents: names(batch) for batch in batches} == {
        ("a",): [["a1", "a2"]],
        ("b",): [["b1"]],
        (): [["c"]],
    }


def test_jobs_whose_parents_are_done_share_chunks():
    jobs = [entry(f"{name}1", name, atoms=5, task="static") for name in "abc"]
    (batch,) = chunked(jobs, 60)
    assert (names(batch), batch.parents) == ([["a1", "b1", "c1"]], ())


def test_big_jobs_go_alone():
    assert [(names(batch), batch.parents) for batch in alone([entry("a"), entry("b", "a")])] == [
        ([["a"]], ()),
        ([["b"]], ("a",)),
    ]


def test_arrays_are_no_longer_than_slurm_allows():
    batches = chunked([entry(str(i), atoms=126) for i in range(2 * MAX_ELEMENTS + 5)], 1)
    assert [len(batch.tasks) for batch in batches] == [MAX_ELEMENTS, MAX_ELEMENTS, 5]


@given(st.lists(st.tuples(st.integers(1, 150), st.integers(-3, 10)), max_size=25), st.floats(0.1, 200))
def test_every_job_is_in_one_chunk_behind_its_parent(shapes, minutes):
    jobs = []
    for i, (atoms, parent) in enumerate(shapes):
        jobs.append(entry(str(i), str(parent) if 0 <= parent < i else None, atoms=atoms))
    batches = chunked(jobs, minutes)
    tasks = [[item.id for item in task] for batch in batches for task in batch.tasks]
    assert sorted(name for task in tasks for name in task) == sorted(job.id for job in jobs)
    place = {
        item.id: (number, element)
        for number, batch in enumerate(batches)
        for element, task in enumerate(batch.tasks)
        for item in task
    }
    for job in jobs:
        if job.parent is not None:
            (number, element), (before, behind) = place[job.id], place[job.parent]
            if number == before:
                home = [item.id for item in batches[number].tasks[element]]
                assert element == behind
                assert home.index(job.parent) < home.index(job.id)
            else:
                # element behind element
                assert (batches[number].after, element) == (before, behind)


def test_the_length_of_a_job_grows_with_its_atoms():
    assert estimated_seconds(entry("a", atoms=126, task="static")) == pytest.approx(7.5)
    assert estimated_seconds(entry("a", atoms=252)) > 100 * estimated_seconds(entry("a", atoms=252, task="static")) / 4


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("time limit of the queue", "more walltime"),
        ("ZBRENT: fatal error", "CONTCAR"),
        ("the electronic loop ended at NELM", "did not converge"),
        ("no POTCAR: set VASP_PSP_DIR", "make_potcar.sh"),
        ("out of memory", "more memory"),
        ("node failure", "computer's fault"),
        ("VASP license server not found", "license"),
        ("vasp_std is not on PATH", "modules and programs"),
        ("the worker was killed by SIGSEGV", "if it happens again"),
        ("something new", "look at the log"),
    ],
)
def test_there_is_advice_for_every_failure(reason, words):
    assert words in advice(reason)


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("PartitionConfig", "no node of the partition can hold it"),
        ("JobHeldUser", "scontrol release"),
        ("PartitionDown", "not in use"),
        ("AssocMaxJobsLimit", "limit of your account"),
        ("DependencyNeverSatisfied", "cancel, then retry"),
    ],
)
def test_there_is_advice_for_what_may_wait_for_ever(reason, words):
    assert words in queue_advice(reason)


@pytest.mark.parametrize("reason", ["None", "Priority", "Resources", "Dependency", "BeginTime"])
def test_what_waits_its_turn_needs_no_advice(reason):
    assert queue_advice(reason) == ""


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("slurmstepd: error: *** JOB 5 ON vm CANCELLED AT 2026-01-01T00:00:00 DUE TO TIME LIMIT ***", "time limit"),
        ("slurmstepd: error: *** JOB 5 ON vm CANCELLED AT 2026-01-01T00:00:00 ***", "cancelled"),
        ("slurmstepd: error: Detected 1 oom-kill event(s) in StepId=5.batch", "out of memory"),
        ("*** JOB 5 ON n1 CANCELLED AT 2026-01-01T00:00:00 DUE TO NODE FAILURE ***", "node failure"),
        ("*** JOB 5 ON n1 CANCELLED AT 2026-01-01T00:00:00 DUE TO PREEMPTION ***", "preempted"),
    ],
)
def test_slurms_last_words_are_understood(text, reason):
    assert end_of_slurm_job(text).startswith(reason)
    assert end_of_slurm_job("all is well") == ""


def test_submissions_are_read_back_and_the_last_word_counts(tmp_path):
    first = Submission("t1", "m", "", (("a", "b"), ("c",)), "now")
    save_submission(tmp_path, first)
    save_submission(tmp_path, Submission("t2", "m", "8", (("a",),), "later"))
    save_submission(tmp_path, with_id(first, "7"))
    with (tmp_path / FILE).open("a") as file:
        file.write('\n{"token": "t3", "mach')
    found = load_submissions(tmp_path)
    assert [(item.token, item.slurm_id) for item in found] == [("t1", "7"), ("t2", "8")]
    assert found[0].element_of("c") == 1
    assert found[0].element_of("x") is None
    assert latest_by_job(found)["a"].token == "t2"
    save_submission(tmp_path, Submission("t4", "m", "9", (("d",),), "later"))
    assert [item.token for item in load_submissions(tmp_path)] == ["t1", "t2", "t4"]


def test_the_queue_knows_jobs_by_name_not_by_id():
    mine = Submission("t1", "m", "7", (("a",), ("b",)), "now")
    tasks = [QueueTask("99_1", "t1", "PENDING", "", 1), QueueTask("7", "foreign", "RUNNING", "", 0)]
    assert {job: task.slurm_id for job, task in queued_jobs([mine], tasks).items()} == {"b": "99_1"}


def test_nothing_was_submitted_yet(tmp_path):
    assert load_submissions(tmp_path) == ()


def test_elements_of_a_task_file(tmp_path):
    (tmp_path / "t.json").write_text('{"tasks": [["a"], ["b", "c"]]}')
    assert jobs_of(tmp_path / "t.json", 1) == ("b", "c")
    with pytest.raises(FolderError, match="has no element 2; submit the run again"):
        jobs_of(tmp_path / "t.json", 2)
    with pytest.raises(FolderError, match="submit the run again"):
        jobs_of(tmp_path / "nowhere.json", 0)
