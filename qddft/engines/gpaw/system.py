"""Atoms as GPAW takes them: where the cell is open, and where in it the slab stands."""

from typing import TYPE_CHECKING

import numpy as np

from qddft.core.errors import StructureError
from qddft.engines.gpaw.level import has_dipole_layer, in_cell_of_slab
from qddft.engines.vasp.box import in_cubic_box

if TYPE_CHECKING:
    from ase import Atoms

    from qddft.jobs.job import Job

# wave functions of an open direction end at the faces of the cell; atoms this far from them do not feel it, Angstrom
CLEAR = 6.0


def prepared(job: "Job", atoms: "Atoms") -> "Atoms":
    """Return a copy of the atoms in the cell that a job computes.

    Crystals are periodic. Slabs, and frozen parts of complexes, are open along z where the dipole correction needs it,
    and then moved to the middle of their cell if they stand near its faces. Molecules get a cubic periodic box; charged
    ones an open one, as a periodic image of a charge has no meaning.

    Raises
    ------
    StructureError
        The vacuum of a slab is too thin.
    """
    if job.role == "molecule" and not in_cell_of_slab(job):
        boxed = in_cubic_box(atoms, float(job.level["settings"].get("molecule_padding_A", 7.5)))
        boxed.pbc = not job.charge
        return boxed
    system = atoms.copy()
    system.pbc = True
    return _open_along_z(system, job) if has_dipole_layer(job) else system


def _open_along_z(system: "Atoms", job: "Job") -> "Atoms":
    height = float(system.cell[2, 2])
    lateral, column = system.cell.array[:2, 2], system.cell.array[2, :2]
    if np.abs(np.concatenate([lateral, column])).max() > 1e-6:
        raise StructureError(
            f"job {job.name}: the third cell vector has to stand upright on the surface for a dipole correction; build "
            "the slab so, or set 'dipole: none' in the level"
        )
    low, high = float(system.positions[:, 2].min()), float(system.positions[:, 2].max())
    if height - (high - low) < 2 * CLEAR:
        raise StructureError(
            f"job {job.name}: the vacuum of {height - (high - low):.1f} Angstrom is too thin, {2 * CLEAR:.0f} are "
            "needed; build the slab with a larger 'vacuum'"
        )
    system.pbc = (True, True, False)
    if low < CLEAR or high > height - CLEAR:
        shift = (height - high - low) / 2
        positions = system.positions + np.array([0.0, 0.0, shift])
        system.set_positions(positions, apply_constraint=False)
    return system
