"""``qddft search``: the lowest poses of a ligand on a face, by a funnel of the screening engine."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from qddft.cli.build.options import (
    FixedLayers,
    LatticeName,
    Layers,
    Normal,
    Order,
    Phase,
    Seed,
    SlabChoices,
    Supercell,
    Termination,
    Vacuum,
    ligand_of,
    slab_of,
)
from qddft.cli.console import note, place, print_json, say, show
from qddft.cli.verb import add
from qddft.core.errors import FolderError, LigandError

if TYPE_CHECKING:
    from collections.abc import Callable

    from qddft.atoms.ligand import Ligand
    from qddft.study.execute import Event
    from qddft.study.pose_results import Pose, PoseSearch
    from qddft.study.pose_search import SearchEstimate

Target = Annotated[
    str, typer.Argument(metavar="CRYSTAL|DIR", help="Crystal, for instance CsPbBr3, or a search folder to go on with.")
]
LigandNames = Annotated[
    list[str] | None,
    typer.Option("--ligand", help="Library name, SMILES or file; an ion pair as a SMILES with a dot; may be repeated."),
]
Modes = Annotated[
    list[str] | None,
    typer.Option("--mode", help="Mode; repeated, all are tried, or of several ligands one for each. Default: any."),
]
Truncations = Annotated[
    list[int] | None, typer.Option("--truncate", help="Cut alkyl chains to this many carbon atoms; 0 leaves them.")
]
Folder = Annotated[Path | None, typer.Option("--output", "-o", metavar="DIR", help="Folder of the search.")]
Heights = Annotated[
    list[float] | None,
    typer.Option("--height", help="How much longer than the shortest bond that fits, Angstrom; may be repeated."),
]


SearchEngine = Annotated[str | None, typer.Option(help="tblite or ase:MODULE:FACTORY; default: tblite.")]
SearchLevel = Annotated[
    str | None, typer.Option("--level", help="Preset or file of a level; default: screening for tblite.")
]
# options that may be given with the folder of a search too
_AFTERWARDS = ("target", "keep", "workers", "as_json", "help")


def register(app: typer.Typer) -> None:
    """Add the verb."""
    examples = (
        'qddft search CsPbBr3 --ligand "acetic acid" --supercell 2x2 --keep 3 -o search-acetic-acid',
        "qddft search search-acetic-acid                                        goes on, or shows what was found",
        "qddft search CsPbI3 --ligand GAI --supercell 2x2 --mode ion-pair -o search-gai",
        'qddft search CsPbBr3 --ligand oleylamine --ligand "oleic acid" --truncate 4 --dry-run',
    )
    add(app, "search", search, examples=examples)


def search(
    context: typer.Context,
    target: Target,
    names: LigandNames = None,
    output: Folder = None,
    modes: Modes = None,
    truncations: Truncations = None,
    faces: Annotated[str, typer.Option(help="top, bottom, or both for one ligand on each.")] = "top",
    keep: Annotated[int, typer.Option(help="How many of the lowest poses are written.")] = 3,
    single_points: Annotated[int, typer.Option(help="Rigid starting poses at most.")] = 48,
    relaxations: Annotated[int, typer.Option(help="How many of them are relaxed, for a few steps at first.")] = 12,
    steps: Annotated[int, typer.Option(help="Ionic steps of those that go on to the end, at most.")] = 120,
    conformers: Annotated[int, typer.Option(help="Conformers of each ligand.")] = 4,
    heights: Heights = None,
    max_tilt: Annotated[float, typer.Option(help="Largest lean at the start, degrees; 60 leaves flat ones out.")] = 180,
    seed: Seed = 0,
    engine: SearchEngine = None,
    level: SearchLevel = None,
    workers: Annotated[int | None, typer.Option(help="Jobs at once; default: one for each core.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be computed; write nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document; progress goes to stderr.")] = False,
    termination: Termination = "PbX2",
    layers: Layers = 3,
    supercell: Supercell = "2x2",
    vacuum: Vacuum = 15.0,
    fixed_layers: FixedLayers = "0",
    phase: Phase = "cubic",
    lattice: LatticeName = "pbe",
    normal: Normal = None,
    order: Order = "random",
) -> None:
    """Search the lowest poses of a ligand on a face, and write the best as POSCAR and extxyz.

    Conformers at all distinct places, orientations and heights; doubles left out; their energies with the screening
    engine; the lowest of every kind of contact relaxed with the slab frozen, the better the further; distinct minima
    ranked. Interrupt it at any time: the same command goes on. Several ligands are placed beside each other, the ions
    of a pair on neighboring sites.
    """
    from qddft.study.pose_effort import SearchEffort
    from qddft.study.pose_request import is_search
    from qddft.study.pose_search import estimate_search, resume_search, search_poses

    event, ahead = _telling(as_json)
    if is_search(Path(target)):
        _refuse_options(context, target)
        found = resume_search(target, keep=keep, workers=workers, on_event=event, on_estimate=ahead)
        _tell(found, as_json=as_json)
        return
    if not names:
        raise LigandError(f"{target}: a search needs a ligand; give --ligand, or the folder of a search to go on with")
    choices = SlabChoices(
        target, termination, layers, supercell, vacuum, fixed_layers, phase, lattice, normal, order, seed
    )
    slab, ligands = slab_of(choices), _ligands(names, truncations, seed)
    effort = SearchEffort(single_points, relaxations, steps, conformers, tuple(heights or (0.0, 0.3)), max_tilt)
    chosen = "any" if modes is None else modes[0] if len(modes) == 1 else modes
    name = engine or "tblite"
    if dry_run:
        guess = estimate_search(
            slab, ligands, mode=chosen, faces=faces, keep=keep, seed=seed, effort=effort, engine=name
        )
        _say_estimate(guess, as_json=as_json)
        return
    if output is None:
        raise FolderError("a search needs a folder: give -o DIR, or --dry-run to see what it would compute")
    found = search_poses(
        slab,
        ligands,
        run=output,
        mode=chosen,
        faces=faces,
        keep=keep,
        seed=seed,
        effort=effort,
        engine=name,
        level=level,
        workers=workers,
        on_event=event,
        on_estimate=ahead,
    )
    _tell(found, as_json=as_json)


def _ligands(names: list[str], truncations: list[int] | None, seed: int) -> "list[Ligand]":
    """Get the ligands; a truncation counts for all, or there is one for each."""
    cuts = truncations or [0]
    if len(cuts) not in (1, len(names)):
        raise LigandError(f"{len(cuts)} truncations for {len(names)} ligands: give one for all, or one for each")
    each = cuts * len(names) if len(cuts) == 1 else cuts
    return [ligand_of(name, cut or None, seed) for name, cut in zip(names, each, strict=True)]


def _refuse_options(context: typer.Context, target: str) -> None:
    """Refuse what a search that is there has settled already; it would be passed over in silence."""
    sources = {item: context.get_parameter_source(str(item.name)) for item in context.command.params}
    given = [
        item.opts[0]
        for item, source in sources.items()
        if item.name not in _AFTERWARDS and source is not None and source.name == "COMMANDLINE"
    ]
    if given:
        raise FolderError(
            f"{target} is the folder of a search and keeps its ligand, place and effort; leave {', '.join(given)} out, "
            "or give a crystal to begin another search"
        )


def _telling(as_json: bool) -> "tuple[Callable[[Event], None], Callable[[SearchEstimate], None]]":
    """Return what shows events and the estimate; stdout stays clean where one JSON document is asked for."""
    write = note if as_json else say

    def ahead(guess: "SearchEstimate") -> None:
        write(guess.words)

    def event(what: "Event") -> None:
        if what.kind in ("done", "failed", "busy"):
            step = what.progress
            energy = "" if step is None else f"  {step.energy:.4f} eV after {step.step} steps"
            counter = f"[{what.done:>{len(str(what.total))}}/{what.total}]"
            write(f"{counter} {what.kind:<6} {what.entry.name}{energy}{_rest(what)}")

    return event, ahead


def _rest(event: "Event") -> str:
    from qddft.cli.progress import duration

    if event.reason:
        return f"  {event.reason}"
    return "" if event.left.seconds is None else f"  (about {duration(event.left.seconds)} left)"


def _tell(found: "PoseSearch", *, as_json: bool) -> None:
    """Show the minima and say where the structures are."""
    from qddft.study.pose_files import POSES, STARTS, STRUCTURES, TABLE

    if as_json:
        print_json(
            {
                "folder": str(found.folder),
                "poses": [pose.record() for pose in found.poses],
                "minima": [pose.record() for pose in found.minima],
                "notes": list(found.notes),
                "caution": found.caution,
                "evaluations": found.evaluations,
            }
        )
        return
    say()
    _show(found)
    for line in (*found.notes, *_doubts(found.poses)):
        note(line)
    say(f"cost     {found.evaluations} energies with forces")
    say(f"poses    {place(found.folder / STRUCTURES)}: {len(found.poses)} as .vasp and .extxyz")
    say(f"tables   {', '.join(place(found.folder / name) for name in (TABLE, STARTS, POSES))}")


def _show(found: "PoseSearch") -> None:
    from qddft.report.tables import number, table_of

    minima = found.minima
    pair = [place.mode for place in minima[0].places[1:]] == ["ion-pair"]
    several = len(minima[0].places) > 1 and not pair

    def each(name: str) -> list[str]:
        return [" + ".join(_short(getattr(place, name)) for place in pose.places) for pose in minima]

    columns: dict[str, list[Any]] = {
        "rank": [pose.rank for pose in minima],
        "above best (eV)": [number(pose.above_best, 3, signed=False) for pose in minima],
        **({"ligand": each("ligand")} if several else {}),
        "site": each("site"),
        "mode": each("mode"),
        "conformer": each("conformer"),
        "azimuth (°)": each("azimuth"),
        "tilt (°)": each("tilt"),
        "height (Å)": each("height"),
        "held by": [", ".join(pose.contacts[:3]) for pose in minima],
        "checks": [_checks(pose) for pose in minima],
        "force (eV/Å)": [number(pose.max_force, 2, signed=False) for pose in minima],
        "steps": [pose.steps for pose in minima],
        "found": [1 + len(pose.doubles) for pose in minima],
    }
    words = ["Site to height: at the start" + (", anion + cation." if pair else ".")]
    words += [f"{found.caution}."] if found.caution else []
    show(table_of(columns, note=" ".join(words)))


def _short(value: object) -> str:
    return (
        f"{value:.2f}"
        if isinstance(value, float) and abs(value) < 10
        else f"{value:.0f}"
        if isinstance(value, float)
        else str(value)
    )


def _checks(pose: "Pose") -> str:
    """Return what is wrong with a pose in a few words."""
    flags = {
        "proton moved": pose.proton_transferred,
        "not intact": not pose.intact and not pose.proton_transferred,
        "desorbed": not pose.bound,
        "left its site": pose.left_site,
        "still moving": not pose.converged,
    }
    return ", ".join(word for word, holds in flags.items() if holds) or "ok"


def _doubts(poses: "tuple[Pose, ...]") -> list[str]:
    """Return the warnings of the poses that were kept, but for the usual ones."""
    return [f"pose {pose.rank}: {warning}" for pose in poses for warning in pose.warnings]


def _say_estimate(guess: "SearchEstimate", *, as_json: bool) -> None:
    from dataclasses import asdict

    if as_json:
        print_json(asdict(guess))
    else:
        say(guess.words)
