"""The k-meshes of folders made by anyone against what a level states for the 1x1 cell."""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from qddft.analysis.audit import Audit, Difference, Unknown
from qddft.analysis.mesh import periodic_axes
from qddft.levels.settings import Level, Mesh, Settings
from qddft.outputs.run_settings import RunSettings

# lead atoms of one layer lie within this height, Angstrom; PbX2 layers are 6 apart
_LAYER = 2.0


def with_level_mesh(audit: Audit, runs: Sequence[RunSettings], level: Level) -> Audit:
    """Return an audit that also tells where meshes are not those of a level.

    A level states its mesh for the 1x1 cell of the perovskite; the lateral size of a folder follows from the lead atoms
    of a layer. Molecules are sampled at Gamma anyway. Whether a folder relaxes or is static is not known, so either
    mesh of the level will do, rounded up or to the next number.

    Parameters
    ----------
    audit
        Of the runs, with the level.
    runs
        Their settings.
    level
        The level.
    """
    wanted = _words(level.settings)
    wrong: dict[str, str] = {}
    unknown: list[str] = []
    for run in runs:
        mesh = run.settings.get("kpoints")
        if mesh is None or run.cell is None or run.scaled is None or not len(run.scaled):
            continue
        axes = [axis for axis, periodic in enumerate(periodic_axes(run.cell, run.scaled, mesh)) if periodic]
        if not axes:
            continue
        size = _size_of_one(run, axes)
        if size is None and level.settings.kpoints_refer_to == "1x1":
            unknown.append(run.source)
        elif not _fits(run.cell, axes, mesh, size, level.settings):
            lengths = " x ".join(f"{np.linalg.norm(run.cell[axis]):.2f}" for axis in axes)
            wrong[run.source] = f"{'x'.join(str(points) for points in mesh)} on {lengths} A"
    key = "kpoints of the level"
    differences = list(audit.differences)
    if wrong:
        differences.insert(0, Difference(key, "decides energies", wrong | {f"level {level.name}": wanted}))
    gaps = list(audit.unknown)
    if unknown:
        note = f"the level states {wanted}; without lead the 1x1 cell is not known"
        gaps.append(Unknown(key, "decides energies", tuple(unknown), note))
    return replace(audit, differences=tuple(differences), unknown=tuple(gaps))


def _words(settings: Settings) -> str:
    slabs = dict.fromkeys("x".join(map(str, mesh)) for mesh in (settings.kpoints_relax, settings.kpoints_static))
    bulk = "x".join(map(str, settings.kpoints_bulk))
    where = "the 1x1 cell" if settings.kpoints_refer_to == "1x1" else "the cell"
    return f"{' or '.join(slabs)} (crystals {bulk}) on {where}"


def _size_of_one(run: RunSettings, axes: Sequence[int]) -> float | None:
    """Return the edge of the 1x1 cell, Angstrom; ``None`` without lead."""
    lead = np.array([symbol == "Pb" for symbol in run.symbols], dtype=bool)
    if run.cell is None or run.scaled is None or not lead.any():
        return None
    if len(axes) == 3:
        return float((abs(np.linalg.det(run.cell)) / lead.sum()) ** (1 / 3))
    if len(axes) != 2:
        return None
    (normal,) = (axis for axis in range(3) if axis not in axes)
    heights = run.scaled[lead, normal] * float(np.linalg.norm(run.cell[normal]))
    in_layer = max(int((abs(heights - height) < _LAYER / 2).sum()) for height in heights)
    area = float(np.linalg.norm(np.cross(run.cell[axes[0]], run.cell[axes[1]])))
    return math.sqrt(area / in_layer)


def _fits(cell: np.ndarray, axes: Sequence[int], mesh: Sequence[int], size: float | None, settings: Settings) -> bool:
    meshes: tuple[Mesh, ...] = (settings.kpoints_bulk,)
    if len(axes) < 3:
        meshes = (settings.kpoints_relax, settings.kpoints_static)
    return any(
        all(mesh[axis] in _allowed(wanted[place], cell[axis], size, settings) for place, axis in enumerate(axes))
        for wanted in meshes
    )


def _allowed(points: int, vector: np.ndarray, size: float | None, settings: Settings) -> tuple[int, ...]:
    if settings.kpoints_refer_to == "cell" or size is None:
        return (points,)
    # 1e-2: the edge comes from the atoms, not from the label of a supercell
    divided = max(1, math.ceil(points * size / float(np.linalg.norm(vector)) - 1e-2))
    return divided, divided + 1
