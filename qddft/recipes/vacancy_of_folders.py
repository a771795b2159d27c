"""Vacancy formation energies of calculations that lie in folders already, made by anybody."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from qddft.analysis.binding import compare_terms, doubts, energy_of
from qddft.analysis.reaction import composition_of
from qddft.analysis.vacancy import ChargeState, formation_energy, require_charge_state, require_removed
from qddft.core.errors import ReferenceSchemeError
from qddft.outputs.outputs import Outputs
from qddft.recipes.result import Result

Calculation = str | Path | Outputs
Potential = float | Calculation


def vacancy_formation_energy(
    defect: Calculation,
    pristine: Calculation,
    removed: Mapping[str, int],
    chemical_potentials: Mapping[str, Potential],
    *,
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
        By element: a number in eV per atom on the scale of the total energies, or a calculation of the element alone,
        whose energy per atom is taken (X2 for the X-rich limit).
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
        The structures do not differ by what was removed, or a chemical potential is missing.
    ChargeError
        A charged defect without what its energy needs.
    """
    cells = {"defect": _read(defect), "pristine": _read(pristine)}
    elements = {name: _read(item) for name, item in chemical_potentials.items() if not isinstance(item, int | float)}
    counts = {name: composition_of(item.atoms.get_chemical_symbols()) for name, item in cells.items()}
    require_removed(counts["pristine"], counts["defect"], removed)
    require_charge_state(cells["defect"].charge, state)
    potentials = {name: float(item) for name, item in chemical_potentials.items() if isinstance(item, int | float)}
    potentials |= {name: _per_atom(name, item) for name, item in elements.items()}
    legs = cells | {f"reference of {name}": item for name, item in elements.items()}
    compared = compare_terms(legs, radicals=True)
    problems = doubts(legs)
    energies = {name: energy_of(item, name) for name, item in cells.items()}
    value = formation_energy(energies["defect"], energies["pristine"], removed, potentials, state)
    refused = (problems and not allow_unconverged) or (compared.differences and not allow_differences)
    warnings = [
        *(f"NOT CONVERGED: {item}" for item in problems),
        *(f"SETTINGS DIFFER: {item}" for item in compared.differences),
        *(f"settings: {item}" for item in compared.remarks),
        *(f"{name}: {text}" for name, item in legs.items() for text in item.warnings),
    ]
    details = {
        "energies_eV": {name: item.energy for name, item in legs.items()},
        "chemical_potentials_eV": potentials,
        "sources": {name: item.source for name, item in legs.items()},
    }
    return _result(None if refused else value, cells["defect"], removed, state, warnings, details)


def _read(item: Calculation) -> Outputs:
    from qddft.engines.vasp.read import read_outputs

    return item if isinstance(item, Outputs) else read_outputs(item)


def _per_atom(name: str, item: Outputs) -> float:
    symbols = item.atoms.get_chemical_symbols()
    if set(symbols) != {name}:
        raise ReferenceSchemeError(
            f"the chemical potential of {name} cannot come from {item.atoms.get_chemical_formula()}; give a "
            f"calculation of {name} alone, or a number in eV per atom"
        )
    return energy_of(item, f"reference of {name}") / len(symbols)


def _result(
    value: float | None,
    defect: Outputs,
    removed: Mapping[str, int],
    state: ChargeState | None,
    warnings: list[str],
    details: dict[str, Any],
) -> Result:
    charged = "" if state is None else " + q (E_VBM + E_F) + E_corr"
    correction = {} if state is None else {"correction": state.method, "correction_eV": state.correction}
    return Result(
        quantity="E_f",
        system=defect.atoms.get_chemical_formula(mode="hill"),
        ligand="",
        value=value,
        unit="eV",
        convention=f"E_f = E(defect) - E(pristine) + sum of n mu over what was removed{charged}",
        reference=", ".join(f"{number} {element}" for element, number in sorted(removed.items())),
        engine=defect.engine,
        level=str(defect.settings.get("xc", "unknown")),
        charge=0 if state is None else state.charge,
        jobs=(),
        warnings=tuple(dict.fromkeys(warnings)),
        details=details | correction,
    )
