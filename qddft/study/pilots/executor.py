"""Pilot jobs behind the interface of ``concurrent.futures``, to be handed to ``qddft.run``."""

import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar

from qddft.core.errors import EngineError, MachineError, QddftError
from qddft.engines import slurm
from qddft.engines.machine import megabytes, seconds_of
from qddft.jobs.disk import disk_errors
from qddft.study.pilots.settings import Pilots, check_parsl, load_pilots

if TYPE_CHECKING:
    import subprocess

    from parsl.dataflow.dflow import DataFlowKernel

    from qddft.study.pilots.blocks import Blocks
    from qddft.study.pilots.setup import Keys

Answer = TypeVar("Answer")
# Parsl's folder in a run
FOLDER = "parsl"
# how long Parsl may take to start and to end, and how often it is looked after, s
_START, _STOP, _LOOK = 130.0, 30.0, 0.5


def pilot_executor(file: str | Path, run: str | Path) -> "PilotExecutor":
    """Return an executor for ``qddft.run(study, run, executor=...)`` that sends jobs through pilot jobs.

    Parameters
    ----------
    file
        TOML file that says what pilot jobs are to be like.
    run
        The run folder; Parsl keeps its files in it.

    Raises
    ------
    MachineError
        Mistakes in the file, or Parsl is not installed.
    """
    check_parsl()
    return PilotExecutor(load_pilots(file), run)


class PilotExecutor(Executor):
    """An executor whose processes live in pilot jobs, here or inside allocations of Slurm.

    Nothing is started before the first job is submitted. Leaving its ``with`` block ends all pilot jobs; jobs that
    run there keep their last step.

    Parameters
    ----------
    pilots
        What pilot jobs are to be like.
    run
        The run folder.
    """

    def __init__(self, pilots: Pilots, run: str | Path) -> None:
        self._pilots, self._run = pilots, Path(run).resolve()
        self._guard = threading.Lock()
        self._pending: set[Future[Any]] = set()
        self._broken: MachineError | None = None
        self._keeper: _Keeper | None = None

    @property
    def slots(self) -> int:
        """Jobs that run at once when all pilot jobs are there."""
        return self._pilots.slots

    @property
    def threads(self) -> int:
        """Cores of each job."""
        return self._pilots.cores

    def submit(self, fn: "Callable[..., Answer]", /, *args: Any, **kwargs: Any) -> "Future[Answer]":
        """Send a call to a worker.

        Its future fails with ``EngineError`` when its worker was lost too often, and with ``MachineError`` when there
        is no use in going on.

        Raises
        ------
        MachineError
            Parsl cannot be started, or pilot jobs were lost too often.
        """
        if self._keeper is None:
            self._keeper = _Keeper(self._pilots, self._run, self._give_up)
        kernel = self._keeper.kernel()
        answer: Future[Answer] = Future()
        # Parsl cannot take a call back
        answer.set_running_or_notify_cancel()
        with self._guard:
            if self._broken is not None:
                raise self._broken
            self._pending.add(answer)
        sent = kernel.submit(fn, app_args=args, executors="all", cache=False, ignore_for_cache=None, app_kwargs=kwargs)
        sent.add_done_callback(partial(self._settle, answer))
        return answer

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002
        """End all pilot jobs, whatever runs there; both options of the interface change nothing.

        Raises
        ------
        MachineError
            Slurm does not answer: pilot jobs may be left in its queue until the run is started again.
        """
        keeper, self._keeper = self._keeper, None
        if keeper is None:
            return
        self._give_up(MachineError("the pilot jobs were ended; run again to go on"))
        keeper.stop()

    def __enter__(self) -> Self:
        return self

    def _settle(self, answer: "Future[Any]", sent: "Future[Any]") -> None:
        with self._guard:
            if answer not in self._pending:
                return
            self._pending.discard(answer)
        error = sent.exception()
        if error is None:
            if self._keeper is not None:
                self._keeper.result_came()
            answer.set_result(sent.result())
        else:
            answer.set_exception(_in_words(error))

    def _give_up(self, error: MachineError) -> None:
        with self._guard:
            self._broken = self._broken or error
            pending, self._pending = self._pending, set()
        for answer in pending:
            answer.set_exception(self._broken)


