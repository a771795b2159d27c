"""``qddft build``: structures to files."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from qddft.cli.console import note, show
from qddft.cli.verb import add
from qddft.core.errors import StructureError
from qddft.core.suggest import did_you_mean

if TYPE_CHECKING:
    from ase import Atoms

    from qddft.atoms.ligand import Ligand
    from qddft.atoms.vacancy import Vacancy

Crystal = Annotated[str, typer.Argument(help="Formula of a library crystal, for instance CsPbBr3.", metavar="CRYSTAL")]
Output = Annotated[
    Path, typer.Option("--output", "-o", help="File; its name decides the format (POSCAR, .xyz, .cif ...).")
]
Phase = Annotated[str, typer.Option(help="Phase of the crystal.")]
LatticeName = Annotated[str, typer.Option(help="Name of a sourced lattice (pbe, experiment), or a in Angstrom.")]
Termination = Annotated[str, typer.Option(help="PbX2 or CsX; for different faces TOP,BOTTOM.")]
Layers = Annotated[int, typer.Option(help="Atomic layers, PbX2 and CsX counted one by one.")]
Supercell = Annotated[str, typer.Option(help="Lateral cell: 2x2, 3x3, sqrt2, 2sqrt2 ...")]
Vacuum = Annotated[float, typer.Option(help="Empty height above the highest atom, Angstrom.")]
FixedLayers = Annotated[str, typer.Option(help="Layers held, counted from the bottom, or 'all'.")]
LigandName = Annotated[str, typer.Option("--ligand", help="Library name, synonym, SMILES or structure file.")]
Truncate = Annotated[int | None, typer.Option(help="Cut alkyl chains to this many carbon atoms.")]
Png = Annotated[Path | None, typer.Option("--png", help="Also a still picture, from the side and from above.")]
View = Annotated[Path | None, typer.Option("--view", help="Also a page to turn in a browser; works offline.")]
Seed = Annotated[int, typer.Option(help="Seed of the conformer search; equal seeds give equal structures.")]


def register(app: typer.Typer) -> None:
    """Add the verb and what it can build."""
    group = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
    add(group, "bulk", bulk, examples=("qddft build bulk CsPbI3 --lattice experiment -o CsPbI3.cif",))
    slab_line = "qddft build slab CsPbBr3 --termination PbX2 --layers 9 --supercell 2x2 --vacuum 15 -o POSCAR"
    add(group, "slab", slab, examples=(slab_line,))
    add(group, "ligand", ligand, examples=('qddft build ligand "oleic acid" --truncate 4 -o butyric.xyz',))
    complex_line = 'qddft build complex CsPbBr3 --ligand "oleic acid" --mode atop --supercell 3x3 -o complex.vasp'
    look_line = "qddft build complex CsPbBr3 --ligand acetate --mode X-site -o c.vasp --png c.png --view c.html"
    add(group, "complex", complex_, examples=(complex_line, look_line))
    vacancy_lines = (
        "qddft build vacancy CsPbI3 --species I --layers 5",
        "qddft build vacancy CsPbI3 --species I --layers 5 --name v-i-equatorial-5 -o POSCAR",
    )
    add(group, "vacancy", vacancy, examples=vacancy_lines)
    app.add_typer(group, name="build", help="Build a bulk, slab, ligand, complex or vacancy and write it to a file.")


def bulk(
    crystal: Crystal,
    output: Output,
    phase: Phase = "cubic",
    lattice: LatticeName = "pbe",
    png: Png = None,
    view: View = None,
) -> None:
    """Build the conventional cell of a crystal."""
    from qddft.atoms.bulk import build_bulk

    _save(build_bulk(crystal, phase=phase, lattice=_lattice(lattice)), output, png, view)


def slab(
    crystal: Crystal,
    output: Output,
    termination: Termination = "PbX2",
    layers: Layers = 9,
    supercell: Supercell = "1x1",
    vacuum: Vacuum = 15.0,
    fixed_layers: FixedLayers = "0",
    phase: Phase = "cubic",
    lattice: LatticeName = "pbe",
    png: Png = None,
    view: View = None,
) -> None:
    """Cut an (001) slab with the termination of each face asked for by name."""
    _save(_slab(crystal, termination, layers, supercell, vacuum, fixed_layers, phase, lattice), output, png, view)


def ligand(
    name: Annotated[str, typer.Argument(metavar="LIGAND", help="Library name, synonym, SMILES or structure file.")],
    output: Output,
    truncate: Truncate = None,
    seed: Seed = 0,
    png: Png = None,
    view: View = None,
) -> None:
    """Build a ligand in its lowest conformer."""
    found = _ligand(name, truncate, seed)
    _save(found.atoms, output, png, view)


def complex_(
    crystal: Crystal,
    name: LigandName,
    output: Output,
    mode: Annotated[str, typer.Option(help="atop, bidentate, bridging, X-site or A-site.")] = "atop",
    faces: Annotated[str, typer.Option(help="top, bottom, or both for one ligand on each.")] = "top",
    distance: Annotated[
        float | None, typer.Option(help="Anchor to surface atom, Angstrom; default by element.")
    ] = None,
    truncate: Truncate = None,
    seed: Seed = 0,
    termination: Termination = "PbX2",
    layers: Layers = 3,
    supercell: Supercell = "3x3",
    vacuum: Vacuum = 15.0,
    fixed_layers: FixedLayers = "0",
    phase: Phase = "cubic",
    lattice: LatticeName = "pbe",
    png: Png = None,
    view: View = None,
) -> None:
    """Put a ligand on a slab by its anchor atoms; the vacuum is counted above the ligand."""
    from qddft.atoms.binding import attach

    surface = _slab(crystal, termination, layers, supercell, vacuum, fixed_layers, phase, lattice)
    placed = attach(surface, _ligand(name, truncate, seed), mode=mode, faces=faces, distance=distance, seed=seed)
    _save(placed, output, png, view)


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
        _slab(crystal, termination, layers, supercell, vacuum, fixed_layers, phase, lattice), species
    )
    if output is None:
        _list_vacancies(found)
        return
    chosen = _chosen(found, name)
    note(f"{chosen.name}: {chosen.site} {chosen.species} in layer {chosen.layer}, {chosen.depth:.2f} Å below the face")
    _save(chosen.atoms, output, png, view)


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


def _slab(
    crystal: str,
    termination: str,
    layers: int,
    supercell: str,
    vacuum: float,
    fixed_layers: str,
    phase: str,
    lattice: str,
) -> "Atoms":
    from qddft.atoms.slab import build_slab

    faces = [face.strip() for face in termination.split(",")]
    return build_slab(
        crystal,
        termination=faces[0] if len(faces) == 1 else faces,
        layers=layers,
        supercell=supercell,
        vacuum=vacuum,
        lattice=_lattice(lattice),
        phase=phase,
        fixed_layers=_whole(fixed_layers),
    )


def _ligand(name: str, truncated: int | None, seed: int) -> "Ligand":
    from qddft.library.ligands import get_ligand

    found = get_ligand(name, seed=seed)
    if truncated is None:
        return found
    from qddft.atoms.truncation import truncate

    return truncate(found, truncated)


def _lattice(text: str) -> str | float:
    try:
        return float(text)
    except ValueError:
        return text


def _whole(text: str) -> str | int:
    try:
        return int(text)
    except ValueError:
        return text


def _save(atoms: "Atoms", output: Path, png: Path | None, view: Path | None) -> None:
    from qddft.cli.structure_file import describe, save_structure

    save_structure(atoms, output)
    describe(atoms, output)
    if png is not None:
        from qddft.cli.picture import save_picture

        save_picture(atoms, png)
    if view is not None:
        from qddft.cli.picture import save_view

        save_view(atoms, view, atoms.get_chemical_formula())
