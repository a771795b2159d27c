"""Pictures of thousands of atoms: drawn in sheets from back to front, cut open where a shell would hide the core."""

from typing import TYPE_CHECKING

import numpy as np

from qddft.report.pictures import COLORS, FADE, OTHER_COLOR, Scene, View

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import Collection

# structures with more atoms are drawn here
LARGE = 1200
_SHEET = 2.0  # Angstrom
_LIGAND_BOND, _SLAB_BOND = 0.34, 0.18  # widths, Angstrom
_POINTS_PER_INCH = 72.0
_CAPTION_SIZE = 6


def draw_large(axes: "Axes", scene: Scene, view: View, *, cut: bool) -> None:
    """Draw what lies behind the middle plane, or everything.

    Parameters
    ----------
    axes
        Its limits are set: widths of bonds are drawn to scale.
    scene, view
        What, and from where.
    cut
        Leave the near half away.
    """
    depth = view.sign * scene.positions[:, view.toward]
    middle = (depth.max() + depth.min()) / 2
    shown = depth <= middle + 1e-6 if cut else np.ones(len(depth), dtype=bool)
    colors = _colors(scene, depth, shown)
    flat = scene.positions[:, [view.right, view.up]]
    points = _points_per_angstrom(axes)
    bonds = scene.bonds[shown[scene.bonds].all(axis=1)] if len(scene.bonds) else scene.bonds
    level = np.floor((depth - depth.min()) / _SHEET).astype(int)
    bond_level = level[bonds].min(axis=1) if len(bonds) else np.empty(0, dtype=int)
    for sheet in range(int(level[shown].max()) + 1):
        own = np.flatnonzero(shown & (level == sheet))
        for drawn in (
            _bonds(scene, flat, bonds[bond_level == sheet], colors, points),
            _atoms(axes, scene, flat, own[np.argsort(depth[own], kind="stable")], colors),
        ):
            drawn.set_zorder(sheet + 1)
            axes.add_collection(drawn, autolim=False)
    caption = "cut through the middle" if cut else "from outside"
    axes.text(0.5, 0.0, caption, transform=axes.transAxes, fontsize=_CAPTION_SIZE, ha="center", va="top")


def _points_per_angstrom(axes: "Axes") -> float:
    """Return how many points an Angstrom is; axes keep their aspect, so that the tighter direction decides."""
    figure = axes.get_figure(root=True)
    if figure is None:
        return 1.0
    box = axes.get_position()
    width, height = figure.get_size_inches() * np.array([box.width, box.height])
    (left, right), (low, high) = axes.get_xlim(), axes.get_ylim()
    return float(min(width / (right - left), height / (high - low)) * _POINTS_PER_INCH)


def _colors(scene: Scene, depth: np.ndarray, shown: np.ndarray) -> np.ndarray:
    """Return colors that fade with the depth, shape (n, 3)."""
    from matplotlib.colors import to_rgb

    named = {symbol: to_rgb(COLORS.get(symbol, OTHER_COLOR)) for symbol in set(scene.symbols)}
    plain = np.array([named[symbol] for symbol in scene.symbols])
    front = depth[shown].max()
    white = FADE * np.clip((front - depth) / max(float(np.ptp(depth[shown])), 4.0), 0.0, 1.0)
    return np.asarray((1 - white[:, None]) * plain + white[:, None])


def _bonds(scene: Scene, flat: np.ndarray, bonds: np.ndarray, colors: np.ndarray, points: float) -> "Collection":
    from matplotlib.collections import LineCollection

    in_slab = scene.fragment[bonds[:, 0]] == 0
    widths = np.where(in_slab, _SLAB_BOND, _LIGAND_BOND) * points
    # hydrogens are left to the lines: their color is that of the heavier atom
    heavier = np.where(scene.radii[bonds[:, 0]] >= scene.radii[bonds[:, 1]], bonds[:, 0], bonds[:, 1])
    return LineCollection(list(flat[bonds]), linewidths=widths, colors=colors[heavier], capstyle="round")


def _atoms(axes: "Axes", scene: Scene, flat: np.ndarray, own: np.ndarray, colors: np.ndarray) -> "Collection":
    from matplotlib.collections import EllipseCollection

    heavy = own[[scene.symbols[index] != "H" for index in own]] if len(own) else own
    sizes = 2 * scene.radii[heavy] * np.where(scene.fragment[heavy] > 0, 0.6, 1.0)
    return EllipseCollection(
        sizes, sizes, np.zeros(len(heavy)), units="xy", offsets=flat[heavy], offset_transform=axes.transData,
        facecolors=colors[heavy], edgecolors=0.6 * colors[heavy], linewidths=0.15,
    )  # fmt: skip
