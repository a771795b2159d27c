"""Vacancy formation energies of calculations that lie in folders already, made by anybody."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from qddft.analysis.binding import energy_of
from qddft.analysis.limits import Limit, limits_of, named_limit
from qddft.analysis.phase_stability import StabilityRegion
from qddft.analysis.reaction import composition_of
from qddft.analysis.vacancy import ChargeState, require_charge_state, require_removed
from qddft.analysis.vacancy_limits import AtLimit, at_limits, limit_of, require_slab_correction, state_remarks
from qddft.core.errors import ReferenceSchemeError
from qddft.outputs.outputs import Outputs
from qddft.recipes.folders import Allowed, Calculation, judge, read
from qddft.recipes.provenance import hashes_of, structure_of
from qddft.recipes.result import Result

Potential = float | Calculation
Potentials = Mapping[str, Potential] | Mapping[str, Mapping[str, float]] | StabilityRegion

_AS_GIVEN = "as given"


def vacancy_formation_energy(
    defect: Calculation,
    pristine: Calculation,
    removed: Mapping[str, int],
    chemical_potentials: Potentials,
    *,
    limit: str | None = None,
    state: ChargeState | None = None,
    allow_unconverged: bool = False,
    allow_differences: bool = False,
) -> Result:
    """Return the formation energy of what was removed, all together.

    Parameters
    ----------
    defect, pristine
        Folders, files or ``Outputs`` of the same cell, with the same ligands, without and with the atoms.
    removed
        Atoms taken away by element, for instance ``{"I": 1}``; checked against the structures.
    chemical_potentials
        A region of stability (``stability_region``), of which the rich and the poor limit of everything removed are
        taken; or named limits such as ``{"O-rich": {"O": -5.14}, "O-poor": {"O": -5.58}}``; or, by element, a number
        in eV per atom on the scale of the total energies, or a calculation of the element alone, whose energy per atom
        is taken (X2 for the X-rich limit).
    limit
        The limit that ``value`` stands for, such as ``"PbX2-rich, X-rich"``; without it the first one. All limits are
        in ``details["limits_eV"]``, a range where a limit leaves the energy open.
    state
        Needed for a charged defect: valence band maximum, Fermi level and a named correction.
    allow_unconverged, allow_differences
        Give a marked number even where a calculation has not converged, or where settings differ.

    Returns
    -------
    Result
        ``value`` in eV, or ``None`` with the reasons in ``warnings``.

    Raises
    ------
    OutputError
        A calculation cannot be read or reports no energy.
    ReferenceSchemeError
        The structures do not differ by what was removed, or a chemical potential or limit is missing.
    ChargeError
        A charged defect without what its energy needs.
    """
    take = partial(read, unfinished=allow_unconverged)
    cells = {"defect": take(defect), "pristine": take(pristine)}
    counts = {name: composition_of(item.atoms.get_chemical_symbols()) for name, item in cells.items()}
    require_removed(counts["pristine"], counts["defect"], removed)
    require_charge_state(cells["defect"].charge, state)
    require_slab_correction(cells["defect"].atoms, state)
    limits, elements = _limits(chemical_potentials, removed, limit, unfinished=allow_unconverged)
    legs = cells | elements
    verdict = judge(legs, Allowed(allow_unconverged, allow_differences), radicals=True)
    energies = (energy_of(cells["defect"], "defect"), energy_of(cells["pristine"], "pristine"))
    found = at_limits(energies, removed, limits, state)
    details = {
        "removed": dict(removed),
        "limits_eV": {} if verdict.refused else {item.name: _shown(item) for item in found},
        "chemical_potentials_eV": dict(found[0].potentials),
        "limit_potentials_eV": {item.name: dict(item.potentials) for item in found},
        "energies_eV": {name: item.energy for name, item in legs.items()},
        "sources": {name: item.source for name, item in legs.items()},
    }
    result = _result(None if verdict.refused else found[0].value, cells["defect"], found[0], state, details)
    return replace(
        result,
        warnings=tuple(
            dict.fromkeys(
                [*state_remarks(state), *_charge_remarks(cells, state), *_remarks(found, removed), *verdict.warnings]
            )
        ),
        audit=verdict.audit,
        inputs=hashes_of(legs.values()),
    )


def _charge_remarks(cells: Mapping[str, Outputs], state: ChargeState | None) -> list[str]:
    """Say which charges are taken for granted, because files do not tell the electrons of the neutral cell."""
    unknown = [name for name, item in cells.items() if item.charge is None]
    if not unknown:
        return []
    taken = "neutral" if state is None or not state.charge else f"{state.charge:+d} (the defect)"
    return [f"the charge of {' and '.join(unknown)} is not told by the files; it is taken to be {taken}"]


def _limits(
    given: Potentials, removed: Mapping[str, int], wanted: str | None, *, unfinished: bool
) -> tuple[tuple[Limit, ...], dict[str, Outputs]]:
    """Return the limits, that of ``value`` first, and the calculations of elements that enter."""
    if isinstance(given, StabilityRegion):
        first = () if wanted is None else (named_limit(given, wanted),)
        return (*first, *(item for item in limits_of(given, removed) if item.name not in [i.name for i in first])), {}
    if given and all(isinstance(item, Mapping) for item in given.values()):
        named = [limit_of(name, item) for name, item in given.items() if isinstance(item, Mapping)]
        if wanted is not None and wanted not in given:
            raise ReferenceSchemeError(f"no chemical potentials are given for {wanted!r}, only for {', '.join(given)}")
        return tuple(sorted(named, key=lambda item: item.name != wanted) if wanted else named), {}
    if wanted is not None:
        raise ReferenceSchemeError(
            f"the limit {wanted!r} cannot be told from single chemical potentials; give a region of stability, or the "
            "potentials of each limit by its name"
        )
    potentials: dict[str, float] = {}
    elements: dict[str, Outputs] = {}
    for name, item in given.items():
        if isinstance(item, Mapping):
            raise ReferenceSchemeError(
                f"{name}: chemical potentials are either all given by element, or all by the name of a limit"
            )
        if isinstance(item, int | float):
            potentials[name] = float(item)
        else:
            elements[f"reference of {name}"] = read(item, unfinished=unfinished)
            potentials[name] = _per_atom(name, elements[f"reference of {name}"])
    return (limit_of(_AS_GIVEN, potentials),), elements


def _per_atom(name: str, item: Outputs) -> float:
    symbols = item.atoms.get_chemical_symbols()
    if set(symbols) != {name}:
        raise ReferenceSchemeError(
            f"the chemical potential of {name} cannot come from {item.atoms.get_chemical_formula()}; give a "
            f"calculation of {name} alone, or a number in eV per atom"
        )
    return energy_of(item, f"reference of {name}") / len(symbols)


def _remarks(found: tuple[AtLimit, ...], removed: Mapping[str, int]) -> list[str]:
    first = found[0]
    remarks = [item.remark for item in found if item.remark]
    if first.value is None:
        remarks.append(
            f"the limit {first.name} leaves E_f open between {first.low:.4f} and {first.high:.4f} eV; name a corner, "
            f"such as '{first.name}, {next(iter(removed))}-rich'"
        )
    if len(found) == 1:
        slopes = ", ".join(f"{number:+d} per eV of mu_{element}" for element, number in sorted(removed.items()))
        remarks.append(f"E_f is given at one set of chemical potentials only; it changes with them: {slopes}")
    return remarks


def _shown(item: AtLimit) -> float | list[float]:
    return [item.low, item.high] if item.value is None else item.value


def _result(
    value: float | None,
    defect: Outputs,
    limit: AtLimit,
    state: ChargeState | None,
    details: dict[str, Any],
) -> Result:
    charged = "" if state is None else " + q (E_VBM + E_F) + E_corr"
    correction = {} if state is None else _state_record(state)
    removed = ", ".join(f"{number} {element}" for element, number in sorted(details["removed"].items()))
    return Result(
        quantity="E_f",
        system=defect.atoms.get_chemical_formula(mode="hill"),
        ligand="",
        value=value,
        unit="eV",
        convention=f"E_f = E(defect) - E(pristine) + sum of n mu over what was removed{charged}",
        reference=removed if limit.name == _AS_GIVEN else f"{removed}; {limit.name}",
        engine=defect.engine,
        level=str(defect.settings.get("xc", "unknown")),
        charge=0 if state is None else state.charge,
        jobs=(),
        details=details | correction,
        formula="formation energy of a defect (Zhang and Northrup 1991)",
        structure=structure_of(defect),
    )


def _state_record(state: ChargeState) -> dict[str, Any]:
    return {
        "correction": state.method,
        "correction_eV": state.correction,
        "valence_band_maximum_eV": state.valence_band_maximum,
        "fermi_level_eV": state.fermi_level,
    }
