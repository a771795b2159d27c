"""Convergence series as tables, and apart from the other results of a run."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from qddft.recipes.convergence import is_series, named
from qddft.report.quantities import Record
from qddft.report.tables import Table, number, table_of

_SETTINGS = {"cutoff_eV": "cutoff", "kpoints": "mesh", "vacuum": "vacuum", "layers": "layers", "supercell": "cell"}
_DIGITS = {"eV": 4}
_OTHER_DIGITS = 2


def without_series(records: Iterable[Record]) -> list[Record]:
    """Return the results that are no convergence series."""
    return [record for record in records if not is_series(record)]


def only_series(records: Iterable[Record]) -> list[Record]:
    """Return the convergence series."""
    return [record for record in records if is_series(record)]


def series_title(record: Record) -> str:
    """Return what converges with what: ``E_ads of oleic acid against the cutoff``."""
    details = record["details"]
    of = f"{details['of']} of {record['ligand']}" if record["ligand"] else str(details["of"])
    return f"{of} against {setting_name(record)}"


def setting_name(record: Record) -> str:
    """Return what the setting of a series is called."""
    vary = str(record["details"]["vary"])
    return _SETTINGS.get(vary, vary)


def series_table(record: Record) -> Table:
    """Return one row a point: setting, value, difference to the finest, calculations; the verdict is the note."""
    details, unit = record["details"], str(record["unit"])
    digits = _DIGITS.get(unit, _OTHER_DIGITS)
    points: Sequence[Mapping[str, Any]] = details["points"]
    columns: dict[str, list[Any]] = {
        setting_name(record): [point["label"] for point in points],
        "note": [point["note"] or None for point in points],
        "ligands per nm²": [number(point.get("coverage_per_nm2"), 2, signed=False) for point in points],
        f"{details['of']} ({unit})": [number(point["value"], digits) for point in points],
        f"to the finest ({unit})": [number(point["difference"], digits) for point in points],
        "jobs": [len(point["jobs"]) for point in points],
        "mark": [_mark(record, point) for point in points],
    }
    if not any(columns["note"]):
        del columns["note"]
    # another coverage is what another lateral cell means; elsewhere it stays
    if details["vary"] != "supercell" or not record["ligand"]:
        del columns["ligands per nm²"]
    note = f"{series_title(record)}, {details['geometry']}: {details['verdict']}."
    return table_of(columns, note=note)


def smallest_text(record: Record) -> str:
    """Return the smallest setting that has converged in words, or that there is none."""
    details = record["details"]
    label = details["smallest_label"]
    return "none" if label is None else named(str(details["vary"]), str(label))


def _mark(record: Record, point: Mapping[str, Any]) -> str:
    if point["value"] is None:
        return "missing"
    return "smallest" if point["label"] == record["details"]["smallest_label"] else ""
