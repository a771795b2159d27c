"""Relaxation of the free atoms with a checkpoint after every step.

Quasi-Newton steps on a Hessian that begins as the model Hessian of the bonds and learns by damped BFGS updates
(M. J. D. Powell, in Numerical Analysis, Lecture Notes in Mathematics 630 (1978) 144). The longest displacement of an
atom is bounded, and the bound follows how well the quadratic model foretold the energy (R. Fletcher, Practical Methods
of Optimization, 2nd ed., chapter 5). Floppy molecules on a frozen slab need a half to a quarter of the steps that
BFGS from a multiple of the unit matrix takes.
"""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np

from qddft.core.files import write_text
from qddft.core.frozen import freeze_fields
from qddft.engines.model_hessian import model_hessian
from qddft.jobs.progress import Progress

if TYPE_CHECKING:
    from ase import Atoms

FORMAT = 1
# bounds of the longest displacement of an atom in one step, Angstrom
FIRST_REACH, SHORTEST_REACH, LONGEST_REACH = 0.2, 0.05, 0.5


@dataclass(frozen=True)
class Energies:
    """What one evaluation of the potential gives.

    Attributes
    ----------
    energy
        E(sigma -> 0), eV.
    free_energy
        The energy whose negative gradient the forces are, eV.
    forces
        Shape (n_atoms, 3), eV/Angstrom, without constraints.
    """

    energy: float
    free_energy: float
    forces: np.ndarray

    def __post_init__(self) -> None:
        freeze_fields(self)


@dataclass(frozen=True)
class Point:
    """The state of a relaxation after a step; all that the next step depends on.

    Attributes
    ----------
    step
        Number of displacements done.
    positions
        Of all atoms, shape (n_atoms, 3), Angstrom.
    found
        Energies and forces there.
    hessian
        Of the free atoms, shape (3 n_free, 3 n_free), eV/Angstrom^2.
    reach
        Longest displacement that the next step may give an atom, Angstrom.
    seconds
        Wall time spent, s.
    """

    step: int
    positions: np.ndarray
    found: Energies
    hessian: np.ndarray
    reach: float
    seconds: float

    def __post_init__(self) -> None:
        freeze_fields(self)


@dataclass(frozen=True)
class Checkpoint:
    """Where the state of a relaxation is kept.

    Attributes
    ----------
    path
        The file; replaced whole after every step.
    key
        Says whose state it is; another one's is not used.
    """

    path: Path
    key: str

    def memory(self, step: int) -> Path:
        """Return where an evaluation that remembers keeps its memory after a step."""
        return self.path.with_name(f"{self.path.stem}-{step}.npz")


Evaluate = Callable[["Atoms"], Energies]


@runtime_checkable
class Remembers(Protocol):
    """An ``Evaluate`` whose answer depends, within its convergence, on what it evaluated before.

    A long path on a flat surface is sensitive to that: with its memory, an interrupted relaxation ends exactly where an
    uninterrupted one does.
    """

    def keep(self, path: Path) -> None:
        """Write the memory to a file, if there is any."""

    def recall(self, path: Path, atoms: "Atoms") -> None:
        """Take the memory from a file, for a structure like ``atoms``; one that cannot be read is left alone."""


def relax(
    atoms: "Atoms",
    evaluate: Evaluate,
    *,
    force_tol: float,
    max_steps: int,
    checkpoint: Checkpoint,
    report: Callable[[Progress], None],
) -> tuple[Point, bool]:
    """Move the free atoms until the largest force on one of them is below ``force_tol``.

    Parameters
    ----------
    atoms
        Start; atoms held by ``FixAtoms`` stay.
    evaluate
        Gives energies and forces of a structure.
    force_tol
        eV/Angstrom.
    max_steps
        Number of displacements after which the relaxation gives up; 0 evaluates the start.
    checkpoint
        A state found there is gone on from.
    report
        Called after every step, and with the step of the checkpoint that it goes on from.

    Returns
    -------
    Point, bool
        The last state, and whether the forces have converged there.
    """
    free = free_atoms(atoms)
    clock = time.monotonic()
    point = load_checkpoint(checkpoint, atoms, free)
    memory = evaluate if isinstance(evaluate, Remembers) else None
    if point is None:
        found = evaluate(atoms)
        point = Point(0, atoms.positions, found, model_hessian(atoms, free), FIRST_REACH, time.monotonic() - clock)
        _keep(memory, point, checkpoint)
        _record(point, checkpoint, free, report)
    else:
        # a kill may have come between the checkpoint and its line
        _tell(point, free, report)
        if memory is not None:
            memory.recall(checkpoint.memory(point.step), with_positions(atoms, point.positions))
    while (largest := largest_force(point.found.forces, free)) >= force_tol and point.step < max_steps:
        clock = time.monotonic()
        moved = _displaced(point, free)
        found = evaluate(with_positions(atoms, moved))
        seconds = point.seconds + time.monotonic() - clock
        point = replace(_learned(point, moved, found, free), seconds=seconds)
        _keep(memory, point, checkpoint)
        _record(point, checkpoint, free, report)
        checkpoint.memory(point.step - 1).unlink(missing_ok=True)
    return point, largest < force_tol


