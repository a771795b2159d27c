"""What a molecule may touch on a face, and how well a pose avoids it.

A pose is judged by ratios of distances to sums of van der Waals radii. Pairs are of four kinds: bound (an anchor and
its surface atom: free), anchor (an anchor and other surface atoms), geminal (the surface atom and a heavy atom bonded
to the anchor, whose distance follows from the bond that was asked for) and all others. A donor and a Cs touch at the
sum of their ionic radii: the van der Waals radius of Cs would hold an anion half an Angstrom off the ions around it.
"""

from dataclasses import dataclass

import numpy as np

from qddft.atoms.bond_lengths import cation_distance, donor_distance
from qddft.atoms.contacts import MIN_CONTACT, vdw_radii
from qddft.atoms.faces import Face
from qddft.atoms.ions import A_CATIONS
from qddft.atoms.poses import Poses

_CHUNK = 128
# weights of the score: crowding of non-bonded pairs closer than _CROWDED of the van der Waals distance, one hydrogen
# bond, a tilt of 90 degrees for each 5 Å of length
_CROWDING = 40.0
_CROWDED = 0.9
_HYDROGEN_BOND = 1.0
_TILT = 0.5
# best H...X distance as a share of the van der Waals distance (2.4 for H...Br), and how sharp it is, Angstrom
_BOND_SHARE = 0.78
_BOND_WIDTH = 0.35
_DEPTH = 4.5
# an atom higher than this above everything is not looked at: 3.7 Å, more for large atoms
_LEAST_REACH, _REACH = 3.7, 0.75
# kinds of pairs; the first three are rows of ``Verdict.worst``
OTHER, ANCHOR, GEMINAL, BOUND, _ATTRACTED = 0, 1, 2, 3, 4
Limits = tuple[float, float, float]
# N, O, F, S, Cl, Br, I: drawn to the cations of the surface, so that coming close is no crowding
_ACCEPTORS = (7, 8, 9, 16, 17, 35, 53)
# closest donor to Cs as a share of the sum of ionic radii (Cs-O 3.0), closest head of a cation to a halide (N-Br 2.84)
_TOUCHING, _HEAD_TOUCHING = 0.97, 0.85


@dataclass(frozen=True)
class Body:
    """A rigid molecule.

    Attributes
    ----------
    numbers, radii
        Atomic numbers and van der Waals radii (Angstrom), shape (n_atoms,).
    anchors
        Binding atoms.
    donors
        Atoms that could bind too, such as the other oxygens of a group; near Pb they count as anchors, near Cs as ions.
    heads
        Charged atoms of cations, hydrogen left out.
    alkali
        Alkali ions of an ion pair; near donors of the anion they count as anchors.
    beside
        Atoms bonded to each anchor.
    near
        Anchors and all atoms up to two bonds away; they decide first, because most poses fail there.
    protons
        (hydrogen, its heavy atom) of N-H, O-H, S-H and H-halogen bonds.
    length
        Largest distance of an atom from the anchors, Angstrom.
    """

    numbers: np.ndarray
    radii: np.ndarray
    anchors: tuple[int, ...]
    donors: tuple[int, ...]
    heads: tuple[int, ...]
    alkali: tuple[int, ...]
    beside: tuple[tuple[int, ...], ...]
    near: tuple[int, ...]
    protons: tuple[tuple[int, int], ...]
    length: float


@dataclass(frozen=True)
class Surroundings:
    """Atoms near a face with their lateral images.

    Attributes
    ----------
    lattice
        Lateral lattice, shape (2, 3), Angstrom.
    corner
        Of the cell that points are brought into, shape (3,), Angstrom; a place that an ion left lies in its middle.
    positions
        Face coordinates of atoms and images around one lateral cell, shape (m, 3), Angstrom.
    owners
        The atom each of them is or is an image of, shape (m,).
    numbers
        Atomic numbers, shape (m,).
    radii
        Van der Waals radii, Angstrom, shape (m,).
    halide, cation, donor
        Which are halides and cations of the slab, and which N, O, S or halogen atoms of ligands, shape (m,).
    """

    lattice: np.ndarray
    corner: np.ndarray
    positions: np.ndarray
    owners: np.ndarray
    numbers: np.ndarray
    radii: np.ndarray
    halide: np.ndarray
    cation: np.ndarray
    donor: np.ndarray


