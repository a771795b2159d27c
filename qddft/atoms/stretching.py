"""Stretched conformers: chains all-trans, so that a ligand can stand upright in a shell.

Single bonds between sp3 atoms are set to 180 degrees along the longest paths. Next to a C=C bond the rotor is skew,
+120 degrees on one side and -120 on the other, as in the crystal structures of cis-unsaturated fatty acids.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rdkit.Chem import Atom, Bond, Mol

_SHORTEST_CHAIN = 2  # rotors; molecules with fewer have nothing to stretch


def stretched(mol: "Mol") -> int | None:
    """Append a stretched copy of the first conformer to the molecule; return its id, ``None`` without chains."""
    from rdkit import Chem
    from rdkit.Chem import rdMolTransforms

    rotors = [(bond, _dihedral_atoms(mol, bond)) for bond in mol.GetBonds() if _is_rotor(bond)]
    if len(rotors) < _SHORTEST_CHAIN:
        return None
    new = mol.AddConformer(Chem.Conformer(mol.GetConformer(mol.GetConformers()[0].GetId())), assignId=True)
    skew = 120.0
    for bond, atoms in rotors:
        angle = 180.0
        if _next_to_double(bond):
            angle, skew = skew, -skew
        rdMolTransforms.SetDihedralDeg(mol.GetConformer(new), *atoms, angle)
    return int(new)


def _is_rotor(bond: "Bond") -> bool:
    from rdkit import Chem

    ends = (bond.GetBeginAtom(), bond.GetEndAtom())
    sp3 = Chem.HybridizationType.SP3
    return (
        bond.GetBondType() == Chem.BondType.SINGLE
        and not bond.IsInRing()
        and all(_heavy_degree(atom) > 1 for atom in ends)
        and any(atom.GetHybridization() == sp3 for atom in ends)
        and all(atom.GetHybridization() == sp3 or _has_double_carbon(atom) for atom in ends)
    )


def _next_to_double(bond: "Bond") -> bool:
    return _has_double_carbon(bond.GetBeginAtom()) or _has_double_carbon(bond.GetEndAtom())


def _has_double_carbon(atom: "Atom") -> bool:
    from rdkit import Chem

    return atom.GetAtomicNum() == 6 and any(
        bond.GetBondType() == Chem.BondType.DOUBLE and bond.GetOtherAtom(atom).GetAtomicNum() == 6
        for bond in atom.GetBonds()
    )


def _heavy_degree(atom: "Atom") -> int:
    return sum(neighbor.GetAtomicNum() > 1 for neighbor in atom.GetNeighbors())


def _dihedral_atoms(mol: "Mol", bond: "Bond") -> tuple[int, int, int, int]:
    begin, end = bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()
    return _deepest(mol, begin, end), begin, end, _deepest(mol, end, begin)


def _deepest(mol: "Mol", atom: int, away_from: int) -> int:
    """Return the heavy neighbor that starts the longest way away from a bond."""
    sizes = [(-len(list(_beyond(mol, index, atom))), index) for index in _heavy_neighbors(mol, atom, away_from)]
    return min(sizes)[1]


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
