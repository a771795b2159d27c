"""``Prepared``: one job with everything that its files are made from."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from qddft.engines.vasp.box import in_cubic_box
from qddft.engines.vasp.potcar import Potential, potentials
from qddft.engines.vasp.species import grouped, species_of
from qddft.jobs.job import FinalOf, Given

if TYPE_CHECKING:
    from ase import Atoms

    from qddft.engines.vasp.case import Case
    from qddft.engines.vasp.level_set import LevelInputSet
    from qddft.engines.vasp.tags import Tag
    from qddft.jobs.job import Job

_ROLES = {"bulk": "crystal", "slab": "slab", "complex": "slab with ligand", "molecule": "molecule"}


@dataclass(frozen=True)
class Prepared:
    """A job, its atoms and its inputs.

    Attributes
    ----------
    job
        What to compute.
    atoms
        In the order of the job, in the cell of the calculation.
    parent_name
        Name of the parent's folder where another name of the same job was written.
    """

    job: "Job"
    atoms: "Atoms"
    parent_name: str | None = None

    @classmethod
    def of(cls, job: "Job", atoms: "Atoms | None", parent_name: str | None = None) -> "Prepared":
        """Put the atoms of a job in their cell; without atoms, those as built stand for them."""
        given = job.built_atoms if atoms is None else atoms
        if job.role == "molecule" and (isinstance(job.start, Given) or given.cell.rank < 3):
            return cls(job, in_cubic_box(given, float(job.level["settings"]["molecule_padding_A"])), parent_name)
        return cls(job, given, parent_name)

    @cached_property
    def inputs(self) -> "LevelInputSet":
        """The input set."""
        from qddft.engines.vasp.job_set import set_for

        return set_for(self.job, self.atoms)

    @cached_property
    def case(self) -> "Case":
        """What decides the tags."""
        return self.inputs.case

    @cached_property
    def tags(self) -> Mapping[str, "Tag"]:
        """All tags with reasons."""
        return self.inputs.tags

    @cached_property
    def kpoints(self) -> Any:
        """The KPOINTS object."""
        return self.inputs.kpoints

    @cached_property
    def sorted_atoms(self) -> "Atoms":
        """The atoms in the order of POSCAR."""
        return grouped(self.atoms)

    @cached_property
    def potentials(self) -> tuple[Potential, ...]:
        """The data sets in the order of POSCAR."""
        return potentials(species_of(self.sorted_atoms), self.case.potcar)

    @property
    def gamma_only(self) -> bool:
        """Gamma is the only k-point, so that the executable for real orbitals serves."""
        return tuple(self.kpoints.kpts[0]) == (1, 1, 1)

    @property
    def executable(self) -> str:
        """Name of the program that fits the job."""
        if self.case.spin_orbit:
            return "vasp_ncl"
        return "vasp_gam" if self.gamma_only else "vasp_std"

    @property
    def parent_folder(self) -> str | None:
        """Name of the parent's folder."""
        if self.job.parent is None:
            return None
        return self.parent_name or self.job.parent.folder_name

    @cached_property
    def title(self) -> str:
        """One line on what the job is."""
        return " ".join(f"{self.job.name}: {describe(self.job)}, level {self.job.level['name']}".split())


def describe(job: "Job") -> str:
    """Return task, system and surface of a job in words."""
    info = job.built_atoms.info.get("qddft", {})
    named = [str(item.get("name", "")) for item in info.get("fragments", [])[1:]]
    whole = _ROLES[job.role]
    if isinstance(job.start, FinalOf) and job.start.fragments is not None:
        kept = [named[number - 1] if 0 < number <= len(named) else "slab" for number in job.start.fragments]
        whole = f"{' and '.join(kept)} as in the complex"
    elif named:
        whole = f"{whole} {', '.join(dict.fromkeys(named))}"
    formula = info.get("bulk", {}).get("formula")
    place = "" if not formula else f" of {formula}" if job.role == "bulk" else f" on {formula} (001)"
    cell = f" {info['supercell']}" if info.get("supercell") else ""
    return f"{job.task} of {whole}{place}{cell}"
