"""Run VASP under custodian: ``python -m qddft.engines.vasp.supervise -- srun vasp_std``, in the job folder.

``job.sh`` does so when ``QDDFT_CUSTODIAN`` names a Python that has qddft and custodian. Handlers are chosen so that
they change how VASP gets to its end, not what it computes: none of them changes cutoff, smearing or k-points by
intention. Whatever they change all the same is logged in ``corrections.jsonl`` and judged when the result is read.
"""

import contextlib
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qddft.core.errors import EngineError
from qddft.engines.vasp.corrections import append_correction, changes, input_texts

if TYPE_CHECKING:
    import subprocess

OUT_OF_TIME = "out_of_time"
DONE, FAILED = 0, 1
# errors whose correction changes smearing, k-points or the structure, or that have no correction and may be harmless
_LEFT_ALONE = frozenset(
    {
        "tet", "tetirr", "dentet", "algo_tet", "incorrect_shift", "inv_rot_mat", "rot_matrix", "triple_product",
        "subspacematrix", "auto_nbands",
    }
)  # fmt: skip
MAX_CORRECTIONS = 5


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command under supervision; return 0, 1, or 128 plus the signal that killed VASP."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    command = words[1:] if words[:1] == ["--"] else words
    try:
        return supervise(Path(), command, poll=float(os.environ.get("QDDFT_POLL", "10")))
    except EngineError as error:
        sys.stderr.write(f"{error}\n")
        return FAILED


def supervise(folder: Path, command: Sequence[str], *, poll: float = 10.0) -> int:
    """Run VASP in a folder, correct what can be corrected, and start it again.

    Parameters
    ----------
    folder
        Job folder.
    command
        Launcher and executable, word by word.
    poll
        How often to look whether VASP still runs, s; its files are looked at every 30th time.

    Returns
    -------
    int
        0 when VASP ended by itself, 1 when an error stayed, 128 + N when signal N killed it.

    Raises
    ------
    EngineError
        No command, or custodian is not installed.
    """
    if not command:
        raise EngineError("supervise: give the command that starts VASP after --")
    try:
        from custodian import Custodian
        from custodian.custodian import CustodianError
        from custodian.vasp.jobs import VaspJob
    except ModuleNotFoundError as error:
        raise EngineError(f"{error}; install the extra: pip install 'qddft[custodian]'") from error
    job = VaspJob(list(command), output_file="vasp.out", backup=False, auto_npar=False, auto_gamma=False)
    runner = Custodian(
        [_guarded(handler) for handler in chosen_handlers()],
        [job],
        max_errors=MAX_CORRECTIONS,
        polling_time_step=poll,
        monitor_freq=30,
        directory=str(folder.resolve()),
    )
    with _ends_with_us(job):
        try:
            log = runner.run()
        except CustodianError as error:
            sys.stderr.write(f"{error}\n")
            return _signal_of(job) or FAILED
    # custodian returns as if all were well when a handler gave up quietly
    return FAILED if log and log[-1].get("handler") else DONE


def chosen_handlers() -> list[Any]:
    """Return the handlers that leave cutoff, smearing, k-points and structure alone."""
    from custodian.vasp import handlers

    errors = [name for name in handlers.VaspErrorHandler.error_msgs if name not in _LEFT_ALONE]
    return [
        handlers.VaspErrorHandler(output_filename="vasp.out", errors_subset_to_catch=errors),
        handlers.StdErrHandler(),
        handlers.UnconvergedErrorHandler(),
        handlers.NonConvergingErrorHandler(),
        handlers.PotimErrorHandler(),
        handlers.PositiveEnergyErrorHandler(),
        handlers.FrozenJobErrorHandler(),
    ]


def _guarded(handler: Any) -> Any:
    """Wrap a handler so that it rests when the time is up, and so that what it changes is logged."""
    from custodian.custodian import ErrorHandler

    class Guarded(ErrorHandler):  # type: ignore[misc]
        """Asks and logs around another handler."""

        is_monitor = handler.is_monitor
        is_terminating = handler.is_terminating
        raises_runtime_error = handler.raises_runtime_error

        def check(self, directory: str = "./") -> bool:
            """Look for errors, unless VASP was asked to stop: what it leaves then only looks like one."""
            if (Path(directory) / OUT_OF_TIME).exists():
                return False
            return bool(handler.check(directory=directory))

        def correct(self, directory: str = "./") -> dict[str, Any]:
            """Correct, and write down which inputs changed."""
            folder = Path(directory)
            before = input_texts(folder)
            result: dict[str, Any] = handler.correct(directory=directory)
            found = changes(before, input_texts(folder))
            append_correction(
                folder,
                {
                    "when": datetime.now(UTC).isoformat("T", "seconds"),
                    "handler": type(handler).__name__,
                    "errors": sorted(map(str, result.get("errors") or ())),
                    "corrected": bool(result.get("actions")),
                    "changed": [change.record() for change in found],
                },
            )
            return result

        def as_dict(self) -> dict[str, Any]:
            """Return the handler inside, for custodian's own log."""
            return dict(handler.as_dict())

    return Guarded()


@contextlib.contextmanager
def _ends_with_us(job: Any) -> Iterator[None]:
    """End VASP, which custodian starts in a session of its own, when this process is told to end."""

    def end(number: int, _: Any) -> None:
        raise SystemExit(128 + number)

    previous = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)
        process: subprocess.Popen[bytes] | None = getattr(job, "_vasp_process", None)
        if process is not None and process.poll() is None:
            # it may end between the question and the signal
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)


def _signal_of(job: Any) -> int:
    """Return 128 + N when signal N killed VASP, seen by us or reported by its launcher; 0 otherwise."""
    process: subprocess.Popen[bytes] | None = getattr(job, "_vasp_process", None)
    code = 0 if process is None or process.returncode is None else process.returncode
    return 128 - code if code < 0 else code if code > 128 else 0


if __name__ == "__main__":
    sys.exit(main())
