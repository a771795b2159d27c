"""``qddft analyze binding``: adsorption energy of a ligand from finished calculations."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from qddft.cli.console import note, print_json, say
from qddft.cli.verb import add

if TYPE_CHECKING:
    from qddft.recipes.result import Result

_PARTS = ("E_bind", "E_int", "E_def_slab", "E_def_ligand")


def register(group: typer.Typer) -> None:
    """Add the analysis."""
    examples = (
        "qddft analyze binding --complex slab_acid/ --slab slab/ --ligand acid/",
        "qddft analyze binding --complex slab_OAc/ --slab slab/ --ligand HOAc/ --ligand HBr/ --json",
    )
    add(group, "binding", binding, examples=examples)


def binding(
    complex_: Annotated[Path, typer.Option("--complex", help="Folder or file of the slab with its ligands.")],
    slab: Annotated[Path, typer.Option(help="The slab alone; a smaller lateral cell is taken as often as it fits.")],
    ligand: Annotated[
        list[Path], typer.Option(help="The free ligand, then every other species of the reaction; repeat it.")
    ],
    n: Annotated[int | None, typer.Option("--n", help="Ligands in the complex, if they cannot be counted.")] = None,
    parts: Annotated[
        tuple[Path, Path] | None,
        typer.Option(help="Slab and ligand alone at the geometry of the complex: then the energy is split."),
    ] = None,
    faces: Annotated[int, typer.Option(min=1, max=2, help="Faces that carry ligands, for the coverage.")] = 1,
    allow_unconverged: Annotated[bool, typer.Option(help="Give a marked number all the same.")] = False,
    allow_differences: Annotated[bool, typer.Option(help="Give a marked number all the same.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The result as JSON on stdout.")] = False,
) -> None:
    """Compute the adsorption energy of a ligand; the reaction is worked out from the structures and balanced."""
    from qddft.recipes.of_folders import binding_energy

    result = binding_energy(
        complex_,
        slab,
        ligand,
        n=n,
        fragments=parts,
        faces=faces,
        allow_unconverged=allow_unconverged,
        allow_differences=allow_differences,
    )
    if as_json:
        print_json(result.record())
    else:
        _print(result)
    if result.value is None:
        raise typer.Exit(1)


def _print(result: "Result") -> None:
    value = "not given, see the warnings" if result.value is None else f"{result.value:+.4f} {result.unit}"
    say(f"{result.quantity}: {value}  ({result.reference})")
    say(f"  {result.convention}")
    say(f"  {result.reaction}")
    for name in _PARTS:
        if name in result.details:
            say(f"  {name} {result.details[name]:+.4f} eV")
    if "coverage_per_nm2" in result.details:
        say(f"  {result.details['coverage_per_nm2']:.2f} ligands per nm2")
    say(f"  {result.system}, {result.engine}, {result.level}")
    for text in result.warnings:
        note(f"warning: {text}")
