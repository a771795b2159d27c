"""Which ions of a block are left out so that its formal charges add up to zero.

A cuboid of n x m x k cells has a formal charge whatever its faces are: n + m + k + 1 with CsX faces and n + m + k + 2
with PbX2 faces, because its edges and corners belong to more than one face. The rule, the same for nanocrystals and
for clusters cut from slabs:

1. Ions of the sign of the excess are removed, cations from a positive block, halides from a negative one, never more
   than the excess.
2. Corners come first, then edges, then faces: the ions with the fewest neighbors are held least. At equal exposure ions
   of the outermost plane go before ions half a step below it.
3. They go as pairs of opposite ions (through the middle of the block), which leaves no dipole. Of an odd number
   three are taken from three edges such that their dipoles cancel as far as they can: one missing Cs at the edge of a
   5 nm cube alone would be a dipole of 36 electron-Angstrom. Where there are no three, one ion goes alone.
4. Within one class each choice is the one farthest from all earlier ones, so that the gaps are evenly spread; the seed
   decides between equals.

In a cluster around a ligand there is one more rule before the others: of each class, those ions go whose distance from
the site is largest, alone or in pairs, because the surroundings of the site have to stay whole.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from qddft.atoms.blocks import EDGE, EXPOSURES, Frame, exposure, outermost
from qddft.core.errors import ChargeError

if TYPE_CHECKING:
    from collections.abc import Sequence

RULE = (
    "ions of the sign of the excess charge are left out, corners first, then edges, then faces, as opposite pairs "
    "(of an odd number three whose dipoles cancel), each as far from the others as can be"
)
_THREE = 3


@dataclass(frozen=True)
class _Pool:
    """Ions that may go.

    Attributes
    ----------
    positions
        Ideal positions, shape (n, 3), Angstrom.
    charges
        Formal charges, e, shape (n,).
    rank
        Smaller goes first, shape (n,).
    partner
        The opposite ion of equal charge, -1 without, shape (n,).
    order
        Decides between equals, shape (n,).
    """

    positions: np.ndarray
    charges: np.ndarray
    rank: np.ndarray
    partner: np.ndarray
    order: np.ndarray


def ions_to_remove(
    places: np.ndarray, charges: np.ndarray, frame: Frame, *, seed: int = 0, site: np.ndarray | None = None
) -> "list[tuple[int, str]]":
    """Return the ions to leave out, and from where each is.

    Parameters
    ----------
    places
        Half steps, integers, shape (n, 3).
    charges
        Formal charges, integers, e, shape (n,).
    frame
        Of the block.
    seed
        Decides between equally good choices.
    site
        What has to stay far from the gaps, shape (3,), Angstrom: clusters around a ligand.

    Returns
    -------
    list
        (index, ``corner`` | ``edge`` | ``face`` | ``inside``) in the order in which they were chosen.

    Raises
    ------
    ChargeError
        No ions of the block add up to the excess.
    """
    pool = _pool(places, charges, frame, seed)
    away = np.full(len(charges), np.inf)
    if site is not None:
        away = np.linalg.norm(pool.positions - site, axis=1)
    shown = exposure(places, frame)
    gone: list[int] = []
    excess = int(charges.sum())
    while excess:
        alone = site is not None or gone
        chosen = (() if alone else _triple(pool, excess, shown)) or _next(
            pool, gone, excess, away if site is not None else None
        )
        if not chosen:
            raise ChargeError(f"the block has an excess charge of {excess:+d} that none of its ions can balance.")
        gone.extend(chosen)
        excess -= int(pool.charges[list(chosen)].sum())
    return [(index, EXPOSURES[int(shown[index])]) for index in gone]


def _pool(places: np.ndarray, charges: np.ndarray, frame: Frame, seed: int) -> _Pool:
    below = exposure(places, frame) > outermost(places, frame)
    rank = -2 * exposure(places, frame) + below
    numbers = {tuple(place): index for index, place in enumerate(places.tolist())}
    opposite = (frame.low + frame.high - places).tolist()
    partner = np.array([numbers.get(tuple(place), -1) for place in opposite])
    alike = (partner >= 0) & (charges[partner] == charges) & (partner != np.arange(len(places)))
    order = np.empty(len(places), dtype=int)
    # by place, so that the order in which the ions are listed has no say
    order[np.lexsort(places.T)] = np.random.default_rng(seed).permutation(len(places))
    return _Pool(frame.ideal(places), charges, rank, np.where(alike, partner, -1), order)


def _next(pool: _Pool, gone: "Sequence[int]", excess: int, away: np.ndarray | None) -> tuple[int, ...]:
    """Return the next pair, or the next ion alone; empty if nothing fits."""
    free = np.ones(len(pool.charges), dtype=bool)
    free[list(gone)] = False
    fits = free & (np.sign(pool.charges) == np.sign(excess)) & (np.abs(pool.charges) <= abs(excess))
    # around a site the far side goes alone: its opposite is near the site
    paired = (
        fits & (pool.partner >= 0) & free[pool.partner] & (2 * np.abs(pool.charges) <= abs(excess)) & (away is None)
    )
    for allowed in (paired, fits):
        if not allowed.any():
            continue
        index = _farthest(pool, np.flatnonzero(allowed), gone, away)
        return (index, int(pool.partner[index])) if allowed is paired else (index,)
    return ()


def _triple(pool: _Pool, excess: int, shown: np.ndarray) -> tuple[int, ...]:
    """Return three ions of an odd number: edge ions whose dipoles cancel best; empty if there is no need."""
    if excess % 2 == 0 or abs(excess) < _THREE:
        return ()
    from scipy.spatial import cKDTree

    among = np.flatnonzero((pool.charges == np.sign(excess)) & (shown == EDGE))
    if len(among) < _THREE:
        return ()
    places = pool.positions[among]
    first, second = np.triu_indices(len(among), k=1)
    rest, third = cKDTree(places).query(-(places[first] + places[second]))
    apart = np.minimum.reduce(
        [np.linalg.norm(places[i] - places[j], axis=1) for i, j in ((first, second), (second, third), (third, first))]
    )
    good = np.flatnonzero(apart > 0.1)
    if not len(good):
        return ()
    keys = (pool.order[among][first[good]], -apart[good].round(3), rest[good].round(3))
    best = good[np.lexsort(keys)[0]]
    return tuple(int(among[k]) for k in (first[best], second[best], third[best]))


def _farthest(pool: _Pool, among: np.ndarray, gone: "Sequence[int]", away: np.ndarray | None) -> int:
    """Return the ion of the best class that is farthest from the site and from the ions gone before."""
    best = among[pool.rank[among] == pool.rank[among].min()]
    keys = [pool.order[best]]
    if len(gone):
        steps = pool.positions[best][:, None, :] - pool.positions[list(gone)][None, :, :]
        keys.append(-np.linalg.norm(steps, axis=2).min(axis=1).round(3))
    if away is not None:
        keys.append(-away[best].round(3))
    return int(best[np.lexsort(keys)[0]])
