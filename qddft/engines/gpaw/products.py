"""Levels, projections, density and potential from a GPAW calculator, as the files of qddft."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from qddft.outputs.grid import Grid
from qddft.outputs.packed import DENSITY, LEVELS, POTENTIAL, save_grid, save_levels
from qddft.outputs.resample import resampled
from qddft.outputs.tables import Eigenvalues, Projections

if TYPE_CHECKING:
    from ase import Atoms

# real spherical harmonics in GPAW's order of m
_SHELLS = (
    ("s",), ("py", "pz", "px"), ("dxy", "dyz", "dz2", "dxz", "dx2"),
    ("f-3", "f-2", "f-1", "f0", "f1", "f2", "f3"),
)  # fmt: skip


def write_products(
    calculator: Any, atoms: "Atoms", folder: Path, wanted: Iterable[str], *, spacing: float | None = None
) -> None:
    """Write ``levels.npz``, ``density.npz`` and ``potential.npz`` of a finished calculation, as asked for.

    Parameters
    ----------
    calculator
        Converged at ``atoms``.
    atoms
        With their labels.
    folder
        Where to.
    wanted
        Some of ``dos``, ``density``, ``potential``.
    spacing
        Widest distance of grid points within the surface plane, Angstrom; finer fields are thinned out to it by Fourier
        interpolation, which keeps planar averages and integrals. ``None`` keeps the grid of the calculation.
    """
    asked = frozenset(wanted)
    if "dos" in asked:
        save_levels(folder / LEVELS, eigenvalues(calculator), projections(calculator, atoms))
    if "density" in asked:
        save_grid(folder / DENSITY, *density(calculator, atoms, spacing))
    if "potential" in asked:
        save_grid(folder / POTENTIAL, potential(calculator, atoms, spacing))


def eigenvalues(calculator: Any) -> Eigenvalues:
    """Return the levels of a finished calculation."""
    kpoints = np.asarray(calculator.get_ibz_k_points())
    weights = np.asarray(calculator.get_k_point_weights())
    spins = range(calculator.get_number_of_spins())
    energies = np.array([[calculator.get_eigenvalues(kpt=k, spin=s) for k in range(len(kpoints))] for s in spins])
    filled = np.array([[calculator.get_occupation_numbers(kpt=k, spin=s) for k in range(len(kpoints))] for s in spins])
    # GPAW's numbers carry the weight of the k-point and both electrons of an unpolarized level
    occupations = filled / weights[None, :, None] / (2 / len(spins))
    return Eigenvalues(kpoints, weights / weights.sum(), energies, occupations, fermi_level(calculator))


def fermi_level(calculator: Any) -> float:
    """Return the Fermi level, eV; with a fixed moment the mean of those of the two spins."""
    try:
        return float(np.mean(calculator.get_fermi_levels()))
    except ValueError:
        # GPAW's way of saying that there is only one
        return float(calculator.get_fermi_level())


def projections(calculator: Any, atoms: "Atoms") -> Projections:
    r"""Return how much of each level lies on each orbital inside the augmentation spheres.

    The weight of an orbital is the charge of its partial waves within the sphere,
    :math:`\sum_{ij} P_i^* \langle\phi_i|\phi_j\rangle_{r<r_c} P_j` over the projectors i, j of one l and m (P. Blochl,
    Phys. Rev. B 50 (1994) 17953, eq. 11); what lies between the spheres belongs to no atom.
    """
    levels = eigenvalues(calculator)
    blocks = [_blocks(setup) for setup in calculator.setups]
    top = max(ell for block in blocks for ell, _, _ in block)
    names = tuple(name for shell in _SHELLS[: top + 1] for name in shell)
    weights = np.zeros((*levels.energies.shape, len(atoms), len(names)))
    for wave in calculator.wfs.kpt_u:
        for atom, block in enumerate(blocks):
            found = np.asarray(wave.projections[atom])
            for ell, m, (indices, overlap) in block:
                part = found[:, indices]
                charge = np.einsum("ni,ij,nj->n", part.conj(), overlap, part).real
                weights[wave.s, wave.k, :, atom, ell * ell + m] += charge
    return Projections(atoms, weights, names, levels)


def density(calculator: Any, atoms: "Atoms", spacing: float | None = None) -> tuple[Grid, np.ndarray | None]:
    """Return the valence density, and the spin density (up minus down) of a spin-polarized calculation.

    It is the pseudo density with compensation charges, as in CHGCAR: right outside the augmentation spheres, and its
    integral is the number of valence electrons.
    """
    channels = [
        np.asarray(calculator.get_pseudo_density(spin=spin, gridrefinement=2))
        for spin in range(calculator.get_number_of_spins())
    ]
    shape = _coarser(channels[0].shape, atoms, spacing)
    up, *down = (resampled(channel, shape) for channel in channels)
    if not down:
        # one channel of an unpolarized calculation holds both spins
        return _grid(atoms, up, "density", "electron density"), None
    return _grid(atoms, up + down[0], "density", "electron density"), up - down[0]


def potential(calculator: Any, atoms: "Atoms", spacing: float | None = None) -> Grid:
    """Return the electrostatic energy of an electron, eV, on the scale of the levels; smooth inside the spheres.

    GPAW solves it on twice as many points as the density; here it is given on those of the density.
    """
    values = np.asarray(calculator.get_electrostatic_potential())
    shape = _coarser(values.shape, atoms, spacing)
    if not atoms.pbc[2]:
        # it jumps in the vacuum of a one-sided slab, which Fourier interpolation along z would not bear
        values = values[:, :, ::2]
        shape = (shape[0], shape[1], values.shape[2])
    return _grid(atoms, resampled(values, shape), "potential", "electrostatic potential")


def potential_titles(calculator: Any) -> list[str]:
    """Return what tells one PAW setup from another: element, functional, electrons, hash of its file."""
    found = {
        f"{setup.symbol} gpaw-{setup.type} {setup.Nv:g}e {str(setup.fingerprint or 'unknown')[:12]}"
        for setup in calculator.setups
    }
    return sorted(found)


def _grid(atoms: "Atoms", values: np.ndarray, quantity: str, name: str) -> Grid:
    plain = atoms.copy()
    plain.calc = None
    return Grid(plain, values, quantity, name)


def _blocks(setup: Any) -> list[tuple[int, int, tuple[list[int], np.ndarray]]]:
    """Return, for every l and m of a setup, the places of its projectors and the overlaps of their partial waves."""
    from gpaw.utilities import unpack_hermitian

    overlaps = np.asarray(unpack_hermitian(setup.N0_p))
    momenta = [int(ell) for ell in setup.l_j]
    starts = np.cumsum([0, *(2 * ell + 1 for ell in momenta)]).tolist()
    found = []
    for wanted in sorted(set(momenta)):
        firsts = [start for start, ell in zip(starts, momenta, strict=False) if ell == wanted]
        for m in range(2 * wanted + 1):
            indices = [first + m for first in firsts]
            found.append((wanted, m, (indices, overlaps[np.ix_(indices, indices)])))
    return found


def _coarser(shape: tuple[int, ...], atoms: "Atoms", spacing: float | None) -> tuple[int, int, int]:
    """Return half the points in every direction, and within the surface plane no more than ``spacing`` asks for."""
    kept = [max(1, int(count) // 2) for count in shape]
    if spacing is not None:
        lengths = atoms.cell.lengths()
        for axis in (0, 1):
            kept[axis] = min(kept[axis], 2 * int(np.ceil(lengths[axis] / spacing / 2)))
    return kept[0], kept[1], kept[2]
