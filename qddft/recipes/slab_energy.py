"""Energies of clean slabs that need no molecule: per formula unit, and of the surface."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from qddft.analysis.audit import Audit
from qddft.core.frozen import freeze_fields
from qddft.jobs.job import Job
from qddft.outputs.outputs import Outputs
from qddft.recipes.legs import Leg, leg_of
from qddft.recipes.result import Result
from qddft.recipes.terms import judge_terms


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
        terms = judge_terms(self.legs, outputs)
        value = None if terms.refused() else self._sum(terms.energies)
        return (self._result(value, terms.warnings, {"energies_eV": terms.energies}, terms.audit),)

    def _sum(self, energies: Mapping[str, float | None]) -> float | None:
        known = [energy for leg in self.legs if (energy := energies[leg.species.name]) is not None]
        if len(known) < len(self.legs):
            return None
        return sum(weight * energy for weight, energy in zip(self.weights, known, strict=True))

    def _result(
        self,
        value: float | None,
        warnings: Sequence[str],
        details: Mapping[str, Any],
        audit: Audit | None = None,
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
            audit={} if audit is None else audit.record(),
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
