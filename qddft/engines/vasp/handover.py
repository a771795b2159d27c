"""Judge a finished VASP folder and make the next POSCAR from its CONTCAR.

This file is copied into every ``job.sh``, to run on compute nodes: it needs Python 3.6 and its standard library only,
which is why its annotations are quoted.
"""

import json
import math
import os
import re
import sys
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_ITERATION = re.compile(r"Iteration\s*(\d+)\(\s*(\d+)\)")
_LIMIT = re.compile(r"\b(NELM|NSW|IBRION)\s*=\s*(-?\d+)")
# what VASP, its launcher, the batch system and the supervision write when something goes wrong, and what it means;
# the first that is found counts
_WORDS = (
    ("DUE TO TIME LIMIT", "time limit of the queue"),
    ("NODE FAILURE|Node failure|node .* failed", "node failure"),
    ("No space left on device|[Dd]isk quota exceeded", "the disk is full"),
    ("oom.kill|Out Of Memory|Cannot allocate memory|exceed memory limit|insufficient virtual memory", "memory ran out"),
    (
        "(?i)licen[cs]e.{0,60}(not|fail|expired|invalid|denied|error|unavailable)|"
        "(no|not|invalid|cannot|unable|failed|expired|missing)\\b.{0,60}licen[cs]e",
        "license: ",
    ),
    (
        "error while loading shared libraries|command not found|execve\\(\\)|No module named|not installed",
        "not installed: ",
    ),
    ("Segmentation fault|SIGSEGV|segmentation violation", "segmentation fault"),
    ("srun: error: .*: Killed|signal 9|SIGKILL", "killed, most often because memory ran out"),
    ("ZBRENT: fatal error", "ZBRENT: the line minimization failed"),
    ("ZPOTRF", "LAPACK ZPOTRF failed: atoms may be too close to each other"),
    ("BRMIX: very serious problems", "BRMIX: the number of electrons went wrong while densities were mixed"),
    ("EDDRMM", "EDDRMM: the diagonalization failed (ZHEGV)"),
    ("EDDDAV|ZHEGV failed", "EDDDAV: the diagonalization failed (ZHEGV)"),
    ("Sub-Space-Matrix is not hermitian", "EDDDAV: the subspace matrix is not Hermitian"),
    ("REAL_OPTLAY", "REAL_OPTLAY: projectors in real space do not fit the cell (LREAL)"),
    ("SBESSELITER", "SBESSELITER: spherical Bessel functions did not converge"),
    ("SET_CORE_WF", "SET_CORE_WF: core electrons of a data set are wrong"),
    ("PRICELV|POSMAP|RHOSYG|IBZKPT|SGRCON|point group operation missing|inverse of rotation matrix", "symmetry: "),
    ("TOO FEW BANDS", "too few bands: "),
    ("Error reading item", "INCAR: "),
    ("tend to fail with the tetrahedron method", "ALGO = All or Damped tends to fail with tetrahedra (ISMEAR = -5)"),
    ("SICK JOB|internal error|VERY BAD NEWS", "VASP refused to go on: "),
)
_TAIL = 200000
_LONGEST = 160


class NotReadyError(Exception):
    """The folder is not what the next step needs; the message says why."""


class Outcar:
    """What an OUTCAR says about its own end."""

    def __init__(self, path: "Path") -> None:
        self.limits = {"NELM": 60, "NSW": 0, "IBRION": -1}
        self.ionic = self.electronic = 0
        self.ended = self.relaxed = self.refused = self.stopped = False
        with path.open(errors="replace") as file:
            for line in file:
                self._take(line)

    def _take(self, line: "str") -> None:
        if "Iteration" in line:
            match = _ITERATION.search(line)
            if match:
                self.ionic, self.electronic = int(match.group(1)), int(match.group(2))
        elif not self.ionic:
            self.limits.update((key, int(value)) for key, value in _LIMIT.findall(line))
        elif "EDIFF" in line and "aborting loop" in line:
            # VASP 5 writes "is reached" even when NELM ended the loop, VASP 6 tells the two apart
            self.refused = "was not reached" in line
        else:
            self.relaxed = self.relaxed or "reached required accuracy" in line
            self.stopped = self.stopped or "stop encountered" in line
            self.ended = self.ended or "General timing and accounting" in line

    @property
    def relaxes(self) -> "bool":
        """Whether atoms were to be relaxed."""
        return self.limits["NSW"] > 0 and self.limits["IBRION"] in (1, 2, 3)


def said(folder: "Path") -> "str":
    """Return why a program in a folder failed, in its own words or ours; empty when it said nothing."""
    text = ""
    for name in ("custodian.out", "vasp.out"):
        path = folder / name
        if path.is_file():
            with path.open("rb") as file:
                file.seek(max(0, path.stat().st_size - _TAIL))
                text += file.read().decode("utf-8", "replace") + "\n"
    lines = [" ".join(line.strip(" |-").split()) for line in text.splitlines()]
    for pattern, meaning in _WORDS:
        found = [line for line in lines if re.search(pattern, line)]
        if found:
            return (meaning + found[-1])[:_LONGEST] if meaning.endswith(": ") else meaning
    return ([""] + [line for line in lines if line])[-1][:_LONGEST]