@dataclass(frozen=True)
class Verdict:
    """How good poses are.

    Attributes
    ----------
    worst
        Smallest ratio of each pose for pairs of the kinds ``other``, ``anchor`` and ``geminal``, shape (3, n_poses).
    score
        Crowding minus hydrogen bonds plus tilt; low is good; shape (n_poses,).
    head_fits
        Whether the head of the molecule, without the rest, has room in any pose.
    """

    worst: np.ndarray
    score: np.ndarray
    head_fits: bool


@dataclass(frozen=True)
class Obstacle:
    """What is in the way: an atom of the molecule, an atom of the surface and their distance, Angstrom."""

    atom: int
    surface: int
    distance: float


def surroundings_of(face: Face, numbers: np.ndarray, without: int | None, lowest: float) -> Surroundings:
    """Collect what lies near a face.

    Parameters
    ----------
    face
        The face.
    numbers
        Atomic numbers of all atoms, shape (n_atoms,).
    without
        An atom that is taken away: only itself, not its images, so that a larger cell can be judged from a small one.
    lowest
        Height of the deepest place a ligand atom goes, Angstrom.
    """
    radii = vdw_radii(numbers)
    margin = float(radii.max()) + 1.9
    reach = np.flatnonzero(face.positions[:, 2] > min(lowest, face.height) - _DEPTH)
    dual = np.linalg.inv(face.lattice[:, :2])
    # a molecule around the place of a missing ion must not be brought to an image of it, which is not missing
    corner = np.zeros(3) if without is None else face.positions[without] - face.lattice.sum(axis=0) / 2
    fractions = (face.positions[reach] - corner)[:, :2] @ dual
    margins = margin * np.linalg.norm(dual, axis=0)
    counts = [np.arange(-int(np.ceil(m)) - 1, int(np.ceil(m)) + 2) for m in margins]
    shifts = np.array([(i, j) for i in counts[0] for j in counts[1]])
    base = np.floor(fractions)
    spread = (fractions - base)[:, None, :] + shifts[None, :, :]
    inside = ((spread > -margins) & (spread < 1 + margins)).all(axis=2)
    which, number = np.nonzero(inside)
    moved = face.positions[reach][which] + (shifts[number] - base[which]) @ face.lattice
    owners = reach[which]
    if without is not None:
        # the atom itself is where it was; its images stay
        home = (owners == without) & (np.abs(moved - face.positions[without]).max(axis=1) < 1e-6)
        moved, owners = moved[~home], owners[~home]
    return described(face, numbers, corner, moved, owners)


def described(
    face: Face, numbers: np.ndarray, corner: np.ndarray, positions: np.ndarray, owners: np.ndarray
) -> Surroundings:
    """Say what atoms and images at positions of shape (m, 3) are, given which atom of the face each of them is."""
    species, own = face.species[owners], numbers[owners]
    donor = (face.depth[owners] == 0) & np.isin(own, _ACCEPTORS)
    cation = np.isin(species, ("A", "B"))
    return Surroundings(face.lattice, corner, positions, owners, own, vdw_radii(own), species == "X", cation, donor)


