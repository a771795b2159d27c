"""The text of batch scripts. Every value is quoted on its way into the shell."""

import re
import shlex
from collections.abc import Mapping
from pathlib import Path

from qddft.engines.machine import Machine, Queue, seconds_of

_EXECUTABLE = re.compile(r"VASP_EXE:-(vasp_(?:std|gam|ncl))\b")

# what stands around every program: a job that is told that its time is nearly up stops its program, puts itself back
# into the queue if it may, and otherwise leaves everything ready for `qddft submit`
_RUN = """
out_of_time=0 program=""
stop() {{ if [[ -n "$program" ]]; then kill -s "$1" "$program" 2>/dev/null; fi; }}
trap 'out_of_time=1; stop {signal}' USR1
trap 'stop TERM' TERM
{command} &
program=$!
if [[ $out_of_time -eq 1 ]]; then stop {signal}; fi
status=0
wait "$program" || status=$?
# a trapped signal ends the wait, not the program
while kill -0 "$program" 2>/dev/null; do
    status=0
    wait "$program" || status=$?
done
# 75: neither done nor failed, to be run again
if [[ $out_of_time -eq 1 && $status -ne 0 ]]; then status=75; fi
if [[ $status -eq 75 && -n "${{SLURM_JOB_ID:-}}" && ${{SLURM_RESTART_COUNT:-0}} -lt {restarts} ]]; then
    why="somebody else works there"
    if [[ $out_of_time -eq 1 ]]; then why="out of time"; fi
    echo "qddft: $why, back into the queue (restart $((${{SLURM_RESTART_COUNT:-0}} + 1)) of {restarts})" >&2
    scontrol requeue "$SLURM_JOB_ID" && sleep 120
fi
exit "$status"
"""


def chunk_script(machine: Machine, run: Path, tasks: str) -> str:
    """Return the script of an array whose elements each work on a chunk of jobs.

    Parameters
    ----------
    machine
        Where it will run.
    run
        The run folder, absolute.
    tasks
        Name of the file in the run folder that lists the jobs of each element.
    """
    python = shlex.quote(machine.environment.python)
    index = '"${SLURM_ARRAY_TASK_ID:-${PBS_ARRAY_INDEX:-0}}"'
    command = f"{python} -m qddft.study.chunk {shlex.quote(str(run))} {shlex.quote(tasks)} {index}"
    return _script(machine, run, command, "TERM", {})


def folder_script(machine: Machine, folder: Path) -> str:
    """Return the script that runs ``job.sh`` of one VASP job folder, an absolute path.

    ``job.sh`` names the kind of executable that the job needs; the machine says what it is called there.
    """
    kind = _EXECUTABLE.search((folder / "job.sh").read_text(encoding="utf-8"))
    vasp = machine.vasp
    named = {"vasp_std": vasp.std, "vasp_gam": vasp.gam, "vasp_ncl": vasp.ncl}
    executable = named[kind[1] if kind else "vasp_std"]
    return _script(machine, folder, "bash job.sh", "USR1", {"VASP_EXE": executable, **_vasp_variables(machine)})


def sbatch_options(queue: Queue, token: str, *, serial: bool, dependency: str = "") -> list[str]:
    """Return the options of sbatch, each as one argument.

    Parameters
    ----------
    queue
        What the machine asks for.
    token
        Name of the job.
    serial
        One process that uses the cores of one node, instead of MPI ranks.
    dependency
        What has to have succeeded, for instance ``afterok:12:13_4`` or, element by element, ``aftercorr:12``.
    """
    named = {
        "partition": queue.partition,
        "account": queue.account,
        "qos": queue.qos,
        "constraint": queue.constraint,
        "mem": queue.memory,
        "gpus-per-node": queue.gpus or None,
    }
    shape = (
        ["--nodes=1", "--ntasks=1", f"--cpus-per-task={queue.tasks * queue.cpus_per_task}"]
        if serial
        else [f"--nodes={queue.nodes}", f"--ntasks-per-node={queue.tasks}", f"--cpus-per-task={queue.cpus_per_task}"]
    )
    options = [f"--job-name={token}", f"--time={queue.walltime}", *shape]
    options += [f"--{name}={value}" for name, value in named.items() if value is not None]
    options += ["--requeue", "--open-mode=append", "--kill-on-invalid-dep=yes", *queue.options]
    if queue.warn_seconds:
        options.append(f"--signal=B:USR1@{queue.warn_seconds}")
    return [*options, f"--dependency={dependency}"] if dependency else options


def pbs_options(queue: Queue, token: str, *, serial: bool) -> list[str]:
    """Return the options of qsub (PBS Pro, OpenPBS), each as one argument; parameters as in ``sbatch_options``."""
    ranks = 1 if serial else queue.tasks
    cores = queue.tasks * queue.cpus_per_task
    select = f"select={1 if serial else queue.nodes}:ncpus={cores}:mpiprocs={ranks}"
    if queue.gpus:
        select += f":ngpus={queue.gpus}"
    if queue.memory:
        select += f":mem={queue.memory}{'MB' if queue.memory.isdigit() else 'B'}"
    hours, rest = divmod(seconds_of(queue.walltime), 3600)
    # some versions take no more than 15 characters; the name is for people only
    name = f"qddft{token.rpartition('-')[2]}"[:15]
    options = ["-N", name, "-l", select, "-l", f"walltime={hours:02d}:{rest // 60:02d}:{rest % 60:02d}", "-j", "oe"]
    if queue.partition:
        options += ["-q", queue.partition]
    if queue.account:
        options += ["-A", queue.account]
    return [*options, *queue.options]


def _script(machine: Machine, folder: Path, command: str, signal: str, variables: Mapping[str, str]) -> str:
    environment = machine.environment
    lines = [
        "#!/usr/bin/env bash",
        f"# written by qddft for the machine {machine.name}; options of the queue stand in its command line",
        "set -u",
        f"cd -- {shlex.quote(str(folder))} || exit 1",
    ]
    lines += [f"module load {shlex.quote(name)} || exit 1" for name in environment.modules]
    lines += [f"export {name}={shlex.quote(value)}" for name, value in {**variables, **environment.variables}.items()]
    lines += environment.setup
    return "\n".join(lines) + _RUN.format(command=command, signal=signal, restarts=machine.queue.restarts)


def _vasp_variables(machine: Machine) -> dict[str, str]:
    """Return what job.sh of a VASP folder asks for."""
    vasp = machine.vasp
    named = {
        "VASP_LAUNCHER": " ".join(vasp.launcher),
        "QDDFT_NCORE": vasp.ncore,
        "QDDFT_KPAR": vasp.kpar,
        "VASP_PSP_DIR": vasp.potcars,
        "QDDFT_RETRIES": vasp.retries,
        "QDDFT_CUSTODIAN": machine.environment.python if vasp.custodian else None,
    }
    return {name: str(value) for name, value in named.items() if value is not None}
