"""Structures relaxed at a level, with a final static calculation where the level asks for one."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from qddft.jobs.job import FinalOf, Given, Job, Role

if TYPE_CHECKING:
    from ase import Atoms


@dataclass(frozen=True)
class Relaxation:
    """Two jobs at most: the relaxation, and the static calculation that gives the energy.

    Attributes
    ----------
    relaxed
        Gives the structure.
    final
        Gives the energy; the same job where the level needs no other.
    """

    relaxed: Job
    final: Job

    def labeled(self, label: str) -> dict[str, Job]:
        """Return the jobs under ``label`` and, if they are two, ``label (relaxation)``."""
        jobs = {label: self.final}
        if self.relaxed.id != self.final.id:
            jobs[f"{label} (relaxation)"] = self.relaxed
        return jobs


def relaxation(
    name: str, role: Role, atoms: "Atoms", level: Mapping[str, Any], *, charge: int = 0, unpaired: int = 0
) -> Relaxation:
    """Return the jobs that relax a structure at a level.

    Parameters
    ----------
    name
        For people; lower case letters, digits and hyphens.
    role
        Kind of system.
    atoms
        Starting structure; where all atoms are fixed, or there is only one, nothing relaxes and one static job is made.
    level
        Resolved level; one with ``relax_at`` gives the energies on geometries of that level.
    charge, unpaired
        Net charge, e, and unpaired electrons.
    """
    start = Given.of(atoms)
    if not _can_move(atoms):
        only = Job(name, role, "static", start, level, charge, unpaired)
        return Relaxation(only, only)
    relaxed = Job(name, role, "relax", start, level.get("relax_at", level), charge, unpaired)
    if not level["settings"]["static_after_relax"]:
        return Relaxation(relaxed, relaxed)
    return Relaxation(relaxed, Job(f"{name}-static", role, "static", FinalOf(relaxed), level, charge, unpaired))


def _can_move(atoms: "Atoms") -> bool:
    from ase.constraints import FixAtoms

    held = {int(i) for item in atoms.constraints if isinstance(item, FixAtoms) for i in item.index}
    return len(atoms) > 1 and len(held) < len(atoms)
