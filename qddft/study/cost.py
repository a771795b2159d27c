"""What a job will cost, roughly, before it runs."""

from dataclasses import dataclass
from math import prod

from qddft.atoms.electrons import VALENCE_ELECTRONS
from qddft.jobs.job import Job
from qddft.levels.kpoints import job_mesh
from qddft.levels.settings import Mesh, Settings

# GFN2-xTB energy and forces, periodic, two threads of one laptop: 2.0 s for 40 atoms, 4.2 s for 52, 19.7 s for 117 and
# 61 s for 171 (measured, tblite 0.8.0); the power law through the first and the last
_TBLITE_SECONDS, _TBLITE_ATOMS, _TBLITE_POWER = 2.0, 40, 2.35
# ionic steps a relaxation takes on average; ligands on a frozen slab in GFN2-xTB, a whole surface in DFT
_STEPS = {"tblite": 50, "vasp": 40}
_OTHER_STEPS = 40
_SCF_POWER = 3


@dataclass(frozen=True)
class Cost:
    """The price of one job.

    Attributes
    ----------
    electrons
        Valence electrons; ``None`` where an element has no listed PAW set.
    mesh
        k-points along the three axes.
    steps
        Ionic steps assumed.
    seconds
        Wall time on two threads; ``None`` for engines that were not measured.
    work
        Electrons^3 x k-points x steps / 10^9: comparable among the jobs of one plan.
    """

    electrons: int | None
    mesh: Mesh
    steps: int
    seconds: float | None
    work: float


def job_cost(job: Job, engine: str) -> Cost:
    """Return a rough price of a job."""
    atoms = job.built_atoms
    symbols = atoms.get_chemical_symbols()
    known = all(symbol in VALENCE_ELECTRONS for symbol in symbols)
    electrons = sum(VALENCE_ELECTRONS.get(symbol, 10) for symbol in symbols) - job.charge
    settings = Settings(**job.level["settings"])
    supercell = str(atoms.info.get("qddft", {}).get("supercell", "1x1"))
    mesh = job_mesh(settings, role=job.role, task=job.task, supercell=supercell)
    steps = 1 if job.task == "static" else min(_STEPS.get(engine, _OTHER_STEPS), settings.max_ionic_steps)
    seconds = None
    if engine == "tblite":
        seconds = steps * _TBLITE_SECONDS * (len(atoms) / _TBLITE_ATOMS) ** _TBLITE_POWER
    work = electrons**_SCF_POWER * prod(mesh) * steps / 1e9
    return Cost(electrons if known else None, mesh, steps, seconds, work)
