"""Mixed halides and A-site alloys: CsPb(Br0.5I0.5)3, Cs0.9GA0.1PbI3."""

from collections.abc import Mapping, Sequence
from numbers import Integral
from typing import TYPE_CHECKING, Any

import numpy as np

from qddft.atoms.alloy_order import ORDERS, Order, arrange, first_shell_order, site_counts
from qddft.atoms.bulk import build_bulk
from qddft.atoms.cage import fill_cages, molecule_records
from qddft.atoms.composition import Composition, parse_composition
from qddft.atoms.ions import A_CATIONS, HALIDES
from qddft.atoms.radii import molecular_cations
from qddft.core.errors import StructureError
from qddft.core.suggest import did_you_mean

if TYPE_CHECKING:
    from ase import Atoms


def build_alloy(
    formula: str,
    *,
    supercell: Sequence[int] = (2, 2, 2),
    order: Order = "random",
    seed: int = 0,
    phase: str = "cubic",
    lattice: str | float = "pbe",
) -> "Atoms":
    """Build a mixed crystal.

    Parameters
    ----------
    formula
        ``CsPb(Br0.5I0.5)3``, ``Cs0.9GA0.1PbI3``; molecular cations by short name (MA, FA, GA ...).
    supercell
        Conventional cells of the phase along its three axes.
    order
        ``ordered`` (the rarer species as far apart as possible), ``random`` (seeded) or ``sqs`` (special quasirandom,
        needs ``qddft[alloy]``).
    seed
        Equal seeds give equal crystals.
    phase
        Phase of the end members; the fractional coordinates are those of the main halide.
    lattice
        A sourced lattice, averaged linearly over the halides (Vegard 1921), or the edge a of the conventional cell in
        Angstrom. The size of molecular cations is not in the average, because their end members have no sourced cell
        here: relax the cell, or give the edge.

    Returns
    -------
    ase.Atoms
        ``info["qddft"]["bulk"]`` holds the composition asked for and the one reached, order, seed, Vegard's terms and
        the first-shell Warren-Cowley parameters.

    Raises
    ------
    StructureError
        A formula that is no ABX3, a cell too small for the composition, an end member without a sourced cell, or wrong
        options.
    EngineError
        ``sqs`` without sqsgenerator.
    """
    repeats = _repeats(supercell)
    asked = checked_alloy(formula, order, seed)
    crystal = end_member(asked, phase, lattice)
    leads = crystal.symbols.count("Pb") * int(np.prod(repeats))
    counts = {
        "A": site_counts(asked.a, leads, "A"),
        "B": {"Pb": leads},
        "X": site_counts(asked.x, 3 * leads, "X"),
    }
    reached = Composition(*(fractions_of(counts[kind]) for kind in ("A", "B", "X")))
    crystal, description = stretched(crystal, reached, phase, lattice)
    edge = float(np.cbrt(crystal.get_volume() / crystal.symbols.count("Pb")))
    mixed, cations, shells = occupied(crystal * repeats, counts, order, int(seed), edge)
    filled = fill_cages(mixed, cations, int(seed))
    description |= {
        "formula": reached.formula,
        "asked": asked.formula,
        "order": order,
        "seed": int(seed),
        "supercell": "x".join(str(n) for n in repeats),
        "first_shell_order": shells,
    }
    filled.info["qddft"] = {"kind": "bulk", "bulk": description, "fragments": [{"name": "bulk", "charge": 0}]}
    if cations:
        filled.info["qddft"]["molecules"] = molecule_records(list(cations.values()))
    return filled


def vegard(composition: Composition, phase: str, lattice: str) -> tuple[tuple[float, float, float], str]:
    """Return the linear average of the end members' edges over the halides, Angstrom, and its terms in words.

    Source: L. Vegard, Z. Phys. 5, 17 (1921).

    Raises
    ------
    StructureError
        An end member without this phase or lattice.
    """
    edges, terms = np.zeros(3), []
    for halide, fraction in composition.x.items():
        lengths = build_bulk(f"CsPb{halide}3", phase=phase, lattice=lattice).cell.lengths()
        edges += fraction * lengths
        terms.append(f"{fraction:.4g} x CsPb{halide}3 ({lengths[0]:g})")
    a, b, c = (round(float(length), 6) for length in edges)
    return (a, b, c), "Vegard over the halides: " + " + ".join(terms)


