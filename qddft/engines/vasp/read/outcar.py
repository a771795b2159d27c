"""OUTCAR of VASP 5.2 to 6.4: searched from its end, so that the cost does not grow with what is not wanted."""

import re
from itertools import pairwise
from typing import Any

import numpy as np

from qddft.engines.vasp.read.numbers import plain_table, to_float
from qddft.engines.vasp.read.outcar_header import lattice, read_outcar_header
from qddft.engines.vasp.read.readings import Energies, Reading, Scf, Structure, check_energies
from qddft.engines.vasp.read.site_rows import site_rows
from qddft.engines.vasp.read.source import Source
from qddft.engines.vasp.read.vasprun import NO_FORCES, STRESS
from qddft.outputs.tables import Trajectory

FOOTER = b"General timing and accounting informations for this job"
_STEP = b"FREE ENERGIE OF THE ION-ELECTRON SYSTEM"
_FORCES = b"TOTAL-FORCE (eV/Angst)"
_LINEAR_RESPONSE = b"Linear response"
_ITERATION = re.compile(rb"Iteration\s+(\d+|\*+)\(\s*(\d+|\*+)\)")
_ENERGIES = re.compile(
    rb"TOTEN\s*=\s*([^\s=]+)\s+eV\s+energy\s+without\s+entropy\s*=\s*([^\s=]+)\s+energy\(sigma->0\)\s*=\s*([^\s=]+)"
)
_FERMI = re.compile(rb"E-fermi\s*:\s*(-?\d+\.\d+)")
_MOMENT = re.compile(rb"number of electron\s+\S+\s+magnetization[ \t]+(\S+)(?:[ \t]+(\S+)[ \t]+(\S+))?[ \t]*\n")
_CHANGE = re.compile(rb"total energy-change \(2\. order\)\s*:\s*([^\s(]+)")
_FIVE_DECIMALS = re.compile(rb"-?\d+\.\d{5}")
_DISPERSION_ENERGY = re.compile(rb"(?:Edisp \(eV\)|Estimated vdW energy \(eV\))\s*:?\s*(\S+)")
_IVDW = re.compile(rb"IVDW\s*=\s*(\d+)")
# any of these in an ionic step shows that a dispersion correction was computed
_DISPERSION_MARKS = (b"Edisp", b"FORVDW", b"IVDW", b"DFTD3", b"vdW energy", b"Grimme", b"\n  vdW  ", b"MBD")
METHODS = {
    0: "none", 1: "D2", 10: "D2", 11: "D3(0)", 12: "D3(BJ)", 13: "D4", 2: "TS", 20: "TS", 21: "TS/HI", 202: "MBD@rsSCS",
    263: "MBD@rsSCS/FI", 3: "dDsC", 4: "dDsC",
}  # fmt: skip


def read_outcar(source: Source) -> Reading:
    """Return what an OUTCAR says.

    Raises
    ------
    OutputError
        A table that was needed is malformed; the message names file, line and byte.
    """
    data = source.data
    first = data.find(b"Iteration ")
    header = read_outcar_header(source, first if first >= 0 else len(data))
    complete = data.find(FOOTER, max(len(data) - 262144, 0)) >= 0
    common: dict[str, Any] = {"kind": source.kind, "path": source.path, "complete": complete}
    if not complete:
        common["ends"] = f"it ends at {source.place(len(data))} without the timing summary"
    steps = step_offsets(source)
    if complete:
        _check_steps(source, steps)
        header["notes"] = _joined(source, steps)
    if not steps:
        return Reading(**common, **header)
    last = _last_step(source, steps, header)
    last["notes"] += header.pop("notes", ())
    return Reading(**common, **header, steps_done=len(steps), **last)


def _check_steps(source: Source, steps: list[int]) -> None:
    """Refuse a finished file in which the final energies of an ionic step that was begun are missing."""
    at = source.data.rfind(b"Iteration ")
    match = _ITERATION.match(source.data, at) if at >= 0 else None
    # linear response counts its loops on and gives no total energies
    if steps and source.data.find(_LINEAR_RESPONSE, steps[-1], at) >= 0:
        return
    if match is not None and match.group(1).isdigit() and int(match.group(1)) > len(steps):
        begun = int(match.group(1))
        raise source.damaged(at, f"ionic step {begun} begins here, but the file holds {len(steps)} final energies")


