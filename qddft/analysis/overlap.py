"""What two parts have in common: overlap of their densities of states in a window, alignment of their levels."""

from typing import TYPE_CHECKING

import numpy as np

from qddft.analysis.midgap import atom_shares
from qddft.analysis.partitions import DOT, LIGAND, fragment_masks
from qddft.core.errors import OutputError
from qddft.core.suggest import did_you_mean
from qddft.outputs.dos import Alignment, Dos, Overlap
from qddft.outputs.tables import Projections

if TYPE_CHECKING:
    from ase import Atoms

# a level belongs to a part that holds more than half of its projections
OWNED = 0.5


def overlap(
    dos: Dos, window: tuple[float, float], *, parts: tuple[str, str] = (DOT, LIGAND), partition: str = "fragment"
) -> Overlap:
    """Return the overlap integrals of two projected densities of states.

    ``int min(g_a, g_b) dE``, the same over the smaller of the two areas, and ``int sqrt(g_a g_b) dE``. They say that
    two parts have states at the same energies, not that these bind. The number depends on the window, the zero and the
    broadening, so that all three are part of the result or of ``dos``.

    Parameters
    ----------
    dos
        Projected density of states.
    window
        From, to, eV, relative to the zero of ``dos``.
    parts, partition
        Which two curves.

    Raises
    ------
    OutputError
        The curves do not exist, or the window is empty or reaches out of the grid.
    """
    a, b = (_curve(dos, partition, part) for part in parts)
    low, high = window
    if not low < high:
        raise OutputError(f"the window from {low} to {high} eV is empty; give the lower energy first")
    # below the lowest level there is nothing; above the highest computed one there is something unknown
    if (dos.sigma is None and low < dos.energies[0] - 1e-9) or high > dos.energies[-1] + 1e-9:
        raise OutputError(
            f"the window from {low} to {high} eV reaches out of the density of states, which goes from "
            f"{dos.energies[0]:.2f} to {dos.energies[-1]:.2f} eV relative to {dos.zero.kind}"
        )
    areas = _area(dos, a, window), _area(dos, b, window)
    minimum = _area(dos, np.minimum(a, b), window)
    return Overlap(
        parts=parts,
        window=(float(low), float(high)),
        zero=dos.zero,
        minimum=minimum,
        normalized=minimum / min(areas) if min(areas) > 0 else None,
        geometric=_area(dos, np.sqrt(np.clip(a, 0, None) * np.clip(b, 0, None)), window),
        integrals=areas,
    )


def _curve(dos: Dos, partition: str, part: str) -> np.ndarray:
    unlabeled = part in (DOT, LIGAND) and part not in dos.projected.get(partition, {})
    if partition == "fragment" and dos.projected and unlabeled:
        raise OutputError(
            f"nothing tells which atoms of {dos.atoms.get_chemical_formula()} are {part}: give --labels (labels=) with "
            "a structure of the same atoms that holds fragments"
        )
    if partition not in dos.projected:
        raise OutputError(
            f"the density of states is not projected by {partition}"
            + (f"; {did_you_mean(partition, dos.projected)}" if dos.projected else " (LORBIT = 11 projects it)")
        )
    if part not in dos.projected[partition]:
        raise OutputError(f"there is no part {part!r}. {did_you_mean(part, dos.projected[partition])}")
    return dos.curve(partition, part)


def _area(dos: Dos, curve: np.ndarray, window: tuple[float, float]) -> float:
    """Integrate a curve between two energies that need not lie on the grid."""
    inside = (dos.energies > window[0]) & (dos.energies < window[1])
    grid = np.concatenate([[window[0]], dos.energies[inside], [window[1]]])
    return float(np.trapezoid(np.interp(grid, dos.energies, curve, left=0.0), grid))


def alignment(projections: Projections, atoms: "Atoms") -> Alignment | None:
    """Return how the frontier levels of the ligand lie beside the band edges of the dot.

    ``None`` where the structure has no ligand, or one of the parts owns no occupied or no empty level.
    """
    masks = fragment_masks(atoms)
    if LIGAND not in masks or DOT not in masks:
        return None
    by_atom = atom_shares(projections)
    levels = projections.eigenvalues
    frontier = []
    for part in (DOT, LIGAND):
        owned = by_atom[..., masks[part]].sum(axis=-1) > OWNED
        full, empty = owned & (levels.occupations > 0.5), owned & (levels.occupations <= 0.5)
        if not full.any() or not empty.any():
            return None
        frontier.append((float(levels.energies[full].max()), float(levels.energies[empty].min())))
    dot, ligand = frontier
    return Alignment(_kind(dot, ligand), dot, ligand, OWNED)


def _kind(dot: tuple[float, float], ligand: tuple[float, float]) -> str:
    if ligand[0] >= dot[1] or dot[0] >= ligand[1]:
        return "type III"
    if ligand[0] <= dot[0] and ligand[1] >= dot[1]:
        return "type I"
    if ligand[0] >= dot[0] and ligand[1] <= dot[1]:
        return "type I inverted"
    return "type II"
