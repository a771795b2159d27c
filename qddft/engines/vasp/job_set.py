"""From a job to its input set."""

from dataclasses import replace
from typing import TYPE_CHECKING

from qddft.engines.vasp.case import Case, case_of
from qddft.engines.vasp.level_set import LevelInputSet
from qddft.engines.vasp.moments import start_moments
from qddft.engines.vasp.polarity import center, dipole_kind
from qddft.engines.vasp.selective import to_structure
from qddft.engines.vasp.sets import (
    BaderSet,
    BulkRelaxSet,
    BulkStaticSet,
    BulkVacancyRelaxSet,
    ChargeDensitySet,
    MoleculeRelaxSet,
    MoleculeStaticSet,
    SlabRelaxSet,
    SlabStaticSet,
    VacancyRelaxSet,
)
from qddft.engines.vasp.species import grouped
from qddft.jobs.job import FinalOf, Role, Task

if TYPE_CHECKING:
    from ase import Atoms

    from qddft.jobs.job import Job

_CLASSES: dict[tuple[Role, Task], type[LevelInputSet]] = {
    ("bulk", "relax"): BulkRelaxSet,
    ("bulk", "static"): BulkStaticSet,
    ("molecule", "relax"): MoleculeRelaxSet,
    ("molecule", "static"): MoleculeStaticSet,
    ("slab", "relax"): SlabRelaxSet,
    ("slab", "static"): SlabStaticSet,
    ("complex", "relax"): SlabRelaxSet,
    ("complex", "static"): SlabStaticSet,
}
# the first that fits
_SPECIAL: tuple[tuple[str, type[LevelInputSet]], ...] = (("bader", BaderSet), ("density", ChargeDensitySet))


def set_for(job: "Job", atoms: "Atoms") -> LevelInputSet:
    """Return the input set of a job.

    Parameters
    ----------
    job
        What to compute.
    atoms
        Where the atoms are, in the cell of the calculation; any order.
    """
    case = _with_dipole_of_whole(job, case_of(job))
    sorted_atoms = grouped(atoms)
    structure = to_structure(sorted_atoms)
    moments = start_moments(case, sorted_atoms)
    if moments is not None:
        structure.add_site_property("magmom", moments)
    return _class_of(job, case)(
        structure=structure,
        level=dict(job.level),
        charge=case.charge,
        unpaired=case.unpaired,
        wanted=tuple(sorted(case.wanted)),
        supercell=case.supercell,
        part_of_complex=case.part_of_complex,
        defective=case.defective,
        dipole=case.dipole,
        dipole_center=case.dipole_center,
    )


def _class_of(job: "Job", case: Case) -> type[LevelInputSet]:
    """Return the class that names the step best; the tags come from the case and are the same for its base class."""
    usual = _CLASSES[job.role, job.task]
    if job.task == "relax" and case.defective:
        return BulkVacancyRelaxSet if job.role == "bulk" else VacancyRelaxSet
    if usual is SlabStaticSet:
        return next((special for quantity, special in _SPECIAL if quantity in case.wanted), usual)
    return usual


def _with_dipole_of_whole(job: "Job", case: Case) -> Case:
    """Give parts of a complex its dipole correction: a correction in one term of a difference only is an error."""
    if not (case.part_of_complex and isinstance(job.start, FinalOf)):
        return case
    whole = job.start.job.built_atoms
    return replace(case, dipole=dipole_kind(case_of(job.start.job), whole), dipole_center=center(whole))
