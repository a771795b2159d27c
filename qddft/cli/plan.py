"""``qddft plan``: what would be computed; nothing is written."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from qddft.cli.check import Engine
from qddft.cli.console import print_json, say, show
from qddft.cli.verb import add

if TYPE_CHECKING:
    from qddft.study.expand import Expansion

Study = Annotated[Path, typer.Argument(metavar="STUDY", help="Study file, or a folder with study.yaml.")]
LevelName = Annotated[str | None, typer.Option("--level", help="Preset or file of a level, in place of the study's.")]


def register(app: typer.Typer) -> None:
    """Add the verb."""
    lines = ("qddft plan workflows/tao-cspbbr3/study.yaml --engine vasp", "qddft plan study.yaml --json")
    add(app, "plan", plan, examples=lines)


def plan(
    study: Study,
    engine: Engine = None,
    level: LevelName = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
) -> None:
    """Show the jobs of a study: atoms, electrons, k-points, dependencies, cost, formal charges. Writes nothing."""
    from qddft.study.expand import expand
    from qddft.study.load import load_study

    found = expand(load_study(study), engine=engine, level=level)
    document = _document(found)
    if as_json:
        print_json(document)
        return
    _show(document)


def _document(found: "Expansion") -> dict[str, Any]:
    from qddft.study.plan_table import plan_table

    rows = [row.as_dict() for row in plan_table(found)]
    return {
        "study": found.study.title,
        "engine": found.engine,
        "level": found.level.name,
        "jobs": [{"id": job.id} | row for job, row in zip(found.plan, rows, strict=True)],
        "results": [_planned(recipe) for recipe in found.recipes],
        "charges": [
            {
                "system": name,
                "total": ledger.total,
                "electrons": ledger.n_electrons,
                "entries": [{"what": e.what, "count": e.count, "charge": e.charge} for e in ledger.entries],
            }
            for name, ledger in found.ledgers
        ],
        "seconds": _total(rows),
    }


def _planned(recipe: Any) -> dict[str, Any]:
    return {"name": recipe.name, "jobs": list(dict.fromkeys(job.id for job in recipe.jobs().values()))}


def _total(jobs: list[dict[str, Any]]) -> float | None:
    if any(job["seconds"] is None for job in jobs):
        return None
    return round(sum(float(job["seconds"]) for job in jobs), 1)


def _show(document: dict[str, Any]) -> None:
    from qddft.report.tables import number, table_of

    jobs = document["jobs"]
    say(f"{document['study']}\nengine {document['engine']}, level {document['level']}\n")
    columns = {
        "job": [job["name"] for job in jobs],
        "system": [job["role"] for job in jobs],
        "task": [job["task"] for job in jobs],
        "atoms": [job["atoms"] for job in jobs],
        "electrons": [job["electrons"] for job in jobs],
        "charge": [f"{job['charge']:+d}" if job["charge"] else "0" for job in jobs],
        "unpaired": [job["unpaired"] for job in jobs],
        "k-points": ["x".join(map(str, job["kpoints"])) for job in jobs],
        "after": [job["after"] for job in jobs],
        "share of work": [f"{job['share']:.1%}" for job in jobs],
    }
    if document["seconds"] is not None:
        columns["time (min)"] = [number(job["seconds"] / 60, 1, signed=False) for job in jobs]
    show(table_of(columns))
    say(f"\n{len(jobs)} jobs for {len(document['results'])} results")
    if document["seconds"] is not None:
        say(f"about {document['seconds'] / 60:.0f} minutes on two cores, from measured times and assumed ionic steps")
    if document["charges"]:
        say("\nformal charges:")
    for system in document["charges"]:
        parts = " + ".join(f"{entry['count']} {entry['what']} ({entry['charge']:+d})" for entry in system["entries"])
        say(f"  {system['system']}: {parts} = {system['total']:+d}")
