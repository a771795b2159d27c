"""The region of stability of a compound from finished calculations of it and of its competing phases."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from qddft.analysis.binding import compare_terms, doubts, energy_of
from qddft.analysis.phase_stability import Phase, StabilityRegion, stability_region
from qddft.core.errors import ConvergenceError
from qddft.outputs.outputs import Outputs
from qddft.recipes.provenance import input_hashes

Calculation = str | Path | Outputs


@dataclass(frozen=True)
class CompetingPhases:
    """A region of stability and what it rests on.

    Attributes
    ----------
    region
        The chemical potentials.
    phases
        Every energy that entered, with its source.
    warnings
        Settings that differ, and what could not be known.
    inputs
        Path to SHA-256 of what was read.
    """

    region: StabilityRegion
    phases: tuple[Phase, ...]
    warnings: tuple[str, ...]
    inputs: dict[str, str]


def competing_phases(
    target: str, calculations: Iterable[Calculation], *, allow_unconverged: bool = False
) -> CompetingPhases:
    """Return where a compound is stable.

    Parameters
    ----------
    target
        Formula of the compound.
    calculations
        Folders, files or ``Outputs`` of the compound, of every element and of the competing phases.
    allow_unconverged
        Use energies of calculations that did not converge, and say so.

    Raises
    ------
    OutputError
        A calculation cannot be read or reports no energy.
    ConvergenceError
        A calculation did not converge.
    ReferenceSchemeError
        The compound or one of its elements is missing.
    """
    from qddft.engines.vasp.read import read_outputs

    runs = [item if isinstance(item, Outputs) else read_outputs(item) for item in calculations]
    named = {_name(index, item): item for index, item in enumerate(runs)}
    problems = doubts(named)
    if problems and not allow_unconverged:
        raise ConvergenceError(
            f"no chemical potentials from unconverged calculations: {'; '.join(problems)}; leave them out or run on"
        )
    phases = tuple(
        Phase(item.atoms.get_chemical_formula(mode="hill"), energy_of(item, name), item.source or "")
        for name, item in named.items()
    )
    compared = compare_terms(named, radicals=True)
    warnings = (
        *(f"NOT CONVERGED: {item}" for item in problems),
        *(f"SETTINGS DIFFER: {item}" for item in compared.differences),
        *(f"settings: {item}" for item in compared.remarks),
    )
    sources = [item.source for item in runs if item.source]
    return CompetingPhases(stability_region(target, phases), phases, warnings, input_hashes(sources))


def _name(index: int, item: Outputs) -> str:
    return f"{item.atoms.get_chemical_formula(empirical=True)} ({index + 1})"
