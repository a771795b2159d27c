"""Formulas of lead-halide perovskites, mixed on any sublattice: ``Cs0.9GA0.1Pb(Br0.5I0.5)3``."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from qddft.atoms.ions import A_CATIONS, B_CATIONS, HALIDES
from qddft.atoms.radii import molecular_cations
from qddft.core.errors import StructureError
from qddft.core.frozen import freeze_fields
from qddft.core.suggest import did_you_mean


@dataclass(frozen=True)
class Composition:
    """Fractions on the three sublattices of ABX3, each adding up to one.

    Attributes
    ----------
    a, b, x
        Symbol (or short name of a molecular cation: MA, FA, GA ...) -> fraction.
    """

    a: Mapping[str, float]
    b: Mapping[str, float]
    x: Mapping[str, float]

    def __post_init__(self) -> None:
        freeze_fields(self)

    @property
    def formula(self) -> str:
        """Canonical formula, the larger fraction first."""
        halides = _written(self.x)
        anion = f"{halides}3" if len(self.x) == 1 else f"({halides})3"
        return _written(self.a) + _written(self.b) + anion

    def __str__(self) -> str:
        return self.formula


def parse_composition(formula: str) -> Composition:
    """Read the formula of an ABX3 perovskite.

    Parameters
    ----------
    formula
        ``CsPbBr3``, ``CsPbBr1.5I1.5``, ``CsPb(Br0.5I0.5)3``, ``Cs0.9FA0.1PbI3``; molecular cations by short name.

    Raises
    ------
    StructureError
        Something that is no ion of such a perovskite, or amounts that are not one A, one B and three X.
    """
    amounts = _amounts(formula)
    molecules = molecular_cations()
    sublattices = {"A": (*A_CATIONS, *molecules), "B": B_CATIONS, "X": HALIDES}
    known = [symbol for symbols in sublattices.values() for symbol in symbols]
    for symbol in amounts:
        if symbol not in known:
            hint = did_you_mean(symbol, known)
            raise StructureError(f"formula {formula!r}: {symbol!r} is no ion of a lead-halide perovskite here. {hint}")
    fractions = {}
    for (name, symbols), expected in zip(sublattices.items(), (1.0, 1.0, 3.0), strict=True):
        held = {symbol: amounts[symbol] for symbol in symbols if amounts.get(symbol)}
        total = sum(held.values())
        if abs(total - expected) > 1e-6:
            raise StructureError(
                f"formula {formula!r}: the {name} site adds up to {total:g}, ABX3 needs {expected:g}. "
                "Write for instance CsPb(Br0.5I0.5)3 or Cs0.9GA0.1PbI3."
            )
        fractions[name] = {symbol: amount / total for symbol, amount in held.items()}
    return Composition(fractions["A"], fractions["B"], fractions["X"])


def _amounts(formula: str) -> dict[str, float]:
    """Return symbol -> amount, parentheses multiplied out."""
    names = "|".join(sorted(molecular_cations(), key=len, reverse=True))
    number = r"\d+\.?\d*|\.\d+"
    token = re.compile(rf"(?P<open>\()|(?P<close>\))|(?P<symbol>{names}|[A-Z][a-z]?)|(?P<number>{number})")
    text = formula.strip()
    stack: list[list[tuple[str, float]]] = [[]]
    position = 0
    while position < len(text):
        match = token.match(text, position)
        if match is None:
            raise StructureError(
                f"formula {formula!r}: {text[position]!r} at character {position + 1} is not understood."
            )
        position = match.end()
        if match["open"]:
            stack.append([])
            continue
        if match["number"] or (match["close"] and len(stack) == 1):
            raise StructureError(
                f"formula {formula!r}: {match.group()!r} at character {match.start() + 1} is out of place."
            )
        factor_match = re.compile(number).match(text, position)
        factor = float(factor_match.group()) if factor_match else 1.0
        position = factor_match.end() if factor_match else position
        group = stack.pop() if match["close"] else [(match["symbol"], 1.0)]
        stack[-1].extend((symbol, amount * factor) for symbol, amount in group)
    if len(stack) != 1:
        raise StructureError(f"formula {formula!r}: a parenthesis is not closed.")
    amounts: dict[str, float] = {}
    for symbol, amount in stack[0]:
        amounts[symbol] = amounts.get(symbol, 0.0) + amount
    return amounts


def _written(fractions: Mapping[str, float]) -> str:
    """Write one sublattice, the larger fraction first."""
    ordered = sorted(fractions.items(), key=lambda item: (-round(item[1], 9), item[0]))
    return "".join(symbol if abs(part - 1) < 1e-9 else f"{symbol}{round(part, 4):g}" for symbol, part in ordered)
