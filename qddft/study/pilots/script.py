"""The text of a pilot job. Every value is quoted on its way into the shell."""

import shlex
from pathlib import Path

from qddft.study.pilots.settings import Pilots

# what Parsl fills in has no room for quotes; paths come as variables, which the shell does not split or read again
POOL = (
    '"$QDDFT_PYTHON" -m parsl.executors.high_throughput.process_worker_pool {debug} {max_workers_per_node} '
    "-a {addresses} -p {prefetch_capacity} -c {cores_per_worker} -m {mem_per_worker} --poll {poll_period} "
    '--port={worker_port} --cert_dir "$QDDFT_CERTIFICATES" --logdir "$QDDFT_LOGS" --logconf={logconf} '
    "--block_id={{block_id}} --hb_period={heartbeat_period} {address_probe_timeout_string} "
    "--hb_threshold={heartbeat_threshold} --drain_period={drain_period} --cpu-affinity {cpu_affinity} "
    "{enable_mpi_mode} --mpi-launcher={mpi_launcher} --available-accelerators {accelerators}"
)
# a pool that was killed leaves helpers behind, which nobody else would end; the shell leads their group
_END_GROUP = "kill -KILL -- -$$"


def block_script(pilots: Pilots, command: str, folder: Path, *, logs: Path, keys: Path) -> str:
    """Return the script of a pilot job.

    Parameters
    ----------
    pilots
        What it is to be like.
    command
        What Parsl made of ``POOL``.
    folder
        Where workers start: modules of the user that lie there can be imported, as in a run without pilot jobs.
    logs, keys
        Parsl's folders.
    """
    environment = pilots.environment
    ours = {
        "QDDFT_PYTHON": environment.python,
        "QDDFT_LOGS": str(logs),
        "QDDFT_CERTIFICATES": str(keys),
        "PARSL_CORES": str(pilots.jobs),
    }
    lines = [
        "#!/usr/bin/env bash",
        "# written by qddft: a pilot job; options of the queue stand in its command line",
        "set -u",
        f"cd -- {shlex.quote(str(folder))} || exit 1",
    ]
    lines += [f"module load {shlex.quote(name)} || exit 1" for name in environment.modules]
    lines += [f"export {name}={shlex.quote(value)}" for name, value in {**environment.variables, **ours}.items()]
    lines += [*environment.setup, " ".join([*map(shlex.quote, _launcher(pilots)), command])]
    if pilots.provider == "local":
        lines.append(_END_GROUP)
    return "\n".join(lines) + "\n"


def _launcher(pilots: Pilots) -> tuple[str, ...]:
    block = pilots.block
    if block.launcher is not None:
        return block.launcher
    # srun does not take the cores of a task from sbatch
    return ("srun", f"--cpus-per-task={pilots.jobs * pilots.cores}") if block.nodes > 1 else ()
