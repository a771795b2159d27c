"""``Job``: one calculation, named by the hash of its content."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from qddft.core.errors import StructureError
from qddft.core.hashing import content_hash
from qddft.core.structure_json import structure_from_dict, structure_to_dict

if TYPE_CHECKING:
    from ase import Atoms

Role = Literal["bulk", "slab", "complex", "molecule"]
Task = Literal["static", "relax"]
ROLES: tuple[Role, ...] = ("bulk", "slab", "complex", "molecule")


@dataclass(frozen=True)
class Given:
    """A starting structure that is known before anything ran."""

    structure: Mapping[str, Any]

    @classmethod
    def of(cls, atoms: "Atoms") -> "Given":
        """Wrap ASE atoms with their labels and constraints.

        Raises
        ------
        StructureError
            Atoms are held otherwise than whole.
        """
        described = structure_to_dict(atoms)
        if "partly_fixed" in described:
            raise StructureError(
                "some atoms are held in some directions only, which the relaxations here do not keep; hold whole atoms "
                "with ase.constraints.FixAtoms"
            )
        return cls(described)

    @property
    def atoms(self) -> "Atoms":
        """The structure as ASE atoms."""
        return structure_from_dict(dict(self.structure))

    def content(self) -> dict[str, Any]:
        """Return what is hashed; names and build notes in ``info`` do not change a calculation."""
        return {key: value for key, value in self.structure.items() if key != "info"}


@dataclass(frozen=True)
class FinalOf:
    """The final structure of another job, or the fragments of it that are kept.

    Attributes
    ----------
    job
        The parent.
    fragments
        Fragment numbers kept (0 is the slab); ``None`` keeps all atoms.
    """

    job: "Job"
    fragments: tuple[int, ...] | None = None

    def content(self) -> dict[str, Any]:
        """Return what is hashed."""
        return {"final_of": self.job.id, "fragments": self.fragments}


@dataclass(frozen=True)
class Job:
    """One calculation: start, task, level, charge, spin and wanted quantities.

    Attributes
    ----------
    name
        For people; lower case letters, digits and hyphens; not part of the identity.
    role
        What kind of system it is; decides k-points, box and dipole treatment at a level.
    task
        ``static`` or ``relax`` (atoms only, the cell stays).
    start
        Where the structure comes from.
    level
        Resolved level for one engine, JSON types only (``qddft.levels.level.Level.resolved``).
    charge
        Net charge of the cell, e.
    unpaired
        Unpaired electrons; 0 means closed shell.
    wanted
        Quantities beyond energy and forces: ``dos``, ``density``, ``potential``.
    """

    name: str
    role: Role
    task: Task
    start: Given | FinalOf
    level: Mapping[str, Any]
    charge: int = 0
    unpaired: int = 0
    wanted: frozenset[str] = field(default_factory=frozenset)

    @cached_property
    def id(self) -> str:
        """Sixteen hex digits: equal content, equal id."""
        content = {item.name: getattr(self, item.name) for item in fields(self) if item.name != "name"}
        content |= {"start": self.start.content(), "wanted": sorted(self.wanted)}
        content["level"] = {key: value for key, value in self.level.items() if key not in _PROSE}
        return content_hash(content)

    @property
    def folder_name(self) -> str:
        """Name of the job's folder: readable and unique."""
        return f"{self.name}-{self.id[:8]}"

    @property
    def parent(self) -> "Job | None":
        """The job whose final structure this one starts from."""
        return self.start.job if isinstance(self.start, FinalOf) else None

    @property
    def built_atoms(self) -> "Atoms":
        """The atoms as built, before any relaxation: right in number and kind, for counting and planning."""
        if isinstance(self.start, Given):
            return self.start.atoms
        atoms = self.start.job.built_atoms
        if self.start.fragments is None:
            return atoms
        import numpy as np

        return atoms[np.isin(atoms.arrays["fragment"], self.start.fragments)]


# keys of a resolved level that explain it and do not change a calculation; whose geometry it has, the start tells
_PROSE = frozenset({"description", "source", "choices", "caution", "name", "parent", "relax_at"})
