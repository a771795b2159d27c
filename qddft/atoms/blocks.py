"""Blocks of a perovskite: all ions between planes of the pseudo-cubic lattice, and how exposed each of them is.

Places are counted in half steps of the pseudo-cubic axes from one B cation: a B cation has three even numbers, an A
cation three odd ones, a halide one odd number. Planes of even number are PbX2 planes, those of odd number CsX planes.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from qddft.core.frozen import freeze_fields

if TYPE_CHECKING:
    from ase import Atoms

    from qddft.atoms.pseudocubic import PseudoCubic

CORNER, EDGE, FACE, INSIDE = 3, 2, 1, 0
EXPOSURES = {CORNER: "corner", EDGE: "edge", FACE: "face", INSIDE: "inside"}


@dataclass(frozen=True)
class Frame:
    """Where the places of a block are.

    Attributes
    ----------
    vectors
        Pseudo-cubic axes as rows, shape (3, 3), Angstrom.
    origin
        Ideal position of the place (0, 0, 0), shape (3,), Angstrom.
    low, high
        First and last plane along each axis, half steps, integers, shape (3,).
    """

    vectors: np.ndarray
    origin: np.ndarray
    low: np.ndarray
    high: np.ndarray

    def __post_init__(self) -> None:
        freeze_fields(self)

    @property
    def edges(self) -> np.ndarray:
        """Distance of opposite outermost planes, measured along the axes, shape (3,), Angstrom."""
        return np.asarray((self.high - self.low) / 2 * np.linalg.norm(self.vectors, axis=1))

    @property
    def normals(self) -> np.ndarray:
        """Unit normals of the planes, pointing along +a, +b and +c, shape (3, 3)."""
        found = np.cross(np.roll(self.vectors, -1, axis=0), np.roll(self.vectors, -2, axis=0))
        return np.asarray(found / np.linalg.norm(found, axis=1)[:, None])

    @property
    def areas(self) -> np.ndarray:
        """Area of one face across each axis, shape (3,), Angstrom^2."""
        spans = (self.high - self.low)[:, None] / 2 * self.vectors
        return np.asarray(np.linalg.norm(np.cross(np.roll(spans, -1, axis=0), np.roll(spans, -2, axis=0)), axis=1))

    def ideal(self, places: np.ndarray) -> np.ndarray:
        """Return positions of places in a lattice without tilts, shape (n, 3), Angstrom."""
        return np.asarray(self.origin + places / 2 @ self.vectors)

    def places(self, positions: np.ndarray) -> np.ndarray:
        """Return the nearest place of positions, half steps, integers, shape (n, 3)."""
        return np.asarray(np.round(2 * (positions - self.origin) @ np.linalg.inv(self.vectors)).astype(int))

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON form, as kept in ``info["qddft"]["frame"]``."""
        return {
            "vectors": np.round(self.vectors, 10).tolist(),
            "origin": np.round(self.origin, 10).tolist(),
            "low": self.low.tolist(),
            "high": self.high.tolist(),
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "Frame":
        """Return the frame that ``as_dict`` described."""
        return cls(
            np.array(data["vectors"], dtype=float),
            np.array(data["origin"], dtype=float),
            np.array(data["low"], dtype=int),
            np.array(data["high"], dtype=int),
        )


def cut_block(crystal: "Atoms", frame: "PseudoCubic", low: np.ndarray, high: np.ndarray) -> "tuple[Atoms, Frame]":
    """Return all ions of a crystal between planes, the planes included, and the frame they are counted in.

    Axis c of the frame is turned into the plane of y and z such that its faces lie in the xy plane, axis a along x; the
    middle of the block is at the origin.

    Parameters
    ----------
    crystal
        A periodic perovskite; its arrays are taken over.
    frame
        From ``pseudocubic(crystal)``.
    low, high
        First and last plane along each axis, half steps, shape (3,).
    """
    inside = np.round(2 * (crystal.positions - frame.origin) @ np.linalg.inv(frame.vectors)).astype(int)
    steps = _translations(frame.periods, low - inside.max(axis=0), high - inside.min(axis=0))
    places = inside[None, :, :] + 2 * (steps @ frame.periods)[:, None, :]
    number, owner = np.nonzero(((places >= low) & (places <= high)).all(axis=2))
    turned = _rotation(frame.vectors)
    middle = frame.origin + (low + high) / 4 @ frame.vectors
    positions = (crystal.positions[owner] + steps[number] @ crystal.cell.array - middle) @ turned.T
    block = crystal[owner]
    block.info = {}
    block.set_constraint()
    block.set_positions(positions)
    block.set_cell(np.zeros((3, 3)))
    block.set_pbc(False)
    kept = places[number, owner]
    order = np.lexsort((kept[:, 0], kept[:, 1], _sublattice(kept), kept[:, 2]))
    vectors = frame.vectors @ turned.T
    return block[order], Frame(vectors, -(low + high) / 4 @ vectors, low, high)


def _sublattice(places: np.ndarray) -> np.ndarray:
    """Return 0 for cations and 1 for halides, shape (n,)."""
    return np.asarray((places % 2).sum(axis=1) == 1)


def _translations(periods: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Return the lattice translations that may bring an ion between the planes, integers, shape (n, 3)."""
    corners = np.array([(x, y, z) for x in (low[0], high[0]) for y in (low[1], high[1]) for z in (low[2], high[2])])
    bounds = corners / 2 @ np.linalg.inv(periods.astype(float))
    first, last = np.floor(bounds.min(axis=0)).astype(int), np.ceil(bounds.max(axis=0)).astype(int)
    grids = np.meshgrid(*(np.arange(a, b + 1) for a, b in zip(first, last, strict=True)), indexing="ij")
    return np.stack([grid.ravel() for grid in grids], axis=1)


def _rotation(vectors: np.ndarray) -> np.ndarray:
    """Return the rotation that brings a along x and the plane of a and b into the xy plane, shape (3, 3)."""
    x = vectors[0] / np.linalg.norm(vectors[0])
    z = np.cross(vectors[0], vectors[1])
    z /= np.linalg.norm(z)
    return np.array([x, np.cross(z, x), z])


def outward(places: np.ndarray, frame: Frame) -> np.ndarray:
    """Return on which faces each place lies: -1, 0 or 1 along each axis, shape (n, 3).

    Cs half a step below a PbX2 face counts as on it: the Cs of such a block have corners, edges and faces of their own.
    Pb below a CsX face does not, because its octahedron is whole. In a block one plane thick a place lies on both
    faces; it is counted to the upper one.
    """
    cesium = (places % 2).sum(axis=1) == 3
    below = cesium[:, None] & ((places - frame.low) % 2 == 1)
    return np.asarray(np.where(frame.high - places <= below, 1, np.where(places - frame.low <= below, -1, 0)))


def outermost(places: np.ndarray, frame: Frame) -> np.ndarray:
    """Return along how many axes each place lies in an outermost plane, shape (n,)."""
    return np.asarray(((places == frame.low) | (places == frame.high)).sum(axis=1))


def exposure(places: np.ndarray, frame: Frame) -> np.ndarray:
    """Return on how many faces each place lies: 3 at a corner, 2 at an edge, 1 on a face, 0 inside; shape (n,)."""
    return np.asarray(np.abs(outward(places, frame)).sum(axis=1))
