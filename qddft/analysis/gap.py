"""Band edges and the gap from levels and their occupations, what the edges are made of, and when not to trust them."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from qddft.analysis.dos import level_shares
from qddft.analysis.partitions import partitions
from qddft.core.errors import OutputError
from qddft.outputs.dos import BandEdge, BandEdges
from qddft.outputs.tables import Eigenvalues, Projections

if TYPE_CHECKING:
    from ase import Atoms

HALF = 0.5
# levels this close to an edge count as degenerate with it, eV
DEGENERATE = 0.005
# an occupation between these limits is the smearing's doing
PARTIAL = (0.02, 0.98)
# shares below this are left out of a character
SMALLEST_SHARE = 0.01
HEAVY = frozenset({"Pb", "Bi", "Tl"})
_SAME_POINT = 1e-4


def band_edges(eigenvalues: Eigenvalues, projections: Projections | None = None) -> BandEdges:
    """Find the valence-band maximum and the conduction-band minimum.

    A level counts as occupied when it is more than half full. The edges are taken over all k-points and spins that were
    computed, also those of a band path that rode along with zero weight.

    Parameters
    ----------
    eigenvalues
        The levels.
    projections
        Gives the edges their characters.

    Raises
    ------
    OutputError
        No level is occupied.
    """
    energies, full = eigenvalues.energies, eigenvalues.occupations > HALF
    if not full.any():
        raise OutputError("no level is more than half full: the file has no usable occupations (was the run finished?)")
    vbm = _edge(eigenvalues, projections, np.where(full, energies, -np.inf), highest=True)
    n_electrons = float(
        (eigenvalues.occupations * eigenvalues.weights[None, :, None]).sum() * eigenvalues.electrons_per_level
    )
    if full.all():
        return BandEdges(vbm, None, None, None, direct=False, metallic=False, n_electrons=n_electrons)
    cbm = _edge(eigenvalues, projections, np.where(full, np.inf, energies), highest=False)
    metallic = bool(np.any(np.ptp(full.sum(axis=2), axis=1) > 0)) or cbm.energy <= vbm.energy
    at_k = _direct(energies, full)
    return BandEdges(
        vbm=vbm,
        cbm=cbm,
        gap=0.0 if metallic else cbm.energy - vbm.energy,
        direct_gap=0.0 if metallic else at_k,
        direct=bool(not metallic and abs(at_k - (cbm.energy - vbm.energy)) < DEGENERATE),
        metallic=metallic,
        n_electrons=n_electrons,
    )


def _direct(energies: np.ndarray, full: np.ndarray) -> float:
    """Return the smallest difference, over the k-points, of lowest empty and highest full level of any spin, eV."""
    highest = np.where(full, energies, -np.inf).max(axis=(0, 2))
    lowest = np.where(full, np.inf, energies).min(axis=(0, 2))
    return float((lowest - highest).min())


def _edge(eigenvalues: Eigenvalues, projections: Projections | None, masked: np.ndarray, *, highest: bool) -> BandEdge:
    flat = int(masked.argmax() if highest else masked.argmin())
    spin, point, band = (int(index) for index in np.unravel_index(flat, masked.shape))
    energy = float(masked[spin, point, band])
    character = {} if projections is None else _character(projections, np.abs(masked - energy) < DEGENERATE)
    k = eigenvalues.kpoints[point]
    return BandEdge(energy, (float(k[0]), float(k[1]), float(k[2])), spin, band, character)


def _character(projections: Projections, chosen: np.ndarray) -> Mapping[str, float]:
    """Return what a set of levels is made of: shares of ``element orbital``, of what was projected."""
    parts = partitions(projections.atoms, projections.orbitals)["element_orbital"]
    shares = level_shares(projections, parts)[chosen].mean(axis=0)
    if not shares.sum() > 0:
        return {}
    shares = shares / shares.sum()
    order = np.argsort(-shares)
    names = list(parts)
    return {names[i]: float(shares[i]) for i in order if shares[i] >= SMALLEST_SHARE}


def edge_warnings(
    eigenvalues: Eigenvalues, edges: BandEdges, atoms: "Atoms", settings: Mapping[str, Any]
) -> tuple[str, ...]:
    """Return what speaks against the gap: the mesh, partial occupations, spin, spin-orbit coupling.

    Parameters
    ----------
    eigenvalues, edges
        The levels and what was found.
    atoms
        The structure.
    settings
        Settings of the calculation under qddft's neutral names; what is unknown is not complained about.
    """
    return (
        *mesh_warnings(eigenvalues.kpoints, atoms, settings),
        *_occupation_warnings(eigenvalues, edges),
        *_spin_warnings(eigenvalues, edges, atoms, settings),
    )


def mesh_warnings(kpoints: np.ndarray, atoms: "Atoms", settings: Mapping[str, Any]) -> tuple[str, ...]:
    """Say when a mesh cannot contain the band edge of a cubic lead halide.

    The edges of cubic CsPbX3 lie at R = (1/2, 1/2, 1/2) (Jishi, Ta and Sharif, arXiv:1405.1706), which is the corner
    M = (1/2, 1/2) of a 1x1 (001) slab and folds to Gamma in sqrt2 x sqrt2 and 2x2 cells. An even Monkhorst-Pack mesh
    holds neither.
    """
    sampled = [axis for axis in range(3) if np.ptp(kpoints[:, axis]) > _SAME_POINT]
    if not sampled:
        return ()
    has_gamma, has_corner = (_contains(kpoints, sampled, value) for value in (0.0, 0.5))
    mesh: Sequence[int] = settings.get("kpoints") or ()
    name = "x".join(str(n) for n in mesh) if mesh else "k-point"
    even = any(n % 2 == 0 for n in mesh) and str(settings.get("kpoint_scheme")).startswith("monkhorst")
    if not has_gamma and not has_corner:
        kind = "even Monkhorst-Pack" if even else "given"
        return (
            f"the {kind} {name} mesh holds neither Gamma nor the zone corner, where the band edges of cubic lead "
            f"halides and of their (001) slabs lie: the gap is an upper bound; use a Gamma-centered mesh",
        )
    missing = "the zone corner" if has_gamma else "Gamma"
    if (has_gamma and has_corner) or "Pb" not in atoms.get_chemical_symbols():
        return ()
    where = "1x1 and 3x3 slabs and of the cubic cell" if has_gamma else "sqrt2 x sqrt2 and 2x2 slabs"
    return (f"the {name} mesh does not hold {missing}, where the band edges of {where} lie",)


def _contains(kpoints: np.ndarray, axes: list[int], value: float) -> bool:
    distance = kpoints[:, axes] - value
    return bool(np.any(np.all(np.abs(distance - np.round(distance)) < _SAME_POINT, axis=1)))


def _occupation_warnings(eigenvalues: Eigenvalues, edges: BandEdges) -> tuple[str, ...]:
    found = eigenvalues.occupations
    partial = (found > PARTIAL[0]) & (found < PARTIAL[1]) & (eigenvalues.weights > 0)[None, :, None]
    notes = []
    if edges.metallic:
        notes.append("a band crosses the Fermi level: there is no gap, and the edges are those of the half-full levels")
    if partial.any():
        low, high = eigenvalues.energies[partial].min(), eigenvalues.energies[partial].max()
        notes.append(
            f"{int(partial.sum())} levels from {low:.3f} to {high:.3f} eV are partly occupied (by the smearing)"
        )
    return tuple(notes)


def _spin_warnings(
    eigenvalues: Eigenvalues, edges: BandEdges, atoms: "Atoms", settings: Mapping[str, Any]
) -> tuple[str, ...]:
    notes = []
    odd = abs(edges.n_electrons - round(edges.n_electrons)) < 0.01 and round(edges.n_electrons) % 2 == 1
    if odd and eigenvalues.electrons_per_level == 2:
        notes.append(
            f"{edges.n_electrons:.0f} electrons, an odd number, without spin polarization: the highest band is half "
            f"full by construction"
        )
    if len(eigenvalues.energies) == 2 and edges.cbm is not None and edges.vbm.spin != edges.cbm.spin:
        notes.append("the band edges lie in different spin channels: the gap needs a spin flip")
    heavy = sorted(HEAVY & set(atoms.get_chemical_symbols()))
    if heavy and settings.get("soc") is False:
        notes.append(
            f"no spin-orbit coupling: with {', '.join(heavy)} the gap is larger by about 1 eV than with it "
            f"(Jishi, Ta and Sharif, arXiv:1405.1706)"
        )
    return tuple(notes)
