"""Tables of photophysics against the standard formulas: which one a printed column follows.

A printed number follows a formula if the two agree within the digits that were printed. Beside the standard formulas
there are those that papers are known to have used in their place; they are never used for a value, only recognized.
"""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from qddft.analysis.photophysics import amplitude_weighted, amplitudes_of, intensity_weighted, photon_energy, rates
from qddft.core.errors import OutputError
from qddft.core.suggest import did_you_mean

__all__ = ["Column", "Finding", "check_table", "column_of", "numbers_of"]

Row = Mapping[str, float]

_UNITS = {
    "": 1.0, "ns": 1.0, "ps": 1e-3, "us": 1e3, "µs": 1e3, "s": 1e9, "%": 0.01, "ns-1": 1.0, "1/ns": 1.0, "ns^-1": 1.0,
    "s-1": 1e-9, "1/s": 1e-9, "s^-1": 1e-9, "nm": 1.0, "ev": 1.0, "mev": 1e-3, "au": 1.0, "a.u.": 1.0,
}  # fmt: skip
_TIMES, _RATES = ("ns", "ps", "us", "µs", "s"), ("ns-1", "1/ns", "ns^-1", "s-1", "1/s", "s^-1")
_NAMES: Mapping[str, tuple[str, tuple[str, ...]]] = {
    # key: unit it is kept in, and what a header may call it
    **{f"tau{i}": ("ns", (f"tau{i}", f"tau_{i}", f"t{i}", f"τ{i}")) for i in (1, 2, 3)},
    **{f"a{i}": ("", (f"a{i}", f"a_{i}", f"amplitude{i}")) for i in (1, 2, 3)},
    **{f"f{i}": ("", (f"f{i}", f"f_{i}", f"fraction{i}")) for i in (1, 2, 3)},
    "tau": ("ns", ("tau", "tau_ave", "tau_avg", "τ", "τ_ave", "lifetime")),
    "plqy": ("", ("plqy", "qy", "q", "quantum_yield")),
    "tau_r": ("ns", ("tau_r", "t_r", "tr", "τ_r", "tau_rad", "radiative_lifetime")),
    "k_r": ("1/ns", ("k_r", "kr", "k_rad")),
    "k_nr": ("1/ns", ("k_nr", "knr", "k_nonrad")),
    "wavelength": ("nm", ("wavelength", "lambda", "λ", "pl", "peak", "emission")),
    "energy": ("eV", ("energy", "e", "photon_energy")),
    "size": ("nm", ("size", "edge", "edge_length", "l", "diameter", "d")),
    "cs": ("", ("cs",)),
    "pb": ("", ("pb",)),
    "x": ("", ("x", "i", "br", "cl", "halide")),
    "cs_per_pb": ("", ("cs/pb",)),
    "x_per_pb": ("", ("x/pb", "i/pb", "br/pb", "cl/pb")),
    "balance": ("", ("balance", "charge_balance", "cs+2pb-x", "cs+2pb-i")),
}


@dataclass(frozen=True)
class Column:
    """What a column holds.

    Attributes
    ----------
    key
        Name inside qddft; its unit is that of ``unit``.
    unit
        ns, 1/ns, nm, eV or none.
    factor
        Printed number to that unit.
    header
        As in the file.
    """

    key: str
    unit: str
    factor: float
    header: str


@dataclass(frozen=True)
class Finding:
    """One quantity of a table, recomputed row by row.

    Attributes
    ----------
    key
        Of the quantity.
    unit
        Of ``values`` and ``printed``.
    formula
        The standard one.
    values
        By the standard formula; ``None`` where the row lacks a number.
    printed
        As in the table, in ``unit``; ``None`` where the table does not give it.
    follows
        Formulas that reproduce every printed number, the standard one first if it does; empty if none does.
    verdict
        One sentence.
    """

    key: str
    unit: str
    formula: str
    values: tuple[float | None, ...]
    printed: tuple[float | None, ...]
    follows: tuple[str, ...]
    verdict: str


def column_of(header: str) -> Column | None:
    """Return what a header such as ``k_nr (1e-2 ns-1)``, ``tau1_ns`` or ``PLQY [%]`` means, ``None`` if unknown.

    Raises
    ------
    OutputError
        The quantity is known, but its unit is not.
    """
    name, unit = _split(header)
    for key, (kept, names) in _NAMES.items():
        if name in names:
            return Column(key, kept, _factor(header, unit, kept), header)
    return None


