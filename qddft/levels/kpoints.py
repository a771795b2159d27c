"""Which mesh a job gets: the level's, fitted to the role, the task and the supercell."""

import math
import re

from qddft.core.errors import LevelError
from qddft.levels.settings import Mesh, Settings

_GAMMA: Mesh = (1, 1, 1)
_SQRT2 = {"sqrt2", "sqrt2xsqrt2"}


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
        With ``kpoints_refer_to: 1x1`` the level's mesh divided by the supercell and rounded up. An even mesh on an odd
        supercell stays even: the corner M = (1/2, 1/2) of the 1x1 cell, where the band edges of cubic CsPbX3 lie, folds
        to the corner of an odd supercell (and to Gamma of an even one), and only an even Gamma-centered mesh holds it.

    Raises
    ------
    LevelError
        The supercell is not understood.
    """
    if role == "molecule":
        return _GAMMA
    if role == "bulk":
        return settings.kpoints_bulk
    mesh = settings.kpoints_static if task == "static" else settings.kpoints_relax
    if settings.kpoints_refer_to == "cell":
        return mesh
    across, along = supercell_multiples(supercell)
    return _divided(mesh[0], across), _divided(mesh[1], along), mesh[2]


def supercell_multiples(supercell: str) -> tuple[float, float]:
    """Return how many times longer the lateral vectors are than those of the 1x1 cell.

    Raises
    ------
    LevelError
        The text is neither ``NxM`` nor ``sqrt2``.
    """
    if supercell in _SQRT2:
        return math.sqrt(2), math.sqrt(2)
    match = re.fullmatch(r"([1-9]\d*)x([1-9]\d*)", supercell)
    if match is None:
        raise LevelError(f"the supercell {supercell!r} is neither 'NxM' nor 'sqrt2'; k-points cannot be fitted to it")
    return float(match[1]), float(match[2])


def _divided(points: int, multiple: float) -> int:
    # 1e-9: an exact quotient must not be rounded up
    divided = max(1, math.ceil(points / multiple - 1e-9))
    keeps_corner = points % 2 == 0 and multiple % 2 == 1
    return divided + 1 if keeps_corner and divided % 2 else divided
