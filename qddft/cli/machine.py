"""``qddft machine``: how programs start on a computer and which queue to use, apart from every study."""

from typing import Annotated

import typer

from qddft.cli.console import place, say
from qddft.cli.verb import add
from qddft.core.errors import MachineError

EXAMPLE = "cpu-slurm"


def register(app: typer.Typer) -> None:
    """Add the verb and what it does."""
    group = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
    add(group, "init", init, examples=("qddft machine init cluster --like cpu-slurm",))
    add(group, "list", list_all, examples=("qddft machine list",))
    add(group, "check", check, examples=("qddft machine check cluster",))
    app.add_typer(group, name="machine", help="Describe the computers on which jobs run; apart from every study.")


def init(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What the machine will be called.")],
    like: Annotated[str, typer.Option(help="Example to start from; `qddft machine list` shows them.")] = EXAMPLE,
) -> None:
    """Write a machine file from an example, to be changed in an editor. A file that is there stays."""
    from qddft.core.files import write_text
    from qddft.engines.machine import NAME, example_text, machines_folder
    from qddft.jobs.disk import disk_errors

    text = example_text(like)
    path = machines_folder() / f"{name}.toml"
    if not NAME.fullmatch(name):
        raise MachineError(f"{name!r} cannot name a machine; use letters, digits, _ and -")
    if path.exists():
        raise MachineError(f"{path} exists; change it there, or choose another name")
    with disk_errors(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, text)
    say(f"wrote {place(path)}\nchange what differs on your machine, then: qddft machine check {name}")


def list_all() -> None:
    """Show the machines there are, and the examples to start from."""
    from qddft.engines.machine import list_examples, list_machines, machines_folder

    names = list_machines()
    say(f"machines in {place(machines_folder())}: {', '.join(names) or 'none yet'}")
    say(f"examples for `qddft machine init NAME --like EXAMPLE`: {', '.join(list_examples())}")


def check(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of a machine, or a .toml file.")],
) -> None:
    """Show every mistake of a machine file at once."""
    from qddft.engines.machine import load_machine

    machine = load_machine(name)
    say(f"{machine.name}: no mistakes; scheduler {machine.scheduler}")