def free_atoms(atoms: "Atoms") -> np.ndarray:
    """Return the indices of the atoms that no ``FixAtoms`` holds."""
    from ase.constraints import FixAtoms

    free = np.ones(len(atoms), dtype=bool)
    for constraint in atoms.constraints:
        if isinstance(constraint, FixAtoms):
            free[constraint.index] = False
    return np.flatnonzero(free)


def largest_force(forces: np.ndarray, free: np.ndarray) -> float:
    """Return the largest norm of a force on a free atom, eV/Angstrom; 0 when no atom is free."""
    return float(np.linalg.norm(forces[free], axis=1).max(initial=0.0))


def with_positions(atoms: "Atoms", positions: np.ndarray) -> "Atoms":
    """Return a copy of the atoms elsewhere."""
    moved = atoms.copy()
    moved.set_positions(positions, apply_constraint=False)
    return moved


def load_checkpoint(checkpoint: Checkpoint, atoms: "Atoms", free: np.ndarray) -> Point | None:
    """Return the state that a checkpoint holds; ``None`` without one, or when it is damaged or of another job.

    Starting again from the beginning gives the same result, later.
    """
    try:
        data: Any = json.loads(checkpoint.path.read_text(encoding="utf-8"))
        if (data["format"], data["key"]) != (FORMAT, checkpoint.key):
            return None
        found = Energies(data["energy"], data["free_energy"], np.array(data["forces"]))
        hessian = _unpacked(np.array(data["hessian"]), 3 * len(free))
        point = Point(data["step"], np.array(data["positions"]), found, hessian, data["reach"], data["seconds"])
    except (OSError, UnicodeDecodeError, json.JSONDecodeError, KeyError, TypeError, ValueError):
        return None
    return point if point.positions.shape == found.forces.shape == (len(atoms), 3) else None


def _keep(memory: Remembers | None, point: Point, checkpoint: Checkpoint) -> None:
    """Keep the memory of a step, whole or not at all, before the checkpoint speaks of that step."""
    if memory is None:
        return
    path = checkpoint.memory(point.step)
    draft = path.with_name(f".{path.name}.tmp")
    memory.keep(draft)
    if draft.exists():
        draft.replace(path)


def _record(point: Point, checkpoint: Checkpoint, free: np.ndarray, report: Callable[[Progress], None]) -> None:
    data = {
        "format": FORMAT,
        "key": checkpoint.key,
        "step": point.step,
        "energy": point.found.energy,
        "free_energy": point.found.free_energy,
        "forces": point.found.forces.tolist(),
        "positions": point.positions.tolist(),
        "hessian": point.hessian[np.tril_indices(len(point.hessian))].tolist(),
        "reach": point.reach,
        "seconds": point.seconds,
    }
    write_text(checkpoint.path, json.dumps(data, allow_nan=False))
    _tell(point, free, report)


def _tell(point: Point, free: np.ndarray, report: Callable[[Progress], None]) -> None:
    report(Progress(point.step, point.found.energy, largest_force(point.found.forces, free), point.seconds))


def _unpacked(lower: np.ndarray, size: int) -> np.ndarray:
    matrix = np.zeros((size, size))
    matrix[np.tril_indices(size)] = lower
    return matrix + np.tril(matrix, -1).T


def _displaced(point: Point, free: np.ndarray) -> np.ndarray:
    """Return the positions after a Newton step against positive curvatures, within reach."""
    curvature, modes = np.linalg.eigh(point.hessian)
    step = (modes @ ((point.found.forces[free].ravel() @ modes) / np.abs(curvature))).reshape(-1, 3)
    longest = np.linalg.norm(step, axis=1).max()
    moved = point.positions.copy()
    moved[free] += step * min(1.0, point.reach / longest)
    return moved


def _learned(point: Point, moved: np.ndarray, found: Energies, free: np.ndarray) -> Point:
    """Return the state at ``moved``: Hessian and reach from how the forces and the energy changed on the way there."""
    step = (moved - point.positions)[free].ravel()
    before, after = point.found.forces[free].ravel(), found.forces[free].ravel()
    foretold = -before @ step + 0.5 * step @ point.hessian @ step
    reach = _next_reach(point.reach, found.free_energy - point.found.free_energy, foretold, step)
    return Point(point.step + 1, moved, found, _updated(point.hessian, step, before - after), reach, point.seconds)


def _next_reach(reach: float, change: float, foretold: float, step: np.ndarray) -> float:
    """Return the next bound: half where the model failed, half as much again where it held up to the bound."""
    if change > 0.25 * foretold:
        return max(SHORTEST_REACH, reach / 2)
    at_bound = np.linalg.norm(step.reshape(-1, 3), axis=1).max() > 0.99 * reach
    return min(LONGEST_REACH, reach * 1.5) if at_bound and change < 0.75 * foretold else reach


def _updated(hessian: np.ndarray, step: np.ndarray, gradient_change: np.ndarray) -> np.ndarray:
    """Return the damped BFGS update, which keeps the Hessian positive definite."""
    image = hessian @ step
    bend, seen = float(step @ image), float(step @ gradient_change)
    if seen < 0.2 * bend:
        share = 0.8 * bend / (bend - seen)
        gradient_change = share * gradient_change + (1 - share) * image
        seen = float(step @ gradient_change)
    updated = hessian + np.outer(gradient_change, gradient_change) / seen - np.outer(image, image) / bend
    return np.asarray((updated + updated.T) / 2)
