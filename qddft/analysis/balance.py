"""How many of each: the reaction behind energies of structures that somebody else computed."""

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction

import numpy as np

from qddft.analysis.reaction import Reaction, Species
from qddft.core.errors import ReferenceSchemeError

_LARGEST_DENOMINATOR = 12


def balanced_reaction(
    complex_: tuple[str, Mapping[str, int]],
    others: Sequence[tuple[str, Mapping[str, int]]],
    charges: Mapping[str, int] | None = None,
) -> Reaction:
    """Return the reaction that makes a complex from (and beside) other species, in the smallest whole numbers.

    A 1x1 slab under a 2x2 complex is used four times; a product such as HBr comes out on the right; H2 as the
    reference of adsorbed H atoms doubles the reaction.

    Parameters
    ----------
    complex_
        Name and atoms by element.
    others
        Names and atoms by element of slab and references.
    charges
        Net charge by name, e; zero where not given.

    Raises
    ------
    ReferenceSchemeError
        No numbers balance the elements, more than one set does, or the charge does not balance.
    """
    elements = sorted({element for _, item in (complex_, *others) for element in item})
    matrix = np.array([[item.get(element, 0) for _, item in others] for element in elements], dtype=float)
    target = np.array([complex_[1].get(element, 0) for element in elements], dtype=float)
    names = [name for name, _ in others]
    if not others:
        raise ReferenceSchemeError(f"nothing is given that {complex_[0]} could be made from")
    if np.linalg.matrix_rank(matrix) < len(others):
        raise ReferenceSchemeError(
            f"{', '.join(names)} can be exchanged for each other, so that it is not clear how many of each make "
            f"{complex_[0]}; leave one out"
        )
    solution, *_ = np.linalg.lstsq(matrix, target, rcond=None)
    amounts = [Fraction(float(value)).limit_denominator(_LARGEST_DENOMINATOR) for value in solution]
    if np.abs(matrix @ [float(amount) for amount in amounts] - target).max() > 1e-6:
        raise ReferenceSchemeError(_impossible(complex_, others, elements))
    scale = math.lcm(*(amount.denominator for amount in amounts))
    held = charges or {}
    terms = [Species(complex_[0], scale, complex_[1], held.get(complex_[0], 0))]
    for (name, item), amount in zip(others, amounts, strict=True):
        if amount:
            terms.append(Species(name, int(-amount * scale), item, held.get(name, 0)))
    return Reaction(tuple(terms))


def _impossible(
    complex_: tuple[str, Mapping[str, int]], others: Sequence[tuple[str, Mapping[str, int]]], elements: Sequence[str]
) -> str:
    shown = "; ".join(f"{name} = {_formula(item)}" for name, item in (complex_, *others))
    only = [element for element in elements if not any(item.get(element) for _, item in others)]
    hint = f" Nothing but the complex holds {', '.join(only)}." if only else ""
    return (
        f"no numbers of {', '.join(name for name, _ in others)} add up to {complex_[0]} ({shown}).{hint} Give all "
        f"reactants, and the products too: the acid exchange slab·X + HL -> slab·L + HX needs HL and HX"
    )


def _formula(composition: Mapping[str, int]) -> str:
    return "".join(f"{element}{number if number > 1 else ''}" for element, number in sorted(composition.items()))


def exchange_reaction(
    ends: tuple[tuple[str, Mapping[str, int]], tuple[str, Mapping[str, int]]],
    ligands: tuple[tuple[str, Mapping[str, int]], tuple[str, Mapping[str, int]]],
    others: Sequence[tuple[str, Mapping[str, int]]] = (),
    *,
    n: int | None = None,
    charges: Mapping[str, int] | None = None,
) -> Reaction:
    """Return the reaction that makes one complex from another, ``from + n L2 -> to + n L1``, balanced.

    Parameters
    ----------
    ends
        Name and atoms of the complex before and after.
    ligands
        Name and atoms of the ligand that comes and of the one that leaves.
    others
        Further species, such as the acid or the base that takes part.
    n
        Ligands exchanged in the complex after; needed only where both ligands have the same formula.
    charges
        Net charge by name, e; zero where not given.

    Raises
    ------
    ReferenceSchemeError
        No numbers balance the elements, more than one set does, or the charge does not balance.
    """
    before, after = ends
    coming, leaving = ligands
    if dict(coming[1]) != dict(leaving[1]):
        return balanced_reaction(after, [before, coming, leaving, *others], charges)
    if n is None or n < 1:
        raise ReferenceSchemeError(
            f"{coming[0]} and {leaving[0]} have the same formula, so that the structures do not tell how many were "
            "exchanged; give n, a whole number from 1"
        )
    rest = balanced_reaction(after, [before, *others], charges)
    held = charges or {}
    times = next(item.coefficient for item in rest.right if item.name == after[0]) * n
    swapped = [
        Species(coming[0], -times, coming[1], held.get(coming[0], 0)),
        Species(leaving[0], times, leaving[1], held.get(leaving[0], 0)),
    ]
    return Reaction((*rest.species, *swapped))
