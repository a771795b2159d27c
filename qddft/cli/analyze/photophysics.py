"""``qddft analyze photophysics``: tables of emission recomputed, and the fits behind quoted numbers."""

import csv
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from qddft.cli.console import place, print_json, say, show
from qddft.cli.verb import add
from qddft.core.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from qddft.analysis.photophysics_fits import Fit
    from qddft.analysis.photophysics_table import Finding


class Kind(StrEnum):
    """What is fitted to two columns."""

    quenching = "quenching"
    urbach = "urbach"
    saturation = "saturation"


def register(group: typer.Typer) -> None:
    """Add the analysis."""
    examples = (
        "qddft analyze photophysics table.csv            columns such as: tau (ns),PLQY (%),K_nr (1e-2 ns-1)",
        "qddft analyze photophysics quenching.csv --fit quenching --figure binding      columns: T (K), intensity",
        "qddft analyze photophysics absorption.csv --fit urbach --window 1.72 1.80      columns: E (eV), absorption",
        "qddft analyze photophysics sizes.csv --material 1.73 0.114 10      columns: size (nm), PL (nm)",
    )
    add(group, "photophysics", photophysics, examples=examples)


def photophysics(
    path: Annotated[Path, typer.Argument(metavar="FILE.csv", help="Table with one line of headers.")],
    fit: Annotated[Kind | None, typer.Option(help="Fit the first two columns instead of checking a table.")] = None,
    window: Annotated[tuple[float, float] | None, typer.Option(help="Of the Urbach tail, eV.")] = None,
    material: Annotated[
        tuple[float, float, float] | None,
        typer.Option(
            metavar="GAP MASS PERMITTIVITY",
            help="Compare sizes with emission: bulk gap in eV, reduced mass in electron masses, relative permittivity.",
        ),
    ] = None,
    figure: Annotated[Path | None, typer.Option(help="Write FIGURE.png and .svg of the fit.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
) -> None:
    """Recompute lifetimes, rates, energies and compositions by the standard formulas.

    Columns are understood by their headers; where a printed column follows another formula, that formula is named.
    """
    rows = _read(path)
    if fit is not None and material is not None:
        raise OutputError("--fit and --material are two analyses; ask for one at a time")
    if fit is not None:
        _fit(fit, rows, window, figure, as_json=as_json)
        return
    if figure is not None or window is not None:
        raise OutputError("--figure and --window belong to --fit")
    from qddft.analysis.photophysics_table import check_table

    findings = check_table(rows) if material is None else _sizes(rows, material)
    if as_json:
        print_json([_record(item) for item in findings])
        return
    _show(rows, findings)


def _read(path: Path) -> list[dict[str, str]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file, skipinitialspace=True))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise OutputError(f"{path} cannot be read as a table: {error}") from error
    for line, row in enumerate(rows, start=2):
        if None in row or None in row.values():
            raise OutputError(f"{path}:{line}: the line has not as many cells as there are headers")
    if not rows:
        raise OutputError(f"{path} holds no lines below its headers")
    return rows


def _sizes(rows: list[dict[str, str]], material: tuple[float, float, float]) -> "tuple[Finding, ...]":
    from qddft.analysis.size_emission import Material, size_emission

    return size_emission(rows, Material(*material))


def _fit(
    kind: Kind, rows: list[dict[str, str]], window: tuple[float, float] | None, figure: Path | None, *, as_json: bool
) -> None:
    from qddft.analysis.photophysics_fits import fit_saturation, fit_thermal_quenching, fit_urbach

    if kind is Kind.urbach and window is None:
        raise OutputError("the Urbach energy depends on where the tail is: give --window, two energies in eV")
    if kind is not Kind.urbach and window is not None:
        raise OutputError("--window belongs to --fit urbach")
    headers = list(rows[0])[:2]
    if len(headers) < 2:
        raise OutputError("a fit needs two columns")
    x, y = ([_number(row[header], header) for row in rows] for header in headers)
    plain: dict[Kind, Callable[[list[float], list[float]], Fit]] = {
        Kind.quenching: fit_thermal_quenching,
        Kind.saturation: fit_saturation,
    }
    found = plain[kind](x, y) if window is None else fit_urbach(x, y, window)
    files = _draw(found, figure)
    if as_json:
        print_json(found.record())
        return
    say(f"{found.quantity}: {found.value:.4g} ± {found.error:.2g} {found.unit}")
    say(f"  {found.formula}; {found.n_points} points, R² = {found.r_squared:.5f}")
    say(f"  {found.remark}")
    if files:
        say("files: " + ", ".join(place(file) for file in files))


def _number(text: str, header: str) -> float:
    try:
        return float(text.replace("−", "-"))
    except ValueError as error:
        raise OutputError(f"column {header}: {text!r} is not a number") from error


def _draw(found: "Fit", figure: Path | None) -> list[Path]:
    if figure is None:
        return []
    if not figure.parent.is_dir():
        raise OutputError(f"the folder {figure.parent} does not exist; make it first")
    from qddft.report.photophysics_figure import fit_figure
    from qddft.report.style import save_figure

    return save_figure(fit_figure(found), figure.parent, figure.name)


def _show(rows: list[dict[str, str]], findings: "tuple[Finding, ...]") -> None:
    from qddft.analysis.photophysics_table import column_of
    from qddft.report.tables import table_of

    labels = [header for header in rows[0] if column_of(header) is None][:1]
    columns: dict[str, list[str | None]] = {header: [row[header] for row in rows] for header in labels}
    for item in findings:
        unit = f" ({item.unit})" if item.unit else ""
        if any(value is not None for value in item.values):
            columns[f"{item.key}{unit}"] = [_text(value) for value in item.values]
        if any(value is not None for value in item.printed):
            columns[f"{item.key} printed{unit}"] = [_text(value) for value in item.printed]
    show(table_of(columns))
    for item in findings:
        say(f"{item.key}: {item.verdict}")


def _text(value: float | None) -> str | None:
    return None if value is None else f"{value:.4g}"


def _record(item: "Finding") -> dict[str, object]:
    return {
        "quantity": item.key,
        "unit": item.unit,
        "formula": item.formula,
        "values": list(item.values),
        "printed": list(item.printed),
        "follows": list(item.follows),
        "verdict": item.verdict,
    }
