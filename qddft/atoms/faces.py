"""One face of a slab, turned so that its normal is +z, and what lies in its layers."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from qddft.atoms.contacts import fragments_of, lattice_points
from qddft.atoms.dot_symmetry import is_nanocrystal
from qddft.atoms.ions import A_CATIONS, B_CATIONS, HALIDES
from qddft.core.errors import PlacementError, StructureError
from qddft.core.frozen import freeze_fields
from qddft.core.suggest import did_you_mean

if TYPE_CHECKING:
    from ase import Atoms

FaceName = Literal["top", "bottom"]
Species = Literal["A", "B", "X"]
FACES: tuple[FaceName, ...] = ("top", "bottom")
# half a turn about x brings the bottom face up without changing the handedness of what is put on it
_HALF_TURN = np.array([1.0, -1.0, -1.0])


@dataclass(frozen=True)
class Face:
    """A face seen from outside; its own coordinates are x, y in the plane and z along the outward normal.

    Attributes
    ----------
    name
        ``top`` or ``bottom``.
    turn
        Factors from slab to face coordinates and back, shape (3,).
    lattice
        Lateral lattice vectors in face coordinates, shape (2, 3), Angstrom.
    positions
        All atoms in face coordinates, shape (n_atoms, 3), Angstrom.
    species
        ``A``, ``B`` or ``X`` for the ions of the slab, empty for atoms of molecules, shape (n_atoms,).
    depth
        Layer counted from this face, 1 for the outermost; 0 for ligand atoms; shape (n_atoms,).
    """

    name: FaceName
    turn: np.ndarray
    lattice: np.ndarray
    positions: np.ndarray
    species: np.ndarray
    depth: np.ndarray

    def __post_init__(self) -> None:
        freeze_fields(self)

    @property
    def termination(self) -> str:
        """``PbX2`` or ``CsX``."""
        return "PbX2" if "B" in self.species[self.depth == 1] else "CsX"

    @property
    def height(self) -> float:
        """Mean height of the outermost layer, Angstrom."""
        return float(self.positions[self.depth == 1, 2].mean())

    @property
    def center(self) -> np.ndarray:
        """Middle of the lateral cell at the height of the face, shape (3,), Angstrom."""
        return np.asarray(self.lattice.sum(axis=0) / 2 + [0.0, 0.0, self.height])

    @property
    def azimuth(self) -> float:
        """Direction in the plane from a cation of the outermost layer to its nearest halide, radians.

        Poses are laid out from here, so that equal faces get equal poses however their cell is turned.
        """
        outer = self.depth == 1
        cations = np.flatnonzero(outer & np.isin(self.species, ("A", "B")))
        if not len(cations):
            return 0.0
        place = self.positions[cations[0]]
        away = (self.nearest_image(self.positions[self.of("X")], place) - place)[:, :2]
        nearest = away[np.linalg.norm(away, axis=1).round(3).argmin()]
        return float(np.arctan2(nearest[1], nearest[0]))

    def of(self, species: str, *, depth: int = 1) -> np.ndarray:
        """Return the indices of one sublattice in one layer."""
        return np.flatnonzero((self.species == species) & (self.depth == depth))

    def back(self, positions: np.ndarray) -> np.ndarray:
        """Return positions of shape (..., 3) in slab coordinates, Angstrom."""
        return np.asarray(positions * self.turn)

    def nearest_image(self, positions: np.ndarray, point: np.ndarray) -> np.ndarray:
        """Return lateral images of positions, shape (n, 3), closest to a point in the plane of the face."""
        plane = self.lattice[:, :2]
        offset = (positions - point)[:, :2]
        base = positions - np.round(offset @ np.linalg.inv(plane)) @ self.lattice
        shifts = np.array([(i, j) for i in (0, -1, 1) for j in (0, -1, 1)]) @ self.lattice
        images = base[:, None, :] + shifts[None, :, :]
        best = np.linalg.norm((images - point)[:, :, :2], axis=2).round(6).argmin(axis=1)
        return np.asarray(images[np.arange(len(images)), best])


def check_face(name: str) -> FaceName:
    """Return the name of a face.

    Raises
    ------
    PlacementError
        Neither ``top`` nor ``bottom``.
    """
    for face in FACES:
        if face == name:
            return face
    raise PlacementError(f"unknown face {name!r}. {did_you_mean(str(name), FACES)}")


def face_of(slab: "Atoms", name: str) -> Face:
    """Return a face of a slab or complex.

    Raises
    ------
    PlacementError
        An unknown face, or the lateral cell vectors are not in the xy plane.
    StructureError
        The atoms do not say their layers and fragments, or the slab is no perovskite.
    """
    if is_nanocrystal(slab):
        raise PlacementError(
            "the structure is a nanocrystal, which has six facets and no top: cover it with passivate(dot, (ligand, "
            "mode)), or attach(dot, ligand, mode=..., faces='+a') one ligand; coverages and searches take a slab."
        )
    face = check_face(name)
    turn = np.ones(3) if face == "top" else _HALF_TURN
    layer = _layers(slab)
    lateral = slab.cell.array[:2]
    if np.abs(lateral[:, 2]).max() > 1e-6 or abs(np.cross(lateral[0], lateral[1])[2]) < 1e-6:
        raise PlacementError("the first two cell vectors must span the xy plane, as build_slab makes them.")
    counted = layer if face == "bottom" else layer.max() + 1 - layer
    outermost = set(np.array(slab.get_chemical_symbols())[(layer > 0) & (counted == 1)])
    if not outermost & set(HALIDES):
        raise StructureError(f"the {face} layer of the slab holds {', '.join(sorted(outermost))} and no halide.")
    return Face(
        name=face,
        turn=turn,
        lattice=lateral * turn,
        positions=slab.positions * turn,
        species=np.where(layer > 0, species_of(slab.get_chemical_symbols()), ""),
        depth=np.where(layer > 0, counted, 0),
    )


def _layers(slab: "Atoms") -> np.ndarray:
    """Return the layer of every atom, 0 for ligand atoms."""
    if "layer" not in slab.arrays or not (slab.arrays["layer"] > 0).any():
        raise StructureError('the structure has no arrays["layer"]; make it with build_slab.')
    return np.where(fragments_of(slab) == 0, slab.arrays["layer"], 0)


def species_of(symbols: Iterable[str]) -> list[str]:
    """Return the sublattice of each symbol."""
    known = dict.fromkeys(HALIDES, "X") | dict.fromkeys(B_CATIONS, "B") | dict.fromkeys(A_CATIONS, "A")
    return [known.get(symbol, "") for symbol in symbols]


def neighbors(face: Face, point: np.ndarray, among: np.ndarray, reach: float) -> list[tuple[int, np.ndarray]]:
    """Return (atom, position of its image) of atoms within a reach of a point, nearest first.

    Parameters
    ----------
    point
        Face coordinates, shape (3,), Angstrom.
    among
        Indices of the atoms that count.
    reach
        Angstrom.
    """
    near = face.nearest_image(face.positions[among], point)
    shifts = np.vstack([np.zeros((1, 2), dtype=int), lattice_points(face.lattice, 2 * reach)]) @ face.lattice
    images = near[:, None, :] + shifts[None, :, :]
    distances = np.linalg.norm(images - point, axis=2)
    found = [
        (round(float(distances[i, k]), 4), int(among[i]), int(k), int(i)) for i, k in np.argwhere(distances < reach)
    ]
    return [(atom, images[i, k]) for _, atom, k, i in sorted(found)]
