"""What relaxations did to structures, for the tables of a report: one row a structure, one mark a result."""

from collections.abc import Mapping, Sequence
from typing import Any

from qddft.report.quantities import Record
from qddft.report.tables import Table, number, table_of

_SHOWN = 3


def structural_marks(record: Record) -> list[str]:
    """Return what the relaxation changed in the structures behind a result, a word or two each."""
    items = list(_checks(record).values())
    marks = {
        "desorbed": any(not item["bound"] for item in items),
        "proton transferred": any(item["proton_transferred"] for item in items),
        "molecule broken": any(not item["molecule_intact"] and not item["proton_transferred"] for item in items),
        "contact too short": any(item.get("too_close") for item in items),
        "left its site": any(item["left_site"] for item in items),
        "surface changed": any(not item["surface_intact"] for item in items),
    }
    return [mark for mark, holds in marks.items() if holds]


def checks_table(records: Sequence[Record]) -> Table | None:
    """Return one row for each relaxed slab and complex with all its flags, ``None`` where no record has any."""
    rows = {
        name: item
        for record in records
        for name, item in _checks(record).items()
        if item["pb_x_range_A"] is not None or not item["molecule_intact"]
    }
    if not rows:
        return None
    items = list(rows.values())
    return table_of(
        {
            "structure": list(rows),
            "molecules": ["intact" if item["molecule_intact"] else "CHANGED" for item in items],
            "protons": ["TRANSFERRED" if item["proton_transferred"] else "stayed" for item in items],
            "ligands": [_held(item) for item in items],
            "shortest contacts (Å)": [_contacts(item["contacts"]) for item in items],
            "surface": ["perovskite" if item["surface_intact"] else "CHANGED" for item in items],
            "Pb-X (Å)": [_range(item["pb_x_range_A"]) for item in items],
        },
        note="Before against after the relaxation: bonds of molecules, what holds each ligand, halide neighbors of Pb.",
    )


def _checks(record: Record) -> Mapping[str, Mapping[str, Any]]:
    return record["details"].get("checks") or {}


def _held(item: Mapping[str, Any]) -> str | None:
    if item["desorbed"]:
        return "DESORBED"
    if item["left_site"]:
        return "bound, at ANOTHER SITE"
    if item.get("too_close"):
        return "bound, TOO CLOSE"
    return "bound" if item["contacts"] else None


def _contacts(contacts: Sequence[Mapping[str, Any]]) -> str | None:
    return (
        ", ".join(f"{item['atoms']} {number(item['distance_A'], signed=False)}" for item in contacts[:_SHOWN]) or None
    )


def _range(ends: Sequence[float] | None) -> str | None:
    if ends is None:
        return None
    low, high = (number(end, signed=False) for end in ends)
    # of a slab that was held there is one length
    return low if low == high else f"{low} to {high}"
