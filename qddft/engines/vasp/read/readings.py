"""What one file of VASP says, before anything is concluded from it; ``None`` means that the file is silent."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from qddft.core.frozen import freeze_fields
from qddft.core.hashing import content_hash

if TYPE_CHECKING:
    from ase import Atoms


@dataclass(frozen=True)
class Structure:
    """Atoms in a periodic cell.

    Attributes
    ----------
    symbols
        Chemical symbols in the order of the file.
    cell
        Lattice vectors, rows, shape (3, 3), Angstrom.
    scaled
        Fractional positions, shape (n_atoms, 3).
    movable
        Which fractional coordinates may change, shape (n_atoms, 3); ``None`` where the file does not say.
    """

    symbols: tuple[str, ...]
    cell: np.ndarray
    scaled: np.ndarray
    movable: np.ndarray | None = None

    def __post_init__(self) -> None:
        freeze_fields(self)

    def to_atoms(self) -> "Atoms":
        """Return ASE atoms; fully fixed atoms are ``FixAtoms``, partly fixed ones ``FixScaled``."""
        from ase import Atoms
        from ase.constraints import FixAtoms, FixScaled

        atoms = Atoms(self.symbols, cell=self.cell, scaled_positions=self.scaled, pbc=True)
        if self.movable is None or self.movable.all():
            return atoms
        fixed = np.flatnonzero(~self.movable.any(axis=1))
        constraints: list[Any] = [FixAtoms(indices=fixed.tolist())] if len(fixed) else []
        partly = np.flatnonzero(self.movable.any(axis=1) & ~self.movable.all(axis=1))
        constraints += [FixScaled(int(i), (~self.movable[i]).tolist()) for i in partly]
        atoms.set_constraint(constraints)
        return atoms


@dataclass(frozen=True)
class KMesh:
    """The k-points of a run.

    Attributes
    ----------
    scheme
        ``gamma``, ``monkhorst-pack``, ``line``, ``list``, or ``automatic`` for a mesh that the file does not describe.
    divisions
        Subdivisions along the reciprocal lattice vectors; ``None`` for lists that are no regular mesh.
    shift
        Shift that the user asked for, in units of a subdivision.
    n_points
        Number of irreducible or listed points.
    digest
        Hash of a list of points that is no regular mesh, to tell whether two lists are the same.
    length
        Length that VASP divides by the lattice vectors, where that is all the file says, Angstrom.
    """

    scheme: str
    divisions: tuple[int, int, int] | None
    shift: tuple[float, float, float] = (0.0, 0.0, 0.0)
    n_points: int | None = None
    digest: str | None = None
    length: float | None = None


@dataclass(frozen=True)
class Energies:
    """The three total energies of VASP, eV: F (TOTEN), without the entropy term, and extrapolated to sigma -> 0."""

    free: float
    without_entropy: float
    sigma0: float


@dataclass(frozen=True)
class Scf:
    """How the electronic loop of the last ionic step ended.

    Attributes
    ----------
    steps
        Number of electronic steps.
    last_change
        Change of the free energy in the last electronic step, eV.
    announced
        ``True``/``False`` when the program says that EDIFF was (not) reached.
    last_free
        Free energy of the last electronic step, eV; corrections added afterwards are missing in it.
    """

    steps: int | None = None
    last_change: float | None = None
    announced: bool | None = None
    last_free: float | None = None


@dataclass(frozen=True)
class Reading:
    """One file's content.

    Attributes
    ----------
    kind, path, version
        What it is, where it lies, which VASP wrote it.
    complete
        The file was closed by the program (``</modeling>``, timing footer); ``None`` where the format has no such mark.
    ends
        Where an incomplete file ends, in words.
    parameters
        Effective values by tag, as the program echoed them.
    stated
        Values of the INCAR as echoed.
    kpoints, titles, neutral_electrons
        Mesh, titles of the potentials, electrons of the neutral atoms (sum of the valences).
    initial, final
        First structure, and the one that energies and forces belong to.
    energies, forces, stress
        Last complete ionic step; eV, (n_atoms, 3) eV/Angstrom, (3, 3) eV/Angstrom^3 with the sign of ASE.
    fermi, magnetization
        Fermi level, eV; total moment, Bohr magnetons.
    steps_done, previous_free
        Complete ionic steps; free energy of the step before the last, eV.
    scf
        End of the last electronic loop.
    reached_accuracy, stopped
        The program said that the ions converged; that it was told to stop.
    dispersion, dispersion_energy
        Method of the dispersion correction (``none`` when the file proves that there was none) and its energy, eV.
    site_charges, site_moments
        Sums over the spheres of single atoms: electrons, (n_atoms,); Bohr magnetons, (n_atoms,) or (n_atoms, 3).
    moved_on
        The file ends with another structure than the one that energies and forces belong to.
    notes
        Sentences for the reader of the result.
    """

    kind: str
    path: Path
    version: str | None = None
    complete: bool | None = None
    ends: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    stated: Mapping[str, Any] = field(default_factory=dict)
    kpoints: KMesh | None = None
    titles: tuple[str, ...] = ()
    neutral_electrons: float | None = None
    initial: Structure | None = None
    final: Structure | None = None
    energies: Energies | None = None
    forces: np.ndarray | None = None
    stress: np.ndarray | None = None
    fermi: float | None = None
    magnetization: float | None = None
    steps_done: int = 0
    previous_free: float | None = None
    scf: Scf = Scf()
    reached_accuracy: bool | None = None
    stopped: bool | None = None
    dispersion: str | None = None
    dispersion_energy: float | None = None
    site_charges: np.ndarray | None = None
    site_moments: np.ndarray | None = None
    moved_on: bool | None = None
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        freeze_fields(self)


def formula(symbols: tuple[str, ...]) -> str:
    """Return the composition in the order of first appearance, for messages: ``H1 Ir16``."""
    return " ".join(f"{symbol}{symbols.count(symbol)}" for symbol in dict.fromkeys(symbols))


def listed(points: np.ndarray, weights: np.ndarray, total: int | None = None) -> KMesh:
    """Return the mesh that a list of points with weights makes up, or else the list itself.

    Parameters
    ----------
    points, weights, total
        As in ``infer_mesh``.
    """
    regular = infer_mesh(points, weights, total)
    if regular is not None:
        return KMesh(*regular, n_points=len(points))
    if total is not None:
        return KMesh("automatic", None, n_points=len(points))
    # without the weights, which some files print with three decimals; the sum makes zeros out of negative ones
    return KMesh("list", None, n_points=len(points), digest=content_hash(np.round(points, 5) + 0.0))


def infer_mesh(
    points: np.ndarray, weights: np.ndarray, total: int | None = None
) -> tuple[str, tuple[int, int, int]] | None:
    """Return scheme and subdivisions of the regular mesh that irreducible k-points belong to.

    A mesh is accepted only when the weights come out as whole multiplicities, and when it is certain how many points
    they stand for: either ``total`` says so, or Gamma is among them, which counts once.

    Parameters
    ----------
    points
        Fractional coordinates, shape (n, 3).
    weights
        Multiplicities or normalized weights, shape (n,); points of zero weight (band paths) are left out.
    total
        Number of points of the whole mesh, where it is known.
    """
    points, weights = points[weights > 0], weights[weights > 0]
    if not len(points):
        return None
    is_gamma = (np.abs(points) < 1e-6).all(axis=1)
    for scheme, offset in (("gamma", 0.0), ("monkhorst-pack", 0.5)):
        divisions = tuple(_divisions(points[:, axis], offset) for axis in range(3))
        if None in divisions:
            continue
        first, second, third = (int(n or 0) for n in divisions)
        multiplicity = weights / weights.sum() * first * second * third
        whole = np.allclose(multiplicity, np.round(multiplicity), atol=2e-2) and (multiplicity > 0.5).all()
        once = is_gamma.sum() == 1 and abs(multiplicity[is_gamma][0] - 1) < 2e-2
        if whole and (once if total is None else total == first * second * third):
            return scheme, (first, second, third)
    return None


def _divisions(values: np.ndarray, offset: float) -> int | None:
    """Return the smallest n with all n k - offset integer (a single plane k = 0 counts as n = 1)."""
    if np.allclose(values, 0.0, atol=1e-5):
        return 1
    for n in range(1, 65):
        scaled = values * n - (offset if n % 2 == 0 else 0.0)
        if np.allclose(scaled, np.round(scaled), atol=2e-4 * n):
            return n
    return None


def check_energies(energies: Energies, parameters: Mapping[str, Any]) -> str | None:
    """Return what contradicts itself in the three energies, or ``None``.

    For smearing of order N (Gaussian and Fermi: 0, Methfessel-Paxton: N) VASP extrapolates
    ``E(sigma -> 0) = [(N + 1) F + E] / (N + 2)``; tetrahedra and fixed occupations give three equal energies. A file
    in which a digit was lost breaks this relation.
    """
    order = parameters.get("ISMEAR")
    if not isinstance(order, int) or not -5 <= order <= 9:
        return None
    n = max(order, 0)
    expected = ((n + 1) * energies.free + energies.without_entropy) / (n + 2)
    if abs(expected - energies.sigma0) < 1e-5 * max(1.0, abs(energies.sigma0) * 1e-6):
        return None
    return (
        f"the energies contradict each other: F = {energies.free}, without entropy {energies.without_entropy} and "
        f"sigma->0 {energies.sigma0} eV do not belong together with ISMEAR = {order}"
    )
