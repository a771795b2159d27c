"""What an engine is: a program that turns a job and a structure into ``Outputs``, through a folder."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from qddft.jobs.progress import Progress

if TYPE_CHECKING:
    from ase import Atoms

    from qddft.jobs.job import Job
    from qddft.outputs.outputs import Outputs

__all__ = ["Engine", "Progress", "WritesInputs"]


@runtime_checkable
class Engine(Protocol):
    """One program; stateless, so that one instance serves every job."""

    @property
    def name(self) -> str:
        """Name as in a study: ``tblite``, ``vasp``, ``ase:MODULE:FACTORY``."""

    def available(self) -> str | None:
        """Return ``None`` when the engine can run here, else one sentence on how to get it."""

    def version(self) -> str:
        """Return the version of the program."""

    def write(self, job: "Job", atoms: "Atoms | None", folder: Path) -> None:
        """Write the input files; ``atoms`` is ``None`` when the parent's result is not there yet."""

    def run(self, job: "Job", atoms: "Atoms", folder: Path, report: Callable[[Progress], None]) -> "Outputs":
        """Compute in ``folder``, resuming from a checkpoint found there, and return the outputs."""

    def read(self, job: "Job", folder: Path) -> "Outputs":
        """Read a finished calculation."""

    def finished(self, folder: Path) -> bool:
        """Tell whether a folder holds a finished calculation, whoever started it, with or without ``outputs.json``."""

    def failure(self, folder: Path) -> str:
        """Return what the program itself left about its failure; empty when it left nothing."""

    def last_step(self, job: "Job", folder: Path) -> Progress | None:
        """Return the last ionic step in a folder, of a calculation that is under way too."""


@runtime_checkable
class WritesInputs(Protocol):
    """An engine whose folders hold input files, some of which can be made only later."""

    def lacks_inputs(self, folder: Path, *, start_known: bool) -> bool:
        """Tell whether ``write`` would add a file to a folder; ``start_known``: there are atoms to give to it."""
