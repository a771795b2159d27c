"""How every figure looks: sizes, fonts, colors, and the two files it becomes.

Figures are made for a column of 85 mm with text of 7 to 8 points. Colors are those of Okabe and Ito, which people with
any kind of color blindness can tell apart.
"""

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLUMN_MM = 85.0
PAGE_MM = 178.0
MM_PER_INCH = 25.4
FONT_POINTS = 7.5
DOTS_PER_INCH = 300
FIGURE_FORMATS = (".pdf", ".svg", ".png")
BLUE, ORANGE, GREEN, VERMILLION = "#0072B2", "#E69F00", "#009E73", "#D55E00"
SKY, PURPLE, GRAY, BLACK = "#56B4E9", "#CC79A7", "#7F7F7F", "#1A1A1A"
CYCLE = (BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY, BLACK)
_SETTINGS: Any = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": FONT_POINTS,
    "axes.labelsize": FONT_POINTS,
    "xtick.labelsize": FONT_POINTS,
    "ytick.labelsize": FONT_POINTS,
    "legend.fontsize": FONT_POINTS - 0.5,
    "axes.linewidth": 0.6,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
    "axes.unicode_minus": True,
    "hatch.linewidth": 0.6,
    # text stays text in the SVG and in the PDF, so that it can be searched and edited
    "svg.fonttype": "none",
    "pdf.fonttype": 42,
    # the same figure gives the same file
    "svg.hashsalt": "qddft",
}


P = ParamSpec("P")
T = TypeVar("T")


def styled(draw: Callable[P, T]) -> Callable[P, T]:
    """Let a function draw in the house style; nothing outside of the call is touched."""

    @wraps(draw)
    def inside(*args: P.args, **kwargs: P.kwargs) -> T:
        import matplotlib as mpl

        with mpl.rc_context(_SETTINGS):
            return draw(*args, **kwargs)

    return inside


def new_figure(height_mm: float, *, width_mm: float = COLUMN_MM, columns: int = 1) -> "tuple[Figure, list[Axes]]":
    """Return a figure without pyplot's global state, and its axes side by side."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width_mm / MM_PER_INCH, height_mm / MM_PER_INCH), layout="constrained")
    FigureCanvasAgg(figure)
    return figure, [figure.add_subplot(1, columns, i + 1) for i in range(columns)]


def png_bytes(figure: "Figure", *, dpi: int = DOTS_PER_INCH) -> bytes:
    """Return a figure as PNG."""
    return _bytes(figure, "png", dpi=dpi)


def svg_text(figure: "Figure") -> str:
    """Return a figure as SVG."""
    return _bytes(figure, "svg", dpi=DOTS_PER_INCH).decode("utf-8")


@styled
def _bytes(figure: "Figure", kind: str, *, dpi: int) -> bytes:
    from io import BytesIO

    stream = BytesIO()
    # a date in the file would make every run differ
    metadata = {"svg": {"Date": None}, "pdf": {"CreationDate": None}, "png": {"Software": None}}[kind]
    figure.savefig(stream, format=kind, dpi=dpi, metadata=metadata)
    return stream.getvalue()


def save_figure(figure: "Figure", folder: Path, name: str) -> list[Path]:
    """Write ``name.png`` and ``name.svg`` and return their paths."""
    from qddft.core.files import write_bytes, write_text

    png, svg = folder / f"{name}.png", folder / f"{name}.svg"
    write_bytes(png, png_bytes(figure))
    write_text(svg, svg_text(figure))
    return [png, svg]


def check_figure_path(path: Path) -> None:
    """Refuse a place for a figure before anything is computed.

    Raises
    ------
    OutputError
        The folder does not exist, or the ending is of no format that is written here.
    """
    from qddft.core.errors import OutputError

    if path.suffix and path.suffix.lower() not in FIGURE_FORMATS:
        raise OutputError(
            f"{path}: figures are written as {', '.join(FIGURE_FORMATS)}, or without ending as png and svg"
        )
    if not path.parent.is_dir():
        raise OutputError(f"the folder {path.parent} does not exist; make it first")


def write_figure(figure: "Figure", path: Path) -> list[Path]:
    """Write a figure in the format of the ending of ``path``, without one as PNG and SVG, and return the files.

    Raises
    ------
    OutputError
        As ``check_figure_path``, or the file cannot be written.
    """
    from qddft.core.errors import OutputError
    from qddft.core.files import write_bytes

    check_figure_path(path)
    try:
        if not path.suffix:
            return save_figure(figure, path.parent, path.name)
        kind = path.suffix.lower().removeprefix(".")
        write_bytes(path, _bytes(figure, kind, dpi=DOTS_PER_INCH))
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {error.strerror or error}") from error
    return [path]
