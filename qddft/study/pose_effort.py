"""How much a search of poses computes: how many starts, and how many of them are relaxed how far."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from qddft.core.errors import PlacementError

# of the steps to the end, the first rung of relaxations goes a twelfth and the second a third, but no fewer than these
_FIRST_SHARE, _SECOND_SHARE, _LEAST_STEPS = 12, 3, 8


@dataclass(frozen=True)
class Rung:
    """How many starts are relaxed up to how many ionic steps, those of the rungs before included."""

    count: int
    steps: int


@dataclass(frozen=True)
class SearchEffort:
    """How much is computed.

    Attributes
    ----------
    single_points
        Starting poses whose energy is computed, at most.
    relaxations
        How many of them are relaxed, for a few steps at first; the slab is frozen.
    steps
        Ionic steps of those that go on to the end, at most; ``rungs`` says how many do.
    conformers
        Conformers of each ligand, lowest force-field energy first.
    heights
        Bonds at the start: how much longer than the shortest that fits, Angstrom.
    max_tilt
        Largest angle of a ligand from upright at the start, degrees. Chains that lie flat gain dispersion that they
        would not in a shell of ligands: 60 leaves them out.
    """

    single_points: int = 48
    relaxations: int = 12
    steps: int = 120
    conformers: int = 4
    heights: tuple[float, ...] = (0.0, 0.3)
    max_tilt: float = 180.0

    def __post_init__(self) -> None:
        for name, most in (("single_points", 9999), ("relaxations", 999), ("steps", 9999), ("conformers", 400)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | np.integer) or not 1 <= value <= most:
                raise PlacementError(f"{name} {value!r}: give a whole number from 1 to {most}.")
        object.__setattr__(self, "heights", _heights(self.heights))
        if not _is_number(self.max_tilt) or not 0 < self.max_tilt <= 180:
            raise PlacementError(f"max_tilt {self.max_tilt!r}: give an angle above 0 and up to 180 degrees.")

    def rungs(self, keep: int) -> tuple[Rung, ...]:
        """Return how many starts are relaxed how far: many for a few steps, the best of them on and on.

        Successive halving (K. Jamieson, A. Talwalkar, Proc. AISTATS 51 (2016) 240): the lowest rigid start seldom leads
        to the lowest minimum, and which start does shows long before its relaxation has converged.

        Parameters
        ----------
        keep
            Poses that will be written; all of them are relaxed to the end.
        """
        shares = ((1, _FIRST_SHARE), (2, _SECOND_SHARE), (4, 1))
        found: list[Rung] = []
        for part, share in shares:
            count = min(self.relaxations, max(keep, math.ceil(self.relaxations / part)))
            reach = min(self.steps, max(_LEAST_STEPS, self.steps // share))
            if found and reach == found[-1].steps:
                # too few steps to divide: all that came so far have gone all the way
                continue
            found.append(Rung(count, reach))
        return tuple(found)

    def evaluations(self, starts: int, keep: int) -> int:
        """Return the energies with forces that a search with so many starting poses needs at most.

        Where relaxations end in one minimum others go on in their place, and it may be more.
        """
        count, before = starts, 0
        for rung in self.rungs(keep):
            count += min(rung.count, starts) * (1 + rung.steps - before)
            before = rung.steps
        return count


def _heights(values: Sequence[float]) -> tuple[float, ...]:
    listed = tuple(values)
    if not listed or not all(_is_number(value) and 0 <= value <= 3 for value in listed):
        raise PlacementError(f"heights {values!r}: give one or more lengths from 0 to 3 Å.")
    return tuple(dict.fromkeys(float(value) for value in listed))


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and bool(np.isfinite(value))
