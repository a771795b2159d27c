"""The region of stability of a compound from finished calculations of it and of its competing phases."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from qddft.analysis.binding import compare_terms, doubts, energy_of
from qddft.analysis.phase_stability import Phase, StabilityRegion, elements_of, stability_region
from qddft.core.errors import ConvergenceError, OutputError, ReferenceSchemeError, SettingsMismatchError
from qddft.outputs.outputs import Outputs
from qddft.recipes.folders import Calculation, read
from qddft.recipes.provenance import audit_record, input_hashes


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
    audit
        Of the settings, as a record.
    engine, level
        Of the first calculation.
    unused
        Calculations that hold an element which the compound does not have.
    """

    region: StabilityRegion
    phases: tuple[Phase, ...]
    warnings: tuple[str, ...]
    inputs: dict[str, str]
    audit: Mapping[str, Any] = field(default_factory=dict)
    engine: str = "unknown"
    level: str = "unknown"
    unused: tuple[str, ...] = ()


def competing_phases(
    target: str,
    calculations: Iterable[Calculation],
    *,
    allow_unconverged: bool = False,
    allow_differences: bool = False,
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
    allow_differences
        Use energies of calculations whose settings differ, and say so.

    Raises
    ------
    OutputError
        A calculation cannot be read or reports no energy.
    ConvergenceError
        A calculation did not converge.
    ReferenceSchemeError
        The compound or one of its elements is missing.
    SettingsMismatchError
        The calculations were made with settings whose energies do not belong together.
    """
    elements = elements_of(target)
    taken, unused = _of_elements(elements, calculations, unfinished=allow_unconverged)
    runs = list(taken)
    named = {_name(index, item): item for index, item in enumerate(runs)}
    if not runs:
        raise ReferenceSchemeError(f"none of the calculations is a phase of {'-'.join(elements)}")
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
    if compared.differences and not allow_differences:
        raise SettingsMismatchError(
            f"no chemical potentials from energies that do not belong together: {'; '.join(compared.differences)}; "
            "compute them alike or leave phases out; --allow-differences (allow_differences=True) gives marked numbers"
        )
    warnings = (
        *([f"not used, as they hold other elements than {'-'.join(elements)}: {', '.join(unused)}"] if unused else []),
        *(f"NOT CONVERGED: {item}" for item in problems),
        *(f"SETTINGS DIFFER: {item}" for item in compared.differences),
        *(f"settings: {item}" for item in compared.remarks),
    )
    sources = [item.source for item in runs if item.source]
    return CompetingPhases(
        stability_region(target, phases),
        phases,
        warnings,
        input_hashes(sources),
        audit=audit_record(named, compared.audit),
        engine=runs[0].engine,
        level=str(runs[0].settings.get("xc", "unknown")),
        unused=unused,
    )


def _of_elements(
    elements: tuple[str, ...], calculations: Iterable[Calculation], *, unfinished: bool
) -> tuple[tuple[Outputs, ...], tuple[str, ...]]:
    """Return the runs that hold nothing but some elements, and the names of the others.

    Of the others nothing is asked, not even that they have ended.
    """
    taken, unused = [], []
    for item in calculations:
        try:
            run = read(item, unfinished=unfinished)
        except OutputError:
            cut = _cut(item)
            if cut is None or set(cut.atoms.get_chemical_symbols()) <= set(elements):
                raise
            run = cut
        if set(run.atoms.get_chemical_symbols()) <= set(elements):
            taken.append(run)
        else:
            unused.append(str(run.source or run.atoms.get_chemical_formula(empirical=True)))
    return tuple(taken), tuple(unused)


def _cut(item: Calculation) -> Outputs | None:
    """Return what can be read of a run that was cut, for its elements; ``None`` where nothing can."""
    try:
        return read(item, unfinished=True)
    except OutputError:
        return None


def _name(index: int, item: Outputs) -> str:
    return f"{item.atoms.get_chemical_formula(empirical=True)} ({index + 1})"
