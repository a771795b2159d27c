"""Still pictures of structures, from the side and from above, ligands in front of a paler slab."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from qddft.report.style import BLACK, COLUMN_MM, GRAY, MM_PER_INCH, VERMILLION, styled

if TYPE_CHECKING:
    from ase import Atoms
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# after the colors chemists know, moved apart for color-blind readers; each element also differs in size
COLORS: Mapping[str, str] = {
    "H": "#F2F2F2", "C": "#4D4D4D", "N": "#2F5FD0", "O": "#D62728", "F": "#8FD175", "P": "#E88A1A",
    "S": "#E3C51B", "Cl": "#3BA55D", "Br": "#A0522D", "I": "#7B3FA0", "Cs": "#5BB5B0", "Pb": "#6E7687",
}  # fmt: skip
OTHER_COLOR = "#B07AA1"
SPHERE = 0.62
EDGE_TOLERANCE = 0.02
BOND_SLACK = 1.2
SURFACE_BOND = 3.8
LEADS, HALOGENS = (32, 50, 82), (9, 17, 35, 53)
IONS = (37, 55, *LEADS, *HALOGENS)
FADE = 0.55
MOST_CONTACTS = 16
LEGEND_MM = 7.0
CONTACT_LINE: dict[str, Any] = {"color": VERMILLION, "linewidth": 1.1, "linestyle": (0, (2, 1.2))}
MARGIN = 1.6


@dataclass(frozen=True)
class View:
    """A direction of sight.

    Attributes
    ----------
    right, up, toward
        Cartesian axes, 0 to 2, that point right, up and toward the eye.
    sign
        -1 when the eye looks along ``toward`` from its far end.
    """

    right: int
    up: int
    toward: int
    sign: int


SIDE = View(right=0, up=2, toward=1, sign=-1)
ABOVE = View(right=0, up=1, toward=2, sign=1)


@styled
def structure_picture(atoms: "Atoms", *, width_mm: float = COLUMN_MM) -> "Figure":
    """Draw a structure from the side and from above, on one scale, with its elements named.

    Parameters
    ----------
    atoms
        A slab, complex or molecule; ``arrays["fragment"]`` decides what stands in front.
    width_mm
        Width of the figure.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    scene = Scene.of(atoms)
    boxes = [scene.box(SIDE), scene.box(ABOVE)]
    widths = [box[1] - box[0] for box in boxes]
    tall = max(box[3] - box[2] for box in boxes)
    height_mm = min(width_mm * tall / sum(widths), 1.4 * width_mm) + LEGEND_MM
    figure = Figure(figsize=(width_mm / MM_PER_INCH, height_mm / MM_PER_INCH))
    FigureCanvasAgg(figure)
    grid = figure.add_gridspec(
        1, 2, width_ratios=widths, left=0.0, right=1.0, top=1.0, bottom=LEGEND_MM / height_mm, wspace=0.0
    )
    for column, (view, box) in enumerate(zip((SIDE, ABOVE), boxes, strict=True)):
        axes = figure.add_subplot(grid[0, column])
        middle = (box[2] + box[3]) / 2
        axes.set(xlim=box[:2], ylim=(middle - tall / 2, middle + tall / 2), aspect="equal")
        axes.axis("off")
        _draw(axes, scene, view)
    _legend(figure, scene)
    return figure


@dataclass(frozen=True)
class Scene:
    """What is drawn: atoms with the copies that complete the edges of the cell, and bonds between them."""

    symbols: list[str]
    positions: np.ndarray
    fragment: np.ndarray
    radii: np.ndarray
    bonds: np.ndarray
    contacts: tuple[tuple[np.ndarray, np.ndarray], ...]
    cell: np.ndarray
    periodic: bool

    @classmethod
    def of(cls, atoms: "Atoms") -> "Scene":
        """Return what is drawn of a structure."""
        from ase.data import covalent_radii

        shown = _with_edges(atoms)
        fragment = np.asarray(shown.arrays.get("fragment", np.zeros(len(shown), dtype=int)))
        symbols = shown.get_chemical_symbols()
        return cls(
            symbols=symbols,
            positions=shown.positions,
            fragment=fragment,
            radii=SPHERE * covalent_radii[shown.numbers],
            bonds=bonds_of(shown, fragment),
            contacts=contacts_of(atoms, most=MOST_CONTACTS),
            cell=atoms.cell.array,
            periodic=bool(atoms.pbc.any()) and atoms.cell.rank == 3,
        )

    def box(self, view: View) -> tuple[float, float, float, float]:
        """Left, right, bottom and top of what is seen, Angstrom."""
        seen = self.positions[:, [view.right, view.up]]
        low, high = seen.min(axis=0) - MARGIN, seen.max(axis=0) + MARGIN
        return float(low[0]), float(high[0]), float(low[1]), float(high[1])


