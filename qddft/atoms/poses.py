"""Rigid poses of a molecule whose anchors are already in place.

All coordinates are those of a face: z points away from the slab. A pose family is an array of shape
(n_poses, n_atoms, 3), with the tilt of each pose from upright beside it.
"""

from dataclasses import dataclass

import numpy as np

from qddft.core.errors import PlacementError

_DEGREE = np.pi / 180.0
# below this length a molecule has no direction of its own, Angstrom
_UPRIGHT = 0.3


@dataclass(frozen=True)
class Grid:
    """How finely poses are laid out, degrees.

    Attributes
    ----------
    cone
        (tilt, number of directions of the tilt) of a molecule on one anchor.
    rest
        The same for the other half of the sphere, used if the molecule has no direction.
    spins
        Steps of the turn about the molecule's own axis.
    hinges
        Turns about the axis through two anchors.
    leans
        Turns of everything about the surface atoms.
    azimuths
        Steps of the direction of a chelate.
    """

    cone: tuple[tuple[float, int], ...]
    rest: tuple[tuple[float, int], ...]
    spins: int
    hinges: tuple[float, ...]
    leans: tuple[float, ...]
    azimuths: int


COARSE = Grid(
    cone=((0, 1), (15, 8), (30, 8), (45, 12), (60, 12), (75, 12)),
    rest=((90, 12), (105, 12), (120, 12), (135, 12), (150, 8), (165, 8), (180, 1)),
    spins=24,
    hinges=tuple(range(-75, 76, 15)),
    leans=(0, -15, 15, -30, 30),
    azimuths=24,
)
FINE = Grid(
    cone=((0, 1), (10, 8), (20, 12), (30, 12), (40, 16), (50, 20), (60, 20), (70, 24)),
    rest=((80, 24), (90, 24), (100, 24), (110, 24), (120, 20), (130, 20), (140, 16), (150, 12), (165, 8), (180, 1)),
    spins=36,
    hinges=tuple(range(-80, 81, 8)),
    leans=(0, -8, 8, -16, 16, -24, 24, -32, 32),
    azimuths=24,
)


@dataclass(frozen=True)
class Poses:
    """Poses of one molecule with its anchors in place.

    Attributes
    ----------
    positions
        Shape (n_poses, n_atoms, 3), Angstrom.
    tilts
        Angle of the molecule from upright, shape (n_poses,), radians.
    """

    positions: np.ndarray
    tilts: np.ndarray


def joined(families: list[Poses]) -> Poses:
    """Return several families as one."""
    return Poses(np.concatenate([f.positions for f in families]), np.concatenate([f.tilts for f in families]))


def start_angles(seed: int, azimuth: float) -> tuple[float, float]:
    """Return where grids of angles begin: at an azimuth and at 0 for seed 0, turned at random for other seeds."""
    if not seed:
        return azimuth, 0.0
    first, second = np.random.default_rng(seed).uniform(0.0, 2 * np.pi, 2)
    return azimuth + float(first), float(second)


def poses_on_point(
    positions: np.ndarray, pivot: np.ndarray, point: np.ndarray, up: np.ndarray, start: tuple[float, float], grid: Grid
) -> Poses:
    """Turn a molecule about a point of it that sits at a fixed place.

    Parameters
    ----------
    positions
        Shape (n_atoms, 3), Angstrom.
    pivot
        The point of the molecule, shape (3,), Angstrom.
    point
        Where it goes, shape (3,), Angstrom.
    up
        Direction of the molecule that should point away from the face, Angstrom; a short one (below 0.3) means that
        there is none and every orientation is tried.
    start
        Where the directions of the tilt and the turns about the molecule's axis begin, radians.
    grid
        How finely.
    """
    free = float(np.linalg.norm(up)) < _UPRIGHT
    local = (positions - pivot) @ _to_z(up).T
    if np.ptp(local, axis=0).max() < 1e-6:
        return Poses(local[None] + point, np.zeros(1))
    rotations, tilts = _rotations((*grid.cone, *grid.rest) if free else grid.cone, grid.spins, start)
    turned = np.einsum("pij,nj->pni", rotations, local)
    return Poses(turned + point, np.zeros(len(tilts)) if free else tilts)


