"""Whether a structure can have a dipole moment that its periodic images would feel, and where its center is."""

from typing import TYPE_CHECKING

import numpy as np

from qddft.atoms.symmetry import SYMPREC

if TYPE_CHECKING:
    from ase import Atoms

    from qddft.engines.vasp.case import Case, Dipole


def dipole_kind(case: "Case", atoms: "Atoms") -> "Dipole":
    """Return which correction the case needs: ``none``, ``slab`` (along z) or ``molecule`` (all directions).

    A neutral slab needs none when a symmetry operation turns z into -z: the two faces are then equal and stay so.
    Held atoms count as different from free ones, since a slab held on one side becomes unequal on relaxing.
    """
    if case.dipole != "auto":
        return case.dipole
    if case.settings.dipole == "none" or case.role == "bulk" or case.charge:
        return "none"
    if case.role == "molecule" and not case.part_of_complex:
        return "none" if len(atoms) == 1 or has_inversion(atoms) else "molecule"
    return "none" if reverses_z(atoms) else "slab"


def reverses_z(atoms: "Atoms") -> bool:
    """Tell whether a symmetry operation of the cell maps z to -z."""
    import spglib

    found = spglib.get_symmetry((atoms.cell.array, atoms.get_scaled_positions(), _kinds(atoms)), symprec=SYMPREC)
    return found is not None and any(rotation[2, 2] == -1 for rotation in found["rotations"])


def has_inversion(atoms: "Atoms") -> bool:
    """Tell whether an isolated molecule is unchanged by inversion through its middle."""
    centered = atoms.positions - atoms.positions.mean(axis=0)
    separations = np.linalg.norm(centered[:, None, :] + centered[None, :, :], axis=2)
    unlike = atoms.numbers[:, None] != atoms.numbers[None, :]
    separations[unlike] = np.inf
    return bool((separations.min(axis=1) < SYMPREC).all())


def center(atoms: "Atoms") -> tuple[float, float, float]:
    """Return the point opposite the middle of the vacuum, in fractional coordinates of the cell, each in [0, 1).

    The correction makes the potential jump half a cell away from DIPOL, and the jump has to lie where there are no
    electrons. The center of mass would not do: a heavy slab with a long ligand has it deep in the slab, and the jump
    would cut through the tail of the ligand.
    """
    scaled = atoms.get_scaled_positions(wrap=True)
    x, y, z = (_opposite_of_widest_gap(scaled[:, axis]) for axis in range(3))
    return x, y, z


def _opposite_of_widest_gap(coordinates: np.ndarray) -> float:
    ordered = np.sort(coordinates)
    gaps = np.diff(np.append(ordered, ordered[0] + 1.0))
    widest = int(gaps.argmax())
    return float((ordered[widest] + gaps[widest] / 2 + 0.5) % 1.0)


def _kinds(atoms: "Atoms") -> np.ndarray:
    from qddft.engines.vasp.selective import held_atoms

    labels = np.column_stack([atoms.numbers, held_atoms(atoms)])
    return np.asarray(np.unique(labels, axis=0, return_inverse=True)[1].ravel() + 1)
