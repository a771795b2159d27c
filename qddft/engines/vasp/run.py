"""Run a job folder here: start job.sh, and tell about every ionic step that it finishes."""

import os
import re
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from qddft.core.errors import EngineError
from qddft.engines.base import Progress
from qddft.jobs.folder import FAILURE, failure_reason

_STEP = re.compile(r"^\s*(\d+) F=\s*\S+\s+E0=\s*(\S+)", re.MULTILINE)
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
    """Reads what VASP appends to OSZICAR and OUTCAR."""

    def __init__(self, folder: Path, free: np.ndarray) -> None:
        self._folder, self._free = folder, free
        self._told = 0

    def tell(self, report: Callable[[Progress], None], seconds: float) -> None:
        path = self._folder / "OSZICAR"
        if not path.is_file():
            return
        steps = _STEP.findall(path.read_text(errors="replace"))
        for number, energy in steps[self._told :]:
            report(Progress(int(number) - 1, float(energy), self._max_force(), seconds))
        self._told = max(self._told, len(steps))

    def _max_force(self) -> float:
        """Return the largest force of the last whole block of OUTCAR, eV/Angstrom; NaN when there is none."""
        path, n_atoms = self._folder / "OUTCAR", len(self._free)
        if not path.is_file():
            return float("nan")
        with path.open("rb") as file:
            # a block is one line of 84 characters an atom; three blocks' length always holds a whole one, mostly
            file.seek(-min(path.stat().st_size, 400 * n_atoms + 200_000), os.SEEK_END)
            tail = file.read().decode(errors="replace")
        blocks = tail.split("TOTAL-FORCE (eV/Angst)")[1:]
        for block in reversed(blocks):
            rows = [line.split() for line in block.splitlines()[2 : 2 + n_atoms]]
            if len(rows) == n_atoms and all(len(row) == 6 for row in rows):
                forces = np.array([row[3:] for row in rows], dtype=float)
                return float(np.linalg.norm(forces[self._free], axis=1).max(initial=0.0))
        return float("nan")
