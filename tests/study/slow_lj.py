"""A Lennard-Jones calculator that takes its time and writes down every evaluation, for tests of interruption."""

import os
import time
from pathlib import Path

from ase.calculators.lj import LennardJones


class Slow(LennardJones):
    """Sleeps in every evaluation; fails for the elements named in the environment."""

    def calculate(self, atoms=None, *args):
        """Write one line, sleep, compute."""
        with Path(os.environ["SLOW_LJ_LOG"]).open("a") as log:
            log.write(f"{len(atoms)} {os.getpid()}\n")
        begun = time.monotonic()
        while time.monotonic() - begun < _seconds():
            time.sleep(0.05)
        if str(len(atoms)) == os.environ.get("SLOW_LJ_FAILS"):
            raise NotImplementedError("five atoms are too many")
        super().calculate(atoms, *args)


def _seconds():
    """Return how long an evaluation takes; a test that has seen enough writes a shorter time beside the log."""
    pace = Path(f"{os.environ['SLOW_LJ_LOG']}.pace")
    return float(pace.read_text() if pace.exists() else os.environ.get("SLOW_LJ_SECONDS", "0"))


def make():
    """Return the calculator."""
    return Slow()
