"""The figure of a density of states: elements, dot and ligand, states in the gap."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from qddft.outputs.dos import Dos, GapStates, Overlap
from qddft.report.style import BLACK, BLUE, CYCLE, GRAY, ORANGE, PURPLE, SKY, VERMILLION, new_figure, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PANEL_MM = 38.0
HEAD_MM = 18.0
# energies shown around the gap, eV
BELOW, ABOVE = 7.0, 4.0
_ZERO_NAMES = {
    "vbm": r"E_\mathrm{VBM}",
    "fermi": r"E_\mathrm{F}",
    "vacuum": r"E_\mathrm{vac}",
    "core": r"E_\mathrm{core}",
    "given": r"E_0",
}
_FRAGMENT_COLORS = {"dot": BLUE, "ligand": ORANGE}


@styled
def dos_figure(
    dos: Dos,
    *,
    window: tuple[float, float] | None = None,
    gap_states: GapStates | None = None,
    overlap: Overlap | None = None,
    partitions: Sequence[str] | None = None,
) -> "Figure":
    """Draw a density of states, one panel a partition; the second spin points down.

    Parameters
    ----------
    dos
        What is drawn.
    window
        Energies shown, relative to the zero of ``dos``, eV.
    gap_states
        Bands in the gap, marked by short lines above the curves.
    overlap
        The window in which dot and ligand were compared, shaded.
    partitions
        Which panels; by default elements, and fragments where there is a ligand.
    """
    names = list(partitions) if partitions is not None else _panels(dos)
    shown = window or _window(dos)
    figure, _ = new_figure(HEAD_MM + PANEL_MM * max(len(names), 1))
    figure.clear()
    panels: list[Axes] = list(np.atleast_1d(figure.subplots(max(len(names), 1), 1, sharex=True)))
    for axes, name in zip(panels, names or [""], strict=True):
        _panel(axes, dos, name, shown)
        _marks(axes, dos, gap_states)
        if overlap is not None and name == "fragment":
            axes.axvspan(*overlap.window, color=SKY, alpha=0.22, linewidth=0, zorder=0)
        axes.legend(
            loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=5, handlelength=1.2, columnspacing=0.9,
            labelspacing=0.25, borderpad=0.1,
        )  # fmt: skip
    panels[-1].set_xlim(*shown)
    panels[-1].set_xlabel(rf"$E - {_ZERO_NAMES[dos.zero.kind]}$ (eV)")
    figure.supylabel("density of states (states/eV)", fontsize=panels[0].yaxis.label.get_fontsize())
    return figure


def _panels(dos: Dos) -> list[str]:
    wanted = [name for name in ("element",) if name in dos.projected]
    return [*wanted, "fragment"] if "ligand" in dos.projected.get("fragment", {}) else wanted


def _window(dos: Dos) -> tuple[float, float]:
    low, high = -BELOW, ABOVE
    if dos.edges is not None:
        vbm = dos.edges.vbm.energy - dos.zero.value
        gap = dos.edges.gap or 0.0
        low, high = vbm - BELOW, vbm + gap + ABOVE
    return max(low, float(dos.energies[0])), min(high, float(dos.energies[-1]))


def _panel(axes: "Axes", dos: Dos, partition: str, shown: tuple[float, float]) -> None:
    inside = (dos.energies >= shown[0]) & (dos.energies <= shown[1])
    energies = dos.energies[inside]
    signs = (1, -1)[: len(dos.total)]
    for sign, curve in zip(signs, dos.total[:, inside], strict=True):
        axes.fill_between(energies, sign * curve, color=GRAY, alpha=0.3, linewidth=0, label="total" if sign > 0 else "")
    curves = _curves(dos, partition)
    for index, (name, values) in enumerate(curves.items()):
        color = _FRAGMENT_COLORS.get(name, CYCLE[index % len(CYCLE)])
        for sign, curve in zip(signs, values[:, inside], strict=True):
            axes.plot(energies, sign * curve, color=color, linewidth=0.8, label=name if sign > 0 else "_")
    highest = float(dos.total[:, inside].max()) if inside.any() else 1.0
    # the uppermost part is for the marks of states in the gap
    axes.set_ylim(-1.08 * highest if len(signs) == 2 else 0.0, 1.2 * highest)
    if len(signs) == 2:
        axes.axhline(0, color=BLACK, linewidth=0.5)


def _curves(dos: Dos, partition: str) -> Mapping[str, np.ndarray]:
    parts = dos.projected.get(partition, {})
    if partition == "fragment":
        return {name: parts[name] for name in ("dot", "ligand") if name in parts}
    return parts


def _marks(axes: "Axes", dos: Dos, gap_states: GapStates | None) -> None:
    edges = dos.edges
    if edges is not None and edges.cbm is not None and not edges.metallic:
        for energy in (edges.vbm.energy, edges.cbm.energy):
            axes.axvline(energy - dos.zero.value, color=BLACK, linewidth=0.5, linestyle=(0, (4, 2)))
    if dos.fermi_level is not None:
        axes.axvline(dos.fermi_level, color=PURPLE, linewidth=0.6, linestyle=(0, (1, 1.5)))
    top = axes.get_ylim()[1]
    for state in gap_states.states if gap_states is not None else ():
        energy = state.energy - dos.zero.value
        axes.plot([energy, energy], [0.92 * top, 0.99 * top], color=VERMILLION, linewidth=1.2)
