"""Ionic radii with coordination number and source, from ``structures/radii.toml``."""

import tomllib
from dataclasses import dataclass
from functools import cache
from typing import Any

from qddft.core.errors import StructureError
from qddft.core.resources import data_folder
from qddft.core.suggest import did_you_mean

EFFECTIVE = "effective"


@dataclass(frozen=True)
class IonRadius:
    """One radius.

    Attributes
    ----------
    symbol
        Chemical symbol, or short name of a molecular cation (MA, FA, GA ...).
    charge
        Charge, e.
    coordination
        Roman numeral as in Shannon's tables, or ``effective`` for a molecule.
    radius
        Angstrom.
    source
        Where it was read.
    """

    symbol: str
    charge: int
    coordination: str
    radius: float
    source: str

    def __str__(self) -> str:
        return f"r({self.symbol}, {self.coordination}) = {self.radius:g} Angstrom"


@dataclass(frozen=True)
class PrintedValue:
    """A value that a paper prints, kept to be shown beside the computed one.

    Attributes
    ----------
    formula, quantity
        What it is said of.
    value
        As printed.
    source, note
        Where, and what is to be said about it.
    """

    formula: str
    quantity: str
    value: float
    source: str
    note: str


@cache
def _data() -> dict[str, Any]:
    """Return the data file."""
    return tomllib.loads((data_folder("structures") / "radii.toml").read_text(encoding="utf-8"))


@cache
def ion_radii() -> tuple[IonRadius, ...]:
    """Return all radii of the library."""
    data = _data()
    return tuple(
        IonRadius(item["symbol"], item["charge"], item["coordination"], item["radius"], data[item["source"]])
        for item in data["ions"]
    )


@cache
def printed_values() -> tuple[PrintedValue, ...]:
    """Return the values of papers that do not follow from the radii here."""
    return tuple(PrintedValue(**item) for item in _data()["printed"])


@dataclass(frozen=True)
class MolecularCation:
    """A molecule that takes the A site.

    Attributes
    ----------
    symbol, name
        Short name and full name: ``GA``, ``guanidinium``.
    smiles
        Its SMILES, charge included.
    charge
        Charge, e.
    """

    symbol: str
    name: str
    smiles: str
    charge: int


@cache
def molecular_cations() -> dict[str, MolecularCation]:
    """Return short name -> molecular cation."""
    molecules = [item for item in _data()["ions"] if item["coordination"] == EFFECTIVE]
    return {
        item["symbol"]: MolecularCation(item["symbol"], item["name"], item["smiles"], item["charge"])
        for item in molecules
    }


def find_radius(symbol: str, coordination: str) -> IonRadius:
    """Return the radius of an ion; a molecular cation has one for all coordinations.

    Parameters
    ----------
    symbol
        Chemical symbol or short name of a molecular cation.
    coordination
        Roman numeral: ``VI``, ``VIII``, ``XII`` ...

    Raises
    ------
    StructureError
        An unknown ion, or one without a radius at this coordination.
    """
    of_symbol = {item.coordination: item for item in ion_radii() if item.symbol == symbol}
    if not of_symbol:
        hint = did_you_mean(symbol, {item.symbol for item in ion_radii()})
        raise StructureError(f"no ionic radius for {symbol!r}. {hint}")
    found = of_symbol.get(coordination.upper(), of_symbol.get(EFFECTIVE))
    if found is None:
        raise StructureError(
            f"no radius of {symbol} at coordination {coordination!r}; there are {', '.join(of_symbol)}."
        )
    return found
