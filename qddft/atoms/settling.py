"""Bend a molecule onto a face: its anchors are drawn to their surface atoms, all other atoms kept off the surface.

A rigid conformer that finds no room, or only with long bonds, may have room once its chains turn away. The force field
of the molecule (MMFF94, else UFF) is minimized with fixed points in the places of the surface atoms: anchors keep the
distance of their bond from theirs, every other pair stays at the distance that poses are judged by. Nothing of the
energy of binding is in it; what comes out is a conformer and a pose, judged like any other.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from qddft.atoms.body import body_of
from qddft.atoms.families import Bonds, molecule_of
from qddft.atoms.geometry import is_sound
from qddft.atoms.nearby import points_around
from qddft.atoms.placing import GEMINAL_LIMIT, Fitting, Request, table_distances
from qddft.atoms.pose_starts import Start, judged_pose
from qddft.atoms.surroundings import ANCHOR, BOUND, GEMINAL, OTHER, Pairs, pairs_of

if TYPE_CHECKING:
    from rdkit.Chem import Mol


# pairs are kept this much farther apart than they have to be, because constraints give way a little; those that
# nothing draws together by this share of the van der Waals distance
_MARGIN, _CLEAR = 1.04, 0.78
# surface atoms this far beside a molecule and this far below a face take part, Angstrom
_BESIDE, _BELOW = 5.0, 7.0
# atoms three bonds and more from the anchors stay above this height over the face, held by a point far above, Angstrom
_OVER, _FAR = 1.6, 2000.0
_BONDS_FREE = 3
_STIFF, _SOFT = 300.0, 60.0  # kcal/(mol Angstrom^2)
_STEPS = (300, 700)
_LARGEST = 250  # atoms


def can_settle(request: Request) -> bool:
    """Tell whether a molecule can bend, and whether its anchors have surface atoms to be drawn to."""
    ligand, plan = request.ligand, request.plan
    if len(ligand.components) > 1 or len(ligand) > _LARGEST or len(plan.targets[0].atoms) > 2:
        return False
    return _rotors(_mol(request)) > 0


def settled(request: Request, start: Start) -> Fitting | None:
    """Return the pose that a molecule bends into, ``None`` if that is no better than what a rigid one may do.

    Parameters
    ----------
    request
        What is placed, how and on what.
    start
        Where it begins.
    """
    from rdkit import Chem, rdBase

    held = _holds(request, start)
    box = np.array([start.positions.min(axis=0) - _BESIDE, start.positions.max(axis=0) + _BESIDE])[:, :2]
    surface = points_around(request.rules.face, request.rules.numbers, box, _BELOW, start.target.place)
    molecule = molecule_of(request.ligand, start.positions, request.plan, start.target)
    pairs = pairs_of(body_of(molecule, paired=False), surface, start.bonds.sites)
    apart = _least(request, pairs)
    mol = Chem.Mol(_mol(request))
    mol.RemoveAllConformers()
    conformer = Chem.Conformer(mol.GetNumAtoms())
    conformer.SetPositions(np.ascontiguousarray(start.positions))
    mol.AddConformer(conformer)
    lifted = _lifted(request, start)
    with rdBase.BlockLogs():
        for walls, steps in ((False, _STEPS[0]), (True, _STEPS[1])):
            field = _Field.of(mol)
            if field is None:
                return None
            field.hold(held)
            field.lift(lifted, request.rules.face.height, start.positions.mean(axis=0))
            if walls:
                field.keep_off(surface.positions, apart)
            field.minimize(steps)
    if not is_sound(mol, 0):
        return None
    positions = np.array(mol.GetConformer(0).GetPositions())
    lengths = tuple(
        tuple(float(np.linalg.norm(positions[anchor] - place)) for place, _ in held[anchor]) if atoms else ()
        for anchor, atoms in zip(start.bonds.anchors, start.bonds.sites, strict=True)
    )
    bonds = Bonds(start.bonds.anchors, start.bonds.sites, lengths)
    return judged_pose(request, positions, bonds, start.target)


def _mol(request: Request) -> "Mol":
    from qddft.atoms.molecule import mol_of

    return mol_of(request.ligand)


def _rotors(mol: "Mol") -> int:
    from rdkit.Chem import rdMolDescriptors

    flexible = rdMolDescriptors.CalcNumRotatableBonds(mol)
    return int(flexible) + sum(1 for ring in mol.GetRingInfo().AtomRings() if len(ring) > 7)


def _holds(request: Request, start: Start) -> dict[int, list[tuple[np.ndarray, float]]]:
    """Return for each anchor the places of its surface atoms and the distances wanted from them, Angstrom.

    A head in the place of an ion stays where it is.
    """
    if request.plan.mode == "A-site":
        return {anchor: [(start.positions[anchor], 0.0)] for anchor in start.bonds.anchors}
    wanted = table_distances(request, start.target)
    found: dict[int, list[tuple[np.ndarray, float]]] = {}
    for number, (anchor, atoms) in enumerate(zip(start.bonds.anchors, start.bonds.sites, strict=True)):
        distance = wanted[min(number, len(wanted) - 1)]
        places = [start.target.points[start.target.atoms.index(atom)] for atom in atoms]
        found[anchor] = [(place, distance) for place in places]
    return found


def _least(request: Request, pairs: Pairs) -> np.ndarray:
    """Return the smallest distance of every pair that is not bound, Angstrom; 0 where it is."""
    limit = request.rules.limit
    shares = np.full(pairs.kinds.shape, _MARGIN * limit)
    shares[np.isin(pairs.kinds, (OTHER, ANCHOR))] = max(_MARGIN * limit, _CLEAR)
    shares[pairs.kinds == GEMINAL] = _MARGIN * min(limit, GEMINAL_LIMIT)
    shares[pairs.kinds == BOUND] = 0.0
    return np.asarray(shares * pairs.touching)


def _lifted(request: Request, start: Start) -> list[int]:
    """Return the atoms that are far enough from the anchors to stay above the face."""
    ligand = request.ligand
    near = set(start.bonds.anchors)
    for _ in range(_BONDS_FREE - 1):
        near |= {j for pair in ligand.graph for i, j in (pair, pair[::-1]) if i in near}
    return [atom for atom in range(len(ligand)) if atom not in near]


@dataclass
class _Field:
    """A force field with points beside the molecule."""

    field: Any
    constrain: Callable[..., None]
    atoms: int

    @classmethod
    def of(cls, mol: "Mol") -> "_Field | None":
        """Return the force field of the first conformer, ``None`` without parameters."""
        from rdkit.Chem import rdForceFieldHelpers as helpers

        if helpers.MMFFHasAllMoleculeParams(mol):
            field = helpers.MMFFGetMoleculeForceField(mol, helpers.MMFFGetMoleculeProperties(mol))
            constrain = field.MMFFAddDistanceConstraint
        elif helpers.UFFHasAllMoleculeParams(mol):
            field = helpers.UFFGetMoleculeForceField(mol)
            constrain = field.UFFAddDistanceConstraint
        else:
            return None
        field.Initialize()
        return cls(field, constrain, mol.GetNumAtoms())

    def _point(self, place: np.ndarray) -> int:
        return int(self.field.AddExtraPoint(*(float(x) for x in place), fixed=True)) - 1

    def _between(self, atom: int, point: int, limits: tuple[float, float], stiffness: float) -> None:
        self.constrain(atom, point, False, *limits, stiffness)  # noqa: FBT003  (Boost.Python)

    def hold(self, held: dict[int, list[tuple[np.ndarray, float]]]) -> None:
        """Keep anchors at distances from points."""
        for atom, rows in held.items():
            for place, distance in rows:
                self._between(atom, self._point(place), (distance, distance), _STIFF)

    def lift(self, atoms: list[int], height: float, middle: np.ndarray) -> None:
        """Keep atoms above a height: within a sphere around a point so far above that it is flat."""
        point = self._point(np.array([middle[0], middle[1], height + _FAR]))
        for atom in atoms:
            self._between(atom, point, (0.0, _FAR - _OVER), _SOFT)

    def keep_off(self, places: np.ndarray, apart: np.ndarray) -> None:
        """Keep every atom of the molecule at distances of shape (n_atoms, n_places) from places, or farther."""
        for column, place in enumerate(places):
            point = self._point(place)
            for atom in np.flatnonzero(apart[:, column] > 0).tolist():
                self._between(atom, point, (float(apart[atom, column]), 4 * _FAR), _SOFT)

    def minimize(self, steps: int) -> None:
        """Minimize."""
        self.field.Initialize()
        self.field.Minimize(maxIts=steps)
