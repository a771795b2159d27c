"""Which mesh a job gets: the level's, fitted to the role, the task and the supercell."""

import math

import numpy as np

from qddft.atoms.slab_options import parse_supercell
from qddft.levels.settings import Mesh, Settings

_GAMMA: Mesh = (1, 1, 1)


def job_mesh(settings: Settings, *, role: str, task: str, supercell: str = "1x1") -> Mesh:
    """Return the k-point mesh of a job.

    Parameters
    ----------
    settings
        Of the level.
    role, task
        Of the job; a molecule is sampled at Gamma only.
    supercell
        Lateral cell as in ``info["qddft"]["supercell"]``: ``2x2``, ``sqrt2`` ...

    Returns
    -------
    Mesh
        With ``kpoints_refer_to: 1x1`` the level's mesh divided by the supercell and rounded up. Where the level's mesh
        is even, the corner M = (1/2, 1/2) of the 1x1 cell, on which the band edges of cubic CsPbX3 lie, stays on the
        Gamma-centered mesh: it folds to a corner of a 3x3 supercell, which only an even mesh holds.

    Raises
    ------
    StructureError
        The supercell is not understood.
    """
    if role == "molecule":
        return _GAMMA
    if role == "bulk":
        return settings.kpoints_bulk
    mesh = settings.kpoints_static if task == "static" else settings.kpoints_relax
    if settings.kpoints_refer_to == "cell":
        return mesh
    rows = parse_supercell(supercell)[0]
    return _divided(mesh[0], rows[0]), _divided(mesh[1], rows[1]), mesh[2]


def _divided(points: int, row: np.ndarray) -> int:
    """Divide the points of the 1x1 cell by the length of a supercell vector, given in 1x1 vectors."""
    # 1e-9: an exact quotient must not be rounded up
    divided = max(1, math.ceil(points / float(np.linalg.norm(row)) - 1e-9))
    # (1/2, 1/2) of the 1x1 zone has the coordinate row . (1/2, 1/2) in the supercell's zone
    corner_at_edge = int(row.sum()) % 2 == 1
    return divided + 1 if points % 2 == 0 and corner_at_edge and divided % 2 else divided