class _Keeper:
    """The thread in which Parsl is started, watched and ended.

    The kernel ends the interchange with the thread that started it, so that thread has to stay.
    """

    def __init__(self, pilots: Pilots, run: Path, give_up: Callable[[MachineError], None]) -> None:
        self._pilots, self._run, self._give_up = pilots, run, give_up
        self._begun, self._over = threading.Event(), threading.Event()
        self._kernel: DataFlowKernel | None = None
        self._blocks: Blocks | None = None
        self._keys: Keys | None = None
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._keep, name="qddft-pilots", daemon=True)
        self._thread.start()

    def kernel(self) -> "DataFlowKernel":
        """Return Parsl's kernel once it is there."""
        self._begun.wait(_START)
        if isinstance(self._error, QddftError):
            raise self._error
        if self._kernel is None:
            why = self._error or f"no answer within {_START:.0f} s"
            raise MachineError(f"Parsl cannot be started: {why}; look into {self._run / FOLDER}") from self._error
        return self._kernel

    def result_came(self) -> None:
        """Tell that a worker has sent a result."""
        if self._blocks is not None:
            self._blocks.result_came()

    def stop(self) -> None:
        """End pilot jobs and Parsl."""
        self._begun.wait(_START)
        try:
            if self._blocks is not None:
                self._blocks.close()
        finally:
            self._over.set()
            # without its interchange Parsl waits for ever; the thread does not keep this process from ending
            self._thread.join(_STOP)

    def _keep(self) -> None:
        try:
            interchange = self._start()
        except Exception as error:  # noqa: BLE001  (whatever it is, it goes to the thread that waits for it)
            self._error = error
            return
        finally:
            self._begun.set()
        while not self._over.wait(_LOOK):
            if interchange.poll() is not None:
                self._give_up(MachineError(f"Parsl's interchange has died; see {self._run / FOLDER}, then run again"))
                return
        if self._kernel is not None:
            self._kernel.cleanup()
        if self._keys is not None:
            self._keys.remove()

    def _start(self) -> "subprocess.Popen[bytes]":
        from parsl.dataflow.dflow import DataFlowKernel

        from qddft.study.pilots.blocks import LocalBlocks, SlurmBlocks, cancel_leftovers
        from qddft.study.pilots.setup import LABEL, Keys, parsl_config, session_folder

        if self._pilots.provider == "slurm":
            check_partition(self._pilots)
            cancel_leftovers(self._run)
            self._blocks = SlurmBlocks(self._pilots, self._give_up, run=self._run)
        else:
            self._blocks = LocalBlocks(self._pilots, self._give_up)
        with disk_errors(self._run):
            self._keys = Keys.make(session_folder(self._run / FOLDER))
            self._kernel = DataFlowKernel(parsl_config(self._pilots, self._blocks, self._keys))
        process: subprocess.Popen[bytes] = self._kernel.executors[LABEL].interchange_proc
        return process


def check_partition(pilots: Pilots) -> None:
    """Refuse pilot jobs that no node of the partition can hold: Slurm would keep them pending for ever.

    Raises
    ------
    MachineError
        Too many cores, too many nodes, too much memory or time, or Slurm is not here.
    """
    block, cores = pilots.block, pilots.jobs * pilots.cores
    offered = slurm.partition(block.partition)
    if cores > offered.cores:
        raise MachineError(
            f"a pilot job asks for {cores} cores on a node (jobs x cores); the largest has {offered.cores}"
        )
    if block.nodes > offered.nodes:
        raise MachineError(f"a pilot job asks for {block.nodes} nodes; the partition has {offered.nodes}")
    if block.memory is not None and megabytes(block.memory) > offered.memory:
        raise MachineError(f"a pilot job asks for {block.memory} on a node; the largest has {offered.memory} MB")
    if offered.limit is not None and seconds_of(block.walltime) > offered.limit:
        allowed = f"{offered.limit // 3600} h {offered.limit % 3600 // 60} min"
        raise MachineError(f"a pilot job asks for {block.walltime}; the partition allows {allowed}")


def _in_words(error: BaseException) -> BaseException:
    """Return the loss of a worker as an error that says what to do; anything else as it is."""
    from qddft.study.pilots.setup import is_loss

    if not is_loss(error):
        return error
    return EngineError(
        f"its worker was lost again and again ({error}), most often because memory ran out or the walltime of pilot "
        "jobs is short; run again to go on from the last step"
    )
