"""Density of states: from levels by Gaussian broadening, or as the engine computed it, total and projected.

``g(E) = sum_k w_k sum_n m G(E - e_nk)`` with the weights of the k-points, the electrons ``m`` that a level holds (2 or
1) and a normalized Gaussian; projected densities carry the weight of the projection in each level as a further factor.
"""

from typing import TYPE_CHECKING

import numpy as np

from qddft.analysis.partitions import Parts, partitions, weight_matrix
from qddft.core.errors import OutputError
from qddft.outputs.dos import BandEdges, Dos, EnergyZero
from qddft.outputs.tables import DensityOfStates, Eigenvalues, Projections

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ase import Atoms

# grid points within one sigma: shifting a level to the grid then changes sigma by less than 0.2 percent
POINTS_PER_SIGMA = 8
# how far a Gaussian is followed, sigma
REACH = 6.0
# a file whose integral is off by more than this share has a grid too coarse for its levels
INTEGRAL_TOLERANCE = 0.01
MAX_POINTS = 2_000_000


def gaussian_dos(
    eigenvalues: Eigenvalues,
    projections: Projections | None,
    atoms: "Atoms",
    *,
    zero: EnergyZero,
    sigma: float = 0.05,
    edges: BandEdges | None = None,
    warnings: tuple[str, ...] = (),
    source: str | None = None,
) -> Dos:
    """Broaden levels with Gaussians.

    Parameters
    ----------
    eigenvalues
        The levels.
    projections
        Orbital weights of the same levels; ``None`` gives the total only.
    atoms
        The structure, with labels where they are known.
    zero
        Where the energy axis begins to count.
    sigma
        Width, eV.
    edges, warnings, source
        Handed through to the result.

    Raises
    ------
    OutputError
        ``sigma`` is not positive, or so small that the grid would not fit in memory.
    """
    grid = _grid(eigenvalues.energies, sigma)
    per_level = eigenvalues.electrons_per_level
    spread = eigenvalues.weights[None, :, None] * per_level * np.ones_like(eigenvalues.energies)
    total = np.stack(
        [_broadened(e, w[..., None], grid, sigma)[0] for e, w in zip(eigenvalues.energies, spread, strict=True)]
    )
    projected: dict[str, Mapping[str, np.ndarray]] = {}
    if projections is not None:
        for name, parts in partitions(atoms, projections.orbitals).items():
            shares = level_shares(projections, parts) * spread[..., None]
            curves = [_broadened(e, w, grid, sigma) for e, w in zip(eigenvalues.energies, shares, strict=True)]
            projected[name] = {part: np.stack([c[i] for c in curves]) for i, part in enumerate(parts)}
    n_bands = eigenvalues.energies.shape[2]
    return Dos(
        atoms=atoms,
        energies=grid - zero.value,
        zero=zero,
        broadening="gaussian",
        sigma=sigma,
        total=total,
        projected=projected,
        n_states=np.full(len(total), float(n_bands * per_level)),
        edges=edges,
        fermi_level=_shifted(eigenvalues.fermi_level, zero),
        warnings=warnings,
        source=source,
    )


def computed_dos(
    dos: DensityOfStates,
    atoms: "Atoms",
    *,
    zero: EnergyZero,
    edges: BandEdges | None = None,
    warnings: tuple[str, ...] = (),
    source: str | None = None,
) -> Dos:
    """Take a density of states as the engine broadened it.

    The number of states is the end of the engine's own integral; a sampled curve that misses it by more than one
    percent is warned about: the grid is too coarse, and areas under the curve are not to be used.
    """
    collinear = len(dos.total) <= 2
    total = dos.total if collinear else dos.total[:1]
    integrated = dos.integrated[: len(total)]
    projected: dict[str, Mapping[str, np.ndarray]] = {}
    if dos.projected is not None:
        per_orbital = dos.projected[: len(total)]
        flat = per_orbital.reshape(len(per_orbital), -1, per_orbital.shape[-1])
        for name, parts in partitions(atoms, dos.orbitals).items():
            curves = np.einsum("op,soe->pse", weight_matrix(parts), flat, optimize=True)
            projected[name] = dict(zip(parts, curves, strict=True))
    n_states = integrated[:, -1] - integrated[:, 0] + 0.0
    warnings += _too_coarse(dos.energies, total, n_states)
    return Dos(
        atoms=atoms,
        energies=dos.energies - zero.value,
        zero=zero,
        broadening="as computed",
        sigma=None,
        total=total,
        projected=projected,
        n_states=n_states,
        edges=edges,
        fermi_level=_shifted(dos.fermi_level, zero),
        warnings=warnings,
        source=source,
    )


