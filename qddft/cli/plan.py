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
    from qddft.study.cost import job_cost

    jobs = []
    names = {job.id: job.name for job in found.plan}
    for job in found.plan:
        cost = job_cost(job, found.engine)
        jobs.append(
            {
                "id": job.id,
                "name": job.name,
                "folder": job.folder_name,
                "role": job.role,
                "task": job.task,
                "formula": job.built_atoms.get_chemical_formula(),
                "atoms": len(job.built_atoms),
                "electrons": cost.electrons,
                "charge": job.charge,
                "unpaired": job.unpaired,
                "kpoints": list(cost.mesh),
                "after": None if job.parent is None else names[job.parent.id],
                "ionic_steps": cost.steps,
                "seconds": None if cost.seconds is None else round(cost.seconds),
                "work": round(cost.work, 3),
            }
        )
    return {
        "study": found.study.title,
        "engine": found.engine,
        "level": found.level.name,
        "jobs": jobs,
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
        "seconds": _total(jobs),
    }


def _planned(recipe: Any) -> dict[str, Any]:
    return {"name": recipe.name, "jobs": list(dict.fromkeys(job.id for job in recipe.jobs().values()))}


def _total(jobs: list[dict[str, Any]]) -> int | None:
    if any(job["seconds"] is None for job in jobs):
        return None
    return sum(job["seconds"] for job in jobs)


def _show(document: dict[str, Any]) -> None:
    from qddft.report.tables import number, table_of

    jobs = document["jobs"]
    whole = sum(job["work"] for job in jobs)
    say(f"{document['study']}\nengine {document['engine']}, level {document['level']}\n")
    columns = {
        "job": [job["name"] for job in jobs],
        "system": [job["role"] for job in jobs],
        "task": [job["task"] for job in jobs],
        "formula": [job["formula"] for job in jobs],
        "atoms": [job["atoms"] for job in jobs],
        "electrons": [job["electrons"] for job in jobs],
        "charge": [number(job["charge"], 0) if job["charge"] else "0" for job in jobs],
        "k-points": ["x".join(map(str, job["kpoints"])) for job in jobs],
        "after": [job["after"] for job in jobs],
    }
    if document["seconds"] is None:
        columns["share of the work"] = [f"{job['work'] / whole:.1%}" for job in jobs]
    else:
        columns["time (min)"] = [number(job["seconds"] / 60, 1, signed=False) for job in jobs]
    show(table_of(columns))
    say(f"\n{len(jobs)} jobs for {len(document['results'])} results")
    if document["seconds"] is not None:
        say(f"about {document['seconds'] / 60:.0f} minutes on two cores, from measured times and assumed ionic steps")
    for system in document["charges"]:
        parts = ", ".join(f"{e['count']} {e['what']} ({e['charge']:+d})" for e in system["entries"])
        say(f"formal charges of the slab with {system['system']}: {parts}; sum {system['total']:+d}")
