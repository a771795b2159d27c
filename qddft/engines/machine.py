"""Machines: how programs start on a computer and which queue to use; TOML files outside the study."""

import os
import re
import tomllib
from importlib import resources
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from qddft.core.errors import MachineError
from qddft.core.schema_errors import schema_mistakes
from qddft.core.suggest import did_you_mean

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# options of sbatch by which a submission is recognized, placed or made to wait
_OURS = frozenset(
    {
        "job-name", "array", "dependency", "kill-on-invalid-dep", "output", "error", "open-mode", "chdir", "wrap",
        "parsable", "test-only", "wait", "hold", "requeue", "no-requeue", "signal", "time",
    }
)  # fmt: skip
_OURS_SHORT = frozenset("JadoeDWHt")
_DURATION = re.compile(r"(?:(\d+)-)?(\d+):(\d{2}):(\d{2})")


def _plain_word(text: str) -> str:
    """Refuse what no option of a queue or program needs: line breaks and other control characters, a leading dash."""
    if not text or text.startswith("-") or not text.isprintable():
        raise ValueError(f"{text!r} must be printable text on one line that does not begin with a dash")
    return text


def _argument(text: str) -> str:
    """Accept one word of a command: job.sh splits the launcher at white space."""
    if not text or not text.isprintable() or any(letter.isspace() for letter in text):
        raise ValueError(f"{text!r} must be one printable word without white space; write each word as its own string")
    return text


def _option(text: str) -> str:
    """Accept one command-line option, for instance ``--exclusive`` or ``--mail-type=END``."""
    match = re.fullmatch(r"--?([A-Za-z][A-Za-z0-9-]*)(=.+)?", text)
    if match is None or not text.isprintable():
        raise ValueError(f"{text!r} is no option; write one option as one string, '--name=value'")
    if match[1] in _OURS or (not text.startswith("--") and text[1] in _OURS_SHORT):
        raise ValueError(f"{text!r} is given by qddft itself; leave it out")
    return text


def _variable(name: str) -> str:
    if not _VARIABLE.fullmatch(name):
        raise ValueError(f"{name!r} cannot name an environment variable")
    return name


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError(f"{text!r} must be printable text on one line")
    return text


def _duration(text: str) -> str:
    match = _DURATION.fullmatch(text)
    if match is None or int(match[3]) > 59 or int(match[4]) > 59 or seconds_of(text) == 0:
        raise ValueError(f"{text!r} is no duration; write HH:MM:SS or D-HH:MM:SS")
    return text


def _name(text: str) -> str:
    if not NAME.fullmatch(text):
        raise ValueError(f"{text!r} cannot name a machine; use letters, digits, _ and -, and name its file so")
    return text


