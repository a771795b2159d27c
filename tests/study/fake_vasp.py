"""A program that behaves like VASP towards a queue: it takes time, writes files as it goes, looks for STOPCAR, fails.

It knows no physics: energies and forces are made up, and only the supervision is tested with it. The JSON file
``FAKE_VASP`` says how it behaves: ``seconds`` an ionic step, ``steps``, and ``fails``, by a part of the folder's name:
``{"says": text, "code": exit code, "signal": number, "starts": how often it fails}``.
"""

import json
import os
import re
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "engines" / "vasp"))

from made_up_vasp import Run, Step, outcar, vasprun

from qddft.engines.vasp.handover import Poscar


def main():
    """Run in the current folder."""
    with Path("starts").open("a") as log:
        log.write(f"{os.getpid()}\n")
    tags = dict(re.findall(r"^(\w+) *= *([^#!\n]*?) *(?:[#!].*)?$", Path("INCAR").read_text(), re.MULTILINE))
    if tags.get("LWAVE") == ".TRUE.":
        Path("WAVECAR").write_text("orbitals\n")
    relaxes = int(tags.get("NSW", 0)) > 0
    _fail_if_asked(relaxes)
    count = _behavior().get("steps", 1) if relaxes else 1
    steps = []
    for number in range(count):
        begun = time.monotonic()
        while time.monotonic() - begun < (_behavior().get("seconds", 0) if relaxes else 0):
            time.sleep(0.05)
        steps.append(_step(number))
        _write(steps, tags, whole=False)
        if Path("STOPCAR").exists():
            break
    _write(steps, tags, whole=True, stopped=len(steps) < count)


def _behavior():
    return json.loads(Path(os.environ["FAKE_VASP"]).read_text())


def _fail_if_asked(relaxes):
    starts = len(Path("starts").read_text().split())
    for name, how in _behavior().get("fails", {}).items():
        if relaxes and name in Path.cwd().name and starts <= how.get("starts", 99):
            sys.stdout.write(how.get("says", "") + "\n")
            sys.stdout.flush()
            if "signal" in how:
                os.kill(os.getpid(), how["signal"])
            sys.exit(how.get("code", 1))


def _step(number):
    """Return a step in which every atom has moved a little from POSCAR; the forces get smaller."""
    start = _start()
    scaled = np.array([[float(word) for word in line.split()[:3]] for line in start.atoms])
    scaled += 0.001 * (number + 1)
    forces = np.full((len(scaled), 3), 0.5 / (number + 1))
    return Step(-10.0 - number, -0.001, forces, scaled)


def _start():
    return Poscar(Path("POSCAR"))


def _write(steps, tags, *, whole, stopped=False):
    start = _start()
    cell = np.array([[float(word) for word in line.split()] for line in start.lattice[1:]])
    parameters = {name: int(tags[name]) for name in ("NSW", "ISPIN", "NELM") if name in tags}
    parameters["IBRION"] = int(tags.get("IBRION", -1)) if parameters.get("NSW", 0) else -1
    types = tuple(
        (name, number, 7.0, f"PAW_PBE {name} made up") for name, number in zip(start.species, start.counts, strict=True)
    )
    run = Run(steps=tuple(steps), types=types, cell=cell, parameters=parameters, closed=whole and not stopped)
    text = outcar(run)
    if stopped:
        text += " soft stop encountered!  aborting job ...\n General timing and accounting informations for this job:\n"
    rows = [
        " ".join(f"{x:.12f}" for x in row) + "".join(f" {flag}" for flag in line.split()[3:])
        for row, line in zip(steps[-1].scaled, start.atoms, strict=True)
    ]
    head = [
        "made up", *start.lattice, " ".join(start.species), " ".join(map(str, start.counts)),
        *(["Selective dynamics"] if start.selective else []), "Direct",
    ]  # fmt: skip
    lines = (f"{number:4d} F= {s.free:.8E} E0= {s.free:.8E}  d E =-.1E+00" for number, s in enumerate(steps, start=1))
    for name, content in (
        ("OSZICAR", "\n".join(lines) + "\n"),
        ("OUTCAR", text),
        ("vasprun.xml", vasprun(run)),
        ("CONTCAR", "\n".join([*head, *rows]) + "\n"),
    ):
        Path(name).write_text(content)


if __name__ == "__main__":
    main()
