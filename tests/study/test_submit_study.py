"""The demonstration of the Tao study through a real Slurm that is disturbed in every way it may be.

All 25 jobs of workflows/tao-cspbbr3/demo.yaml, with tblite; what is smaller than in the demonstration is the level: the
relaxations end at 0.6 instead of 0.05 eV/Angstrom, after some steps.
"""

import contextlib
import os
import random
import re
import signal

import pytest
from local_slurm import missing
from queue_tools import entry_of, machine, one_chunk_each, wait_done, wait_empty, wait_until

from qddft.core.resources import data_folder
from qddft.jobs.folder import LOG
from qddft.study.collect import collect
from qddft.study.session import run as run_study
from qddft.study.session import write
from qddft.study.submit import retry, submit

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(missing()), reason=f"Slurm is not installed: no {', '.join(missing())}"),
]
LEVEL = """\
name: half-way
parent: screening
description: GFN2-xTB that stops half way; for tests of interruption
source: a test
caution: "half-way: the number means nothing"
settings: {force_tol_eV_per_A: 0.6, max_ionic_steps: 50}
choices: {force_tol_eV_per_A: quick, max_ionic_steps: quick}
"""


@pytest.fixture
def level(tmp_path):
    (tmp_path / "half-way.yaml").write_text(LEVEL)
    return tmp_path / "half-way.yaml"


def process_of(run, name):
    """Return the id of the process that began to work on a job last."""
    log = (run.folder(entry_of(run, name)) / LOG).read_text()
    return int(re.findall(r" as process (\d+) on ", log)[-1])


def in_a_relaxation(lines):
    """Return complexes at work that have done a step, so that their log names their process."""
    at_work = [line for line in lines if line.state == "running" and line.progress is not None]
    return [line for line in at_work if line.entry.role == "complex" and line.slurm_id]


def test_the_tao_demonstration_survives_all_of_it(tmp_path, queue_environment, cluster, level):
    study = data_folder("workflows") / "tao-cspbbr3" / "demo.yaml"
    assert run_study(study, tmp_path / "here", level=level, workers=2).complete
    run = write(study, tmp_path / "queue", level=level)
    assert len(run.entries) == 25
    calls = submit(run.path, one_chunk_each(walltime="00:01:00", restarts=0)).submitted
    assert sum(len(call.entries) for call in calls) == 25
    assert any("--dependency=aftercorr:" in call.command for call in calls)

    dice = random.Random(4)
    lines = wait_until(run, lambda lines: len(in_a_relaxation(lines)) >= 2)
    first, second = dice.sample(in_a_relaxation(lines.values()), 2)
    cluster.call("scancel", first.slurm_id)
    # a process that hangs is ended by the walltime
    hanging = process_of(run, second.entry.name)
    os.kill(hanging, signal.SIGSTOP)
    cluster.kill("slurmd")
    cluster.start_node()
    cluster.wait_idle()
    wait_until(run, in_a_relaxation)
    cluster.restart_controller()
    ended = wait_empty(run, seconds=420)
    with contextlib.suppress(ProcessLookupError):
        os.kill(hanging, signal.SIGKILL)
    assert (ended[first.entry.name].state, ended[first.entry.name].reason) == ("stopped", "cancelled")
    assert (ended[second.entry.name].state, ended[second.entry.name].reason) == ("stopped", "time limit of the queue")

    retry(run.path, machine(cpus_per_task=2, minutes=1))
    wait_done(run, seconds=600)
    here, there = collect(tmp_path / "here"), collect(run.path)
    assert len(here) == len(there) == 4
    for column in ("quantity", "system", "ligand", "reference", "level", "charge"):
        assert list(here[column]) == list(there[column])
    assert list(here["value"]) == pytest.approx(list(there["value"]), abs=1e-6, nan_ok=True)
