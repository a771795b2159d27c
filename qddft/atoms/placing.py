"""Find the best pose of a rigid molecule at one place of a face."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from qddft.atoms.contacts import vdw_radii
from qddft.atoms.families import Bonds, Molecule, anchor_distances, families, molecule_of
from qddft.atoms.poses import Poses
from qddft.atoms.surroundings import Body, Limits, Verdict, judge, own_images_clear, surroundings_of
from qddft.core.errors import PlacementError

if TYPE_CHECKING:
    from qddft.atoms.faces import Face
    from qddft.atoms.ligand import Ligand
    from qddft.atoms.targets import Plan, Target

# ratios are kept a little above the limit, so that another table of radii agrees
_MARGIN = 1.02
# what pairs that follow from the bond may come down to: 0.64 is C...Pb of a carboxylate that chelates at 2.54 Å, 0.62
# is O...Cs at the sum of ionic radii; at a distance that the user insists on an anchor may push a halide further
_GEMINAL_LIMIT, _ANCHOR_LIMIT, _ASKED_LIMIT = 0.62, 0.62, 0.5
# without a distance asked for, bonds are lengthened by up to this much where that makes room, Angstrom
_STRETCHES = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5)
_PROTIC = frozenset({"N", "O", "S", "F", "Cl", "Br", "I"})


@dataclass(frozen=True)
class Request:
    """What is placed where and under which rules.

    Attributes
    ----------
    face
        The face.
    numbers
        Atomic numbers of the slab, shape (n_slab,).
    ligand
        The molecule.
    plan
        Mode, anchors and places.
    distance
        Anchor-surface distance that was asked for, Angstrom; ``None`` for the table.
    min_contact
        Smallest ratio of a non-bonded distance to the sum of van der Waals radii.
    seed
        Turns the grid of angles unless it is 0.
    """

    face: "Face"
    numbers: np.ndarray
    ligand: "Ligand"
    plan: "Plan"
    distance: float | None
    min_contact: float
    seed: int

    @property
    def limit(self) -> float:
        """Ratio that poses have to keep."""
        return self.min_contact * _MARGIN


@dataclass(frozen=True)
class Fitting:
    """All acceptable poses at one place, best first, before periodic images of the molecule are looked at.

    Attributes
    ----------
    poses
        Shape (n_poses, n_atoms, 3), face coordinates, Angstrom.
    bonds
        What binds to what.
    target
        The place.
    strictness
        0 if all pairs but the bonds keep the smallest contact, 1 if anchors come closer to other surface atoms, 2 if
        geminal pairs (see ``qddft.atoms.surroundings``) are closer too.
    """

    poses: np.ndarray
    bonds: Bonds
    target: "Target"
    strictness: int


@dataclass(frozen=True)
class _Judged:
    """One family of poses with its verdict."""

    poses: Poses
    bonds: Bonds
    verdict: Verdict


def fit(request: Request, positions: np.ndarray, target: "Target") -> Fitting | None:
    """Return the acceptable poses of one conformer at one place, the strictest kind there is, ``None`` without any.

    Parameters
    ----------
    request
        What is placed.
    positions
        The conformer, shape (n_atoms, 3), Angstrom.
    target
        The place.

    Raises
    ------
    PlacementError
        The anchors cannot be at the distance that was asked for.
    """
    molecule = molecule_of(request.ligand, positions, request.plan)
    levels = _levels(request)
    judged: list[list[_Judged]] = []
    problem: PlacementError | None = None
    for distances in _distances(request, target):
        try:
            judged.append(_judged(request, molecule, target, distances))
        except PlacementError as error:
            problem = error
            continue
        strict = _best(judged[-1], target, levels, 0)
        if strict is not None:
            return strict
    if problem is not None and not judged:
        raise problem
    for strictness in range(1, len(levels)):
        for each in judged:
            found = _best(each, target, levels, strictness)
            if found is not None:
                return found
    return None


def first_clear(fitting: Fitting, radii: np.ndarray, lattice: np.ndarray, limit: float) -> np.ndarray | None:
    """Return the best pose that stays clear of its own lateral images, ``None`` if there is none.

    Parameters
    ----------
    fitting
        Poses, best first.
    radii
        Van der Waals radii of the molecule, shape (n_atoms,), Angstrom.
    lattice
        Lateral lattice, shape (2, 3), Angstrom.
    limit
        Smallest ratio allowed.
    """
    for positions in fitting.poses:
        if own_images_clear(positions, radii, lattice, limit):
            return np.asarray(positions)
    return None


def body_of(molecule: Molecule) -> Body:
    """Describe a molecule for the judge."""
    from ase.data import atomic_numbers

    ligand, positions = molecule.ligand, molecule.positions
    numbers = np.array([atomic_numbers[symbol] for symbol in ligand.symbols])
    linked: list[list[int]] = [[] for _ in numbers]
    for i, j in sorted(ligand.graph):
        linked[i].append(j)
        linked[j].append(i)
    first = {k for i in molecule.head for k in linked[i]}
    near = {*molecule.head, *first, *(k for i in first for k in linked[i])}
    bound = [(h, linked[h][0]) for h in np.flatnonzero(numbers == 1).tolist() if linked[h]]
    return Body(
        numbers=numbers,
        radii=vdw_radii(numbers),
        anchors=molecule.head,
        beside=tuple(tuple(linked[i]) for i in molecule.head),
        near=tuple(sorted(near)),
        protons=tuple((h, heavy) for h, heavy in bound if ligand.symbols[heavy] in _PROTIC),
        length=float(np.linalg.norm(positions - positions[list(molecule.head)].mean(axis=0), axis=1).max()),
    )


def _distances(request: Request, target: "Target") -> list[tuple[float, ...]]:
    """Return the distances to try, as asked or from the table upwards."""
    from ase.data import chemical_symbols

    symbols = np.array(chemical_symbols)[request.numbers]
    table = anchor_distances(request.ligand, request.plan, target, symbols)
    if not table:
        return [()]
    if request.distance is not None:
        return [(request.distance,) * len(table)]
    return [tuple(d + stretch for d in table) for stretch in _STRETCHES]


def _levels(request: Request) -> tuple[Limits, ...]:
    """Return the limits of pairs of the kinds other, anchor and geminal, strictest first."""
    limit = request.limit
    anchor = min(limit, _ANCHOR_LIMIT if request.distance is None else _ASKED_LIMIT)
    return (limit, limit, limit), (limit, anchor, limit), (limit, anchor, min(limit, _GEMINAL_LIMIT))


def _judged(request: Request, molecule: Molecule, target: "Target", distances: tuple[float, ...]) -> list[_Judged]:
    lowest = float(target.points[:, 2].min())
    around = surroundings_of(request.face, request.numbers, target.removed, lowest)
    body = body_of(molecule)
    loosest = _levels(request)[-1]
    found = families(molecule, request.plan, target, distances, request.seed)
    return [_Judged(poses, bonds, judge(poses, body, around, bonds.sites, loosest)) for poses, bonds in found]


def _best(judged: list[_Judged], target: "Target", levels: tuple[Limits, ...], strictness: int) -> Fitting | None:
    """Return the acceptable poses of the family that holds the best one."""
    best: tuple[float, Fitting] | None = None
    limits = np.array(levels[strictness])[:, None]
    for item in judged:
        good = np.flatnonzero((item.verdict.worst >= limits).all(axis=0))
        if not len(good):
            continue
        order = good[np.argsort(item.verdict.score[good].round(6), kind="stable")]
        score = float(item.verdict.score[order[0]])
        if best is None or score < best[0] - 1e-6:
            best = (score, Fitting(item.poses.positions[order], item.bonds, target, strictness))
    return None if best is None else best[1]
