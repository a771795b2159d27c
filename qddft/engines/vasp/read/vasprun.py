"""vasprun.xml of VASP 5.2 to 6.4: settings, energies, forces and structures, without touching the band structure.

The large tables (eigenvalues, density of states, projections) are stepped over; ``bands.py`` reads them on demand.
"""

import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from qddft.engines.vasp.read.blocks import Block, block_of, calculations, is_closed
from qddft.engines.vasp.read.levels import fermi_level, moment
from qddft.engines.vasp.read.numbers import to_float
from qddft.engines.vasp.read.readings import Energies, Reading, Scf, Structure, check_energies
from qddft.engines.vasp.read.source import Source
from qddft.engines.vasp.read.vasprun_header import forces_or_stress, read_header, read_structure

# kilobar to eV/Angstrom^3 with the sign of ASE: tension is positive, VASP gives the pressure; 1 eV = 1.602176634e-19 J
STRESS = -1e8 / 1.602176634e11
NO_FORCES = "the forces in the file are NaN, as after some non-self-consistent hybrid runs: none are given"
# digits of the file
_SAME = 1e-7
_VOLUME = re.compile(rb'<i name="volume">\s*([^<\s]+)\s*</i>')
_STEP_ENERGY = re.compile(rb'<i name="e_fr_energy">\s*([^<\s]+)\s*</i>')
_ENERGY = re.compile(rb'<i name="(e_fr_energy|e_wo_entrp|e_0_energy)">\s*([^<\s]+)\s*</i>')


def read_vasprun(source: Source) -> Reading:
    """Return what a vasprun.xml says.

    Raises
    ------
    OutputError
        The XML is malformed where it was read; the message names file, line and byte.
    """
    begins, ends = calculations(source)
    complete = is_closed(source)
    if complete and len(begins) != len(ends):
        raise source.damaged(begins[-1], "this <calculation> is never closed although the file is")
    header = read_header(source, begins[0] if begins else len(source.data), complete=complete)
    common: dict[str, Any] = {"kind": source.kind, "path": source.path, "complete": complete, "steps_done": len(ends)}
    if not complete:
        common["ends"] = f"it ends at {source.place(len(source.data))} without </modeling>"
    if not ends:
        return Reading(**common, **header)
    blocks = [block_of(source, *pair) for pair in list(zip(begins, ends, strict=False))[-2:]]
    return Reading(**common, **header, **_last_step(source, blocks, header))


def _last_step(source: Source, blocks: list[Block], header: dict[str, Any]) -> dict[str, Any]:
    block = blocks[-1]
    if "initial" not in header:
        raise source.damaged(block.start, "an ionic step begins before any structure was given")
    structure = step_structure(source, block, header["initial"])
    span = (block.scf_stop, block.bulky)
    forces = forces_or_stress(source, b'<varray name="forces"', span, len(structure.symbols))
    stress = forces_or_stress(source, b'<varray name="stress"', span, 3)
    energies = step_energies(source, block, header)
    if energies is not None:
        problem = check_energies(energies, header.get("parameters", {}))
        if problem is not None:
            raise source.damaged(block.scf_stop, problem)
    previous = step_energies(source, blocks[0], header) if len(blocks) == 2 else None
    return {
        "final": structure,
        "energies": energies,
        "forces": forces,
        "stress": None if stress is None else (stress + stress.T) / 2 * STRESS,
        "fermi": fermi_level(source, block),
        "magnetization": moment(source, block) if header.get("parameters", {}).get("ISPIN") == 2 else None,
        "previous_free": None if previous is None else previous.free,
        "scf": _scf(source, block),
        "moved_on": _moved_on(source, block, structure),
        "notes": (NO_FORCES,) if forces is None and source.data.find(b'"forces"', *span) >= 0 else (),
    }


def _moved_on(source: Source, block: Block, structure: Structure) -> bool | None:
    """Return whether the structure at the end of the file differs from that of the last step."""
    begin = source.data.find(b'<structure name="finalpos"', block.stop)
    end = source.data.find(b"</structure>", begin) if begin >= 0 else -1
    if end < 0:
        return None
    ending = read_structure(source, (begin, end), structure.symbols)
    shift = ending.scaled - structure.scaled
    shift -= np.round(shift)
    return bool(np.abs(shift).max(initial=0.0) > 1e-6 or np.abs(ending.cell - structure.cell).max() > 1e-5)


