"""How a verb joins the program: its function's docstring and its examples become its help."""

import inspect
from collections.abc import Callable
from typing import Any

import typer


def add(app: typer.Typer, name: str, function: Callable[..., Any], *, examples: tuple[str, ...]) -> None:
    """Add a verb whose help ends with examples.

    Parameters
    ----------
    app
        The application, or the group a verb belongs to.
    name
        What the user types.
    function
        Its options are the options of the verb; paragraphs of its docstring are the help.
    examples
        Whole command lines.
    """
    # \b keeps click from wrapping the paragraph that follows
    shown = "\n".join(["\b", "Examples:" if len(examples) > 1 else "Example:", *(f"  {line}" for line in examples)])
    app.command(name, help=f"{inspect.getdoc(function)}\n\n{shown}")(function)