def judge(
    poses: Poses, body: Body, around: Surroundings, sites: tuple[tuple[int, ...], ...], limits: Limits
) -> Verdict:
    """Judge poses against what lies around.

    Parameters
    ----------
    poses
        In face coordinates.
    body, around
        The molecule and the surface.
    sites
        Surface atoms each anchor binds to.
    limits
        Poses that do not keep these are not looked at further; their score means nothing.
    """
    pairs = pairs_of(body, around, sites)
    placed = poses.positions
    worst, crowding = _over(placed, np.array(body.near), around, pairs)
    left = np.flatnonzero((worst >= np.array(limits)[:, None]).all(axis=0))
    rest = np.setdiff1d(np.arange(len(body.numbers)), body.near)
    more_worst, more_crowding = _over(placed[left], rest, around, pairs)
    worst[:, left] = np.minimum(worst[:, left], more_worst)
    crowding[left] += more_crowding
    score = np.full(len(placed), np.inf)
    lean = _TILT * (1 - np.cos(poses.tilts[left])) * (1 + body.length / 5.0)
    bonds = hydrogen_bonds(placed[left], body, around)
    score[left] = _CROWDING * crowding[left] - _HYDROGEN_BOND * bonds + lean
    return Verdict(worst, score, bool(len(left)))


@dataclass(frozen=True)
class Pairs:
    """Pairs of molecule atoms and surface atoms.

    Attributes
    ----------
    kinds
        Kind of each, shape (n_atoms, m).
    touching
        The distance that has the ratio 1, Angstrom, shape (n_atoms, m).
    """

    kinds: np.ndarray
    touching: np.ndarray


def pairs_of(body: Body, around: Surroundings, sites: tuple[tuple[int, ...], ...]) -> Pairs:
    """Return what the pairs of a molecule and a surface are, and when they touch."""
    touching = np.add.outer(body.radii, around.radii)
    kinds = _pair_kinds(body, around, sites)
    for donor in body.donors:
        for number in _alkali_in(around):
            own = around.numbers == number
            touching[donor, own] = _TOUCHING / MIN_CONTACT * donor_distance(*_symbols(body.numbers[donor], number))
            kinds[donor, own & (kinds[donor] == ANCHOR)] = _ATTRACTED
    for head in body.heads:
        for number in np.unique(around.numbers[around.halide]).tolist():
            own = around.halide & (around.numbers == number)
            apart = cation_distance(*_symbols(body.numbers[head], number), proton=True)
            touching[head, own] = _HEAD_TOUCHING / MIN_CONTACT * apart
            kinds[head, own & (kinds[head] == ANCHOR)] = OTHER
    return Pairs(kinds, touching)


def _alkali_in(around: Surroundings) -> list[int]:
    """Return the atomic numbers of the A cations of the slab that are single ions."""
    present = np.unique(around.numbers[around.cation]).tolist()
    return [number for number in present if _symbols(number)[0] in A_CATIONS]


def _symbols(*numbers: int) -> list[str]:
    from ase.data import chemical_symbols

    return [str(chemical_symbols[number]) for number in numbers]


def _pair_kinds(body: Body, around: Surroundings, sites: tuple[tuple[int, ...], ...]) -> np.ndarray:
    """Return the kind of every pair of molecule atom and surface atom, shape (n_atoms, m)."""
    kind = np.full((len(body.numbers), len(around.owners)), OTHER)
    for hydrogen, _ in body.protons:
        kind[hydrogen, around.halide] = _ATTRACTED
    kind[np.ix_(np.isin(body.numbers, _ACCEPTORS), around.cation)] = _ATTRACTED
    for donor in body.donors:
        kind[donor, around.cation] = ANCHOR
    for ion in body.alkali:
        kind[ion, around.donor] = ANCHOR
    for anchor, beside, atoms in zip(body.anchors, body.beside, sites, strict=True):
        kind[anchor] = ANCHOR
        # a hydrogen between an anchor and its surface atom is in the way, however the bond is
        for heavy in (i for i in beside if body.numbers[i] > 1):
            kind[heavy, np.isin(around.owners, atoms)] = GEMINAL
    for anchor, atoms in zip(body.anchors, sites, strict=True):
        kind[anchor, np.isin(around.owners, atoms)] = BOUND
    return kind


def _over(poses: np.ndarray, atoms: np.ndarray, around: Surroundings, pairs: Pairs) -> tuple[np.ndarray, np.ndarray]:
    """Judge some atoms only; return worst ratios, shape (3, n_poses), and crowding, shape (n_poses,)."""
    own = Pairs(pairs.kinds[atoms], pairs.touching[atoms])
    parts = [_judge_chunk(poses[k : k + _CHUNK, atoms], around, own) for k in range(0, len(poses), _CHUNK)]
    if not parts:
        return np.empty((3, 0)), np.empty(0)
    return np.concatenate([part[0] for part in parts], axis=1), np.concatenate([part[1] for part in parts])


