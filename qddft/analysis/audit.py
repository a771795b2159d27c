"""Do energies belong together? Settings of calculations against each other and against a level of theory.

The rules are those of FACTS 5 of the project: every term of a difference needs the same functional, potentials,
cutoff, precision, projection, dispersion, spin treatment and equally dense k-points.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from qddft.analysis.audit_rules import RULES, Importance, Rule, structural_findings
from qddft.outputs.outputs import Outputs
from qddft.outputs.run_settings import RunSettings

__all__ = ["Audit", "Difference", "Unknown", "compare", "compare_settings"]

_ORDER: Mapping[Importance, int] = {"decides energies": 0, "changes accuracy": 1, "harmless": 2}


@dataclass(frozen=True)
class Difference:
    """A setting that is not the same everywhere.

    Attributes
    ----------
    key
        Neutral name of the setting.
    importance
        ``decides energies``: the energies must not be subtracted; ``changes accuracy``: the difference is less
        certain; ``harmless``.
    values
        Source -> value; sources that do not know it are left out.
    note
        Why it matters, or why it matters less than usual.
    """

    key: str
    importance: Importance
    values: Mapping[str, Any]
    note: str = ""

    @property
    def text(self) -> str:
        """One sentence."""
        grouped: dict[str, list[str]] = {}
        for source, value in self.values.items():
            grouped.setdefault(str(value), []).append(source)
        said = "; ".join(f"{value} in {', '.join(sources)}" for value, sources in grouped.items())
        return f"{self.key} differs ({self.importance}): {said}" + (f" ({self.note})" if self.note else "")


@dataclass(frozen=True)
class Unknown:
    """A setting that matters and cannot be known from the files of some calculations."""

    key: str
    importance: Importance
    sources: tuple[str, ...]
    note: str = ""

    @property
    def text(self) -> str:
        """One sentence."""
        return f"{self.key} is unknown in {', '.join(self.sources)}" + (f" ({self.note})" if self.note else "")


@dataclass(frozen=True)
class Audit:
    """The answer of an audit.

    Attributes
    ----------
    sources
        What was compared.
    differences
        What differs, the most important first.
    unknown
        What could not be compared because files do not say it.
    notes
        Per source: inputs that do not belong to the outputs, values used that are not those of the INCAR.
    """

    sources: tuple[str, ...]
    differences: tuple[Difference, ...]
    unknown: tuple[Unknown, ...]
    notes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def compatible(self) -> bool:
        """Nothing is known to differ that decides energies."""
        return not any(item.importance == "decides energies" for item in self.differences)

    def of_importance(self, importance: Importance) -> tuple[Difference, ...]:
        """Return the differences of one importance."""
        return tuple(item for item in self.differences if item.importance == importance)

    def table(self) -> str:
        """Return one plain-text table: setting, importance, and one column a source."""
        rows = [("setting", "importance", *self.sources)]
        rows += [
            (item.key, item.importance, *(_shown(item.values.get(source, "")) for source in self.sources))
            for item in self.differences
        ]
        for gap in self.unknown:
            cells = ("unknown" if source in gap.sources else "" for source in self.sources)
            rows.append((gap.key, "cannot be known", *cells))
        lines = _aligned(rows) if len(rows) > 1 else ["no differences"]
        lines += [f"{source}: {note}" for source, notes in self.notes.items() for note in notes]
        return "\n".join(lines)

    def record(self) -> dict[str, Any]:
        """Return the audit as plain JSON types."""
        return {
            "compatible": self.compatible,
            "sources": list(self.sources),
            "differences": [
                {"key": d.key, "importance": d.importance, "values": dict(d.values), "note": d.note}
                for d in self.differences
            ],
            "unknown": [
                {"key": u.key, "importance": u.importance, "sources": list(u.sources), "note": u.note}
                for u in self.unknown
            ],
            "notes": {source: list(notes) for source, notes in self.notes.items()},
        }


def compare_settings(*outputs: Outputs, names: Sequence[str] = ()) -> Audit:
    """Compare finished calculations with each other.

    Parameters
    ----------
    outputs
        Two or more.
    names
        What to call them; their sources otherwise.
    """
    return compare([RunSettings.of(item, name) for item, name in _named(outputs, names)])


def compare(runs: Sequence[RunSettings], level: RunSettings | None = None) -> Audit:
    """Compare calculations, finished or not, with each other and with a level.

    Parameters
    ----------
    runs
        Their settings.
    level
        Settings of a level; only what it states is compared.
    """
    runs = _told_apart(runs)
    everyone = [*runs, level] if level is not None else list(runs)
    differences: list[Difference] = []
    unknown: list[Unknown] = []
    for rule in RULES:
        concerned = [run for run in everyone if run is not level or level.settings.get(rule.key) is not None]
        difference = _difference(rule, concerned)
        if difference is not None:
            differences.append(difference)
        gap = _unknown(rule, [run for run in runs if not rule.ignored(run)], asked=len(concerned) > 1)
        if gap is not None:
            unknown.append(gap)
    findings = structural_findings(runs)
    differences += [Difference(f.key, f.importance, f.values, f.note) for f in findings if not f.unknown]
    unknown += [Unknown(f.key, f.importance, tuple(f.values), f.note) for f in findings if f.unknown]
    return Audit(
        tuple(run.source for run in everyone),
        tuple(sorted(differences, key=lambda item: _ORDER[item.importance])),
        tuple(unknown),
        {run.source: notes for run in runs if (notes := _notes(run))},
    )


def _difference(rule: Rule, runs: Sequence[RunSettings]) -> Difference | None:
    values = {run.source: run.settings.get(rule.key) for run in runs if not rule.ignored(run)}
    known = {source: value for source, value in values.items() if value not in (None, "unknown")}
    items = list(known.values())
    if all(rule.same(items[0], item) for item in items[1:]):
        return None
    importance, note = rule.weigh(runs, known)
    return Difference(rule.key, importance, known, note)


def _unknown(rule: Rule, runs: Sequence[RunSettings], *, asked: bool) -> Unknown | None:
    if rule.importance != "decides energies" or not asked:
        return None
    missing = tuple(run.source for run in runs if run.settings.get(rule.key) in (None, "unknown"))
    # what no engine involved has as a setting is not missed
    if not missing or (len(missing) == len(runs) and not rule.always_asked):
        return None
    return Unknown(rule.key, rule.importance, missing, rule.unknown_note)


def _notes(run: RunSettings) -> tuple[str, ...]:
    used = [f"INCAR says {tag} = {given}, used was {value}" for tag, given, value in run.stated]
    return (*run.warnings, *(text for text in used if not any(text.split(",")[0] in known for known in run.warnings)))


def _named(outputs: Sequence[Outputs], names: Sequence[str]) -> list[tuple[Outputs, str | None]]:
    given: list[str | None] = [*names, *([None] * (len(outputs) - len(names)))]
    return list(zip(outputs, given, strict=False))


def _told_apart(runs: Sequence[RunSettings]) -> list[RunSettings]:
    """Return the runs with sources that differ."""
    from dataclasses import replace

    seen: dict[str, int] = {}
    unique = []
    for run in runs:
        seen[run.source] = seen.get(run.source, 0) + 1
        count = seen[run.source]
        unique.append(run if count == 1 else replace(run, source=f"{run.source} ({count})"))
    return unique


def _shown(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    return "x".join(str(item) for item in value) if isinstance(value, list) and len(value) == 3 else str(value)


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
