import errno
import os
import subprocess
import sys

import pytest

from qddft.core.errors import EngineError, FolderError, OutputError
from qddft.engines import worker
from qddft.engines.launch import Launcher, Outcome, cores
from qddft.engines.start import NotReadyError, starting_point
from qddft.jobs.folder import FAILURE, JOB, LOCK, OUTPUTS, failure_reason, write_job
from qddft.jobs.lock import hold
from qddft.outputs.store import load_outputs


def test_it_does_a_job_and_leaves_it_alone_afterwards(tmp_path, lj_job, capfd):
    folder = write_job(tmp_path, lj_job())
    assert worker.main([str(folder)]) == 0
    assert load_outputs(folder / OUTPUTS).converged
    stamp = (folder / OUTPUTS).stat().st_mtime_ns
    assert worker.main([str(folder)]) == 0
    assert (folder / OUTPUTS).stat().st_mtime_ns == stamp
    assert capfd.readouterr().err.count("begins cluster") == 1


def test_it_keeps_out_of_a_locked_folder(tmp_path, lj_job, capfd):
    folder = write_job(tmp_path, lj_job())
    with hold(folder / LOCK):
        assert worker.main([str(folder)]) == 75
    assert f"in use by process {os.getpid()}" in capfd.readouterr().err
    assert not (folder / FAILURE).exists()


def test_it_waits_for_the_parent(tmp_path, lj_job, capfd):
    folder = write_job(tmp_path, lj_job("child", parent=lj_job("parent")))
    write_job(tmp_path, lj_job("parent"))
    assert worker.main([str(folder)]) == 75
    assert "starts from parent, which has not finished" in capfd.readouterr().err
    assert not (folder / FAILURE).exists()


def test_what_goes_wrong_is_recorded(tmp_path, lj_job, capfd):
    folder = write_job(tmp_path, lj_job(engine="ase:nowhere:make"))
    assert worker.main([str(folder)]) == 1
    assert "no module 'nowhere'" in failure_reason(folder)
    with pytest.raises(EngineError):
        worker.work(folder)


def test_a_damaged_job_is_recorded_too(tmp_path, lj_job, capfd):
    folder = write_job(tmp_path, lj_job())
    (folder / JOB).write_text("{")
    assert worker.main([str(folder)]) == 1
    assert "is damaged" in failure_reason(folder)


def test_a_folder_that_is_not_there(tmp_path, capfd):
    assert worker.main([str(tmp_path / "nowhere")]) == 1
    assert "there is no job folder" in capfd.readouterr().err


def test_a_full_disk_is_said_plainly(tmp_path, lj_job, monkeypatch, capfd):
    folder = write_job(tmp_path, lj_job())

    def refuse(path, outputs):
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr(worker, "save_outputs", refuse)
    with pytest.raises(FolderError, match="the disk is full; make room and run again"):
        worker.work(folder)
    assert "the disk is full" in failure_reason(folder)
    monkeypatch.undo()
    # the checkpoint was written: nothing is computed again
    worker.work(folder)
    assert load_outputs(folder / OUTPUTS).converged


def test_a_leash_ends_the_worker(tmp_path, lj_job):
    folder = write_job(tmp_path, lj_job())
    with hold(folder / LOCK):
        code = (
            "import sys, time, threading; from qddft.engines import worker; "
            "worker.work = lambda folder: time.sleep(60); sys.exit(worker.main(['--leash', sys.argv[1]]))"
        )
        process = subprocess.Popen(
            [sys.executable, "-c", code, str(folder)], stdin=subprocess.PIPE, start_new_session=True
        )
        process.stdin.close()
        assert process.wait(30) < 0


def test_a_foreign_parent_is_refused(tmp_path, lj_job):
    parent, other = lj_job("parent"), lj_job("other", atoms=5)
    child = lj_job("child", parent=parent)
    folders = [write_job(tmp_path, job) for job in (parent, other, child)]
    worker.work(folders[1])
    (folders[0] / OUTPUTS).write_text((folders[1] / OUTPUTS).read_text())
    with pytest.raises(FolderError, match="holds other atoms than child"):
        starting_point(child, folders[2])
    (folders[0] / OUTPUTS).write_text("{")
    with pytest.raises(OutputError, match="is damaged"):
        starting_point(child, folders[2])
    (folders[0] / OUTPUTS).unlink()
    with pytest.raises(NotReadyError):
        starting_point(child, folders[2])


def test_a_stopped_launcher_starts_nothing(tmp_path):
    launcher = Launcher(1)
    launcher.stop()
    assert launcher.run(str(tmp_path)) == Outcome("stopped")


def test_there_is_a_core():
    assert 1 <= cores() <= (os.cpu_count() or 1)
