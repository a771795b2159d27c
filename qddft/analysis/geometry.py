"""Shape of a perovskite: bonds, tilts, distorted octahedra, distances of layers, and how a ligand changes them.

Bond-length distortion ``D = 1/6 sum [(d_i - <d>)/<d>]^2``, Shannon, Acta Cryst. B 32, 925 (1976); angle variance
``s^2 = 1/11 sum (theta_i - 90)^2`` over the 12 cis angles, Robinson, Gibbs and Ribbe, Science 172, 567 (1971).
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from qddft.analysis.binding import anchor_distances
from qddft.analysis.mesh import periodic_axes
from qddft.atoms.ions import B_CATIONS
from qddft.atoms.layers import layers_of
from qddft.core.errors import StructureError
from qddft.core.frozen import freeze_fields

if TYPE_CHECKING:
    from collections.abc import Callable

    from ase import Atoms

__all__ = ["Change", "Geometry", "changes", "geometry_of", "unwrapped_heights"]

_HALIDES = ("Cl", "Br", "I")
# bonds lie around 2.9 (Cl) to 3.2 (I), the next shell beyond 6 Angstrom; a bond stretched at a surface still counts
BOND_LIMIT = 4.2
_OCTAHEDRON = 6


@dataclass(frozen=True)
class Geometry:
    """Shape of one structure.

    Attributes
    ----------
    bonds
        B-X distances, Angstrom, sorted.
    angles
        B-X-B angles, degrees, sorted; 180 without tilts.
    length_distortions
        Bond-length distortion D of every complete octahedron, no unit.
    angle_variances
        Variance of the cis angles of every complete octahedron, degrees^2.
    incomplete
        Number of B atoms with another number of bonds than six: those of a BX2 face, or beside vacancies.
    layer_heights
        Mean height of every layer of a slab, from the bottom, Angstrom; empty for bulk.
    rumplings
        Highest minus lowest atom of every layer, Angstrom.
    anchors
        Distances from the anchors of ligands to their surface atoms, Angstrom; empty where the file does not say.
    """

    bonds: np.ndarray
    angles: np.ndarray
    length_distortions: np.ndarray
    angle_variances: np.ndarray
    incomplete: int
    layer_heights: np.ndarray
    rumplings: np.ndarray
    anchors: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        freeze_fields(self)

    @property
    def spacings(self) -> np.ndarray:
        """Distances of neighboring layers from the bottom, Angstrom, shape (n_layers - 1,)."""
        return np.asarray(np.diff(self.layer_heights))

    def summary(self) -> "dict[str, float | None]":
        """Return the named numbers that are compared before and after a ligand; ``None`` where there is none."""
        return {
            "shortest Pb-X (Å)": _of(self.bonds, np.min),
            "mean Pb-X (Å)": _of(self.bonds, np.mean),
            "longest Pb-X (Å)": _of(self.bonds, np.max),
            "smallest Pb-X-Pb (°)": _of(self.angles, np.min),
            "mean Pb-X-Pb (°)": _of(self.angles, np.mean),
            "mean length distortion (1e-3)": _of(1000 * self.length_distortions, np.mean),
            "mean angle variance (°²)": _of(self.angle_variances, np.mean),
            "mean layer spacing (Å)": _of(self.spacings, np.mean),
            "top layer spacing (Å)": float(self.spacings[-1]) if len(self.spacings) else None,
            "top layer rumpling (Å)": float(self.rumplings[-1]) if len(self.rumplings) else None,
            "mean anchor distance (Å)": _of(np.asarray(self.anchors), np.mean),
        }

    def record(self) -> "dict[str, object]":
        """Return everything as plain JSON types."""
        arrays = ("bonds", "angles", "length_distortions", "angle_variances", "layer_heights", "rumplings")
        plain = {name: np.asarray(getattr(self, name)).tolist() for name in arrays}
        return plain | {
            "incomplete": self.incomplete,
            "anchors": list(self.anchors),
            "spacings": self.spacings.tolist(),
            "summary": self.summary(),
        }


@dataclass(frozen=True)
class Change:
    """One number before and after.

    Attributes
    ----------
    name
        With its unit.
    before, after
        ``None`` where the structure does not have it.
    """

    name: str
    before: float | None
    after: float | None

    @property
    def difference(self) -> float | None:
        """After minus before."""
        return None if self.before is None or self.after is None else self.after - self.before


def geometry_of(atoms: "Atoms") -> Geometry:
    """Return bonds, angles, distortions and layers of a bulk crystal, slab or complex.

    Raises
    ------
    StructureError
        There is no lead (tin, germanium) halide in the structure.
    """
    neighbors = _bonds(atoms)
    if not neighbors:
        raise StructureError(
            f"{atoms.get_chemical_formula()} has no bond of {', '.join(B_CATIONS)} to {', '.join(_HALIDES)} below "
            f"{BOND_LIMIT} Angstrom: this is no lead-halide structure"
        )
    octahedra = [np.array(vectors) for center, vectors in neighbors.items() if _is_b(atoms, center)]
    bridges = [np.array(vectors) for center, vectors in neighbors.items() if not _is_b(atoms, center)]
    full = [vectors for vectors in octahedra if len(vectors) == _OCTAHEDRON]
    lengths = np.concatenate([np.linalg.norm(vectors, axis=1) for vectors in octahedra])
    heights, rumplings = _layers(atoms)
    return Geometry(
        bonds=np.sort(lengths),
        angles=np.sort(np.concatenate([_angles(vectors) for vectors in bridges])),
        length_distortions=np.array([_length_distortion(vectors) for vectors in full]),
        angle_variances=np.array([_angle_variance(vectors) for vectors in full]),
        incomplete=len(octahedra) - len(full),
        layer_heights=heights,
        rumplings=rumplings,
        anchors=anchor_distances(atoms),
    )


def changes(before: Geometry, after: Geometry) -> tuple[Change, ...]:
    """Return every named number of two structures, for instance of the clean slab and of the complex."""
    old, new = before.summary(), after.summary()
    return tuple(Change(name, old[name], new[name]) for name in old)


def _of(values: np.ndarray, function: "Callable[[np.ndarray], Any]") -> float | None:
    return float(function(values)) if len(values) else None


def _own(atoms: "Atoms") -> np.ndarray:
    """Tell which atoms belong to the perovskite."""
    return np.asarray(atoms.arrays["fragment"] == 0) if "fragment" in atoms.arrays else np.ones(len(atoms), dtype=bool)


def _is_b(atoms: "Atoms", index: int) -> bool:
    return str(atoms.symbols[index]) in B_CATIONS


def _bonds(atoms: "Atoms") -> dict[int, list[np.ndarray]]:
    """Return for every B and X atom the vectors to its bonded partners."""
    from ase.neighborlist import neighbor_list

    limits = {(b, x): BOND_LIMIT for b in B_CATIONS for x in _HALIDES}
    own = _own(atoms)
    found: dict[int, list[np.ndarray]] = {}
    for i, j, vector in zip(*neighbor_list("ijD", atoms, limits), strict=True):
        if own[i] and own[j]:
            found.setdefault(int(i), []).append(vector)
    return found


def _angles(vectors: np.ndarray) -> np.ndarray:
    """Return all angles between bonds of one atom, degrees."""
    unit = vectors / np.linalg.norm(vectors, axis=1)[:, None]
    first, second = np.triu_indices(len(unit), k=1)
    cosines = (unit[first] * unit[second]).sum(axis=1)
    return np.asarray(np.degrees(np.arccos(np.clip(cosines, -1.0, 1.0))))


def _length_distortion(vectors: np.ndarray) -> float:
    lengths = np.linalg.norm(vectors, axis=1)
    return float(((lengths / lengths.mean() - 1) ** 2).mean())


def _angle_variance(vectors: np.ndarray) -> float:
    cis = np.sort(_angles(vectors))[:12]
    return float(((cis - 90.0) ** 2).sum() / 11)


def _layers(atoms: "Atoms") -> tuple[np.ndarray, np.ndarray]:
    """Return mean heights and rumplings of the layers of a slab along its third cell vector."""
    if periodic_axes(atoms.cell.array, atoms.get_scaled_positions())[2]:
        return np.empty(0), np.empty(0)
    layers = layers_of(atoms)
    heights = unwrapped_heights(atoms)
    groups = [heights[layers == number] for number in range(1, int(layers.max()) + 1)]
    groups = [group for group in groups if len(group)]
    return np.array([group.mean() for group in groups]), np.array([np.ptp(group) for group in groups])


def unwrapped_heights(atoms: "Atoms") -> np.ndarray:
    """Return heights above the lowest atom with the vacuum on top, wherever the file cuts the cell; Angstrom."""
    normal = np.cross(atoms.cell[0], atoms.cell[1])
    height = abs(float(np.dot(atoms.cell[2], normal))) / float(np.linalg.norm(normal))
    places = atoms.get_scaled_positions()[:, 2]
    ordered = np.sort(places)
    gaps = np.diff([*ordered, ordered[0] + 1.0])
    lowest = ordered[(int(gaps.argmax()) + 1) % len(ordered)]
    return np.asarray(((places - lowest + 1e-9) % 1.0) * height)
