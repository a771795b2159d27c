"""What pilot jobs are to be like: a TOML file outside the study, written in the words of a machine."""

import sys
import tomllib
from importlib.metadata import PackageNotFoundError, version
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from qddft.core.errors import MachineError
from qddft.core.schema_errors import schema_mistakes
from qddft.core.suggest import did_you_mean
from qddft.engines.machine import Argument, Count, Duration, Environment, Option, Queue, Word

# the months of Parsl whose interface was tried; pyproject.toml asks for the same
SUPPORTED = "2026.10."
_SCHEME = "parsl"


def _address(text: str) -> str:
    try:
        return str(ip_address(text))
    except ValueError:
        raise ValueError(f"{text!r} is no IP address; write the one of this computer that compute nodes see") from None


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SlurmBlock(_Table):
    """What is asked of Slurm for one pilot job.

    Attributes
    ----------
    partition, account, qos, constraint
        Names that the computing center gave you.
    walltime
        ``HH:MM:SS`` or ``D-HH:MM:SS``.
    nodes
        Nodes of a pilot job; each gets workers.
    memory
        Of a node, for instance ``64G``; the partition's default if not given.
    gpus
        Of a node.
    options
        Further options of sbatch, each as one string.
    launcher
        Words that start one process on each node; ``srun`` if there are several nodes, nothing for one.
    """

    partition: Word | None = None
    account: Word | None = None
    qos: Word | None = None
    constraint: Word | None = None
    walltime: Duration = "24:00:00"
    nodes: Count = 1
    memory: Annotated[str, Field(pattern=r"^[1-9][0-9]*[KMGT]?$")] | None = None
    gpus: Annotated[int, Field(ge=0)] = 0
    options: tuple[Option, ...] = ()
    launcher: tuple[Argument, ...] | None = None


class PilotEnvironment(Environment):
    """What has to be done before workers start; ``python`` is the one that runs qddft now, if not given."""

    python: Word = Field(default_factory=lambda: sys.executable)


class Pilots(_Table):
    """Pilot jobs.

    Attributes
    ----------
    provider
        ``local``, or ``slurm``.
    blocks
        Pilot jobs at once, at most; idle ones are given back.
    jobs
        Jobs of qddft at once on a node.
    cores
        Cores of each job.
    retries
        How often a job goes on after its worker was lost. A lost block counts a tenth, since other jobs may be the
        cause of it.
    lost_blocks
        Pilot jobs that may end by themselves, before their walltime and without a result in between.
    heartbeat
        Seconds of silence after which workers and driver take each other for dead. When the driver is killed, its
        pilot jobs end that much later.
    address
        IP address of this computer that compute nodes see; not needed locally.
    slurm
        What is asked of Slurm.
    environment
        What has to be done before workers start.
    """

    provider: Literal["local", "slurm"]
    blocks: Count = 1
    jobs: Count = 1
    cores: Count = 1
    retries: Annotated[int, Field(ge=1)] = 2
    lost_blocks: Annotated[int, Field(ge=1)] = 5
    heartbeat: Annotated[int, Field(ge=5, le=600)] = 12
    address: Annotated[str, AfterValidator(_address)] | None = None
    slurm: SlurmBlock | None = None
    environment: PilotEnvironment = Field(default_factory=PilotEnvironment)

    @model_validator(mode="after")
    def _check_provider(self) -> Self:
        if self.provider == "local" and self.slurm is not None:
            raise ValueError("the table [slurm] belongs to provider = 'slurm', not to 'local'")
        return self

    @property
    def slots(self) -> int:
        """Jobs that run at once when all pilot jobs are there."""
        return self.blocks * self.block.nodes * self.jobs

    @property
    def block(self) -> SlurmBlock:
        """What is asked for one pilot job."""
        return self.slurm or SlurmBlock()

    @property
    def queue(self) -> Queue:
        """The same as a machine would say it: one process on each node, which has all its cores."""
        same = self.block.model_dump(exclude={"launcher"})
        return Queue(**same, tasks=1, cpus_per_task=self.jobs * self.cores, warn_seconds=0, restarts=0)


def load_pilots(path: str | Path) -> Pilots:
    """Read what pilot jobs are to be like.

    Parameters
    ----------
    path
        A TOML file; nothing in it is run here, and ``setup`` of [environment] is the one place that is run there.

    Raises
    ------
    MachineError
        No such file, or mistakes in it, all of them listed.
    """
    file = Path(path)
    if not file.is_file():
        raise MachineError(
            f'there is no file {file}; copy one of examples/pilots-*.toml, or write one: provider = "local"'
        )
    try:
        return Pilots(**tomllib.loads(file.read_text(encoding="utf-8")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise MachineError(f"{file} is no valid TOML: {error}") from error
    except ValidationError as error:
        places = schema_mistakes(error, Pilots)
        lines = [f"{file}: {f'[{where[0]}] ' if len(where) > 1 else ''}{message}" for where, message in places]
        raise MachineError("\n".join(lines)) from error


def named_pilots(text: str) -> Pilots:
    """Return the pilot jobs of ``parsl:FILE``, once Parsl is known to be here.

    Raises
    ------
    MachineError
        Another word than ``parsl``, no Parsl or one that was not tried, or mistakes in the file.
    """
    scheme, colon, file = text.partition(":")
    if scheme != _SCHEME or not colon or not file:
        hint = did_you_mean(scheme, [_SCHEME]) if scheme != _SCHEME else ""
        raise MachineError(f"there is no executor {text!r}; write parsl:FILE. {hint}".strip())
    check_parsl()
    return load_pilots(file)


def check_parsl() -> None:
    """Refuse to go on without a Parsl whose interface is known.

    Raises
    ------
    MachineError
        It is not installed, or another version is.
    """
    remedy = "install qddft[parsl]: pip install 'qddft[parsl]', or in its checkout: uv sync --extra parsl"
    try:
        found = version("parsl")
    except PackageNotFoundError:
        raise MachineError(f"pilot jobs need Parsl, which is not installed; {remedy}") from None
    if not found.startswith(SUPPORTED):
        raise MachineError(f"pilot jobs were tried with Parsl {SUPPORTED}x, not {found}; {remedy}")
