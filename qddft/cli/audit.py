"""``qddft audit``: whether energies of these folders belong together."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from qddft.cli.console import print_json, say
from qddft.cli.main import NO
from qddft.cli.verb import add

if TYPE_CHECKING:
    from qddft.analysis.audit import Audit

LISTED = 6


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
        most = max(grouped.values(), key=len)
        for value, sources in grouped.items():
            others = f"the other {len(sources)}" if sources is most and len(grouped) > 1 else ""
            say(f"  {value}: {_listed(sources, others)}")
    for gap in found.unknown:
        why = f" ({gap.note})" if gap.note else ""
        everywhere = f"all {len(gap.sources)}" if len(gap.sources) == count else ""
        say(
            f"\n{gap.key}: unknown in {_listed([short.get(source, source) for source in gap.sources], everywhere)}{why}"
        )
    about: dict[str, list[str]] = {}
    for source, notes in found.notes.items():
        for text in notes:
            about.setdefault(text, []).append(short.get(source, source))
    for text, named in about.items():
        say(f"\nnote on {_listed(named, f'all {count}' if len(named) == count else '')}: {text}")
    if not found.differences:
        say("\nno differences")
    say("\nthe energies belong together" if found.compatible else "\nthe energies do NOT belong together")


def _listed(names: Sequence[str], all_of_them: str = "") -> str:
    """Return names in a line; of many the words for all of them, or the first few and how many more."""
    if len(names) <= LISTED:
        return ", ".join(names)
    return all_of_them or f"{', '.join(names[:LISTED])} and {len(names) - LISTED} more (--json names them)"


def _short_names(sources: tuple[str, ...]) -> dict[str, str]:
    """Return the sources without the folder that they share."""
    paths = [source for source in sources if "/" in source]
    shared = os.path.commonpath(paths) if len(paths) > 1 else ""
    return {source: source.removeprefix(shared).lstrip("/") or source for source in paths} if shared else {}
