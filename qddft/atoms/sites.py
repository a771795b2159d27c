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

from qddft.atoms.contacts import fragments_of
from qddft.atoms.dot_symmetry import dot_permutations, dot_places, facet_named, is_nanocrystal
from qddft.atoms.faces import Face, face_of, neighbors, species_of
from qddft.atoms.symmetry import SYMPREC, distinct_sets, symmetry_cell
from qddft.core.errors import StructureError

if TYPE_CHECKING:
    from ase import Atoms

KINDS = ("Pb-top", "Cs-top", "X-top", "hollow", "bridge")
_TOP_NAMES = {"A": "Cs-top", "B": "Pb-top", "X": "X-top"}
# an atom of the second layer is covered by one of the first that is closer in the plane than this share of the
# shortest lateral distance within the first layer; tilts of 15 degrees move an apical X by a seventh of it
_COVERED = 0.4
# sites closer than this are one, Angstrom
_SAME = 0.05


@dataclass(frozen=True)
class Site:
    """A place on a face.

    Attributes
    ----------
    kind
        One of ``KINDS``.
    face
        ``top`` or ``bottom``; of a nanocrystal ``+a`` to ``-c``, at an edge ``+a-b``.
    position
        On the face, at the mean height of ``atoms`` (a hollow: of the outermost layer), slab coordinates, Angstrom.
    atoms
        The slab atoms that name the site.
    multiplicity
        Equivalent sites on this face for each 1x1 cell; a whole number unless a site is shared by several. In a
        nanocrystal the number of equivalent ions.
    """

    kind: str
    face: str
    position: tuple[float, float, float]
    atoms: tuple[int, ...]
    multiplicity: float


def find_sites(slab: "Atoms", face: str = "top", *, kinds: tuple[str, ...] = KINDS) -> tuple[Site, ...]:
    """Return the symmetry-distinct sites of a face, those nearest the middle of the cell, in the order of ``KINDS``.

    Parameters
    ----------
    slab
        A slab or complex; its symmetry, ligands included, decides what is distinct. Of a nanocrystal the ions of one
        facet are listed, those at its edges and corners included (no hollows or bridges).
    face
        ``top`` or ``bottom``; of a nanocrystal ``+a`` to ``-c`` (``top`` is ``+c``).
    kinds
        Which kinds are listed.

    Raises
    ------
    PlacementError, StructureError
        As ``qddft.atoms.faces.face_of``.
    """
    if is_nanocrystal(slab):
        return _sites_of_facet(slab, face, kinds)
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
    labels = site_orbits(slab, found)
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


def _sites_of_facet(dot: "Atoms", facet: str, kinds: tuple[str, ...]) -> tuple[Site, ...]:
    """Return the symmetry-distinct ions of a facet of a nanocrystal, its edges and corners included.

    Raises
    ------
    PlacementError
        An unknown facet.
    """
    name = facet_named(facet)
    places, own = dot_places(dot), fragments_of(dot) == 0
    species = species_of(dot.get_chemical_symbols())
    on = [i for i in np.flatnonzero(own).tolist() if species[i] and name in places.facets[i] and not places.depths[i]]
    orbits = distinct_sets(dot_permutations(dot), [(i,) for i in on])
    found = [
        Site(_TOP_NAMES[species[i]], places.facets[i], _rounded(dot.positions[i]), (i,), float(count))
        for (i,), count in orbits.items()
    ]
    return tuple(sorted((s for s in found if s.kind in kinds), key=lambda s: (KINDS.index(s.kind), len(s.face))))


def _rounded(position: np.ndarray) -> tuple[float, float, float]:
    x, y, z = (round(float(value), 10) for value in position)
    return x, y, z


def _flat(plane: np.ndarray) -> np.ndarray:
    """Return points of the plane with a height of zero, shape (n, 3)."""
    return np.column_stack([plane, np.zeros(len(plane))])


def _all_sites(face: Face) -> list[Site]:
    """Return every site in the lateral cell."""
    outer = np.flatnonzero(face.depth == 1)
    tops = [_site(_TOP_NAMES[str(face.species[i])], face, face.positions[i], (int(i),)) for i in outer]
    return [*tops, *_hollows(face), *_bridges(face, outer)]


def _site(kind: str, face: Face, position: np.ndarray, atoms: tuple[int, ...]) -> Site:
    x, y, z = (float(value) + 0.0 for value in np.round(face.back(position), 8))
    return Site(kind, face.name, (x, y, z), atoms, 1.0)


def _hollows(face: Face) -> list[Site]:
    """Return the places above uncovered atoms of the second layer."""
    return [_site("hollow", face, np.array([*face.positions[i, :2], face.height]), (i,)) for i in uncovered(face)]


