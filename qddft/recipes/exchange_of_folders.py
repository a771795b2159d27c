"""Exchange energies of calculations that lie in folders already, made by anybody."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

from qddft.analysis.balance import balanced_reaction, exchange_reaction
from qddft.analysis.binding import coverage, energy_of
from qddft.analysis.reaction import Reaction
from qddft.core.errors import ReferenceSchemeError
from qddft.outputs.outputs import Outputs
from qddft.recipes.folders import Allowed, Calculation, cell_difference, judge, read
from qddft.recipes.given import Reference, given_energy, is_given
from qddft.recipes.ligand_exchange import FORMULA
from qddft.recipes.of_folders import charges_of, counts_of, named_references
from qddft.recipes.provenance import hashes_of, structure_of
from qddft.recipes.result import Result

BEFORE, AFTER = "before", "after"
_CONVENTION = "negative = the new ligand stays"


def exchange_energy(
    before: Calculation,
    after: Calculation,
    references: Sequence[Reference] | Mapping[str, Reference] = (),
    *,
    n: int | None = None,
    allow_unconverged: bool = False,
    allow_differences: bool = False,
) -> Result:
    """Return the energy of ``before + L2 -> after + L1`` per ligand that is exchanged, from finished calculations.

    The reaction is worked out from the structures and balanced in elements and charge, or refused. A clean slab is not
    needed. Two sites of one ligand are compared without references: the energy that moving costs.

    Parameters
    ----------
    before, after
        Folders, files or ``Outputs`` of the slab with the ligand that leaves, and with the one that comes.
    references
        The free ligand that comes, the one that leaves, then every other species of the reaction; by name if given as a
        mapping. An energy that is only known as a number is given by its formula, ``{"H2O": -14.22}``, in eV.
    n
        Ligands exchanged; without it, as many as there are of the ligand that comes. Needed where both ligands have
        one formula.
    allow_unconverged, allow_differences
        Give a marked number even where a calculation has not converged, or where settings differ.

    Returns
    -------
    Result
        ``value`` in eV per ligand, negative = the new ligand stays, or ``None`` with the reasons in ``warnings``.

    Raises
    ------
    OutputError
        A calculation cannot be read or reports no energy.
    ReferenceSchemeError
        The reaction does not balance, or how many ligands are exchanged cannot be told.
    """
    free = named_references(references, unfinished=allow_unconverged)
    for name in (BEFORE, AFTER):
        if name in free:
            raise ReferenceSchemeError(f"a reference cannot be called {name!r}; give it another name")
    take = partial(read, unfinished=allow_unconverged)
    legs = {AFTER: take(after), BEFORE: take(before), **free}
    reaction = _reaction(legs, list(free), n)
    count = _exchanged(reaction, list(free), n)
    computed = {name: item for name, item in legs.items() if not is_given(item)}
    amounts = {item.name: item.coefficient for item in reaction.species}
    differences = cell_difference(legs, (AFTER, BEFORE), -amounts.get(BEFORE, 0) / amounts[AFTER])
    verdict = judge(computed, Allowed(allow_unconverged, allow_differences), differences=differences)
    value = _energy(reaction, legs) / count
    made = _result(None if verdict.refused else value, reaction, legs, list(free), count)
    return replace(
        made,
        warnings=tuple(dict.fromkeys([*verdict.warnings, *given_energy(legs)])),
        audit=verdict.audit,
        inputs=hashes_of(computed.values()),
    )


def _reaction(legs: Mapping[str, Outputs], free: Sequence[str], n: int | None) -> Reaction:
    species = {name: (name, counts_of(item)) for name, item in legs.items()}
    charges = charges_of(legs)
    if len(free) < 2:
        return balanced_reaction(species[AFTER], [species[name] for name in (BEFORE, *free)], charges)
    coming, leaving, *others = free
    return exchange_reaction(
        (species[BEFORE], species[AFTER]),
        (species[coming], species[leaving]),
        [species[name] for name in others],
        n=n,
        charges=charges,
    )


def _exchanged(reaction: Reaction, free: Sequence[str], n: int | None) -> int:
    """Return by how many ligands the energy of the reaction is divided."""
    amounts = {item.name: item.coefficient for item in reaction.species}
    if n is not None and n < 1:
        raise ReferenceSchemeError("n, the number of ligands exchanged, has to be a whole number from 1")
    if n is not None:
        return n * amounts[AFTER]
    coming = -amounts.get(free[0], 0) if free else 0
    if free and coming < 1:
        raise ReferenceSchemeError(
            f"{reaction.text}: {free[0]} does not come in this reaction; give the ligand that comes first, or n"
        )
    return coming if free else amounts[AFTER]


def _energy(reaction: Reaction, legs: Mapping[str, Outputs]) -> float:
    used = {item.name for item in reaction.species}
    return reaction.energy({name: energy_of(item, name) for name, item in legs.items() if name in used})


def _result(
    value: float | None, reaction: Reaction, legs: Mapping[str, Outputs], free: Sequence[str], count: int
) -> Result:
    whole = legs[AFTER]
    amounts = {item.name: item.coefficient for item in reaction.species}
    terms = " ".join(
        f"{'+' if item.coefficient > 0 else '-'} {abs(item.coefficient) if abs(item.coefficient) > 1 else ''}"
        f"E({item.name})"
        for item in (*reaction.right, *reaction.left)
    ).removeprefix("+ ")
    formula = terms if count == 1 else f"[{terms}]/{count}"
    return Result(
        quantity="E_exchange",
        system=whole.atoms.get_chemical_formula(mode="hill"),
        ligand=" -> ".join(reversed(free[:2])),
        value=value,
        unit="eV",
        convention=f"E_exchange = {formula}, {_CONVENTION}",
        reference="free ligands" if free else "site against site",
        engine=whole.engine,
        level=str(whole.settings.get("xc", "unknown")),
        charge=round(whole.charge or 0.0),
        jobs=(),
        reaction=reaction.text,
        details={
            "n_ligands": count // amounts[AFTER],
            "coverage_per_nm2": coverage(whole.atoms, count // amounts[AFTER]),
            "energies_eV": {name: item.energy for name, item in legs.items()},
            "sources": {name: item.source for name, item in legs.items()},
        },
        formula=FORMULA,
        structure=structure_of(whole),
    )
