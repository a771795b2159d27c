"""References on the command line: a folder or file, or FORMULA=EV for an energy that is only known as a number."""

import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qddft.outputs.outputs import Outputs

_NUMBER = re.compile(r"([A-Za-z0-9()]+)=([-+]?\d+(?:\.\d*)?(?:[eE][-+]?\d+)?)")


def references_of(words: "Sequence[str]", *, unfinished: bool = False) -> "list[Outputs]":
    """Return what was typed, read.

    Raises
    ------
    OutputError
        A folder or file cannot be read.
    ReferenceSchemeError
        A number stands for no formula.
    """
    from qddft.recipes.given import read_reference

    found = []
    for word in words:
        number = None if Path(word).exists() else _NUMBER.fullmatch(word)
        found.append(
            read_reference("", Path(word), unfinished=unfinished)
            if number is None
            else read_reference(number[1], float(number[2]))
        )
    return found
