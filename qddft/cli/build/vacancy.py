"""``qddft build vacancy``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from qddft.cli.build.options import (
    Crystal,
    FixedLayers,
    LatticeName,
    Layers,
    Phase,
    Png,
    Supercell,
    Termination,
    Vacuum,
    View,
    save,
    slab_of,
)
from qddft.cli.console import note, show
from qddft.cli.verb import add
from qddft.core.errors import StructureError
from qddft.core.suggest import did_you_mean

if TYPE_CHECKING:
    from qddft.atoms.vacancy import Vacancy


def register(group: typer.Typer) -> None:
    """Add what is built."""
    examples = (
        "qddft build vacancy CsPbI3 --species I --layers 5",
        "qddft build vacancy CsPbI3 --species I --layers 5 --name v-i-equatorial-5 -o POSCAR",
    )
    add(group, "vacancy", vacancy, examples=examples)


def vacancy(
    crystal: Crystal,
    species: Annotated[str, typer.Option(help="Element that is missing: Cs, Pb, Cl, Br or I.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File; without it the sites are listed.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="Which site, by a name of the list.")] = None,
    termination: Termination = "PbX2",
    layers: Layers = 9,
    supercell: Supercell = "2x2",
    vacuum: Vacuum = 15.0,
    fixed_layers: FixedLayers = "0",
    phase: Phase = "cubic",
    lattice: LatticeName = "pbe",
    png: Png = None,
    view: View = None,
) -> None:
    """List the symmetry-distinct vacancies of a slab, or write one of them."""
    from qddft.atoms.vacancy import find_vacancies

    found = find_vacancies(
        slab_of(crystal, termination, layers, supercell, vacuum, fixed_layers, phase, lattice), species
    )
    if output is None:
        _list_vacancies(found)
        return
    chosen = _chosen(found, name)
    note(f"{chosen.name}: {chosen.site} {chosen.species} in layer {chosen.layer}, {chosen.depth:.2f} Å below the face")
    save(chosen.atoms, output, png, view)


def _list_vacancies(found: "list[Vacancy]") -> None:
    from qddft.report.tables import number, table_of

    show(
        table_of(
            {
                "name": [item.name for item in found],
                "site": [item.site for item in found],
                "layer": [item.layer for item in found],
                "nearer face": [item.face for item in found],
                "depth (Å)": [number(item.depth, signed=False) for item in found],
                "equivalent sites": [item.multiplicity for item in found],
                "formal charge of the cell": [number(item.formal_charge, 0) for item in found],
            },
            note="Write one with --name NAME -o FILE.",
        )
    )


def _chosen(found: "list[Vacancy]", name: str | None) -> "Vacancy":
    if name is None and len(found) == 1:
        return found[0]
    names = [item.name for item in found]
    if name is None:
        raise StructureError(f"there are {len(found)} distinct sites; choose one with --name: {', '.join(names)}")
    for item in found:
        if item.name == name.lower():
            return item
    raise StructureError(f"no vacancy is called {name!r}. {did_you_mean(name, names)}")
