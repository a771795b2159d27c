"""``qddft analyze``: numbers from finished calculations, made by anybody.

One file an analysis; a file joins by its line in ``ANALYSES`` and its function ``register(group)``.
"""

from importlib import import_module

import typer

# in the order of `qddft analyze --help`; each is a module of this package
ANALYSES: tuple[str, ...] = (
    "binding",
    "exchange",
    "dos",
    "charge",
    "spin",
    "potential",
    "profile",
    "bader",
    "vacancy",
    "stability",
    "photophysics",
    "surface",
    "geometry",
)


def register(app: typer.Typer) -> None:
    """Add the verb and its analyses."""
    group = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
    # a typer group without commands of its own still has to be a group, however many analyses there are
    group.callback()(_group)
    for name in ANALYSES:
        import_module(f"qddft.cli.analyze.{name}").register(group)
    app.add_typer(group, name="analyze", help="Numbers and figures from finished calculations, made by anybody.")


def _group() -> None:
    """Numbers and figures from finished calculations, made by anybody."""
