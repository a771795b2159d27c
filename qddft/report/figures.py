"""The figures of a report, each a function from values to a matplotlib figure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from qddft.report.compare import CUT, Comparison
from qddft.report.quantities import ARROW, EXCHANGED, TOGETHER, quantity_of
from qddft.report.style import BLACK, BLUE, CYCLE, GRAY, ORANGE, new_figure, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
BAR_HEIGHT = 0.34
ROW_MM = 9.5
# a line of text, and what is left between two rows
LINE_MM, GAP_MM = 3.3, 2.0
# what needs no saying where other schemes are named
USUAL = "neutral"
# letters of the words on the sign that fit below the bars beside a long name
SIGN_LETTERS = 26
HEAD_MM = 19.0
STYLES = ("-", (0, (3, 1)), (0, (1, 1)))


@styled
def energy_chart(comparisons: Sequence[Comparison], *, ours: str, published: str) -> "Figure":
    """Draw energies as bars, ours and the published ones in pairs, one row a ligand.

    Parameters
    ----------
    comparisons
        Rows from the top down, all of one quantity.
    ours, published
        What the legend calls the two.
    """
    names = _row_names(comparisons)
    quantity = quantity_of(comparisons[0].quantity)
    label = wrap(f"({comparisons[0].unit}), {quantity.sign}", SIGN_LETTERS)
    row_mm = max(ROW_MM, LINE_MM * max(name.count("\n") + 1 for name in names) + GAP_MM)
    figure, (axes,) = new_figure(HEAD_MM + LINE_MM * (len(label) - 1) + row_mm * len(comparisons))
    has_published = any(item.published is not None for item in comparisons)
    shift = BAR_HEIGHT / 2 + 0.02 if has_published else 0.0
    known = [value for item in comparisons for value in (item.ours, item.published) if value is not None]
    # where all bars point to the right, the words for a missing one do as well, clear of the names
    left = min(known, default=-1.0) < 0
    for row, item in enumerate(comparisons):
        _bar(axes, row - shift, item.ours, color=BLUE, missing="no number", left=left)
        if has_published:
            _bar(axes, row + shift, item.published, color=ORANGE, missing="not published", left=left, hatch="////")
    axes.axvline(0, color=BLACK, linewidth=0.6)
    axes.set_yticks(range(len(comparisons)), names)
    axes.tick_params(axis="y", length=0, pad=6)
    axes.spines["left"].set_visible(False)
    axes.set_ylim(len(comparisons) - 0.45, -0.55)
    axes.set_xlabel(f"{quantity.math} " + "\n".join(label))
    _room_for_labels(axes, [value for item in comparisons for value in (item.ours, item.published)])
    _legend(figure, ours, published if has_published else None)
    return figure


def _bar(axes: "Axes", y: float, value: float | None, *, color: str, missing: str, left: bool, hatch: str = "") -> None:
    if value is None:
        side, align = (-3, "right") if left else (3, "left")
        axes.annotate(missing, (0, y), xytext=(side, 0), textcoords="offset points", va="center", ha=align, color=GRAY)
        return
    edge: dict[str, Any] = {"facecolor": "white", "edgecolor": color, "hatch": hatch} if hatch else {"color": color}
    axes.barh(y, value, height=BAR_HEIGHT, linewidth=0.7, **edge)
    side, align = (-3, "right") if value < 0 else (3, "left")
    text = f"{value:+.2f}".replace("-", "−")
    axes.annotate(text, (value, y), xytext=(side, 0), textcoords="offset points", va="center", ha=align)


def _room_for_labels(axes: "Axes", values: Sequence[float | None]) -> None:
    """Leave space for the number at the end of the longest bar on either side."""
    known = [value for value in values if value is not None] or [0.0]
    low, high = min(0.0, *known), max(0.0, *known)
    span = max(high - low, 0.2)
    if low < 0 or not high:
        # "no number" to the left of zero needs as much room as a bar would
        low = min(low - 0.3 * span, -0.4 * span if None in values else 0.0)
    axes.set_xlim(low, high + (0.3 * span if high > 0 else 0.04 * span))


def _legend(figure: "Figure", ours: str, published: str | None) -> None:
    from matplotlib.patches import Patch

    handles = [Patch(color=BLUE, label=ours)]
    if published is not None:
        handles.append(Patch(facecolor="white", edgecolor=ORANGE, hatch="////", label=published))
    figure.legend(handles=handles, loc="outside upper left", handlelength=1.4, borderpad=0.1, labelspacing=0.3)


def _row_names(comparisons: Sequence[Comparison]) -> list[str]:
    """Return the ligands, with what they are measured against where that is not the same for all of them."""
    count = Counter(item.ligand for item in comparisons)
    mixed = len({item.reference for item in comparisons}) > 1
    return [
        _lines(f"{item.ligand}, {_with_arrow(item.reference)}")
        if count[item.ligand] > 1 or (mixed and item.reference != USUAL)
        else _lines(item.ligand)
        for item in comparisons
    ]


def _with_arrow(reference: str) -> str:
    return reference.replace(EXCHANGED.strip(), ARROW)


def _lines(name: str) -> str:
    """Break the name of a row: each ligand of several begins a line, and a long one takes two."""
    before, arrow, after = name.partition(EXCHANGED)
    ends = [" +\n".join(_two_lines(_typeset(part)) for part in end.split(TOGETHER)) for end in (before, after)]
    return f" {ARROW}\n".join(ends) if arrow else ends[0]


def _two_lines(name: str) -> str:
    """Break a long ligand name after its comma, or at a space near its middle."""
    if len(name) <= 16 or " " not in name:
        return name
    breaks = [i for i, letter in enumerate(name) if letter == " "]
    middle = min(breaks, key=lambda i: (name[i - 1] != ",", abs(i - len(name) / 2)))
    return name[:middle] + "\n" + name[middle + 1 :]


def _typeset(name: str) -> str:
    """Set the digits of a formula as subscripts: C4H8O2 after "truncated to"."""
    head, found, formula = name.partition(f"{CUT} ")
    return head + found + formula.translate(SUBSCRIPTS) if found else name


@styled
def relaxation_chart(histories: Mapping[str, Sequence[float]], threshold: float) -> "Figure":
    """Draw the largest force of every relaxation against its ionic step, on a logarithmic scale.

    Parameters
    ----------
    histories
        Name of the job to largest force on a free atom at each step, eV/Angstrom.
    threshold
        Force below which a relaxation has converged, eV/Angstrom.
    """
    figure, (axes,) = new_figure(55.0 + 3.4 * len(histories))
    for index, (name, forces) in enumerate(histories.items()):
        style = STYLES[index // len(CYCLE) % len(STYLES)]
        axes.plot(range(len(forces)), forces, label=name, color=CYCLE[index % len(CYCLE)], linestyle=style, linewidth=1)
    axes.axhline(threshold, color=GRAY, linewidth=0.8, linestyle=(0, (4, 2)))
    axes.set_yscale("log")
    axes.set_xlabel("ionic step")
    axes.set_ylabel("largest force (eV/Å)")
    figure.legend(loc="outside upper left", handlelength=1.6, borderpad=0.1, labelspacing=0.3)
    return figure
