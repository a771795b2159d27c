"""How far a running VASP is: what it appends to OSZICAR and OUTCAR after every ionic step."""

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from qddft.engines.vasp.read.numbers import to_float
from qddft.jobs.progress import Progress

if TYPE_CHECKING:
    from qddft.jobs.job import Job

# molecular dynamics puts temperature and total energy in front
_STEP = re.compile(r"^[ \t]*(\d+)[ \t]+(?:T=[^\n]*?E=[ \t]*\S+[ \t]+)?F=[ \t]*\S+[ \t]+E0=[ \t]*(\S+)", re.MULTILINE)
_LOOP = re.compile(r"LOOP\+:.*real time\s*([\d.]+)")


def energies_of_steps(folder: Path) -> tuple[tuple[int, float], ...]:
    """Return number, from 1, and E(sigma -> 0) in eV of every finished ionic step."""
    path = folder / "OSZICAR"
    if not path.is_file():
        return ()
    found = _STEP.findall(path.read_text(errors="replace"))
    # stars where an energy overflowed are no energy
    return tuple((int(number), value) for number, text in found if (value := to_float(text)) is not None)


def last_max_force(folder: Path, free: np.ndarray) -> float:
    """Return the largest force on a free atom in the last whole block of OUTCAR, eV/Angstrom; NaN without one.

    Parameters
    ----------
    folder
        Job folder.
    free
        Which atoms, in the order of POSCAR, are free to move, booleans, shape (n_atoms,).
    """
    n_atoms = len(free)
    for block in reversed(_tail(folder, n_atoms).split("TOTAL-FORCE (eV/Angst)")[1:]):
        rows = [line.split() for line in block.splitlines()[2 : 2 + n_atoms]]
        if len(rows) == n_atoms and all(len(row) == 6 for row in rows):
            forces = np.array([row[3:] for row in rows], dtype=float)
            return float(np.linalg.norm(forces[free], axis=1).max(initial=0.0))
    return float("nan")


def last_step(job: "Job", folder: Path) -> Progress | None:
    """Return the last ionic step in a folder; its time is the number of steps times the length of the last one."""
    from qddft.engines.vasp.selective import held_atoms
    from qddft.engines.vasp.species import species_order

    steps = energies_of_steps(folder)
    if not steps:
        return None
    atoms = job.built_atoms
    free = ~held_atoms(atoms)[species_order(atoms.get_chemical_symbols())]
    number, energy = steps[-1]
    loops = _LOOP.findall(_tail(folder, len(atoms)))
    return Progress(number - 1, energy, last_max_force(folder, free), number * float(loops[-1]) if loops else 0.0)


def _tail(folder: Path, n_atoms: int) -> str:
    path = folder / "OUTCAR"
    if not path.is_file():
        return ""
    with path.open("rb") as file:
        # a block is one line of 84 characters an atom; this length always holds a whole one, mostly
        file.seek(-min(path.stat().st_size, 400 * n_atoms + 200_000), os.SEEK_END)
        return file.read().decode(errors="replace")
