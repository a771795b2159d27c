"""Fits of photophysics, drawn: points and curve."""

from typing import TYPE_CHECKING

from qddft.analysis.photophysics_fits import Fit
from qddft.report.style import BLUE, VERMILLION, new_figure, styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure

HEIGHT_MM = 62.0
_AXES = {
    "exciton binding energy": ("temperature (K)", "intensity (as given)", "linear"),
    "Urbach energy": ("photon energy (eV)", "absorption (as given)", "log"),
    "excitons per dot and fluence": ("pulse fluence (as given)", "late bleach (as given)", "linear"),
}
_SYMBOLS = {
    "exciton binding energy": r"$E_\mathrm{B}$",
    "Urbach energy": r"$E_\mathrm{U}$",
    "excitons per dot and fluence": r"$\langle N\rangle/P$",
}


@styled
def fit_figure(fit: Fit) -> "Figure":
    """Draw the points of a fit and its curve with the fitted number."""
    figure, (axes,) = new_figure(HEIGHT_MM)
    horizontal, vertical, scale = _AXES[fit.quantity]
    axes.plot(fit.points[:, 0], fit.points[:, 1], "o", markersize=3, color=BLUE, markerfacecolor="none")
    number = f"{_SYMBOLS[fit.quantity]} = {fit.value:.3g} ± {fit.error:.1g}"
    axes.plot(fit.curve[:, 0], fit.curve[:, 1], color=VERMILLION, label=f"{number} {fit.unit}")
    axes.set_yscale(scale)
    axes.set_xlabel(horizontal)
    axes.set_ylabel(vertical)
    axes.legend(loc="best", handlelength=1.4)
    return figure
