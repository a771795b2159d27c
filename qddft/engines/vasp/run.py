"""Run a job folder here: start job.sh, and tell about every ionic step that it finishes."""

import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from qddft.core.errors import EngineError
from qddft.engines.base import Progress
from qddft.engines.vasp.steps import energies_of_steps, last_max_force
from qddft.jobs.folder import FAILURE, failure_reason

_PAUSE = 1.0


def run_script(folder: Path, free: np.ndarray, report: Callable[[Progress], None]) -> None:
    """Run ``job.sh`` in a folder whose lock the caller holds.

    Parameters
    ----------
    folder
        Job folder.
    free
        Which atoms, in the order of POSCAR, are free to move, booleans, shape (n_atoms,).
    report
        Called once for every ionic step.

    Raises
    ------
    EngineError
        The script ended with an error; the message says why.
    """
    started = time.monotonic()
    environment = {**os.environ, "QDDFT_LOCKED": "1"}
    with (folder / "job.log").open("ab") as log:
        process = subprocess.Popen(
            ["bash", "job.sh"], cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
        watch = _Watch(folder, free)
        try:
            while process.poll() is None:
                time.sleep(_PAUSE)
                watch.tell(report, time.monotonic() - started)
        except BaseException:
            process.terminate()
            process.wait()
            raise
    watch.tell(report, time.monotonic() - started)
    if process.returncode:
        raise EngineError(f"{folder}: {_why(folder)}")


def _why(folder: Path) -> str:
    if (folder / FAILURE).exists():
        return failure_reason(folder)
    text = (folder / "job.log").read_text(errors="replace").strip()
    return text.splitlines()[-1] if text else "job.sh ended with an error and said nothing"


class _Watch:
    """Tells about what VASP has appended since the last look."""

    def __init__(self, folder: Path, free: np.ndarray) -> None:
        self._folder, self._free = folder, free
        self._told = 0

    def tell(self, report: Callable[[Progress], None], seconds: float) -> None:
        steps = energies_of_steps(self._folder)
        for number, energy in steps[self._told :]:
            report(Progress(number - 1, energy, last_max_force(self._folder, self._free), seconds))
        self._told = max(self._told, len(steps))
