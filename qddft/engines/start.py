"""Where a job starts: the structure it was given, or what its parent ended with."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from qddft.core.errors import FolderError
from qddft.jobs.folder import OUTPUTS, parent_folder
from qddft.jobs.job import Given, Job
from qddft.outputs.store import load_outputs

if TYPE_CHECKING:
    from ase import Atoms


class NotReadyError(FolderError):
    """The job waits for another one."""


def starting_point(job: Job, folder: Path) -> tuple["Atoms", tuple[str, ...]]:
    """Return the atoms a job starts with, and what a reader of its results has to know about them.

    Parameters
    ----------
    job
        The job.
    folder
        Its folder; the parent's folder lies beside it.

    Raises
    ------
    NotReadyError
        The parent has not finished.
    FolderError, OutputError
        The parent's result is damaged or holds other atoms.
    """
    if isinstance(job.start, Given):
        return job.start.atoms, ()
    parent = parent_folder(folder)
    if parent is None or not (parent / OUTPUTS).exists():
        raise NotReadyError(f"{folder.name} starts from {job.start.job.name}, which has not finished")
    outputs = load_outputs(parent / OUTPUTS)
    atoms = outputs.atoms
    if job.start.fragments is not None:
        atoms = atoms[np.isin(atoms.arrays["fragment"], job.start.fragments)]
    if atoms.get_chemical_symbols() != job.built_atoms.get_chemical_symbols():
        raise FolderError(f"{parent / OUTPUTS} holds other atoms than {folder.name} expects; delete it and run again")
    converged = outputs.ionically_converged
    note = f"starts from the last structure of {job.start.job.name}, whose relaxation has not converged"
    return atoms, () if converged else (note,)
