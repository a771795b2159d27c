"""Names for people and for folders."""

import re
import unicodedata
from collections.abc import Sequence
from itertools import count

from qddft.atoms.ligand import Ligand

_LONGEST = 40


def ligand_label(ligand: Ligand) -> str:
    """Return the name of a ligand in tables; a cut chain is said, with the formula that was computed."""
    if ligand.truncated_from is None:
        return ligand.name
    return f"{ligand.truncated_from.name}, truncated to {ligand.formula}"


def species_label(ligand: Ligand) -> str:
    """Return the name of a ligand in a reaction; a cut one goes with the formula that was computed."""
    if ligand.truncated_from is None:
        return ligand.name
    return f"{ligand.truncated_from.name} ({ligand.formula})"


def file_label(ligand: Ligand) -> str:
    """Return a short label for names of jobs; a ligand known by its SMILES only goes by its formula."""
    if ligand.truncated_from is not None:
        whole = ligand.truncated_from
        return f"{slug(whole.formula if whole.name == whole.smiles else whole.name)}-{slug(ligand.formula)}"
    return slug(ligand.formula if ligand.name == ligand.smiles else ligand.name)


def slug(text: str) -> str:
    """Return lower case letters, digits and hyphens, safe as part of a folder's name."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")[:_LONGEST].strip("-") or "unnamed"


def unique(names: Sequence[str]) -> list[str]:
    """Return the names, each that was there before with a number."""
    result: list[str] = []
    for name in names:
        numbered = (name if index == 1 else f"{name}-{index}" for index in count(1))
        result.append(next(candidate for candidate in numbered if candidate not in result))
    return result
