"""``qddft build``: structures to files.

One file a thing that can be built; a file joins by its line in ``THINGS`` and its function ``register(group)``.
"""

from importlib import import_module

import typer

# in the order of `qddft build --help`; each is a module of this package
THINGS: tuple[str, ...] = ("bulk", "slab", "sites", "ligand", "complex", "vacancy", "nanocrystal", "cluster")


def register(app: typer.Typer) -> None:
    """Add the verb and what it can build."""
    group = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
    for name in THINGS:
        import_module(f"qddft.cli.build.{name}").register(group)
    app.add_typer(
        group,
        name="build",
        help="Build a bulk, slab, ligand, complex, vacancy, nanocrystal or cluster and write it to a file.",
    )
