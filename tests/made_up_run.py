"""A finished run with made-up energies, for tests of study, report and cli."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from qddft.jobs.folder import OUTPUTS
from qddft.jobs.job import FinalOf, Given, Job
from qddft.jobs.plan import Plan
from qddft.jobs.progress import Progress, append_progress
from qddft.jobs.run_folder import Run, create_run
from qddft.outputs.outputs import Outputs
from qddft.outputs.store import save_outputs

# total energies, eV, chosen so that E_ads = -0.33 and +0.41 eV
ENERGIES = {
    "slab": -100.0,
    "molecule-methanol": -20.0,
    "complex-methanol": -120.33,
    "ligand-of-methanol": -19.95,
    "molecule-methylamine": -21.0,
    "complex-methylamine": -120.59,
}

PUBLISHED = {"quantity": "E_ads", "value": -0.33, "unit": "eV", "tolerance": 0.1, "source": "Somebody et al., SI"}


def make_run(path: Path, *, leave_out: tuple[str, ...] = ()) -> Run:
    """Make a run folder as ``write`` and ``run`` leave it."""
    jobs, recipes = _jobs_and_recipes()
    study = Path(__file__).parent / "data" / "two-ligands.yaml"
    run = create_run(
        path,
        Plan.of(jobs),
        engine="tblite",
        title="Two small ligands on CsPbBr3",
        study_text=study.read_text(encoding="utf-8"),
        recipes=[recipe.record() for recipe in recipes],
    )
    for entry in run.entries:
        if entry.name not in leave_out:
            finish(run.folder(entry), run.job(entry))
    return run


def finish(folder: Path, job: Job) -> None:
    atoms = job.built_atoms
    forces = np.zeros((len(atoms), 3))
    forces[-1] = [0.0, 0.0, 0.04]
    for step in range(6 if job.task == "relax" else 1):
        append_progress(folder, Progress(step, ENERGIES[job.name], 2.0 / 2**step, 3.0 * (step + 1)))
    save_outputs(
        folder / OUTPUTS,
        Outputs(
            atoms=atoms,
            energy=ENERGIES[job.name],
            free_energy=ENERGIES[job.name],
            forces=forces,
            electronically_converged=True,
            ionically_converged=True,
            n_ionic_steps=6 if job.task == "relax" else 1,
            settings=dict(job.level["settings"]),
            engine="tblite",
            engine_version="0.8.0",
            charge=0.0,
        ),
    )


def _jobs_and_recipes():
    from qddft.analysis.reaction import Species, composition_of
    from qddft.atoms.slab import build_slab
    from qddft.levels.load import load_level
    from qddft.library.ligands import get_ligand
    from qddft.recipes.binding_energy import BindingEnergy, Parts
    from qddft.recipes.legs import Leg
    from qddft.recipes.relaxation import Relaxation

    level = load_level("screening")
    resolved = level.resolved("tblite")
    slab_atoms = build_slab("CsPbBr3", layers=3, supercell=(2, 2), vacuum=15.0, fixed_layers=3)

    def leg(name, role, atoms, coefficient):
        job = Job(name, role, "relax", Given.of(atoms), resolved)
        return Leg(
            Species(name, coefficient, composition_of(atoms.symbols)), (Relaxation(job, job),), role == "molecule"
        )

    slab = leg("slab", "slab", slab_atoms, -1)
    recipes = []
    for name, smiles in (("methanol", "CO"), ("methylamine", "CN")):
        ligand = get_ligand(smiles)
        molecule_atoms = ligand.atoms
        molecule_atoms.set_cell([15, 15, 15])
        molecule_atoms.pbc = True
        complex_ = leg(f"complex-{name}", "complex", _on_top(slab_atoms, ligand, name), 1)
        relaxed = complex_.candidates[0].relaxed
        recipe = BindingEnergy(
            name=f"binding-energy-{name}",
            system="CsPbBr3 (001)/PbBr2, 2x2, 3 layers, one face",
            ligand=name,
            scheme="neutral",
            complexes=complex_,
            slab=slab,
            molecules=(leg(f"molecule-{name}", "molecule", molecule_atoms, -1),),
            n=1,
            per_face=1,
            engine="tblite",
            level="screening",
            caution=level.caution,
            published=PUBLISHED if name == "methanol" else None,
        )
        if name == "methanol":
            part = Job(f"ligand-of-{name}", "complex", "static", FinalOf(relaxed, (1,)), resolved)
            recipe = replace(recipe, parts=(Parts(None, part),))
        recipes.append(recipe)
    return [job for recipe in recipes for job in recipe.jobs().values()], recipes


def _on_top(slab, ligand, name):
    """Put a ligand 2.6 Angstrom above a surface lead, standing on its anchor."""
    lead = max((i for i in range(len(slab)) if slab.symbols[i] == "Pb"), key=lambda i: slab.positions[i, 2])
    anchor = ligand.anchors[0][0]
    atoms = ligand.atoms
    axis = atoms.positions.mean(axis=0) - atoms.positions[anchor]
    atoms.rotate(axis, [0, 0, 1], center=atoms.positions[anchor])
    atoms.positions += slab.positions[lead] + [0, 0, 2.6] - atoms.positions[anchor]
    atoms.set_array("layer", np.zeros(len(atoms), dtype=int))
    complex_ = slab.copy()
    complex_ += atoms
    entry = ligand.record(mode="atop", face="top", anchors=[len(slab) + anchor], sites=[[lead]]) | {"name": name}
    complex_.info["qddft"] = slab.info["qddft"] | {
        "kind": "complex",
        "fragments": [{"name": "slab", "charge": 0}, entry],
    }
    return complex_
