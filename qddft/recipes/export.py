"""Results as a table and as rows of an ASE database: a SQLite or JSON file, or PostgreSQL by its URL."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qddft.core.errors import EngineError, OutputError
from qddft.core.files import write_text
from qddft.core.hashing import content_hash
from qddft.recipes.result import RECORDED, Result

if TYPE_CHECKING:
    from ase import Atoms
    from pandas import DataFrame

POSTGRES = ("postgresql://", "postgres://")
_FILES = (".db", ".json")
_FORMS = "FILE.db (SQLite), FILE.json or postgresql://USER:PASSWORD@HOST:PORT/NAME"
# what a searchable value of ase.db may be called
_KEY = re.compile(r"[^A-Za-z0-9_]+")


@dataclass(frozen=True)
class Row:
    """One row of an ASE database.

    Attributes
    ----------
    uid
        Names the row: one that is there already under this name is replaced.
    atoms
        Structure, with its energy where there is one.
    pairs
        Searchable keys; texts that look like numbers are marked, as ase.db refuses them.
    data
        Everything else, JSON types.
    """

    uid: str
    atoms: "Atoms"
    pairs: Mapping[str, Any]
    data: Mapping[str, Any] = field(default_factory=dict)


def results_table(results: "Sequence[Result | Mapping[str, Any]]") -> "DataFrame":
    """Return one row a result with one plain value a cell; ``details`` are spread out as ``details.NAME``.

    Parameters
    ----------
    results
        Results, or their records.
    """
    import pandas as pd

    records = [item.record() if isinstance(item, Result) else item for item in results]
    return pd.DataFrame([_flat(record) for record in records])


def write_table(results: "Sequence[Result | Mapping[str, Any]]", path: str | Path) -> None:
    """Write ``results_table`` as CSV.

    Raises
    ------
    OutputError
        The file cannot be written.
    """
    where = Path(path)
    try:
        write_text(where, results_table(results).to_csv(index=False, lineterminator="\n"))
    except OSError as error:
        raise OutputError(f"{where} cannot be written: {error.strerror or error}") from error


def result_row(result: Result) -> Row:
    """Return the database row of a result; results of the same calculations replace each other."""
    from ase import Atoms

    record = result.record()
    pairs = {
        name: record[name]
        for name in ("quantity", "system", "ligand", "unit", "reference", "engine", "level")
        if record[name]
    }
    if result.value is not None:
        pairs |= {"value": result.value, key_of(result.quantity): result.value}
    asked = [record[name] for name in ("quantity", "system", "ligand", "reference", "inputs", "jobs")]
    atoms = Atoms() if result.structure is None else result.structure
    return Row(f"result-{content_hash([*asked, record['details'].get('sources')])}", atoms, pairs, {"result": record})


def key_of(quantity: str) -> str:
    """Return a name that ase.db takes as a key: ``E_f(V_Br)`` becomes ``E_f_V_Br``."""
    return _KEY.sub("_", quantity).strip("_")


def write_results(results: Sequence[Result], target: str | Path) -> int:
    """Write results to an ASE database and return how many rows it has now.

    Parameters
    ----------
    results
        Each becomes a row with its structure.
    target
        ``FILE.db``, ``FILE.json``, or ``postgresql://USER:PASSWORD@HOST:PORT/NAME``. Other rows stay.

    Raises
    ------
    EngineError
        PostgreSQL is asked for and its driver is not installed.
    OutputError
        The database cannot be opened or written to.
    """
    return write_rows([result_row(item) for item in results], target)


def write_rows(rows: Sequence[Row], target: str | Path) -> int:
    """Write rows to an ASE database, each in place of the one of its name; errors as ``write_results``."""
    with _database(str(target)) as database:
        for row in rows:
            same = [found.id for found in database.select(uid=row.uid)]
            if same:
                database.delete(same)
            database.write(row.atoms, key_value_pairs={"uid": row.uid, **_searchable(row.pairs)}, data=dict(row.data))
        return int(database.count())


def check_target(target: str | Path) -> None:
    """Refuse what is no place for a database, before anything is computed.

    Raises
    ------
    EngineError
        PostgreSQL is asked for and its driver is not installed.
    OutputError
        Neither a file of a known kind in a folder that exists, nor the URL of PostgreSQL.
    """
    text = str(target)
    if text.startswith(POSTGRES):
        _require_driver()
        return
    where = Path(text)
    if "://" in text or where.suffix not in _FILES:
        raise OutputError(f"{_without_password(text)} is no database that is known here; give {_FORMS}")
    if not where.parent.is_dir():
        raise OutputError(f"the folder {where.parent} does not exist; make it first")


def _require_driver() -> None:
    try:
        import ase_db_backends.postgresql  # noqa: F401  (only whether it is there)
    except ImportError as error:
        raise EngineError(
            "PostgreSQL needs its driver for ase.db: install it with pip install 'qddft[postgres]'"
        ) from error


@contextmanager
def _database(target: str) -> Iterator[Any]:
    """Open a database; what goes wrong in its driver is told without its traceback and without the password."""
    import sqlite3

    from ase.db import connect

    check_target(target)
    failures: tuple[type[Exception], ...] = (OSError, sqlite3.Error, ValueError, KeyError)
    if target.startswith(POSTGRES):
        import psycopg2

        failures = (*failures, psycopg2.Error)
    try:
        with connect(target) as database:
            yield database
    except failures as error:
        # the drivers say several lines
        said = " ".join(str(error).split()) or type(error).__name__
        raise OutputError(f"the database {_without_password(target)} cannot be written to: {said}") from error


def _without_password(text: str) -> str:
    return re.sub(r"(://[^:/@]*):[^@/]*@", r"\1:***@", text)


def _searchable(pairs: Mapping[str, Any]) -> dict[str, Any]:
    return {key: f"'{value}'" if isinstance(value, str) and _numeric(value) else value for key, value in pairs.items()}


def _numeric(text: str) -> bool:
    from ase.db.core import str_represents

    return any(str_represents(text, kind) for kind in (bool, int, float))


def _flat(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return a record with one plain value a column: lists joined, mappings spread out or as JSON."""
    row: dict[str, Any] = {}
    # in the order of the class, whatever order a file had
    for key in RECORDED:
        value = record[key]
        if key == "details":
            row |= {f"details.{name}": _cell(value[name]) for name in sorted(value)}
        elif key == "source_value":
            row |= {f"published.{name}": _cell((value or {}).get(name)) for name in ("value", "tolerance", "source")}
        elif key == "audit":
            row[key] = _verdict(value)
        else:
            row[key] = _cell(value)
    return row


def _verdict(audit: Mapping[str, Any]) -> str:
    """Return the outcome of an audit in a few words; JSON and databases have all of it."""
    if not audit:
        return ""
    decisive = [item["key"] for item in audit["differences"] if item["importance"] == "decides energies"]
    unknown = [item["key"] for item in audit["unknown"]]
    words = [f"differs: {', '.join(decisive)}" if decisive else "compatible"]
    return "; ".join([*words, f"unknown: {', '.join(unknown)}"] if unknown else words)


def _cell(value: Any) -> Any:
    if isinstance(value, list | tuple) and all(isinstance(item, str) for item in value):
        return "; ".join(value)
    if isinstance(value, Mapping | list | tuple):
        return json.dumps(value, sort_keys=True)
    return value
