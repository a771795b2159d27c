import errno
import json
import os
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qddft.core.errors import FolderError
from qddft.jobs.disk import disk_errors
from qddft.jobs.folder import (
    CHECKPOINT,
    FAILURE,
    JOB,
    LOCK,
    OUTPUTS,
    check_name,
    clear_attempt,
    job_status,
    load_job,
    write_failure,
    write_job,
)
from qddft.jobs.lock import LockedError, hold, is_held
from qddft.jobs.progress import Progress, append_progress, read_progress


def test_job_survives_its_folder(tmp_path, lj_job):
    parent = lj_job("parent", fixed=(0,))
    child = lj_job("child", parent=parent, kept=(1,), task="static")
    write_job(tmp_path, parent)
    folder = write_job(tmp_path, child)
    loaded = load_job(folder)
    assert loaded.id == child.id
    assert loaded.folder_name == folder.name == child.folder_name
    assert loaded.parent.id == parent.id
    assert loaded.parent.built_atoms == parent.built_atoms
    assert loaded.start.fragments == (1,)


def test_writing_twice_keeps_what_is_there(tmp_path, lj_job):
    folder = write_job(tmp_path, lj_job(), fill=lambda path: (path / "input").write_text("x"))
    (folder / "input").write_text("changed")
    assert write_job(tmp_path, lj_job(), fill=lambda path: (path / "input").write_text("x")) == folder
    assert (folder / "input").read_text() == "changed"


def test_a_failing_fill_leaves_nothing(tmp_path, lj_job):
    def fill(path):
        raise OSError(errno.ENOSPC, "No space left on device", str(path / "INCAR"))

    with pytest.raises(FolderError, match="INCAR: the disk is full; make room and run again"):
        write_job(tmp_path, lj_job(), fill=fill)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["", "-rf", "../x", "a/b", "a b", "Ä", "a\n", "A", "$(x)", "x" * 121])
def test_hostile_names_are_refused(name):
    with pytest.raises(FolderError, match="cannot name a job folder"):
        check_name(name)


def test_hostile_parent_folder_is_refused(tmp_path, lj_job):
    folder = write_job(tmp_path, lj_job("child", parent=lj_job("parent")))
    data = json.loads((folder / JOB).read_text())
    data["start"]["folder"] = "../../etc"
    (folder / JOB).write_text(json.dumps(data))
    with pytest.raises(FolderError, match="cannot name a job folder"):
        load_job(folder)


def test_an_edited_job_is_refused(tmp_path, lj_job):
    folder = write_job(tmp_path, lj_job())
    data = json.loads((folder / JOB).read_text())
    (folder / JOB).write_text(json.dumps(data | {"charge": 1}))
    with pytest.raises(FolderError, match="it was edited"):
        load_job(folder)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is damaged"),
        ("[]", "no JSON object"),
        ('{"format": 99}', "has format 99, not 1"),
        ('{"format": 1}', "is damaged"),
        ('{"format": 1, "start": []}', "is damaged"),
    ],
)
def test_a_damaged_job_is_reported(tmp_path, text, message):
    (tmp_path / JOB).write_text(text)
    with pytest.raises(FolderError, match=message):
        load_job(tmp_path)


def test_a_folder_without_job_is_reported(tmp_path):
    with pytest.raises(FolderError, match=r"no job\.json in .*is this a job folder"):
        load_job(tmp_path)


def test_a_foreign_folder_with_the_jobs_name_is_refused(tmp_path, lj_job):
    job = lj_job()
    (tmp_path / job.folder_name).mkdir()
    with pytest.raises(FolderError, match="exists and is no job folder"):
        write_job(tmp_path, job)
    (tmp_path / job.folder_name / JOB).write_text('{"id": "other"}')
    with pytest.raises(FolderError, match="belongs to another job"):
        write_job(tmp_path, job)