def judge(folder: "Path") -> None:
    """Raise ``NotReadyError`` unless the OUTCAR of a folder is whole and both loops converged."""
    path = folder / "OUTCAR"
    if not path.is_file():
        raise NotReadyError(f"{path} does not exist: VASP has not run there")
    found = Outcar(path)
    if not found.ended:
        words = said(folder)
        raise NotReadyError(f"{path} is cut short: VASP did not come to its end" + (words and f" ({words})"))
    if found.stopped:
        raise NotReadyError(f"{path}: stopped by STOPCAR before the end; run the job again to go on")
    if found.refused or found.electronic >= found.limits["NELM"]:
        raise NotReadyError(f"{path}: the electronic cycle of ionic step {found.ionic} did not converge (NELM)")
    if found.relaxes and not found.relaxed:
        raise NotReadyError(f"{path}: the relaxation did not converge in NSW {found.limits['NSW']} steps")


class Poscar:
    """Lattice, species, counts, flags and atom lines of a POSCAR or CONTCAR, which has to be whole."""

    def __init__(self, path: "Path") -> None:
        if not path.is_file():
            raise NotReadyError(f"{path} does not exist")
        lines = path.read_text().splitlines()
        try:
            self.lattice = lines[1:5]
            self.species, self.counts = lines[5].split(), [int(word) for word in lines[6].split()]
            self.selective = lines[7].strip()[:1].lower() == "s"
            self.mode = lines[8 if self.selective else 7].strip()
            first = 9 if self.selective else 8
            self.atoms = lines[first : first + sum(self.counts)]
            numbers = [float(word) for line in self.lattice for word in line.split()]
            numbers += [float(word) for line in self.atoms for word in line.split()[:3]]
        except (IndexError, ValueError) as error:
            raise NotReadyError(f"{path} is cut short or damaged ({error})") from error
        whole = len(self.species) == len(self.counts) and len(numbers) == 10 + 3 * sum(self.counts)
        flagged = not self.selective or all(len(line.split()) >= 6 for line in self.atoms)
        if not (whole and flagged and all(map(math.isfinite, numbers))):
            raise NotReadyError(f"{path} is cut short or damaged")

    @property
    def elements(self) -> "list[str]":
        """The element of each atom."""
        return [self.species[kind] for kind, count in enumerate(self.counts) for _ in range(count)]


def make_poscar(parent: "Path", target: "Path", keep: "str", comment: "str") -> None:
    """Write ``target`` from the CONTCAR of ``parent``, without velocities.

    ``keep`` tells which atoms stay: ``all``, or numbers that count from 1, such as ``1-9,12``.
    """
    final, start = Poscar(parent / "CONTCAR"), Poscar(parent / "POSCAR")
    if final.elements != start.elements:
        raise NotReadyError(f"POSCAR and CONTCAR in {parent} hold different atoms")
    count = len(final.atoms)
    chosen = list(range(count)) if keep == "all" else list(indices(keep))
    if not chosen or max(chosen) >= count:
        raise NotReadyError(f"{parent} has {count} atoms, fewer than this job takes from it")
    kept = [final.elements[index] for index in chosen]
    species = list(dict.fromkeys(kept))
    numbers = " ".join(str(kept.count(element)) for element in species)
    flags = ["Selective dynamics"] if final.selective else []
    rows = [final.atoms[index] for index in chosen]
    text = "\n".join([comment, *final.lattice, " ".join(species), numbers, *flags, final.mode, *rows]) + "\n"
    _write(target, text)


def indices(ranges: "str") -> "Iterator[int]":
    """Yield the indices, from 0, of ranges such as ``1-9,12`` that count from 1."""
    for part in ranges.split(","):
        first, _, last = part.partition("-")
        for number in range(int(first), int(last or first) + 1):
            yield number - 1


def write_failure(path: "Path", reason: "str") -> None:
    """Write ``failure.json`` as qddft writes it, so that ``qddft status`` tells the reason."""
    # datetime.UTC came with Python 3.11
    now = datetime.now(timezone.utc).isoformat("T", "seconds")  # noqa: UP017
    _write(path, json.dumps({"kind": "VASP", "reason": reason, "when": now}, indent=1, sort_keys=True) + "\n")


def _write(target: "Path", text: "str") -> None:
    """Write a file whole or not at all."""
    temporary = target.parent / (target.name + ".tmp")
    with temporary.open("w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(target)


def main(arguments: "list[str]") -> "int":
    """Do one of the things that job.sh asks for; 0 when all is well, 1 with a reason otherwise.

    ``judge FOLDER``, ``said FOLDER``, ``whole FILE``, ``steps FOLDER``, ``failure FILE REASON``,
    ``poscar PARENT TARGET KEEP COMMENT``.
    """
    action, path = arguments[0], Path(arguments[1])
    try:
        if action == "failure":
            write_failure(path, arguments[2])
        elif action == "whole":
            Poscar(path)
        elif action == "said":
            sys.stdout.write(f"{said(path) or 'it said nothing'}\n")
        elif action == "steps":
            sys.stdout.write(f"{Outcar(path / 'OUTCAR').ionic}\n")
        else:
            judge(path)
        if action == "poscar":
            make_poscar(path, Path(arguments[2]), arguments[3], arguments[4])
    except NotReadyError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
