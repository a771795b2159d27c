"""``qddft build sites``."""

from typing import Annotated

import typer

from qddft.cli.build.options import (
    Crystal,
    LatticeName,
    Layers,
    Normal,
    Order,
    Phase,
    Seed,
    SlabChoices,
    Supercell,
    Termination,
    slab_of,
)
from qddft.cli.console import print_json, show
from qddft.cli.verb import add


def register(group: typer.Typer) -> None:
    """Add what is listed."""
    examples = ("qddft build sites CsPbBr3 --supercell 3x3", "qddft build sites CsPbI3 --termination CsX --json")
    add(group, "sites", sites, examples=examples)


def sites(
    crystal: Crystal,
    face: Annotated[str, typer.Option(help="top or bottom.")] = "top",
    termination: Termination = "PbX2",
    layers: Layers = 3,
    supercell: Supercell = "3x3",
    phase: Phase = "cubic",
    lattice: LatticeName = "pbe",
    normal: Normal = None,
    order: Order = "random",
    seed: Seed = 0,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
) -> None:
    """List the symmetry-distinct adsorption sites of a face; writes nothing."""
    from dataclasses import asdict

    from qddft.atoms.sites import find_sites
    from qddft.report.tables import number, table_of

    surface = slab_of(
        SlabChoices(crystal, termination, layers, supercell, 15.0, "0", phase, lattice, normal, order, seed)
    )
    found = find_sites(surface, face)
    if as_json:
        print_json([asdict(site) for site in found])
        return
    show(
        table_of(
            {
                "kind": [site.kind for site in found],
                "atoms": [" ".join(f"{surface.symbols[i]}{i}" for i in site.atoms) for site in found],
                "x (Å)": [number(site.position[0], signed=False) for site in found],
                "y (Å)": [number(site.position[1], signed=False) for site in found],
                "in each 1x1 cell": [f"{site.multiplicity:g}" for site in found],
            },
            note="One of each kind of equivalent sites; give its atom to --site of qddft build complex.",
        )
    )
