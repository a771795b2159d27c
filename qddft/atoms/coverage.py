"""Ligands per area: theta = n / A for the ligands of one face, with 1 nm^-2 = 1/100 Angstrom^-2."""

import math
from typing import TYPE_CHECKING

import numpy as np

from qddft.core.errors import PlacementError

if TYPE_CHECKING:
    from ase import Atoms

_SQUARE_NM = 100.0  # Angstrom^2


def face_area(atoms: "Atoms") -> float:
    """Return the area spanned by the first two cell vectors, Angstrom^2.

    Raises
    ------
    PlacementError
        They span no area.
    """
    area = float(np.linalg.norm(np.cross(atoms.cell[0], atoms.cell[1])))
    if area <= 0.0:
        raise PlacementError("the structure has no lateral cell, so that a coverage has no meaning; give a slab.")
    return area


def coverage(atoms: "Atoms") -> dict[str, float]:
    """Return the ligands per nm^2 of each face of a complex; ion pairs count once.

    Parameters
    ----------
    atoms
        From ``attach``; ``info["qddft"]["fragments"]`` says which face a ligand is on.

    Raises
    ------
    PlacementError
        The structure has no lateral cell.
    """
    area = face_area(atoms)
    listed = atoms.info.get("qddft", {}).get("fragments", [])[1:]
    faces = [fragment["face"] for fragment in listed if fragment.get("face") is not None]
    return {face: _SQUARE_NM * faces.count(face) / area for face in ("top", "bottom")}


def ligands_for_coverage(slab: "Atoms", per_nm2: float) -> int:
    """Return how many ligands on one face of this cell come closest to a coverage.

    Parameters
    ----------
    slab
        Any slab.
    per_nm2
        Ligands per nm^2.

    Raises
    ------
    PlacementError
        The coverage is not a positive number, or the cell is too small to hold one ligand at so low a coverage.
    """
    if not math.isfinite(per_nm2) or per_nm2 <= 0.0:
        raise PlacementError(f"coverage {per_nm2!r}: give ligands per nm^2 as a positive number.")
    area = face_area(slab)
    number = round(per_nm2 * area / _SQUARE_NM)
    if number == 0:
        raise PlacementError(
            f"coverage {per_nm2:g} nm^-2: one ligand on this cell is {_SQUARE_NM / area:.2f} nm^-2 already; take a "
            f"supercell of {_SQUARE_NM / per_nm2:.0f} Angstrom^2 or more."
        )
    return number
