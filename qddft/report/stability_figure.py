"""Where a compound is stable, drawn: the polygon of chemical potentials, or the edges where there is none."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from qddft.analysis.phase_stability import StabilityRegion
from qddft.report.style import BLACK, BLUE, CYCLE, GRAY, SKY, new_figure, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from qddft.recipes.result import Result

HEIGHT_MM = 68.0
_MARGIN = 0.08
# share of the plane that a region has to fill for its name
_ROOM = 0.3
# between the marks of two elements, in corners
_APART = 0.14


@styled
def stability_figure(region: StabilityRegion) -> "Figure":
    """Draw the region of a compound: of three elements the polygon, of others the potentials at each corner.

    Parameters
    ----------
    region
        The polygon lies in the plane of the last two elements; the first one follows from them, as the compound is in
        equilibrium everywhere.
    """
    if len(region.elements) != 3:
        return _corner_figure(region)
    figure, (axes,) = new_figure(HEIGHT_MM)
    plane = region.places[:, 1:]
    low = plane.min(axis=0)
    _compounds(axes, region)
    if region.stable:
        ring = _ring(plane)
        axes.fill(ring[:, 1], ring[:, 0], facecolor=SKY, edgecolor=BLUE, linewidth=0.9, alpha=0.75, zorder=3)
        middle = ring.mean(axis=0)
        _label(axes, region.target, (float(middle[1]), float(middle[0])), low, wide=_wide(ring, low))
    else:
        for edge in region.edges:
            axes.plot(edge.corners[:, 2], edge.corners[:, 1], "o", color=BLACK, markersize=2.5, zorder=4)
        text = f"{_formula(region.target)}: no stable region, {region.decomposition_energy:.2f} eV/f.u. above the edges"
        axes.text(0.0, 1.02, text, transform=axes.transAxes, ha="left", va="bottom")
    axes.set_xlim(low[1] * (1 + _MARGIN), -low[1] * _MARGIN)
    axes.set_ylim(low[0] * (1 + _MARGIN), -low[0] * _MARGIN)
    axes.set_xlabel(rf"$\Delta\mu_\mathrm{{{region.elements[2]}}}$ (eV)")
    axes.set_ylabel(rf"$\Delta\mu_\mathrm{{{region.elements[1]}}}$ (eV)")
    if axes.get_legend_handles_labels()[0]:
        axes.legend(loc="lower left", handlelength=1.4)
    return figure


def _corner_figure(region: StabilityRegion) -> "Figure":
    """Draw the chemical potential of every element at every corner, or at the ends of the edges."""
    figure, (axes,) = new_figure(HEIGHT_MM)
    names = [" + ".join(map(_formula, phases)) for phases in region.corner_phases]
    if not region.stable:
        names = [_formula(edge.phase) for edge in region.edges for _ in edge.corners]
    order = np.lexsort(region.places.T)
    heights = np.arange(len(order))
    for index, element in enumerate(region.elements):
        values = region.places[order, index]
        # side by side, as many lie at zero
        shifted = heights + _APART * ((len(region.elements) - 1) / 2 - index)
        axes.plot(values, shifted, "o", color=CYCLE[index % len(CYCLE)], markersize=3.2, label=element)
    axes.grid(axis="y", color=GRAY, linewidth=0.3, alpha=0.5)
    axes.set_yticks(heights, [names[item] for item in order])
    axes.margins(x=0.05, y=0.12)
    axes.set_xlabel(r"$\Delta\mu$ (eV)")
    axes.set_ylabel(f"{_formula(region.target)} in equilibrium with")
    axes.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=5, handlelength=1.2)
    return figure


@styled
def vacancy_figure(
    limits: Mapping[str, Sequence[tuple[float, float]]], element: str, *, marks: Mapping[str, float] | None = None
) -> "Figure":
    """Draw formation energies against the chemical potential of what is missing.

    Parameters
    ----------
    limits
        Name of the vacancy to its points (chemical potential relative to the element, formation energy), eV.
    element
        Symbol, for the axis.
    marks
        Named limits by their chemical potential, eV.
    """
    figure, (axes,) = new_figure(HEIGHT_MM)
    for index, (name, points) in enumerate(limits.items()):
        array = np.array(sorted(points))
        axes.plot(
            array[:, 0],
            array[:, 1],
            marker="o",
            markersize=2.5,
            linewidth=1,
            color=CYCLE[index % len(CYCLE)],
            label=name,
        )
    for name, value in (marks or {}).items():
        axes.axvline(value, color=GRAY, linewidth=0.6, linestyle=(0, (4, 2)), zorder=0)
        axes.annotate(name, (value, 1.01), xycoords=("data", "axes fraction"), ha="center", va="bottom", color=GRAY)
    axes.margins(x=0.08, y=0.15)
    axes.set_xlabel(rf"$\Delta\mu_\mathrm{{{element}}}$ (eV)")
    axes.set_ylabel(r"formation energy $E_\mathrm{f}$ (eV)")
    axes.legend(loc="best", handlelength=1.4)
    return figure


def limits_figure(energies: "Mapping[str, Result]") -> "Figure":
    """Draw formation energies at their limits, against the chemical potential of what is missing.

    Parameters
    ----------
    energies
        Name to result of ``vacancy_formation_energy``, all at the same limits.
    """
    first = next(iter(energies.values()))
    element = max(first.details["removed"], key=lambda name: abs(first.details["removed"][name]))
    potentials = {name: item[element] for name, item in first.details["limit_potentials_eV"].items()}
    zero = max(potentials.values())
    lines = {
        name: [
            (at[element] - zero, float(item.details["limits_eV"][limit]))
            for limit, at in item.details["limit_potentials_eV"].items()
            # a limit may leave the energy open
            if not isinstance(item.details["limits_eV"][limit], list)
        ]
        for name, item in energies.items()
    }
    # limits that fall together share a mark
    marks: dict[float, list[str]] = {}
    for name, value in potentials.items():
        marks.setdefault(round(value - zero, 3), []).append(name)
    known = {name: points for name, points in lines.items() if points}
    return vacancy_figure(known, element, marks={", ".join(names): value for value, names in marks.items()})


def _ring(points: np.ndarray) -> np.ndarray:
    """Return the corners of a convex polygon in order."""
    offsets = points - points.mean(axis=0)
    return np.asarray(points[np.argsort(np.arctan2(offsets[:, 1], offsets[:, 0]))])


def _compounds(axes: "Axes", region: StabilityRegion) -> None:
    """Draw the line of each neighbor over the whole plane, dashed where the neighbor is an element."""
    neighbors = {edge.phase: edge for edge in region.edges if edge.phase not in (*region.elements, "Cl2", "Br2", "I2")}
    for index, (name, edge) in enumerate(neighbors.items()):
        start, end = edge.corners[0, 1:], edge.corners[-1, 1:]
        direction = (end - start) / np.linalg.norm(end - start)
        reach = np.abs(region.places[:, 1:]).max() * 2
        line = np.array([start - reach * direction, end + reach * direction])
        axes.plot(
            line[:, 1], line[:, 0], color=CYCLE[(index + 1) % len(CYCLE)], label=_formula(name), linewidth=1, zorder=2
        )
    for draw in (axes.axhline, axes.axvline):
        draw(0.0, color=GRAY, linewidth=0.6, linestyle=(0, (4, 2)), zorder=1)


def _wide(ring: np.ndarray, low: np.ndarray) -> bool:
    """Tell whether a region fills so much of the plane that its name fits into it."""
    x, y = (ring / low).T
    return bool(abs(np.dot(x, np.roll(y, 1)) - np.dot(y, np.roll(x, 1))) / 2 > _ROOM)


def _label(axes: "Axes", text: str, position: tuple[float, float], low: np.ndarray, *, wide: bool) -> None:
    """Name a region, beside it with a line where it is too narrow for the word."""
    if wide:
        axes.text(*position, _formula(text), ha="center", va="center", zorder=5)
        return
    away = (0.28 * float(low[1]), 0.45 * float(low[0]))
    axes.annotate(
        _formula(text), position, xytext=away, ha="center", va="center",
        arrowprops={"arrowstyle": "-", "linewidth": 0.6, "color": BLACK}, zorder=5,
    )  # fmt: skip


def _formula(text: str) -> str:
    """Return a formula with its numbers set low."""
    return "".join(rf"$_{{{character}}}$" if character.isdigit() else character for character in text)