def poses_on_axis(
    positions: np.ndarray, pair: tuple[int, int], ends: np.ndarray, up: np.ndarray, about: np.ndarray, grid: Grid
) -> Poses:
    """Turn a molecule about the axis through two anchors that sit at fixed places.

    Parameters
    ----------
    positions
        Shape (n_atoms, 3), Angstrom.
    pair
        The anchors; their distance is that of ``ends``.
    ends
        Where they go, shape (2, 3), Angstrom.
    up
        Direction of the molecule that should point away from the face, Angstrom.
    about
        Two points, shape (2, 3): the whole is also leaned about the axis through them.
    grid
        How finely.
    """
    middle = positions[list(pair)].mean(axis=0)
    local = (positions - middle) @ _frame(positions[pair[1]] - positions[pair[0]], up)
    world = _frame(ends[1] - ends[0], np.array([0.0, 0.0, 1.0]))
    angles = np.array(grid.hinges) * _DEGREE
    hinges = np.array([_about_x(angle) for angle in angles])
    turned = np.einsum("ij,pjk,nk->pni", world, hinges, local) + ends.mean(axis=0)
    family = Poses(turned, np.abs(angles))
    return joined([_leaned(family, about, lean * _DEGREE) for lean in grid.leans])


def chelate_ends(point: np.ndarray, distances: tuple[float, float], span: float, azimuth: float) -> np.ndarray:
    """Return where two anchors go that hold one surface atom between them, shape (2, 3), Angstrom.

    Parameters
    ----------
    point
        The surface atom, shape (3,).
    distances
        Of each anchor from it, Angstrom.
    span
        Distance of the anchors from each other, Angstrom.
    azimuth
        Direction from the first to the second in the plane of the face, radians.

    Raises
    ------
    PlacementError
        The anchors are too far apart for these distances.
    """
    along = (distances[1] ** 2 - distances[0] ** 2) / (2 * span)
    squared = distances[0] ** 2 - (along - span / 2) ** 2
    if squared < 0:
        raise PlacementError(
            f"bidentate: the anchors are {span:.2f} Å apart and cannot both lie {distances[0]:.2f} and "
            f"{distances[1]:.2f} Å from one surface atom; ask for a distance above {span / 2:.2f} Å, or mode bridging."
        )
    axis = np.array([np.cos(azimuth), np.sin(azimuth), 0.0])
    middle = point + along * axis + [0.0, 0.0, np.sqrt(squared)]
    return np.array([middle - span / 2 * axis, middle + span / 2 * axis])


def bridge_ends(points: np.ndarray, distances: tuple[float, float], span: float) -> np.ndarray:
    """Return where two anchors go, each above its own surface atom, shape (2, 3), Angstrom.

    Both anchors are moved inwards (or outwards) by the same amount t along the line of the surface atoms, so that
    (D - 2t)^2 + (h1 - h2)^2 = span^2 with h_i^2 = d_i^2 - t^2 and D the distance of the surface atoms.

    Parameters
    ----------
    points
        Surface atoms, shape (2, 3), Angstrom.
    distances, span
        As ``chelate_ends``.

    Raises
    ------
    PlacementError
        The anchors cannot reach.
    """
    line = points[1] - points[0]
    apart = float(np.linalg.norm(line))
    reach = min(distances)
    shift = np.linspace(-reach, reach, 4001)
    heights = [np.sqrt(d**2 - shift**2) for d in distances]
    misfit = np.sqrt((apart - 2 * shift) ** 2 + (heights[0] - heights[1]) ** 2) - span
    roots = np.flatnonzero(np.diff(np.sign(misfit)))
    if not len(roots):
        need = abs(apart - span) / 2
        raise PlacementError(
            f"bridging: the anchors are {span:.2f} Å apart and the surface atoms {apart:.2f} Å; at a distance of "
            f"{reach:.2f} Å they do not reach both. Ask for a distance above {need:.2f} Å, or mode atop or bidentate."
        )
    k = roots[np.argmin(np.abs(shift[roots]))]
    t = shift[k] - misfit[k] * (shift[k + 1] - shift[k]) / (misfit[k + 1] - misfit[k])
    axis = line / apart
    normal = np.array([0.0, 0.0, 1.0]) - axis[2] * axis
    normal /= np.linalg.norm(normal)
    ups = [np.sqrt(max(d**2 - t**2, 0.0)) * normal for d in distances]
    return np.array([points[0] + t * axis + ups[0], points[1] - t * axis + ups[1]])