def uncovered(face: Face) -> list[int]:
    """Return the ions of the second layer that no atom of the outermost layer covers: what hollows lie above."""
    outer = np.flatnonzero(face.depth == 1)
    limit = _COVERED * _spacing(face, outer)
    found = []
    for i in np.flatnonzero((face.depth == 2) & (face.species != "")):
        level = face.nearest_image(face.positions[outer], face.positions[i])
        if np.linalg.norm((level - face.positions[i])[:, :2], axis=1).min() > limit:
            found.append(int(i))
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


def site_orbits(slab: "Atoms", sites: list[Site]) -> np.ndarray:
    """Return for every site the number of its symmetry class, shape (n_sites,); sites of different kinds differ."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components
    from scipy.spatial import cKDTree

    cell, operations = primitive_operations(slab)
    points = np.array([site.position for site in sites])
    fractions = points @ np.linalg.inv(cell)
    lengths = np.linalg.norm(cell, axis=1)
    tree = cKDTree(_wrapped(fractions) * lengths, boxsize=lengths * (1 + 1e-12))
    kind = np.array([site.kind for site in sites])
    # sites that a translation of the primitive cell brings together are one
    pairs = [tree.query_pairs(_SAME, output_type="ndarray")]
    for rotation, shift in operations:
        distance, image = tree.query(_wrapped(fractions @ rotation.T + shift) * lengths, distance_upper_bound=_SAME)
        met = np.flatnonzero(np.isfinite(distance))
        pairs.append(np.column_stack([met, image[met]]))
    i, j = np.concatenate(pairs).T
    alike = kind[i] == kind[j]
    graph = coo_array((np.ones(alike.sum()), (i[alike], j[alike])), shape=(len(sites), len(sites)))
    return np.asarray(connected_components(graph, directed=False)[1])


def primitive_operations(slab: "Atoms") -> tuple[np.ndarray, list[tuple[np.ndarray, np.ndarray]]]:
    """Return the primitive cell of the slab, shape (3, 3), Angstrom, and its symmetry operations in fractions of it.

    A supercell that is longer one way than the other hides operations; its primitive cell does not.
    """
    cell, scaled, kinds = symmetry_cell(slab)
    rotations, shifts = _symmetry(cell, scaled, kinds)
    whole = (rotations == np.eye(3, dtype=int)).all(axis=(1, 2))
    lateral = shifts[whole][:, :2] @ cell[:2]
    primitive = np.array([*_shortest(np.vstack([lateral, cell[:2]])), cell[2]])
    fractions = scaled @ cell @ np.linalg.inv(primitive)
    inside = _unique(fractions, np.linalg.norm(primitive, axis=1), kinds)
    rotations, shifts = _symmetry(primitive, fractions[inside], kinds[inside])
    return primitive, list(zip(rotations, shifts, strict=True))


def _symmetry(cell: np.ndarray, scaled: np.ndarray, kinds: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return rotations and translations from spglib."""
    import spglib

    found = spglib.get_symmetry((cell, scaled, kinds), symprec=SYMPREC)
    if found is None:
        raise StructureError("spglib finds no symmetry operations: do two atoms lie on one place?")
    return np.asarray(found["rotations"]), np.asarray(found["translations"])


def _shortest(vectors: np.ndarray) -> list[np.ndarray]:
    """Return two shortest vectors of the plane that span the lattice of all of them, given with its supercell."""
    signs = np.array([(i, j) for i in (-1, 0, 1) for j in (-1, 0, 1)])
    edges = vectors[-2:]
    candidates = (vectors[:, None, :] + signs @ edges).reshape(-1, 3)
    lengths = np.linalg.norm(candidates, axis=1).round(4)
    ordered = [candidates[k] for k in np.argsort(lengths, kind="stable") if lengths[k] > _SAME]
    first = ordered[0]
    return [first, next(v for v in ordered if abs(np.cross(first, v)[2]) > 0.1)]


def _unique(fractions: np.ndarray, lengths: np.ndarray, kinds: np.ndarray) -> np.ndarray:
    """Return one atom of each set that lattice translations bring together."""
    from scipy.spatial import cKDTree

    tree = cKDTree(_wrapped(fractions) * lengths, boxsize=lengths * (1 + 1e-12))
    doubles = {int(j) for _, j in tree.query_pairs(5 * SYMPREC)}
    return np.array([i for i in range(len(kinds)) if i not in doubles])


def _wrapped(fractions: np.ndarray) -> np.ndarray:
    """Return fractional coordinates in [0, 1)."""
    return np.asarray((fractions + 1e-9) % 1.0)
