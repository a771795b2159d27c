"""Who sits where on a mixed sublattice: spread out, at random, or quasirandom."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from qddft.core.errors import EngineError, StructureError

if TYPE_CHECKING:
    from ase import Atoms

Order = Literal["ordered", "random", "sqs"]
ORDERS: tuple[Order, ...] = ("ordered", "random", "sqs")
# neighbor shells of a sublattice in units of the cubic lattice constant: halides at 0.71, 1.00, 1.22; A sites at
# 1.00, 1.41, 1.73; tilts spread each shell, so the bounds lie half way between
SHELL_BOUNDS = {"X": (0.0, 0.85, 1.11, 1.32), "A": (0.0, 1.2, 1.57, 1.87)}
_SQS_ITERATIONS = 200_000


def site_counts(fractions: Mapping[str, float], n_sites: int, what: str) -> dict[str, int]:
    """Return whole numbers of sites closest to the fractions (largest remainders).

    Parameters
    ----------
    fractions
        Symbol -> fraction, adding up to one.
    n_sites
        Sites on the sublattice.
    what
        Name of the sublattice for the message.

    Raises
    ------
    StructureError
        A species would get no site at all.
    """
    exact = {symbol: fraction * n_sites for symbol, fraction in fractions.items()}
    counts = {symbol: int(amount + 1e-9) for symbol, amount in exact.items()}
    missing = n_sites - sum(counts.values())
    by_remainder = sorted(exact, key=lambda symbol: (counts[symbol] - exact[symbol], symbol))
    for symbol in by_remainder[:missing]:
        counts[symbol] += 1
    empty = [symbol for symbol, count in counts.items() if count == 0]
    if empty:
        need = int(np.ceil(0.5 / min(fractions[symbol] for symbol in empty)))
        raise StructureError(
            f"{what} sublattice: {n_sites} sites are too few for {fractions[empty[0]]:g} {empty[0]}; "
            f"take a supercell with {need} or more."
        )
    return counts


def arrange(
    sublattice: "Atoms", counts: Mapping[str, int], order: Order, *, kind: str, edge: float, seed: int
) -> list[str]:
    """Return the species of every site.

    Parameters
    ----------
    sublattice
        The sites, periodic.
    counts
        Species -> number of sites.
    order
        ``ordered``: the rarer species as far from each other as possible, without chance; ``random``: a seeded shuffle;
        ``sqs``: special quasirandom structure, by sqsgenerator.
    kind
        ``A`` or ``X``.
    edge
        Cubic lattice constant, Angstrom.
    seed
        Equal seeds give equal arrangements.

    Raises
    ------
    StructureError
        Another order.
    EngineError
        sqsgenerator is not installed or refuses.
    """
    if len(counts) == 1:
        return list(counts) * len(sublattice)
    if order == "ordered":
        return _spread_out(sublattice, counts)
    if order == "random":
        pool = [symbol for symbol in sorted(counts) for _ in range(counts[symbol])]
        return [pool[i] for i in np.random.default_rng(seed).permutation(len(pool))]
    if order == "sqs":
        return _quasirandom(sublattice, counts, kind=kind, edge=edge, seed=seed)
    raise StructureError(f"order {order!r}: take one of {', '.join(ORDERS)}.")


def first_shell_order(sublattice: "Atoms", species: list[str], *, kind: str, edge: float) -> float:
    """Return the largest Warren-Cowley parameter of the first shell in magnitude, 0 for a perfectly random mixture.

    alpha_ij = 1 - P(j | i) / x_j for i != j (Cowley, Phys. Rev. 77, 669 (1950)); negative means that unlike neighbors
    are preferred.

    Parameters
    ----------
    sublattice, species
        The sites and what sits on each.
    kind, edge
        See ``arrange``.
    """
    from ase.neighborlist import neighbor_list

    first, second = neighbor_list("ij", sublattice, SHELL_BOUNDS[kind][1] * edge)
    kinds = np.array(species)
    names = sorted(set(species))
    largest = 0.0
    for one in names:
        around = kinds[second[kinds[first] == one]]
        for other in names:
            if other != one and len(around):
                alpha = 1.0 - float((around == other).mean()) / float((kinds == other).mean())
                largest = alpha if abs(alpha) > abs(largest) else largest
    return round(largest, 6)


def _spread_out(sublattice: "Atoms", counts: Mapping[str, int]) -> list[str]:
    """Put the rarer species, one atom at a time, on the free site farthest from its own kind."""
    apart = sublattice.get_all_distances(mic=True)
    names = sorted(counts, key=lambda symbol: (counts[symbol], symbol))
    placed = [names[-1]] * len(sublattice)
    free = list(range(len(sublattice)))
    for name in names[:-1]:
        mine: list[int] = []
        for _ in range(counts[name]):
            index = max(free, key=lambda i: _loneliness(apart, i, mine))
            mine.append(index)
            free.remove(index)
            placed[index] = name
    return placed


def _loneliness(apart: np.ndarray, index: int, mine: list[int]) -> tuple[float, float, int]:
    """Rank a free site: far from the nearest of its kind, then far on average, then the first one."""
    distances = np.round(apart[index, mine], 3) if mine else np.zeros(1)
    return float(distances.min()), float(np.round(distances.mean(), 3)), -index


def _quasirandom(sublattice: "Atoms", counts: Mapping[str, int], *, kind: str, edge: float, seed: int) -> list[str]:
    """Minimize the short-range order of three shells with sqsgenerator (10.1016/j.cpc.2023.108664)."""
    try:
        import sqsgenerator
        from sqsgenerator import core
    except ImportError as error:
        raise EngineError('order "sqs" needs sqsgenerator: install qddft[alloy], or take order "random".') from error
    names = sorted(counts)
    # the library knows elements, we also have molecules: elements are stand-ins here
    stand_ins = ["H", "He", "Li", "Be", "B", "C", "N", "O", "F", "Ne"][: len(names)]
    configuration = {
        "structure": {
            "lattice": sublattice.cell.array.tolist(),
            "coords": sublattice.get_scaled_positions().tolist(),
            "species": ["Ar"] * len(sublattice),
        },
        "composition": [{"sites": "Ar"} | {s: counts[name] for s, name in zip(stand_ins, names, strict=True)}],
        "shell_radii": [bound * edge for bound in SHELL_BOUNDS[kind]],
        "shell_weights": {1: 1.0, 2: 0.5, 3: 1.0 / 3.0},
        "iteration_mode": "random",
        "iterations": _SQS_ITERATIONS,
        # several threads, or a cap on equal results, make the answer depend on timing
        "thread_config": 1,
        "max_results_per_objective": _SQS_ITERATIONS,
        "seed": seed,
    }
    with _quiet():
        parsed = sqsgenerator.parse_config(configuration)
    if isinstance(parsed, core.ParseError):
        raise EngineError(
            f"sqsgenerator refuses the {kind} sublattice ({parsed.key}: {parsed.msg}); take a larger cell."
        )
    results = sqsgenerator.optimize(parsed, level=core.LogLevel.error)
    _, best = min(((objective, found) for objective, found in results), key=lambda item: item[0])
    numbers = min(tuple(result.species) for result in best)
    names_of = dict(zip(_atomic_numbers(stand_ins), names, strict=True))
    return [names_of[number] for number in numbers]


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep a C++ library from writing to stderr: in a slab its neighbor shells rightly hold no whole numbers."""
    kept = os.dup(2)
    try:
        with Path(os.devnull).open("w") as nowhere:
            os.dup2(nowhere.fileno(), 2)
            yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def _atomic_numbers(symbols: list[str]) -> list[int]:
    """Return atomic numbers."""
    from ase.data import atomic_numbers

    return [int(atomic_numbers[symbol]) for symbol in symbols]
