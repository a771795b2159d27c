"""What a report calls the quantities of the recipes, and in which way their numbers point."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Record = Mapping[str, Any]


@dataclass(frozen=True)
class Quantity:
    """How one quantity is shown.

    Attributes
    ----------
    name
        As in ``Result.quantity``.
    title
        Heading, in the plural.
    math
        Symbol as matplotlib sets it.
    sign
        What the sign means, in a few words.
    file
        Name of its figure.
    """

    name: str
    title: str
    math: str
    sign: str
    file: str


_ADSORPTION = Quantity("E_ads", "Adsorption energies", r"$E_\mathrm{ads}$", "negative = bound", "binding")
_EXCHANGE = Quantity(
    "E_exchange", "Exchange energies", r"$E_\mathrm{exchange}$", "negative = the new ligand stays", "exchange"
)
_VACANCY = "E_f(V_"
VACANCIES = "Vacancy formation energies"
# how records name the two ends of an exchange, and ligands that sit on one face together; how a page shows the first
EXCHANGED, TOGETHER = " -> ", " + "
ARROW = "→"


def quantity_of(name: str) -> Quantity:
    """Return how a quantity is shown; one that no line here knows goes by its own name."""
    for known in (_ADSORPTION, _EXCHANGE):
        if name == known.name:
            return known
    if name.startswith(_VACANCY):
        missing = name.removeprefix(_VACANCY).rstrip(")")
        group = missing.startswith(("Cs", "Pb")) and len(missing) > 2
        sign = f"energy that a vacancy costs, {f'against a {missing} molecule' if group else f'{missing}-rich limit'}"
        return Quantity(name, VACANCIES, rf"$E_\mathrm{{f}}(V_\mathrm{{{missing}}})$", sign, f"vacancy-{missing}")
    return Quantity(name, name, name, "see the convention", "".join(c if c.isalnum() else "-" for c in name.lower()))


def by_quantity(records: Sequence[Record]) -> dict[Quantity, list[Record]]:
    """Return the records of each quantity, in the order in which quantities first appear."""
    groups: dict[Quantity, list[Record]] = {}
    for record in records:
        groups.setdefault(quantity_of(str(record["quantity"])), []).append(record)
    return groups


def conventions(records: Sequence[Record]) -> list[str]:
    """Return the formulas of records, each once; those that name their own complex are left to the records."""
    return list(dict.fromkeys(str(record["convention"]) for record in records))
