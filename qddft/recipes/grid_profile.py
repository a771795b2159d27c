"""Planar average of any field, and of one field minus another in the same cell, of anybody's calculations."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from qddft.analysis.profile import from_vacuum, macroscopic_average, planar_average
from qddft.core.errors import OutputError, SettingsMismatchError
from qddft.core.frozen import freeze_fields
from qddft.outputs.grid import Grid, Profile
from qddft.outputs.grid_files import grid_file, read_grid
from qddft.outputs.outputs import Outputs
from qddft.recipes.folders import read
from qddft.recipes.provenance import audit_record, input_hashes
from qddft.recipes.result import Result

if TYPE_CHECKING:
    from ase import Atoms

_SAME_CELL = 1e-3
# atoms of two structures that lie nearer than this are the same atom, Angstrom
_SAME_PLACE = 0.5


@dataclass(frozen=True)
class GridProfile:
    """A field, or a difference of two, and its average over planes.

    Attributes
    ----------
    grid
        The field.
    profile
        Its planar average, beginning in the widest gap between atoms.
    smooth
        The macroscopic average; ``None`` unless asked for.
    far
        Height farthest from where the structures of a difference differ, and the average there; ``None`` for a single
        field, or where nothing tells them apart.
    engine, level, inputs, audit, warnings
        As in every result.
    """

    grid: Grid
    profile: Profile
    smooth: Profile | None = None
    far: tuple[float, float] | None = None
    engine: str = "grid file"
    level: str = "unknown"
    inputs: Mapping[str, str] = field(default_factory=dict)
    audit: Mapping[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        freeze_fields(self)

    def results(self) -> tuple[Result, ...]:
        """Return what the field adds up to, how far its planar average goes, and what is left far away."""
        values = self.grid.values
        density = self.grid.quantity == "density"
        lowest, highest = int(self.profile.values.argmin()), int(self.profile.values.argmax())
        items: list[tuple[str, float, str, str]] = []
        if density:
            moved = float(np.abs(values).mean()) * self.grid.volume / 2
            items.append(("integral", self.grid.integral, "e", "integral over the cell"))
            items.append(("charge_moved", moved, "e", "half the integral of the absolute value"))
        else:
            items.append(("mean", float(values.mean()), self.grid.unit, "mean over the cell"))
        for name, index in (("lowest", lowest), ("highest", highest)):
            words = f"{name} value of the planar average, at a height of {self.profile.heights[index]:.3f} Angstrom"
            items.append((f"{name}_planar_average", float(self.profile.values[index]), self.profile.unit, words))
        if self.far is not None:
            words = f"planar average farthest from the change, at a height of {self.far[0]:.3f} Angstrom"
            items.append(("far_planar_average", self.far[1], self.profile.unit, words))
        return tuple(self._result(*item) for item in items)

    def _result(self, quantity: str, value: float, unit: str, convention: str) -> Result:
        return Result(
            quantity=quantity,
            system=self.grid.atoms.get_chemical_formula(mode="hill"),
            ligand="",
            value=value,
            unit=unit,
            convention=f"{self.grid.name or self.grid.quantity}: {convention}",
            reference=f"along cell vector {'abc'[self.profile.axis]}",
            engine=self.engine,
            level=self.level,
            charge=0,
            jobs=(),
            warnings=self.warnings,
            formula="planar average",
            inputs=self.inputs,
            audit=self.audit,
            structure=self.grid.atoms,
        )


def grid_profile(
    calculation: str | Path,
    *,
    minus: str | Path | None = None,
    quantity: str | None = None,
    axis: int = 2,
    average: float | None = None,
    allow_differences: bool = False,
) -> GridProfile:
    """Return the planar average of a density, potential or ELF, or of one minus another.

    Parameters
    ----------
    calculation
        Folder, or a CHGCAR-like or cube file.
    minus
        What is subtracted: the same quantity in the same cell on the same grid. Atoms may differ, as those of a defect
        and its host do.
    quantity
        ``density``, ``potential`` or ``elf``; by default the file's name tells.
    axis
        Cell vector across the planes, 0 to 2.
    average
        Window of a macroscopic average, Angstrom.
    allow_differences
        Subtract even where settings differ; the warnings say so.

    Raises
    ------
    OutputError
        A file is missing, cut or damaged.
    SettingsMismatchError
        Cells, grids or settings differ.
    """
    paths = [grid_file(Path(item).expanduser(), quantity) for item in (calculation, minus) if item is not None]
    grids = [read_grid(path, quantity=quantity) for path in paths]
    legs, notes = _beside(paths)
    grid = grids[0]
    if minus is not None:
        _require_same_cell(grids, paths)
        audit = audit_record(legs) if legs else {}
        notes += _differences(audit, allow_differences=allow_differences)
        name = f"{grid.quantity} difference, {paths[0]} - {paths[1]}"
        grid = replace(grid, values=grid.values - grids[1].values, name=name)
    profile = from_vacuum(planar_average(grid, axis=axis), grid.atoms)
    first = next(iter(legs.values()), None)
    return GridProfile(
        grid=grid,
        profile=profile,
        smooth=None if average is None else macroscopic_average(profile, average),
        far=_far(profile, grids[0].atoms, grids[1].atoms) if minus is not None else None,
        engine="grid file" if first is None else first.engine,
        level="unknown" if first is None else str(first.settings.get("xc", "unknown")),
        inputs=input_hashes([*paths, *(item.source for item in legs.values() if item.source)]),
        audit=audit_record(legs) if legs else {},
        warnings=tuple(notes),
    )


def _beside(paths: list[Path]) -> tuple[dict[str, Outputs], list[str]]:
    """Return the outputs beside the files, and a sentence on those that cannot be read."""
    legs: dict[str, Outputs] = {}
    notes = []
    if len({path.parent for path in paths}) < len(paths):
        # files of one folder have one result file, which says nothing about the others
        return {}, ["the settings behind the fields are unknown: the files lie in one folder"]
    for name, path in zip(("first", "second"), paths, strict=False):
        try:
            legs[name] = read(path.parent)
        except OutputError:
            notes.append(f"the settings of {path} are unknown: no readable result file lies beside it")
    marked = [f"NOT CONVERGED: {name}" for name, item in legs.items() if item.electronically_converged is False]
    return legs, [*notes, *marked]


def _require_same_cell(grids: list[Grid], paths: list[Path]) -> None:
    one, other = grids
    if one.quantity != other.quantity:
        raise SettingsMismatchError(
            f"{paths[0]} holds a {one.quantity}, {paths[1]} a {other.quantity}: no difference of the two"
        )
    apart = float(np.abs(one.atoms.cell.array - other.atoms.cell.array).max())
    if apart > _SAME_CELL:
        raise SettingsMismatchError(
            f"the cells of {paths[0]} and {paths[1]} differ by up to {apart:.4f} Angstrom: fields are subtracted in "
            "one cell"
        )
    if one.values.shape != other.values.shape:
        shapes = " and ".join("x".join(map(str, grid.values.shape)) for grid in grids)
        raise SettingsMismatchError(
            f"{paths[0]} and {paths[1]} have grids of {shapes} points: compute both with one NGXF, NGYF, NGZF and "
            "cutoff"
        )


def _differences(audit: Mapping[str, Any], *, allow_differences: bool) -> list[str]:
    found = [item for item in audit.get("differences", ()) if item["importance"] != "harmless"]
    # charge and number of electrons are what such a pair differs by
    texts = [f"{item['key']}: {item['values']}" for item in found if item["importance"] == "decides energies"]
    if texts and not allow_differences:
        raise SettingsMismatchError(
            f"the fields were computed with different settings: {'; '.join(texts)}; --allow-differences "
            "(allow_differences=True) subtracts them nevertheless"
        )
    return [f"SETTINGS DIFFER: {item['key']}: {item['values']}" for item in found]


def _far(profile: Profile, one: "Atoms", other: "Atoms") -> tuple[float, float] | None:
    """Return the height farthest from all atoms that one structure has and the other has not."""
    changed = [*_unmatched(one, other, profile.axis), *_unmatched(other, one, profile.axis)]
    if not changed:
        return None
    apart = (profile.heights[:, None] - np.array(changed)[None] * profile.period) / profile.period
    distance = np.abs(apart - np.round(apart)).min(axis=1)
    index = int(distance.argmax())
    return float(profile.heights[index]), float(profile.values[index])


def _unmatched(one: "Atoms", other: "Atoms", axis: int) -> list[float]:
    """Return the fractional heights of the atoms that have no partner of their element nearby."""
    apart = one.get_scaled_positions()[:, None] - other.get_scaled_positions()[None]
    distance = np.linalg.norm((apart - np.round(apart)) @ one.cell.array, axis=-1)
    distance[one.numbers[:, None] != other.numbers[None]] = np.inf
    alone = distance.min(axis=1) > _SAME_PLACE
    return [float(place) for place in one.get_scaled_positions()[alone, axis]]
