"""Formation energies of charge states against the Fermi level, drawn."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from qddft.analysis.transition_levels import ChargeLine, Transition, envelope
from qddft.report.style import BLACK, CYCLE, GRAY, SKY, new_figure, styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure

HEIGHT_MM = 66.0
# shown beyond the outermost level where the gap is unknown, eV
_BESIDE = 0.5


@styled
def charge_states_figure(
    lines: Sequence[ChargeLine], levels: Sequence[Transition], gap: float | None = None
) -> "Figure":
    """Draw one line a charge, the cheapest at each Fermi level in bold, and the thermodynamic transition levels.

    Parameters
    ----------
    lines
        Of the charge states.
    levels
        Where they cross.
    gap
        Of the pristine crystal, eV; the bands beside it are shaded.
    """
    figure, (axes,) = new_figure(HEIGHT_MM)
    stable = [item for item in levels if item.stable]
    places = [0.0, *([] if gap is None else [gap]), *(item.level for item in stable)]
    # levels far inside the bands are told, not drawn
    if gap is not None:
        places = [place for place in places if -gap / 2 <= place <= 1.5 * gap]
    margin = 0.06 * (max(places) - min(places)) if gap is not None else _BESIDE
    x = np.linspace(min(places) - margin, max(places) + margin, 200)
    for index, line in enumerate(sorted(lines, key=lambda item: -item.charge)):
        name = f"$q = {line.charge:+d}$" if line.charge else "$q = 0$"
        axes.plot(x, [line.at(value) for value in x], color=CYCLE[index % len(CYCLE)], linewidth=0.8, label=name)
    lowest = np.min([[line.at(value) for value in x] for line in envelope(lines)], axis=0)
    axes.plot(x, lowest, color=BLACK, linewidth=1.6, zorder=3)
    shown = [item for item in stable if x[0] <= item.level <= x[-1]]
    points = [axes.plot([item.level], [item.energy], "o", color=BLACK, markersize=3.5, zorder=4)[0] for item in shown]
    if gap is not None:
        axes.axvspan(x[0], 0, color=GRAY, alpha=0.25, linewidth=0, zorder=0)
        axes.axvspan(gap, x[-1], color=SKY, alpha=0.35, linewidth=0, zorder=0)
    if axes.get_ylim()[0] < 0 < axes.get_ylim()[1]:
        axes.axhline(0, color=GRAY, linewidth=0.6, linestyle=(0, (4, 2)))
    axes.set_xlim(x[0], x[-1])
    axes.set_xlabel(r"$E_\mathrm{F} - E_\mathrm{VBM}$ (eV)")
    axes.set_ylabel(r"formation energy $E_\mathrm{f}$ (eV)")
    if shown:
        # levels may lie close together, so that their names stand in a list of their own
        names = [f"{item.name} {item.level:+.2f} eV".replace("-", "−") for item in shown]
        axes.add_artist(axes.legend(points, names, loc="best", handlelength=0.8, borderpad=0.3))
    axes.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=4, handlelength=1.2, borderpad=0.1)
    return figure