def _joined(source: Source, steps: list[int]) -> tuple[str, ...]:
    """Return a warning where a finished file counts fewer ionic steps than it ended: runs that were joined."""
    at = source.data.rfind(b"Iteration ", 0, steps[-1]) if steps else -1
    match = _ITERATION.match(source.data, at) if at >= 0 else None
    if match is None or not match.group(1).isdigit() or int(match.group(1)) >= len(steps):
        return ()
    return (
        f"{len(steps)} ionic steps end in the file, the last one has the number {int(match.group(1))}: if several runs "
        "were written one behind the other, the settings are those of the first and the energies those of the last",
    )


def step_offsets(source: Source) -> list[int]:
    """Return where the final energies of each complete ionic step are printed."""
    offsets = []
    at = source.data.find(_STEP)
    while at >= 0:
        if _ENERGIES.search(source.data, at, at + 600):
            offsets.append(at)
        at = source.data.find(_STEP, at + len(_STEP))
    return offsets


def _last_step(source: Source, steps: list[int], header: dict[str, Any]) -> dict[str, Any]:
    data, stop = source.data, steps[-1]
    start = steps[-2] if len(steps) > 1 else 0
    initial = header.get("initial")
    if initial is None:
        raise source.damaged(stop, "an ionic step ends here, but the head shows no structure")
    energies = step_energies(source, stop)
    problem = check_energies(energies, header.get("parameters", {}))
    if problem is not None:
        raise source.damaged(stop, problem)
    table = step_table(source, start, stop, len(initial.symbols))
    forces = None if table is None else table[:, 3:]
    not_numbers = forces is not None and not np.isfinite(forces).all()
    fermi = _last(_FERMI, source, b"E-fermi", (start, len(data)))
    after = data[stop : stop + 65536]
    scf = _scf(source, start, stop)
    return {
        "final": step_structure(source, initial, table, (start, stop)),
        "energies": energies,
        "forces": None if forces is None or not_numbers else forces,
        "notes": (NO_FORCES,) if not_numbers else (),
        **site_rows(source, start, len(initial.symbols)),
        "stress": _stress(source, start, stop),
        "fermi": None if fermi is None else to_float(fermi.group(1)),
        "magnetization": _magnetization(source, start, stop),
        "previous_free": step_energies(source, steps[-2]).free if len(steps) > 1 else None,
        "scf": scf,
        "reached_accuracy": b"reached required accuracy - stopping structural" in after,
        "stopped": data.rfind(b"stop encountered!", start) >= 0,
        **_dispersion(source, (start, stop), header),
    }


def step_energies(source: Source, at: int) -> Energies:
    """Return the final energies of an ionic step.

    Raises
    ------
    OutputError
        They are stars or otherwise unreadable.
    """
    match = _ENERGIES.search(source.data, at, at + 600)
    values = [] if match is None else [to_float(token) for token in match.groups()]
    if len(values) != 3 or None in values:
        raise source.damaged(at, "the energies of this ionic step are unreadable")
    free, without_entropy, sigma0 = (value for value in values if value is not None)
    return Energies(free, without_entropy, sigma0)


def step_table(source: Source, start: int, stop: int, n_atoms: int) -> np.ndarray | None:
    """Return Cartesian positions and forces of a step, shape (n_atoms, 6), or ``None`` when it printed none.

    Forces may be NaN, positions not.
    """
    begin = source.data.rfind(_FORCES, start, stop)
    if begin < 0:
        return None
    first = source.data.find(b"\n", source.data.find(b"---", begin, stop), stop) + 1
    last = first
    for _ in range(n_atoms):
        last = source.data.find(b"\n", last, stop) + 1
    if first <= 0 or last <= 0 or source.data[last : last + 4].strip()[:2] != b"--":
        raise source.damaged(begin, f"the table of forces does not have {n_atoms} rows")
    table = plain_table(source, (first, last), (13, 13, 13, 17, 14, 14))
    if not np.isfinite(table[:, :3]).all():
        raise source.damaged(first, "a position is NaN")
    return table


def step_structure(source: Source, initial: Structure, table: np.ndarray | None, span: tuple[int, int]) -> Structure:
    """Return the structure of a step from the last lattice vectors and the table of positions.

    The table has five decimals; where it agrees with the first structure, that one (eight decimals) is kept.
    """
    at = source.data.rfind(b"VOLUME and BASIS-vectors are now", *span)
    cell = lattice(source, at, span[1]) if at >= 0 else None
    cell = initial.cell if cell is None else cell
    if table is None:
        return Structure(initial.symbols, cell, initial.scaled)
    scaled = np.linalg.solve(cell.T, table[:, :3].T).T
    shift = scaled - initial.scaled
    shift -= np.round(shift)
    if np.abs(shift @ cell).max() < 2e-5:
        scaled = initial.scaled
    return Structure(initial.symbols, cell, scaled)


