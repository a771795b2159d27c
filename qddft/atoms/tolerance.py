"""Tolerance factors of ABX3 perovskites, with the radii they rest on."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from qddft.atoms.composition import parse_composition
from qddft.atoms.radii import EFFECTIVE, IonRadius, PrintedValue, find_radius, printed_values
from qddft.core.errors import StructureError

_BARTEL_SOURCE = "Bartel et al. Sci. Adv. 2019, 5, eaav0693 (formula as commonly quoted, not checked against the paper)"


@dataclass(frozen=True)
class ToleranceFactors:
    """Three geometric measures of how well the ions of ABX3 fit together.

    Attributes
    ----------
    formula
        Canonical formula; on a mixed sublattice the radii are averaged linearly.
    coordination
        Coordination number asked for on the A site; it changes t by up to 0.05 and decides on which side of the limit
        tau falls, so it belongs to the result.
    goldschmidt
        t = (r_A + r_X) / (sqrt(2) (r_B + r_X)), Goldschmidt 1926.
    octahedral
        mu = r_B / r_X.
    bartel
        tau = r_X / r_B - n_A [n_A - (r_A / r_B) / ln(r_A / r_B)], n_A the charge of A.
    radii
        Every radius used, with coordination and source.
    printed
        What papers print for this formula where it does not follow from the radii.
    notes
        Guards a reader needs.
    """

    formula: str
    coordination: str
    goldschmidt: float
    octahedral: float
    bartel: float
    radii: tuple[IonRadius, ...]
    printed: tuple[PrintedValue, ...]
    notes: tuple[str, ...]

    def __str__(self) -> str:
        lines = [
            f"{self.formula}: t = {self.goldschmidt:.3f}, mu = {self.octahedral:.3f}, tau = {self.bartel:.2f}",
            *(str(radius) for radius in self.radii),
            *(f"printed: {item.quantity} {item.value:g} ({item.source}); {item.note}" for item in self.printed),
            *self.notes,
        ]
        return "\n".join(lines)


def tolerance_factors(formula: str, *, coordination: str = "XII") -> ToleranceFactors:
    """Compute the tolerance factors of a perovskite.

    Parameters
    ----------
    formula
        ``CsPbI3``, ``GAPbI3``, ``Cs0.9GA0.1PbI3``, ``CsPb(Br0.5I0.5)3``.
    coordination
        Shannon coordination of the A cation: ``XII`` (ideal cubic), ``VIII`` or ``VI`` (often met in the literature);
        B and X are taken at VI. Molecular cations have one effective radius.

    Raises
    ------
    StructureError
        A formula that is no ABX3, or an ion without a radius at this coordination.
    """
    composition = parse_composition(formula)
    a_radii = {symbol: find_radius(symbol, coordination) for symbol in composition.a}
    b_radii = {symbol: find_radius(symbol, "VI") for symbol in composition.b}
    x_radii = {symbol: find_radius(symbol, "VI") for symbol in composition.x}
    r_a, r_b, r_x = (
        _mean(fractions, radii)
        for fractions, radii in ((composition.a, a_radii), (composition.b, b_radii), (composition.x, x_radii))
    )
    used = (*a_radii.values(), *b_radii.values(), *x_radii.values())
    return ToleranceFactors(
        formula=composition.formula,
        coordination=coordination.upper(),
        goldschmidt=goldschmidt(r_a, r_b, r_x),
        octahedral=r_b / r_x,
        bartel=bartel(r_a, r_b, r_x),
        radii=used,
        printed=tuple(item for item in printed_values() if item.formula == composition.formula),
        notes=_notes(used, mixed=len(used) > 3),
    )


def goldschmidt(r_a: float, r_b: float, r_x: float) -> float:
    """Return t = (r_A + r_X) / (sqrt(2) (r_B + r_X)); 1 where all contacts fit, radii in Angstrom.

    Raises
    ------
    StructureError
        A radius that is not positive.
    """
    _check(r_a, r_b, r_x)
    return (r_a + r_x) / (math.sqrt(2) * (r_b + r_x))


def bartel(r_a: float, r_b: float, r_x: float, n_a: int = 1) -> float:
    """Return tau = r_X / r_B - n_A [n_A - (r_A / r_B) / ln(r_A / r_B)], radii in Angstrom, n_A the charge of A.

    Raises
    ------
    StructureError
        A radius that is not positive, or A not larger than B, where the formula does not apply.
    """
    _check(r_a, r_b, r_x)
    if r_a <= r_b:
        raise StructureError(f"tau needs an A cation larger than B; the radii are {r_a:g} and {r_b:g} Angstrom.")
    ratio = r_a / r_b
    return r_x / r_b - n_a * (n_a - ratio / math.log(ratio))


def _check(*radii: float) -> None:
    """Refuse radii that are no lengths."""
    for radius in radii:
        if not math.isfinite(radius) or radius <= 0:
            raise StructureError(f"the radius {radius!r} is not a positive length in Angstrom.")


def _mean(fractions: Mapping[str, float], radii: Mapping[str, IonRadius]) -> float:
    """Return the linear average of the radii on a sublattice, Angstrom."""
    return sum(fraction * radii[symbol].radius for symbol, fraction in fractions.items())


def _notes(radii: tuple[IonRadius, ...], *, mixed: bool) -> tuple[str, ...]:
    """Say what limits the numbers."""
    notes = [f"tau: {_BARTEL_SOURCE}; smaller is more perovskite-like, see the paper for its limit."]
    if any(radius.coordination == EFFECTIVE for radius in radii):
        notes.append(
            "tau was trained on inorganic ions: a molecular cation with a small tau need not form a three-dimensional "
            "perovskite (guanidinium has one and forms none with lead iodide)."
        )
    if mixed:
        notes.append("radii of mixed sublattices are averaged linearly.")
    return tuple(notes)
