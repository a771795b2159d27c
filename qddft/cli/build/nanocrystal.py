"""``qddft build nanocrystal``."""

from typing import TYPE_CHECKING, Annotated, cast

import typer

from qddft.cli.build.options import (
    Crystal,
    LatticeName,
    Order,
    Output,
    Phase,
    Png,
    Seed,
    Truncate,
    View,
    ligand_of,
    number_or_name,
    save,
)
from qddft.cli.console import note, say
from qddft.cli.verb import add

if TYPE_CHECKING:
    from ase import Atoms

    from qddft.atoms.alloy_order import Order as Order_
    from qddft.atoms.ligand import Ligand


def register(group: typer.Typer) -> None:
    """Add what is built."""
    examples = (
        "qddft build nanocrystal CsPbBr3 --size 4nm -o bare.xyz",
        "qddft build nanocrystal CsPbI3 --size 5nm --ligand oleate:X-site --ligand oleylammonium:A-site \\",
        "    --coverage 2.0 -o dot.xyz --png dot.png --view dot.html",
        "qddft build nanocrystal CsPbCl3 --size 3x5x7 --faces PbX2 --ligand acetate --fraction 0.2 -o dot.vasp",
    )
    add(group, "nanocrystal", nanocrystal, examples=examples)


def nanocrystal(
    crystal: Crystal,
    output: Output,
    size: Annotated[str, typer.Option(help="Edge (5nm, 4x4x6nm) or cells (8x8x8).")],
    faces: Annotated[str, typer.Option(help="CsX or PbX2; or three names A,B,C across the three axes.")] = "CsX",
    ligands: Annotated[
        list[str] | None,
        typer.Option(
            "--ligand",
            metavar="NAME[:MODE[:SHARE]]",
            help="May be repeated. MODE is X-site, A-site, atop, bidentate or bridging; without it ions exchange.",
        ),
    ] = None,
    coverage: Annotated[
        float | None, typer.Option(help="Ligands of all kinds together per nm² of the six faces; default 2.0.")
    ] = None,
    fraction: Annotated[
        float | None, typer.Option(help="Instead of a coverage: share of its places that each ligand takes.")
    ] = None,
    truncate: Truncate = None,
    min_contact: Annotated[
        float, typer.Option(help="Shortest distance of ligands, as a share of the van der Waals distance.")
    ] = 0.7,
    strict: Annotated[bool, typer.Option("--strict", help="Fail if the shell has no room for all ligands.")] = False,
    published: Annotated[bool, typer.Option("--published", help="Also the Cs/Pb/X ratios that papers report.")] = False,
    phase: Phase = "cubic",
    lattice: LatticeName = "pbe",
    order: Order = "random",
    seed: Seed = 0,
    png: Png = None,
    view: View = None,
) -> None:
    """Cut a neutral cuboid out of a crystal and cover its faces with ligands.

    Cations at corners and edges are left out until the formal charges add up to zero; the list says which. Anions take
    the place of surface halides, cations that of surface Cs.
    """
    from qddft.atoms.nanocrystal import build_nanocrystal
    from qddft.atoms.shell import passivate

    dot = build_nanocrystal(
        crystal,
        size=size,
        faces=faces,
        phase=phase,
        lattice=number_or_name(lattice),
        order=cast("Order_", order),
        seed=seed,
    )
    bare = dot
    if ligands:
        parts = [_part(text, truncate, seed) for text in ligands]
        dot = passivate(
            dot, *parts, coverage=coverage, fraction=fraction, seed=seed, min_contact=min_contact, strict=strict
        )
    elif coverage is not None or fraction is not None or truncate is not None:
        note("no --ligand was given, so that --coverage, --fraction and --truncate have no meaning")
    save(dot, output, png, view)
    _tell(bare, dot)
    if published:
        _tell_published()


def _part(text: str, truncated: int | None, seed: int) -> "tuple[Ligand, str | None, float]":
    """Read ``NAME[:MODE[:SHARE]]``; colons inside SMILES stay where they are."""
    from qddft.atoms.targets import MODES

    modes = {mode.lower() for mode in MODES}
    name, share = text, 1.0
    head, colon, tail = name.rpartition(":")
    if colon and _is_number(tail) and head.rpartition(":")[2].strip().lower() in modes:
        name, share = head, float(tail)
    head, colon, tail = name.rpartition(":")
    mode = None
    # what follows the last colon of SMILES such as [O:1]=C has brackets, bonds or digits
    if colon and (tail.strip().lower() in modes or tail.replace("-", "").strip().isalpha()):
        name, mode = head, tail.strip()
    return ligand_of(name.strip(), truncated, seed), mode, share


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _tell(bare: "Atoms", dot: "Atoms") -> None:
    """Print size, ratios, what was removed for neutrality, and the shell."""
    import numpy as np

    from qddft.atoms.stoichiometry import ion_ratios

    told = dot.info["qddft"]
    edges = " x ".join(f"{edge:.2f}" for edge in told["edges_nm"])
    cells = " x ".join(str(count) for count in told["cells"])
    faces = ", ".join(f"{kind} across {axis}" for axis, kind in told["faces"].items())
    say(f"size        {edges} nm between outermost planes, {cells} cells; faces {faces}")
    if len(dot) > len(bare):
        whole = " x ".join(f"{length:.2f}" for length in np.ptp(dot.positions, axis=0) / 10)
        say(f"with shell  {whole} nm between outermost atoms")
    say(f"neutral by  {told['neutrality']}")
    say(f"ratios      {ion_ratios(bare)}  (before ligands)")
    for shell in told.get("shells", []):
        say(f"            {ion_ratios(dot)}  (inorganic ions left; ligands balance the rest)")
        say(f"shell       {shell['per_nm2']:.2f} ligands per nm² on {shell['area_nm2']:.1f} nm²")
        facets = ", ".join(f"{facet} {row['per_nm2']:.2f}" for facet, row in shell["facets"].items())
        say(f"facets      {facets} per nm² (edges by half, corners by thirds)")
        for row in shell["ligands"]:
            say(
                f"            {row['reached']} of {row['asked']} {row['name']} ({row['mode']}), {row['per_nm2']:.2f} "
                f"per nm², on {100 * row['fraction']:.0f} % of {row['places']} places"
            )
            if row["reached"] < row["asked"]:
                note(f"{row['name']}: no room for {row['asked'] - row['reached']} of {row['asked']} without clashes")


def _tell_published() -> None:
    from qddft.atoms.stoichiometry import PUBLISHED

    say("published (EDS)")
    for item in PUBLISHED:
        ratios = "" if item.ratios is None else "Cs : Pb : X = " + " : ".join(f"{value:g}" for value in item.ratios)
        balance = "" if item.balance is None else f", Cs + 2 Pb - X = {item.balance:+.1f} per Cs"
        say(f"            {ratios + ', ' if ratios else ''}X/Pb {item.x_per_b:.2f}{balance}; {item.source}")
