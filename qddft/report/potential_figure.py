"""The figure of the potential along the normal of a slab."""

from typing import TYPE_CHECKING

import numpy as np

from qddft.analysis.potential import SlabPotential
from qddft.analysis.profile import atom_heights, macroscopic_average
from qddft.report.style import BLACK, BLUE, GRAY, GREEN, PURPLE, VERMILLION, new_figure, styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_HEIGHT_MM = 58.0


@styled
def potential_figure(found: SlabPotential, *, window: float | None = None) -> "Figure":
    """Draw the planar average of the potential with vacuum levels, band edges and Fermi level.

    Parameters
    ----------
    found
        The potential.
    window
        Width of a macroscopic average to draw as well, Angstrom.
    """
    figure, (axes,) = new_figure(_HEIGHT_MM)
    heights, values = found.profile.heights, found.profile.values
    axes.plot(heights, values, color=BLUE, linewidth=0.9, label="planar average")
    if window is not None:
        smooth = macroscopic_average(found.profile, window)
        axes.plot(heights, smooth.values, color=VERMILLION, linewidth=0.9, label="macroscopic average")
    for level, side in ((found.lower, 0), (found.upper, 1)):
        end = heights[0] if side == 0 else heights[-1]
        axes.plot([level.window[1 - side], end], [level.value] * 2, color=BLACK, linewidth=0.7, linestyle=(0, (4, 2)))
        axes.annotate(
            f"{level.value:.2f}",
            (end, level.value),
            xytext=(2 if side == 0 else -2, 3),
            textcoords="offset points",
            ha="left" if side == 0 else "right",
        )
    atoms = atom_heights(found.profile, found.atoms)
    for energy, color, name in (
        (found.vbm, GREEN, "VBM"),
        (found.cbm, PURPLE, "CBM"),
        (found.fermi_level, GRAY, r"$E_\mathrm{F}$"),
    ):
        if energy is not None:
            axes.plot([atoms.min(), atoms.max()], [energy] * 2, color=color, linewidth=0.9, label=name)
    low = float(values.min())
    axes.plot(atoms, np.full(len(atoms), low - 0.04 * np.ptp(values)), "|", color=BLACK, markersize=4)
    axes.set_xlim(heights[0], heights[-1])
    axes.set_ylim(top=float(values.max()) + 0.12 * float(np.ptp(values)))
    axes.set_xlabel("height (Å)")
    axes.set_ylabel("potential energy (eV)")
    axes.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=3, handlelength=1.2, borderpad=0.1)
    return figure
