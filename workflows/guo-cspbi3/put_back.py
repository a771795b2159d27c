"""Is the covered face without a vacancy at its lowest? Puts the iodine back into relaxed vacancies.

The ligands of a covered face are relaxed from upright starts. A vacancy pushes them over, and what they gain by lying
otherwise is counted in its formation energy, although the face without the vacancy might gain it too. This script
starts the face without the vacancy where the vacancy ended, and prints by how much it is lower than in the run.

    uv run qddft run workflows/guo-cspbi3/demo.yaml -o run-guo
    uv run python workflows/guo-cspbi3/put_back.py run-guo put-back
"""

import sys
from pathlib import Path

from ase import Atoms

from qddft.engines.worker import work
from qddft.jobs.folder import OUTPUTS, write_job
from qddft.jobs.job import Given, Job
from qddft.jobs.run_folder import Run, load_run
from qddft.outputs.outputs import Outputs
from qddft.outputs.store import load_outputs
from qddft.recipes import recipe_of
from qddft.recipes.vacancy_energy import VacancyEnergy, farthest_ligand_atom


def put_back(pristine: Atoms, defect: Atoms) -> Atoms:
    """Return the pristine face with its ligands where the vacancy left them; the slab is held and did not move."""
    atoms = pristine.copy()
    free = atoms.arrays["fragment"] > 0
    atoms.positions[free] = defect.positions[defect.arrays["fragment"] > 0]
    return atoms


def outputs(run: Run, job: Job) -> Outputs:
    """Return what a job of the run gave."""
    return load_outputs(run.folder(run.entry(job.id)) / OUTPUTS)


def main(run_folder: Path, work_folder: Path) -> None:
    """Print one line a vacancy under ligands."""
    run = load_run(run_folder)
    jobs = {job.id: job for job in run.plan()}
    for recipe in (recipe_of(record, jobs) for record in run.recipes):
        if not isinstance(recipe, VacancyEnergy) or recipe.ligand == "none":
            continue
        (before,) = recipe.pristine.candidates
        pristine = outputs(run, before.final)
        defect = min((outputs(run, item.final) for item in recipe.defect.candidates), key=lambda item: item.energy)
        start = Given.of(put_back(pristine.atoms, defect.atoms))
        job = Job(f"put-back-{before.final.name}"[:60], "complex", "relax", start, before.final.level)
        folder = write_job(work_folder, job)
        work(folder)
        again = load_outputs(folder / OUTPUTS)
        sys.stdout.write(
            f"{recipe.ligand}: {again.energy - pristine.energy:+.3f} eV against the face of the run after "
            f"{again.n_ionic_steps} steps, a ligand atom {farthest_ligand_atom(pristine.atoms, again.atoms)} Å away\n"
        )
        sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
