"""Formation energy of a neutral halide vacancy, on a bare face or under ligands."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from qddft.analysis.audit import Audit
from qddft.analysis.reaction import Reaction
from qddft.core.frozen import freeze_fields
from qddft.jobs.job import Job
from qddft.outputs.outputs import Outputs
from qddft.recipes.legs import Leg, leg_of
from qddft.recipes.result import Result
from qddft.recipes.terms import Terms, judge_terms

if TYPE_CHECKING:
    from ase import Atoms

# own choice: leaning over beside a vacancy moves the end of a short chain by less, turning the head by more, Angstrom
_REARRANGED = 1.5


@dataclass(frozen=True)
class VacancyEnergy:
    """E_f of one neutral vacancy: of a halide at the halogen-rich limit, of a group CsX or PbX2 against its molecule.

    Attributes
    ----------
    name
        Of the recipe, unique in its study.
    system, ligand
        In words, for tables.
    species
        What is missing: a halide, CsX or PbX2.
    place
        Where it is missing, in words.
    pristine, defect, element
        Slab, slab with the vacancy (one candidate a starting point), and the molecule that what is missing goes into.
    engine, level, caution
        Engine, name of the level, and the sentence that goes with every number of that level.
    published
        Value to compare with: value, unit, tolerance, source.
    allow_unconverged, allow_differences
        Give a marked number even from calculations that did not converge, or whose settings differ.
    """

    name: str
    system: str
    ligand: str
    species: str
    place: str
    pristine: Leg
    defect: Leg
    element: Leg
    engine: str
    level: str
    caution: str = ""
    published: Mapping[str, Any] | None = None
    allow_unconverged: bool = False
    allow_differences: bool = False

    def __post_init__(self) -> None:
        freeze_fields(self)

    @property
    def legs(self) -> tuple[Leg, ...]:
        """All terms of the reaction."""
        return (self.pristine, self.defect, self.element)

    @property
    def reaction(self) -> Reaction:
        """The balanced reaction."""
        return Reaction(tuple(leg.species for leg in (self.defect, self.element, self.pristine)))

    def jobs(self) -> dict[str, Job]:
        """Return all jobs by label."""
        return {label: job for leg in self.legs for label, job in leg.jobs().items()}

    def evaluate(self, outputs: Mapping[str, Outputs]) -> tuple[Result, ...]:
        """Return E_f; without a value where it could not be trusted, then the warnings say why."""
        missing = [label for label in self.jobs() if label not in outputs]
        if missing:
            return (self._result(None, [f"not finished: {', '.join(missing)}"], {}),)
        # a neutral halide vacancy has an unpaired electron, the pristine slab has none
        terms = judge_terms(self.legs, outputs, radicals=True)
        refused = terms.refused(allow_unconverged=self.allow_unconverged, allow_differences=self.allow_differences)
        value = None if refused else self._energy(terms.energies)
        moved = self._ligands_moved(terms)
        warnings = [*terms.warnings, *self._rearranged(moved)]
        details = self._details(terms) | ({} if moved is None else {"ligands_moved_A": moved})
        return (self._result(value, warnings, details, terms.audit),)

    def _ligands_moved(self, terms: Terms) -> float | None:
        """Return how far the ligands lie from where they lie on the pristine slab, Angstrom; ``None`` without any."""
        pristine, defect = (terms.outputs[leg.species.name].atoms for leg in (self.pristine, self.defect))
        return farthest_ligand_atom(pristine, defect)

    def _rearranged(self, moved: float | None) -> tuple[str, ...]:
        if moved is None or moved <= _REARRANGED:
            return ()
        return (
            f"{self.defect.species.name}: LIGANDS REARRANGED: a ligand atom lies {moved:.1f} Å from where it lies "
            "without the vacancy, so E_f holds what the other arrangement gains; put the atom back into the relaxed "
            "vacancy and relax again to see whether the face without a vacancy gains it as well",
        )

    def _energy(self, energies: Mapping[str, float | None]) -> float | None:
        known = {name: energy for name, energy in energies.items() if energy is not None}
        if len(known) < len(energies):
            return None
        return self.reaction.energy(known) / self.defect.species.coefficient

    @property
    def group(self) -> bool:
        """A neutral group is missing, which goes into a molecule of its own, not an ion into half a diatomic one."""
        return self.defect.species.coefficient == 1

    @property
    def convention(self) -> str:
        """The formula of the value."""
        x = self.species
        if self.group:
            return (
                f"E_f = E(defect) + E({x} molecule) - E(pristine), neutral; against the crystal of {x} it is lower by "
                "its energy of sublimation"
            )
        return (
            f"E_f = E(defect) - E(pristine) + mu_{x}, neutral, mu_{x} = E({x}2)/2 ({x}-rich limit); at another "
            f"chemical potential add the change of mu_{x}"
        )

    def _details(self, terms: Terms) -> dict[str, Any]:
        slope = {} if self.group else {"slope_per_eV_of_chemical_potential": 1}
        return {"place": self.place, **terms.details(), **slope}

    def _result(
        self,
        value: float | None,
        warnings: Sequence[str],
        details: Mapping[str, Any],
        audit: Audit | None = None,
    ) -> Result:
        cautions = [self.caution] if self.caution else []
        x = self.species
        return Result(
            quantity=f"E_f(V_{x})",
            system=self.system,
            ligand=self.ligand,
            value=value,
            unit="eV",
            convention=self.convention,
            reference=f"{x} molecule" if self.group else f"{x}-rich",
            engine=self.engine,
            level=self.level,
            charge=0,
            jobs=tuple(dict.fromkeys(job.id for job in self.jobs().values())),
            reaction=self.reaction.text,
            warnings=tuple(dict.fromkeys([*cautions, *warnings])),
            source_value=self.published,
            details=details,
            formula="formation energy of a defect (Zhang and Northrup 1991)",
            audit={} if audit is None else audit.record(),
        )

    def record(self) -> dict[str, Any]:
        """Return the recipe as JSON types, jobs by id; ``from_record`` reads it."""
        legs = {name: getattr(self, name).record() for name in _LEGS}
        published = None if self.published is None else dict(self.published)
        plain = {name: getattr(self, name) for name in _PLAIN}
        return {"recipe": "vacancy_energy", **plain, **legs, "published": published}

    @classmethod
    def from_record(cls, record: Mapping[str, Any], jobs: Mapping[str, Job]) -> "VacancyEnergy":
        """Return the recipe of its record; ``jobs`` by id."""
        pristine, defect, element = (leg_of(record[name], jobs) for name in _LEGS)
        plain = {name: record[name] for name in (*_PLAIN, "published")}
        return cls(**plain, pristine=pristine, defect=defect, element=element)


def farthest_ligand_atom(pristine: "Atoms", defect: "Atoms") -> float | None:
    """Return the largest distance between the places of one ligand atom in two structures, Angstrom.

    Hydrogens are left out: methyl groups turn at no cost. ``None`` where the structures do not hold the same ligands.
    """
    from ase.geometry import find_mic

    one, other = (_heavy_ligand_atoms(atoms) for atoms in (pristine, defect))
    if not len(one) or list(one.symbols) != list(other.symbols):
        return None
    lengths = find_mic(other.positions - one.positions, one.cell, one.pbc)[1]
    return round(float(lengths.max()), 2)


def _heavy_ligand_atoms(atoms: "Atoms") -> "Atoms":
    fragment = np.asarray(atoms.arrays.get("fragment", np.zeros(len(atoms), dtype=int)))
    return atoms[np.flatnonzero((fragment > 0) & (atoms.numbers > 1))]


_LEGS = ("pristine", "defect", "element")
_PLAIN = (
    "name", "system", "ligand", "species", "place", "engine", "level", "caution", "allow_unconverged",
    "allow_differences",
)  # fmt: skip
