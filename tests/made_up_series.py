"""A planned study with convergence series and made-up outputs of its jobs, for tests of recipes and reports."""

from pathlib import Path

import numpy as np

from qddft.jobs.job import Job
from qddft.levels.settings import Settings
from qddft.outputs.outputs import Outputs
from qddft.recipes.convergence import Convergence
from qddft.study.expand import Expansion, expand
from qddft.study.load import load_study
from qddft.study.plan_table import mesh_of

STUDY = """\
title: made-up series
levels: {vasp: tao-pbe, tblite: screening}
slab: {formula: CsPbBr3, layers: 3, supercell: [1, 1], vacuum: 12.0, fixed_layers: 1}
ligands:
  - {ligand: ammonia}
convergence:
"""
CUTOFFS = "  - {vary: cutoff_eV, values: [300, 400, 500, 600], tolerance: 0.01, engines: [vasp]}\n"
# E_ads at each cutoff, eV; 400 eV lies within 0.01 of all that are finer
E_ADS = {300.0: -0.70, 400.0: -0.632, 500.0: -0.628, 600.0: -0.630}


def planned(folder: Path, rows: str = CUTOFFS, *, engine: str = "vasp") -> Expansion:
    path = folder / "study.yaml"
    path.write_text(STUDY + rows, encoding="utf-8")
    return expand(load_study(path), engine=engine)


def series_of(found: Expansion) -> list[Convergence]:
    return [recipe for recipe in found.recipes if isinstance(recipe, Convergence)]


def made_up(job: Job, energies: dict[float, float] = E_ADS) -> Outputs:
    """Return what a job might have given: a ligand on a slab has the adsorption energy of its cutoff."""
    settings = Settings.model_validate(job.level["settings"])
    atoms = job.built_atoms
    labels = atoms.arrays.get("fragment", np.ones(len(atoms)))
    whole = job.role == "complex" and bool((labels == 0).any())
    # each atom costs the same everywhere, so that only the bond is left in a difference
    energy = -3.0 * len(atoms) + (energies.get(float(settings.cutoff_eV or 0), 0.0) if whole else 0.0)
    return Outputs(
        atoms=atoms,
        energy=energy,
        free_energy=energy,
        forces=np.zeros((len(atoms), 3)),
        electronically_converged=True,
        ionically_converged=True,
        n_ionic_steps=1,
        settings={
            "xc": settings.xc,
            "cutoff_eV": settings.cutoff_eV,
            "dispersion": settings.dispersion,
            "smearing": settings.smearing,
            "sigma_eV": settings.sigma_eV,
            "kpoints": list(mesh_of(job, settings)),
        },
        engine="vasp",
        engine_version="6.4.2",
    )


def outputs_of(recipe: Convergence, energies: dict[float, float] = E_ADS) -> dict[str, Outputs]:
    return {label: made_up(job, energies) for label, job in recipe.jobs().items()}
