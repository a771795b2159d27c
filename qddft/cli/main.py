"""The program ``qddft``: which verbs there are, and what happens when one fails.

Exit codes: 0 done; 1 the answer is "no"; 2 the user can fix the input; 70 a bug of qddft; 130 interrupted.
"""

import sys
import traceback
from collections.abc import Sequence
from importlib import import_module

import typer

from qddft.core.errors import QddftError

# verb -> its line in `qddft --help`; the module qddft.cli.<verb> is imported only when the verb is asked for
VERBS = {
    "ligands": "List the ligand library.",
    "build": "Build a bulk, slab, ligand, complex or vacancy.",
    "tolerance": "Tolerance factors of a perovskite and their radii.",
    "search": "Search the lowest poses of a ligand on a face.",
    "check": "Show every error of a study at once.",
    "plan": "Show the jobs of a study and their cost; writes nothing.",
    "write": "Write the job folders of a study.",
    "run": "Run a study here; safe to interrupt, run again to resume.",
    "machine": "Describe the computers on which jobs run.",
    "submit": "Submit a run to Slurm, with dependencies.",
    "status": "Show one line for each job of a run.",
    "retry": "Submit failed and stopped jobs again.",
    "cancel": "Take the jobs of a run out of the queue.",
    "collect": "Gather results.json, results.csv and results.db.",
    "report": "Make the page, figures, methods text and references.",
    "audit": "Compare settings of folders with each other and a level.",
    "analyze": "Numbers and figures from anybody's calculations.",
}
DONE, NO, FIX_INPUT, BUG, INTERRUPTED = 0, 1, 2, 70, 130
HELP = """Set up, run and analyze DFT studies of ligands and vacancies on lead-halide perovskite (001) surfaces.

\b
Start here:
  qddft ligands
  qddft run workflows/tao-cspbbr3/demo.yaml

\b
Exit codes: 0 done; 1 the answer is "no" (a job failed, an audit found differences);
2 the input has to be fixed; 70 a bug of qddft; 130 interrupted.
"""


def app_for(arguments: Sequence[str]) -> typer.Typer:
    """Return the application with the one verb that ``arguments`` ask for; the others are names with a line of help."""
    wanted = next((word for word in arguments if not word.startswith("-")), None)
    app = typer.Typer(
        name="qddft",
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        # a plain False for --help spares typer the import of pydantic, half of the time that `qddft ligands` takes
        context_settings={
            "help_option_names": ["-h", "--help"],
            "default_map": {"help": False, wanted: {"help": False}},
        },
    )
    app.callback(invoke_without_command=True, help=HELP)(_without_verb)
    for verb, line in VERBS.items():
        if verb == wanted:
            import_module(f"qddft.cli.{verb}").register(app)
        else:
            app.command(verb, help=line)(_not_loaded)
    return app


def run() -> None:
    """Run the program as started from a shell and leave the process with its exit code."""
    sys.exit(main(sys.argv[1:]))


def main(arguments: Sequence[str]) -> int:
    """Run the program and return its exit code; an error becomes one message on stderr."""
    try:
        return _call(list(arguments))
    except QddftError as error:
        _say(f"error: {error}")
        return FIX_INPUT
    except KeyboardInterrupt:
        return _interrupted()
    except BrokenPipeError:
        # the reader of our output left, for instance `qddft ligands | head`; what is still buffered has nowhere to go
        sys.stdout = None
        return DONE
    except Exception as error:  # noqa: BLE001  (the one place where a bug becomes a message)
        traceback.print_exc()
        _say(
            f"\nThis is a bug of qddft ({type(error).__name__}), not a mistake of yours: report it with the text above."
        )
        return BUG


def _call(arguments: list[str]) -> int:
    try:
        app_for(arguments)(args=arguments, prog_name="qddft")
    except SystemExit as left:
        code = left.code if isinstance(left.code, int) else DONE
        return _interrupted() if code == INTERRUPTED else code
    return DONE


def _interrupted() -> int:
    _say("\ninterrupted: nothing is lost, run the same command again to continue")
    return INTERRUPTED


def _say(text: str) -> None:
    print(text, file=sys.stderr)


def _without_verb(
    ctx: typer.Context,
    version: bool = typer.Option(False, "--version", help="Show the version and leave."),
) -> None:
    if version:
        from qddft import __version__

        print(f"qddft {__version__}")
        raise typer.Exit(DONE)
    if ctx.invoked_subcommand is None:
        print(ctx.get_help())
        raise typer.Exit(DONE)


def _not_loaded() -> None:
    """Stand in for a verb in the list of ``--help``; the verb that is called is always loaded."""
