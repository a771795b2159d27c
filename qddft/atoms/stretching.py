"""Stretched conformers: chains all-trans, so that a ligand can stand upright in a shell.

Single bonds between sp3 atoms are set to 180 degrees along the longest paths, counted from the functional group where
there is one, so that both chains of a branched acid lead away from its head. Beside a C=C bond the rotors are skew
(120 degrees): with equal signs on both sides of a cis bond and opposite signs of a trans bond, the sign changing from
one double bond to the next. Of all choices of signs this gives oleic and linoleic acid their longest chains.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rdkit.Chem import Atom, Bond, Mol

_CARBON = 6
_SHORTEST_CHAIN = 2  # rotors; molecules with fewer have nothing to stretch


def stretched(mol: "Mol") -> int | None:
    """Append a stretched copy of the first conformer to the molecule; return its id, ``None`` without chains."""
    from rdkit import Chem
    from rdkit.Chem import rdMolTransforms

    rotors = [(bond, _dihedral_atoms(mol, bond)) for bond in mol.GetBonds() if _is_rotor(bond)]
    if len(rotors) < _SHORTEST_CHAIN:
        return None
    new = mol.AddConformer(Chem.Conformer(mol.GetConformer(mol.GetConformers()[0].GetId())), assignId=True)
    skew: dict[int, float] = {}
    for bond, atoms in rotors:
        double = _double_beside(bond)
        angle = 180.0 if double is None else _skew_angle(double, skew)
        rdMolTransforms.SetDihedralDeg(mol.GetConformer(new), *atoms, angle)
    return int(new)


def _skew_angle(double: "Bond", skew: dict[int, float]) -> float:
    """Return the angle of the next rotor beside a double bond and remember it, degrees."""
    from rdkit import Chem

    if double.GetIdx() in skew:
        trans = double.GetStereo() in (Chem.BondStereo.STEREOE, Chem.BondStereo.STEREOTRANS)
        return -skew[double.GetIdx()] if trans else skew[double.GetIdx()]
    skew[double.GetIdx()] = 120.0 * (-1) ** len(skew)
    return skew[double.GetIdx()]


def _is_rotor(bond: "Bond") -> bool:
    from rdkit import Chem

    ends = (bond.GetBeginAtom(), bond.GetEndAtom())
    sp3 = Chem.HybridizationType.SP3
    return (
        bond.GetBondType() == Chem.BondType.SINGLE
        and not bond.IsInRing()
        and all(_heavy_degree(atom) > 1 for atom in ends)
        and any(atom.GetHybridization() == sp3 for atom in ends)
        and all(atom.GetHybridization() == sp3 or _double_carbon_bond(atom) is not None for atom in ends)
    )


def _double_beside(bond: "Bond") -> "Bond | None":
    """Return the C=C bond at either end of a single bond."""
    first = _double_carbon_bond(bond.GetBeginAtom())
    return first if first is not None else _double_carbon_bond(bond.GetEndAtom())


def _double_carbon_bond(atom: "Atom") -> "Bond | None":
    from rdkit import Chem

    doubles: list[Bond] = [bond for bond in atom.GetBonds() if bond.GetBondType() == Chem.BondType.DOUBLE]
    carbons = [
        bond for bond in doubles if {bond.GetBeginAtom().GetAtomicNum(), bond.GetEndAtom().GetAtomicNum()} == {6}
    ]
    return carbons[0] if carbons else None


def _heavy_degree(atom: "Atom") -> int:
    return sum(neighbor.GetAtomicNum() > 1 for neighbor in atom.GetNeighbors())


def _dihedral_atoms(mol: "Mol", bond: "Bond") -> tuple[int, int, int, int]:
    begin, end = bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()
    return _deepest(mol, begin, end), begin, end, _deepest(mol, end, begin)


def _deepest(mol: "Mol", atom: int, away_from: int) -> int:
    """Return the heavy neighbor that leads away from a bond to a functional group, else the longest way."""
    ways = [(index, list(_beyond(mol, index, atom))) for index in _heavy_neighbors(mol, atom, away_from)]
    return min(ways, key=lambda way: (not _has_group(mol, way[1]), -len(way[1]), way[0]))[0]


def _has_group(mol: "Mol", indices: list[int]) -> bool:
    return any(mol.GetAtomWithIdx(index).GetAtomicNum() != _CARBON for index in indices)


def _heavy_neighbors(mol: "Mol", atom: int, away_from: int) -> list[int]:
    neighbors = mol.GetAtomWithIdx(atom).GetNeighbors()
    return [item.GetIdx() for item in neighbors if item.GetAtomicNum() > 1 and item.GetIdx() != away_from]


def _beyond(mol: "Mol", start: int, blocked: int) -> Iterator[int]:
    """Yield heavy atoms reached from ``start`` without passing ``blocked``."""
    seen, stack = {start, blocked}, [start]
    while stack:
        index = stack.pop()
        yield index
        new = [other for other in _heavy_neighbors(mol, index, blocked) if other not in seen]
        seen.update(new)
        stack.extend(new)
