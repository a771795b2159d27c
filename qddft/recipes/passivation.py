"""How much harder a ligand makes a vacancy: the difference of two formation energies."""

from qddft.core.errors import ReferenceSchemeError
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
    _require_alike(with_ligand, bare)
    values = (with_ligand.value, bare.value)
    common = sorted(set(with_ligand.details["limits_eV"]) & set(bare.details["limits_eV"]))
    return Result(
        quantity="E_passivation",
        system=with_ligand.system,
        ligand=ligand or with_ligand.ligand,
        value=None if values[0] is None or values[1] is None else values[0] - values[1],
        unit="eV",
        convention="E_f(V under ligands) - E_f(V of the reference face); positive = the vacancy is harder to form",
        reference=bare.system,
        engine=with_ligand.engine,
        level=with_ligand.level,
        charge=with_ligand.charge,
        jobs=(*with_ligand.jobs, *bare.jobs),
        warnings=tuple(dict.fromkeys([*with_ligand.warnings, *bare.warnings])),
        details={
            "E_f_eV": {"with ligands": values[0], "reference": values[1]},
            "limits_eV": {
                name: {
                    "with ligands": with_ligand.details["limits_eV"][name],
                    "reference": bare.details["limits_eV"][name],
                }
                for name in common
            },
            "sources": {"with ligands": with_ligand.details["sources"], "reference": bare.details["sources"]},
            "inputs": with_ligand.details["inputs"] | bare.details["inputs"],
        },
    )


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
