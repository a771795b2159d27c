"""Adsorption sites of (001) faces, named by the atoms around them and reduced by symmetry.

A site lies above the atoms that name it:

- ``Pb-top``, ``Cs-top``, ``X-top``: above an atom of the outermost layer;
- ``hollow``: above an atom of the second layer that no atom of the outermost layer covers (Cs under a PbX2 face, the
  equatorial X under a CsX face);
- ``bridge``: above the middle of two neighboring unlike ions of the outermost layer.

The middle of two neighboring Pb of a PbX2 face is an ``X-top`` site.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from qddft.atoms.faces import Face, FaceName, face_of, neighbors
from qddft.atoms.symmetry import SYMPREC, symmetry_cell
from qddft.core.errors import StructureError

if TYPE_CHECKING:
    from ase import Atoms

KINDS = ("Pb-top", "Cs-top", "X-top", "hollow", "bridge")
_TOP_NAMES = {"A": "Cs-top", "B": "Pb-top", "X": "X-top"}
# an atom of the second layer is covered by one of the first that is closer in the plane than this share of the
# shortest lateral distance within the first layer; tilts of 15 degrees move an apical X by a seventh of it
_COVERED = 0.4
_SAME = 1e-3


@dataclass(frozen=True)
class Site:
    """A place on a face.

    Attributes
    ----------
    kind
        One of ``KINDS``.
    face
        ``top`` or ``bottom``.
    position
        On the face, at the mean height of ``atoms`` (a hollow: of the outermost layer), slab coordinates, Angstrom.
    atoms
        The slab atoms that name the site.
    multiplicity
        Equivalent sites on this face for each 1x1 cell; a whole number unless a site is shared by several.
    """

    kind: str
    face: FaceName
    position: tuple[float, float, float]
    atoms: tuple[int, ...]
    multiplicity: float


def find_sites(slab: "Atoms", face: str = "top", *, kinds: tuple[str, ...] = KINDS) -> tuple[Site, ...]:
    """Return the symmetry-distinct sites of a face, those nearest the middle of the cell, in the order of ``KINDS``.

    Parameters
    ----------
    slab
        A slab or complex; its symmetry, ligands included, decides what is distinct.
    face
        ``top`` or ``bottom``.
    kinds
        Which kinds are listed.

    Raises
    ------
    PlacementError, StructureError
        As ``qddft.atoms.faces.face_of``.
    """
    seen = face_of(slab, face)
    found = [site for site in _all_sites(seen) if site.kind in kinds]
    if not found:
        return ()
    center = seen.center[:2]
    plane = np.array([site.position[:2] for site in found]) * seen.turn[:2]
    # distances from the middle, rounded so that equal ones keep the order of the atoms
    order = np.argsort(
        np.linalg.norm(seen.nearest_image(_flat(plane), seen.center)[:, :2] - center, axis=1).round(3), kind="stable"
    )
    labels = _orbits(slab, found)
    cells = max(len(seen.of("B", depth=d)) for d in (1, 2))
    chosen: dict[int, int] = {}
    for k in order:
        chosen.setdefault(int(labels[k]), int(k))
    counts = np.bincount(labels)
    sites = [
        Site(found[k].kind, found[k].face, found[k].position, found[k].atoms, float(counts[labels[k]]) / cells)
        for k in chosen.values()
    ]
    return tuple(sorted(sites, key=lambda site: (KINDS.index(site.kind), site.multiplicity)))


def _flat(plane: np.ndarray) -> np.ndarray:
    """Return points of the plane with a height of zero, shape (n, 3)."""
    return np.column_stack([plane, np.zeros(len(plane))])


def _all_sites(face: Face) -> list[Site]:
    """Return every site in the lateral cell."""
    outer = np.flatnonzero(face.depth == 1)
    tops = [_site(_TOP_NAMES[str(face.species[i])], face, face.positions[i], (int(i),)) for i in outer]
    return [*tops, *_hollows(face, outer), *_bridges(face, outer)]


def _site(kind: str, face: Face, position: np.ndarray, atoms: tuple[int, ...]) -> Site:
    x, y, z = (float(value) + 0.0 for value in np.round(face.back(position), 8))
    return Site(kind, face.name, (x, y, z), atoms, 1.0)


def _hollows(face: Face, outer: np.ndarray) -> list[Site]:
    """Return the places above uncovered atoms of the second layer."""
    limit = _COVERED * _spacing(face, outer)
    found = []
    for i in np.flatnonzero(face.depth == 2):
        place = np.array([*face.positions[i, :2], face.height])
        level = face.nearest_image(face.positions[outer], place)
        if np.linalg.norm((level - place)[:, :2], axis=1).min() > limit:
            found.append(_site("hollow", face, place, (int(i),)))
    return found


def _bridges(face: Face, outer: np.ndarray) -> list[Site]:
    """Return the middles of neighboring unlike ions."""
    reach = 1.2 * _spacing(face, outer)
    anions = outer[face.species[outer] == "X"]
    found = []
    for i in outer[face.species[outer] != "X"]:
        for j, image in neighbors(face, face.positions[i], anions, reach):
            found.append(_site("bridge", face, (face.positions[i] + image) / 2, (int(i), j)))
    return found


def _spacing(face: Face, outer: np.ndarray) -> float:
    """Return the median distance of a cation of the outermost layer from its nearest halide, Angstrom."""
    anions = face.positions[outer[face.species[outer] == "X"]]
    cations = outer[face.species[outer] != "X"]
    if not len(cations):
        raise StructureError(f"the {face.name} layer of the slab holds no cation.")
    nearest = [
        np.linalg.norm(face.nearest_image(anions, face.positions[i]) - face.positions[i], axis=1).min() for i in cations
    ]
    return float(np.median(nearest))


def _orbits(slab: "Atoms", sites: list[Site]) -> np.ndarray:
    """Return for every site the number of its symmetry class, shape (n_sites,)."""
    import spglib
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components
    from scipy.spatial import cKDTree

    cell, scaled, kinds = symmetry_cell(slab)
    found = spglib.get_symmetry((cell, scaled, kinds), symprec=SYMPREC)
    if found is None:
        raise StructureError("spglib finds no symmetry operations: do two atoms lie on one place?")
    points = np.array([site.position for site in sites])
    fractions = points @ np.linalg.inv(cell)
    lengths = np.linalg.norm(cell, axis=1)
    tree = cKDTree(_wrapped(fractions) * lengths, boxsize=lengths * (1 + 1e-12))
    kind = np.array([site.kind for site in sites])
    rows, columns = [], []
    for rotation, shift in zip(found["rotations"], found["translations"], strict=True):
        distance, image = tree.query(_wrapped(fractions @ rotation.T + shift) * lengths, distance_upper_bound=0.1)
        met = np.flatnonzero(np.isfinite(distance))
        met = met[kind[met] == kind[image[met]]]
        rows.append(met)
        columns.append(image[met])
    i, j = np.concatenate(rows), np.concatenate(columns)
    graph = coo_array((np.ones(len(i)), (i, j)), shape=(len(sites), len(sites)))
    return np.asarray(connected_components(graph, directed=False)[1])


def _wrapped(fractions: np.ndarray) -> np.ndarray:
    """Return fractional coordinates in [0, 1)."""
    return np.asarray((fractions + 1e-9) % 1.0)
