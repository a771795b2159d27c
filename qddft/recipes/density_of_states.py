"""Density of states of a finished calculation, made by anybody."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from qddft.analysis.dos import computed_dos, gaussian_dos
from qddft.analysis.gap import band_edges, edge_warnings
from qddft.core.errors import ConvergenceError, OutputError
from qddft.core.structure_json import KEPT_ARRAYS
from qddft.core.suggest import did_you_mean
from qddft.outputs.dos import Dos
from qddft.outputs.outputs import Outputs
from qddft.outputs.tables import DensityOfStates, Eigenvalues, MissingTableError, Projections
from qddft.recipes.energy_zero import energy_zero

if TYPE_CHECKING:
    from ase import Atoms

BROADENINGS = ("auto", "gaussian", "tetrahedron", "as computed")


@dataclass(frozen=True)
class Tables:
    """Everything that was read of one calculation.

    Attributes
    ----------
    outputs
        Its outputs; ``outputs.atoms`` carry the labels where they are known.
    eigenvalues
        Its levels.
    projections
        Orbital weights of the levels; ``None`` where none were written.
    dos
        The density of states as computed; ``None`` where none was written.
    """

    outputs: Outputs
    eigenvalues: Eigenvalues
    projections: Projections | None
    dos: DensityOfStates | None

    @property
    def atoms(self) -> "Atoms":
        """The structure with its labels."""
        return self.outputs.atoms


def density_of_states(
    calculation: str | Path | Outputs,
    *,
    zero: str | float = "auto",
    broadening: str = "auto",
    sigma: float = 0.05,
    labels: "Atoms | None" = None,
    allow_unconverged: bool = False,
) -> Dos:
    """Return the total and projected density of states of a finished calculation.

    Parameters
    ----------
    calculation
        Folder, result file, or outputs that were read from one.
    zero
        Where the energy axis has its zero: ``auto`` (the VBM; in a metal, which has none, the Fermi level), ``vbm``,
        ``fermi``, ``vacuum`` (from the potential file of the run), ``core`` (mean potential at the cores of its
        bulk-like heaviest atoms), or a number on the engine's scale, eV.
    broadening
        ``gaussian`` (from the levels), ``tetrahedron`` (as the engine computed it with tetrahedra), ``as computed``
        (with whatever the engine used), or ``auto``: from the levels wherever their projections were written.
    sigma
        Width of the Gaussians, eV.
    labels
        The same atoms in the same order with ``arrays["fragment"]``, where the calculation itself does not carry them.
    allow_unconverged
        Accept a run that has not converged; the result says so.

    Raises
    ------
    OutputError
        Nothing can be read, or the zero cannot be found in the files.
    ConvergenceError
        The electrons have not converged.
    """
    tables = read_tables(calculation, labels=labels, allow_unconverged=allow_unconverged)
    return dos_of(tables, zero=zero, broadening=broadening, sigma=sigma)


def read_tables(
    calculation: str | Path | Outputs, *, labels: "Atoms | None" = None, allow_unconverged: bool = False
) -> Tables:
    """Read outputs, levels, projections and density of states; what was not written is ``None``.

    Raises
    ------
    OutputError
        There are no levels, or ``labels`` are of other atoms.
    ConvergenceError
        The electrons have not converged.
    """
    from qddft.engines.vasp.read import read_eigenvalues, read_outputs

    outputs = calculation if isinstance(calculation, Outputs) else read_outputs(calculation)
    where = outputs.source if isinstance(calculation, Outputs) else calculation
    if where is None:
        raise OutputError("these outputs do not say which files they come from; give the folder itself")
    if outputs.electronically_converged is False and not allow_unconverged:
        raise ConvergenceError(
            f"the electrons of {where} have not converged: its density of states means nothing; --allow-unconverged "
            "(allow_unconverged=True) takes it nevertheless"
        )
    source = Path(where)
    projections, dos = _projections(source), _computed(source)
    levels = projections.eigenvalues if projections is not None else read_eigenvalues(source)
    table = projections or dos
    atoms = outputs.atoms if table is None else table.atoms
    labeled = with_labels(atoms, outputs.atoms if labels is None else labels)
    return Tables(replace(outputs, atoms=labeled, source=str(where)), levels, projections, dos)


def dos_of(tables: Tables, *, zero: str | float = "auto", broadening: str = "auto", sigma: float = 0.05) -> Dos:
    """Return the density of states of what was read; parameters and errors as in ``density_of_states``."""
    if broadening not in BROADENINGS:
        raise OutputError(f"unknown broadening {broadening!r}. {did_you_mean(broadening, BROADENINGS)}")
    outputs, levels = tables.outputs, tables.eigenvalues
    edges = band_edges(levels, tables.projections)
    warnings = (*outputs.warnings, *_doubts(outputs), *edge_warnings(levels, edges, tables.atoms, outputs.settings))
    position = energy_zero(zero, edges, levels.fermi_level, outputs)
    if broadening == "tetrahedron":
        _require_tetrahedra(outputs)
    as_computed = broadening in ("as computed", "tetrahedron") or (
        broadening == "auto" and tables.projections is None and tables.dos is not None and bool(tables.dos.orbitals)
    )
    if as_computed:
        if tables.dos is None:
            raise OutputError(f"{outputs.source} holds no density of states as computed; ask for broadening='gaussian'")
        warnings += _cut_off(tables)
        return computed_dos(
            tables.dos, tables.atoms, zero=position, edges=edges, warnings=warnings, source=outputs.source
        )
    if tables.projections is None:
        warnings += (
            "nothing was projected on atoms (VASP: LORBIT = 11, GPAW: qddft.convert_gpw): only the total density of "
            "states is there",
        )
    return gaussian_dos(
        levels, tables.projections, tables.atoms, zero=position, sigma=sigma, edges=edges, warnings=warnings,
        source=outputs.source,
    )  # fmt: skip


def _projections(source: Path) -> Projections | None:
    from qddft.engines.vasp.read import read_projected

    try:
        return read_projected(source)
    except MissingTableError:
        return None


def _computed(source: Path) -> DensityOfStates | None:
    from qddft.engines.vasp.read import read_dos

    try:
        return read_dos(source)
    except MissingTableError:
        return None


def with_labels(atoms: "Atoms", labels: "Atoms") -> "Atoms":
    """Return ``atoms`` with fragments, layers and description of the same structure in any order.

    Raises
    ------
    OutputError
        The structures are not the same.
    """
    order = _order(atoms, labels)
    labeled = atoms.copy()
    for name in KEPT_ARRAYS:
        if name in labels.arrays:
            labeled.set_array(name, labels.arrays[name][order])
    if "qddft" in labels.info:
        labeled.info["qddft"] = labels.info["qddft"]
    return labeled


def _order(atoms: "Atoms", other: "Atoms") -> np.ndarray:
    """Return, for every atom, its index in the other structure: the same place, or the nearest of its element."""
    mine, theirs = atoms.get_chemical_symbols(), other.get_chemical_symbols()
    if mine == theirs:
        return np.arange(len(mine))
    if sorted(mine) != sorted(theirs):
        raise OutputError(
            f"the labels are of {other.get_chemical_formula()}, the calculation of {atoms.get_chemical_formula()}: "
            f"both have to be the same structure"
        )
    apart = atoms.get_scaled_positions()[:, None] - other.get_scaled_positions()[None]
    distance = np.linalg.norm((apart - np.round(apart)) @ np.asarray(atoms.cell), axis=-1)
    distance[np.array(mine)[:, None] != np.array(theirs)[None]] = np.inf
    order = distance.argmin(axis=1)
    if len(set(order.tolist())) != len(mine):
        raise OutputError("the labels are of the same elements at other places: both have to be the same structure")
    return np.asarray(order)


def _doubts(outputs: Outputs) -> tuple[str, ...]:
    if outputs.electronically_converged is True:
        return ()
    if outputs.electronically_converged is None:
        return ("the files do not prove that the electrons converged",)
    return ("NOT CONVERGED: the electrons of this run did not converge",)


def _require_tetrahedra(outputs: Outputs) -> None:
    used = str(outputs.settings.get("smearing", "unknown"))
    if not used.startswith("tetrahedron"):
        raise OutputError(
            f"{outputs.source} was computed with the smearing {used}, so that it holds no density of states by "
            "tetrahedra; run it once more with ISMEAR = -5, or take broadening 'gaussian' or 'as computed'"
        )


def _cut_off(tables: Tables) -> tuple[str, ...]:
    grid = tables.dos.energies if tables.dos is not None else tables.eigenvalues.energies
    low, high = tables.eigenvalues.energies.min(), tables.eigenvalues.energies.max()
    if grid[0] <= low and grid[-1] >= high:
        return ()
    return (f"the computed density of states goes from {grid[0]:.2f} to {grid[-1]:.2f} eV and leaves out levels",)
