"""Alloys by formula in slabs: the species are arranged on the sites of the slab itself.

A slab cut from an alloy crystal leaves some of its layers away, and with them whatever had been put there: a slab of
few layers may miss the rarer species altogether. Here the whole numbers of sites closest to the formula are those of
the slab.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from qddft.atoms.alloy import checked_alloy, end_member, fractions_of, occupied, stretched
from qddft.atoms.alloy_order import Order, site_counts
from qddft.atoms.bulk_data import read_bulks
from qddft.atoms.cage import DUMMY, Shape, molecule_records, turned_molecules
from qddft.atoms.composition import Composition, parse_composition
from qddft.core.errors import StructureError

if TYPE_CHECKING:
    from ase import Atoms


@dataclass(frozen=True)
class Mixture:
    """What is asked of the sites of a slab.

    Attributes
    ----------
    asked
        The composition of the formula.
    order, seed
        As in ``build_alloy``.
    """

    asked: Composition
    order: Order
    seed: int


@dataclass(frozen=True)
class Filled:
    """A slab with the species of an alloy.

    Attributes
    ----------
    slab
        One dummy atom in the place of each molecule, ``arrays["molecule"]`` as in ``collapse_molecules``.
    shapes
        The molecules.
    molecules
        For ``info["qddft"]["molecules"]``.
    shells
        First-shell Warren-Cowley parameter of each mixed sublattice.
    """

    slab: "Atoms"
    shapes: list[Shape]
    molecules: list[dict[str, Any]]
    shells: dict[str, float]


def mixture_of(formula: str, order: Order, seed: int) -> Mixture | None:
    """Return what a formula asks of a slab; ``None`` for a library crystal, and for what is no alloy either.

    Raises
    ------
    StructureError
        An alloy that cannot be: shares that do not add up, an unknown order.
    """
    text = str(formula)
    if any(bulk.formula.lower() == text.lower() for bulk in read_bulks()):
        return None
    try:
        parse_composition(text)
    except StructureError:
        # parentheses and fractions can only be meant as an alloy; else the library says what it has
        if any(mark in text for mark in "(."):
            raise
        return None
    return Mixture(checked_alloy(text, order, seed), order, int(seed))


def crystal_of(
    mixture: Mixture, sites: Mapping[str, int], phase: str, lattice: str | float
) -> tuple["Atoms", dict[str, dict[str, int]]]:
    """Return the end member at the lattice of the mixture, described as the alloy, and the sites each species gets.

    Parameters
    ----------
    mixture
        What is asked.
    sites
        Sublattice (``A``, ``X``) -> sites in the slab.
    phase, lattice
        As in ``build_alloy``.

    Raises
    ------
    StructureError
        Too few sites for a species, or an end member without this phase or lattice.
    """
    asked = mixture.asked
    counts = {"A": site_counts(asked.a, sites["A"], "A"), "X": site_counts(asked.x, sites["X"], "X")}
    reached = Composition(fractions_of(counts["A"]), asked.b, fractions_of(counts["X"]))
    crystal, description = stretched(end_member(asked, phase, lattice), reached, phase, lattice)
    description |= {
        "formula": reached.formula,
        "asked": asked.formula,
        "order": mixture.order,
        "seed": mixture.seed,
    }
    crystal.info["qddft"] = {"kind": "bulk", "bulk": description, "fragments": [{"name": "bulk", "charge": 0}]}
    return crystal, counts


def filled(slab: "Atoms", mixture: Mixture, counts: Mapping[str, Mapping[str, int]], edge: float) -> Filled:
    """Arrange the species on the sites of a slab of the end member.

    Parameters
    ----------
    slab
        With a vacuum that keeps its periodic images apart.
    mixture, counts
        From ``mixture_of`` and ``crystal_of``.
    edge
        Pseudo-cubic lattice constant, Angstrom.
    """
    mixed, cations, shells = occupied(slab, counts, mixture.order, mixture.seed, edge)
    turned = turned_molecules(mixed, cations, mixture.seed)
    numbers = np.full(len(mixed), -1)
    for number, index in enumerate(turned):
        mixed.symbols[index] = DUMMY
        numbers[index] = number
    mixed.set_array("molecule", numbers)
    return Filled(mixed, list(turned.values()), molecule_records(list(cations.values())), shells)