def check_table(rows: Sequence[Mapping[str, str]]) -> tuple[Finding, ...]:
    """Recompute every quantity that the columns of a table allow.

    Parameters
    ----------
    rows
        Header to printed text.

    Raises
    ------
    OutputError
        Nothing can be computed from the columns, or a cell holds no number.
    """
    headers = list(rows[0]) if rows else []
    columns = [column for header in headers if (column := column_of(header)) is not None]
    keys = [column.key for column in columns]
    if double := {column.header for column in columns if keys.count(column.key) > 1}:
        raise OutputError(f"columns that mean the same: {', '.join(sorted(double))}; keep one of them")
    cells = [{column.key: _number(row[column.header], column) for column in columns} for row in rows]
    slack = [{column.key: _resolution(row[column.header], column) for column in columns} for row in rows]
    known = [{key: value for key, value in row.items() if value is not None} for row in cells]
    findings = [_finding(rule, known, slack) for rule in _RULES if any(_usable(rule, row) for row in known)]
    if not findings:
        wanted = "tau1, tau2, a1, a2, tau, PLQY, tau_r, k_r, k_nr, wavelength, energy, Cs, Pb, I"
        raise OutputError(
            f"nothing can be computed from the columns {', '.join(headers) or '(none)'}; understood are {wanted}, with "
            f"units as in 'tau (ns)'. {did_you_mean(headers[0] if headers else '', _NAMES)}"
        )
    return tuple(findings)


def numbers_of(rows: Sequence[Mapping[str, str]]) -> list[dict[str, float]]:
    """Return the cells whose columns are understood, key to number in the unit of the key.

    Raises
    ------
    OutputError
        A cell holds no number.
    """
    columns = [column for header in (rows[0] if rows else ()) if (column := column_of(header)) is not None]
    cells = [{column.key: _number(row[column.header], column) for column in columns} for row in rows]
    return [{key: value for key, value in row.items() if value is not None} for row in cells]


@dataclass(frozen=True)
class _Formula:
    name: str
    value: Callable[[Row], float]


@dataclass(frozen=True)
class _Rule:
    """A quantity, what it needs, its standard formula first, then those that papers used in its place."""

    key: str
    unit: str
    needs: tuple[str, ...]
    formulas: tuple[_Formula, ...]


def _series(row: Row, letter: str) -> list[float]:
    return [row[f"{letter}{i}"] for i in (1, 2, 3) if f"{letter}{i}" in row and f"tau{i}" in row]


def _taus(row: Row) -> list[float]:
    return [row[f"tau{i}"] for i in (1, 2, 3) if f"tau{i}" in row]


_AVERAGES = (
    _Formula("sum a tau^2 / sum a tau (intensity-weighted)", lambda r: intensity_weighted(_series(r, "a"), _taus(r))),
    _Formula("sum a tau / sum a (amplitude-weighted)", lambda r: amplitude_weighted(_series(r, "a"), _taus(r))),
)
_SUM = _Formula("tau1 + tau2 (the sum, no average)", lambda r: sum(_taus(r)))
_MEAN = _Formula("(tau1 + tau2)/2 (equal weights)", lambda r: sum(_taus(r)) / len(_taus(r)))
_RULES: tuple[_Rule, ...] = (
    _Rule("tau", "ns", ("tau1", "tau2", "a1", "a2"), (*_AVERAGES, _SUM, _MEAN)),
    _Rule(
        "tau", "ns", ("tau1", "tau2", "f1", "f2"),
        (
            _Formula("sum f tau (intensity-weighted)", lambda r: intensity_weighted(
                amplitudes_of(_series(r, "f"), _taus(r)), _taus(r))),
            _Formula("sum f / sum(f/tau) (amplitude-weighted)", lambda r: amplitude_weighted(
                amplitudes_of(_series(r, "f"), _taus(r)), _taus(r))),
            _SUM, _MEAN,
        ),
    ),
    _Rule("k_r", "1/ns", ("tau", "plqy"), (_Formula("Q/tau", lambda r: rates(r["plqy"], r["tau"]).radiative),)),
    _Rule(
        "tau_r", "ns", ("tau", "plqy"),
        (
            _Formula("tau/Q", lambda r: rates(r["plqy"], r["tau"]).radiative_lifetime),
            _Formula("tau Q (inverted)", lambda r: r["tau"] * r["plqy"]),
        ),
    ),
    _Rule(
        "k_nr", "1/ns", ("tau", "plqy"),
        (
            _Formula("(1 - Q)/tau", lambda r: rates(r["plqy"], r["tau"]).nonradiative),
            _Formula("1/(tau Q) - 1/tau (with the inverted radiative lifetime)",
                     lambda r: (1 - r["plqy"]) / (r["tau"] * r["plqy"])),
            _Formula("(1 - Q)/tau with the power of ten of 1e-13 1/s for 1e5 1/s",
                     lambda r: 1e-18 * rates(r["plqy"], r["tau"]).nonradiative),
        ),
    ),
    _Rule("energy", "eV", ("wavelength",), (_Formula("hc/lambda", lambda r: photon_energy(r["wavelength"])),)),
    _Rule("cs_per_pb", "", ("cs", "pb"), (_Formula("Cs/Pb", lambda r: r["cs"] / r["pb"]),)),
    _Rule("x_per_pb", "", ("x", "pb"), (_Formula("X/Pb", lambda r: r["x"] / r["pb"]),)),
    _Rule("balance", "", ("cs", "pb", "x"), (_Formula("Cs + 2 Pb - X", lambda r: r["cs"] + 2 * r["pb"] - r["x"]),)),
    # without weights nothing can be averaged, but a column that is the sum can be recognized
    _Rule("tau", "ns", ("tau1", "tau2", "tau"), (_Formula("a weighted average", lambda _: math.nan), _SUM,
                                                 _MEAN)),
)  # fmt: skip


