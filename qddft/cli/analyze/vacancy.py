"""``qddft analyze vacancy``: formation energy of a vacancy at named limits, neutral and charged."""

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
from qddft.cli.analyze.vacancy_words import charges_of, counts, folders, layers_of, potentials_of, scheme_of
from qddft.cli.console import note, say
from qddft.cli.verb import add
from qddft.core.errors import ReferenceSchemeError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from qddft.recipes.charge_states import ChargeStates
    from qddft.recipes.competing_phases import CompetingPhases
    from qddft.recipes.result import Result

_HEAD = "Of a charged defect: "


def register(group: typer.Typer) -> None:
    """Add the analysis."""
    examples = (
        "qddft analyze vacancy --defect v_I/ --pristine slab/ --removed I=1 --mu I=i2-molecule/",
        "qddft analyze vacancy --defect v_I/ --pristine slab/ --removed I=1 --target CsPbI3 --phases phases/ \\",
        "    --limit 'PbX2-rich, X-rich' --figure limits.pdf",
        "qddft analyze vacancy --defect v_O/ --pristine bulk/ --removed O=1 --mu O-rich:O=-5.14 --mu O-poor:O=-5.58",
        "qddft analyze vacancy --defect q0/ --defect q+1/ --pristine bulk/ --removed Ga=1 --removed Mg=-1 \\",
        "    --mu Ga=-2.9 --mu Mg=-1.5 --vbm pristine --correction +1=0.21 --method FNV --figure levels.pdf",
        "qddft analyze vacancy --defect v_I_1/ --layer 2=v_I_2/ --layer 3=v_I_3/ --pristine slab/ --removed I=1 \\",
        "    --mu I=-1.5 --in-bulk v_I_bulk/ bulk/",
    )
    add(group, "vacancy", vacancy, examples=examples)


def vacancy(
    defect: Annotated[
        list[Path], typer.Option(help="Folder of the cell with the vacancy; repeat it for several charges.")
    ],
    pristine: Annotated[Path, typer.Option(help="Folder of the same cell without it.")],
    removed: Annotated[
        list[str], typer.Option(metavar="X=N", help="What was taken away, such as I=1; what was added counts negative.")
    ],
    mu: Annotated[
        list[str] | None,
        typer.Option(
            metavar="X=EV|DIR",
            help="Chemical potential: a number in eV or a folder of the element; LIMIT:X=EV by limit.",
        ),
    ] = None,
    target: Annotated[str | None, typer.Option(help="Compound whose region of stability gives the limits.")] = None,
    phases: Annotated[
        list[Path] | None,
        typer.Option(help="Folder of the compound, an element or a competing phase, or of such folders; repeat it."),
    ] = None,
    limit: Annotated[str | None, typer.Option(help="X-rich, Pb-rich, CsX-rich, 'PbX2-rich, X-rich' ...")] = None,
    bare: Annotated[
        tuple[Path, Path] | None,
        typer.Option(help="Vacancy and slab of the bare face: then the passivation energy is given too."),
    ] = None,
    layer: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=DIR", help="The same vacancy in another layer of the slab; repeat it."),
    ] = None,
    in_bulk: Annotated[
        tuple[Path, Path] | None,
        typer.Option(help="The same vacancy in bulk, and the bulk: what the layers are compared with."),
    ] = None,
    charge: Annotated[
        list[int] | None, typer.Option(help=f"{_HEAD}its charge, for each --defect; by default from the files.")
    ] = None,
    vbm: Annotated[
        str | None,
        typer.Option(metavar="EV|pristine", help=f"{_HEAD}valence band maximum of the pristine cell, aligned."),
    ] = None,
    fermi: Annotated[float, typer.Option(help=f"{_HEAD}Fermi level above the valence band maximum.")] = 0.0,
    correction: Annotated[
        list[str] | None,
        typer.Option(metavar="EV|Q=EV", help=f"{_HEAD}correction, by charge where there are several."),
    ] = None,
    method: Annotated[
        str, typer.Option(help=f"{_HEAD}name of the correction; in bulk also 'uncorrected' with 0 eV.")
    ] = "",
    figure: FigureFile = None,
    csv: Csv = None,
    database: Database = None,
    allow_unconverged: AllowUnconverged = False,
    allow_differences: AllowDifferences = False,
    as_json: AsJson = False,
) -> None:
    """Compute the formation energy of a vacancy, neutral or charged, at the limits of its chemical potentials.

    Several charges give the transition levels and the figure against the Fermi level; --layer and --in-bulk compare
    layers and bulk; --bare gives what a ligand adds to the cost of a vacancy.
    """
    from qddft.recipes.charge_states import charge_states
    from qddft.recipes.passivation import passivation_energy, surface_preference

    wanted = Wanted(as_json, csv, database, figure)
    region = _region(target, phases, unconverged=allow_unconverged, differences=allow_differences)
    gone = counts(removed)
    potentials = region.region if region is not None else potentials_of(mu)
    given = charges_of(defect, charge, unfinished=allow_unconverged)
    scheme = scheme_of(given, vbm=vbm, fermi=fermi, corrections=correction or [], method=method)
    others = layers_of(layer or [])
    if len(defect) > 1 and (bare is not None or others or in_bulk is not None):
        raise ReferenceSchemeError("--bare, --layer and --in-bulk belong to a single --defect")

    def states(with_vacancy: dict[int, Path], without: Path) -> "ChargeStates":
        return charge_states(
            with_vacancy,
            without,
            gone,
            potentials,
            scheme,
            limit=limit,
            allow_unconverged=allow_unconverged,
            allow_differences=allow_differences,
        )

    def energy(with_vacancy: Path, without: Path) -> "Result":
        return states({next(iter(given)): with_vacancy}, without).results[0]

    found = states(given, pristine)
    results = list(found.results)
    places = {defect[0].name: results[0]} | {name: energy(path, pristine) for name, path in others.items()}
    results += list(places.values())[1:]
    bulk = None if in_bulk is None else energy(*in_bulk)
    if bulk is not None:
        results += [bulk, *surface_preference(places, bulk)]
    elif others:
        # the deepest layer stands for the bulk
        *upper, (deepest, reference) = places.items()
        results += surface_preference(dict(upper), reference, against=f"layer {deepest}")
    if bare is not None:
        results.append(energy(*bare))
        results.append(passivation_energy(places[defect[0].name], results[-1]))
    deliver(
        results,
        wanted,
        tell=lambda: _print_all(region, results),
        draw=lambda: _draw(region, found, places, bulk, results),
    )


