"""Distributions of bonds and angles before and after a ligand, layer spacings, and powder patterns, drawn."""

from typing import TYPE_CHECKING, Literal

import numpy as np

from qddft.report.style import BLACK, BLUE, GRAY, VERMILLION, new_figure, styled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from qddft.analysis.diffraction import Peak
    from qddft.analysis.geometry import Geometry

HEIGHT_MM = 62.0
PATTERN_MM = 58.0
_BINS = 24
# smallest width of a histogram, so that a perfect crystal is one bar and not noise: Angstrom, degrees
_LEAST = {"bonds": 0.2, "angles": 6.0}


@styled
def geometry_figure(after: "Geometry", before: "Geometry | None" = None) -> "Figure":
    """Draw the Pb-X distances and Pb-X-Pb angles of one structure or of two."""
    figure, panels = new_figure(HEIGHT_MM, columns=2)
    labels = {"bonds": "Pb–X distance (Å)", "angles": "Pb–X–Pb angle (°)"}
    for axes, (name, label) in zip(panels, labels.items(), strict=True):
        old = np.empty(0) if before is None else np.asarray(getattr(before, name))
        new = np.asarray(getattr(after, name))
        edges = _edges(np.concatenate([old, new]), _LEAST[name])
        if before is not None:
            _bars(axes, old, edges, GRAY, "before", filled=True)
        _bars(axes, new, edges, BLUE if before is None else VERMILLION, "after", filled=before is None)
        axes.set_xlabel(label)
        axes.set_ylabel("share (%)")
        axes.margins(y=0.25)
    if before is not None:
        panels[0].legend(loc="upper left", handlelength=1.2)
    return figure


@styled
def pattern_figure(peaks: "Sequence[Peak]", printed: "Sequence[float]" = ()) -> "Figure":
    """Draw a powder pattern as lines, and the positions that a paper prints as marks.

    Parameters
    ----------
    peaks
        Computed lines.
    printed
        2 theta of printed peaks, degrees.
    """
    figure, (axes,) = new_figure(PATTERN_MM)
    angles = [peak.two_theta for peak in peaks]
    axes.vlines(angles, 0, [peak.intensity for peak in peaks], color=BLUE, linewidth=1.0, label="computed")
    for peak in sorted(peaks, key=lambda item: -item.intensity)[:8]:
        text = "(" + "".join(str(i) for i in peak.indices[0]) + ")"
        place = (peak.two_theta, peak.intensity + 2)
        axes.annotate(text, place, ha="center", va="bottom", rotation=90, fontsize=6.5)
    if len(printed):
        axes.plot(printed, [-5] * len(printed), "^", color=BLACK, markersize=3, label="printed", clip_on=False)
        axes.legend(loc="upper right", handlelength=1.2)
    axes.set_ylim(-8 if len(printed) else 0, 128)
    axes.set_yticks(range(0, 101, 20))
    axes.set_xlabel(r"2$\theta$ (°)")
    axes.set_ylabel("intensity (strongest = 100)")
    return figure


def _edges(values: np.ndarray, least: float) -> np.ndarray:
    low, high = float(values.min()), float(values.max())
    if high - low < least:
        middle = (low + high) / 2
        # equal values fall into the middle of a bar, not on the border of two
        low = middle - least / 2 * (1 + 1 / _BINS)
        high = low + least
    return np.linspace(low, high + 1e-9, _BINS + 1)


def _bars(axes: "Axes", values: np.ndarray, edges: np.ndarray, color: str, label: str, *, filled: bool) -> None:
    shares = np.full(len(values), 100.0 / max(len(values), 1))
    kind: Literal["stepfilled", "step"] = "stepfilled" if filled else "step"
    axes.hist(values, bins=edges.tolist(), weights=shares, histtype=kind, color=color, alpha=0.9, label=label)
