"""Formation energies of charge states against the Fermi level, and the levels at which the charge changes.

``E_f(q, E_F) = E_f(q, 0) + q E_F``, and ``eps(q/q') = [E_f(q, 0) - E_f(q', 0)]/(q' - q)`` where two lines cross;
Freysoldt et al., Rev. Mod. Phys. 86, 253 (2014).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from qddft.core.errors import ReferenceSchemeError

__all__ = ["ChargeLine", "Transition", "envelope", "transitions"]


@dataclass(frozen=True)
class ChargeLine:
    """The formation energy of one charge state.

    Attributes
    ----------
    charge
        Its slope, e.
    at_vbm
        Formation energy with the Fermi level at the valence band maximum, eV.
    """

    charge: int
    at_vbm: float

    def at(self, fermi: float) -> float:
        """Return the formation energy with the Fermi level this far above the valence band maximum, eV."""
        return self.at_vbm + self.charge * fermi


@dataclass(frozen=True)
class Transition:
    """The Fermi level at which two charge states cost the same.

    Attributes
    ----------
    charges
        The more positive one first: it is the lower one below the level.
    level
        Above the valence band maximum, eV.
    energy
        Formation energy there, eV.
    stable
        No third charge state costs less there: a thermodynamic transition level.
    """

    charges: tuple[int, int]
    level: float
    energy: float
    stable: bool

    @property
    def name(self) -> str:
        """As papers write it: ``(+1/0)``."""
        return "({}/{})".format(*(f"{charge:+d}" if charge else "0" for charge in self.charges))


def transitions(lines: Sequence[ChargeLine]) -> tuple[Transition, ...]:
    """Return the crossings of neighboring charge states and all thermodynamic ones, in order of their level.

    Parameters
    ----------
    lines
        One a charge.

    Raises
    ------
    ReferenceSchemeError
        Two lines have one charge.
    """
    ordered = sorted(lines, key=lambda line: -line.charge)
    charges = [line.charge for line in ordered]
    if len(set(charges)) < len(charges):
        raise ReferenceSchemeError(f"two charge states have one charge: {', '.join(f'{q:+d}' for q in charges)}")
    lower = {(one.charge, other.charge) for one, other in pairwise(envelope(lines))}
    pairs = {(one.charge, other.charge): (one, other) for one, other in pairwise(ordered)}
    by_charge = {line.charge: line for line in ordered}
    pairs |= {pair: (by_charge[pair[0]], by_charge[pair[1]]) for pair in lower}
    found = []
    for pair, (one, other) in pairs.items():
        level = (one.at_vbm - other.at_vbm) / (other.charge - one.charge)
        found.append(Transition(pair, level, one.at(level), pair in lower))
    return tuple(sorted(found, key=lambda item: item.level))


def envelope(lines: Sequence[ChargeLine]) -> tuple[ChargeLine, ...]:
    """Return the charge states that are the cheapest somewhere, from low to high Fermi level."""
    kept: list[ChargeLine] = []
    for line in sorted(lines, key=lambda item: -item.charge):
        while len(kept) > 1 and _crossing(kept[-2], line) <= _crossing(kept[-2], kept[-1]):
            kept.pop()
        kept.append(line)
    return tuple(kept)


def _crossing(one: ChargeLine, other: ChargeLine) -> float:
    return float(np.divide(one.at_vbm - other.at_vbm, other.charge - one.charge))
