"""Tables as values: headers, rows of text, which columns are numbers, one note."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

SIGN_CONVENTION = "negative = bound"
NOTHING = "–"


@dataclass(frozen=True)
class Table:
    """A table ready to be printed, written or shown in a page.

    Attributes
    ----------
    headers
        One text a column, with the unit where the column is a number.
    rows
        Text cells, as many as there are headers.
    numeric
        Whether a column is set flush right.
    note
        A sentence that belongs below the table.
    """

    headers: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numeric: tuple[bool, ...]
    note: str = ""


def table_of(columns: Mapping[str, Sequence[Any]], *, note: str = "") -> Table:
    """Return a table from its columns; a column whose values are all numbers or missing is numeric.

    Parameters
    ----------
    columns
        Header to values, all of one length. Numbers must come as text where their digits matter.
    note
        Sentence below the table.
    """
    headers = tuple(columns)
    rows = tuple(tuple(cell(value) for value in row) for row in zip(*columns.values(), strict=True))
    numeric = tuple(all(_is_number(value) for value in values) for values in columns.values())
    return Table(headers, rows, numeric, note)


def cell(value: Any) -> str:
    """Return the text of one cell; ``None`` and empty text are shown as a dash."""
    if value is None or value == "":
        return NOTHING
    return str(value)


def number(value: float | None, digits: int = 2, *, signed: bool = True) -> str:
    """Return a number for people: fixed digits, a true minus sign, no negative zero."""
    if value is None:
        return NOTHING
    text = f"{round(value, digits) + 0.0:{'+' if signed else ''}.{digits}f}"
    return text.replace("-", "−")


def _is_number(value: Any) -> bool:
    if value is None or isinstance(value, int | float):
        return True
    plain = str(value).replace("−", "-").replace(" ", "").removesuffix("%")
    try:
        float(plain)
    except ValueError:
        return plain in ("", NOTHING)
    return True
