"""The tables of a report and of the terminal, from records and jobs."""

from collections.abc import Mapping, Sequence
from typing import Any

from qddft.outputs.outputs import Outputs
from qddft.report.checks_table import structural_marks
from qddft.report.compare import compare
from qddft.report.quantities import ARROW, EXCHANGED, TOGETHER, Record, quantity_of
from qddft.report.run_data import RunData
from qddft.report.tables import NOTHING, Table, number, table_of
from qddft.study.vacancies import BARE

_PARTS = {"E_int": "E_int (eV)", "E_def_slab": "E_def,slab (eV)", "E_def_ligand": "E_def,ligand (eV)"}
UNITS = {
    "cutoff_eV": "eV",
    "bulk_cutoff_eV": "eV",
    "sigma_eV": "eV",
    "energy_tol_eV": "eV",
    "force_tol_eV_per_A": "eV/Å",
    "molecule_padding_A": "Å",
}


def results_table(records: Sequence[Record]) -> Table:
    """Return one row a result of one quantity; unit and sign stand in the head.

    Columns that no record fills are left out.
    """
    quantity, unit = quantity_of(str(records[0]["quantity"])), records[0]["unit"]
    details = [record["details"] for record in records]
    columns: dict[str, list[Any]] = {
        "ligand": [_with_arrow(record["ligand"]) for record in records],
        "place": [item.get("place") for item in details],
        f"{quantity.name} ({unit}), {quantity.sign}": [number(record["value"], 3) for record in records],
        "E_bind (eV)": [number(item.get("E_bind"), 3) for item in details],
        "reference": [_with_arrow(record["reference"]) for record in records],
        "anchor distance (Å)": [_distances(item.get("anchor_distances_A")) for item in details],
        "ligands per nm²": [number(item.get("coverage_per_nm2"), 2, signed=False) for item in details],
        "engine, level": [f"{record['engine']}, {record['level']}" for record in records],
        "remark": [_remark(record) for record in records],
    }
    optional = ("place", "E_bind (eV)", "anchor distance (Å)", "ligands per nm²")
    empty = [name for name in optional if all(value in (None, NOTHING) for value in columns[name])]
    return table_of({name: values for name, values in columns.items() if name not in empty})


def short_table(records: Sequence[Record]) -> Table:
    """Return one row a result, narrow enough for a terminal of 80 columns, with the published value beside ours."""
    quantity, unit = quantity_of(str(records[0]["quantity"])), records[0]["unit"]
    found = compare(records)
    columns: dict[str, list[Any]] = {
        "ligand": [record["ligand"] for record in records],
        "reference": [record["reference"] for record in records],
        f"{quantity.name} ({unit})": [number(record["value"], 3) for record in records],
    }
    if any(item.published is not None for item in found):
        columns["published"] = [number(item.published) for item in found]
        columns["difference"] = [number(item.difference) for item in found]
    columns["remark"] = [_remark(record) for record in records]
    bind = "; E_bind = −E_ads" if quantity.name == "E_ads" else ""
    return table_of(columns, note=f"{quantity.name}: {quantity.sign}{bind}.")


def decomposition_table(records: Sequence[Record]) -> Table | None:
    """Return interaction and deformation energies, ``None`` where no result has them."""
    split = [record for record in records if record["details"].get("E_int") is not None]
    if not split:
        return None
    columns: dict[str, list[str]] = {"ligand": [record["ligand"] for record in split]}
    columns |= {head: [number(record["details"][key], 3) for record in split] for key, head in _PARTS.items()}
    columns["sum = E_ads (eV)"] = [number(sum(record["details"][key] for key in _PARTS), 3) for record in split]
    return table_of(columns)


