"""The box around an isolated molecule."""

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ase import Atoms

# edges in steps, so that conformers of nearly equal size share one box and one FFT grid
STEP = 0.5


def in_cubic_box(atoms: "Atoms", padding: float) -> "Atoms":
    """Return a copy in the middle of a cubic periodic box.

    Cubic, because the dipole correction of isolated molecules (IDIPOL = 4) is derived for cubic cells.

    Parameters
    ----------
    atoms
        A molecule; its own cell is not used.
    padding
        Empty space between the molecule and each wall, at least, Angstrom.
    """
    spread = np.ptp(atoms.positions, axis=0)
    edge = math.ceil(round((float(spread.max()) + 2 * padding) / STEP, 6)) * STEP
    boxed = atoms.copy()
    # ASE would hold fixed atoms back
    boxed.set_constraint()
    boxed.set_cell([edge, edge, edge])
    boxed.set_pbc(True)
    middle = (atoms.positions.max(axis=0) + atoms.positions.min(axis=0)) / 2
    boxed.positions += edge / 2 - middle
    boxed.set_constraint(atoms.constraints)
    return boxed
