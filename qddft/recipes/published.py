"""Published values in the convention and unit of our results."""

from collections.abc import Mapping
from typing import Any

from qddft.core.units import KCAL_PER_MOL_IN_EV, KJ_PER_MOL_IN_EV

_IN_EV = {"eV": 1.0, "meV": 1e-3, "kJ/mol": KJ_PER_MOL_IN_EV, "kcal/mol": KCAL_PER_MOL_IN_EV}
# a binding energy is the adsorption energy with the other sign
_SIGN = {"E_ads": 1.0, "E_bind": -1.0}


def as_adsorption_energy(
    *, quantity: str, value: float | None, unit: str, tolerance: float | None, source: str
) -> dict[str, Any]:
    """Return a published binding or adsorption energy as E_ads in eV, negative = bound, with what was printed.

    Parameters
    ----------
    quantity
        ``E_ads`` (negative = bound) or ``E_bind`` (positive = bound).
    value
        As printed, in ``unit``; ``None`` where a source shows it in a figure only.
    unit
        ``eV``, ``meV``, ``kJ/mol`` or ``kcal/mol``.
    tolerance
        In ``unit``, or ``None``.
    source
        Where it is printed.
    """
    factor = _IN_EV[unit]
    return {
        "quantity": "E_ads",
        "value": None if value is None else round(_SIGN[quantity] * factor * value, 10),
        "unit": "eV",
        "tolerance": None if tolerance is None else round(factor * tolerance, 10),
        "source": source,
        "printed": _printed(quantity, value, unit),
    }


def _printed(quantity: str, value: float | None, unit: str) -> Mapping[str, Any]:
    return {"quantity": quantity, "value": value, "unit": unit}