def _usable(rule: _Rule, row: Row) -> bool:
    # the last rule is for tables without weights only
    weighted = ("a1" in row and "a2" in row) or ("f1" in row and "f2" in row)
    return all(key in row for key in rule.needs) and not (rule is _RULES[-1] and weighted)


def _finding(rule: _Rule, rows: Sequence[Row], slack: Sequence[Row]) -> Finding:
    usable = [_usable(rule, row) for row in rows]
    standard = rule.formulas[0]
    values = [standard.value(row) if ok else None for row, ok in zip(rows, usable, strict=True)]
    printed = [row.get(rule.key) for row in rows]
    compared = [i for i, ok in enumerate(usable) if ok and printed[i] is not None]
    follows = tuple(
        formula.name
        for formula in rule.formulas
        if compared and all(_agrees(rule, formula, rows[i], slack[i]) for i in compared)
    )
    known = tuple(None if value is None or math.isnan(value) else value for value in values)
    verdict = _verdict(rule, follows, [(known[i], printed[i]) for i in compared])
    return Finding(rule.key, rule.unit, standard.name, known, tuple(printed), follows, verdict)


def _agrees(rule: _Rule, formula: _Formula, row: Row, slack: Row) -> bool:
    """Tell whether a printed number agrees within its own rounding and that of the numbers it was made from."""
    value = formula.value(row)
    allowed = 1.02 * slack[rule.key]
    for key in row:
        if key == rule.key:
            continue
        moved = {**row, key: row[key] + slack[key]}
        if key == "plqy":
            moved["plqy"] = min(moved["plqy"], 1.0)
        allowed += abs(formula.value(moved) - value)
    return abs(row[rule.key] - value) <= allowed + 1e-12 * abs(value)


def _verdict(rule: _Rule, follows: tuple[str, ...], pairs: Sequence[tuple[float | None, float | None]]) -> str:
    standard = rule.formulas[0].name
    if not pairs:
        return f"computed by {standard}"
    if standard in follows:
        return f"printed values follow the standard formula {standard}"
    off = [abs(b / a - 1) for a, b in pairs if a and b is not None]
    by = f", off by up to {100 * max(off):.0f} %" if off else ""
    if follows:
        return f"printed values follow {' or '.join(follows)}, not {standard}{by}"
    return f"printed values follow no known formula; {standard} differs{by}"


def _split(header: str) -> tuple[str, str]:
    text = header.strip().lower().replace("−", "-")
    if found := re.fullmatch(r"(.+?)\s*[\[(](.*)[\])]", text):
        return found[1].strip().replace(" ", "_"), found[2].strip()
    for unit in sorted((*_TIMES, *_RATES, "nm", "ev", "mev"), key=len, reverse=True):
        if text.endswith((f"_{unit}", f" {unit}")):
            return text[: -len(unit) - 1].strip().replace(" ", "_"), unit
    return text.replace(" ", "_"), ""


def _factor(header: str, unit: str, kept: str) -> float:
    found = re.fullmatch(r"(?:([0-9.]+(?:e[+-]?[0-9]+)?)\s*[x*×]?\s*)?(.*)", unit)
    number, rest = (found[1], found[2].strip()) if found else (None, unit)
    allowed = {"ns": _TIMES, "1/ns": _RATES, "nm": ("nm",), "eV": ("ev", "mev"), "": ("%", "", "au", "a.u.")}[kept]
    if rest not in ("", *allowed):
        raise OutputError(f"{header}: the unit {unit!r} does not fit. {did_you_mean(rest, allowed)}")
    return float(number or 1.0) * _UNITS[rest]


def _number(text: str, column: Column) -> float | None:
    # 4.3 ± 0.6 is 4.3
    plain = text.partition("±")[0].strip().replace("−", "-").removesuffix("%").strip()
    if plain.lower() in ("", "-", "–", "nan", "n/a"):
        return None
    try:
        value = float(plain)
    except ValueError as error:
        raise OutputError(f"column {column.header}: {text!r} is not a number") from error
    percent = text.strip().endswith("%") and column.factor == 1.0
    return value * column.factor * (0.01 if percent else 1.0)


def _resolution(text: str, column: Column) -> float:
    """Return half of a unit in the last printed digit, in the unit of the column."""
    plain = text.partition("±")[0].strip().replace("−", "-")
    percent = 0.01 if plain.endswith("%") and column.factor == 1.0 else 1.0
    mantissa, _, exponent = plain.removesuffix("%").strip().lower().partition("e")
    decimals = len(mantissa.partition(".")[2])
    return 0.5 * 10.0 ** (int(exponent or 0) - decimals) * column.factor * percent if mantissa else 0.0
