"""``qddft build bulk``."""

from typing import TYPE_CHECKING, Annotated, cast

import typer

from qddft.cli.build.options import (
    Crystal,
    LatticeName,
    Normal,
    Order,
    Output,
    Phase,
    Png,
    Seed,
    View,
    number_or_name,
    save,
)
from qddft.cli.console import say
from qddft.cli.verb import add

if TYPE_CHECKING:
    from ase import Atoms

    from qddft.atoms.alloy_order import Order as Order_


def register(group: typer.Typer) -> None:
    """Add what is built."""
    examples = (
        "qddft build bulk CsPbI3 --lattice experiment -o CsPbI3.cif",
        "qddft build bulk 'CsPb(Br0.67I0.33)3' --cells 2x2x2 --order sqs -o mixed.cif",
        "qddft build bulk GA0.25Cs0.75PbI3 --cells 2x2x2 --order ordered -o POSCAR",
    )
    add(group, "bulk", bulk, examples=examples)


def bulk(
    crystal: Crystal,
    output: Output,
    phase: Phase = "cubic",
    lattice: LatticeName = "pbe",
    cells: Annotated[
        str | None, typer.Option(help="Conventional cells along the axes; 1x1x1, and 2x2x2 for mixtures.")
    ] = None,
    normal: Normal = None,
    order: Order = "random",
    seed: Seed = 0,
    png: Png = None,
    view: View = None,
) -> None:
    """Build a crystal: the conventional cell, or several of them for a mixture; its tolerance factors are printed."""
    from qddft.atoms.alloy import build_alloy
    from qddft.atoms.alloy_slab import mixture_of
    from qddft.atoms.bulk import build_bulk
    from qddft.atoms.pseudocubic import with_normal
    from qddft.atoms.tolerance import tolerance_factors

    edge = number_or_name(lattice)
    if mixture_of(crystal, cast("Order_", order), seed) is None:
        built = build_bulk(crystal, phase=phase, lattice=edge)
        if cells is not None:
            built = _repeated(built, _sizes(cells))
    else:
        built = build_alloy(
            crystal,
            supercell=_sizes(cells or "2x2x2"),
            order=cast("Order_", order),
            seed=seed,
            phase=phase,
            lattice=edge,
        )
    save(built if normal is None else with_normal(built, normal), output, png, view)
    say(str(tolerance_factors(built.info["qddft"]["bulk"]["formula"])))


def _sizes(text: str) -> tuple[int, int, int]:
    from qddft.core.errors import StructureError

    parts = text.lower().split("x")
    if len(parts) != 3 or not all(part.isdecimal() and int(part) > 0 for part in parts):
        raise StructureError(f"--cells {text!r}: give three positive whole numbers, as 2x2x2")
    return int(parts[0]), int(parts[1]), int(parts[2])


def _repeated(crystal: "Atoms", sizes: tuple[int, int, int]) -> "Atoms":
    repeated = crystal * sizes
    repeated.info = crystal.info
    return repeated