def step_structure(source: Source, block: Block, initial: Structure) -> Structure:
    """Return the structure that energy and forces of a step belong to; the flags of selective dynamics are kept."""
    begin = source.data.find(b"<structure", block.scf_stop, block.bulky)
    end = source.data.find(b"</structure>", begin, block.bulky) if begin >= 0 else -1
    if end < 0:
        raise source.damaged(block.scf_stop, "the structure of this ionic step is missing")
    structure = read_structure(source, (begin, end), initial.symbols)
    return Structure(structure.symbols, structure.cell, structure.scaled, initial.movable)


def step_energies(source: Source, block: Block, header: Mapping[str, Any]) -> Energies | None:
    """Return the energies of an ionic step; ``None`` when it has none.

    Before VASP 6.1 the tags of the final ``<energy>`` are shifted: ``e_wo_entrp`` holds E(sigma -> 0) and
    ``e_0_energy`` holds F minus the energy without entropy. The electronic steps are labeled right, but their last
    energy lacks corrections that are added afterwards (dispersion), so it cannot stand in for the final one.
    Under a pressure (PSTRESS) all three are enthalpies; the energies, as OUTCAR has them, are given here.

    Parameters
    ----------
    source, block
        The file and the step.
    header
        Its ``version`` and ``parameters``.
    """
    span = source.between(b"<energy>", b"</energy>", block.scf_stop, block.bulky)
    if span is None:
        return None
    values = {name: to_float(token) for name, token in _ENERGY.findall(source.data[span[0] : span[1]])}
    free, second, third = (values.get(name) for name in (b"e_fr_energy", b"e_wo_entrp", b"e_0_energy"))
    if free is None or second is None or third is None:
        raise source.damaged(span[0], "one of the three energies of this ionic step is missing or unreadable")
    work = _pressure_work(source, block, header.get("parameters", {}).get("PSTRESS"), free)
    if _version(source, header["version"]) < (6, 1):
        return Energies(free - work, free - third - work, second - work)
    return Energies(free - work, second - work, third - work)


def _version(source: Source, version: str) -> tuple[int, int]:
    match = re.match(r"(\d+)\.(\d+)", version)
    if match is None or not 4 <= int(match[1]) <= 9:
        raise source.damaged(0, f"{version!r} is no version of VASP, and the meaning of the energies depends on it")
    return int(match[1]), int(match[2])


def _pressure_work(source: Source, block: Block, pressure: object, free: float) -> float:
    """Return P V, eV, where the final energies hold it; the electronic steps before them never do."""
    if not isinstance(pressure, float) or not pressure:
        return 0.0
    last = _STEP_ENERGY.findall(source.data[block.start : block.scf_stop])
    volume = _VOLUME.search(source.data, block.scf_stop, block.bulky)
    in_loop = to_float(last[-1]) if last else None
    size = None if volume is None else to_float(volume[1])
    if size is None:
        raise source.damaged(block.scf_stop, "the volume is missing, and the final energies hold P V")
    if in_loop is not None and abs(in_loop - free) < _SAME:
        return 0.0
    return -pressure * STRESS * size


def _scf(source: Source, block: Block) -> Scf:
    text = source.data[block.start : block.scf_stop + len(b"</scstep>")]
    steps = text.count(b"</scstep>")
    if not steps:
        return Scf()
    energies = [to_float(token) for token in _STEP_ENERGY.findall(text)]
    change = None
    if len(energies) > 1 and energies[-1] is not None and energies[-2] is not None:
        change = energies[-1] - energies[-2]
    return Scf(steps, change, last_free=energies[-1] if energies else None)


def free_energies(source: Source, blocks: list[Block], header: Mapping[str, Any]) -> np.ndarray:
    """Return F and E(sigma -> 0) of every ionic step, shape (n_steps, 2), eV; NaN where a step has none."""
    pairs = [step_energies(source, block, header) for block in blocks]
    return np.array([(np.nan, np.nan) if e is None else (e.free, e.sigma0) for e in pairs]).reshape(len(pairs), 2)