@settings(max_examples=40, deadline=None)
@given(st.booleans(), st.booleans(), st.booleans(), st.sampled_from([None, "open", "failed", "done"]))
def test_status_is_the_first_that_the_files_prove(tmp_path_factory, done, failed, locked, parent_state):
    folder = tmp_path_factory.mktemp("job")
    parent = None if parent_state is None else tmp_path_factory.mktemp("parent")
    if parent_state == "done":
        (parent / OUTPUTS).write_text("{}")
    if parent_state == "failed":
        write_failure(parent, "EngineError", "no")
    if done:
        (folder / OUTPUTS).write_text("{}")
    if failed:
        write_failure(folder, "EngineError", "the cycle did not converge")
    waits = parent_state in ("open", "failed")
    expected = "done" if done else "failed" if failed else "running" if locked else "waiting" if waits else "ready"
    if locked:
        with hold(folder / LOCK):
            status = job_status(folder, parent)
    else:
        status = job_status(folder, parent)
    assert status.state == expected
    if expected == "failed":
        assert status.reason == "the cycle did not converge"
    if expected == "waiting":
        assert status.reason.endswith(", which failed") == (parent_state == "failed")


def test_a_damaged_failure_is_a_failure_still(tmp_path):
    (tmp_path / FAILURE).write_text('{"rea')
    status = job_status(tmp_path)
    assert status.state == "failed"
    assert "is damaged" in status.reason


def test_clear_attempt_keeps_the_checkpoint(tmp_path):
    write_failure(tmp_path, "EngineError", "x")
    for name in (CHECKPOINT, ".outputs.json.abc.tmp"):
        (tmp_path / name).write_text("x")
    clear_attempt(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [CHECKPOINT]


def test_a_killed_holder_gives_the_lock_back(tmp_path):
    lock = tmp_path / LOCK
    code = f"""
import sys, time
from pathlib import Path
from qddft.jobs.lock import hold
with hold(Path({str(lock)!r})):
    print("held", flush=True)
    time.sleep(60)
"""
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"held\n"
    assert is_held(lock)
    with pytest.raises(LockedError, match=rf"in use by process {process.pid} on .*; wait"), hold(lock, patience=0.1):
        pass
    process.kill()
    process.wait()
    process.stdout.close()
    assert not is_held(lock)
    with hold(lock):
        assert is_held(lock)
    assert lock.exists()


def test_progress_is_read_back(tmp_path):
    steps = [Progress(0, -1.5, 0.3, 1.0), Progress(1, -1.625, 0.125, 2.5)]
    for step in steps:
        append_progress(tmp_path, step)
    assert read_progress(tmp_path) == tuple(steps)
    first = json.loads((tmp_path / "progress.jsonl").read_text().splitlines()[0])
    assert first == {"step": 0, "energy_eV": -1.5, "max_force": 0.3, "seconds": 1.0}


@settings(max_examples=30, deadline=None)
@given(st.integers(min_value=0, max_value=300))
def test_a_torn_progress_line_is_skipped_and_mended(tmp_path_factory, cut):
    folder = tmp_path_factory.mktemp("job")
    for number in range(4):
        append_progress(folder, Progress(number, -float(number), 0.5, float(number)))
    path = folder / "progress.jsonl"
    os.truncate(path, min(cut, path.stat().st_size))
    left = read_progress(folder)
    assert [step.step for step in left] == list(range(len(left)))
    append_progress(folder, Progress(9, -9.0, 0.1, 9.0))
    assert read_progress(folder)[: len(left)] == left
    assert read_progress(folder)[-1].step == 9


@pytest.mark.parametrize(
    ("number", "message"),
    [
        (errno.ENOSPC, "disk is full"),
        (errno.EDQUOT, "quota"),
        (errno.EACCES, "no permission"),
        (errno.EROFS, "read-only"),
        (errno.ENOTDIR, "is a file"),
    ],
)
def test_what_the_disk_refuses_is_said_plainly(tmp_path, number, message):
    with pytest.raises(FolderError, match=message), disk_errors(tmp_path):
        raise OSError(number, "refused")


def test_other_system_errors_are_not_hidden(tmp_path):
    with pytest.raises(BlockingIOError), disk_errors(tmp_path):
        raise OSError(errno.EAGAIN, "again")
