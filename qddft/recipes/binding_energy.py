"""Binding energy of a ligand on a slab, against any balanced reaction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from qddft.analysis.audit import Audit
from qddft.analysis.binding import (
    adsorption_energy,
    anchor_distances,
    check_identity,
    compare_terms,
    coverage,
    decompose,
    doubts,
    energy_of,
)
from qddft.analysis.reaction import Reaction, get_scheme
from qddft.core.frozen import freeze_fields
from qddft.jobs.job import Job
from qddft.outputs.outputs import Outputs
from qddft.recipes.legs import Choice, Leg, leg_of
from qddft.recipes.result import Result
from qddft.recipes.terms import Terms, judge_terms

FORMULA = "adsorption energy per ligand"
SLAB_PART, LIGAND_PART = "slab@ads", "ligand@ads"


@dataclass(frozen=True)
class Parts:
    """Static jobs on the fragments of one relaxed complex, kept in its cell.

    Attributes
    ----------
    slab
        ``None`` where the slab cannot have moved: it is then the clean slab.
    ligand
        All ligands of the complex together.
    """

    slab: Job | None
    ligand: Job


@dataclass(frozen=True)
class BindingEnergy:
    """E_ads of a ligand and where it comes from.

    Attributes
    ----------
    name
        Of the recipe, unique in its study.
    system, ligand
        In words, for tables.
    scheme
        Reference scheme.
    complexes
        Slab with ligands, one candidate a pose; a product of the reaction.
    slab
        What the ligand is put on.
    molecules
        The other terms of the reaction.
    n, per_face
        Ligands on the slab, and on one face.
    parts
        Fragments of each pose, in the order of the candidates; empty where no decomposition is defined.
    engine, level, caution
        Engine, name of the level, and the sentence that goes with every number of that level.
    published
        Value to compare with, as ``qddft.recipes.published`` converts it.
    allow_unconverged, allow_differences
        Give a marked number even from calculations that did not converge, or whose settings differ.
    """

    name: str
    system: str
    ligand: str
    scheme: str
    complexes: Leg
    slab: Leg
    molecules: tuple[Leg, ...]
    n: int
    per_face: int
    engine: str
    level: str
    parts: tuple[Parts, ...] = ()
    caution: str = ""
    published: Mapping[str, Any] | None = None
    allow_unconverged: bool = False
    allow_differences: bool = False

    def __post_init__(self) -> None:
        freeze_fields(self)

    @property
    def legs(self) -> tuple[Leg, ...]:
        """All terms of the reaction."""
        return (self.complexes, self.slab, *self.molecules)

    @property
    def reaction(self) -> Reaction:
        """The balanced reaction."""
        return Reaction(tuple(leg.species for leg in self.legs))

    @property
    def convention(self) -> str:
        """The formula of the value, with its sign."""
        return convention_of(self.reaction, self.n)

    @property
    def radicals(self) -> bool:
        """Some terms are open shells, some are not."""
        return len({item.final.unpaired for leg in self.legs for item in leg.candidates}) > 1

    def jobs(self) -> dict[str, Job]:
        """Return all jobs by label."""
        # the slab first: other ligands wait for it too
        legs = (self.slab, *self.molecules, self.complexes)
        found = {label: job for leg in legs for label, job in leg.jobs().items()}
        for index, part in enumerate(self.parts):
            if part.slab is not None:
                found[self._part_label(SLAB_PART, index)] = part.slab
            found[self._part_label(LIGAND_PART, index)] = part.ligand
        return found

    def evaluate(self, outputs: Mapping[str, Outputs]) -> tuple[Result, ...]:
        """Return E_ads; without a value where it could not be trusted, then the warnings say why."""
        missing = [label for label in self.jobs() if label not in outputs]
        if missing:
            return (self._result(None, [f"not finished: {', '.join(missing)}"], {}),)
        terms = judge_terms(self.legs, outputs, radicals=self.radicals)
        details = self._facts(terms)
        refused = terms.refused(allow_unconverged=self.allow_unconverged, allow_differences=self.allow_differences)
        if refused or None in terms.energies.values():
            return (self._result(None, terms.warnings, details, terms.audit),)
        value = adsorption_energy(self.reaction, terms.outputs, self.n)
        split, split_warnings = self._decomposition(terms.choices, outputs, value)
        details |= {"E_bind": -value} | split
        return (self._result(value, [*terms.warnings, *split_warnings], details, terms.audit),)

    def _facts(self, terms: Terms) -> dict[str, Any]:
        complex_ = terms.choices[self.complexes.species.name].outputs.atoms
        return {
            "n_ligands": self.n,
            "coverage_per_nm2": coverage(complex_, self.per_face),
            "anchor_distances_A": list(anchor_distances(complex_)),
            **terms.details(),
        }

    def _decomposition(
        self, choices: Mapping[str, Choice], outputs: Mapping[str, Outputs], value: float
    ) -> tuple[dict[str, float], list[str]]:
        """Split the value; say so where a fragment cannot be trusted, and nothing where no split is defined."""
        if not self.parts:
            return {}, []
        pose = choices[self.complexes.species.name].index
        slab = choices[self.slab.species.name].outputs
        fragments = {
            SLAB_PART: slab if self.parts[pose].slab is None else outputs[self._part_label(SLAB_PART, pose)],
            LIGAND_PART: outputs[self._part_label(LIGAND_PART, pose)],
        }
        compared = {"complex": choices[self.complexes.species.name].outputs, **fragments}
        problems = [*doubts(fragments), *compare_terms(compared, radicals=self.radicals).differences]
        if problems:
            return {}, [f"no decomposition: {problem}" for problem in problems]
        energies = {name: energy_of(item, name) for name, item in (*compared.items(), ("slab", slab))}
        energies["ligand"] = energy_of(choices[self.molecules[0].species.name].outputs, "ligand")
        split = decompose(energies, self.n)
        check_identity(split, value)
        return {
            "E_int": split.interaction,
            "E_def_slab": split.slab_deformation,
            "E_def_ligand": split.ligand_deformation,
        }, []

    def _part_label(self, part: str, index: int) -> str:
        return part if len(self.parts) == 1 else f"{part} #{index}"

    def _result(
        self, value: float | None, warnings: Sequence[str], details: Mapping[str, Any], audit: Audit | None = None
    ) -> Result:
        cautions = [text for text in (self.caution, get_scheme(self.scheme).caution) if text]
        return Result(
            quantity="E_ads",
            system=self.system,
            ligand=self.ligand,
            value=value,
            unit="eV",
            convention=self.convention,
            reference=self.scheme,
            engine=self.engine,
            level=self.level,
            charge=self.complexes.species.charge,
            jobs=tuple(dict.fromkeys(job.id for job in self.jobs().values())),
            reaction=self.reaction.text,
            warnings=tuple(dict.fromkeys([*cautions, *warnings])),
            source_value=self.published,
            details=details,
            formula=FORMULA,
            audit={} if audit is None else audit.record(),
        )

    def record(self) -> dict[str, Any]:
        """Return the recipe as JSON types, jobs by id; ``from_record`` reads it."""
        parts = [[None if part.slab is None else part.slab.id, part.ligand.id] for part in self.parts]
        plain = {name: getattr(self, name) for name in _PLAIN}
        return {
            "recipe": "binding_energy",
            **plain,
            "published": None if self.published is None else _thawed(self.published),
            "complexes": self.complexes.record(),
            "slab": self.slab.record(),
            "molecules": [leg.record() for leg in self.molecules],
            "parts": parts,
        }

    @classmethod
    def from_record(cls, record: Mapping[str, Any], jobs: Mapping[str, Job]) -> "BindingEnergy":
        """Return the recipe of its record; ``jobs`` by id."""
        return cls(
            **{name: record[name] for name in (*_PLAIN, "published")},
            complexes=leg_of(record["complexes"], jobs),
            slab=leg_of(record["slab"], jobs),
            molecules=tuple(leg_of(item, jobs) for item in record["molecules"]),
            parts=tuple(Parts(None if slab is None else jobs[slab], jobs[ligand]) for slab, ligand in record["parts"]),
        )


_PLAIN = (
    "name", "system", "ligand", "scheme", "n", "per_face", "engine", "level", "caution", "allow_unconverged",
    "allow_differences",
)  # fmt: skip


def _thawed(value: Any) -> Any:
    return {key: _thawed(item) for key, item in value.items()} if isinstance(value, Mapping) else value


def convention_of(reaction: Reaction, n: int) -> str:
    """Return the formula of E_ads with its sign, for ``n`` ligands."""
    terms = [_term(item.coefficient, item.name) for item in (*reaction.right, *reaction.left)]
    formula = " ".join(terms).removeprefix("+ ")
    per_ligand = formula if n == 1 else f"[{formula}]/{n}"
    return f"E_ads = {per_ligand}, negative = bound; E_bind = -E_ads"


def _term(coefficient: int, name: str) -> str:
    times = "" if abs(coefficient) == 1 else f"{abs(coefficient)} "
    return f"{'+' if coefficient > 0 else '-'} {times}E({name})"
