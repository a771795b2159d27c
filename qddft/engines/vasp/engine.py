"""VASP as an engine: writes job folders for a cluster, runs them where VASP is installed, reads them back."""

import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from qddft.core.errors import EngineError, OutputError
from qddft.engines.vasp.run import run_script
from qddft.engines.vasp.selective import held_atoms
from qddft.engines.vasp.species import species_order
from qddft.engines.vasp.steps import last_step
from qddft.engines.vasp.supervised import with_changes
from qddft.engines.vasp.write import DONE_FILE, lacks_inputs, write_folder
from qddft.jobs.folder import FAILURE, failure_reason

if TYPE_CHECKING:
    from collections.abc import Callable

    from ase import Atoms

    from qddft.engines.base import Progress
    from qddft.jobs.job import Job
    from qddft.outputs.outputs import Outputs

_EXECUTABLES = ("vasp_std", "vasp_gam")
_ADVICE = (
    "VASP is not installed here: write the folders with `qddft write STUDY --engine vasp -o RUN`, run job.sh in each "
    "of them on a computer that has VASP, then `qddft collect RUN`; to run here, put vasp_std and vasp_gam on PATH or "
    "set VASP_EXE and VASP_LAUNCHER"
)


class Vasp:
    """The Vienna ab initio simulation package; licensed, so qddft brings neither program nor data sets."""

    name = "vasp"

    def available(self) -> str | None:
        """Return ``None`` when VASP can run here, else one sentence on how to get there."""
        given = os.environ.get("VASP_EXE")
        wanted = (given,) if given else _EXECUTABLES
        return None if all(shutil.which(program) for program in wanted) else _ADVICE

    def version(self) -> str:
        """Return what is known before a run; each OUTCAR names the version that made it."""
        return "not known before a run"

    def write(self, job: "Job", atoms: "Atoms | None", folder: Path) -> None:
        """Write the input files; without atoms all but POSCAR, which job.sh then makes from the parent's CONTCAR."""
        write_folder(job, atoms, folder)

    def lacks_inputs(self, folder: Path, *, start_known: bool) -> bool:
        """Tell whether POSCAR, of a job whose start is known now, or POTCAR can be added to a folder."""
        return lacks_inputs(folder, start_known=start_known)

    def run(self, job: "Job", atoms: "Atoms", folder: Path, report: "Callable[[Progress], None]") -> "Outputs":
        """Run job.sh in a folder, going on from its CONTCAR where it was interrupted, and read the result.

        Raises
        ------
        EngineError
            VASP is not installed here, or it failed.
        """
        missing = self.available()
        if missing is not None:
            raise EngineError(missing)
        write_folder(job, atoms, folder)
        if not (folder / DONE_FILE).exists():
            free = ~held_atoms(atoms)[species_order(atoms.get_chemical_symbols())]
            run_script(folder, free, report)
        return self.read(job, folder)

    def read(self, job: "Job", folder: Path) -> "Outputs":
        """Read a finished calculation, atoms in the order of the job, with their labels, and what was changed in it.

        Raises
        ------
        OutputError
            The files are missing or damaged, or hold other atoms than the job.
        """
        from qddft.engines.vasp.read import read_outputs

        return with_changes(in_job_order(job, read_outputs(folder)), folder)

    def finished(self, folder: Path) -> bool:
        """Tell whether job.sh has found its calculation whole and converged."""
        return (folder / DONE_FILE).exists()

    def failure(self, folder: Path) -> str:
        """Return what job.sh left about its failure."""
        return failure_reason(folder) if (folder / FAILURE).exists() else ""

    def last_step(self, job: "Job", folder: Path) -> "Progress | None":
        """Return the last ionic step that OSZICAR and OUTCAR tell of."""
        return last_step(job, folder)


def in_job_order(job: "Job", outputs: "Outputs") -> "Outputs":
    """Undo the grouping by species, and give the atoms back their labels, constraints and description.

    Raises
    ------
    OutputError
        The files hold other atoms than the job.
    """
    built = job.built_atoms
    order = species_order(built.get_chemical_symbols())
    if outputs.atoms.get_chemical_symbols() != [built.symbols[int(index)] for index in order]:
        raise OutputError(
            f"{outputs.source or job.folder_name} holds {outputs.atoms.get_chemical_formula()} in another order or "
            f"number than {job.folder_name} ({built.get_chemical_formula()}): these are not the files of this job"
        )
    back = np.argsort(order)
    atoms = built.copy()
    # ASE would hold fixed atoms back
    atoms.set_constraint()
    atoms.set_cell(outputs.atoms.cell)
    atoms.set_pbc(True)
    atoms.positions = outputs.atoms.positions[back]
    atoms.set_constraint(built.constraints)
    forces = None if outputs.forces is None else outputs.forces[back]
    return replace(outputs, atoms=atoms, forces=forces)
