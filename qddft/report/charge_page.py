"""A charge density difference as a page to turn and zoom; it needs no network."""

from typing import TYPE_CHECKING, Any

from qddft.analysis.charge import ChargeDifference
from qddft.core.errors import EngineError
from qddft.report.charge_figure import SCHEMES, default_level, isosurface, seen_places, view_origin
from qddft.report.pictures import COLORS, OTHER_COLOR

if TYPE_CHECKING:
    import numpy as np

    from qddft.report.charge_figure import Surface


def charge_page(found: ChargeDifference, *, level: float | None = None, scheme: str = "papers") -> str:
    """Return the HTML of a page with the surfaces of gathered and drained charge and the atoms.

    Parameters
    ----------
    found
        The difference.
    level
        Value on the surfaces, electrons/Angstrom^3; by default a tenth of the largest absolute value.
    scheme
        ``papers`` (yellow gathered, blue drained) or ``safe``.

    Raises
    ------
    EngineError
        plotly or scikit-image is not installed.
    """
    try:
        import plotly.graph_objects as go
    except ImportError as error:
        raise EngineError("the page to turn needs plotly: install it with pip install 'qddft[charts]'") from error
    value = default_level(found.grid) if level is None else abs(level)
    gain, loss = SCHEMES[scheme]
    origin = view_origin(found)
    traces = [
        _mesh(go, isosurface(found.grid, value, origin), gain, "gathered"),
        _mesh(go, isosurface(found.grid, -value, origin), loss, "drained"),
        *_atoms(go, found, seen_places(found, origin)),
    ]
    figure = go.Figure(traces)
    figure.update_layout(
        template="none",
        scene={
            "aspectmode": "data",
            "xaxis": {"visible": False},
            "yaxis": {"visible": False},
            "zaxis": {"visible": False},
            "camera": {"eye": {"x": 0.3, "y": -2.0, "z": 0.3}, "projection": {"type": "orthographic"}},
        },
        title=f"{found.grid.atoms.get_chemical_formula()}: charge density difference at ±{value:.3g} e/Å<sup>3</sup>",
        margin={"l": 0, "r": 0, "b": 0},
    )
    return str(figure.to_html(include_plotlyjs=True, full_html=True))


def _mesh(go: Any, surface: "Surface", color: str, name: str) -> Any:
    x, y, z = surface.vertices.T
    i, j, k = surface.faces.T
    return go.Mesh3d(x=x, y=y, z=z, i=i, j=j, k=k, color=color, opacity=0.75, name=name, showlegend=True)


def _atoms(go: Any, found: ChargeDifference, places: "np.ndarray") -> list[Any]:
    from ase.data import covalent_radii

    atoms = found.grid.atoms
    traces = []
    for symbol in dict.fromkeys(atoms.get_chemical_symbols()):
        chosen = atoms.symbols == symbol
        x, y, z = places[chosen].T
        marker = {
            "size": 9 * float(covalent_radii[atoms.numbers[chosen][0]]),
            "color": COLORS.get(symbol, OTHER_COLOR),
            "line": {"color": "#444444", "width": 1},
        }
        traces.append(go.Scatter3d(x=x, y=y, z=z, mode="markers", name=symbol, marker=marker))
    return traces
