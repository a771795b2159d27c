"""What all engines that compute inside this process share: job in, relaxation or one evaluation, ``Outputs`` out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from qddft.engines.relax import Checkpoint, Evaluate, Point, relax, with_positions
from qddft.jobs.folder import CHECKPOINT
from qddft.outputs.outputs import Outputs

if TYPE_CHECKING:
    from ase import Atoms

    from qddft.jobs.job import Job
    from qddft.jobs.progress import Progress


@dataclass(frozen=True)
class Method:
    """How an engine describes what it computes with.

    Attributes
    ----------
    engine, version
        Name and version of the program.
    settings
        What decides the energy, under neutral names.
    n_electrons
        Valence electrons of the system; ``None`` where the engine has none.
    warnings
        Sentences a reader of the numbers has to see.
    """

    engine: str
    version: str
    settings: Mapping[str, Any]
    n_electrons: float | None = None
    warnings: tuple[str, ...] = field(default_factory=tuple)


def compute(
    job: "Job",
    atoms: "Atoms",
    folder: Path,
    *,
    evaluate: Evaluate,
    method: Method,
    report: Callable[["Progress"], None],
) -> Outputs:
    """Carry out the task of a job and return its outputs; a checkpoint in ``folder`` is gone on from.

    ``evaluate`` raises when it cannot converge, therefore what comes back has converged electronically.
    """
    settings = job.level["settings"]
    relaxes = job.task == "relax"
    point, converged = relax(
        atoms,
        evaluate,
        force_tol=float(settings["force_tol_eV_per_A"]),
        max_steps=int(settings["max_ionic_steps"]) if relaxes else 0,
        checkpoint=Checkpoint(folder / CHECKPOINT, job.id),
        report=report,
    )
    outputs = _outputs(with_positions(atoms, point.positions), point, folder, method, job)
    return replace(outputs, ionically_converged=converged or not relaxes)


def write_start(atoms: "Atoms | None", folder: Path) -> None:
    """Write the starting structure for people to look at; nothing reads it again."""
    if atoms is None:
        return
    from ase.io import write

    plain = atoms.copy()
    plain.info = {}
    write(folder / "start.extxyz", plain, format="extxyz")


def plain_json(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the entries that have a JSON form, numpy scalars and arrays as plain numbers."""
    kept = {key: _plain(value) for key, value in values.items()}
    return {key: value for key, value in kept.items() if value is not ...}


def _plain(value: Any) -> Any:
    """Return a JSON value, or ``...`` where there is none."""
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, list | tuple):
        items = [_plain(item) for item in value]
        return ... if any(item is ... for item in items) else items
    return value if value is None or isinstance(value, bool | int | float | str) else ...


def _outputs(atoms: "Atoms", point: Point, folder: Path, method: Method, job: "Job") -> Outputs:
    return Outputs(
        atoms=atoms,
        energy=point.found.energy,
        free_energy=point.found.free_energy,
        forces=point.found.forces,
        n_electrons=method.n_electrons,
        charge=float(job.charge),
        electronically_converged=True,
        n_ionic_steps=point.step,
        settings=method.settings,
        engine=method.engine,
        engine_version=method.version,
        source=str(folder),
        warnings=method.warnings,
        extra={"seconds": round(point.seconds, 1)},
    )
