"""Conformers made for two anchors: a diamine around one Pb, a diacid between two.

The free molecule rarely lies as a surface holds it: the lowest conformer of ethylenediamine turns its lone pairs away
from each other. Here Pb takes part in the embedding, bonded to both anchors (two Pb at the distance of the surface
sites, and a halide half way, for a bridge), so that lone pairs point to it. Then the molecule relaxes around points
that stand for them: the anchors keep their distances, all other atoms stay outside.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from qddft.atoms.geometry import is_sound
from qddft.atoms.ligand import Ligand

if TYPE_CHECKING:
    from rdkit.Chem import Mol

_PB, _BR = 82, 35
_TRIES, _KEPT = 60, 12
_LARGE, _KEPT_OF_LARGE = 30, 4  # atoms; each geometry that does not fit costs a search of its own
# anchor-Pb and Pb-Pb distances may miss their aim by this much; other atoms stay outside of Pb and halide, Angstrom
_SLACK, _OUTSIDE = 0.1, 2.9
# geometries are one if their energies and all their distances differ by less, kcal/mol and Angstrom
_SAME_ENERGY, _SAME = 0.5, 0.3
_FAR = 40.0
_STEPS = 500
_STIFF = 200.0  # kcal/(mol Angstrom^2)


@dataclass(frozen=True)
class Hold:
    """How two anchors are held.

    Attributes
    ----------
    pair
        The anchors.
    distances
        Of each from its surface atom, Angstrom.
    apart
        Distance of the two surface atoms, Angstrom; 0 for one.
    """

    pair: tuple[int, int]
    distances: tuple[float, float]
    apart: float


@lru_cache(maxsize=64)
def held_conformers(ligand: Ligand, hold: Hold, seed: int) -> tuple[np.ndarray, ...]:
    """Return geometries in which both anchors reach what holds them, lowest force-field energy first.

    Parameters
    ----------
    ligand
        Its atom order is kept.
    hold
        What holds it.
    seed
        Equal seeds give equal coordinates.

    Returns
    -------
    tuple
        Arrays of shape (n_atoms, 3), Angstrom; empty if the anchors cannot be held so, or the molecule has parts.
    """
    from rdkit import Chem, rdBase

    from qddft.atoms.molecule import mol_of

    mol = mol_of(ligand)
    if len(Chem.GetMolFrags(mol)) > 1 or mol.GetNumAtoms() > 200:
        return ()
    with rdBase.BlockLogs():
        embedded = _embedded(mol, hold, seed)
        found = [_relaxed(mol, hold, positions) for positions in embedded]
    ranked = sorted((item for item in found if item is not None), key=lambda item: round(item[0], 3))
    return tuple(positions for _, positions in _distinct(ranked)[: _KEPT if len(ligand) <= _LARGE else _KEPT_OF_LARGE])


def _distinct(ranked: list[tuple[float, np.ndarray]]) -> list[tuple[float, np.ndarray]]:
    """Leave out what is there already; a mirror image has equal distances and stays, the surface tells them apart."""
    kept: list[tuple[float, np.ndarray, np.ndarray]] = []
    for energy, positions in ranked:
        apart = np.linalg.norm(positions[:, None] - positions[None], axis=2)
        side = np.linalg.det(positions[:3]) if len(positions) > 2 else 0.0
        known = any(
            energy - other < _SAME_ENERGY and np.abs(apart - there).max() < _SAME and side * np.linalg.det(item[:3]) > 0
            for other, item, there in kept
        )
        if not known:
            kept.append((energy, positions, apart))
    return [(energy, positions) for energy, positions, _ in kept]


def _embedded(mol: "Mol", hold: Hold, seed: int) -> list[np.ndarray]:
    """Return positions of the molecule, and after them of what holds it, embedded together."""
    from rdkit import Chem
    from rdkit.Chem import rdDistGeom

    larger = Chem.RWMol(mol)
    holders = [larger.AddAtom(Chem.Atom(_PB)) for _ in range(2 if hold.apart else 1)]
    for anchor, holder in zip(hold.pair, _ends(holders), strict=True):
        larger.AddBond(anchor, holder, Chem.BondType.DATIVE)
    if hold.apart:
        between = Chem.Atom(_BR)
        between.SetFormalCharge(-1)
        holders.append(larger.AddAtom(between))
    whole = larger.GetMol()
    Chem.SanitizeMol(whole)
    bounds = _bounds(whole, hold, holders)
    if bounds is None:
        return []
    parameters: Any = rdDistGeom.ETKDGv3()
    parameters.randomSeed = seed % (2**31 - 1) + 1
    parameters.numThreads = 1
    parameters.maxIterations = 20
    parameters.SetBoundsMat(bounds)
    numbers = list(rdDistGeom.EmbedMultipleConfs(whole, _TRIES, parameters))
    return [np.array(whole.GetConformer(k).GetPositions()) for k in numbers]


def _bounds(whole: "Mol", hold: Hold, holders: list[int]) -> np.ndarray | None:
    """Return the distance bounds of the embedding, upper ones above the diagonal; ``None`` if they contradict."""
    from rdkit.Chem import rdDistGeom
    from rdkit.DistanceGeometry import DoTriangleSmoothing

    bounds = np.array(rdDistGeom.GetMoleculeBoundsMatrix(whole))

    def bound(i: int, j: int, low: float, high: float) -> None:
        bounds[min(i, j), max(i, j)], bounds[max(i, j), min(i, j)] = high, low

    for holder in holders:
        for atom in range(whole.GetNumAtoms() - len(holders)):
            bound(atom, holder, _OUTSIDE, _FAR)
    for anchor, holder, distance in zip(hold.pair, _ends(holders), hold.distances, strict=True):
        bound(anchor, holder, distance - _SLACK, distance + _SLACK)
    if hold.apart:
        bound(holders[0], holders[1], hold.apart - _SLACK, hold.apart + _SLACK)
        for holder in holders[:2]:
            bound(holder, holders[2], hold.apart / 2 - _SLACK, hold.apart / 2 + _SLACK)
    return bounds if DoTriangleSmoothing(bounds) else None


def _ends(holders: list[int]) -> tuple[int, int]:
    """Return the Pb of the first and of the second anchor; one may serve for both."""
    return holders[0], holders[min(1, len(holders) - 1)]


def _relaxed(mol: "Mol", hold: Hold, positions: np.ndarray) -> tuple[float, np.ndarray] | None:
    """Relax a molecule around the points that hold it; ``None`` for a spoiled geometry."""
    from rdkit import Chem
    from rdkit.Chem import rdForceFieldHelpers as force_fields

    n = mol.GetNumAtoms()
    copy = Chem.Mol(mol)
    copy.RemoveAllConformers()
    conformer = Chem.Conformer(n)
    conformer.SetPositions(positions[:n])
    copy.AddConformer(conformer)
    energy = 0.0
    if force_fields.MMFFHasAllMoleculeParams(copy):
        field = force_fields.MMFFGetMoleculeForceField(copy, force_fields.MMFFGetMoleculeProperties(copy))
        energy = _minimized(field, field.MMFFAddDistanceConstraint, hold, positions[n:], n)
    elif force_fields.UFFHasAllMoleculeParams(copy):
        field = force_fields.UFFGetMoleculeForceField(copy)
        energy = _minimized(field, field.UFFAddDistanceConstraint, hold, positions[n:], n)
    if not is_sound(copy, 0):
        return None
    found = np.array(copy.GetConformer(0).GetPositions())
    return energy, found - found.mean(axis=0)


def _minimized(field: Any, constrain: Callable[..., None], hold: Hold, holders: np.ndarray, n: int) -> float:
    """Minimize a force field of n atoms, the anchors at their distances from fixed points; return kcal/mol."""
    points = [field.AddExtraPoint(*map(float, place), fixed=True) - 1 for place in holders]
    field.Initialize()
    for point in points:
        for atom in range(n):
            if atom not in hold.pair:
                constrain(atom, point, False, _OUTSIDE, _FAR, _STIFF)  # noqa: FBT003  (Boost.Python)
    for anchor, point, distance in zip(hold.pair, _ends(points), hold.distances, strict=True):
        constrain(anchor, point, False, distance, distance, _STIFF)  # noqa: FBT003  (Boost.Python)
    field.Minimize(maxIts=_STEPS)
    return float(field.CalcEnergy())
