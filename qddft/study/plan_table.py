"""A plan as rows: what runs, how large it is, what it waits for and about how long it takes."""

from dataclasses import asdict, dataclass
from typing import Any

from qddft.jobs.job import FinalOf, Job
from qddft.levels.kpoints import job_mesh
from qddft.levels.settings import Settings
from qddft.study.estimate import seconds_of_step
from qddft.study.expand import Expansion

# ionic steps of a relaxation, for estimates only: complexes of the studies here took 5 to 80, molecules 4 to 11
_STEPS = {"complex": 40, "molecule": 10}
_OTHER_STEPS = 40


@dataclass(frozen=True)
class PlanRow:
    """One job of a plan.

    Attributes
    ----------
    name, folder, role, task
        As in the job.
    atoms
        Number of atoms.
    electrons
        Valence electrons with the recommended PAW sets; ``None`` where an element has no listed set.
    charge, unpaired
        Net charge, e, and unpaired electrons.
    kpoints
        Mesh at the level.
    after
        Name of the job it waits for; empty if none.
    share
        Part of the whole plan's work, 0 to 1, by the cube of the electrons times steps and k-points.
    seconds
        Rough time on two cores, s; ``None`` where nothing was measured for the engine.
    """

    name: str
    folder: str
    role: str
    task: str
    atoms: int
    electrons: int | None
    charge: int
    unpaired: int
    kpoints: tuple[int, int, int]
    after: str
    share: float
    seconds: float | None

    def as_dict(self) -> dict[str, Any]:
        """Return the row as JSON types."""
        return asdict(self) | {"kpoints": list(self.kpoints)}


def plan_table(expansion: Expansion) -> tuple[PlanRow, ...]:
    """Return one row a job, in the order of the plan."""
    settings = {job.id: _settings_of(job, expansion) for job in expansion.plan}
    work = {job.id: _work(job, settings[job.id]) for job in expansion.plan}
    total = sum(work.values()) or 1.0
    return tuple(_row(job, settings[job.id], work[job.id] / total, expansion.engine) for job in expansion.plan)


def mesh_of(job: Job, settings: Settings) -> tuple[int, int, int]:
    """Return the k-point mesh of a job; a part of a complex keeps that of the whole."""
    part = isinstance(job.start, FinalOf) and job.start.fragments is not None
    about = job.built_atoms.info.get("qddft", {})
    role = "complex" if part else job.role
    return job_mesh(settings, role=role, task=job.task, supercell=str(about.get("supercell", "1x1")))


def _settings_of(job: Job, expansion: Expansion) -> Settings:
    """Return the settings of a job: those of the study's level, or of one varied for a convergence series."""
    level = expansion.level
    return level.settings if job.level["name"] == level.name else Settings.model_validate(job.level["settings"])


def _row(job: Job, settings: Settings, share: float, engine: str) -> PlanRow:
    atoms = job.built_atoms
    return PlanRow(
        name=job.name,
        folder=job.folder_name,
        role=job.role,
        task=job.task,
        atoms=len(atoms),
        electrons=_electrons(job),
        charge=job.charge,
        unpaired=job.unpaired,
        kpoints=mesh_of(job, settings),
        after="" if job.parent is None else job.parent.name,
        share=share,
        seconds=_seconds(job, len(atoms), engine),
    )


def _electrons(job: Job) -> int | None:
    from qddft.atoms.electrons import VALENCE_ELECTRONS, n_valence_electrons

    symbols = job.built_atoms.get_chemical_symbols()
    return n_valence_electrons(symbols, job.charge) if set(symbols) <= VALENCE_ELECTRONS.keys() else None


def _steps(job: Job) -> int:
    return _STEPS.get(job.role, _OTHER_STEPS) if job.task == "relax" else 1


def _work(job: Job, settings: Settings) -> float:
    nx, ny, nz = mesh_of(job, settings)
    # time reversal halves the mesh
    irreducible = max(1, nx * ny * nz / 2)
    size = _electrons(job) or 4 * len(job.built_atoms)
    return float(size) ** 3 * irreducible * _steps(job)


def _seconds(job: Job, atoms: int, engine: str) -> float | None:
    each = seconds_of_step(engine, atoms)
    return None if each is None else round(_steps(job) * each, 1)
