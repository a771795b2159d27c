"""The pseudo-cubic lattice of a slab as it stands, relaxed or not: which place each of its ions holds."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from qddft.atoms.contacts import fragments_of
from qddft.atoms.ions import B_CATIONS
from qddft.atoms.slab_options import parse_supercell
from qddft.core.errors import StructureError
from qddft.core.frozen import freeze_fields

if TYPE_CHECKING:
    from ase import Atoms

    from qddft.atoms.blocks import Frame


@dataclass(frozen=True)
class SlabLattice:
    """Places in half steps, as in ``qddft.atoms.blocks``; the third number counts atomic layers.

    Attributes
    ----------
    vectors
        Pseudo-cubic axes as rows, the third along z, shape (3, 3), Angstrom.
    origin
        Position of the B cation at (0, 0, 0), shape (3,), Angstrom.
    cell
        The cell of the slab, shape (3, 3), Angstrom; the third row is not a period here.
    periods
        Lateral cell vectors in pseudo-cubic units, integers, shape (3, 3); the third row is zero.
    levels
        Third number of the lowest and of the highest layer.
    bottom
        Layer of the origin, counted from 1.
    """

    vectors: np.ndarray
    origin: np.ndarray
    cell: np.ndarray
    periods: np.ndarray
    levels: tuple[int, int]
    bottom: int

    def __post_init__(self) -> None:
        freeze_fields(self)

    def fractional(self, point: np.ndarray) -> np.ndarray:
        """Return a point in half steps, not rounded, shape (3,)."""
        return np.asarray(2 * (point - self.origin) @ np.linalg.inv(self.vectors))

    def places(self, positions: np.ndarray, layers: np.ndarray) -> np.ndarray:
        """Return the places of ions, integers, shape (n, 3).

        Laterally the nearest place whose kind fits the layer: relaxed ions stay closer to their own than to others.

        Parameters
        ----------
        positions
            Shape (n, 3), Angstrom.
        layers
            Atomic layer of each, from 1, shape (n,).
        """
        lateral = 2 * (positions - self.origin) @ np.linalg.inv(self.vectors)
        return np.column_stack([np.round(lateral[:, :2]).astype(int), layers.astype(int) - self.bottom])

    def images(self, home: np.ndarray, frame: "Frame") -> tuple[np.ndarray, np.ndarray]:
        """Return which places and which lateral translations of them lie inside a block.

        Parameters
        ----------
        home
            Places, whole or not, shape (n, 3).
        frame
            Its planes.

        Returns
        -------
        tuple of arrays
            Index into ``home``, shape (m,), and translations in cell vectors, integers, shape (m, 3).
        """
        span = np.concatenate([frame.low[:2] - home[:, :2].max(axis=0), frame.high[:2] - home[:, :2].min(axis=0)])
        corners = np.array([(x, y) for x in (span[0], span[2]) for y in (span[1], span[3])]) / 2
        bounds = corners @ np.linalg.inv(self.periods[:2, :2].astype(float))
        first, last = np.floor(bounds.min(axis=0)).astype(int), np.ceil(bounds.max(axis=0)).astype(int)
        grids = np.meshgrid(*(np.arange(a, b + 1) for a, b in zip(first, last, strict=True)), [0], indexing="ij")
        steps = np.stack([grid.ravel() for grid in grids], axis=1)
        moved = home[:, None, :] + 2 * (steps @ self.periods)[None, :, :]
        number, step = np.nonzero(((moved >= frame.low) & (moved <= frame.high)).all(axis=2))
        return number, steps[step]


def slab_lattice(slab: "Atoms") -> SlabLattice:
    """Return the lattice of a slab from ``build_slab``, ``attach`` or ``find_vacancies``.

    Raises
    ------
    StructureError
        The slab does not say its layers or lateral cell, or holds no B cation.
    """
    described = slab.info.get("qddft", {})
    own = fragments_of(slab) == 0
    if "layer" not in slab.arrays or "supercell" not in described:
        raise StructureError("the structure does not say its layers and lateral cell; make it with build_slab.")
    leads = np.flatnonzero(own & np.isin(slab.get_chemical_symbols(), B_CATIONS))
    if not len(leads):
        raise StructureError("the slab holds no Pb, Sn or Ge.")
    lateral = parse_supercell(str(described["supercell"]))[0]
    layers = slab.arrays["layer"]
    used = np.unique(layers[own & (layers > 0)])
    heights = np.array([slab.positions[own & (layers == layer), 2].mean() for layer in used])
    spacing = float(np.polyfit(used, heights, 1)[0]) if len(used) > 1 else 3.0
    vectors = np.zeros((3, 3))
    vectors[:2] = np.linalg.inv(lateral) @ slab.cell.array[:2]
    vectors[2, 2] = 2 * spacing
    periods = np.zeros((3, 3), dtype=int)
    periods[:2, :2] = lateral
    start = _reference(slab.positions[leads], layers[leads], vectors)
    bottom = int(layers[leads].min())
    most = int(described.get("layers", used[-1]))
    return SlabLattice(vectors, start, slab.cell.array, periods, (1 - bottom, most - bottom), bottom)


def _reference(leads: np.ndarray, layers: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """Return the mean origin that the lowest B cations agree on, shape (3,), Angstrom."""
    lowest = leads[layers == layers.min()]
    steps = np.round((lowest - lowest[0]) @ np.linalg.inv(vectors))
    steps[:, 2] = 0
    return np.asarray((lowest - steps @ vectors).mean(axis=0))