def _leaned(family: Poses, about: np.ndarray, angle: float) -> Poses:
    """Turn poses about the axis through two points."""
    if angle == 0.0:
        return family
    frame = _frame(about[1] - about[0], np.array([0.0, 0.0, 1.0]))
    rotation = frame @ _about_x(angle) @ frame.T
    tilts = np.abs(np.where(family.tilts > 0, family.tilts, abs(angle)))
    return Poses((family.positions - about[0]) @ rotation.T + about[0], tilts)


def _rotations(
    cone: tuple[tuple[float, int], ...], spins: int, offset: tuple[float, float]
) -> tuple[np.ndarray, np.ndarray]:
    """Return rotations Rz(azimuth) Ry(tilt) Rz(spin) of what stands on z, shape (n, 3, 3), and the tilts, radians."""
    tilt, azimuth = np.array(
        [(t * _DEGREE, 2 * np.pi * k / count + offset[0]) for t, count in cone for k in range(count)]
    ).T
    spin = 2 * np.pi * np.arange(spins) / spins + offset[1]
    tilts = np.repeat(tilt, spins)
    lead = _about_z(azimuth) @ _about_y(tilt)
    return (lead[:, None] @ _about_z(spin)[None, :]).reshape(-1, 3, 3), tilts


def _about_z(angle: np.ndarray) -> np.ndarray:
    c, s, o, i = np.cos(angle), np.sin(angle), np.zeros_like(angle), np.ones_like(angle)
    return np.stack([np.stack([c, -s, o], -1), np.stack([s, c, o], -1), np.stack([o, o, i], -1)], -2)


def _about_y(angle: np.ndarray) -> np.ndarray:
    c, s, o, i = np.cos(angle), np.sin(angle), np.zeros_like(angle), np.ones_like(angle)
    return np.stack([np.stack([c, o, s], -1), np.stack([o, i, o], -1), np.stack([-s, o, c], -1)], -2)


def _about_x(angle: float) -> np.ndarray:
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[1.0, 0.0, 0.0], [0.0, c, -s], [0.0, s, c]])


def _to_z(up: np.ndarray) -> np.ndarray:
    """Return a rotation that brings a direction to +z."""
    length = float(np.linalg.norm(up))
    if length < 1e-8:
        return np.eye(3)
    z = up / length
    helper = np.eye(3)[int(np.abs(z).argmin())]
    x = np.cross(helper, z)
    x /= np.linalg.norm(x)
    return np.array([x, np.cross(z, x), z])


def _frame(axis: np.ndarray, up: np.ndarray) -> np.ndarray:
    """Return an orthonormal frame as columns: x along the axis, z as close to ``up`` as can be."""
    x = axis / np.linalg.norm(axis)
    z = up - (up @ x) * x
    if np.linalg.norm(z) < 1e-3:
        helper = np.eye(3)[int(np.abs(x).argmin())]
        z = helper - (helper @ x) * x
    z = z / np.linalg.norm(z)
    return np.column_stack([x, np.cross(z, x), z])
