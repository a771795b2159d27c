"""Vacuum levels on both sides of a slab, dipole step, work function, ionization potential and electron affinity.

``Phi = V_vac - E_F``, ``IP = V_vac - E_VBM``, ``EA = V_vac - E_CBM``. The potential energy of an electron is averaged
over planes; a vacuum level counts only where it is flat.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from qddft.analysis.profile import atom_heights, from_vacuum, height_and_area, planar_average
from qddft.core.errors import OutputError
from qddft.outputs.grid import Grid, Profile

if TYPE_CHECKING:
    from ase import Atoms

# slope below which a plateau counts as flat, eV/Angstrom
FLAT = 1e-3
# where the density of the outermost atoms has died away, Angstrom from their centers
CLEAR = 3.5
# width over which a level is read, Angstrom, and the least that will do
WINDOW, LEAST = 2.0, 0.5
# a dipole correction jumps within this distance, Angstrom, and by more than this slope, eV/Angstrom
JUMP_WIDTH, JUMP_SLOPE = 1.0, 0.05
BOTH_SIDES = 0.01


@dataclass(frozen=True)
class VacuumLevel:
    """The potential far from one face.

    Attributes
    ----------
    value
        Mean over the flattest piece, eV.
    slope
        Largest slope there, eV/Angstrom.
    flat
        The slope is below 1 meV/Angstrom.
    window
        From, to, Angstrom, on the heights of the profile.
    """

    value: float
    slope: float
    flat: bool
    window: tuple[float, float]


@dataclass(frozen=True)
class SlabPotential:
    """The potential along the normal of a slab and what follows from it.

    Attributes
    ----------
    profile
        Planar average, eV, beginning in the vacuum.
    atoms
        The slab.
    lower, upper
        Vacuum levels below and above the slab.
    dipole_step
        Upper minus lower vacuum level, eV.
    fermi_level, vbm, cbm
        On the same scale, eV; ``None`` where unknown or where there is no gap.
    inputs
        Path to SHA-256 of what was read.
    warnings
        Sentences that a reader has to see.
    audit
        Settings of the calculation, as in every result.
    engine, level
        What computed it, and its functional.
    """

    profile: Profile
    atoms: "Atoms"
    lower: VacuumLevel
    upper: VacuumLevel
    fermi_level: float | None = None
    vbm: float | None = None
    cbm: float | None = None
    inputs: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    audit: Mapping[str, Any] = field(default_factory=dict)
    engine: str = "potential file"
    level: str = "unknown"

    @property
    def dipole_step(self) -> float:
        """Upper minus lower vacuum level, eV."""
        return self.upper.value - self.lower.value

    def below_vacuum(self, level: float | None) -> tuple[float | None, float | None]:
        """Return how far a level lies below the lower and the upper vacuum level, eV."""
        if level is None:
            return None, None
        return self.lower.value - level, self.upper.value - level

    @property
    def work_function(self) -> tuple[float | None, float | None]:
        """Vacuum level minus Fermi level of the lower and the upper face, eV."""
        return self.below_vacuum(self.fermi_level)

    @property
    def ionization_potential(self) -> tuple[float | None, float | None]:
        """Vacuum level minus valence-band maximum of the lower and the upper face, eV."""
        return self.below_vacuum(self.vbm)

    @property
    def electron_affinity(self) -> tuple[float | None, float | None]:
        """Vacuum level minus conduction-band minimum of the lower and the upper face, eV."""
        return self.below_vacuum(self.cbm)


def slab_potential(grid: Grid) -> SlabPotential:
    """Find the vacuum levels of a slab.

    Parameters
    ----------
    grid
        Potential energy of an electron, eV; the third cell vector crosses the vacuum.

    Raises
    ------
    OutputError
        The grid is no potential, or the vacuum is too thin to have a level.
    """
    if grid.quantity != "potential":
        raise OutputError(f"{grid.source or 'the grid'} holds a {grid.quantity}, not a potential")
    profile, jump = _from_jump(planar_average(grid), grid.atoms)
    heights = atom_heights(profile, grid.atoms)
    trim = JUMP_WIDTH if jump else 0.0
    low = (float(profile.heights[0]) + trim, float(heights.min()) - CLEAR)
    high = (float(heights.max()) + CLEAR, float(profile.heights[-1]) - trim)
    lower, upper = (_level(profile, side, grid) for side in (low, high))
    found = SlabPotential(profile, grid.atoms, lower, upper)
    return replace(found, warnings=_warnings(found, jump=jump))


def _from_jump(profile: Profile, atoms: "Atoms") -> tuple[Profile, bool]:
    """Return the period beginning at the jump of a dipole correction, else in the middle of the vacuum."""
    start = from_vacuum(profile, atoms)
    step = start.period / len(start.values)
    heights = atom_heights(start, atoms)
    slope = (np.roll(start.values, -1) - start.values) / step
    empty = (start.heights < heights.min() - CLEAR) | (start.heights > heights.max() + CLEAR)
    if empty.sum() < 4:
        return start, False
    steepest = int(np.where(empty, np.abs(slope), 0.0).argmax())
    usual = float(np.median(np.abs(slope[empty])))
    if abs(slope[steepest]) < max(JUMP_SLOPE, 10 * usual):
        return start, False
    turned = np.roll(start.values, -steepest - 1)
    first = start.heights[0] + (steepest + 1) * step
    if steepest + 1 > len(start.values) / 2:
        first -= start.period
    return replace(start, values=turned, heights=first + np.arange(len(turned)) * step), True


def _level(profile: Profile, side: tuple[float, float], grid: Grid) -> VacuumLevel:
    """Return the mean and slope of the flattest piece of one side of the vacuum."""
    inside = (profile.heights >= side[0]) & (profile.heights <= side[1])
    heights, values = profile.heights[inside], profile.values[inside]
    length = float(heights[-1] - heights[0]) if len(heights) > 2 else 0.0
    if length < LEAST:
        height, _ = height_and_area(grid.atoms)
        raise OutputError(
            f"the vacuum in {grid.source or 'the cell'} is too thin for a vacuum level: of {height:.1f} Angstrom, less "
            f"than {LEAST} are more than {CLEAR} Angstrom away from all atoms on one side; use 15 Angstrom of vacuum"
        )
    # in a thin vacuum half of it, so that there is a flattest piece to choose
    width = min(WINDOW, max(LEAST, length / 2))
    points = min(len(heights), max(3, round(width / (heights[1] - heights[0])) + 1))
    best: VacuumLevel | None = None
    for first in range(len(heights) - points + 1):
        piece = slice(first, first + points)
        slope = float(np.abs(np.gradient(values[piece], heights[piece])).max())
        if best is None or slope < best.slope:
            window = float(heights[piece][0]), float(heights[piece][-1])
            best = VacuumLevel(float(values[piece].mean()), slope, slope < FLAT, window)
    if best is None:
        raise OutputError(f"no vacuum level was found in {grid.source or 'the cell'}")
    return best


def _warnings(found: SlabPotential, *, jump: bool) -> tuple[str, ...]:
    notes = []
    for name, level in (("below", found.lower), ("above", found.upper)):
        if not level.flat:
            remedy = "more vacuum" if jump else "more vacuum, or a dipole correction (LDIPOL, IDIPOL = 3)"
            notes.append(
                f"the potential {name} the slab is not flat ({1000 * level.slope:.1f} meV/Angstrom, limit "
                f"{1000 * FLAT:g}): the vacuum level is uncertain; use {remedy}"
            )
    if abs(found.dipole_step) > BOTH_SIDES and not jump:
        notes.append(
            f"the two vacuum levels differ by {found.dipole_step:+.3f} eV without a dipole correction: the field of "
            f"the periodic images bends the potential"
        )
    return tuple(notes)
