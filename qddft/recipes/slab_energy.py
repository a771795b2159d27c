"""Energies of clean slabs that need no molecule: per formula unit, and of the surface."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from qddft.analysis.binding import compare_terms
from qddft.core.frozen import freeze_fields
from qddft.jobs.job import Job
from qddft.outputs.outputs import Outputs
from qddft.recipes.legs import Choice, Leg, choose, leg_of, structure_warnings
from qddft.recipes.result import Result


@dataclass(frozen=True)
class SlabEnergy:
    """A weighted sum of energies of clean slabs.

    Attributes
    ----------
    name
        Of the recipe, unique in its study.
    system, quantity, unit, convention
        In words, for tables; the convention is the formula.
    legs, weights
        Slabs, and how often the energy of each, eV, enters the value.
    engine, level, caution
        Engine, name of the level, and the sentence that goes with every number of that level.
    """

    name: str
    system: str
    quantity: str
    unit: str
    convention: str
    legs: tuple[Leg, ...]
    weights: tuple[float, ...]
    engine: str
    level: str
    caution: str = ""

    def __post_init__(self) -> None:
        freeze_fields(self)

    def jobs(self) -> dict[str, Job]:
        """Return all jobs by label."""
        return {label: job for leg in self.legs for label, job in leg.jobs().items()}

    def evaluate(self, outputs: Mapping[str, Outputs]) -> tuple[Result, ...]:
        """Return the value; none where it could not be trusted, then the warnings say why."""
        missing = [label for label in self.jobs() if label not in outputs]
        if missing:
            return (self._result(None, [f"not finished: {', '.join(missing)}"], {}),)
        choices = {leg.species.name: choose(leg, outputs) for leg in self.legs}
        chosen = {name: choice.outputs for name, choice in choices.items()}
        problems = [problem for choice in choices.values() for problem in choice.doubts]
        # one slab alone has nothing to differ from
        compared = compare_terms(chosen) if len(chosen) > 1 else None
        differences = compared.differences if compared else ()
        warnings = [
            *(f"NOT CONVERGED: {problem}" for problem in problems),
            *(f"SETTINGS DIFFER: {difference}" for difference in differences),
            *(f"settings: {remark}" for remark in (compared.remarks if compared else ())),
            *(warning for choice in choices.values() for warning in structure_warnings(choice)),
            *(f"{name}: {warning}" for name, item in chosen.items() for warning in item.warnings),
        ]
        value = None if problems or differences else self._sum(choices)
        energies = {name: choice.outputs.energy for name, choice in choices.items()}
        audit = compared.audit.record() if compared else {}
        return (self._result(value, warnings, {"energies_eV": energies}, audit),)

    def _sum(self, choices: Mapping[str, Choice]) -> float | None:
        energies = [choices[leg.species.name].outputs.energy for leg in self.legs]
        known = [energy for energy in energies if energy is not None]
        if len(known) < len(energies):
            return None
        return sum(weight * energy for weight, energy in zip(self.weights, known, strict=True))

    def _result(
        self,
        value: float | None,
        warnings: list[str],
        details: Mapping[str, Any],
        audit: Mapping[str, Any] | None = None,
    ) -> Result:
        cautions = [self.caution] if self.caution else []
        return Result(
            quantity=self.quantity,
            system=self.system,
            ligand="",
            value=value,
            unit=self.unit,
            convention=self.convention,
            reference="",
            engine=self.engine,
            level=self.level,
            charge=0,
            jobs=tuple(dict.fromkeys(job.id for job in self.jobs().values())),
            warnings=tuple(dict.fromkeys([*cautions, *warnings])),
            details=details,
            audit=audit or {},
        )

    def record(self) -> dict[str, Any]:
        """Return the recipe as JSON types, jobs by id; ``from_record`` reads it."""
        plain = {name: getattr(self, name) for name in _PLAIN}
        return {
            "recipe": "slab_energy",
            **plain,
            "legs": [leg.record() for leg in self.legs],
            "weights": list(self.weights),
        }

    @classmethod
    def from_record(cls, record: Mapping[str, Any], jobs: Mapping[str, Job]) -> "SlabEnergy":
        """Return the recipe of its record; ``jobs`` by id."""
        plain = {name: record[name] for name in _PLAIN}
        legs = tuple(leg_of(item, jobs) for item in record["legs"])
        return cls(**plain, legs=legs, weights=tuple(record["weights"]))


_PLAIN = ("name", "system", "quantity", "unit", "convention", "engine", "level", "caution")