Name = Annotated[str, AfterValidator(_name)]
Word = Annotated[str, AfterValidator(_plain_word)]
Argument = Annotated[str, AfterValidator(_argument)]
Option = Annotated[str, AfterValidator(_option)]
Line = Annotated[str, AfterValidator(_printable)]
Variable = Annotated[str, AfterValidator(_variable)]
Duration = Annotated[str, AfterValidator(_duration)]
Count = Annotated[int, Field(ge=1)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Queue(_Table):
    """What is asked of the batch system for one job.

    Attributes
    ----------
    partition, account, qos, constraint
        Names that the computing center gave you.
    walltime
        ``HH:MM:SS`` or ``D-HH:MM:SS``.
    nodes, tasks, cpus_per_task, gpus
        Nodes, MPI ranks and GPUs per node, cores a rank.
    memory
        Of a node, for instance ``64G``; the partition's default if not given.
    warn_seconds
        How long before the end of the walltime a job is told to stop after its ionic step.
    restarts
        How often a job that ran out of time puts itself back into the queue.
    options
        Further options, each as one string.
    """

    partition: Word | None = None
    account: Word | None = None
    qos: Word | None = None
    constraint: Word | None = None
    walltime: Duration = "24:00:00"
    nodes: Count = 1
    tasks: Count = 1
    cpus_per_task: Count = 1
    gpus: Annotated[int, Field(ge=0)] = 0
    memory: Annotated[str, Field(pattern=r"^[1-9][0-9]*[KMGT]?$")] | None = None
    warn_seconds: Annotated[int, Field(ge=0)] = 600
    restarts: Annotated[int, Field(ge=0)] = 5
    options: tuple[Option, ...] = ()


class Environment(_Table):
    """What has to be done before a program starts.

    Attributes
    ----------
    modules
        Loaded with ``module load``, in this order.
    variables
        Exported.
    setup
        Lines of shell, run as they are: the one place of this file that is code.
    python
        The Python that has qddft, on the compute nodes.
    """

    modules: tuple[Word, ...] = ()
    variables: dict[Variable, Line] = Field(default_factory=dict)
    setup: tuple[Line, ...] = ()
    python: Word = "python3"


class VaspPrograms(_Table):
    """How VASP starts here.

    Attributes
    ----------
    launcher
        Words that start a parallel program.
    std, gam, ncl
        Executables for several k-points, for the zone center alone, and for non-collinear magnetism.
    ncore, kpar
        Parallelization tags that this machine wants in INCAR.
    potcars
        Folder of the licensed data sets (``VASP_PSP_DIR``).
    custodian
        VASP runs under custodian's supervision; ``python`` of [environment] needs qddft[custodian] for it.
    retries
        How often VASP is started again, in the same job of the queue, after a segmentation fault or a kill.
    """

    launcher: tuple[Argument, ...] = ("srun",)
    std: Word = "vasp_std"
    gam: Word = "vasp_gam"
    ncl: Word = "vasp_ncl"
    ncore: Count | None = None
    kpar: Count | None = None
    potcars: Word | None = None
    custodian: bool = False
    retries: Annotated[int, Field(ge=0)] = 2


class Chunks(_Table):
    """How many small jobs go into one job of the queue.

    Attributes
    ----------
    minutes
        Estimated length of a chunk; jobs that are longer, and all jobs of VASP, go alone.
    at_once
        Chunks of one array that may run at the same time; 0 sets no limit.
    """

    minutes: Count = 60
    at_once: Annotated[int, Field(ge=0)] = 0


class Machine(_Table):
    """A computer.

    Attributes
    ----------
    name
        Name of the file.
    scheduler
        ``slurm``, or ``pbs`` (scripts and commands are written, you submit them).
    """

    name: Name
    scheduler: Literal["slurm", "pbs"] = "slurm"
    queue: Queue = Queue()
    environment: Environment = Environment()
    vasp: VaspPrograms = VaspPrograms()
    chunks: Chunks = Chunks()


def seconds_of(duration: str) -> int:
    """Return the seconds of ``HH:MM:SS`` or ``D-HH:MM:SS``."""
    days, _, clock = duration.rpartition("-")
    hours, minutes, seconds = (int(part) for part in clock.split(":"))
    return int(days or 0) * 86400 + hours * 3600 + minutes * 60 + seconds


def megabytes(memory: str) -> int:
    """Return the megabytes of ``64G`` or ``900`` (MB), rounded down."""
    number, unit = (memory[:-1], memory[-1]) if memory[-1].isalpha() else (memory, "M")
    return int(int(number) * 1024 ** ("KMGT".index(unit) - 1))


def machines_folder() -> Path:
    """Return the folder of the user's machines: ``qddft/machines`` in the user's configuration folder."""
    root = os.environ.get("XDG_CONFIG_HOME")
    return (Path(root) if root else Path.home() / ".config") / "qddft" / "machines"


def list_machines() -> tuple[str, ...]:
    """Return the names of the user's machines, sorted."""
    return tuple(sorted(path.stem for path in machines_folder().glob("*.toml")))


def list_examples() -> tuple[str, ...]:
    """Return the names of the examples that ``qddft machine init`` starts from."""
    folder = resources.files("qddft.engines") / "machines"
    return tuple(sorted(item.name.removesuffix(".toml") for item in folder.iterdir() if item.name.endswith(".toml")))


def example_text(name: str) -> str:
    """Return an example as text.

    Raises
    ------
    MachineError
        There is no such example.
    """
    if name not in list_examples():
        raise MachineError(f"there is no example machine {name!r}. {did_you_mean(name, list_examples())}")
    return (resources.files("qddft.engines") / "machines" / f"{name}.toml").read_text(encoding="utf-8")


def load_machine(name_or_path: str | Path) -> Machine:
    """Return a machine.

    Parameters
    ----------
    name_or_path
        Name of a file in ``machines_folder()``, or path of a file that ends in ``.toml``.

    Raises
    ------
    MachineError
        No such machine, or mistakes in its file, all of them listed.
    """
    path = _file(str(name_or_path))
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
        return Machine(**{"name": path.stem, **data})
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise MachineError(f"{path} is no valid TOML: {error}") from error
    except ValidationError as error:
        lines = [f"{path}: {_place(location)}{message}" for location, message in schema_mistakes(error, Machine)]
        raise MachineError("\n".join(lines)) from error


def _file(name: str) -> Path:
    if name.endswith(".toml"):
        if not Path(name).is_file():
            raise MachineError(f"there is no machine file {name}; make one with: qddft machine init")
        return Path(name)
    path = machines_folder() / f"{name}.toml"
    if not NAME.fullmatch(name) or not path.is_file():
        known = did_you_mean(name, list_machines()) if list_machines() else "You have none yet."
        raise MachineError(f"there is no machine {name!r} in {machines_folder()}. {known} Make one: qddft machine init")
    return path


def _place(location: tuple[str | int, ...]) -> str:
    return f"[{location[0]}] " if len(location) > 1 else ""