def _with_edges(atoms: "Atoms") -> "Atoms":
    """Repeat slab atoms that lie on a lateral edge of the cell on the opposite edge, as crystals are drawn."""
    if atoms.cell.rank < 3 or not atoms.pbc.any():
        return atoms
    fractions = atoms.cell.scaled_positions(atoms.positions)
    labels = np.asarray(atoms.arrays.get("fragment", np.zeros(len(atoms), dtype=int)))
    shown = atoms.copy()
    shown.set_constraint()
    slab = labels == 0
    for shift in ((1, 0), (0, 1), (1, 1)):
        edge = slab.copy()
        for axis, step in enumerate(shift):
            if step:
                edge &= np.abs(fractions[:, axis] - np.round(fractions[:, axis])) < EDGE_TOLERANCE
                edge &= fractions[:, axis] < 0.5
        copies = atoms[edge]
        copies.set_constraint()
        copies.positions += shift[0] * atoms.cell[0] + shift[1] * atoms.cell[1]
        shown += copies
    return shown


def bonds_of(shown: "Atoms", fragment: np.ndarray) -> np.ndarray:
    """Return index pairs of bonds inside molecules and of Pb to halide bonds in the slab; images are not looked at."""
    from ase.data import covalent_radii
    from scipy.spatial import cKDTree

    pairs = cKDTree(shown.positions).query_pairs(SURFACE_BOND, output_type="ndarray")
    if not len(pairs):
        return np.empty((0, 2), dtype=int)
    i, j = pairs.T
    lengths = np.linalg.norm(shown.positions[i] - shown.positions[j], axis=1)
    covalent = lengths < BOND_SLACK * (covalent_radii[shown.numbers[i]] + covalent_radii[shown.numbers[j]])
    lead = (np.isin(shown.numbers[i], LEADS) & np.isin(shown.numbers[j], HALOGENS)) | (
        np.isin(shown.numbers[j], LEADS) & np.isin(shown.numbers[i], HALOGENS)
    )
    one_fragment = fragment[i] == fragment[j]
    organic = ~np.isin(shown.numbers, IONS)
    # a slab may hold molecules too, on the A site
    molecular = covalent & ((fragment[i] > 0) | (organic[i] & organic[j]))
    return np.asarray(pairs[one_fragment & (molecular | ((fragment[i] == 0) & lead))])


def contacts_of(atoms: "Atoms", most: int) -> tuple[tuple[np.ndarray, np.ndarray], ...]:
    """Return start and end of each anchor contact, from the ligand to the nearest image of its site.

    None if there are more than ``most`` ligands: labels that cover each other tell nothing.
    """
    from ase.geometry import find_mic

    found = []
    entries = atoms.info.get("qddft", {}).get("fragments", [])[1:]
    for entry in entries if len(entries) <= most else []:
        for anchor, sites in zip(entry.get("anchors") or [], entry.get("sites") or [], strict=False):
            for site in sites if isinstance(sites, list) else [sites]:
                if max(anchor, site) >= len(atoms):
                    continue
                step = atoms.positions[site] - atoms.positions[anchor]
                step = find_mic([step], atoms.cell, atoms.pbc)[0][0]
                found.append((atoms.positions[anchor], atoms.positions[anchor] + step))
    return tuple(found)


