"""The finished terms of an energy difference: which candidates stand for them, and whether they belong together."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from qddft.analysis.audit import Audit
from qddft.analysis.binding import Comparison, compare_terms
from qddft.outputs.outputs import Outputs
from qddft.recipes.legs import Choice, Leg, choose, structure_checks, structure_warnings


@dataclass(frozen=True)
class Terms:
    """One chosen candidate for each leg, judged together.

    Attributes
    ----------
    choices
        By the name of the leg.
    comparison
        Of their settings; ``None`` for a single term, which has nothing to differ from.
    """

    choices: Mapping[str, Choice]
    comparison: Comparison | None

    @property
    def outputs(self) -> dict[str, Outputs]:
        """Of the final job of each term."""
        return {name: choice.outputs for name, choice in self.choices.items()}

    @property
    def energies(self) -> dict[str, float | None]:
        """Total energies, eV; ``None`` where a calculation gave none."""
        return {name: choice.outputs.energy for name, choice in self.choices.items()}

    @property
    def doubts(self) -> tuple[str, ...]:
        """Why a term cannot be trusted; empty where all can."""
        return tuple(doubt for choice in self.choices.values() for doubt in choice.doubts)

    @property
    def differences(self) -> tuple[str, ...]:
        """Settings that decide energies and are not the same."""
        return self.comparison.differences if self.comparison else ()

    @property
    def audit(self) -> Audit | None:
        """The audit of the settings, where there was something to compare."""
        return self.comparison.audit if self.comparison else None

    @property
    def warnings(self) -> tuple[str, ...]:
        """All that a reader of the difference has to know, the gravest first."""
        choices = self.choices.values()
        return (
            *(f"NOT CONVERGED: {doubt}" for doubt in self.doubts),
            *(f"SETTINGS DIFFER: {difference}" for difference in self.differences),
            *(f"settings: {remark}" for remark in (self.comparison.remarks if self.comparison else ())),
            *(warning for choice in choices for warning in choice.warnings),
            *(warning for choice in choices for warning in structure_warnings(choice)),
            *_of_calculations(self.outputs),
        )

    def refused(self, *, allow_unconverged: bool = False, allow_differences: bool = False) -> bool:
        """Return whether no number may be made of these terms."""
        unconverged = bool(self.doubts) and not allow_unconverged
        return unconverged or (bool(self.differences) and not allow_differences)

    def details(self) -> dict[str, Any]:
        """Return energies, candidates and checks of the structures, as JSON types."""
        contested = {name: choice for name, choice in self.choices.items() if len(choice.energies) > 1}
        return {
            "energies_eV": self.energies,
            "candidate_energies_eV": {name: list(choice.energies) for name, choice in contested.items()},
            "chosen": {name: choice.index for name, choice in contested.items()},
            "checks": structure_checks(self.choices.values()),
        }


def judge_terms(legs: Iterable[Leg], outputs: Mapping[str, Outputs], *, radicals: bool = False) -> Terms:
    """Choose a candidate for each leg and compare the settings of all.

    Parameters
    ----------
    legs
        Their names differ.
    outputs
        By the labels of ``Leg.jobs``; all are there.
    radicals
        Some terms are open shells and some are not: unequal spin treatment is no difference.
    """
    choices = {leg.species.name: choose(leg, outputs) for leg in legs}
    if len(choices) == 1:
        return Terms(choices, None)
    finals = {name: choice.outputs for name, choice in choices.items()}
    return Terms(choices, compare_terms(finals, radicals=radicals))


def _of_calculations(outputs: Mapping[str, Outputs]) -> list[str]:
    """Return what the calculations warn about, each sentence once with the names of all it is about."""
    about: dict[str, list[str]] = {}
    for name, item in outputs.items():
        for warning in item.warnings:
            about.setdefault(warning, []).append(name)
    return [f"{', '.join(names)}: {warning}" for warning, names in about.items()]
