"""The figures of a charge density difference: planar average and transfer, and surfaces of equal density."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

import numpy as np

from qddft.analysis.charge import ChargeDifference
from qddft.analysis.profile import atom_heights, macroscopic_average
from qddft.core.errors import EngineError, OutputError
from qddft.outputs.grid import Grid, Profile
from qddft.outputs.resample import refined
from qddft.report.pictures import COLORS, OTHER_COLOR, SPHERE
from qddft.report.style import BLACK, BLUE, COLUMN_MM, GRAY, ORANGE, VERMILLION, new_figure, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# gain, loss: as in the papers, and a pair that every kind of color blindness tells apart
SCHEMES = {"papers": ("#F5C400", "#2F66D0"), "safe": (VERMILLION, "#56B4E9")}
# share of the largest absolute value that is drawn when no level is given
DEFAULT_SHARE = 0.1
_MOST_POINTS = 1_500_000
# facets longer than this are seen in print, Angstrom
_FACET = 0.15
_LIGHT = np.array([-0.35, -0.6, 0.72])
_DISC = 36
_ATOM_SIZE = 0.7
_PROFILE_MM = 58.0


class Field(Protocol):
    """What is drawn: a density difference, a spin density."""

    @property
    def grid(self) -> Grid:
        """The field."""
        ...

    @property
    def profile(self) -> Profile:
        """Its planar average."""
        ...

    @property
    def ligand_atoms(self) -> tuple[int, ...]:
        """Atoms that stand in the middle of the picture."""
        ...


@dataclass(frozen=True)
class Surface:
    """A surface of equal density.

    Attributes
    ----------
    vertices
        Cartesian, shape (n_vertices, 3), Angstrom.
    faces
        Corners of the triangles, shape (n_faces, 3).
    level
        The value on it, in the unit of the grid.
    """

    vertices: np.ndarray
    faces: np.ndarray
    level: float


@styled
def charge_profile_figure(found: ChargeDifference, *, scheme: str = "papers", window: float | None = None) -> "Figure":
    """Draw the planar average of a density difference and the charge gathered up to each height.

    Parameters
    ----------
    found
        The difference.
    scheme
        Colors of gain and loss: ``papers`` (yellow and blue) or ``safe``.
    window
        Width of a macroscopic average to draw as well, Angstrom.
    """
    gain, loss = _scheme(scheme)
    figure, (axes,) = new_figure(_PROFILE_MM)
    heights, values = found.profile.heights, found.profile.values
    axes.fill_between(heights, np.clip(values, 0, None), color=gain, alpha=0.85, linewidth=0, label="gathered")
    axes.fill_between(heights, np.clip(values, None, 0), color=loss, alpha=0.85, linewidth=0, label="drained")
    axes.plot(heights, values, color=BLACK, linewidth=0.6)
    if window is not None:
        smooth = macroscopic_average(found.profile, window)
        axes.plot(heights, smooth.values, color=GRAY, linewidth=1.1, label="macroscopic average")
    axes.axhline(0, color=BLACK, linewidth=0.5)
    for plane in found.planes:
        axes.axvline(plane, color=GRAY, linewidth=0.7, linestyle=(0, (4, 2)))
    _atom_ticks(axes, found)
    axes.set_xlabel("height (Å)")
    axes.set_ylabel(r"$\Delta\bar\rho$ (electrons/Å)")
    other = axes.twinx()
    other.spines["right"].set_visible(True)
    color = VERMILLION if scheme == "papers" else BLACK
    other.plot(heights, found.transferred, color=color, linewidth=0.9)
    # in the color of its curve, so that no reader takes one scale for the other
    other.set_ylabel(r"$\Delta Q$ up to this height (electrons)", color=color)
    other.tick_params(axis="y", labelcolor=color)
    _zeros_together(axes, other)
    axes.set_xlim(heights[0], heights[-1])
    axes.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=3, borderpad=0.1)
    return figure


def _zeros_together(axes: "Axes", other: "Axes") -> None:
    """Give both scales one zero line."""
    for item in (axes, other):
        top = max(abs(limit) for limit in item.get_ylim())
        item.set_ylim(-top, top)


def _atom_ticks(axes: "Axes", found: ChargeDifference) -> None:
    heights = atom_heights(found.profile, found.grid.atoms)
    is_ligand = np.zeros(len(heights), dtype=bool)
    is_ligand[list(found.ligand_atoms)] = True
    for chosen, color in ((~is_ligand, BLUE), (is_ligand, ORANGE)):
        axes.plot(
            heights[chosen], np.zeros(chosen.sum()), "|", color=color, markersize=5, markeredgewidth=0.8, zorder=5
        )


def isosurface(grid: Grid, level: float, origin: np.ndarray | None = None) -> Surface:
    """Return the surface where a field has a value, by the marching cubes of scikit-image (Lewiner et al., 2003).

    Grids of more than 1.5 million points are thinned where that divides them evenly.

    Parameters
    ----------
    grid
        The field.
    level
        The value, in the unit of the grid.
    origin
        Fractional coordinates where the period that is shown begins, shape (3,).

    Raises
    ------
    EngineError
        scikit-image is not installed.
    OutputError
        The field does not reach the value.
    """
    try:
        from skimage.measure import marching_cubes
    except ImportError as error:
        raise EngineError(
            "surfaces of equal density need scikit-image: install it with pip install 'qddft[charts]'"
        ) from error
    stride = max(1, int(np.ceil((grid.values.size / _MOST_POINTS) ** (1 / 3))))
    values = grid.values[::stride, ::stride, ::stride] if _divides(grid, stride) else grid.values
    if not values.min() < level < values.max():
        raise OutputError(
            f"the field goes from {values.min():.3g} to {values.max():.3g} {grid.unit}, with no surface at {level:.3g}"
        )
    shape = np.array(values.shape)
    first = np.round((np.zeros(3) if origin is None else origin) * shape).astype(int)
    # one more plane closes the surfaces at the end of the period
    closed = np.pad(np.roll(values, tuple(-first), axis=(0, 1, 2)), ((0, 1), (0, 1), (0, 1)), mode="wrap")
    vertices, faces, _, _ = marching_cubes(closed, level)
    return Surface((vertices + first) / shape @ grid.atoms.cell.array, faces, level)


def view_origin(found: Field) -> np.ndarray:
    """Return where a period begins that has the ligand in its middle and no atom across its ends, shape (3,)."""
    atoms = found.grid.atoms
    turns = 2j * np.pi * atoms.get_scaled_positions()[list(found.ligand_atoms)]
    # the mean of angles does not care about the ends of the cell
    middle = np.angle(np.exp(turns).mean(axis=0)) / (2 * np.pi)
    origin = middle - 0.5
    origin[2] = found.profile.heights[0] / found.profile.period
    return np.asarray(origin)


def seen_places(found: Field, origin: np.ndarray) -> np.ndarray:
    """Return the Cartesian positions of the atoms within the period that begins at ``origin``, shape (n_atoms, 3)."""
    atoms = found.grid.atoms
    fractions = (atoms.get_scaled_positions() - origin + 1e-6) % 1.0 + origin - 1e-6
    return np.asarray(fractions @ atoms.cell.array)


def _divides(grid: Grid, stride: int) -> bool:
    """Thin a grid only where that keeps its points evenly spaced across the end of the period."""
    return stride > 1 and all(count % stride == 0 for count in grid.values.shape)


def default_level(grid: Grid) -> float:
    """Return a tenth of the largest absolute value of a field, in its unit."""
    return DEFAULT_SHARE * float(max(abs(grid.values.max()), abs(grid.values.min())))


@styled
def isosurface_figure(
    found: Field, *, level: float | None = None, scheme: str = "papers", width_mm: float = COLUMN_MM
) -> "Figure":
    """Draw the surfaces of gathered and drained charge with the atoms, seen from the side.

    Parameters
    ----------
    found
        The difference.
    level
        Value on the surface of gathered charge, electrons/Angstrom^3, its negative on the other; by default a tenth of
        the largest absolute value.
    scheme
        Colors: ``papers`` (yellow gathered, blue drained) or ``safe``.
    width_mm
        Width of the figure.
    """
    from matplotlib.collections import PolyCollection
    from matplotlib.patches import Patch

    value = default_level(found.grid) if level is None else abs(level)
    gain, loss = _scheme(scheme)
    origin = view_origin(found)
    reached = _reached(found.grid, value, (gain, loss))
    if not reached and level is None:
        # a field that is nearly the same everywhere
        value = float(abs(found.grid.values.max() + found.grid.values.min())) / 2
        reached = _reached(found.grid, value, (gain, loss))
    if not reached:
        # tells how far the field goes
        isosurface(found.grid, value, origin)
    fine = _finer(found.grid)
    pieces = [_triangles(isosurface(fine, sign * value, origin), color) for sign, color in reached]
    pieces.append(_discs(found, seen_places(found, origin)))
    polygons = [polygon for piece in pieces for polygon in piece[0]]
    colors = np.concatenate([piece[1] for piece in pieces])
    depth = np.concatenate([piece[2] for piece in pieces])
    order = np.argsort(-depth)
    points = np.concatenate([np.asarray(polygon) for polygon in polygons])
    low, high = points.min(axis=0) - 0.4, points.max(axis=0) + 0.4
    figure, (axes,) = new_figure(min(width_mm * (high[1] - low[1]) / (high[0] - low[0]), 150.0) + 10, width_mm=width_mm)
    collection = PolyCollection(
        [polygons[i] for i in order], facecolors=colors[order], edgecolors="face", linewidths=0.1, rasterized=True
    )
    axes.add_collection(collection)
    axes.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]), aspect="equal")
    axes.axis("off")
    symbols = dict.fromkeys(found.grid.atoms.get_chemical_symbols())
    handles = [Patch(color=color, label=f"{'+' if sign > 0 else '−'}{value:.2g} $e$/Å$^3$") for sign, color in reached]
    handles += [Patch(facecolor=COLORS.get(s, OTHER_COLOR), edgecolor=GRAY, linewidth=0.4, label=s) for s in symbols]
    figure.legend(handles=handles, loc="outside lower center", ncols=5, handlelength=0.9, columnspacing=1.0)
    return figure


def _finer(grid: Grid) -> Grid:
    """Return the field on so many points that the facets of its surfaces are not seen in print."""
    steps = grid.atoms.cell.lengths() / np.array(grid.values.shape)
    if steps.max() < _FACET or 8 * grid.values.size > _MOST_POINTS:
        return grid
    return replace(grid, values=refined(grid.values, 2))


def _reached(grid: Grid, value: float, colors: tuple[str, str]) -> list[tuple[int, str]]:
    """Return the signs of a value that a field reaches, with their colors."""
    low, high = grid.values.min(), grid.values.max()
    return [(sign, color) for sign, color in zip((1, -1), colors, strict=True) if low < sign * value < high]


def _scheme(name: str) -> tuple[str, str]:
    from qddft.core.suggest import did_you_mean

    if name not in SCHEMES:
        raise OutputError(f"unknown colors {name!r}. {did_you_mean(name, SCHEMES)}")
    return SCHEMES[name]


def _triangles(surface: Surface, color: str) -> tuple[list[np.ndarray], np.ndarray, np.ndarray]:
    """Return triangles seen along y, their shaded colors, and their depth."""
    from matplotlib.colors import to_rgb

    corners = surface.vertices[surface.faces]
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    # normals of the corners, so that the shade does not show the grid
    at_corner = np.zeros_like(surface.vertices)
    for corner in range(3):
        np.add.at(at_corner, surface.faces[:, corner], normal)
    smooth = at_corner[surface.faces].sum(axis=1)
    length = np.linalg.norm(smooth, axis=1)
    # whichever way the triangles turn, light comes from the side of the eye
    smooth = smooth * np.where(smooth[:, 1] > 0, -1.0, 1.0)[:, None]
    cosine = np.clip(smooth @ (_LIGHT / np.linalg.norm(_LIGHT)) / np.where(length > 0, length, 1.0), 0, 1)
    shade = (0.62 + 0.38 * cosine)[:, None]
    rgb = np.clip(np.array(to_rgb(color)) * shade, 0, 1)
    colors = np.concatenate([rgb, np.full((len(rgb), 1), 0.92)], axis=1)
    return list(corners[:, :, [0, 2]]), colors, corners[:, :, 1].mean(axis=1)


def _discs(found: Field, places: np.ndarray) -> tuple[list[np.ndarray], np.ndarray, np.ndarray]:
    """Return the atoms as discs seen along y, lighter toward the middle, their colors and depth."""
    from ase.data import covalent_radii
    from matplotlib.colors import to_rgba

    atoms = found.grid.atoms
    angles = np.linspace(0, 2 * np.pi, _DISC, endpoint=False)
    circle = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    polygons, colors, depth = [], [], []
    for index, symbol in enumerate(atoms.get_chemical_symbols()):
        radius = _ATOM_SIZE * SPHERE * covalent_radii[atoms.numbers[index]]
        base = np.array(to_rgba(COLORS.get(symbol, OTHER_COLOR)))
        for layer, (size, light) in enumerate(((1.0, -0.25), (0.93, 0.0), (0.5, 0.18))):
            shift = np.array([-0.16, 0.2]) * radius * (layer == 2)
            polygons.append(places[index, [0, 2]] + shift + size * radius * circle)
            rgb = base[:3] * (1 + light) if light <= 0 else base[:3] + (1 - base[:3]) * light
            colors.append(np.append(np.clip(rgb, 0, 1), 1.0))
            depth.append(places[index, 1] - radius * 0.5 - 1e-3 * layer)
    return polygons, np.array(colors), np.array(depth)