def _draw(axes: "Axes", scene: Scene, view: View) -> None:
    from qddft.report.large_picture import LARGE, draw_large

    if len(scene.symbols) > LARGE:
        draw_large(axes, scene, view, cut=view is SIDE and not scene.periodic and bool(scene.fragment.any()))
        return
    depth = view.sign * scene.positions[:, view.toward]
    fade = _fade(depth, scene.fragment)
    _draw_cell(axes, scene, view)
    for i, j in scene.bonds:
        _draw_bond(axes, scene, view, (int(i), int(j)), depth=(depth[i] + depth[j]) / 2, fade=(fade[i] + fade[j]) / 2)
    for index in np.argsort(depth):
        _draw_atom(axes, scene, view, int(index), depth=depth[index], fade=fade[index])
    if view is SIDE:
        for start, end in scene.contacts:
            line = np.array([start, end])[:, [view.right, view.up]]
            axes.plot(line[:, 0], line[:, 1], **CONTACT_LINE, zorder=200 + depth.max())


def _fade(depth: np.ndarray, fragment: np.ndarray) -> np.ndarray:
    """Return how far each atom lies behind the nearest one of the slab or of the ligands, as a share of white."""
    fade = np.zeros_like(depth)
    for part in (fragment == 0, fragment > 0):
        if part.any():
            fade[part] = FADE * (depth[part].max() - depth[part]) / max(np.ptp(depth[part]), 4.0)
    return fade


def _draw_atom(axes: "Axes", scene: Scene, view: View, index: int, *, depth: float, fade: float) -> None:
    from matplotlib.patches import Circle

    in_slab = scene.fragment[index] == 0 and scene.fragment.any()
    color = _mix(COLORS.get(scene.symbols[index], OTHER_COLOR), 0.25 + 0.75 * fade if in_slab else 0.5 * fade)
    x, y = scene.positions[index, view.right], scene.positions[index, view.up]
    edge = _mix(BLACK, 0.45 + 0.5 * fade if in_slab else 0.3 * fade)
    axes.add_patch(
        Circle((x, y), scene.radii[index], facecolor=color, edgecolor=edge, linewidth=0.35, zorder=100 + depth)
    )


def _draw_bond(axes: "Axes", scene: Scene, view: View, pair: tuple[int, int], *, depth: float, fade: float) -> None:
    in_slab = scene.fragment[pair[0]] == 0
    line = scene.positions[list(pair)][:, [view.right, view.up]]
    color = _mix(BLACK, 0.55 + 0.4 * fade) if in_slab else _mix("#333333", 0.3 * fade)
    width = 0.7 if in_slab else 1.3
    axes.plot(line[:, 0], line[:, 1], color=color, linewidth=width, solid_capstyle="round", zorder=100 + depth)


def _draw_cell(axes: "Axes", scene: Scene, view: View) -> None:
    """Outline the lateral cell from above; from the side the vacuum would only shrink the picture."""
    if not scene.periodic or view is SIDE:
        return
    a, b = scene.cell[0], scene.cell[1]
    corners = np.array([0 * a, a, a + b, b, 0 * a])
    axes.plot(corners[:, view.right], corners[:, view.up], color=GRAY, linewidth=0.6, linestyle=(0, (4, 2)), zorder=500)


def _legend(figure: "Figure", scene: Scene) -> None:
    from ase.data import atomic_numbers
    from matplotlib.lines import Line2D

    kinds = sorted(set(scene.symbols), key=lambda symbol: -atomic_numbers[symbol])
    handles = [
        Line2D([], [], marker="o", linestyle="", markersize=4.5, markerfacecolor=COLORS.get(kind, OTHER_COLOR),
               markeredgecolor=BLACK, markeredgewidth=0.35, label=kind)
        for kind in kinds
    ]  # fmt: skip
    if scene.contacts:
        handles.append(Line2D([], [], **CONTACT_LINE, label=_range([end - start for start, end in scene.contacts])))
    figure.legend(
        handles=handles, loc="lower center", ncols=len(handles), handletextpad=0.35, columnspacing=0.9, borderpad=0.0,
        handlelength=1.2,
    )  # fmt: skip


def _range(steps: list[np.ndarray]) -> str:
    """Return the lengths of the contacts in words."""
    lengths = sorted(float(np.linalg.norm(step)) for step in steps)
    first, last = f"{lengths[0]:.2f}", f"{lengths[-1]:.2f}"
    return f"{first} Å" if first == last else f"{first}–{last} Å"


def _mix(color: str, white: float) -> tuple[float, float, float]:
    """Return a color mixed with a share of white."""
    from matplotlib.colors import to_rgb

    share = min(max(white, 0.0), 1.0)
    red, green, blue = ((1 - share) * part + share for part in to_rgb(color))
    return red, green, blue
