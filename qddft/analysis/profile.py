"""Planar and macroscopic averages, and running integrals, of fields on grids.

Macroscopic average: Baldereschi, Baroni and Resta, Phys. Rev. Lett. 61, 734 (1988).
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from qddft.core.errors import OutputError
from qddft.outputs.grid import Grid, Profile

if TYPE_CHECKING:
    from ase import Atoms


def planar_average(grid: Grid, *, axis: int = 2) -> Profile:
    """Average a field over the planes spanned by two cell vectors.

    Parameters
    ----------
    grid
        The field.
    axis
        The third cell vector, 0 to 2, along which the planes are stacked.

    Returns
    -------
    Profile
        Of a density its integral over the plane, electrons/Angstrom; of other fields the mean over the plane.

    Raises
    ------
    OutputError
        ``axis`` is not 0, 1 or 2.
    """
    if axis not in (0, 1, 2):
        raise OutputError(f"axis {axis} does not exist; the cell vectors are 0, 1 and 2")
    others = tuple(index for index in range(3) if index != axis)
    mean = grid.values.mean(axis=others)
    period, area = height_and_area(grid.atoms, axis)
    density = grid.quantity == "density"
    heights = np.arange(len(mean)) * period / len(mean)
    unit = "e/Angstrom" if density else grid.unit
    return Profile(heights, mean * area if density else mean, unit, period, axis, grid.name)


def height_and_area(atoms: "Atoms", axis: int = 2) -> tuple[float, float]:
    """Return the height of the cell along the normal of its other two vectors, Angstrom, and their area, Angstrom^2."""
    others = [index for index in range(3) if index != axis]
    area = float(np.linalg.norm(np.cross(atoms.cell[others[0]], atoms.cell[others[1]])))
    return float(atoms.cell.volume) / area, area


def macroscopic_average(profile: Profile, lengths: float | Sequence[float]) -> Profile:
    """Average a profile over a sliding window, once for every length (two for an interface of two crystals).

    The window is applied exactly, as a product with ``sin(x)/x`` in reciprocal space.

    Parameters
    ----------
    profile
        One period.
    lengths
        Widths of the windows, Angstrom: the spacing of equivalent atomic planes.

    Raises
    ------
    OutputError
        A length is not positive or longer than the period.
    """
    widths = [float(length) for length in np.atleast_1d(np.asarray(lengths, dtype=float))]
    waves = np.fft.rfftfreq(len(profile.values), d=profile.period / len(profile.values))
    spectrum = np.fft.rfft(profile.values)
    for width in widths:
        if not 0 < width <= profile.period:
            raise OutputError(f"a window of {width} Angstrom does not fit a period of {profile.period:.3f} Angstrom")
        spectrum = spectrum * np.sinc(waves * width)
    values = np.fft.irfft(spectrum, n=len(profile.values))
    return replace(profile, values=values, name=f"{profile.name}, macroscopic average")


def running_integral(profile: Profile) -> np.ndarray:
    """Return the integral from the first height to every height, shape (n,), in units of the profile times Angstrom."""
    step = profile.period / len(profile.values)
    return np.asarray((np.cumsum(profile.values) - profile.values / 2) * step)


def from_vacuum(profile: Profile, atoms: "Atoms") -> Profile:
    """Return the same period beginning in the middle of the vacuum, so that no atom lies across its ends.

    Heights go on beyond the cell instead of falling back to zero.
    """
    step = profile.period / len(profile.values)
    first = round(vacuum_middle(atoms, profile.axis) / step) % len(profile.values)
    heights = (first + np.arange(len(profile.values))) * step
    # where the vacuum lies at the top of the cell, heights of the slab stay what they are in the file
    if first > len(profile.values) / 2:
        heights = heights - profile.period
    return replace(profile, heights=heights, values=np.roll(profile.values, -first))


def vacuum_middle(atoms: "Atoms", axis: int = 2) -> float:
    """Return the height in the middle of the widest interval without atoms, Angstrom, within the cell."""
    period, _ = height_and_area(atoms, axis)
    places = np.sort(atoms.get_scaled_positions()[:, axis])
    gaps = np.diff([*places, places[0] + 1.0])
    index = int(gaps.argmax())
    return float((places[index] + gaps[index] / 2) % 1.0) * period


def atom_heights(profile: Profile, atoms: "Atoms") -> np.ndarray:
    """Return the height of every atom within the period that a profile shows, shape (n_atoms,), Angstrom."""
    heights = atoms.get_scaled_positions()[:, profile.axis] * profile.period
    return np.asarray((heights - profile.heights[0]) % profile.period + profile.heights[0])
