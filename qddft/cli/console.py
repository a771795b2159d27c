"""What every verb prints with: lines, tables, one JSON document, file places."""

import json
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

    from qddft.report.tables import Table

PIPE_WIDTH = 200


def say(text: str = "") -> None:
    """Print a line on stdout."""
    print(text)


def note(text: str) -> None:
    """Print a line on stderr, so that stdout stays the answer."""
    print(text, file=sys.stderr)


def print_json(value: Any) -> None:
    """Print one JSON document, the only thing on stdout."""
    print(json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False))


def console() -> "Console":
    """Return a rich console: as wide as the terminal, or wide enough not to break table rows in a pipe."""
    from rich.console import Console

    return Console(highlight=False, width=None if sys.stdout.isatty() else PIPE_WIDTH)


def show(table: "Table") -> None:
    """Print a table; its note stands below it."""
    from rich import box
    from rich.table import Table as Grid

    grid = Grid(box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0), header_style="bold")
    for index, (header, numeric) in enumerate(zip(table.headers, table.numeric, strict=True)):
        grid.add_column(header, justify="right" if numeric else "left", no_wrap=numeric or index == 0, overflow="fold")
    for row in table.rows:
        grid.add_row(*(_literal(cell) for cell in row))
    console().print(grid)
    if table.note:
        say(table.note)


def place(path: Path) -> str:
    """Return a path as the user would type it from here."""
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def typed(path: Path) -> str:
    """Return a path as one word of a command that the user may copy into a shell."""
    text = place(path)
    return shlex.quote(f"./{text}" if text.startswith("-") else text)


def _literal(text: str) -> str:
    """Keep square brackets, as in SMILES, from being read as rich markup."""
    from rich.markup import escape

    return escape(text)
