"""Results of a run: evaluated from what is done, written as JSON, CSV and an ASE database."""

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qddft.core.files import write_json, write_text
from qddft.core.hashing import content_hash
from qddft.jobs.disk import disk_errors
from qddft.jobs.folder import FAILURE, OUTPUTS, JobStatus
from qddft.jobs.job import Job
from qddft.jobs.run_folder import PLAN, Entry, Run, load_run
from qddft.outputs.outputs import Outputs
from qddft.outputs.store import load_outputs
from qddft.recipes import recipe_of
from qddft.recipes.convergence import is_series, series_rows
from qddft.recipes.export import Row, key_of, results_table, write_rows
from qddft.recipes.provenance import input_hashes, structure_of
from qddft.recipes.result import RECORDED
from qddft.study.harvest import harvest

if TYPE_CHECKING:
    from pandas import DataFrame

JSON, CSV, DATABASE = "results.json", "results.csv", "results.db"
# one row a point of every convergence series; only where the study has any
SERIES = "convergence.csv"
# from what these files were made
STATE = "collected.json"


def collect(run: str | Path, *, database: str | Path | None = None) -> "DataFrame":
    """Evaluate every recipe of a run on the jobs that are done, and write the three files.

    Calculations that VASP finished on a cluster are read first.

    ``results.json`` is a list of records, ``results.csv`` the same as a flat table, ``results.db`` an ``ase.db`` SQLite
    file with the final structure of every finished job, ``convergence.csv`` the points of the convergence series where
    there are any. A result whose jobs are not all done has no value and names them. The files are replaced whole, so
    that collecting while a run goes on, or twice at once, is harmless. Nothing is read again when no job has ended
    since.

    Parameters
    ----------
    run
        A run folder.
    database
        Further ASE database that gets the rows of ``results.db``: ``FILE.db`` or
        ``postgresql://USER:PASSWORD@HOST:PORT/NAME``; rows of the same jobs are replaced, others stay.

    Returns
    -------
    pandas.DataFrame
        One row a result, columns as in ``results.csv``; ``details`` spread out as ``details.NAME``.

    Raises
    ------
    FolderError
        Not a run folder, or one that cannot be written to.
    OutputError
        The outputs of a finished job are damaged, or the further database cannot be written to.
    EngineError
        PostgreSQL is asked for and its driver is not installed.
    """
    folder = load_run(Path(run))
    harvest(folder)
    state = _fingerprint(folder)
    if (stored := _unchanged(folder, state)) is not None:
        if database is not None:
            write_rows(_rows(folder, _finished(folder), stored), database)
        return results_table(stored)
    done = _finished(folder)
    records = results_of(folder, done)
    table = results_table(records)
    with disk_errors(folder.path):
        write_json(folder.path / JSON, records)
        write_text(folder.path / CSV, table.to_csv(index=False, lineterminator="\n"))
        if rows := series_rows(records):
            write_text(folder.path / SERIES, _csv(rows))
        _write_database(folder, done, records)
        write_json(folder.path / STATE, {"of": state, "files": _stamps(folder)})
    if database is not None:
        write_rows(_rows(folder, done, records), database)
    return table


def results_of(run: Run, done: Mapping[str, Outputs]) -> list[dict[str, Any]]:
    """Return the records of all results of a run.

    Parameters
    ----------
    run
        The run folder.
    done
        Outputs of the finished jobs by job id.
    """
    jobs = {entry.id: run.job(entry) for entry in run.entries}
    statuses = run.statuses()
    folders = {entry.id: run.folder(entry) for entry in run.entries}
    records = []
    for planned in run.recipes:
        recipe = recipe_of(planned, jobs)
        needed = recipe.jobs()
        outputs = {label: done[job.id] for label, job in needed.items() if job.id in done}
        failures = _failures(needed, statuses)
        for result in recipe.evaluate(outputs):
            record = result.record()
            record["warnings"] += failures
            record["inputs"] = _inputs(run.path, [folders[job] for job in result.jobs if job in done])
            records.append(record)
    return records


