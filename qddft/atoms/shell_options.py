"""What a user may say about a shell: ligands, modes, shares and how many."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any

from qddft.atoms.ligand import Ligand
from qddft.atoms.targets import Mode, check_mode
from qddft.core.errors import PlacementError

if TYPE_CHECKING:
    from qddft.atoms.shell_sites import Core

DEFAULT_COVERAGE = 2.0
SQUARE_NM = 100.0
# poses are judged by pairs up to 0.9 of the van der Waals distance
_MOST_CONTACT = 0.85


@dataclass(frozen=True)
class Part:
    """One kind of ligand in a shell.

    Attributes
    ----------
    ligand, mode
        What and how.
    share
        Of the number of ligands, in proportion to the other shares.
    """

    ligand: Ligand
    mode: Mode
    share: float


def parts_of(ligands: Sequence[Any]) -> list[Part]:
    """Read ligands, ``(ligand, mode)`` and ``(ligand, mode, share)``.

    Raises
    ------
    PlacementError
        Nothing, something else, or a share that is no positive number.
    """
    if not ligands:
        raise PlacementError("passivate: name at least one ligand, for instance get_ligand('oleate').")
    return [_part(item) for item in ligands]


def _part(item: Any) -> Part:
    listed: list[Any] = list(item) if isinstance(item, Sequence) and not isinstance(item, str) else [item]
    ligand, *rest = listed or [None]
    if not isinstance(ligand, Ligand) or len(rest) > 2:
        raise PlacementError(
            f"passivate: {item!r} is no Ligand, (ligand, mode) or (ligand, mode, share); get one with get_ligand."
        )
    mode = check_mode(rest[0]) if rest and rest[0] is not None else _usual_mode(ligand)
    share = rest[1] if len(rest) > 1 else 1.0
    if isinstance(share, bool) or not isinstance(share, Real) or not math.isfinite(share) or share <= 0:
        raise PlacementError(f"{ligand.name}: the share {share!r} is no positive number.")
    return Part(ligand, mode, float(share))


def _usual_mode(ligand: Ligand) -> Mode:
    """Return how a ligand binds unless it is said: ions exchange, neutral molecules sit on a cation."""
    if ligand.charge == 0:
        return "atop"
    return "X-site" if ligand.charge < 0 else "A-site"


def check_shell(coverage: float | None, fraction: float | None, seed: int, min_contact: float) -> None:
    """Refuse numbers that mean nothing.

    Raises
    ------
    PlacementError
        Both a coverage and a fraction, or one of the numbers out of range.
    """
    if coverage is not None and fraction is not None:
        raise PlacementError("give a coverage (ligands per nm²) or a fraction of the places, not both.")
    if coverage is not None and not _between(coverage, 0.0, 100.0):
        raise PlacementError(f"coverage {coverage!r}: give ligands per nm² as a positive number.")
    if fraction is not None and not _between(fraction, 0.0, 1.0):
        raise PlacementError(f"fraction {fraction!r}: give a share of the places above 0, at most 1.")
    if isinstance(seed, bool) or not isinstance(seed, Integral) or not 0 <= seed < 2**31:
        raise PlacementError(f"seed {seed!r}: give a whole number from 0 to 2147483647.")
    if not _between(min_contact, -1e-9, _MOST_CONTACT):
        raise PlacementError(
            f"min_contact {min_contact!r}: give a share of the van der Waals distance, 0 to {_MOST_CONTACT}."
        )


def _between(number: object, above: float, most: float) -> bool:
    return isinstance(number, Real) and not isinstance(number, bool) and above < float(number) <= most


def wanted_numbers(
    parts: list[Part], places: list[int], core: "Core", coverage: float | None, fraction: float | None
) -> list[int]:
    """Return how many ligands of each kind are asked for.

    Parameters
    ----------
    parts, places
        The kinds, and how many places each has.
    core
        Gives the area.
    coverage, fraction
        As in ``passivate``.

    Raises
    ------
    PlacementError
        So few that a kind gets none.
    """
    if fraction is not None:
        numbers = [round(fraction * count) for count in places]
    else:
        per_nm2 = DEFAULT_COVERAGE if coverage is None else coverage
        numbers = _apportioned(round(per_nm2 * area_nm2(core)), [part.share for part in parts])
    if 0 in numbers:
        name = parts[numbers.index(0)].ligand.name
        raise PlacementError(
            f"{name}: less than one ligand on {area_nm2(core):.1f} nm²; ask for a higher coverage or fraction."
        )
    return numbers


def area_nm2(core: "Core") -> float:
    """Return the area of the six faces, nm^2."""
    return 2 * float(core.frame.areas.sum()) / SQUARE_NM


def _apportioned(total: int, shares: list[float]) -> list[int]:
    """Divide a number by the method of largest remainders."""
    exact = [total * share / sum(shares) for share in shares]
    numbers = [math.floor(value) for value in exact]
    left = sorted(range(len(shares)), key=lambda k: (numbers[k] - exact[k], k))
    for k in left[: total - sum(numbers)]:
        numbers[k] += 1
    return numbers
