"""Parsl's configuration: what was measured to survive the death of workers, pilot jobs and drivers."""

import contextlib
import glob
import secrets
import shutil
import socket
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from parsl import Config, HighThroughputExecutor
from parsl.addresses import address_by_hostname, address_by_interface
from parsl.curvezmq import create_certificates
from parsl.executors.high_throughput.errors import ManagerLost, WorkerLost

from qddft.study.pilots.interchange import interchange_command
from qddft.study.pilots.script import POOL

if TYPE_CHECKING:
    from qddft.study.pilots.blocks import Blocks
    from qddft.study.pilots.settings import Pilots


# the name of Parsl's executor, which names of pilot jobs hold
LABEL = "htex"
# what Parsl calls the folder of its keys
KEYS = "certificates"
_HERE = "127.0.0.1"
# how often Parsl decides on pilot jobs, and how long one may be idle and look for its driver, s
_DECIDE, _IDLE = 1.0, 60.0
_PROBE = 15
# share of a retry that the loss of a whole pilot job costs
_BLOCK_COST = 0.1


@dataclass(frozen=True)
class Keys:
    """Keys by which workers and driver know each other; without them anybody on the network could send work.

    Attributes
    ----------
    folder
        Where they are, for workers on other computers; beside it Parsl puts its files.
    seen
        The same folder for Parsl here, which looks for keys by a pattern: in its path a bracket would be a wild card.
    """

    folder: Path
    seen: Path

    @classmethod
    def make(cls, session: Path) -> Self:
        """Make new keys in a folder."""
        folder = Path(create_certificates(session))
        if not glob.has_magic(str(folder)):
            return cls(folder, folder)
        seen = Path(tempfile.mkdtemp(prefix="qddft-keys-")) / KEYS
        seen.symlink_to(folder, target_is_directory=True)
        return cls(folder, seen)

    def remove(self) -> None:
        """Remove the keys; nobody listens to them any more."""
        shutil.rmtree(self.folder, ignore_errors=True)
        if self.seen != self.folder:
            self.seen.unlink()
            self.seen.parent.rmdir()


class PilotJobs(HighThroughputExecutor):  # type: ignore[misc]
    """Parsl's executor, which when asked to end no pilot job ends all that have not begun (2026.10.26)."""

    def scale_in(self, blocks: int, max_idletime: float | None = None) -> list[str]:
        """End idle pilot jobs, at most as many as asked for."""
        return list(super().scale_in(blocks, max_idletime)) if blocks > 0 else []


def session_folder(folder: Path) -> Path:
    """Make and return a new folder in ``folder``; Parsl's own numbering takes brackets of the path for wild cards."""
    session = folder / f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(3)}"
    session.mkdir(parents=True)
    return session


def parsl_config(pilots: "Pilots", blocks: "Blocks", keys: Keys) -> Config:
    """Return the configuration of one driver.

    No memory of results is kept (products in the folders of jobs are), and Parsl's own handler of lost blocks is off:
    it takes the loss of one for the end. ``Blocks`` counts them.

    Parameters
    ----------
    pilots
        What pilot jobs are to be like.
    blocks
        Starts and ends them.
    keys
        Of this driver and its workers.
    """
    executor = PilotJobs(
        label=LABEL,
        provider=blocks,
        launch_cmd=POOL,
        interchange_launch_cmd=interchange_command(),
        address=pilots.address or _HERE,
        max_workers_per_node=pilots.jobs,
        heartbeat_threshold=pilots.heartbeat,
        heartbeat_period=max(1, pilots.heartbeat // 3),
        # a pilot job that waited in the queue while its driver was killed looks for it in vain
        address_probe_timeout=max(_PROBE, pilots.heartbeat),
        block_error_handler=False,
        encrypted=True,
    )
    executor.cert_dir = str(keys.seen)
    if pilots.provider == "slurm" and pilots.address is None:
        # all of them: without an address Parsl would ask a web service for one more
        executor.address, executor.all_addresses = None, _addresses()
    return Config(
        executors=[executor],
        run_dir=str(keys.folder.parent),
        retries=pilots.retries,
        retry_handler=_cost,
        strategy="htex_auto_scale",
        strategy_period=_DECIDE,
        max_idletime=_IDLE,
        initialize_logging=False,
    )


def is_loss(error: BaseException) -> bool:
    """Tell whether a job ended because its worker did."""
    return isinstance(error, (WorkerLost, ManagerLost))


def _cost(error: Exception, record: dict[str, Any]) -> float:  # noqa: ARG001  (Parsl's interface)
    if isinstance(error, WorkerLost):
        return 1.0
    return _BLOCK_COST if isinstance(error, ManagerLost) else float("inf")


def _addresses() -> set[str]:
    """Return the addresses of this computer, one of which compute nodes will reach."""
    found = set()
    for _, interface in socket.if_nameindex():
        # one without an address, or a system that cannot be asked like this
        with contextlib.suppress(OSError):
            found.add(address_by_interface(interface))
    if not found - {_HERE}:
        with contextlib.suppress(OSError):
            found.add(address_by_hostname())
    return found - {_HERE} or {_HERE}
