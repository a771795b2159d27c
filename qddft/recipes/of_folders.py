"""Binding energies of calculations that lie in folders already, made by anybody."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from qddft.analysis.balance import balanced_reaction
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
from qddft.analysis.reaction import Reaction, composition_of
from qddft.core.errors import ReferenceSchemeError
from qddft.outputs.outputs import Outputs
from qddft.recipes.binding_energy import convention_of
from qddft.recipes.result import Result

if TYPE_CHECKING:
    from ase import Atoms

Calculation = str | Path | Outputs
_SAME_CELL = 0.02


def binding_energy(
    complex: Calculation,
    slab: Calculation,
    references: Calculation | Sequence[Calculation] | Mapping[str, Calculation],
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
        Folders, files or ``Outputs`` of the slab with ligands and of the slab alone.
    references
        The same of every other species of the reaction: the ligand, or the acid and HX of an exchange; by name if
        given as a mapping.
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
    legs = _named(complex, slab, references)
    parts = {} if fragments is None else {"slab@ads": _read(fragments[0]), "ligand@ads": _read(fragments[1])}
    reaction, count = _reaction(legs, n)
    compared = compare_terms(legs | parts)
    cells = _cell_difference(legs["complex"].atoms, legs["slab"].atoms, reaction)
    problems = [f"NOT CONVERGED: {item}" for item in doubts(legs | parts)]
    differences = [f"SETTINGS DIFFER: {item}" for item in (*compared.differences, *cells)]
    remarks = [f"settings: {item}" for item in compared.remarks]
    warnings = [
        *problems,
        *differences,
        *remarks,
        *(f"{name}: {text}" for name, item in legs.items() for text in item.warnings),
    ]
    refused = (problems and not allow_unconverged) or (differences and not allow_differences)
    # the energies are asked for even where the number is refused, so that a missing one is told at once
    per_reaction = reaction.right[0].coefficient
    value = adsorption_energy(reaction, legs, count * per_reaction)
    details = _details(legs, count, faces)
    if parts and not refused:
        details |= _split(legs | parts, reaction, count, value)
    return _result(None if refused else value, reaction, legs, warnings, details)


def _named(
    complex_: Calculation,
    slab: Calculation,
    references: Calculation | Sequence[Calculation] | Mapping[str, Calculation],
) -> dict[str, Outputs]:
    """Read everything and give it names: the folder's, made distinct."""
    if isinstance(references, Mapping):
        others = {str(name): _read(item) for name, item in references.items()}
    else:
        items = [references] if isinstance(references, str | Path | Outputs) else list(references)
        others = {}
        for item in items:
            outputs = _read(item)
            name = outputs.atoms.get_chemical_formula(mode="hill")
            others[name if name not in others else f"{name} ({len(others) + 1})"] = outputs
    for name in ("complex", "slab"):
        if name in others:
            raise ReferenceSchemeError(f"a reference cannot be called {name!r}; give it another name")
    return {"complex": _read(complex_), "slab": _read(slab), **others}


def _read(item: Calculation) -> Outputs:
    from qddft.engines.vasp.read import read_outputs

    return item if isinstance(item, Outputs) else read_outputs(item)


def _reaction(legs: Mapping[str, Outputs], n: int | None) -> tuple[Reaction, int]:
    compositions = {name: composition_of(item.atoms.get_chemical_symbols()) for name, item in legs.items()}
    charges = {name: round(item.charge) for name, item in legs.items() if item.charge is not None}
    others = [(name, composition) for name, composition in compositions.items() if name != "complex"]
    reaction = balanced_reaction(("complex", compositions["complex"]), others, charges)
    used = {item.name: -item.coefficient for item in reaction.left}
    first = others[1][0] if len(others) > 1 else ""
    if n is None and first in used:
        return reaction, max(1, used[first] // reaction.right[0].coefficient)
    if n is None or n < 1:
        raise ReferenceSchemeError(
            f"{reaction.text}: it is not clear how many ligands the complex holds; give n, a whole number from 1"
        )
    return reaction, n


def _lateral(atoms: "Atoms") -> np.ndarray:
    """Return the lengths of the lateral cell vectors, Angstrom, shape (2,)."""
    return np.asarray(atoms.cell.lengths()[:2], dtype=float)


def _cell_difference(complex_: "Atoms", slab: "Atoms", reaction: Reaction) -> list[str]:
    amounts = {item.name: item.coefficient for item in reaction.species}
    slabs = -amounts.get("slab", 0) / amounts["complex"]
    ratio = float(np.prod(_lateral(complex_)) / np.prod(_lateral(slab)))
    if abs(ratio - slabs) <= _SAME_CELL * ratio:
        return []
    return [f"lateral cell differs: the complex has {ratio:.3f} times the area of the slab, but holds {slabs:g} of it"]


def _details(legs: Mapping[str, Outputs], count: int, faces: int) -> dict[str, Any]:
    whole = legs["complex"].atoms
    return {
        "n_ligands": count,
        "coverage_per_nm2": coverage(whole, count) / faces,
        "anchor_distances_A": list(anchor_distances(whole)),
        "energies_eV": {name: item.energy for name, item in legs.items()},
        "sources": {name: item.source for name, item in legs.items()},
        "dispersion_eV": _dispersion(legs),
    }


def _dispersion(legs: Mapping[str, Outputs]) -> dict[str, Any]:
    shares = {name: item.extra.get("dispersion_energy") for name, item in legs.items()}
    return shares if all(value is not None for value in shares.values()) else {}


def _split(legs: Mapping[str, Outputs], reaction: Reaction, count: int, value: float) -> dict[str, float]:
    amounts = {item.name: item.coefficient for item in reaction.species}
    ligands = [name for name in amounts if name not in ("complex", "slab")]
    if amounts["complex"] != 1 or len(ligands) != 1 or amounts[ligands[0]] != -count:
        raise ReferenceSchemeError(f"{reaction.text}: interaction and deformation are defined for adsorption only")
    energies = {name: energy_of(legs[name], name) for name in ("complex", "slab@ads", "ligand@ads")}
    energies["slab"] = -amounts["slab"] * energy_of(legs["slab"], "slab")
    energies["ligand"] = energy_of(legs[ligands[0]], ligands[0])
    split = decompose(energies, count)
    check_identity(split, value)
    return {
        "E_int": split.interaction,
        "E_def_slab": split.slab_deformation,
        "E_def_ligand": split.ligand_deformation,
    }


def _result(
    value: float | None, reaction: Reaction, legs: Mapping[str, Outputs], warnings: list[str], details: dict[str, Any]
) -> Result:
    whole = legs["complex"]
    products = [item for item in reaction.right if item.name != "complex"]
    ligand = ", ".join(name for name in legs if name not in ("complex", "slab"))
    known = {} if value is None else {"E_bind": -value}
    return Result(
        quantity="E_ads",
        system=whole.atoms.get_chemical_formula(mode="hill"),
        ligand=ligand,
        value=value,
        unit="eV",
        convention=convention_of(reaction, details["n_ligands"] * reaction.right[0].coefficient),
        reference="exchange" if products else "as given",
        engine=whole.engine,
        level=str(whole.settings.get("xc", "unknown")),
        charge=round(whole.charge or 0.0),
        jobs=(),
        reaction=reaction.text,
        warnings=tuple(dict.fromkeys(warnings)),
        details=details | known,
    )
