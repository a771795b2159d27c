"""How much harder a ligand makes a vacancy, and which layer it prefers: differences of two formation energies."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from qddft.analysis.audit import compare
from qddft.core.errors import ReferenceSchemeError
from qddft.outputs.run_settings import RunSettings
from qddft.recipes.result import Result

_SAME_POTENTIAL = 1e-6


def passivation_energy(with_ligand: Result, bare: Result, *, ligand: str = "") -> Result:
    """Return E_f(vacancy under ligands) - E_f(vacancy of the other face); positive = the ligand protects the face.

    The chemical potentials cancel, so that the number does not depend on the limit; that is checked, not assumed.

    Parameters
    ----------
    with_ligand, bare
        Results of ``vacancy_formation_energy``: the same atoms removed in the same charge state. Two ligand pairs are
        compared in the same way.
    ligand
        Name for tables.

    Raises
    ------
    ReferenceSchemeError
        The two do not belong together.
    """
    convention = "E_f(V under ligands) - E_f(V of the reference face); positive = the vacancy is harder to form"
    return _difference("E_passivation", convention, with_ligand, bare, ligand=ligand or with_ligand.ligand)


def surface_preference(layers: Mapping[str, Result], bulk: Result, *, against: str | None = None) -> tuple[Result, ...]:
    """Return, layer by layer, E_f(vacancy in bulk) - E_f(vacancy in the layer); positive = it prefers the layer.

    Parameters
    ----------
    layers
        Results of ``vacancy_formation_energy`` for a slab by the name of the layer, in order.
    bulk
        The same vacancy in bulk, or in the middle of the slab.
    against
        What the reference is called; by default by its formula.

    Raises
    ------
    ReferenceSchemeError
        They do not belong together.
    """
    convention = "E_f(V in the reference) - E_f(V in the layer); positive = the vacancy prefers the layer"
    turned = [_difference("E_preference", convention, bulk, item, ligand=item.ligand) for item in layers.values()]
    return tuple(
        replace(result, system=item.system, reference=f"{name} against {against or bulk.system}")
        for result, (name, item) in zip(turned, layers.items(), strict=True)
    )


def _difference(quantity: str, convention: str, one: Result, other: Result, *, ligand: str) -> Result:
    _require_alike(one, other)
    values = (one.value, other.value)
    common = sorted(set(one.details["limits_eV"]) & set(other.details["limits_eV"]))
    limits = {name: [one.details["limits_eV"][name], other.details["limits_eV"][name]] for name in common}
    return Result(
        quantity=quantity,
        system=one.system,
        ligand=ligand,
        value=None if values[0] is None or values[1] is None else values[0] - values[1],
        unit="eV",
        convention=convention,
        reference=other.system,
        engine=one.engine,
        level=one.level,
        charge=one.charge,
        jobs=(*one.jobs, *other.jobs),
        warnings=tuple(dict.fromkeys([*one.warnings, *other.warnings])),
        details={
            "E_f_eV": {"first": values[0], "second": values[1]},
            "limits_eV": {name: {"first": pair[0], "second": pair[1]} for name, pair in limits.items()},
            "sources": {"first": one.details["sources"], "second": other.details["sources"]},
        },
        formula="difference of two formation energies",
        inputs={**one.inputs, **other.inputs},
        audit=_audit(one, other),
        structure=one.structure,
    )


def _audit(one: Result, other: Result) -> dict[str, Any]:
    """Compare the settings of all calculations behind two results with each other."""
    settings = {
        f"{name} of the {which}": values
        for which, result in (("first", one), ("second", other))
        for name, values in result.audit.get("settings", {}).items()
    }
    made = compare([RunSettings(name, values) for name, values in settings.items()])
    return made.record() | {"settings": settings}


def _require_alike(one: Result, other: Result) -> None:
    for result in (one, other):
        if result.quantity != "E_f":
            raise ReferenceSchemeError(f"passivation compares vacancy formation energies (E_f), not {result.quantity}")
    differing = [
        f"{what}: {a} and {b}"
        for what, a, b in (
            ("removed", one.details["removed"], other.details["removed"]),
            ("charge", one.charge, other.charge),
            ("engine", one.engine, other.engine),
            ("level", one.level, other.level),
        )
        if a != b
    ]
    ours, theirs = one.details["chemical_potentials_eV"], other.details["chemical_potentials_eV"]
    differing += [
        f"chemical potential of {name}: {ours[name]:.6f} and {theirs[name]:.6f} eV"
        for name in ours
        if name in theirs and abs(ours[name] - theirs[name]) > _SAME_POTENTIAL
    ]
    if differing:
        raise ReferenceSchemeError(f"the two vacancies cannot be compared: {'; '.join(differing)}")
