"""The large tables of a calculation: eigenvalues, density of states, projections, trajectory."""

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from qddft.core.errors import OutputError

if TYPE_CHECKING:
    from ase import Atoms


class MissingTableError(OutputError):
    """The calculation did not write this table; the file itself is in order."""


def _show_read_only(instance: Any) -> None:
    """Make the arrays of a frozen dataclass read-only views; tables of a hundred megabytes are not copied for that."""
    for field in fields(instance):
        value = getattr(instance, field.name)
        if isinstance(value, np.ndarray):
            view = value.view()
            view.flags.writeable = False
            object.__setattr__(instance, field.name, view)


@dataclass(frozen=True)
class Eigenvalues:
    """One-electron energies.

    Attributes
    ----------
    kpoints
        Fractional coordinates, shape (n_kpoints, 3).
    weights
        Weights of the k-points, shape (n_kpoints,), sum 1; zero on band paths that ride along with a mesh.
    energies
        Shape (n_spins, n_kpoints, n_bands), eV, on the engine's own scale.
    occupations
        Same shape; 0 to 1 each, so that a level of an unpolarized calculation holds twice as many electrons.
    fermi_level
        On the same scale, eV; ``None`` where the file does not say.
    noncollinear
        One spinor channel: every level holds one electron.
    """

    kpoints: np.ndarray
    weights: np.ndarray
    energies: np.ndarray
    occupations: np.ndarray
    fermi_level: float | None = None
    noncollinear: bool = False

    def __post_init__(self) -> None:
        _show_read_only(self)

    @property
    def electrons_per_level(self) -> int:
        """Electrons in a level of occupation 1."""
        return 2 if len(self.energies) == 1 and not self.noncollinear else 1


@dataclass(frozen=True)
class DensityOfStates:
    """Density of states as the engine broadened it.

    Attributes
    ----------
    atoms
        The structure that the projections refer to.
    energies
        Grid, shape (n_energies,), eV, on the engine's own scale.
    total
        Shape (n_spins, n_energies), states/eV for the cell; an unpolarized calculation counts both spins.
    integrated
        Its integral from below, shape (n_spins, n_energies), electrons.
    projected
        Shape (n_components, n_atoms, n_orbitals, n_energies), states/eV; ``None`` when nothing was projected.
        Components are the spins, or of a non-collinear calculation the density and the moment along x, y, z.
    orbitals
        Names along ``n_orbitals``, for instance ``s py pz px dxy ...``.
    fermi_level
        eV, on the same scale.
    """

    atoms: "Atoms"
    energies: np.ndarray
    total: np.ndarray
    integrated: np.ndarray
    projected: np.ndarray | None = None
    orbitals: tuple[str, ...] = ()
    fermi_level: float | None = None

    def __post_init__(self) -> None:
        _show_read_only(self)


@dataclass(frozen=True)
class Projections:
    """Weights of atomic orbitals in every level.

    Attributes
    ----------
    atoms
        The structure that the projections refer to.
    weights
        Shape (n_components, n_kpoints, n_bands, n_atoms, n_orbitals), 0 to 1. Components as in ``DensityOfStates``.
    orbitals
        Names along ``n_orbitals``.
    eigenvalues
        The levels they belong to.
    """

    atoms: "Atoms"
    weights: np.ndarray
    orbitals: tuple[str, ...]
    eigenvalues: Eigenvalues

    def __post_init__(self) -> None:
        _show_read_only(self)


@dataclass(frozen=True)
class Trajectory:
    """All complete ionic steps.

    Attributes
    ----------
    symbols
        Chemical symbols, n_atoms of them.
    cells
        Lattice vectors as rows, shape (n_steps, 3, 3), Angstrom.
    positions
        Cartesian, shape (n_steps, n_atoms, 3), Angstrom.
    energies, free_energies
        E(sigma -> 0) and F, shape (n_steps,), eV; NaN where a step printed none.
    forces
        Shape (n_steps, n_atoms, 3), eV/Angstrom, frozen atoms included; NaN where a step printed none.
    """

    symbols: tuple[str, ...]
    cells: np.ndarray
    positions: np.ndarray
    energies: np.ndarray
    free_energies: np.ndarray
    forces: np.ndarray

    def __post_init__(self) -> None:
        _show_read_only(self)