def checked_alloy(formula: str, order: str, seed: int) -> Composition:
    """Return the composition that was asked for, after checking that it can be arranged.

    Raises
    ------
    StructureError
        A formula that is no ABX3, an unknown order, a seed that is no whole number, or a cation without end member.
    """
    asked = parse_composition(formula)
    if order not in ORDERS:
        raise StructureError(f"order {order!r}: {did_you_mean(str(order), ORDERS)}")
    if isinstance(seed, bool) or not isinstance(seed, Integral) or seed < 0:
        raise StructureError(f"seed {seed!r}: give a whole number, 0 or more.")
    _check_end_members(asked)
    return asked


def end_member(asked: Composition, phase: str, lattice: str | float) -> "Atoms":
    """Return the cesium crystal of the main halide, whose fractional coordinates an alloy has.

    An edge given as a number already scales it; a name is averaged by ``stretched``.
    """
    return build_bulk(f"CsPb{_main_halide(asked)}3", phase=phase, lattice=lattice)


def _repeats(supercell: Sequence[int]) -> tuple[int, int, int]:
    """Check the supercell."""
    sizes = [int(n) for n in supercell if isinstance(n, Integral) and not isinstance(n, bool) and int(n) >= 1]
    if len(sizes) != 3 or len(supercell) != 3:
        raise StructureError(f"supercell {supercell!r}: give three positive whole numbers, as (2, 2, 2).")
    return sizes[0], sizes[1], sizes[2]


def _check_end_members(asked: Composition) -> None:
    """Refuse what the library has no end members for."""
    if set(asked.b) != {"Pb"}:
        raise StructureError(f"{asked.formula}: only lead has end members here; give other crystals as ase.Atoms.")
    if foreign := [symbol for symbol in asked.a if symbol in A_CATIONS and symbol != "Cs"]:
        raise StructureError(f"{asked.formula}: {', '.join(foreign)} has no end member here; A is Cs or a molecule.")


def _main_halide(composition: Composition) -> str:
    """Return the halide of the largest fraction."""
    return max(composition.x, key=lambda symbol: (composition.x[symbol], symbol))


def fractions_of(counts: Mapping[str, int]) -> dict[str, float]:
    """Return the fractions of whole numbers of sites."""
    total = sum(counts.values())
    return {symbol: count / total for symbol, count in counts.items()}


def stretched(
    crystal: "Atoms", reached: Composition, phase: str, lattice: str | float
) -> tuple["Atoms", dict[str, Any]]:
    """Return the crystal of the main halide at the averaged lattice, and what is to be said about it."""
    wider = crystal.copy()
    description: dict[str, Any] = {"phase": phase}
    if isinstance(lattice, str):
        edges, source = vegard(reached, phase, lattice)
        wider.set_cell(edges, scale_atoms=True)
        description |= {"lattice": lattice}
        if any(symbol in molecular_cations() for symbol in reached.a):
            description["note"] = "the lattice is that of the cesium compounds; molecular cations are not averaged in"
    else:
        a, b, c = (float(length) for length in crystal.cell.lengths())
        edges, source = (a, b, c), "given by user"
        description |= {"lattice": "given"}
    wider.info = {}
    return wider, description | dict(zip("abc", edges, strict=True)) | {"source": source}


def occupied(
    crystal: "Atoms", counts: Mapping[str, Mapping[str, int]], order: Order, seed: int, edge: float
) -> tuple["Atoms", dict[int, str], dict[str, float]]:
    """Arrange the species of an alloy on the sites of a crystal or slab.

    Parameters
    ----------
    crystal
        Of the end member; periodic.
    counts
        Sublattice (``A``, ``X``) -> species -> number of sites.
    order, seed
        As in ``build_alloy``.
    edge
        Pseudo-cubic lattice constant, Angstrom.

    Returns
    -------
    tuple
        The structure with its halides placed, index -> short name of the cations that are molecules, and the
        first-shell Warren-Cowley parameter of each mixed sublattice.
    """
    symbols = np.array(crystal.get_chemical_symbols())
    mixed = crystal.copy()
    cations: dict[int, str] = {}
    shells = {}
    for kind, held in (("A", A_CATIONS), ("X", HALIDES)):
        sites = np.flatnonzero(np.isin(symbols, held))
        sublattice = crystal[sites]
        # the two sublattices must not share their random numbers
        own_seed = 2 * seed + (kind == "X")
        species = arrange(sublattice, counts[kind], order, kind=kind, edge=edge, seed=own_seed)
        if len(counts[kind]) > 1:
            shells[kind] = first_shell_order(sublattice, species, kind=kind, edge=edge)
        for site, name in zip(sites, species, strict=True):
            if name in molecular_cations():
                cations[int(site)] = name
            else:
                mixed.symbols[int(site)] = name
    return mixed, cations, shells
