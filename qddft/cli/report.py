"""``qddft report``: the page of a run."""

import typer

from qddft.cli.console import place, say
from qddft.cli.status import RunPath
from qddft.cli.verb import add


def register(app: typer.Typer) -> None:
    """Add the verb."""
    add(app, "report", report, examples=("qddft report run-demo",))


def report(run: RunPath) -> None:
    """Make RUN/report: index.html (opens offline), figures as png and svg, methods.md and references.bib."""
    from qddft.report.write import write_report

    made = write_report(run)
    say(f"page        {place(made.page)}")
    for path in made.figures:
        say(f"figure      {place(path)}")
    say(f"methods     {place(made.methods)}")
    say(f"references  {place(made.references)}")
