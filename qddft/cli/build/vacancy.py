"""``qddft build vacancy``."""

from typing import TYPE_CHECKING, Annotated, cast

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
    Counts,
    Coverages,
    Distances,
    Ligands,
    Modes,
    PatternNumbers,
    Places,
    Truncations,
)
from qddft.cli.console import note, say, show
from qddft.cli.verb import add
from qddft.core.errors import StructureError
from qddft.core.suggest import did_you_mean

if TYPE_CHECKING:
    from ase import Atoms

    from qddft.atoms.starting_points import StartingPoint
    from qddft.atoms.vacancy import Faces as VacantFaces
    from qddft.atoms.vacancy import Vacancy


def register(group: typer.Typer) -> None:
    """Add what is built."""
    examples = (
        "qddft build vacancy CsPbI3 --species I --layers 5",
        "qddft build vacancy CsPbI3 --species I --layers 5 --name v-i-equatorial-5 -o POSCAR",
        "qddft build vacancy CsPbI3 --species PbI2 --layers 5 --name v-pbi2-b-site-equatorial-equatorial-5 -o POSCAR",
        "qddft build vacancy CsPbI3 --species I --layers 3 --name v-i-equatorial-3 --start dimer --charge 0 -o POSCAR",
        'qddft build vacancy CsPbI3 --species I --layers 3 --ligand "acetic acid" --name v-i-equatorial-3 -o POSCAR',
    )
    add(group, "vacancy", vacancy, examples=examples)


def vacancy(
    crystal: Crystal,
    species: Annotated[str, typer.Option(help="What is missing: Cs, Pb, Cl, Br, I, or a neutral group, CsX or PbX2.")],
    output: MaybeOutput = None,
    name: Annotated[str | None, typer.Option(help="Which site, by a name of the list.")] = None,
    start: Annotated[
        str, typer.Option(help="Geometry to relax from: ideal, dimer (Pb-Pb), rattled-1, rattled-2 ...")
    ] = "ideal",
    charge: Annotated[
        int | None, typer.Option(help="Charge of the cell, e, for the count of electrons; default: the formal one.")
    ] = None,
    removed: Annotated[str, typer.Option("--from", help="one face, or both, so that equal faces stay equal.")] = "one",
    ligands: Annotated[
        list[str] | None, typer.Option("--ligand", help="What sits on the top face; repeat for several.")
    ] = None,
    modes: Modes = None,
    distances: Distances = None,
    truncations: Truncations = None,
    places: Places = None,
    counts: Counts = None,
    coverages: Coverages = None,
    patterns: PatternNumbers = None,
    seed: Seed = 0,
    termination: Termination = "PbX2",
    layers: Layers = 9,
    supercell: Supercell = "2x2",
    vacuum: Vacuum = 15.0,
    fixed_layers: FixedLayers = "0",
    phase: Phase = "cubic",
    lattice: LatticeName = "pbe",
    normal: Normal = None,
    order: Order = "random",
    png: Png = None,
    view: View = None,
) -> None:
    """List the symmetry-distinct vacancies of a slab, bare or under ligands, or write one of them."""
    from qddft.atoms.covering import cover
    from qddft.atoms.vacancy import find_vacancies

    surface = slab_of(
        SlabChoices(crystal, termination, layers, supercell, vacuum, fixed_layers, phase, lattice, normal, order, seed)
    )
    if ligands:
        typed = Ligands(ligands, modes, truncations, distances, places, None, counts, coverages, patterns, seed)
        surface = cover(surface, typed.on(surface, "top"))
    found = find_vacancies(surface, species, faces=_faces(removed))
    if output is None:
        _list_vacancies(found)
        return
    chosen = _chosen(found, name)
    note(f"{chosen.name}: {chosen.site} {chosen.species} in layer {chosen.layer}, {chosen.depth:.2f} Å below the face")
    save(_started(chosen, start, seed), output, png, view)
    _say_charges(chosen, charge)


def _faces(text: str) -> "VacantFaces":
    if text not in ("one", "both"):
        raise StructureError(f"--from {text!r}: {did_you_mean(text, ('one', 'both'))}")
    return cast("VacantFaces", text)


def _list_vacancies(found: "list[Vacancy]") -> None:
    from qddft.report.tables import number, table_of

    near = [item.ligand_distance for item in found]
    beside = {"to ligand (Å)": [number(value, signed=False) for value in near]} if any(near) else {}
    show(
        table_of(
            {
                "name": [item.name for item in found],
                "site": [item.site for item in found],
                "layer": [item.layer for item in found],
                "nearer face": [item.face for item in found],
                "depth (Å)": [number(item.depth, signed=False) for item in found],
                "equivalent sites": [item.multiplicity for item in found],
                "formal charge": [number(item.formal_charge, 0) for item in found],
                "charge states": [" ".join(f"{q:+d}" if q else "0" for q in item.charge_states) for item in found],
                "starts": [" ".join(point.name for point in _starts(item, 0, 1)) for item in found],
                **beside,
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


def _starts(vacant: "Vacancy", seed: int, rattled: int) -> "tuple[StartingPoint, ...]":
    from qddft.atoms.starting_points import starting_points

    return starting_points(vacant, n_rattled=rattled, seed=seed)


def _started(vacant: "Vacancy", start: str, seed: int) -> "Atoms":
    number = start.removeprefix("rattled-")
    rattled = int(number) if start.startswith("rattled-") and number.isdecimal() and len(number) < 4 else 2
    points = {point.name: point.atoms for point in _starts(vacant, seed, rattled)}
    if start not in points:
        raise StructureError(f"{vacant.name}: no start is called {start!r}. {did_you_mean(start, points)}")
    return points[start]


def _say_charges(vacant: "Vacancy", charge: int | None) -> None:
    """Print the electrons of each charge state; the one that was asked for is marked."""
    asked = vacant.formal_charge if charge is None else charge
    states = sorted({*vacant.charge_states, asked}, reverse=True)
    say("charge states (the structure file itself holds no charge)")
    for state in states:
        electrons = vacant.n_electrons(state)
        spin = "odd: spin-polarized" if electrons % 2 else "even"
        mark = "  <- asked for" if state == asked and charge is not None else ""
        say(f"  {state:+d}  NELECT = {electrons} ({spin}){mark}")
    if asked:
        say(
            f"a periodic slab of charge {asked:+d} has no defined energy: take charge 0, or a neutral group (CsX, PbX2)"
        )
