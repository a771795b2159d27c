"""When a series of ever finer settings has converged: the smallest setting from which on all values agree."""

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Verdict", "judge"]


@dataclass(frozen=True)
class Verdict:
    """What a series says about its settings.

    Attributes
    ----------
    smallest
        Number of the smallest setting from which on all values agree; ``None`` where none can be named.
    differences
        Value of each setting less that of the finest; ``None`` where one of the two is missing.
    text
        The verdict in a sentence, with ``{0}``, ``{1}`` ... where the settings of these numbers go.
    """

    smallest: int | None
    differences: tuple[float | None, ...]
    text: str


def judge(values: Sequence[float | None], tolerance: float, unit: str = "eV") -> Verdict:
    """Find the smallest setting whose value, and every finer one, lies within a tolerance of every other.

    A value that agrees with the finest by a chance crossing does not count: all settings from the smallest on have to
    agree with each other. The finest setting itself has no finer one to judge it and is never named.

    Parameters
    ----------
    values
        From the coarsest setting to the finest; ``None`` is a point that is missing.
    tolerance
        Largest difference between any two of the values that agree, in their unit.
    unit
        Unit of the values, for the sentence.
    """
    last = len(values) - 1
    finest = values[last]
    differences = tuple(None if value is None or finest is None else value - finest for value in values)
    if finest is None:
        return Verdict(None, differences, f"no setting can be named: the finest point, {{{last}}}, is missing")
    tail = _tail(values)
    if len(tail) < 2:
        return Verdict(None, differences, f"no setting can be named: {{{last - 1}}} is missing, next to the finest")
    agreeing = _agreeing(tail, tolerance)
    if agreeing < 2:
        # the values just beside each other are the ones a reader would compare
        apart = abs(tail[-1] - tail[-2])
        text = (
            f"not converged within the series: {{{last - 1}}} and {{{last}}} differ by {apart:.3g} {unit}, more than "
            f"{tolerance:g} {unit}; go on to finer settings"
        )
        return Verdict(None, differences, text)
    smallest = len(values) - agreeing
    text = (
        f"smallest setting: {{{smallest}}}; from there on all values agree within {tolerance:g} {unit}. The finest, "
        f"{{{last}}}, has nothing finer to judge it"
    )
    if agreeing == len(tail) < len(values):
        text += f"; {{{smallest - 1}}} is missing, so that nothing coarser is judged"
    return Verdict(smallest, differences, text)


def _tail(values: Sequence[float | None]) -> list[float]:
    """Return the values from the last gap to the finest."""
    tail: list[float] = []
    for value in reversed(values):
        if value is None:
            break
        tail.insert(0, value)
    return tail


def _agreeing(tail: Sequence[float], tolerance: float) -> int:
    """Return how many of the finest values lie within the tolerance of each other."""
    count = 1
    # a difference that equals the tolerance agrees, whatever its last digit
    limit = tolerance * (1 + 1e-9)
    while count < len(tail) and max(tail[-count - 1 :]) - min(tail[-count - 1 :]) <= limit:
        count += 1
    return count