def jobs_table(data: RunData) -> Table:
    """Return one row a job: state, energy, forces, steps, time, engine version, folder."""
    jobs = data.jobs
    return table_of(
        {
            "job": [job.entry.folder for job in jobs],
            "system": [job.entry.role for job in jobs],
            "task": [job.entry.task for job in jobs],
            "atoms": [job.entry.atoms for job in jobs],
            "charge": [job.job.charge for job in jobs],
            "state": [_state(job.status.state, job.status.reason) for job in jobs],
            "energy (eV)": [_energy(job.outputs.energy if job.outputs else None) for job in jobs],
            "max. force (eV/Å)": [
                number(job.outputs.max_force if job.outputs else None, 3, signed=False) for job in jobs
            ],
            "steps": [job.outputs.n_ionic_steps if job.outputs else None for job in jobs],
            "time (s)": [number(job.steps[-1].seconds, 0, signed=False) if job.steps else None for job in jobs],
            "converged": [_converged(job.outputs) for job in jobs],
        }
    )


def settings_table(level: Mapping[str, Any]) -> Table:
    """Return the settings of a level, and why those are ours that its source does not state."""
    settings, choices = level["settings"], level.get("choices", {})
    rows = {**settings, **{f"{level['engine']}: {key}": value for key, value in level.get("raw", {}).items()}}
    names = [name for name, value in rows.items() if value is not None]
    return table_of(
        {
            "setting": names,
            "value": [_value(rows[name], UNITS.get(name, "")) for name in names],
            "our choice, because": [" ".join(str(choices.get(name, "")).split()) for name in names],
        }
    )


def overview_table(data: RunData) -> Table:
    """Return in a few rows what the run is about."""
    slab = data.slab
    states = [job.status.state for job in data.jobs]
    rows = {"study": data.run.title}
    if slab:
        bulk, faces = slab["bulk"], slab["termination"]
        rows |= {
            "crystal": f"{bulk['phase']} {bulk['formula']}, a = {bulk['a']:.3f} Å "
            f"({bulk['lattice']}: {bulk['source']})",
            "slab": f"(001), {faces['top']} above, {faces['bottom']} below, {slab['layers']} layers, "
            f"{slab['supercell']} cell, {data.vacuum:.1f} Å vacuum",
        }
    rows |= {
        "ligands": _ligands(data.records),
        "engine": ", ".join(data.engine_versions) or data.run.engine,
        "level": f"{data.level['name']}: {data.level['description']}",
        "jobs": f"{len(states)}, of which {states.count('done')} done, {states.count('failed')} failed",
        "qddft": data.run.version,
    }
    return table_of({"": list(rows), "value": list(rows.values())})


def _ligands(records: Sequence[Record]) -> str:
    """Return the ligands of all rows, each once; an exchange and a vacancy under ligands name several."""
    names = [
        name
        for record in records
        if record["ligand"]
        for end in str(record["ligand"]).split(EXCHANGED)
        for name in end.split(TOGETHER)
    ]
    # the names of cut ligands have commas in them
    return "; ".join(name for name in dict.fromkeys(names) if name != BARE)


def _with_arrow(text: Any) -> str:
    """Return a name with the arrow of an exchange in one sign, which no line breaks."""
    return str(text).replace(EXCHANGED.strip(), ARROW)


def _distances(values: Sequence[Any] | None) -> str | None:
    if not values:
        return None
    lengths = sorted(float(item) for item in values)
    first, last = number(lengths[0], signed=False), number(lengths[-1], signed=False)
    return first if first == last else f"{first} to {last}"


def _remark(record: Record) -> str:
    """Return the first word of every kind of warning; all of them stand under Warnings."""
    warnings = " ".join(record["warnings"])
    marks = {"NOT CONVERGED": "not converged", "SETTINGS DIFFER": "settings differ", "not finished": "not finished"}
    marks |= {
        "LIGANDS REARRANGED": "ligands rearranged",
        " failed: ": "failed",
        "screening": "screening",
        "smoke": "smoke",
    }
    found = [mark for key, mark in marks.items() if key in warnings]
    return ", ".join([*found, *structural_marks(record)])


def _state(state: str, reason: str) -> str:
    return f"{state}: {reason}" if state == "failed" and reason else state


def _energy(value: float | None) -> str | None:
    return None if value is None else number(value, 4)


def _converged(outputs: Outputs | None) -> str | None:
    return None if outputs is None else "yes" if outputs.converged else "no"


def _value(value: Any, unit: str) -> str:
    if isinstance(value, list | tuple):
        return " × ".join(map(str, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return f"{text} {unit}".strip()
