"""Forty jobs through pilot jobs of real Parsl while workers and whole pilot jobs are killed at random."""

import contextlib
import os
import random
import secrets
import signal
import threading
import time

import pytest
from pilot_tools import family_of, gone, workers_at_work
from queue_tools import energies, starts, steps, write_run

from qddft.study.execute import run
from qddft.study.pilots import PilotExecutor, Pilots

pytest.importorskip("parsl")
pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("compiled")]
KILLING = 30.0


def forty(lj_job):
    options = [(atoms, spread) for atoms in (3, 4, 5, 6) for spread in (1.05, 1.1, 1.15, 1.2, 1.25)]
    parents = [lj_job(f"j{n}", atoms=a, spread=s, engine="ase:slow_lj:make") for n, (a, s) in enumerate(options)]
    children = [lj_job(f"s{job.name}", parent=job, task="static", engine="ase:slow_lj:make") for job in parents]
    return (*parents, *children)


def kill_now_and_then(tmp_path, draw, kills, over):
    """Kill somebody about every second, from when the first worker has something to do."""
    end = None
    while not over.wait(draw.uniform(0.3, 2.0)) and (end is None or time.monotonic() < end):
        workers = sorted(workers_at_work(tmp_path)[1])
        if not workers:
            continue
        end = end or time.monotonic() + KILLING
        victim = draw.choice(workers)
        with contextlib.suppress(ProcessLookupError):
            if draw.random() < 0.2:
                os.killpg(os.getpgid(victim), signal.SIGKILL)
            else:
                os.kill(victim, signal.SIGKILL)
            kills.append(victim)


def test_random_kills_change_no_result(tmp_path, pace, lj_job):
    jobs = forty(lj_job)
    pace(0)
    reference = write_run(tmp_path / "reference", *jobs)
    assert run(reference.path).complete
    (tmp_path / "calls.log").write_text("")
    pace(0.05)
    folder = write_run(tmp_path / "run", *jobs)
    assert len(folder.entries) == 40
    seed = secrets.randbelow(2**31)
    print(f"kills from the seed {seed}")  # noqa: T201  (shown when the test fails)
    kills, over = [], threading.Event()
    killer = threading.Thread(target=kill_now_and_then, args=(tmp_path, random.Random(seed), kills, over))
    pilots = Pilots(provider="local", blocks=2, jobs=2, heartbeat=6, retries=50, lost_blocks=50)
    stamps = {}
    others = family_of([os.getpid()])

    def watch(event):
        if event.kind == "done":
            stamps[event.entry.folder] = (folder.folder(event.entry) / "outputs.json").stat().st_mtime_ns

    with PilotExecutor(pilots, folder.path) as executor:
        killer.start()
        report = run(folder.path, executor=executor, on_event=watch)
        over.set()
        killer.join()
        processes = family_of([os.getpid()]) - others
    assert report.complete, report
    assert kills
    assert gone(processes, 20) == []
    assert energies(folder) == pytest.approx(energies(reference), abs=1e-7)
    # done once: no product was written again; a job begins again only because it was killed
    now = {entry.folder: (folder.folder(entry) / "outputs.json").stat().st_mtime_ns for entry in folder.entries}
    assert now == stamps
    begun = sum(starts(folder, entry.name) for entry in folder.entries)
    print(f"{len(kills)} kills, {begun} starts")  # noqa: T201
    assert begun <= 40 + 2 * len(kills)
    for entry in folder.entries:
        numbers = steps(folder, entry.name)
        assert numbers == list(range(len(numbers)))
