"""``progress.jsonl``: one line an ionic step, readable while it grows and after a process was killed."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from qddft.core.files import write_bytes

FILE = "progress.jsonl"


@dataclass(frozen=True)
class Progress:
    """The state after one ionic step.

    Attributes
    ----------
    step
        Number of the step, from 0.
    energy
        Total energy, eV.
    max_force
        Largest force on a free atom, eV/Angstrom.
    seconds
        Wall time since the job's first start, s; the time between two attempts does not count.
    """

    step: int
    energy: float
    max_force: float
    seconds: float


def append_progress(folder: Path, progress: Progress) -> None:
    """Add one line to the progress of a job folder; a line torn by a killed process is ended first."""
    path = folder / FILE
    values = asdict(progress)
    line = json.dumps({"step": values.pop("step"), "energy_eV": values.pop("energy"), **values}) + "\n"
    with path.open("a+b") as file:
        if file.tell():
            file.seek(-1, os.SEEK_END)
            line = line if file.read(1) == b"\n" else "\n" + line
        file.write(line.encode())


def drop_progress_from(folder: Path, step: int) -> None:
    """Forget the lines of ``step`` and later ones: an attempt that begins there does them again."""
    path = folder / FILE
    if path.exists():
        lines = path.read_bytes().splitlines(keepends=True)
        kept = [line for line in lines if (parsed := _parsed(line)) is not None and parsed.step < step]
        if len(kept) < len(lines):
            write_bytes(path, b"".join(kept))


def read_progress(folder: Path) -> tuple[Progress, ...]:
    """Return the steps of a job folder in order; a torn line is skipped, of a step done twice the later line counts."""
    path = folder / FILE
    try:
        lines = path.read_bytes().splitlines()
    except FileNotFoundError:
        return ()
    steps = {step.step: step for line in lines if (step := _parsed(line)) is not None}
    return tuple(steps[number] for number in sorted(steps))


def _parsed(line: bytes) -> Progress | None:
    try:
        data: Any = json.loads(line)
        return Progress(
            step=int(data["step"]),
            energy=float(data["energy_eV"]),
            max_force=float(data["max_force"]),
            seconds=float(data["seconds"]),
        )
    except (UnicodeDecodeError, json.JSONDecodeError, KeyError, TypeError, ValueError):
        return None
