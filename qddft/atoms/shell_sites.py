"""Places for ligands on all faces, edges and corners of a nanocrystal."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from qddft.atoms.blocks import Frame, outward
from qddft.atoms.contacts import fragments_of
from qddft.atoms.dot_symmetry import FACETS, facet_name, is_nanocrystal
from qddft.atoms.faces import Face
from qddft.atoms.ions import A_CATIONS, B_CATIONS, FORMAL_CHARGES, HALIDES
from qddft.atoms.targets import Target
from qddft.core.errors import PlacementError, StructureError
from qddft.core.frozen import freeze_fields

if TYPE_CHECKING:
    from ase import Atoms

    from qddft.atoms.targets import Mode

MODES: "tuple[Mode, ...]" = ("X-site", "A-site", "atop", "bidentate", "bridging")
# ions farther from a site than this touch no pose of a ligand that stands on a face, Angstrom
_AROUND = 13.0
# a face sees its atoms in a lateral cell of this edge, its site in the middle, so that no image is near, Angstrom
_CELL = 1000.0
_MIDDLE = np.array([_CELL / 2, _CELL / 2, 0.0])


def facets_of(face: str) -> list[bool]:
    """Tell which of the six facets the name of a face, an edge or a corner speaks of, in the order of ``FACETS``."""
    return [facet in (face[k : k + 2] for k in range(0, len(face), 2)) for facet in FACETS]


@dataclass(frozen=True)
class Core:
    """The ions of a nanocrystal and where they stand.

    Attributes
    ----------
    positions, numbers, symbols
        Of all atoms of fragment 0, shape (n, 3) in Angstrom, (n,) and (n,).
    indices
        Which atoms of the structure they are, shape (n,).
    species
        ``A``, ``B``, ``X``, or empty for atoms of molecular cations, shape (n,).
    places
        Half steps of the frame, shape (n, 3).
    sides
        On which faces each ion lies, -1, 0 or 1 along each axis, shape (n, 3).
    frame
        The frame.
    """

    positions: np.ndarray
    numbers: np.ndarray
    symbols: np.ndarray
    indices: np.ndarray
    species: np.ndarray
    places: np.ndarray
    sides: np.ndarray
    frame: Frame

    def __post_init__(self) -> None:
        freeze_fields(self)


@dataclass(frozen=True)
class ShellSite:
    """A place for one ligand.

    Attributes
    ----------
    point
        Where it is, shape (3,), Angstrom.
    turn
        Rows are the axes of the local frame: the third points outward; shape (3, 3).
    atoms
        Ions of the core that the anchors bind to.
    removed
        The ion whose place is taken.
    face
        ``+a``, ``-c``, at an edge ``+a-b``.
    """

    point: np.ndarray
    turn: np.ndarray
    atoms: tuple[int, ...]
    removed: int | None
    face: str


def core_of(dot: "Atoms") -> Core:
    """Return the core of a nanocrystal.

    Raises
    ------
    StructureError
        The structure was not made by ``build_nanocrystal``.
    """
    if not is_nanocrystal(dot):
        raise StructureError("passivate: the structure is no nanocrystal of build_nanocrystal.")
    described = dot.info["qddft"]
    indices = np.flatnonzero(fragments_of(dot) == 0)
    part = dot[indices]
    symbols = np.array(part.get_chemical_symbols())
    known = dict.fromkeys(A_CATIONS, "A") | dict.fromkeys(B_CATIONS, "B") | dict.fromkeys(HALIDES, "X")
    species = np.array([known.get(symbol, "") for symbol in symbols])
    frame = Frame.from_dict(described["frame"])
    places = frame.places(part.positions)
    sides = np.where((species != "")[:, None], outward(places, frame), 0)
    return Core(part.positions, part.numbers, symbols, indices, species, places, sides, frame)


def sites_for(core: Core, mode: "Mode", role: str) -> list[ShellSite]:
    """Return all places for a binding mode.

    Parameters
    ----------
    core
        From ``core_of``.
    mode
        One of ``MODES``.
    role
        How the anchors bind: donors sit on cations, cations and protons on halides.

    Raises
    ------
    PlacementError
        A mode that a shell does not have, or no place for it.
    """
    found = _PLACES[mode](core, role) if mode in _PLACES else None
    if found is None:
        raise PlacementError(f"{mode}: a shell has the modes {', '.join(MODES)}; give both ions of a pair one by one.")
    if not found:
        raise PlacementError(f"{mode}: this nanocrystal has no place for it on its surface.")
    return found


def _halides(core: Core, role: str) -> list[ShellSite]:  # noqa: ARG001  (one signature for all modes)
    """Return the outermost halides that still hold a Pb."""
    lead = _index_of_places(core, "B")
    found = []
    for index in _surface(core, "X"):
        place = core.places[index]
        step = (place % 2).astype(int)
        bound = [lead[key] for key in (tuple(place - step), tuple(place + step)) if key in lead]
        if bound:
            found.append(_site(core, index, core.sides[index], tuple(bound), removed=int(index)))
    return found


def _cesium(core: Core, role: str) -> list[ShellSite]:  # noqa: ARG001  (one signature for all modes)
    """Return the outermost Cs; below a PbX2 face those of the first Cs layer, which its hollows show."""
    return [_site(core, index, core.sides[index], (), removed=int(index)) for index in _surface(core, "A")]


def _tops(core: Core, role: str) -> list[ShellSite]:
    return [_site(core, index, core.sides[index], (int(index),), removed=None) for index in _bare(core, role)]


def _pairs(core: Core, role: str) -> list[ShellSite]:
    """Return pairs of surface cations one cell apart on one face."""
    bare = _bare(core, role)
    numbers = {tuple(core.places[index]): int(index) for index in bare}
    found = []
    for index in bare:
        for axis in range(3):
            other = numbers.get(tuple(core.places[index] + 2 * np.eye(3, dtype=int)[axis]))
            if other is not None:
                both = np.where(core.sides[index] == core.sides[other], core.sides[index], 0)
                found.append(_site(core, index, both, (int(index), other), removed=None))
    return [site for site in found if site.face]


def _bare(core: Core, role: str) -> np.ndarray:
    """Return the ions of the outermost planes that anchors of a role bind to."""
    wanted = np.isin(core.species, ("A", "B")) if role == "donor" else core.species == "X"
    planes = ((core.places == core.frame.low) | (core.places == core.frame.high)).any(axis=1)
    return np.flatnonzero(wanted & planes)


_PLACES = {"X-site": _halides, "A-site": _cesium, "atop": _tops, "bidentate": _tops, "bridging": _pairs}


def _surface(core: Core, species: str) -> np.ndarray:
    return np.flatnonzero((core.species == species) & core.sides.any(axis=1))


def _index_of_places(core: Core, species: str) -> dict[tuple[int, ...], int]:
    return {tuple(core.places[index]): int(index) for index in np.flatnonzero(core.species == species)}


def _site(core: Core, index: int, sides: np.ndarray, atoms: tuple[int, ...], *, removed: int | None) -> ShellSite:
    point = core.positions[list(atoms)].mean(axis=0) if removed is None else core.positions[index]
    return ShellSite(point, _turn(core.frame, sides), atoms, removed, facet_name(sides))


def _turn(frame: Frame, sides: np.ndarray) -> np.ndarray:
    """Return the local axes: z outward, x along the crystal axis that lies best in the plane."""
    z = sides @ frame.normals
    z = z / max(float(np.linalg.norm(z)), 1e-12)
    units = frame.vectors / np.linalg.norm(frame.vectors, axis=1)[:, None]
    along = units[int(np.abs(units @ z).round(3).argmin())]
    x = along - (along @ z) * z
    x /= np.linalg.norm(x)
    return np.array([x, np.cross(z, x), z])


@dataclass(frozen=True)
class Neighborhood:
    """A site in its own frame.

    Attributes
    ----------
    face
        The ions around the site as a face; its normal is z, the site in the middle of the lateral cell.
    numbers
        Their atomic numbers.
    members
        Which ions of the core they are.
    target
        Where anchors go, in the indices of ``members``.
    key
        Equal for sites that nothing within reach tells apart.
    """

    face: Face
    numbers: np.ndarray
    members: np.ndarray
    target: Target
    key: bytes

    @property
    def symbols(self) -> list[str]:
        """Their chemical symbols."""
        from ase.data import chemical_symbols

        return [str(chemical_symbols[number]) for number in self.numbers]

    def outside(self, poses: np.ndarray, site: ShellSite) -> np.ndarray:
        """Return positions of shape (..., 3) in the coordinates of the structure, Angstrom."""
        return np.asarray((poses - _MIDDLE) @ site.turn + site.point)


def neighborhood(core: Core, near: list[int], site: ShellSite) -> Neighborhood:
    """Return what lies around a site.

    Parameters
    ----------
    core
        The core.
    near
        Ions within reach, from ``reach``.
    site
        The site.
    """
    local = (core.positions[near] - site.point) @ site.turn.T
    # the odd shift keeps half and quarter cells away from where rounding turns
    rounded = np.round(local + 0.00123, 2) + 0.0
    order = np.lexsort((*rounded.T, core.numbers[near]))
    members = np.array(near)[order]
    where = {int(member): k for k, member in enumerate(members)}
    positions = local[order] + _MIDDLE
    depth = np.where(core.species[members] == "", 0, np.where(core.sides[members].any(axis=1), 1, 2))
    face = Face("top", np.ones(3), np.diag([_CELL, _CELL, _CELL])[:2], positions, core.species[members], depth)
    atoms = tuple(where[atom] for atom in site.atoms)
    removed = None if site.removed is None else where[site.removed]
    points = positions[list(atoms)] if atoms else _MIDDLE[None]
    target = Target(atoms, points, removed, None if removed is None else _MIDDLE)
    named = np.array([*atoms, -1 if removed is None else removed])
    key = core.numbers[members].tobytes() + rounded[order].tobytes() + depth.tobytes() + named.tobytes()
    return Neighborhood(face, core.numbers[members], members, target, key)


def reach(core: Core, sites: list[ShellSite]) -> list[list[int]]:
    """Return for each site the ions near it."""
    from scipy.spatial import cKDTree

    points = np.array([site.point for site in sites]).reshape(-1, 3)
    found: list[list[int]] = cKDTree(core.positions).query_ball_point(points, _AROUND, return_sorted=True).tolist()
    return found


def surface_ions(core: Core) -> dict[str, int]:
    """Return how many ions of each formal kind lie on the surface."""
    on = core.sides.any(axis=1) & np.isin(core.symbols, list(FORMAL_CHARGES))
    kinds, counts = np.unique(core.symbols[on], return_counts=True)
    return dict(zip(kinds.tolist(), counts.tolist(), strict=True))
