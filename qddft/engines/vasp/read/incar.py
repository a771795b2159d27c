"""INCAR: tags as the user stated them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from qddft.core.errors import OutputError
from qddft.core.frozen import freeze_fields
from qddft.engines.vasp.read.numbers import to_float
from qddft.engines.vasp.read.source import read_text_file

_TAG = re.compile(r"[A-Za-z][A-Za-z0-9_/]*\Z")
_LOGICAL = {"T": True, "F": False}
_REPEATED = re.compile(r"(\d+)\*(\S+)\Z")
# VASP 6 hands text between quotes on, over several lines, for instance to Wannier90
_QUOTED = re.compile(r'^([^#!\n"]*=[ \t]*)"([^"]*)"', re.MULTILINE)
# tags with words as values; all others hold numbers or logicals
_WORDS = frozenset(
    {
        "ALGO", "PREC", "GGA", "METAGGA", "SYSTEM", "PRECFOCK", "EFERMI", "LOCALIZED_BASIS", "QUAD_EFG", "LIBXC1",
        "LIBXC2", "XC",
    }
)  # fmt: skip


@dataclass(frozen=True)
class Incar:
    """Tags of an INCAR.

    Attributes
    ----------
    tags
        Upper-case tag -> number, logical, word, or list of numbers.
    warnings
        Lines that VASP ignores or that say something twice.
    """

    tags: Mapping[str, Any]
    warnings: tuple[str, ...] = field(default_factory=tuple)

    def __post_init__(self) -> None:
        freeze_fields(self)


def read_incar(path: Path) -> Incar:
    """Read an INCAR, plain or compressed.

    Raises
    ------
    OutputError
        The file is missing, binary, or holds no tag at all.
    """
    incar = parse_incar(read_text_file(path), str(path))
    if not incar.tags:
        raise OutputError(f"{path} holds no line of the form TAG = value; is it an INCAR?")
    return incar


def parse_incar(text: str, name: str) -> Incar:
    r"""Return the tags of an INCAR's text; comments (``#``, ``!``), ``;``, ``\`` and quotes are understood.

    As in VASP the first occurrence of a tag counts, and what follows a value on its line is ignored.
    """
    tags: dict[str, Any] = {}
    warnings: list[str] = []
    for number, statement in _statements(text):
        key, equals, value = statement.partition("=")
        tag = key.strip().upper()
        if not equals or not _TAG.match(tag):
            continue
        if tag in tags:
            if _value(tag, value) != tags[tag]:
                warnings.append(f"{name}, line {number}: {tag} is given twice with different values; the first counts")
            continue
        tags[tag] = _value(tag, value)
    return Incar(tags, tuple(warnings))


def _statements(text: str) -> list[tuple[int, str]]:
    found: list[tuple[int, str]] = []
    pending = ""
    for number, raw in enumerate(_QUOTED.sub(_blanked, text.removeprefix("\ufeff")).splitlines(), start=1):
        line = pending + re.split(r"[#!]", raw, maxsplit=1)[0].rstrip()
        if line.endswith("\\"):
            pending = line[:-1] + " "
            continue
        pending = ""
        found += [(number, part) for part in line.split(";") if part.strip()]
    return found


def _blanked(quoted: re.Match[str]) -> str:
    """Return the line breaks of a text of several lines between quotes, so that lines keep their numbers."""
    breaks = quoted[2].count("\n")
    return quoted[1] + "\n" * breaks if breaks else quoted[0]


def _value(tag: str, text: str) -> Any:
    words = text.strip().strip("\"'").split()
    if not words:
        return None
    if tag == "SYSTEM":
        return text.strip().strip("\"'")
    if tag in _WORDS:
        return words[0]
    numbers = _numbers(words)
    if len(numbers) > 1:
        return numbers
    if numbers:
        return numbers[0]
    logical = _LOGICAL.get(words[0].strip(".").upper()[:1])
    return words[0] if logical is None else logical


def _numbers(words: list[str]) -> list[float | int]:
    """Return the leading numbers, ``3*0.6`` written out."""
    values: list[float | int] = []
    for word in words:
        repeated = _REPEATED.match(word)
        times, single = (int(repeated[1]), repeated[2]) if repeated else (1, word)
        number = to_float(single)
        if number is None or times > 1_000_000:
            break
        exact: float | int = int(single) if re.fullmatch(r"[+-]?\d+", single) else number
        values += [exact] * times
    return values
