"""The pseudo-cubic frame of a perovskite: the simple-cubic lattice of its B cations.

In every tilted phase the octahedra stay joined at their corners, so the B cations (Pb) still form a nearly
simple-cubic lattice. Faces, layers and lateral supercells are counted in its axes, whatever the cell in which the
crystal is written.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from qddft.atoms.ions import B_CATIONS
from qddft.core.errors import StructureError
from qddft.core.frozen import freeze_fields

if TYPE_CHECKING:
    from ase import Atoms


@dataclass(frozen=True)
class PseudoCubic:
    """Axes of the B sublattice, the third one normal to the faces.

    Attributes
    ----------
    vectors
        Rows a, b, c of the pseudo-cubic cell, Cartesian, shape (3, 3), Angstrom, right-handed.
    origin
        Position of one B cation, shape (3,), Angstrom.
    periods
        The rows are the cell vectors of the crystal in pseudo-cubic units, integers, shape (3, 3).
    """

    vectors: np.ndarray
    origin: np.ndarray
    periods: np.ndarray

    def __post_init__(self) -> None:
        freeze_fields(self)

    def in_bulk_cell(self, rows: np.ndarray) -> np.ndarray:
        """Express vectors given in pseudo-cubic units in the lattice vectors of the crystal, shape (n, 3)."""
        return np.asarray(rows, dtype=float) @ np.linalg.inv(self.periods.astype(float))

    def is_period(self, row: np.ndarray) -> bool:
        """Tell whether a vector in pseudo-cubic units is a translation of the crystal, tilts included."""
        coordinates = self.in_bulk_cell(np.atleast_2d(row))
        return bool(np.allclose(coordinates, np.round(coordinates), atol=1e-6))


def pseudocubic(bulk: "Atoms") -> PseudoCubic:
    """Find the pseudo-cubic axes of a perovskite crystal.

    Parameters
    ----------
    bulk
        A periodic crystal with B cations Pb, Sn or Ge.

    Returns
    -------
    PseudoCubic
        Its third axis, the face normal, is the one closest to the third cell vector of the crystal.

    Raises
    ------
    StructureError
        There is no B cation, or the B cations do not form a simple-cubic lattice (non-perovskite phases).
    """
    sites = bulk.positions[np.isin(bulk.get_chemical_symbols(), B_CATIONS)]
    name = bulk.get_chemical_formula(mode="reduce")
    if not len(sites):
        raise StructureError(f"{name}: no Pb, Sn or Ge atom, so this is no lead-halide-like perovskite.")
    steps = _steps_to_neighbors(sites, bulk.cell.array, name)
    vectors = _choose_axes(steps, bulk.cell.array[2])
    exact = bulk.cell.array @ np.linalg.inv(vectors)
    periods = np.round(exact)
    if not np.allclose(exact, periods, atol=0.1) or round(abs(np.linalg.det(periods))) != len(sites):
        raise StructureError(_not_simple_cubic(name))
    # the averaged steps are exact lattice fractions only up to relaxation noise; the cell is the truth
    vectors = np.linalg.inv(periods) @ bulk.cell.array
    return PseudoCubic(vectors, sites[0], periods.astype(int))


def _steps_to_neighbors(sites: np.ndarray, cell: np.ndarray, name: str) -> np.ndarray:
    """Return the six vectors from one B cation to its B neighbors, shape (6, 3), Angstrom."""
    reach = np.array([(i, j, k) for i in range(-2, 3) for j in range(-2, 3) for k in range(-2, 3)])
    steps = (sites[None, :, :] + (reach @ cell)[:, None, :]).reshape(-1, 3) - sites[0]
    lengths = np.linalg.norm(steps, axis=1)
    order = np.argsort(lengths)[1:8]
    # simple cubic: six at d, the next at 1.41 d
    if lengths[order[5]] > 1.2 * lengths[order[0]] or lengths[order[6]] < 1.2 * lengths[order[0]]:
        raise StructureError(_not_simple_cubic(name))
    return np.asarray(steps[order[:6]])


def _choose_axes(steps: np.ndarray, third: np.ndarray) -> np.ndarray:
    """Pick a right-handed triple: c along the third cell vector, a along +x as far as possible."""
    units = steps / np.linalg.norm(steps, axis=1)[:, None]
    c = int(np.argmax(units @ (third / np.linalg.norm(third))))
    lateral = [i for i in range(6) if abs(units[i] @ units[c]) < 0.5]
    # the small second term decides between two axes that lie at 45 degrees to x
    a = max(lateral, key=lambda i: units[i] @ np.array([1.0, 0.01, 0.0]))
    b = max(lateral, key=lambda i: units[i] @ np.cross(units[c], units[a]))
    return np.asarray(steps[[a, b, c]])


def _not_simple_cubic(name: str) -> str:
    """Explain why a crystal has no pseudo-cubic faces."""
    return (
        f"{name}: its Pb (Sn, Ge) atoms do not form a simple-cubic lattice, so the crystal has no pseudo-cubic (001) "
        "faces. The delta phase is no perovskite; build the slab from the cubic, tetragonal or orthorhombic phase."
    )


def with_normal(bulk: "Atoms", axis: str) -> "Atoms":
    """Return the crystal in a cell whose third vector is along a chosen pseudo-cubic axis.

    In tilted phases the faces across different pseudo-cubic axes differ: in Pbnm the octahedra turn in phase along c
    and out of phase along a and b. ``build_slab(with_normal(crystal, "a"))`` cuts the face across a.

    Parameters
    ----------
    bulk
        A perovskite crystal.
    axis
        ``a``, ``b`` or ``c``; ``c`` is the pseudo-cubic axis closest to the third cell vector.

    Raises
    ------
    StructureError
        Another axis, or a crystal without pseudo-cubic axes.
    """
    from ase.build import make_supercell

    if axis not in _CYCLIC:
        raise StructureError(f"axis {axis!r}: the face normal is one of the pseudo-cubic axes a, b, c.")
    frame = pseudocubic(bulk)
    largest = round(abs(float(np.linalg.det(frame.periods))))
    rows = []
    for number in _CYCLIC[axis]:
        unit = np.eye(3, dtype=int)[number]
        rows.append(next(k for k in range(1, largest + 1) if frame.is_period(k * unit)) * unit)
    turned = make_supercell(bulk, np.round(frame.in_bulk_cell(np.array(rows))).astype(int))
    if "qddft" in bulk.info:
        described = {**bulk.info["qddft"]}
        described["bulk"] = described.get("bulk", {}) | {"normal": axis}
        turned.info["qddft"] = described
    return turned


_CYCLIC = {"a": (1, 2, 0), "b": (2, 0, 1), "c": (0, 1, 2)}