def level_shares(projections: Projections, parts: Parts) -> np.ndarray:
    """Return what each part holds of every level, shape (n_spins, n_kpoints, n_bands, n_parts), 0 to 1.

    Of a non-collinear calculation, the first component (the density) is used.
    """
    spins = len(projections.eigenvalues.energies)
    weights = projections.weights[:spins]
    flat = weights.reshape(*weights.shape[:3], -1)
    return np.asarray(flat @ weight_matrix(parts))


def _grid(energies: np.ndarray, sigma: float) -> np.ndarray:
    if not sigma > 0 or not np.isfinite(sigma):
        raise OutputError(f"sigma = {sigma} eV is no width; give a positive number, for instance 0.05")
    step = sigma / POINTS_PER_SIGMA
    low, high = energies.min() - REACH * sigma - step, energies.max() + REACH * sigma + step
    count = int(np.ceil((high - low) / step)) + 1
    if count > MAX_POINTS:
        raise OutputError(f"sigma = {sigma} eV asks for {count} energies; give at least {(high - low) / 2e5:.2g} eV")
    return np.asarray(low + step * np.arange(count))


def _broadened(energies: np.ndarray, weights: np.ndarray, grid: np.ndarray, sigma: float) -> np.ndarray:
    """Return curves of shape (n_parts, n_energies) of levels of shape (n_kpoints, n_bands) and their weights.

    Every level is divided between the two nearest grid points, which keeps its sum and its mean energy; the histogram
    is then folded with the Gaussian, normalized on the grid so that no states are lost.
    """
    from scipy.signal import fftconvolve

    step = grid[1] - grid[0]
    position = (energies.ravel() - grid[0]) / step
    below = np.floor(position).astype(int)
    upper_share = position - below
    offsets = step * np.arange(-int(REACH * POINTS_PER_SIGMA), int(REACH * POINTS_PER_SIGMA) + 1)
    kernel = np.exp(-((offsets / sigma) ** 2) / 2)
    kernel /= kernel.sum() * step
    curves = []
    for column in weights.reshape(len(below), -1).T:
        counts = np.bincount(below, column * (1 - upper_share), len(grid))
        counts += np.bincount(below + 1, column * upper_share, len(grid))
        curves.append(fftconvolve(counts, kernel, mode="same"))
    # the transform leaves rounding errors of either sign where there are no states
    found = np.asarray(curves)
    return np.where(found > 1e-12 * found.max(initial=0.0), found, 0.0)


def _too_coarse(energies: np.ndarray, total: np.ndarray, n_states: np.ndarray) -> tuple[str, ...]:
    found = np.trapezoid(total, energies, axis=1)
    if np.all(np.abs(found - n_states) <= INTEGRAL_TOLERANCE * np.maximum(n_states, 1.0)):
        return ()
    step = energies[1] - energies[0]
    return (
        f"the engine's grid of {step:.3f} eV is too coarse: the curves hold {_list(found)} states where "
        f"{_list(n_states)} exist; broaden the levels instead, or compute with more NEDOS",
    )


def _list(values: np.ndarray) -> str:
    return " + ".join(f"{value:.2f}" for value in values)


def _shifted(level: float | None, zero: EnergyZero) -> float | None:
    return None if level is None else level - zero.value