def _last(pattern: re.Pattern[bytes], source: Source, mark: bytes, span: tuple[int, int]) -> re.Match[bytes] | None:
    """Return the last match of a pattern that begins with ``mark``."""
    at = source.data.rfind(mark, *span)
    return pattern.match(source.data, at, at + 400) if at >= 0 else None


def _stress(source: Source, start: int, stop: int) -> np.ndarray | None:
    """Return the stress, shape (3, 3), eV/Angstrom^3; VASP prints XX YY ZZ XY YZ ZX in kB, columns may touch."""
    at = source.data.rfind(b"\n  in kB", start, stop)
    if at < 0:
        return None
    line = source.data[at + 1 : source.data.find(b"\n", at + 1)]
    values = [float(token) for token in _FIVE_DECIMALS.findall(line)]
    if len(values) != 6:
        return None
    xx, yy, zz, xy, yz, zx = values
    return np.array([[xx, xy, zx], [xy, yy, yz], [zx, yz, zz]]) * STRESS


def _magnetization(source: Source, start: int, stop: int) -> float | None:
    """Return the total moment; of a non-collinear run the length of the vector."""
    match = _last(_MOMENT, source, b"number of electron", (start, stop))
    if match is None:
        return None
    values = [to_float(token) for token in match.groups() if token is not None]
    if None in values or not values:
        return None
    return float(values[0] or 0.0) if len(values) == 1 else float(np.linalg.norm(np.array(values, dtype=float)))


def _scf(source: Source, start: int, stop: int) -> Scf:
    at = source.data.rfind(b"Iteration ", start, stop)
    match = _ITERATION.match(source.data, at) if at >= 0 else None
    if match is None:
        return Scf()
    steps = int(match.group(2)) if match.group(2).isdigit() else None
    end = source.data[at:stop]
    change = _CHANGE.search(end)
    announced = None
    if b"aborting loop because EDIFF is reached" in end:
        announced = True
    if b"EDIFF was not reached" in end or b"hard stop encountered" in end:
        announced = False
    return Scf(steps, None if change is None else to_float(change.group(1)), announced)


def _dispersion(source: Source, span: tuple[int, int], header: dict[str, Any]) -> dict[str, Any]:
    """Return method and energy of the dispersion correction; ``none`` when a whole ionic step shows no trace."""
    text = source.data[span[0] : span[1]] if span[1] - span[0] < 1 << 20 else source.data[span[1] - (1 << 20) : span[1]]
    stated = header["stated"].get("IVDW")
    if not any(mark in text for mark in _DISPERSION_MARKS):
        return {"dispersion": "none" if stated in (None, 0) else "unknown"}
    energy, method = _DISPERSION_ENERGY.search(text), _IVDW.search(text)
    number = int(method.group(1)) if method is not None else stated
    name = METHODS.get(number, f"IVDW={number}") if isinstance(number, int) else "unknown"
    return {"dispersion": name, "dispersion_energy": None if energy is None else to_float(energy.group(1))}


def outcar_trajectory(source: Source) -> Trajectory:
    """Return all complete ionic steps; positions have the five decimals that OUTCAR prints.

    Raises
    ------
    OutputError
        There is none, or a step is damaged.
    """
    steps = step_offsets(source)
    first = source.data.find(b"Iteration ")
    initial = read_outcar_header(source, first if first >= 0 else len(source.data)).get("initial")
    if not steps or initial is None:
        raise source.damaged(len(source.data), "no ionic step was completed")
    energies = [step_energies(source, at) for at in steps]
    structures, forces = [], []
    for start, stop in pairwise([0, *steps]):
        rows = step_table(source, start, stop, len(initial.symbols))
        structures.append(step_structure(source, initial, rows, (start, stop)))
        forces.append(np.full((len(initial.symbols), 3), np.nan) if rows is None else rows[:, 3:])
    return Trajectory(
        initial.symbols,
        np.array([structure.cell for structure in structures]),
        np.array([structure.scaled @ structure.cell for structure in structures]),
        np.array([energy.sigma0 for energy in energies]),
        np.array([energy.free for energy in energies]),
        np.array(forces),
    )
