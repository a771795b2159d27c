"""A scalar field on the grid of a periodic cell: densities and potentials."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from qddft.core.errors import OutputError

if TYPE_CHECKING:
    from ase import Atoms

# what a field is -> its unit
UNITS = {"density": "e/Angstrom^3", "potential": "eV", "elf": "1"}


@dataclass(frozen=True)
class Grid:
    """A field in a periodic cell.

    Attributes
    ----------
    atoms
        The structure; its cell is the cell of the grid.
    values
        Shape (n_a, n_b, n_c); point (i, j, k) lies at ``i a/n_a + j b/n_b + k c/n_c``. Not copied, shown read-only.
    quantity
        ``density`` (electrons, positive where they are; or a difference of such densities), ``potential`` (energy of an
        electron) or ``elf``.
    name
        What it is in words, for instance ``charge density difference``.
    source
        The file it came from.
    """

    atoms: "Atoms"
    values: np.ndarray
    quantity: str
    name: str = ""
    source: str | None = None

    def __post_init__(self) -> None:
        if self.quantity not in UNITS:
            raise OutputError(f"a grid holds one of {', '.join(UNITS)}, not {self.quantity!r}")
        view = self.values.view()
        view.flags.writeable = False
        object.__setattr__(self, "values", view)

    @property
    def unit(self) -> str:
        """Unit of the values."""
        return UNITS[self.quantity]

    @property
    def volume(self) -> float:
        """Volume of the cell, Angstrom^3."""
        return float(self.atoms.cell.volume)

    @property
    def integral(self) -> float:
        """Integral over the cell; of a density, electrons."""
        return float(self.values.mean()) * self.volume


@dataclass(frozen=True)
class Profile:
    """A field averaged over planes, along the normal of these planes.

    Attributes
    ----------
    heights
        Distance from the origin of the cell along the normal, shape (n,), Angstrom; evenly spaced, one period.
    values
        Shape (n,): of a density, electrons per Angstrom of height; else the mean over the plane.
    unit
        Unit of the values.
    period
        Height of the cell along the normal, Angstrom.
    axis
        Cell vector, 0 to 2, whose index runs along the profile.
    name
        What was averaged.
    """

    heights: np.ndarray
    values: np.ndarray
    unit: str
    period: float
    axis: int = 2
    name: str = ""

    def __post_init__(self) -> None:
        for name in ("heights", "values"):
            view = getattr(self, name).view()
            view.flags.writeable = False
            object.__setattr__(self, name, view)
