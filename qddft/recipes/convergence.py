"""Convergence of a quantity with one setting: the quantity at each point of a series, and where it stops changing."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from qddft.analysis.convergence import Verdict, judge
from qddft.core.frozen import freeze_fields
from qddft.jobs.job import Job
from qddft.outputs.outputs import Outputs
from qddft.recipes.base import Recipe
from qddft.recipes.result import Result

QUANTITY = "convergence of "
_NAMES = {"cutoff_eV": "cutoff", "kpoints": "mesh", "layers": "", "supercell": "cell"}


@dataclass(frozen=True)
class Point:
    """One setting of a series.

    Attributes
    ----------
    setting
        As it stands in the study, JSON types.
    label
        The same for people: ``400 eV``, ``8x8x1``.
    note
        What it means for this slab: the mesh of the cell used, the layers that are fixed.
    recipe
        Gives the quantity at this setting; all its terms have this setting.
    """

    setting: Any
    label: str
    note: str
    recipe: Recipe


@dataclass(frozen=True)
class Convergence:
    """A series of one quantity.

    Attributes
    ----------
    name
        Of the recipe, unique in its study.
    system, ligand
        In words, for tables; no ligand for quantities of the clean slab.
    of, unit, convention
        The quantity, its unit and its formula.
    reference
        Reference scheme of the quantity.
    vary
        The setting.
    geometry
        In words, which geometry each point has.
    tolerance
        Largest difference that counts as none, in ``unit``.
    points
        From the coarsest setting to the finest.
    engine, level, caution
        Engine, level of the study, and the sentence that goes with every number of that level.
    remarks
        What a reader has to know about the series as a whole.
    """

    name: str
    system: str
    ligand: str
    of: str
    unit: str
    convention: str
    reference: str
    vary: str
    geometry: str
    tolerance: float
    points: tuple[Point, ...]
    engine: str
    level: str
    caution: str = ""
    remarks: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        freeze_fields(self)

    def jobs(self) -> dict[str, Job]:
        """Return all jobs by label; points share some of them."""
        return {f"{point.label}: {label}": job for point in self.points for label, job in point.recipe.jobs().items()}

    def evaluate(self, outputs: Mapping[str, Outputs]) -> tuple[Result, ...]:
        """Return the value at the smallest setting that has converged, with the whole series in ``details``."""
        results = [_at(point, outputs) for point in self.points]
        verdict = judge([result.value for result in results], self.tolerance, self.unit)
        text = verdict.text.format(*(named(self.vary, point.label) for point in self.points))
        value = None if verdict.smallest is None else results[verdict.smallest].value
        missing = [
            f"{point.label} is missing: {'; '.join(_reasons(result))}"
            for point, result in zip(self.points, results, strict=True)
            if result.value is None
        ]
        warnings = [
            self.caution,
            *self.remarks,
            *([text] if value is None else []),
            *missing,
            *self._other_candidates(results),
            *self._shared(results),
        ]
        return (self._result(value, warnings, self._details(results, verdict, text), self._audit(results)),)

    def _details(self, results: list[Result], verdict: Verdict, text: str) -> dict[str, Any]:
        points = [
            {
                "setting": point.setting,
                "label": point.label,
                "note": point.note,
                "value": result.value,
                "difference": difference,
                "level": result.level,
                "coverage_per_nm2": result.details.get("coverage_per_nm2"),
                "energies_eV": dict(result.details.get("energies_eV", {})),
                "jobs": list(result.jobs),
            }
            for point, result, difference in zip(self.points, results, verdict.differences, strict=True)
        ]
        return {
            "of": self.of,
            "vary": self.vary,
            "geometry": self.geometry,
            "tolerance": self.tolerance,
            "points": points,
            "smallest": None if verdict.smallest is None else points[verdict.smallest]["setting"],
            "smallest_label": None if verdict.smallest is None else points[verdict.smallest]["label"],
            "verdict": text,
        }

    def _other_candidates(self, results: list[Result]) -> list[str]:
        """Say where a step of the series is one from one conformer or pose to another."""
        chosen = [result.details.get("chosen", {}) for result in results if result.value is not None]
        names = [name for name in (chosen[0] if chosen else {}) if len({item.get(name) for item in chosen}) > 1]
        return [f"the lowest starting structure of {name} is not the same at all points" for name in names]

    def _audit(self, results: list[Result]) -> dict[str, Any]:
        """Return the audits of all points together; terms are compared within a point, never across."""
        audits = [(point.label, result.audit) for point, result in zip(self.points, results, strict=True)]
        made = [(label, audit) for label, audit in audits if audit]
        if not made:
            return {}
        return {
            "compatible": all(audit["compatible"] for _, audit in made),
            "sources": [f"{label}: {source}" for label, audit in made for source in audit["sources"]],
            "differences": [{**item, "point": label} for label, audit in made for item in audit["differences"]],
            "unknown": [{**item, "point": label} for label, audit in made for item in audit["unknown"]],
            "notes": {
                f"{label}: {source}": list(texts) for label, audit in made for source, texts in audit["notes"].items()
            },
        }

    def _shared(self, results: list[Result]) -> list[str]:
        """Return the warnings of points that have a value, each once with the settings it is about."""
        about: dict[str, list[str]] = {}
        for point, result in zip(self.points, results, strict=True):
            for warning in result.warnings if result.value is not None else ():
                if warning != self.caution:
                    about.setdefault(warning, []).append(point.label)
        return [
            f"{'all points' if len(labels) == len(results) else ', '.join(labels)}: {warning}"
            for warning, labels in about.items()
        ]

    def _result(
        self, value: float | None, warnings: list[str], details: Mapping[str, Any], audit: Mapping[str, Any]
    ) -> Result:
        return Result(
            quantity=f"{QUANTITY}{self.of} with {self.vary}",
            system=self.system,
            ligand=self.ligand,
            value=value,
            unit=self.unit,
            convention=f"value at the smallest {self.vary} from which on all values of the series agree within "
            f"{self.tolerance:g} {self.unit}; {self.convention}",
            reference=self.reference,
            engine=self.engine,
            level=self.level,
            charge=0,
            jobs=tuple(dict.fromkeys(job.id for job in self.jobs().values())),
            warnings=tuple(dict.fromkeys(text for text in warnings if text)),
            details=details,
            audit=audit,
        )

    def record(self) -> dict[str, Any]:
        """Return the recipe as JSON types, jobs by id; ``from_record`` reads it."""
        return {
            "recipe": "convergence",
            **{name: getattr(self, name) for name in _PLAIN},
            "remarks": list(self.remarks),
            "points": [
                {
                    "setting": list(point.setting) if isinstance(point.setting, tuple) else point.setting,
                    "label": point.label,
                    "note": point.note,
                    "recipe": point.recipe.record(),
                }
                for point in self.points
            ],
        }

    @classmethod
    def from_record(cls, record: Mapping[str, Any], jobs: Mapping[str, Job]) -> "Convergence":
        """Return the recipe of its record; ``jobs`` by id."""
        # the registry holds this class
        from qddft.recipes import recipe_of

        points = tuple(
            Point(item["setting"], item["label"], item["note"], recipe_of(item["recipe"], jobs))
            for item in record["points"]
        )
        plain = {name: record[name] for name in _PLAIN}
        return cls(**plain, points=points, remarks=tuple(record["remarks"]))


_PLAIN = (
    "name", "system", "ligand", "of", "unit", "convention", "reference", "vary", "geometry", "tolerance", "engine",
    "level", "caution",
)  # fmt: skip


def named(vary: str, label: str) -> str:
    """Return a setting with what it is a setting of: ``cutoff 400 eV``, ``5 layers``."""
    return f"{_NAMES.get(vary, vary)} {label}".strip()


def series_rows(records: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return one row a point of all series among the records of a run, plain values, for a table."""
    rows = []
    for record in filter(is_series, records):
        details = record["details"]
        rows += [
            {
                "quantity": details["of"],
                "ligand": record["ligand"],
                "reference": record["reference"],
                "system": record["system"],
                "engine": record["engine"],
                "vary": details["vary"],
                "geometry": details["geometry"],
                "setting": point["label"],
                "note": point["note"],
                "value": point["value"],
                "unit": record["unit"],
                "difference_to_finest": point["difference"],
                "tolerance": details["tolerance"],
                "smallest": point["label"] == details["smallest_label"],
                "level": point["level"],
                "jobs": "; ".join(point["jobs"]),
            }
            for point in details["points"]
        ]
    return rows


def is_series(record: Mapping[str, Any]) -> bool:
    """Tell whether the record of a result is that of a convergence series."""
    return str(record["quantity"]).startswith(QUANTITY)


def _at(point: Point, outputs: Mapping[str, Outputs]) -> Result:
    """Return the quantity at one point, from those of the outputs that belong to it."""
    needed = {label: f"{point.label}: {label}" for label in point.recipe.jobs()}
    (result,) = point.recipe.evaluate({label: outputs[name] for label, name in needed.items() if name in outputs})
    return result


def _reasons(result: Result) -> list[str]:
    """Return why a point has no value."""
    marks = ("not finished", "NOT CONVERGED", "SETTINGS DIFFER")
    return [text for text in result.warnings if text.startswith(marks)] or ["a calculation gives no energy"]
