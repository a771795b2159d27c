"""Conformers that differ by the turn of the O-H, S-H or N-H of a head.

Free acids turn them inwards, and embedding and force field end in few of the ways (one, not the lowest, for
methylphosphonic acid); on a face each O-H may point to a halide of its own. All turns are made, and relaxed while held.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from qddft.atoms.geometry import is_sound
from qddft.atoms.ligand import Ligand
from qddft.core.units import KCAL_PER_MOL_IN_EV

if TYPE_CHECKING:
    from rdkit.Chem import Atom, Mol

# rotors that are turned, and how far above the lowest a geometry may lie, eV: a hydrogen bond to the face gives less
_MOST_ROTORS, _MOST_ENERGY = 3, 0.6
# the turn is held within so many degrees, by kcal/(mol rad^2)
_FREE, _STIFF = 10.0, 100.0
_STEPS = 500
# angles of what holds a turn are absolute, not relative to where it is
_ABSOLUTE = False
# geometries are one if all distances between atoms of two elements, in order, agree within this, Angstrom
_SAME = 0.2
_HEADS = frozenset({7, 8, 16})
_FULL = 4


@dataclass(frozen=True)
class Rotamer:
    """A geometry with its force-field energy.

    Attributes
    ----------
    positions
        Shape (n_atoms, 3), Angstrom.
    energy
        eV; its zero is that of the conformers of the same molecule.
    """

    positions: np.ndarray
    energy: float


def rotamers(ligand: Ligand, positions: np.ndarray) -> tuple[Rotamer, ...]:
    """Return a conformer with the X-H of its head turned in every way, lowest energy first; the conformer is left out.

    Geometries that differ by an exchange of equal atoms or a reflection are one.

    Parameters
    ----------
    ligand
        Its anchors are the head: groups that bind, and others on the same atom.
    positions
        The conformer, shape (n_atoms, 3), Angstrom.
    """
    from rdkit import Chem, rdBase

    from qddft.atoms.molecule import mol_of

    mol = mol_of(ligand)
    rotors = list(_rotors(mol, {i for group in ligand.anchors for i in group}))[:_MOST_ROTORS]
    if not rotors or len(Chem.GetMolFrags(mol)) > 1:
        return ()
    mol.RemoveAllConformers()
    mol.AddConformer(Chem.Conformer(mol.GetNumAtoms()), assignId=True)
    numbers = np.array([atom.GetAtomicNum() for atom in mol.GetAtoms()])
    with rdBase.BlockLogs():
        found = [item for turns in _turns(rotors) if (item := _turned(mol, positions, turns)) is not None]
    found.sort(key=lambda item: round(item.energy, 4))
    return tuple(_distinct(found, _fingerprint(numbers, positions), numbers))


@dataclass(frozen=True)
class _Rotor:
    """Four atoms of a torsion that ends in a hydrogen, and how many turns it has."""

    torsion: tuple[int, int, int, int]
    fold: int


def _rotors(mol: "Mol", anchors: set[int]) -> Iterator[_Rotor]:
    """Yield the X-H of the head that can turn, anchors first."""
    atoms = sorted(mol.GetAtoms(), key=lambda atom: atom.GetIdx() not in anchors)
    for atom in atoms:
        heavy = [other for other in atom.GetNeighbors() if other.GetAtomicNum() > 1]
        hydrogens = [other.GetIdx() for other in atom.GetNeighbors() if other.GetAtomicNum() == 1]
        if atom.GetAtomicNum() not in _HEADS or len(heavy) != 1 or len(hydrogens) not in (1, 2):
            continue
        (next_to,) = heavy
        beyond = [other.GetIdx() for other in next_to.GetNeighbors() if other.GetIdx() != atom.GetIdx()]
        near = atom.GetIdx() in anchors or bool(anchors.intersection(beyond))
        if beyond and near and _turns_freely(mol, atom, next_to):
            fold = 3 if next_to.GetDegree() >= _FULL else 2
            yield _Rotor((beyond[0], next_to.GetIdx(), atom.GetIdx(), hydrogens[0]), fold)


def _turns_freely(mol: "Mol", atom: "Atom", next_to: "Atom") -> bool:
    """Tell single bonds from double ones, and from those of amides and anilines, which half a turn leaves the same."""
    bond = mol.GetBondBetweenAtoms(atom.GetIdx(), next_to.GetIdx())
    single = bond.GetBondTypeAsDouble() == 1.0
    return bool(single and (atom.GetAtomicNum() != 7 or next_to.GetDegree() >= _FULL))


def _turns(rotors: list[_Rotor]) -> Iterator[list[tuple[_Rotor, float]]]:
    """Yield all combinations of turns from where the rotors are, degrees; the first, no turn at all, is left out."""
    for steps in product(*(range(rotor.fold) for rotor in rotors)):
        if any(steps):
            yield [(rotor, 360.0 * step / rotor.fold) for rotor, step in zip(rotors, steps, strict=True)]


def _turned(mol: "Mol", positions: np.ndarray, turns: list[tuple[_Rotor, float]]) -> Rotamer | None:
    """Return the molecule after some turns, relaxed with these held; ``None`` without a force field for it."""
    from rdkit.Chem import rdMolTransforms
    from rdkit.Geometry import Point3D

    shape = mol.GetConformer()
    for index, point in enumerate(positions):
        shape.SetAtomPosition(index, Point3D(*map(float, point)))
    angles = []
    for rotor, turn in turns:
        angle = rdMolTransforms.GetDihedralDeg(shape, *rotor.torsion) + turn
        rdMolTransforms.SetDihedralDeg(shape, *rotor.torsion, angle)
        angles.append((rotor.torsion, angle))
    energy = _relaxed(mol, angles)
    if energy is None or not is_sound(mol, shape.GetId()):
        return None
    moved = np.array(shape.GetPositions())
    return Rotamer(moved - moved.mean(axis=0), energy)


def _relaxed(mol: "Mol", held: list[tuple[tuple[int, int, int, int], float]]) -> float | None:
    """Relax in place with torsions held and return the energy without what holds them, eV."""
    from rdkit.Chem import rdForceFieldHelpers as force_fields

    def field() -> tuple[Any, bool]:
        if force_fields.MMFFHasAllMoleculeParams(mol):
            properties = force_fields.MMFFGetMoleculeProperties(mol)
            return force_fields.MMFFGetMoleculeForceField(mol, properties), True
        if force_fields.UFFHasAllMoleculeParams(mol):
            return force_fields.UFFGetMoleculeForceField(mol), False
        return None, False

    constrained, merck = field()
    if constrained is None:
        return None
    constrained.Initialize()
    for torsion, angle in held:
        add = constrained.MMFFAddTorsionConstraint if merck else constrained.UFFAddTorsionConstraint
        add(*torsion, _ABSOLUTE, angle - _FREE, angle + _FREE, _STIFF)
    constrained.Minimize(maxIts=_STEPS)
    free, _ = field()
    free.Initialize()
    return float(free.CalcEnergy()) * KCAL_PER_MOL_IN_EV


def _distinct(ranked: list[Rotamer], known: np.ndarray, numbers: np.ndarray) -> Iterator[Rotamer]:
    """Yield what differs from all before it and lies not far above the lowest."""
    seen = [known]
    for item in ranked:
        mark = _fingerprint(numbers, item.positions)
        if item.energy <= ranked[0].energy + _MOST_ENERGY and all(np.abs(mark - old).max() > _SAME for old in seen):
            seen.append(mark)
            yield item


def _fingerprint(numbers: np.ndarray, positions: np.ndarray) -> np.ndarray:
    """Return all distances, sorted within each pair of elements, shape (n_pairs,), Angstrom."""
    i, j = np.triu_indices(len(numbers), 1)
    distances = np.linalg.norm(positions[i] - positions[j], axis=1)
    kind = np.maximum(numbers[i], numbers[j]) * 1000 + np.minimum(numbers[i], numbers[j])
    return np.asarray(distances[np.lexsort((distances, kind))])