def _judge_chunk(poses: np.ndarray, around: Surroundings, pairs: Pairs) -> tuple[np.ndarray, np.ndarray]:
    """Return worst ratios and crowding of each pose."""
    reach = np.maximum(_LEAST_REACH, _REACH * pairs.touching.max(axis=1))
    pose, atom = np.nonzero(poses[:, :, 2] < float(around.positions[:, 2].max()) + reach)
    ratios = _squared_ratios(_wrapped(poses[pose, atom], around), around, pairs.touching[atom])
    kinds = pairs.kinds[atom]
    close_point, close_atom = np.nonzero((ratios < _CROWDED**2) & (kinds != BOUND))
    close = np.sqrt(ratios[close_point, close_atom])
    owner, of_kind = pose[close_point], kinds[close_point, close_atom]
    worst, crowding = np.full((3, len(poses)), np.inf), np.zeros(len(poses))
    np.minimum.at(worst, (np.where(of_kind == _ATTRACTED, OTHER, of_kind), owner), close)
    plain = of_kind != _ATTRACTED
    np.add.at(crowding, owner[plain], (_CROWDED - close[plain]) ** 2)
    return worst, crowding


def obstacle(positions: np.ndarray, body: Body, around: Surroundings, sites: tuple[tuple[int, ...], ...]) -> Obstacle:
    """Return the closest pair of a pose of shape (n_atoms, 3) that is not bound."""
    pairs = pairs_of(body, around, sites)
    ratios = _squared_ratios(_wrapped(positions, around), around, pairs.touching)
    ratios[pairs.kinds == BOUND] = np.inf
    i, k = np.unravel_index(int(ratios.argmin()), ratios.shape)
    distance = np.sqrt(ratios[i, k]) * pairs.touching[i, k]
    return Obstacle(int(i), int(around.owners[k]), float(distance))


def _squared_ratios(points: np.ndarray, around: Surroundings, touching: np.ndarray) -> np.ndarray:
    """Return squared distances over squared distances of touching, shape (n_points, m)."""
    squared = (points**2).sum(axis=1)[:, None] + (around.positions**2).sum(axis=1) - 2 * points @ around.positions.T
    return np.asarray(np.maximum(squared, 0.0) / touching**2)


def _wrapped(points: np.ndarray, around: Surroundings) -> np.ndarray:
    """Bring points of shape (n, 3) into the lateral cell."""
    fractions = (points - around.corner)[:, :2] @ np.linalg.inv(around.lattice[:, :2])
    return np.asarray(points - np.floor(fractions) @ around.lattice)


def hydrogen_bonds(poses: np.ndarray, body: Body, around: Surroundings) -> np.ndarray:
    """Return how many protons of each pose point to a surface halide at the right distance, shape (n_poses,).

    Each proton adds up to 1: a Gaussian of the H...X distance times -cos of the angle at H, if that is positive.
    """
    found = np.zeros(len(poses))
    halides = around.positions[around.halide]
    wanted = _BOND_SHARE * (around.radii[around.halide] + float(vdw_radii(np.array([1]))[0]))
    for hydrogen, heavy in body.protons:
        tip = _wrapped(poses[:, hydrogen], around)
        to_heavy = poses[:, heavy] - poses[:, hydrogen]
        to_halide = halides[None, :, :] - tip[:, None, :]
        distance = np.linalg.norm(to_halide, axis=2)
        straight = -np.einsum("pi,pmi->pm", to_heavy, to_halide) / (
            np.linalg.norm(to_heavy, axis=1)[:, None] * np.maximum(distance, 1e-6)
        )
        each = np.exp(-(((distance - wanted) / _BOND_WIDTH) ** 2)) * np.maximum(straight, 0.0)
        found += each.max(axis=1, initial=0.0)
    return found
