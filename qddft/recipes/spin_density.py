"""Spin density of a finished calculation, made by anybody."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from qddft.analysis.profile import from_vacuum, planar_average
from qddft.core.errors import ConvergenceError, OutputError
from qddft.core.frozen import freeze_fields
from qddft.outputs.grid import Grid, Profile
from qddft.outputs.grid_files import grid_file, is_cube, is_whole, open_grid, read_grid, read_shape, read_structure
from qddft.outputs.outputs import Outputs
from qddft.recipes.folders import read
from qddft.recipes.provenance import audit_record, input_hashes
from qddft.recipes.result import Result

CONVENTION = "m = rho(up) - rho(down), integrated over the cell, Bohr magnetons"
# how far the integral may lie from the moment of the run, Bohr magnetons
_SAME_MOMENT = 0.01


@dataclass(frozen=True)
class SpinDensity:
    """Where unpaired electrons are.

    Attributes
    ----------
    grid
        Up minus down, electrons/Angstrom^3.
    profile
        Its planar average, electrons/Angstrom; beginning in the vacuum of a slab.
    moment
        Integral over the cell, Bohr magnetons.
    unpaired
        Integral of the absolute value: what stays of antiferromagnets, Bohr magnetons.
    run_moment
        Total moment that the result file reports; ``None`` where there is none.
    engine, level, inputs, audit, warnings
        As in every result.
    """

    grid: Grid
    profile: Profile
    moment: float
    unpaired: float
    run_moment: float | None = None
    engine: str = "density file"
    level: str = "unknown"
    inputs: Mapping[str, str] = field(default_factory=dict)
    audit: Mapping[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        freeze_fields(self)

    @property
    def ligand_atoms(self) -> tuple[int, ...]:
        """The atom nearest to the largest value, which stands in the middle of a picture."""
        values = self.grid.values
        shape = np.array(values.shape)
        place = np.array(np.unravel_index(int(np.abs(values).argmax()), values.shape)) / shape
        apart = self.grid.atoms.get_scaled_positions() - place
        distances = np.linalg.norm((apart - np.round(apart)) @ self.grid.atoms.cell.array, axis=1)
        return (int(distances.argmin()),)

    def results(self) -> tuple[Result, ...]:
        """Return both integrals as results."""
        details = {"moment_of_the_run_muB": self.run_moment, "largest_e_per_A3": float(np.abs(self.grid.values).max())}
        items = (
            ("magnetization", self.moment, CONVENTION),
            ("unpaired_electrons", self.unpaired, "integral of |rho(up) - rho(down)| over the cell"),
        )
        return tuple(
            Result(
                quantity=quantity,
                system=self.grid.atoms.get_chemical_formula(mode="hill"),
                ligand="",
                value=value,
                unit="Bohr magneton",
                convention=convention,
                reference="collinear spins",
                engine=self.engine,
                level=self.level,
                charge=0,
                jobs=(),
                warnings=self.warnings,
                details=details,
                formula="integral of the spin density",
                inputs=self.inputs,
                audit=self.audit,
                structure=self.grid.atoms,
            )
            for quantity, value, convention in items
        )


def spin_density(calculation: str | Path | Outputs, *, allow_unconverged: bool = False) -> SpinDensity:
    """Return the spin density of a calculation with collinear spins.

    Parameters
    ----------
    calculation
        Folder with a CHGCAR, the CHGCAR itself (plain or gzip), a cube file of the spin density, or outputs that were
        read from a folder.
    allow_unconverged
        Accept a run that has not converged; the result says so.

    Raises
    ------
    OutputError
        A file is missing, cut or damaged, or holds no spin density.
    ConvergenceError
        The electrons have not converged.
    """
    where = calculation.source if isinstance(calculation, Outputs) else calculation
    if where is None:
        raise OutputError("these outputs do not say which files they come from; give the folder itself")
    path = grid_file(_density_place(Path(where).expanduser()), "density")
    beside = _beside(calculation, path)
    notes = _doubts(beside, allow_unconverged=allow_unconverged)
    vectors = beside is not None and (beside.settings.get("soc") or beside.settings.get("noncollinear"))
    if vectors or _n_blocks(path) > 2:
        raise OutputError(
            f"{path} is of a calculation with non-collinear spins, whose moments are vectors; m = rho(up) - rho(down) "
            "exists for collinear spins only (ISPIN = 2)"
        )
    grid = read_grid(path, quantity="density", channel="total" if is_cube(path) else "spin")
    moment = grid.integral
    run = None if beside is None else beside.magnetization
    if run is not None and abs(run - moment) > _SAME_MOMENT:
        notes.append(
            f"the spin density integrates to {moment:+.4f}, the run reports {run:+.4f} Bohr magnetons: density and "
            "result file may belong to different runs"
        )
    if run is None:
        notes.append("no result file beside the density says what the magnetization of the run is")
    return SpinDensity(
        grid=grid,
        profile=from_vacuum(planar_average(grid), grid.atoms),
        moment=moment,
        unpaired=float(np.abs(grid.values).mean()) * grid.volume,
        run_moment=run,
        engine="density file" if beside is None else beside.engine,
        level="unknown" if beside is None else str(beside.settings.get("xc", "unknown")),
        inputs=input_hashes([path, *([] if beside is None or beside.source is None else [beside.source])]),
        audit={} if beside is None else audit_record({"calculation": beside}),
        warnings=tuple(notes),
    )


def _density_place(where: Path) -> Path:
    """Return the folder of a result file, so that it may be named instead of the density."""
    from qddft.engines.vasp.read.source import file_kind

    return where.parent if where.is_file() and not is_cube(where) and file_kind(where) is not None else where


def _n_blocks(path: Path) -> int:
    """Return how many fields a CHGCAR holds: one, two with collinear spins, four with vectors."""
    if is_whole(path):
        return 1
    with open_grid(path) as file:
        read_structure(file, path)
        shape = read_shape(file, path)
        line = re.compile(rb"\n\s*%d\s+%d\s+%d\s*\n" % shape)
        found, rest = 1, b""
        while piece := file.read(1 << 24):
            # a line may lie across two pieces
            piece = rest + piece
            found += len(line.findall(piece))
            rest = piece[piece.rfind(b"\n") :]
    return found


def _beside(calculation: str | Path | Outputs, path: Path) -> Outputs | None:
    """Return the outputs beside a density; ``None`` where nothing can be read."""
    if isinstance(calculation, Outputs):
        return calculation
    try:
        return read(path.parent)
    except OutputError:
        return None


def _doubts(beside: Outputs | None, *, allow_unconverged: bool) -> list[str]:
    if beside is None:
        return []
    if beside.electronically_converged is False and not allow_unconverged:
        raise ConvergenceError(
            f"the electrons of {beside.source} have not converged: its spin density means nothing; "
            "--allow-unconverged (allow_unconverged=True) takes it nevertheless"
        )
    unproven = "the files do not prove that the electrons converged"
    marked = "NOT CONVERGED: the electrons of this run did not converge"
    state = {True: [], False: [marked], None: [unproven]}[beside.electronically_converged]
    return [*state, *beside.warnings]
