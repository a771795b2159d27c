"""Lattice spacings and powder diffraction, beside the peaks that papers print."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from qddft.core.errors import StructureError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ase import Atoms

__all__ = ["Peak", "bragg_angle", "bragg_spacing", "cubic_spacing", "spacing_shift", "xrd_pattern"]

# Cu K-alpha, mean of the doublet, Angstrom
COPPER = 1.5418


@dataclass(frozen=True)
class Peak:
    """A line of a powder pattern.

    Attributes
    ----------
    two_theta
        Degrees.
    intensity
        Relative to the strongest line, which has 100.
    spacing
        Of the lattice planes, Angstrom.
    indices
        Miller indices of the families that meet in the line.
    """

    two_theta: float
    intensity: float
    spacing: float
    indices: tuple[tuple[int, ...], ...]


def cubic_spacing(a: float, indices: tuple[int, int, int]) -> float:
    """Return d = a/sqrt(h^2 + k^2 + l^2), Angstrom.

    Raises
    ------
    StructureError
        The plane (000).
    """
    total = sum(i * i for i in indices)
    if total == 0:
        raise StructureError("there is no lattice plane (000)")
    return a / math.sqrt(total)


def bragg_spacing(two_theta: float, wavelength: float = COPPER) -> float:
    """Return d of lambda = 2 d sin(theta), Angstrom; the angle 2 theta in degrees.

    Raises
    ------
    StructureError
        An angle outside of 0..180 degrees.
    """
    if not 0 < two_theta < 180:
        raise StructureError(f"2 theta lies between 0 and 180 degrees, not at {two_theta:g}")
    return wavelength / (2 * math.sin(math.radians(two_theta / 2)))


def bragg_angle(spacing: float, wavelength: float = COPPER) -> float:
    """Return 2 theta in degrees.

    Raises
    ------
    StructureError
        Planes closer than half of the wavelength do not diffract.
    """
    sine = wavelength / (2 * spacing) if spacing > 0 else math.inf
    if sine > 1:
        raise StructureError(f"planes {spacing:g} Angstrom apart do not diffract at {wavelength:g} Angstrom")
    return 2 * math.degrees(math.asin(sine))


def spacing_shift(two_theta: float, shift: float) -> float:
    """Return the relative change of d when a line moves by ``shift`` degrees: d'/d - 1 (exactly, at fixed lambda)."""
    return bragg_spacing(two_theta + shift) / bragg_spacing(two_theta) - 1


def xrd_pattern(
    atoms: "Atoms", *, wavelength: float = COPPER, two_theta: tuple[float, float] = (5.0, 60.0), least: float = 0.5
) -> tuple[Peak, ...]:
    """Return the powder pattern of a crystal by pymatgen, kinematic and without thermal motion.

    Parameters
    ----------
    atoms
        A crystal; of slabs and dots the pattern of the bulk is compared.
    wavelength
        Angstrom.
    two_theta
        Range, degrees.
    least
        Weaker lines are left out; the strongest has 100.
    """
    from pymatgen.analysis.diffraction.xrd import XRDCalculator
    from pymatgen.io.ase import AseAtomsAdaptor

    structure = AseAtomsAdaptor.get_structure(_plain(atoms))
    pattern = XRDCalculator(wavelength=wavelength).get_pattern(structure, two_theta_range=two_theta)
    return tuple(
        Peak(float(x), float(y), float(d), tuple(_hkl(item) for item in families))
        for x, y, d, families in zip(pattern.x, pattern.y, pattern.d_hkls, pattern.hkls, strict=True)
        if y >= least
    )


def _hkl(family: "Mapping[str, tuple[int, ...]]") -> tuple[int, ...]:
    return tuple(int(i) for i in family["hkl"])


def _plain(atoms: "Atoms") -> "Atoms":
    """Return the atoms without labels and constraints, which the conversion would carry along."""
    from ase import Atoms

    return Atoms(atoms.get_chemical_symbols(), positions=atoms.positions, cell=atoms.cell, pbc=True)
