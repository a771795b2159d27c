"""``qddft build cluster``."""

from pathlib import Path
from typing import Annotated

import typer

from qddft.cli.build.options import (
    Crystal,
    LatticeName,
    Layers,
    Normal,
    Order,
    Output,
    Phase,
    Png,
    Seed,
    SlabChoices,
    Supercell,
    Termination,
    Truncate,
    View,
    ligand_of,
    save,
    slab_of,
)
from qddft.cli.verb import add
from qddft.core.errors import StructureError


def register(group: typer.Typer) -> None:
    """Add what is built."""
    examples = (
        "qddft build cluster CsPbBr3 --cells 2x2 --keep-layers 2 -o clean.xyz",
        'qddft build cluster CsPbBr3 --ligand "acetic acid" --cells 3x3 -o complex.xyz --bare clean.xyz',
    )
    add(group, "cluster", cluster, examples=examples)


def cluster(
    crystal: Crystal,
    output: Output,
    ligand: Annotated[
        str | None, typer.Option("--ligand", help="Library name, synonym, SMILES or structure file.")
    ] = None,
    mode: Annotated[str, typer.Option(help="atop, bidentate, bridging, X-site, A-site or ion-pair.")] = "atop",
    cells: Annotated[str | None, typer.Option(help="Pb (Sn, Ge) along both lateral axes: 2x2, 3x3.")] = None,
    keep_layers: Annotated[int | None, typer.Option(help="Layers kept, counted from the face; default all.")] = None,
    bare: Annotated[Path | None, typer.Option("--bare", help="Also the same cluster without the ligand.")] = None,
    truncate: Truncate = None,
    termination: Termination = "PbX2",
    layers: Layers = 3,
    supercell: Supercell = "4x4",
    phase: Phase = "cubic",
    lattice: LatticeName = "pbe",
    normal: Normal = None,
    order: Order = "random",
    seed: Seed = 0,
    png: Png = None,
    view: View = None,
) -> None:
    """Cut a finite, neutral cluster around a site out of a slab, with a ligand on it or without.

    E(cluster with ligand) - E(cluster) - E(ligand) is a binding energy for molecular codes.
    """
    from qddft.atoms.binding import attach
    from qddft.atoms.cluster import cut_cluster

    clean = slab_of(
        SlabChoices(crystal, termination, layers, supercell, 15.0, "0", phase, lattice, normal, order, seed)
    )
    surface = clean
    if ligand is not None:
        surface = attach(clean, ligand_of(ligand, truncate, seed), mode=mode, seed=seed)
    elif bare is not None:
        raise StructureError("--bare writes the cluster without its ligand; give a --ligand, or leave --bare out.")
    cut = cut_cluster(surface, cells=_cells(cells), layers=keep_layers, seed=seed)
    save(cut, output, png, view)
    if bare is not None:
        told = cut.info["qddft"]
        save(
            cut_cluster(clean, cells=told["cells"], layers=keep_layers, site=told["site"], seed=seed), bare, None, None
        )


def _cells(text: str | None) -> tuple[int, int] | None:
    """Read ``3x3`` or ``3``."""
    if text is None:
        return None
    parts = text.lower().replace(" ", "").split("x")
    if len(parts) > 2 or not all(part.isdigit() for part in parts):
        raise StructureError(f"--cells {text!r}: give two whole numbers, as 3x3.")
    return int(parts[0]), int(parts[-1])
