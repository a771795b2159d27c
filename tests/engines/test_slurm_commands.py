"""The commands of Slurm, played by small scripts; the real ones are tested in tests/study/test_submit.py."""

import pytest

from qddft.core.errors import MachineError
from qddft.engines import slurm


@pytest.fixture
def fake(tmp_path, monkeypatch):
    """Return a function that puts a program on PATH which prints a text and writes down its arguments."""
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")

    def make(name, text="", code=0):
        script = (
            f"#!/bin/bash\nprintf '<%s>' \"$@\" > {tmp_path}/{name}.arguments\ncat << 'END'\n{text}\nEND\nexit {code}\n"
        )
        (tmp_path / name).write_text(script)
        (tmp_path / name).chmod(0o755)
        return tmp_path / f"{name}.arguments"

    return make


def test_sbatch_gets_every_option_as_one_argument(fake, tmp_path):
    arguments = fake("sbatch", "123;cluster")
    assert slurm.submit(["--comment=a b; $(x)"], tmp_path / "a 'b'.sh", tmp_path / "run\n1") == "123"
    assert arguments.read_text() == f"<--parsable><--chdir={tmp_path}/run\n1><--comment=a b; $(x)><{tmp_path}/a 'b'.sh>"


def test_the_queue_is_read_by_name_and_element(fake):
    fake("squeue", "12_3|qddft-a|PENDING|Dependency|3\n13|qddft-b|RUNNING|None|N/A\nslurm_load_jobs error")
    first, second = slurm.queue()
    assert first == slurm.QueueTask("12_3", "qddft-a", "PENDING", "Dependency", 3)
    assert (second.token, second.index) == ("qddft-b", 0)


def test_only_these_ids_are_cancelled_some_hundred_at_once(fake, tmp_path, monkeypatch):
    arguments = fake("scancel")
    slurm.cancel(["12", "13"])
    assert arguments.read_text() == "<--me><12><13>"
    monkeypatch.setattr(slurm, "_AT_ONCE", 2)
    slurm.cancel(["12", "13", "14"])
    assert arguments.read_text() == "<--me><14>"
    arguments.unlink()
    slurm.cancel([])
    assert not arguments.exists()


def test_a_partition_is_found(fake):
    fake("sinfo", "debug*|64|10|1-00:00:00|1000\nbig|128+|2|infinite|2000+\nbig|96|3|infinite|4000")
    assert slurm.partition(None) == slurm.Partition(64, 1000, 10, 86400)
    assert slurm.partition("big") == slurm.Partition(128, 4000, 5, None)
    with pytest.raises(MachineError, match="no partition 'gpu'; it has: big, debug"):
        slurm.partition("gpu")
    fake("sinfo", "debug|64|10|1-00:00:00|1000")
    with pytest.raises(MachineError, match="no default partition; set 'partition'"):
        slurm.partition(None)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("10:00", 600), ("1:00:00", 3600), ("7-00:00:00", 604800), ("5", 300), ("infinite", None), ("n/a", None)],
)
def test_limits_are_read(text, seconds):
    assert slurm.limit_seconds(text) == seconds


def test_refusals_are_passed_on(fake, monkeypatch, tmp_path):
    fake("sbatch", "sbatch: error: invalid account", 1)
    with pytest.raises(MachineError, match="sbatch refuses: sbatch: error: invalid account"):
        slurm.submit([], tmp_path / "x", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MachineError, match="there is no squeue here; run this where Slurm's commands are"):
        slurm.queue()


def test_a_silent_command_is_not_waited_for_for_ever(fake, monkeypatch, tmp_path):
    (tmp_path / "squeue").write_text("#!/bin/bash\nexec sleep 5\n")
    (tmp_path / "squeue").chmod(0o755)
    fake("sbatch")
    monkeypatch.setattr(slurm, "_TIMEOUT", 0.2)
    with pytest.raises(MachineError, match=r"squeue has not answered for 0.2 s; try again later"):
        slurm.queue()


def test_a_task_that_has_just_ended_is_no_failure(tmp_path, monkeypatch):
    """squeue still had both; scancel refuses the one that ended, cancels the other, and a second look shows none."""
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(slurm, "_MOMENT", 0)
    rows = ("7|ours|RUNNING", "8|ours|RUNNING", "9|ours|COMPLETING", "10|other|RUNNING")
    listed = "; ".join(f"echo '{row}|None|N/A'" for row in rows)
    refusal = "scancel: error: Kill job error on job id 7: Job/step already completing or completed"
    scripts = {
        "squeue": f"test -e {tmp_path}/asked && exit 0; {listed}",
        "scancel": f'touch {tmp_path}/asked; echo "$@" >> {tmp_path}/said; echo "{refusal}" >&2; exit 1',
    }
    for name, text in scripts.items():
        (tmp_path / name).write_text(f"#!/bin/bash\n{text}\n")
        (tmp_path / name).chmod(0o755)
    assert [task.slurm_id for task in slurm.cancel_named({"ours"})] == ["8"]
    assert (tmp_path / "said").read_text() == "--me 7 8\n"
    (tmp_path / "asked").unlink()
    (tmp_path / "squeue").write_text("#!/bin/bash\necho '7|ours|RUNNING|None|N/A'\n")
    with pytest.raises(MachineError, match=r"scancel refuses: .*job id 7"):
        slurm.cancel_named({"ours"})
