"""``qddft analyze vacancy``: formation energy of a vacancy at named limits."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from qddft.cli.console import note, place, print_json, say
from qddft.cli.verb import add
from qddft.core.errors import OutputError, ReferenceSchemeError

if TYPE_CHECKING:
    from qddft.analysis.vacancy import ChargeState
    from qddft.recipes.competing_phases import CompetingPhases
    from qddft.recipes.result import Result
    from qddft.recipes.vacancy_of_folders import Potential, Potentials

_HEAD = "Of a charged defect: "


def register(group: typer.Typer) -> None:
    """Add the analysis."""
    examples = (
        "qddft analyze vacancy --defect v_I/ --pristine slab/ --removed I=1 --mu I=i2-molecule/",
        "qddft analyze vacancy --defect v_I/ --pristine slab/ --removed I=1 --target CsPbI3 --phases phases/ \\",
        "    --limit 'PbX2-rich, X-rich' --figure limits",
        "qddft analyze vacancy --defect v_O/ --pristine bulk/ --removed O=1 --mu O-rich:O=-5.14 --mu O-poor:O=-5.58",
    )
    add(group, "vacancy", vacancy, examples=examples)


def vacancy(
    defect: Annotated[Path, typer.Option(help="Folder of the cell with the vacancy.")],
    pristine: Annotated[Path, typer.Option(help="Folder of the same cell without it.")],
    removed: Annotated[list[str], typer.Option(metavar="X=N", help="What was taken away, such as I=1.")],
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
    charge: Annotated[int, typer.Option(help=f"{_HEAD}its charge.")] = 0,
    vbm: Annotated[
        float | None, typer.Option(help=f"{_HEAD}valence band maximum of the pristine cell, aligned.")
    ] = None,
    fermi: Annotated[float, typer.Option(help=f"{_HEAD}Fermi level above the valence band maximum.")] = 0.0,
    correction: Annotated[float | None, typer.Option(help=f"{_HEAD}correction, eV.")] = None,
    method: Annotated[str, typer.Option(help=f"{_HEAD}name of the correction.")] = "",
    figure: Annotated[Path | None, typer.Option(help="Write FIGURE.png and .svg of the region of stability.")] = None,
    allow_unconverged: Annotated[bool, typer.Option(help="Give a marked number all the same.")] = False,
    allow_differences: Annotated[bool, typer.Option(help="Give a marked number all the same.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Results as JSON on stdout.")] = False,
) -> None:
    """Compute the formation energy of a vacancy, neutral or charged, at the limits of its chemical potentials."""
    from qddft.recipes.passivation import passivation_energy
    from qddft.recipes.vacancy_of_folders import vacancy_formation_energy

    region = _region(target, phases, allow_unconverged)
    state = _state(charge, vbm, fermi, correction, method)
    gone = {name: _count(name, value) for name, value in map(_pair, removed)}

    def energy(with_vacancy: Path, without: Path) -> "Result":
        return vacancy_formation_energy(
            with_vacancy,
            without,
            gone,
            region.region if region is not None else _potentials(mu),
            limit=limit,
            state=state,
            allow_unconverged=allow_unconverged,
            allow_differences=allow_differences,
        )

    results = [energy(defect, pristine)]
    if bare is not None:
        results += [energy(*bare)]
        results.append(passivation_energy(*results))
    files = _draw(region, figure)
    if as_json:
        print_json([result.record() for result in results])
        return
    if region is not None:
        say(region.region.text)
        for text in region.warnings:
            note(f"warning: phases: {text}")
    for result in results:
        _print(result)
    if files:
        say("\nfiles: " + ", ".join(place(file) for file in files))


def _region(target: str | None, phases: list[Path] | None, allow_unconverged: bool) -> "CompetingPhases | None":
    if (target is None) != (not phases):
        raise ReferenceSchemeError("a region of stability needs both --target and --phases")
    if target is None or phases is None:
        return None
    from qddft.recipes.competing_phases import competing_phases

    return competing_phases(
        target, [item for path in phases for item in _folders(path)], allow_unconverged=allow_unconverged
    )


def _folders(path: Path) -> list[Path]:
    """Return the calculations of a path: itself, or the folders in it where it holds no calculation."""
    from qddft.engines.vasp.read.dispatch import result_files

    if not path.is_dir() or (path / "outputs.json").is_file() or result_files(path):
        return [path]
    return sorted(item for item in path.iterdir() if item.is_dir()) or [path]


def _state(charge: int, vbm: float | None, fermi: float, correction: float | None, method: str) -> "ChargeState | None":
    if charge == 0:
        return None
    from qddft.analysis.vacancy import ChargeState

    if vbm is None or correction is None:
        raise ReferenceSchemeError(
            "a charged defect needs --vbm (valence band maximum, aligned), --correction (eV) and --method (its name)"
        )
    return ChargeState(charge, vbm, fermi, correction, method)


def _pair(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not (separator and name and value):
        raise ReferenceSchemeError(f"{text!r} is not ELEMENT=VALUE, such as I=1 or I=-1.5")
    return name, value


def _count(name: str, value: str) -> int:
    try:
        return int(value)
    except ValueError as error:
        raise ReferenceSchemeError(f"{name}={value}: the number of atoms has to be a whole number") from error


def _potentials(mu: list[str] | None) -> "Potentials":
    if not mu:
        raise ReferenceSchemeError("no chemical potentials: give --mu for what was removed, or --target and --phases")
    if any(":" in text.partition("=")[0] for text in mu):
        return _by_limit(mu)
    found: dict[str, Potential] = {}
    for name, value in map(_pair, mu):
        try:
            found[name] = float(value)
        except ValueError:
            found[name] = Path(value)
    return found


def _by_limit(mu: list[str]) -> dict[str, dict[str, float]]:
    limits: dict[str, dict[str, float]] = {}
    for name, value in map(_pair, mu):
        limit, _, element = name.rpartition(":")
        try:
            limits.setdefault(limit, {})[element] = float(value)
        except ValueError as error:
            raise ReferenceSchemeError(f"{name}={value}: the potential of a limit has to be a number in eV") from error
    if "" in limits:
        raise ReferenceSchemeError("chemical potentials are either all of a limit (LIMIT:X=EV) or none is")
    return limits


def _draw(region: "CompetingPhases | None", figure: Path | None) -> list[Path]:
    if figure is None:
        return []
    if region is None:
        raise ReferenceSchemeError("the figure shows a region of stability: give --target and --phases")
    if not figure.parent.is_dir():
        raise OutputError(f"the folder {figure.parent} does not exist; make it first")
    from qddft.report.stability_figure import stability_figure
    from qddft.report.style import save_figure

    return save_figure(stability_figure(region.region), figure.parent, figure.name)


def _print(result: "Result") -> None:
    value = "not given, see the warnings" if result.value is None else f"{result.value:.4f} {result.unit}"
    say(f"{result.quantity}: {value}  ({result.reference})")
    say(f"  {result.system}, {result.engine}, {result.level}, charge {result.charge:+d}")
    say(f"  {result.convention}")
    for name, energy in result.details["limits_eV"].items():
        say(f"  {name}: {_shown(energy)}")
    for text in result.warnings:
        note(f"warning: {text}")


def _shown(energy: float | list[float] | dict[str, float]) -> str:
    if isinstance(energy, dict):
        return ", ".join(f"{name} {_shown(value)}" for name, value in energy.items())
    if isinstance(energy, list):
        return f"{energy[0]:.4f} to {energy[1]:.4f} eV"
    return f"{energy:.4f} eV"
