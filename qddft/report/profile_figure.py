"""The figure of a planar average."""

from typing import TYPE_CHECKING

import numpy as np

from qddft.analysis.profile import atom_heights
from qddft.report.style import BLACK, BLUE, GRAY, VERMILLION, new_figure, styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from qddft.recipes.grid_profile import GridProfile

_HEIGHT_MM = 55.0
_LABELS = {
    "density": r"$\bar\rho$ ($e$/Å)",
    "potential": "potential energy (eV)",
    "elf": "electron localization function",
}


@styled
def profile_figure(found: "GridProfile") -> "Figure":
    """Draw the planar average of a field, its macroscopic average, and where the atoms are.

    Parameters
    ----------
    found
        Of ``grid_profile``.
    """
    figure, (axes,) = new_figure(_HEIGHT_MM)
    heights, values = found.profile.heights, found.profile.values
    axes.plot(heights, values, color=BLUE, linewidth=0.9, label="planar")
    if found.smooth is not None:
        axes.plot(heights, found.smooth.values, color=VERMILLION, linewidth=0.9, label="macroscopic")
    if found.far is not None:
        axes.plot([found.far[0]], [found.far[1]], "o", color=BLACK, markersize=3.5, label="farthest away")
        axes.axhline(0, color=GRAY, linewidth=0.6, linestyle=(0, (4, 2)))
    atoms = atom_heights(found.profile, found.grid.atoms)
    low = float(values.min()) - 0.06 * float(np.ptp(values))
    axes.plot(atoms, np.full(len(atoms), low), "|", color=BLACK, markersize=4)
    axes.set_xlim(heights[0], heights[-1])
    axes.set_xlabel(f"height along {'abc'[found.profile.axis]} (Å)")
    difference = r"$\Delta$ " if found.far is not None or "difference" in found.grid.name else ""
    axes.set_ylabel(f"{difference}{_LABELS[found.grid.quantity]}")
    axes.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=3, handlelength=1.2, borderpad=0.1)
    return figure