def _region(
    target: str | None, phases: list[Path] | None, *, unconverged: bool, differences: bool
) -> "CompetingPhases | None":
    if (target is None) != (not phases):
        raise ReferenceSchemeError("a region of stability needs both --target and --phases")
    if target is None or phases is None:
        return None
    from qddft.recipes.competing_phases import competing_phases

    return competing_phases(
        target,
        [item for path in phases for item in folders(path)],
        allow_unconverged=unconverged,
        allow_differences=differences,
    )


def _draw(
    region: "CompetingPhases | None",
    found: "ChargeStates",
    places: "dict[str, Result]",
    bulk: "Result | None",
    results: "list[Result]",
) -> "dict[str, Figure]":
    """Return the figures that say most: limits, charges, layers, else bars."""
    from qddft.report.charge_states_figure import charge_states_figure
    from qddft.report.energy_figure import energy_bars, layer_figure
    from qddft.report.stability_figure import limits_figure, stability_figure

    figures: dict[str, Figure] = {}
    if region is not None and len(region.region.elements) == 3:
        figures["stability"] = stability_figure(region.region)
    if any(line.charge for line in found.lines):
        figures["levels"] = charge_states_figure(found.lines, found.levels, found.gap)
    if len(places) > 1:
        layers = {name: float(item.value or 0.0) for name, item in places.items()}
        figures["layers"] = layer_figure(layers, None if bulk is None else ("bulk", float(bulk.value or 0.0)))
    if any(len(item.details["limit_potentials_eV"]) > 1 for item in places.values()):
        figures["limits"] = limits_figure(places if bulk is None else places | {"bulk": bulk})
    if not figures:
        figures[""] = energy_bars(results)
    return figures if len(figures) > 1 else {"": next(iter(figures.values()))}


def _print_all(region: "CompetingPhases | None", results: "list[Result]") -> None:
    if region is not None:
        say(region.region.text)
        for text in region.warnings:
            note(f"warning: phases: {text}")
    for result in results:
        _print(result)


def _print(result: "Result") -> None:
    value = "not given, see the warnings" if result.value is None else f"{result.value:.4f} {result.unit}"
    say(f"{result.quantity}: {value}  ({result.reference})")
    say(f"  {result.system}, {result.engine}, {result.level}, charge {_signed(result.charge)}")
    say(f"  {result.convention}")
    if "correction" in result.details:
        say(f"  correction {result.details['correction_eV']:+.4f} eV ({result.details['correction']})")
    for name, energy in result.details.get("limits_eV", {}).items():
        say(f"  {name}: {_shown(energy)}")


def _signed(charge: int) -> str:
    return f"{charge:+d}" if charge else "0"


def _shown(energy: float | list[float] | dict[str, float]) -> str:
    if isinstance(energy, dict):
        return ", ".join(f"{name} {_shown(value)}" for name, value in energy.items())
    if isinstance(energy, list):
        return f"{energy[0]:.4f} to {energy[1]:.4f} eV"
    return f"{energy:.4f} eV"
