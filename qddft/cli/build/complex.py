"""``qddft build complex``."""

import typer

from qddft.cli.build.options import (
    Crystal,
    FixedLayers,
    LatticeName,
    Layers,
    MaybeOutput,
    Normal,
    Order,
    Phase,
    Png,
    Seed,
    SlabChoices,
    Supercell,
    Termination,
    Vacuum,
    View,
    save,
    slab_of,
)
from qddft.cli.build.placements import (
    Charges,
    ConformerNumbers,
    Counts,
    Coverages,
    Distances,
    Faces,
    LigandNames,
    Ligands,
    Modes,
    PatternNumbers,
    Places,
    Truncations,
    list_patterns,
)
from qddft.cli.verb import add
from qddft.core.errors import PlacementError


def register(group: typer.Typer) -> None:
    """Add what is built."""
    examples = (
        'qddft build complex CsPbBr3 --ligand "oleic acid" --mode atop --supercell 3x3 -o complex.vasp',
        "qddft build complex CsPbBr3 --ligand acetate --mode X-site -o c.vasp --png c.png --view c.html",
        "qddft build complex CsPbI3 --ligand GAI --mode ion-pair -o pair.vasp",
        "qddft build complex CsPbI3 --termination CsX --ligand guanidinium --mode A-site --ligand oleate "
        "--mode X-site --truncate 0 --truncate 4 -o both.vasp",
        'qddft build complex CsPbBr3 --ligand "acetic acid" --per-nm2 0.9        lists the distinct patterns',
    )
    add(group, "complex", complex_, examples=examples)


def complex_(
    crystal: Crystal,
    ligands: LigandNames,
    output: MaybeOutput = None,
    charges: Charges = None,
    modes: Modes = None,
    faces: Faces = "top",
    distances: Distances = None,
    truncations: Truncations = None,
    places: Places = None,
    conformers: ConformerNumbers = None,
    counts: Counts = None,
    coverages: Coverages = None,
    patterns: PatternNumbers = None,
    seed: Seed = 0,
    termination: Termination = "PbX2",
    layers: Layers = 3,
    supercell: Supercell = "3x3",
    vacuum: Vacuum = 15.0,
    fixed_layers: FixedLayers = "0",
    phase: Phase = "cubic",
    lattice: LatticeName = "pbe",
    normal: Normal = None,
    order: Order = "random",
    png: Png = None,
    view: View = None,
) -> None:
    """Put ligands on a slab by their anchor atoms; the vacuum is counted above the highest tip.

    Options of ligands may be repeated: once for all ligands, or once for each in the same order.
    """
    from qddft.atoms.covering import cover

    if faces == "both" and fixed_layers.strip() not in ("0", "all"):
        raise PlacementError(
            f"--faces both with --fixed-layers {fixed_layers}: layers held on one side make the faces unequal, so that "
            "the two ligands relax differently; hold none or all, or take --faces top"
        )
    surface = slab_of(
        SlabChoices(crystal, termination, layers, supercell, vacuum, fixed_layers, phase, lattice, normal, order, seed)
    )
    typed = Ligands(
        ligands, modes, truncations, distances, places, conformers, counts, coverages, patterns, seed, charges
    )
    placements = typed.on(surface, faces)
    if output is None:
        list_patterns(surface, placements, faces)
        return
    save(cover(surface, placements, faces=faces), output, png, view)
