"""What tests of the queue share: machines, small runs, and waiting for what the queue does with them."""

import json
import sys
import time

from qddft.engines.machine import Chunks, Environment, Machine, Queue
from qddft.jobs.folder import LOG, OUTPUTS
from qddft.jobs.plan import Plan
from qddft.jobs.run_folder import create_run
from qddft.outputs.store import load_outputs
from qddft.study.queue_status import queue_status

ENGINE = "ase:slow_lj:make"


def machine(*, walltime="00:10:00", minutes=60, **queue):
    return Machine(
        name="here",
        queue=Queue(partition="debug", walltime=walltime, **({"warn_seconds": 0} | queue)),
        environment=Environment(python=sys.executable),
        chunks=Chunks(minutes=minutes),
    )


def one_chunk_each(**queue):
    """Return a machine on which nothing is short enough to share a chunk: arrays by generation, element by element."""
    return machine(**queue).model_copy(update={"chunks": Chunks.model_construct(minutes=1e-9, at_once=0)})


def write_run(path, *jobs):
    return create_run(path, Plan.of(jobs), engine=ENGINE, title="Test", study_text="")


def family(lj_job):
    parent = lj_job("parent", engine=ENGINE)
    return (
        parent,
        lj_job("again", parent=parent, task="static", engine=ENGINE),
        lj_job("other", atoms=5, engine=ENGINE),
        lj_job("third", atoms=3, engine=ENGINE),
    )


def states(run):
    return {line.entry.name: line.state for line in queue_status(run.path)}


def wait_until(run, condition, seconds=180):
    deadline = time.monotonic() + seconds
    while not condition(found := queue_status(run.path)):
        assert time.monotonic() < deadline, [(line.entry.name, line.state, line.reason) for line in found]
        time.sleep(0.3)
    return {line.entry.name: line for line in found}


def wait_done(run, seconds=180):
    def all_done(lines):
        failed = [(line.entry.name, line.reason) for line in lines if line.state == "failed"]
        assert not failed, failed
        return all(line.state == "done" for line in lines)

    return wait_until(run, all_done, seconds)


def wait_empty(run, seconds=180):
    """Wait until nothing of a run is in the queue."""
    return wait_until(run, lambda lines: not any(line.slurm_id for line in lines), seconds)


def wait_step(run, name, step=2):
    return wait_until(
        run,
        lambda lines: any(
            line.entry.name == name and line.progress is not None and line.progress.step >= step for line in lines
        ),
    )


def entry_of(run, name):
    return next(entry for entry in run.entries if entry.name == name)


def energies(run):
    return {entry.name: load_outputs(run.folder(entry) / OUTPUTS).energy for entry in run.entries}


def starts(run, name):
    """Return how often somebody began to work on a job."""
    return (run.folder(entry_of(run, name)) / LOG).read_text().count(" begins ")


def steps(run, name):
    """Return the numbers of the ionic steps that were recorded."""
    folder = run.folder(entry_of(run, name))
    return [json.loads(line)["step"] for line in (folder / "progress.jsonl").read_text().splitlines()]
