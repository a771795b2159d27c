"""The figure of a spin density: its planar average and what it adds up to."""

from typing import TYPE_CHECKING

import numpy as np

from qddft.analysis.profile import atom_heights, macroscopic_average, running_integral
from qddft.report.style import BLACK, BLUE, GRAY, ORANGE, VERMILLION, new_figure, styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from qddft.recipes.spin_density import SpinDensity

_HEIGHT_MM = 58.0


@styled
def spin_figure(found: "SpinDensity", *, window: float | None = None) -> "Figure":
    """Draw the planar average of a spin density, and its integral up to each height.

    Parameters
    ----------
    found
        The spin density.
    window
        Width of a macroscopic average to draw as well, Angstrom.
    """
    figure, (axes,) = new_figure(_HEIGHT_MM)
    heights, values = found.profile.heights, found.profile.values
    axes.fill_between(heights, np.clip(values, 0, None), color=ORANGE, alpha=0.85, linewidth=0, label="up")
    axes.fill_between(heights, np.clip(values, None, 0), color=BLUE, alpha=0.85, linewidth=0, label="down")
    axes.plot(heights, values, color=BLACK, linewidth=0.6)
    if window is not None:
        smooth = macroscopic_average(found.profile, window)
        axes.plot(heights, smooth.values, color=GRAY, linewidth=1.1, label="macroscopic average")
    axes.axhline(0, color=BLACK, linewidth=0.5)
    atoms = atom_heights(found.profile, found.grid.atoms)
    axes.plot(atoms, np.zeros(len(atoms)), "|", color=BLACK, markersize=5, markeredgewidth=0.8, zorder=5)
    axes.set_xlabel("height (Å)")
    axes.set_ylabel(r"$\bar m$ ($\mu_\mathrm{B}$/Å)")
    other = axes.twinx()
    other.spines["right"].set_visible(True)
    other.plot(heights, running_integral(found.profile), color=VERMILLION, linewidth=0.9)
    other.set_ylabel(r"moment up to this height ($\mu_\mathrm{B}$)")
    for item in (axes, other):
        top = max(abs(limit) for limit in item.get_ylim())
        item.set_ylim(-top, top)
    axes.set_xlim(heights[0], heights[-1])
    axes.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=3, borderpad=0.1)
    return figure
