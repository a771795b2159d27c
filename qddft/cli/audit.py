"""``qddft audit``: whether energies of these folders belong together."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from qddft.cli.console import print_json, say
from qddft.cli.main import NO
from qddft.cli.verb import add

if TYPE_CHECKING:
    from qddft.analysis.audit import Audit


def register(app: typer.Typer) -> None:
    """Add the verb."""
    lines = ("qddft audit complex/ slab/ molecule/", "qddft audit run-vasp --level tao-pbe", "qddft audit a/ b/ --json")
    add(app, "audit", audit, examples=lines)


def audit(
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="PATH...", help="Folders of calculations, finished or not, or runs with all their jobs."
        ),
    ],
    level: Annotated[str | None, typer.Option(help="Preset or file of a level to compare with.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
) -> None:
    """Compare settings of finished or unstarted folders with each other and with a level.

    Exit code 1 when something differs that decides energies; such energies must not be subtracted.
    """
    from qddft.study.audit import audit as compare
    from qddft.study.audit import calculations_of

    given = [calculations_of(path) for path in paths]
    found = compare([item for items, _ in given for item in items], level)
    if as_json:
        print_json(found.record())
    else:
        _show(found)
        for _, left_out in given:
            for text in left_out:
                say(f"left out: {text}")
    if not found.compatible:
        raise typer.Exit(NO)


def _show(found: "Audit") -> None:
    """Print one block a difference: what it is, how much it matters, and which calculations have which value."""
    short = _short_names(found.sources)
    levels = [source for source in found.sources if source.startswith("level ")]
    count = len(found.sources) - len(levels)
    say(f"{count} calculation{'s' if count > 1 else ''}{''.join(f' and the {level}' for level in levels)}")
    for item in found.differences:
        say(f"\n{item.key}: {item.importance}{f' ({item.note})' if item.note else ''}")
        grouped: dict[str, list[str]] = {}
        for source, value in item.values.items():
            grouped.setdefault(str(value), []).append(short.get(source, source))
        for value, sources in grouped.items():
            say(f"  {value}: {', '.join(sources)}")
    for gap in found.unknown:
        why = f" ({gap.note})" if gap.note else ""
        say(f"\n{gap.key}: unknown in {', '.join(short.get(source, source) for source in gap.sources)}{why}")
    for source, notes in found.notes.items():
        for text in notes:
            say(f"\nnote on {short.get(source, source)}: {text}")
    if not found.differences:
        say("\nno differences")
    say("\nthe energies belong together" if found.compatible else "\nthe energies do NOT belong together")


def _short_names(sources: tuple[str, ...]) -> dict[str, str]:
    """Return the sources without the folder that they share."""
    paths = [source for source in sources if "/" in source]
    shared = os.path.commonpath(paths) if len(paths) > 1 else ""
    return {source: source.removeprefix(shared).lstrip("/") or source for source in paths} if shared else {}
