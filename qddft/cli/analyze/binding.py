"""``qddft analyze binding``: adsorption energy of a ligand from finished calculations."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from qddft.cli.analyze.options import (
    AllowDifferences,
    AllowUnconverged,
    AsJson,
    Csv,
    Database,
    FigureFile,
    Wanted,
    deliver,
)
from qddft.cli.analyze.references import references_of
from qddft.cli.console import say
from qddft.cli.verb import add
from qddft.core.errors import ReferenceSchemeError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from qddft.recipes.result import Result

_PARTS = {
    "E_bind": "binding energy",
    "E_int": "interaction",
    "E_def_slab": "deformation of the slab",
    "E_def_ligand": "deformation of the ligand",
    "E_dispersion": "of which dispersion",
}


def register(group: typer.Typer) -> None:
    """Add the analysis."""
    examples = (
        "qddft analyze binding --complex slab_acid/ --slab slab/ --ligand acid/",
        "qddft analyze binding --complex slab_OAc/ --slab slab/ --ligand HOAc/ --ligand HBr/ --json",
        "qddft analyze binding --complex one/ --complex two/ --complex four/ --slab slab/ --ligand acid/",
        "qddft analyze binding --complex H_on_Ir/ --slab Ir_1x1/ --ligand H2=-6.77       a reference known as a number",
    )
    add(group, "binding", binding, examples=examples)


def binding(
    complex_: Annotated[
        list[Path],
        typer.Option("--complex", help="Folder or file of the slab with its ligands; repeat it for several coverages."),
    ],
    slab: Annotated[Path, typer.Option(help="The slab alone; a smaller lateral cell is taken as often as it fits.")],
    ligand: Annotated[
        list[str],
        typer.Option(
            metavar="DIR|FORMULA=EV",
            help="The free ligand, then every other species of the reaction; repeat it.",
        ),
    ],
    n: Annotated[int | None, typer.Option("--n", help="Ligands in the complex, if they cannot be counted.")] = None,
    parts: Annotated[
        tuple[Path, Path] | None,
        typer.Option(help="Slab and ligand alone at the geometry of the complex: then the energy is split."),
    ] = None,
    faces: Annotated[int, typer.Option(min=1, max=2, help="Faces that carry ligands, for the coverage.")] = 1,
    figure: FigureFile = None,
    csv: Csv = None,
    database: Database = None,
    allow_unconverged: AllowUnconverged = False,
    allow_differences: AllowDifferences = False,
    as_json: AsJson = False,
) -> None:
    """Compute the adsorption energy of a ligand; the reaction is worked out from the structures and balanced.

    With several complexes, the average energy of each coverage and the differential one between them.
    """
    wanted = Wanted(as_json, csv, database, figure)
    references = references_of(ligand, unfinished=allow_unconverged)
    allowed = {"allow_unconverged": allow_unconverged, "allow_differences": allow_differences}
    results: tuple[Result, ...]
    if len(complex_) == 1:
        from qddft.recipes.of_folders import binding_energy

        results = (binding_energy(complex_[0], slab, references, n=n, fragments=parts, faces=faces, **allowed),)
    else:
        if n is not None or parts is not None:
            raise ReferenceSchemeError("--n and --parts belong to a single --complex")
        from qddft.recipes.coverage_series import coverage_series

        results = coverage_series(complex_, slab, references, faces=faces, **allowed)
    deliver(
        results,
        wanted,
        tell=lambda: _print_all(results),
        draw=lambda: {"": _draw(results)},
        single=len(complex_) == 1,
    )


def _draw(results: "tuple[Result, ...]") -> "Figure":
    from qddft.report.energy_figure import coverage_figure, energy_bars

    return energy_bars(results) if len(results) == 1 else coverage_figure(results)


def _print_all(results: "tuple[Result, ...]") -> None:
    for result in results:
        _print(result)


def _print(result: "Result") -> None:
    value = "not given, see the warnings" if result.value is None else f"{result.value:+.4f} {result.unit}"
    say(f"{result.quantity}: {value}  ({result.reference})")
    say(f"  {result.convention}")
    say(f"  {result.reaction}")
    for key, words in _PARTS.items():
        if key in result.details:
            say(f"  {key} {result.details[key]:+.4f} eV  ({words})")
    slabs = result.details["slabs_per_complex"]
    if slabs != 1:
        say(f"  the slab is taken {slabs:g} times; k-points {_meshes(result)}")
    say(f"  {result.details['coverage_per_nm2']:.2f} ligands per nm2")
    say(f"  {result.system}, {result.engine}, {result.level}")


def _meshes(result: "Result") -> str:
    meshes = result.details["kpoints"]
    shown = [f"{'x'.join(map(str, meshes[name]))} ({name})" for name in ("complex", "slab") if name in meshes]
    differ = any(item["key"] == "kpoints" for item in (*result.audit["differences"], *result.audit["unknown"]))
    return f"{' and '.join(shown) or 'unknown'}: {'not the same sampling' if differ else 'the same sampling'}"
