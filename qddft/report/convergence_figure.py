"""A convergence series drawn: value against setting, the tolerance around the finest, the setting that was found."""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from qddft.report.convergence_table import setting_name
from qddft.report.quantities import Record
from qddft.report.style import BLACK, BLUE, GRAY, SKY, VERMILLION, new_figure, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

HEIGHT_MM = 62.0
_AXIS = {
    "cutoff_eV": "plane-wave cutoff (eV)",
    "kpoints": "k-point mesh",
    "vacuum": "vacuum (Å)",
    "layers": "atomic layers",
    "supercell": "lateral cell",
}
_NUMBERS = ("cutoff_eV", "vacuum", "layers")
_SYMBOLS = {"E_ads": r"$E_\mathrm{ads}$", "surface energy": r"surface energy"}
# more labels than these stand on each other's feet
_MOST_LEVEL = 6
# the axis shows at least this many tolerances on either side of the finest
_ROOM = 1.6


@styled
def convergence_chart(record: Record) -> "Figure":
    """Draw a series; points without a value leave a gap and are marked at the axis.

    Parameters
    ----------
    record
        Of a ``Convergence`` result, with at least one value.
    """
    details = record["details"]
    points: Sequence[Mapping[str, Any]] = details["points"]
    figure, (axes,) = new_figure(HEIGHT_MM)
    numbers = details["vary"] in _NUMBERS
    places = [float(point["setting"]) if numbers else float(i) for i, point in enumerate(points)]
    _band(axes, points[-1]["value"], float(details["tolerance"]), str(record["unit"]))
    # a missing value is no number, and matplotlib breaks the line there
    values = [float("nan") if point["value"] is None else float(point["value"]) for point in points]
    axes.plot(places, values, color=BLUE, marker="o", markersize=3.5, linewidth=1, zorder=3)
    _smallest(axes, details, places, values)
    _missing(axes, points, places)
    turned: dict[str, Any] = {"rotation": 45, "ha": "right"} if not numbers and len(points) > _MOST_LEVEL else {}
    axes.set_xticks(places, [str(point["label"]).split(" ")[0] for point in points], **turned)
    # a sum and an exponent at the end of the axis are hard to read
    axes.ticklabel_format(axis="y", useOffset=False, style="plain")
    axes.set_xlabel(_AXIS.get(str(details["vary"]), setting_name(record)))
    axes.set_ylabel(f"{_SYMBOLS.get(str(details['of']), details['of'])} ({record['unit']})")
    axes.margins(x=0.08)
    axes.set_ylim(_limits(values, float(details["tolerance"])))
    figure.legend(loc="outside upper left", handlelength=1.4, borderpad=0.1, labelspacing=0.3, ncols=2)
    return figure


def _band(axes: "Axes", finest: float | None, tolerance: float, unit: str) -> None:
    if finest is None:
        return
    axes.axhspan(finest - tolerance, finest + tolerance, color=SKY, alpha=0.3, linewidth=0, zorder=0,
                 label=f"finest ± {tolerance:g} {unit}")  # fmt: skip
    axes.axhline(finest, color=GRAY, linewidth=0.6, linestyle=(0, (4, 2)), zorder=1)


def _limits(values: Sequence[float], tolerance: float) -> tuple[float, float]:
    """Return a range that shows all values and both edges of the band around the finest."""
    around = [value for value in values if not math.isnan(value)]
    finest = [value for value in values[-1:] if not math.isnan(value)]
    edges = [value + side * _ROOM * tolerance for value in finest for side in (-1, 1)]
    low, high = min([*around, *edges]), max([*around, *edges])
    room = 0.06 * (high - low) or tolerance
    return low - room, high + room


def _smallest(axes: "Axes", details: Mapping[str, Any], places: Sequence[float], values: Sequence[float]) -> None:
    labels = [point["label"] for point in details["points"]]
    if details["smallest_label"] is None:
        axes.plot([], [], linestyle="none", label="no setting has converged")
        return
    index = labels.index(details["smallest_label"])
    axes.plot([places[index]], [values[index]], marker="o", markersize=8, markerfacecolor="none", linestyle="none",
              markeredgecolor=VERMILLION, markeredgewidth=1.2, zorder=4,
              label=f"smallest within it: {labels[index]}")  # fmt: skip


def _missing(axes: "Axes", points: Sequence[Mapping[str, Any]], places: Sequence[float]) -> None:
    gone = [place for place, point in zip(places, points, strict=True) if point["value"] is None]
    if gone:
        axes.plot(gone, [0.03] * len(gone), transform=axes.get_xaxis_transform(), linestyle="none", marker="x",
                  color=BLACK, markersize=4, clip_on=False, label="missing")  # fmt: skip
