"""Ctrl-C in the middle of ``qddft run``, as a user's shell sends it."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from qddft.cli.main import DONE, INTERRUPTED

STUDY = """\
title: Acetate on CsPbBr3
levels: {"ase:slow_potential:make": loose.yaml}
slab: {formula: CsPbBr3, termination: PbX2, layers: 3, supercell: sqrt2, vacuum: 12.0, fixed_layers: all}
ligands: [{ligand: acetate, mode: X-site, reference: acid-exchange}]
"""
LEVEL = """\
name: loose
parent: calculator
description: as many steps as there is patience for
source: this test
settings: {force_tol_eV_per_A: 1e-9, max_ionic_steps: 6}
choices: {force_tol_eV_per_A: never reached, max_ionic_steps: ends the test}
"""
POTENTIAL = """\
import time
from ase.calculators.lj import LennardJones

class Slow(LennardJones):
    def calculate(self, *arguments, **options):
        time.sleep(0.2)
        super().calculate(*arguments, **options)

def make():
    return Slow()
"""


def start(folder):
    program = Path(sys.executable).with_name("qddft")
    # a shell gives the program a process group of its own and sends the signal to all of it
    return subprocess.Popen(
        [
            program,
            "run",
            "study.yaml",
            "-o",
            "run",
            "--engine",
            "ase:slow_potential:make",
            "--workers",
            "1",
            "--engine",
            "ase:slow_potential:make",
        ],
        cwd=folder,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def wait_for(condition, seconds=90):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "nothing happened"
        time.sleep(0.05)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "study.yaml").write_text(STUDY)
    (tmp_path / "loose.yaml").write_text(LEVEL)
    (tmp_path / "slow_potential.py").write_text(POTENTIAL)
    return tmp_path


def test_interrupted_run_goes_on(folder):
    first = start(folder)
    wait_for(lambda: any(len(path.read_text().splitlines()) >= 2 for path in folder.glob("run/jobs/*/progress.jsonl")))
    os.killpg(first.pid, signal.SIGINT)
    _, error = first.communicate(timeout=60)
    assert first.returncode == INTERRUPTED
    assert "run the same command again to continue" in error
    assert "Traceback" not in error
    before = {path: path.read_text().splitlines() for path in folder.glob("run/jobs/*/progress.jsonl")}
    second = start(folder)
    shown, error = second.communicate(timeout=180)
    # six steps do not converge: every job is done, and there is no number
    assert second.returncode != DONE
    assert "4 jobs done" in shown
    assert "NOT CONVERGED" in shown
    for path, lines in before.items():
        # the steps that were done are kept, none is done again
        assert path.read_text().splitlines()[: len(lines)] == lines
    records = json.loads((folder / "run" / "results.json").read_text())
    assert records[0]["value"] is None
