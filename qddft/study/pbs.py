"""PBS Pro and OpenPBS: scripts and one file of qsub commands, which the user runs; qddft does not ask that queue."""

import secrets
import shlex
from collections.abc import Sequence
from pathlib import Path

from qddft.core.files import write_json, write_text
from qddft.engines.machine import Queue
from qddft.engines.script import pbs_options
from qddft.jobs.folder import read_object
from qddft.study.batches import Batch
from qddft.study.submissions import FOLDER

# a folder of this name is made by the commands before they begin: they hand every job over once
_SENT = ".sent"
_HEAD = """\
#!/usr/bin/env bash
# Hands {count} jobs to PBS, each once; written by qddft. Run it on a login node: bash {name}
set -euo pipefail
cd -- {run}
mkdir {sent} || {{ echo "these jobs were handed over before, since {sent} is there" >&2; exit 1; }}
"""


def command(queue: Queue, batch: Batch, token: str, *, serial: bool, after: Sequence[str]) -> str:
    """Return the qsub command of a batch.

    Parameters
    ----------
    queue
        What the machine asks for.
    batch
        The jobs; an array waits for whole arrays, since PBS knows no order of elements.
    token
        Name of the script.
    serial
        As in ``pbs_options``.
    after
        Names of shell variables that hold the ids it waits for.
    """
    words = [*pbs_options(queue, token, serial=serial), "-o", f"{FOLDER}/{token}.out"]
    if len(batch.tasks) > 1:
        words += ["-J", f"0-{len(batch.tasks) - 1}"]
    ids = ":".join(f'"${name}"' for name in after)
    wait = f"-W depend=afterok:{ids} " if after else ""
    return f"qsub {shlex.join(words)} {wait}{FOLDER}/{token}.sh"


def write_commands(run: Path, commands: Sequence[str], job_ids: Sequence[str]) -> Path:
    """Write a file of commands and return its path; earlier files that were not run are removed.

    Parameters
    ----------
    run
        Run folder, absolute.
    commands
        From ``command``; the id of command ``i`` is kept in the variable ``job<i>``.
    job_ids
        All jobs that they hand over.
    """
    folder = run / FOLDER
    for old in folder.glob("qsub-*.sh"):
        if not old.with_suffix(_SENT).exists():
            old.unlink()
            old.with_suffix(".json").unlink(missing_ok=True)
    name = f"qsub-{secrets.token_hex(5)}"
    sent = f"{FOLDER}/{name}{_SENT}"
    head = _HEAD.format(count=len(job_ids), name=f"{FOLDER}/{name}.sh", run=shlex.quote(str(run)), sent=sent)
    lines = [f'job{number}=$({text})\necho "$job{number}"\n' for number, text in enumerate(commands)]
    write_json(folder / f"{name}.json", {"jobs": list(job_ids)})
    write_text(folder / f"{name}.sh", head + "".join(lines))
    return folder / f"{name}.sh"


def sent_jobs(run: Path) -> dict[str, str]:
    """Return job id -> name of the file of commands that handed it to PBS.

    Raises
    ------
    FolderError
        The list of the jobs of such a file is damaged.
    """
    found: dict[str, str] = {}
    for sent in sorted((run / FOLDER).glob(f"qsub-*{_SENT}")):
        listed = read_object(sent.with_suffix(".json"), missing=f"{sent} has no list of jobs; delete it")
        found |= dict.fromkeys(map(str, listed.get("jobs", [])), f"{FOLDER}/{sent.stem}.sh")
    return found
