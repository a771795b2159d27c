"""The charge ledger: formal charges of slab ions, vacancies and ligands, added up."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from qddft.atoms.electrons import VALENCE_ELECTRONS, n_valence_electrons
from qddft.atoms.ions import FORMAL_CHARGES
from qddft.core.errors import ChargeError

if TYPE_CHECKING:
    from ase import Atoms

REFERENCE_SCHEMES = ("acid-exchange", "salt-exchange", "ion-pair", "vacancy-filling", "fragment")
COMPENSATING_MODES = ("X-site", "A-site", "ion-pair")
# what fragment 0 is called, by the kind of the structure
_WHOLES = {"nanocrystal": "nanocrystal", "cluster": "cluster"}


@dataclass(frozen=True)
class ChargeEntry:
    """One line of the ledger.

    Attributes
    ----------
    what
        The ion, ligand or vacancy.
    count
        How many there are.
    charge
        Formal charge of one, e.
    """

    what: str
    count: int
    charge: int

    @property
    def sum(self) -> int:
        """Formal charge of all of them, e."""
        return self.count * self.charge


@dataclass(frozen=True)
class ChargeLedger:
    """Formal charges of a structure and the electrons that follow from them.

    Attributes
    ----------
    entries
        Slab ions as if none were missing, then what was removed, then ligands.
    total
        Net formal charge of the cell, e.
    n_electrons
        Valence electrons at that charge, sum of ZVAL minus ``total``; ``None`` if an element has no listed PAW set.
    """

    entries: tuple[ChargeEntry, ...]
    total: int
    n_electrons: int | None

    @property
    def is_neutral(self) -> bool:
        """The formal charges add up to zero."""
        return self.total == 0

    def table(self) -> str:
        """Return the ledger as text, one line an entry."""
        lines = [f"{entry.count:>5} x {entry.what:<34} {entry.charge:+d} {entry.sum:+6d}" for entry in self.entries]
        electrons = "" if self.n_electrons is None else f", {self.n_electrons} valence electrons"
        return "\n".join([*lines, f"total formal charge {self.total:+d}{electrons}"])

    def __str__(self) -> str:
        return self.table()


def charge_ledger(atoms: "Atoms") -> ChargeLedger:
    """Add up the formal charges of a slab, complex or molecule.

    Slab ions (``arrays["fragment"] == 0``, or all atoms without labels) count Cs +1, Pb +2, halides -1; each ligand
    counts the formal charge recorded in ``info["qddft"]["fragments"]``; molecular cations of an A-site alloy count
    what ``info["qddft"]["molecules"]`` says. A fragment of which no atom is left is not
    counted.

    Parameters
    ----------
    atoms
        A structure of qddft, or an inorganic slab of any origin.

    Raises
    ------
    ChargeError
        An atom of the slab is no ion of a lead-halide perovskite, or a fragment has no recorded charge.
    """
    description = atoms.info.get("qddft", {})
    labels = atoms.arrays.get("fragment", np.zeros(len(atoms), dtype=int))
    symbols = np.array(atoms.get_chemical_symbols())
    removed = _ions(description.get("removed", [])) if (labels == 0).any() else []
    molecules = description.get("molecules", []) if (labels == 0).any() else []
    ions = Counter(symbols[labels == 0].tolist()) - _atoms_of(molecules)
    whole = _WHOLES.get(str(description.get("kind")), "slab")
    entries = (
        *_slab_entries(ions, removed, whole),
        *(ChargeEntry(f"{m['name']} of the {whole}", int(m["count"]), int(m["charge"])) for m in molecules),
        *_removed_entries(removed),
        *_ligand_entries(labels, description.get("fragments", [])),
    )
    total = sum(entry.sum for entry in entries)
    return ChargeLedger(entries, total, _electrons(atoms, total))


def require_neutral(ledger: ChargeLedger, what: str) -> None:
    """Refuse a charged periodic cell.

    Raises
    ------
    ChargeError
        The formal charges do not add up to zero.
    """
    if ledger.is_neutral:
        return
    raise ChargeError(
        f"{what}: the formal charges add up to {ledger.total:+d}, and a charged periodic cell has no defined energy.\n"
        f"{ledger.table()}\n"
        f"Use a binding mode that compensates the charge ({', '.join(COMPENSATING_MODES)}), the neutral acid or base, "
        f"or a reference scheme for ions ({', '.join(REFERENCE_SCHEMES)}; 'fragment' runs the neutral radical)."
    )


def _atoms_of(molecules: Sequence[Mapping[str, Any]]) -> Counter[str]:
    """Return the atoms of the molecular cations that are part of the slab (A-site alloys)."""
    from ase.formula import Formula

    atoms: Counter[str] = Counter()
    for molecule in molecules:
        for symbol, number in Formula(str(molecule["formula"])).count().items():
            atoms[symbol] += number * int(molecule["count"])
    return atoms


def _ions(removed: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Leave out molecular cations that were taken away: those that are left are counted by their own record."""
    return [item for item in removed if str(item["symbol"]) in FORMAL_CHARGES]


def _slab_entries(present: Counter[str], removed: Sequence[Mapping[str, Any]], name: str) -> list[ChargeEntry]:
    whole = present + Counter(str(item["symbol"]) for item in removed)
    unknown = sorted(symbol for symbol in whole if symbol not in FORMAL_CHARGES)
    if unknown:
        raise ChargeError(
            f"the slab holds {', '.join(unknown)}, whose formal charge is not known; put molecules on it with "
            f"qddft.attach, which labels them in arrays['fragment'] and records their charges"
        )
    ordered = sorted(whole, key=lambda symbol: (-FORMAL_CHARGES[symbol], symbol))
    return [ChargeEntry(f"{symbol} of the {name}", whole[symbol], FORMAL_CHARGES[symbol]) for symbol in ordered]


def _removed_entries(removed: Sequence[Mapping[str, Any]]) -> list[ChargeEntry]:
    counted = Counter((str(item["symbol"]), int(item["charge"]), str(item["why"])) for item in removed)
    return [
        ChargeEntry(f"{symbol} removed ({why})", count, -charge) for (symbol, charge, why), count in counted.items()
    ]


def _ligand_entries(labels: np.ndarray, fragments: Sequence[Mapping[str, Any]]) -> list[ChargeEntry]:
    counted: Counter[tuple[str, int]] = Counter()
    for number in sorted(set(labels.tolist()) - {0}):
        if number >= len(fragments) or "charge" not in fragments[number]:
            raise ChargeError(
                f"fragment {number} has no recorded formal charge in info['qddft']['fragments']; build the complex "
                f"with qddft.attach, or add {{'name': ..., 'charge': ...}} there"
            )
        counted[(str(fragments[number]["name"]), int(fragments[number]["charge"]))] += 1
    return [ChargeEntry(name, count, charge) for (name, charge), count in counted.items()]


def _electrons(atoms: "Atoms", total: int) -> int | None:
    symbols = atoms.get_chemical_symbols()
    return n_valence_electrons(symbols, total) if set(symbols) <= VALENCE_ELECTRONS.keys() else None