def _inputs(root: Path, folders: list[Path]) -> dict[str, str]:
    """Return the products of the jobs of a result and their hashes, as paths from the run folder."""
    found = input_hashes([folder / OUTPUTS for folder in folders])
    return {str(Path(path).relative_to(root)): value for path, value in found.items()}


def _fingerprint(run: Run) -> str:
    """Return a hash of what decides the results: the plan, and the outputs and failures that there are."""
    from qddft import __version__

    kept = [_stamp(run.folder(entry) / name) for entry in run.entries for name in (OUTPUTS, FAILURE)]
    return content_hash([__version__, list(RECORDED), _stamp(run.path / PLAN), kept])


def _unchanged(run: Run, state: str) -> list[dict[str, Any]] | None:
    """Return the stored records if nothing has happened since they were collected."""
    try:
        stored = json.loads((run.path / STATE).read_text(encoding="utf-8"))
        if stored != {"of": state, "files": _stamps(run)}:
            return None
        records: list[dict[str, Any]] = json.loads((run.path / JSON).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return records


def _stamps(run: Run) -> list[list[int] | None]:
    return [_stamp(run.path / name) for name in (JSON, CSV, DATABASE, SERIES)]


def _csv(rows: list[dict[str, Any]]) -> str:
    import pandas as pd

    return str(pd.DataFrame(rows).to_csv(index=False, lineterminator="\n"))


def _stamp(path: Path) -> list[int] | None:
    """Return time of last change, ns, and size of a file; ``None`` when it is not there."""
    try:
        info = path.stat()
    except FileNotFoundError:
        return None
    return [info.st_mtime_ns, info.st_size]


def _finished(run: Run) -> dict[str, Outputs]:
    paths = {entry.id: run.folder(entry) / OUTPUTS for entry in run.entries}
    return {job: load_outputs(path) for job, path in paths.items() if path.exists()}


def _failures(needed: Mapping[str, Job], statuses: Mapping[str, JobStatus]) -> list[str]:
    """Say which jobs of a recipe failed and why; jobs that are only waiting are named by the recipe itself."""
    failed = {label: statuses[job.id] for label, job in needed.items() if statuses[job.id].state == "failed"}
    return [f"{label} failed: {status.reason}" for label, status in failed.items()]


def _write_database(run: Run, done: Mapping[str, Outputs], records: list[dict[str, Any]]) -> None:
    """Write the database beside its final name and move it there, so that readers never see half of it."""
    from ase.db import connect

    with tempfile.TemporaryDirectory(prefix=".results-", suffix=".tmp", dir=run.path) as folder:
        draft = Path(folder) / DATABASE
        rows = _rows(run, done, records)
        write_rows(rows, draft)
        if not rows:
            # nothing is done yet; an empty database still has its tables
            connect(draft).delete([])
        draft.replace(run.path / DATABASE)


def _rows(run: Run, done: Mapping[str, Outputs], records: list[dict[str, Any]]) -> list[Row]:
    return [_row(run, entry, done[entry.id], records) for entry in run.entries if entry.id in done]


def _row(run: Run, entry: Entry, outputs: Outputs, records: list[dict[str, Any]]) -> Row:
    """Return structure with energy and forces, searchable keys, and the results this job enters."""
    atoms = structure_of(outputs)
    pairs = {
        "job": entry.id,
        "job_name": entry.name,
        "role": entry.role,
        "task": entry.task,
        "engine": run.engine,
        "engine_version": outputs.engine_version or "unknown",
        "electronically_converged": outputs.electronically_converged is True,
        "ionically_converged": outputs.ionically_converged is True,
    }
    entered = [record for record in records if entry.id in record["jobs"]]
    # fragments of a complex are computed in its cell; they have no adsorption energy
    whole = entry.role == "complex" and 0 in atoms.arrays.get("fragment", ())
    # a series is about many structures
    own = [record for record in entered if not is_series(record)]
    if whole and len(own) == 1:
        pairs |= {"ligand": own[0]["ligand"], "reference": own[0]["reference"]}
        if own[0]["value"] is not None:
            pairs[key_of(own[0]["quantity"])] = own[0]["value"]
    data = {"results": entered, "settings": dict(outputs.settings), "warnings": list(outputs.warnings)}
    return Row(f"job-{entry.id}", atoms, pairs, data)
