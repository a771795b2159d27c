"""Exchange of one ligand for another on the same slab."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from qddft.analysis.binding import Comparison, compare_terms
from qddft.analysis.reaction import Reaction, Species
from qddft.core.errors import ReferenceSchemeError
from qddft.jobs.job import Job
from qddft.outputs.outputs import Outputs
from qddft.recipes.binding_energy import BindingEnergy
from qddft.recipes.legs import choose
from qddft.recipes.result import Result

FORMULA = "exchange energy per ligand"
BEFORE, AFTER = "before: ", "after: "


@dataclass(frozen=True)
class LigandExchange:
    """Energy of ``slab·L1 + L2 -> slab·L2 + L1`` per ligand: the difference of two adsorption energies on one slab.

    Attributes
    ----------
    name
        Of the recipe, unique in its study.
    before, after
        The ligand that leaves and the one that comes; same slab, number of ligands, engine and level.
    """

    name: str
    before: BindingEnergy
    after: BindingEnergy

    def __post_init__(self) -> None:
        one, other = self.before, self.after
        what = f"{one.ligand} -> {other.ligand}"
        if (one.n, one.per_face) != (other.n, other.per_face):
            raise ReferenceSchemeError(
                f"{what}: an exchange needs as many ligands before ({one.n}) as after ({other.n})"
            )
        if one.slab.candidates != other.slab.candidates:
            raise ReferenceSchemeError(f"{what}: the slabs differ, so that their energies do not cancel")

    @property
    def reaction(self) -> Reaction:
        """The balanced reaction; what stands on both sides is left out."""
        amounts: dict[str, int] = {}
        species: dict[str, Species] = {}
        ends = ((1, self.after), (-1, self.before))
        # the complexes first, as one would say it
        terms = [(sign, part, part.complexes) for sign, part in ends]
        terms += [(sign, part, leg) for sign, part in ends for leg in (part.slab, *part.molecules)]
        for sign, part, leg in terms:
            # the slab has another name where a halide leaves it, but it is the same slab
            name = "slab" if leg is part.slab else leg.species.name
            amounts[name] = amounts.get(name, 0) + sign * leg.species.coefficient
            species[name] = replace(leg.species, name=name)
        return Reaction(tuple(replace(species[name], coefficient=amount) for name, amount in amounts.items() if amount))

    def jobs(self) -> dict[str, Job]:
        """Return all jobs by label; fragments of a decomposition are not needed."""
        return {
            prefix + label: job
            for prefix, part in ((BEFORE, self.before), (AFTER, self.after))
            for label, job in _energies_only(part).jobs().items()
        }

    def evaluate(self, outputs: Mapping[str, Outputs]) -> tuple[Result, ...]:
        """Return the exchange energy; without a value where one of the two could not be trusted."""
        parts = {BEFORE: _energies_only(self.before), AFTER: _energies_only(self.after)}
        given = {prefix: _labelled(outputs, prefix) for prefix in parts}
        (before,), (after,) = (part.evaluate(given[prefix]) for prefix, part in parts.items())
        warnings = [*before.warnings, *after.warnings]
        finished = all(label in outputs for label in self.jobs())
        compared = self._compared(parts, given) if finished else None
        differences = () if compared is None else compared.differences
        warnings += [f"SETTINGS DIFFER: {text}" for text in differences]
        allowed = self.before.allow_differences and self.after.allow_differences
        value = None
        if before.value is not None and after.value is not None and (allowed or not differences):
            value = after.value - before.value
        details = {
            "E_ads_before": before.value,
            "E_ads_after": after.value,
            "n_ligands": self.before.n,
            # what a relaxation did to either complex is as grave for their difference
            "checks": {**before.details.get("checks", {}), **after.details.get("checks", {})},
        }
        return (self._result(value, warnings, details, {} if compared is None else compared.audit.record()),)

    def _compared(self, parts: Mapping[str, BindingEnergy], given: Mapping[str, Mapping[str, Outputs]]) -> Comparison:
        """Compare the two complexes with each other; each is compared with its own references already."""
        chosen = {part.complexes.species.name: choose(part.complexes, given[prefix]) for prefix, part in parts.items()}
        radicals = any(part.radicals for part in parts.values())
        return compare_terms({name: choice.outputs for name, choice in chosen.items()}, radicals=radicals)

    def _result(
        self, value: float | None, warnings: list[str], details: Mapping[str, Any], audit: Mapping[str, Any]
    ) -> Result:
        one, other = self.before, self.after
        return Result(
            quantity="E_exchange",
            system=one.system,
            ligand=f"{one.ligand} -> {other.ligand}",
            value=value,
            unit="eV",
            convention="E_exchange = E_ads(after) - E_ads(before) per ligand, negative = the new ligand stays",
            formula=FORMULA,
            audit=audit,
            reference=one.scheme if one.scheme == other.scheme else f"{one.scheme} -> {other.scheme}",
            engine=one.engine,
            level=one.level,
            charge=other.complexes.species.charge,
            jobs=tuple(dict.fromkeys(job.id for job in self.jobs().values())),
            reaction=self.reaction.text,
            warnings=tuple(dict.fromkeys(warnings)),
            details=details,
        )

    def record(self) -> dict[str, Any]:
        """Return the recipe as JSON types, jobs by id; ``from_record`` reads it."""
        return {
            "recipe": "ligand_exchange",
            "name": self.name,
            "before": _energies_only(self.before).record(),
            "after": _energies_only(self.after).record(),
        }

    @classmethod
    def from_record(cls, record: Mapping[str, Any], jobs: Mapping[str, Job]) -> "LigandExchange":
        """Return the recipe of its record; ``jobs`` by id."""
        before, after = (BindingEnergy.from_record(record[key], jobs) for key in ("before", "after"))
        return cls(record["name"], before, after)


def _energies_only(part: BindingEnergy) -> BindingEnergy:
    return replace(part, parts=())


def _labelled(outputs: Mapping[str, Outputs], prefix: str) -> dict[str, Outputs]:
    return {label.removeprefix(prefix): item for label, item in outputs.items() if label.startswith(prefix)}
