"""Binding energies of calculations that lie in folders already, made by anybody."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

from qddft.analysis.balance import balanced_reaction
from qddft.analysis.binding import (
    adsorption_energy,
    anchor_distances,
    check_identity,
    coverage,
    decompose,
    energy_of,
)
from qddft.analysis.reaction import Reaction, composition_of, get_scheme, scheme_of
from qddft.core.errors import ReferenceSchemeError
from qddft.outputs.outputs import Outputs
from qddft.recipes.binding_energy import FORMULA, convention_of
from qddft.recipes.folders import Allowed, Calculation, cell_difference, judge, read
from qddft.recipes.given import Reference, given_energy, is_given, read_reference
from qddft.recipes.provenance import hashes_of, structure_of
from qddft.recipes.result import Result


def binding_energy(
    complex: Calculation,
    slab: Calculation,
    references: Reference | Sequence[Reference] | Mapping[str, Reference],
    *,
    n: int | None = None,
    fragments: tuple[Calculation, Calculation] | None = None,
    faces: int = 1,
    allow_unconverged: bool = False,
    allow_differences: bool = False,
) -> Result:
    """Return the adsorption energy from finished calculations.

    The reaction is worked out from the structures: how many slabs (a 1x1 slab may stand under a 2x2 complex), how many
    of each reference, and which of them are products. It is balanced in every element or refused.

    Parameters
    ----------
    complex, slab
        Folders, files or ``Outputs`` of the slab with ligands and of the slab alone. With the complex of the next lower
        coverage in the place of the slab the differential adsorption energy comes out.
    references
        The same of every other species of the reaction: the ligand, or the acid and HX of an exchange; by name if
        given as a mapping. An energy that is only known as a number is given by its formula, ``{"H2": -6.77}``, in eV.
    n
        Ligands in the complex; without it, as many as there are of the first reference.
    fragments
        Static calculations of the slab alone and the ligands alone at the geometry of the complex: then the energy is
        split into interaction and deformation.
    faces
        Faces of the slab that carry ligands, for the coverage.
    allow_unconverged, allow_differences
        Give a marked number even where a calculation has not converged, or where settings differ.

    Returns
    -------
    Result
        ``value`` is E_ads per ligand in eV, negative = bound, or ``None`` with the reasons in ``warnings``.

    Raises
    ------
    OutputError
        A calculation cannot be read or reports no energy.
    ReferenceSchemeError
        The elements do not balance, or ``n`` is no number of ligands.
    """
    take = partial(read, unfinished=allow_unconverged)
    legs = {"complex": take(complex), "slab": take(slab), **named_references(references, unfinished=allow_unconverged)}
    parts = {} if fragments is None else {"slab@ads": take(fragments[0]), "ligand@ads": take(fragments[1])}
    reaction, shared = _reaction(legs, n)
    computed = {name: item for name, item in (legs | parts).items() if not is_given(item)}
    amounts = {item.name: item.coefficient for item in reaction.species}
    cells = cell_difference(legs, ("complex", "slab"), -amounts.get("slab", 0) / amounts["complex"])
    verdict = judge(computed, Allowed(allow_unconverged, allow_differences), differences=cells)
    # the energies are asked for even where the number is refused, so that a missing one is told at once
    value = adsorption_energy(reaction, legs, shared)
    details = _details(legs, reaction, shared, faces)
    if parts and not verdict.refused:
        details |= _split(legs | parts, reaction, shared, value)
    result = _result(None if verdict.refused else value, reaction, legs, details)
    caution = get_scheme("fragment").caution if result.reference == "fragment" else ""
    said = [caution, *verdict.warnings, *given_energy(legs), *_dispersion_notes(legs)]
    return replace(
        result,
        warnings=tuple(dict.fromkeys(text for text in said if text)),
        audit=verdict.audit,
        inputs=hashes_of(computed.values()),
    )


def named_references(
    references: Reference | Sequence[Reference] | Mapping[str, Reference], *, unfinished: bool = False
) -> dict[str, Outputs]:
    """Read references and give them names: those of the mapping, else their formulas, made distinct.

    Raises
    ------
    OutputError
        One cannot be read.
    ReferenceSchemeError
        A name is taken, or an energy stands for no formula.
    """
    if isinstance(references, Mapping):
        others = {
            str(name): read_reference(str(name), item, unfinished=unfinished) for name, item in references.items()
        }
    else:
        items = [references] if isinstance(references, str | Path | Outputs | int | float) else list(references)
        others = {}
        for item in items:
            outputs = read_reference("", item, unfinished=unfinished)
            name = outputs.atoms.get_chemical_formula(mode="hill")
            others[name if name not in others else f"{name} ({len(others) + 1})"] = outputs
    for name in ("complex", "slab"):
        if name in others:
            raise ReferenceSchemeError(f"a reference cannot be called {name!r}; give it another name")
    return others


def charges_of(legs: Mapping[str, Outputs]) -> dict[str, int]:
    """Return the net charges that are known, e."""
    return {name: round(item.charge) for name, item in legs.items() if item.charge is not None}


def counts_of(item: Outputs) -> dict[str, int]:
    """Return the atoms of a calculation by element."""
    return composition_of(item.atoms.get_chemical_symbols())


def _reaction(legs: Mapping[str, Outputs], n: int | None) -> tuple[Reaction, int]:
    """Return the reaction, and how many ligands share its energy: those of all its complexes together."""
    compositions = {name: counts_of(item) for name, item in legs.items()}
    others = [(name, composition) for name, composition in compositions.items() if name != "complex"]
    reaction = balanced_reaction(("complex", compositions["complex"]), others, charges_of(legs))
    used = {item.name: -item.coefficient for item in reaction.left}
    first = others[1][0] if len(others) > 1 else ""
    if n is None and first in used:
        return reaction, _ligands(used[first], reaction.right[0].coefficient, legs[first])
    if n is None and len(legs["complex"].atoms) <= len(legs["slab"].atoms):
        raise ReferenceSchemeError(
            f"{reaction.text}: the complex ({_formula(legs['complex'])}) is no larger than the slab "
            f"({_formula(legs['slab'])}); are --complex and --slab exchanged? Two sites of one ligand are compared by "
            "an exchange (qddft analyze exchange)"
        )
    if n is None or n < 1:
        raise ReferenceSchemeError(
            f"{reaction.text}: it is not clear how many ligands the complex holds; give n, a whole number from 1"
        )
    return reaction, n * reaction.right[0].coefficient


def _formula(item: Outputs) -> str:
    return str(item.atoms.get_chemical_formula(mode="hill"))


def _ligands(used: int, complexes: int, reference: Outputs) -> int:
    """Return how many ligands the complexes hold: where halves of H2 are adsorbed, the atoms count."""
    symbols = reference.atoms.get_chemical_symbols()
    return used * len(symbols) if len(set(symbols)) == 1 and used % complexes else used


def _details(legs: Mapping[str, Outputs], reaction: Reaction, shared: int, faces: int) -> dict[str, Any]:
    whole = legs["complex"].atoms
    amounts = {item.name: item.coefficient for item in reaction.species}
    ligands = Fraction(shared, amounts["complex"])
    return {
        "n_ligands": int(ligands) if ligands.denominator == 1 else float(ligands),
        "slabs_per_complex": -amounts.get("slab", 0) / amounts["complex"],
        "kpoints": {name: item.settings["kpoints"] for name, item in legs.items() if item.settings.get("kpoints")},
        "coverage_per_nm2": coverage(whole, 1) * float(ligands) / faces,
        "anchor_distances_A": list(anchor_distances(whole)),
        "energies_eV": {name: item.energy for name, item in legs.items()},
        "sources": {name: item.source for name, item in legs.items()},
        **_dispersion(legs, reaction, shared),
    }


def _dispersion(legs: Mapping[str, Outputs], reaction: Reaction, shared: int) -> dict[str, Any]:
    """Return what dispersion contributes to E_ads, eV per ligand, where every term of the reaction says."""
    shares = _dispersion_energies(legs)
    known = {name: value for name, value in shares.items() if value is not None}
    if len(known) < len(shares):
        return {"dispersion_eV": {}}
    return {"dispersion_eV": known, "E_dispersion": reaction.energy(known) / shared}


def _dispersion_energies(legs: Mapping[str, Outputs]) -> dict[str, float | None]:
    return {name: item.extra.get("dispersion_energy") for name, item in legs.items()}


def _dispersion_notes(legs: Mapping[str, Outputs]) -> list[str]:
    shares = _dispersion_energies(legs)
    silent = [name for name, value in shares.items() if value is None]
    if not silent or len(silent) == len(shares):
        return []
    return [f"the share of dispersion is unknown: {', '.join(silent)} does not say its dispersion energy"]


def _split(legs: Mapping[str, Outputs], reaction: Reaction, shared: int, value: float) -> dict[str, float]:
    amounts = {item.name: item.coefficient for item in reaction.species}
    ligands = [name for name in amounts if name not in ("complex", "slab")]
    if amounts["complex"] != 1 or len(ligands) != 1 or amounts[ligands[0]] != -shared:
        raise ReferenceSchemeError(f"{reaction.text}: interaction and deformation are defined for adsorption only")
    energies = {name: energy_of(legs[name], name) for name in ("complex", "slab@ads", "ligand@ads")}
    energies["slab"] = -amounts["slab"] * energy_of(legs["slab"], "slab")
    energies["ligand"] = energy_of(legs[ligands[0]], ligands[0])
    split = decompose(energies, shared)
    check_identity(split, value)
    return {
        "E_int": split.interaction,
        "E_def_slab": split.slab_deformation,
        "E_def_ligand": split.ligand_deformation,
    }


def _result(value: float | None, reaction: Reaction, legs: Mapping[str, Outputs], details: Mapping[str, Any]) -> Result:
    whole = legs["complex"]
    shared = round(details["n_ligands"] * reaction.right[0].coefficient)
    known = {} if value is None else {"E_bind": -value}
    return Result(
        quantity="E_ads",
        system=whole.atoms.get_chemical_formula(mode="hill"),
        ligand=", ".join(name for name in legs if name not in ("complex", "slab")),
        value=value,
        unit="eV",
        convention=convention_of(reaction, shared),
        reference=scheme_of(reaction, ("complex", "slab")),
        engine=whole.engine,
        level=str(whole.settings.get("xc", "unknown")),
        charge=round(whole.charge or 0.0),
        jobs=(),
        reaction=reaction.text,
        details=dict(details) | known,
        formula=FORMULA,
        structure=structure_of(whole),
    )
