"""Figures of energies from folders: bars with their parts, adsorption against coverage, vacancies by layer."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from qddft.recipes.coverage_series import DIFFERENTIAL
from qddft.recipes.result import Result
from qddft.report.quantities import quantity_of
from qddft.report.style import BLACK, BLUE, GRAY, GREEN, ORANGE, PURPLE, VERMILLION, new_figure, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

HEIGHT_MM = 62.0
_ROW_MM, _HEAD_MM = 7.0, 14.0
_BAR = 0.62
# further numbers of a result that get bars of their own, how the figure calls them, and their color
_PARTS = {
    "E_int": (r"$E_\mathrm{int}$", VERMILLION),
    "E_def_slab": (r"$E_\mathrm{def,slab}$", GREEN),
    "E_def_ligand": (r"$E_\mathrm{def,ligand}$", ORANGE),
    "E_dispersion": (r"dispersion part", PURPLE),
}


@styled
def energy_bars(results: Sequence[Result], names: Sequence[str] = ()) -> "Figure":
    """Draw the values of results as bars, one a row, and what they are made of below each.

    Parameters
    ----------
    results
        Of one unit, all with a value.
    names
        What the rows are called; otherwise the symbol of the quantity.
    """
    rows: list[tuple[str, float, str]] = []
    for index, result in enumerate(results):
        symbol = quantity_of(result.quantity).math
        rows.append((names[index] if names else symbol, _value(result), BLUE))
        rows += [
            (label, float(result.details[key]), color)
            for key, (label, color) in _PARTS.items()
            if key in result.details
        ]
    figure, (axes,) = new_figure(_HEAD_MM + _ROW_MM * len(rows))
    for row, (_, value, color) in enumerate(rows):
        axes.barh(row, value, height=_BAR, color=color, linewidth=0)
        _label(axes, row, value)
    axes.axvline(0, color=BLACK, linewidth=0.6)
    axes.set_yticks(range(len(rows)), [name for name, _, _ in rows])
    axes.tick_params(axis="y", length=0, pad=6)
    axes.spines["left"].set_visible(False)
    axes.set_ylim(len(rows) - 0.45, -0.55)
    _room(axes, [value for _, value, _ in rows])
    sign = quantity_of(results[0].quantity).sign
    axes.set_xlabel(f"energy ({results[0].unit}), {sign}" if sign != "see the convention" else f"({results[0].unit})")
    return figure


@styled
def coverage_figure(results: Sequence[Result]) -> "Figure":
    """Draw average and differential adsorption energies against coverage.

    Parameters
    ----------
    results
        Of ``coverage_series``, all with a value.
    """
    figure, (axes,) = new_figure(HEIGHT_MM)
    average = [item for item in results if item.quantity != DIFFERENTIAL]
    steps = [item for item in results if item.quantity == DIFFERENTIAL]
    places = [float(item.details["coverage_per_nm2"]) for item in average]
    axes.plot(places, [_value(item) for item in average], "o-", color=BLUE, markersize=3.5, label="average")
    for index, item in enumerate(steps):
        span = [float(item.details["from_per_nm2"]), float(item.details["coverage_per_nm2"])]
        label = "differential" if index == 0 else "_"
        axes.plot(span, [_value(item)] * 2, color=VERMILLION, linewidth=1.4, label=label)
    axes.axhline(0, color=GRAY, linewidth=0.6, linestyle=(0, (4, 2)))
    axes.set_xlim(0, 1.08 * max(places))
    axes.margins(y=0.15)
    axes.set_xlabel("ligands per nm$^2$")
    axes.set_ylabel(r"$E_\mathrm{ads}$ per ligand (eV)")
    axes.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=2, handlelength=1.4, borderpad=0.1)
    return figure


@styled
def layer_figure(layers: Mapping[str, float], reference: tuple[str, float] | None = None) -> "Figure":
    """Draw the formation energy of a vacancy layer by layer, and that of the bulk as a line.

    Parameters
    ----------
    layers
        Name of the layer, from the face inwards, to formation energy, eV.
    reference
        Name and formation energy of the bulk, eV.
    """
    figure, (axes,) = new_figure(HEIGHT_MM)
    axes.plot(range(len(layers)), list(layers.values()), "o-", color=BLUE, markersize=3.5)
    if reference is not None:
        axes.axhline(reference[1], color=VERMILLION, linewidth=0.9, label=reference[0])
        axes.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), handlelength=1.4, borderpad=0.1)
    axes.set_xticks(range(len(layers)), list(layers))
    axes.margins(x=0.12, y=0.15)
    axes.set_xlabel("layer of the vacancy")
    axes.set_ylabel(r"formation energy $E_\mathrm{f}$ (eV)")
    return figure


def _value(result: Result) -> float:
    return float("nan") if result.value is None else result.value


def _label(axes: "Axes", row: int, value: float) -> None:
    side, align = (-3, "right") if value < 0 else (3, "left")
    text = f"{value:+.3f}".replace("-", "−")
    axes.annotate(text, (value, row), xytext=(side, 0), textcoords="offset points", va="center", ha=align)


def _room(axes: "Axes", values: Sequence[float]) -> None:
    """Leave space for the number at the end of the longest bar on either side."""
    known = np.array([value for value in values if np.isfinite(value)] or [0.0])
    low, high = min(0.0, float(known.min())), max(0.0, float(known.max()))
    span = max(high - low, 0.05)
    axes.set_xlim(low - (0.35 * span if low < 0 else 0.03 * span), high + (0.35 * span if high > 0 else 0.03 * span))
