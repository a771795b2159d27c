"""Shorter chains for expensive methods, with the whole molecule on record."""

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from qddft.atoms.ligand import Ligand, Truncation
from qddft.atoms.molecule import in_written_order, ligand_from_mol
from qddft.atoms.smiles import parse_smiles
from qddft.core.errors import LigandError

if TYPE_CHECKING:
    from rdkit.Chem import Atom, Bond, Mol

DEFAULT_CARBONS = 4


def truncate(ligand: Ligand, carbons: int = DEFAULT_CARBONS, *, seed: int | None = None) -> Ligand:
    """Cut hydrocarbon tails to a stated length and close them with hydrogen.

    The rule: carbon 1 is every carbon bonded to a heteroatom (the carboxyl carbon of an acid, the alpha carbon of an
    amine). Each tail is cut at its first single C-C bond, outside rings, that leads from carbon ``carbons`` or a later
    one to an open chain of carbon and hydrogen only. Functional groups and rings are never lost, multiple bonds
    never cut through; branches are cut alike. With four carbons, oleic acid becomes butanoic acid and
    2-hexyldecanoic acid becomes 2-ethylbutanoic acid.

    Parameters
    ----------
    ligand
        Its conformer is not kept: the shorter molecule gets its own lowest one.
    carbons
        Carbons left in each tail, counted from carbon 1.
    seed
        Seed of the new conformer search, that of the ligand if not given.

    Returns
    -------
    Ligand
        Named like ``oleic acid (C4)``, anchors and charge unchanged, ``truncated_from`` set.

    Raises
    ------
    LigandError
        ``carbons`` is below 1, or no tail is longer.
    """
    from rdkit import Chem

    if carbons < 1:
        raise LigandError(f"cannot truncate {ligand.name} to {carbons} carbons; keep 1 or more")
    mol = parse_smiles(ligand.smiles)
    for atom in mol.GetAtoms():
        atom.SetIntProp("_whole_index", atom.GetIdx())
    tails = dict(_cuts(mol, ligand, carbons))
    if not tails:
        raise LigandError(
            f"{ligand.name} has no hydrocarbon tail longer than {carbons} carbons (counted from the functional group; "
            f"rings and functional groups are never cut): use it whole or keep fewer carbons"
        )
    short = _without(mol, tails)
    Chem.SanitizeMol(short)
    Chem.AssignStereochemistry(short, cleanIt=True, force=True)
    return _recorded(ligand, short, carbons, ligand.seed if seed is None else seed)


def _without(mol: "Mol", tails: dict[tuple[int, int], set[int]]) -> "Mol":
    from rdkit import Chem

    editable = Chem.RWMol(mol)
    for inner, _ in tails:
        atom = editable.GetAtomWithIdx(inner)
        if atom.GetNoImplicit():  # a bracket atom does not fill its valence by itself
            atom.SetNumExplicitHs(atom.GetNumExplicitHs() + 1)
    for index in sorted(set().union(*tails.values()), reverse=True):
        editable.RemoveAtom(index)
    return editable.GetMol()


def _recorded(ligand: Ligand, short: "Mol", carbons: int, seed: int) -> Ligand:
    whole = ligand.truncated_from
    name = whole.name if whole else ligand.name
    written, order = in_written_order(short)
    built = ligand_from_mol(written, name=f"{name} (C{carbons})", seed=seed, charge=ligand.charge, source=ligand.source)
    new = {short.GetAtomWithIdx(old).GetIntProp("_whole_index"): index for index, old in enumerate(order)}
    return replace(
        built,
        anchors=tuple(tuple(new[index] for index in group) for group in ligand.anchors),
        anchor_kinds=ligand.anchor_kinds,
        truncated_from=Truncation(
            name=name,
            formula=whole.formula if whole else ligand.formula,
            smiles=whole.smiles if whole else ligand.smiles,
            rule=f"tails cut to {carbons} carbons counted from the functional group, closed with H",
        ),
    )


def _cuts(mol: "Mol", ligand: Ligand, carbons: int) -> Iterator[tuple[tuple[int, int], set[int]]]:
    """Yield each bond to cut, kept atom first, and the atoms beyond it; a cut further out along a tail is left away."""
    anchors = {index for group in ligand.anchors for index in group}
    depth = _depths(mol, anchors)
    gone: set[int] = set()
    outward = sorted(
        (depth.get(inner, 0), inner, outer)
        for bond in mol.GetBonds()
        if _can_cut(bond)
        for inner, outer in _both_ways(bond)
    )
    for level, inner, outer in outward:
        if level < carbons or inner in gone or depth[outer] != level + 1:
            continue
        tail = _beyond(mol, outer, inner)
        if tail.isdisjoint(anchors) and all(_is_chain(mol.GetAtomWithIdx(index)) for index in tail):
            gone |= tail
            yield (inner, outer), tail


def _both_ways(bond: "Bond") -> tuple[tuple[int, int], tuple[int, int]]:
    begin, end = bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()
    return (begin, end), (end, begin)


def _can_cut(bond: "Bond") -> bool:
    from rdkit import Chem

    carbons = bond.GetBeginAtom().GetAtomicNum() == 6 and bond.GetEndAtom().GetAtomicNum() == 6
    return carbons and bond.GetBondType() == Chem.BondType.SINGLE and not bond.IsInRing()


def _is_hydrocarbon(atom: "Atom") -> bool:
    return (
        atom.GetAtomicNum() == 6
        and atom.GetFormalCharge() == 0
        and all(neighbor.GetAtomicNum() in (1, 6) for neighbor in atom.GetNeighbors())
    )


def _is_chain(atom: "Atom") -> bool:
    return _is_hydrocarbon(atom) and not atom.IsInRing()


def _depths(mol: "Mol", anchors: set[int]) -> dict[int, int]:
    """Return the number of each carbon: 1 is bonded to a heteroatom or itself an anchor."""
    first = {
        atom.GetIdx()
        for atom in mol.GetAtoms()
        if atom.GetAtomicNum() == 6 and (not _is_hydrocarbon(atom) or atom.GetIdx() in anchors)
    }
    depth = dict.fromkeys(first, 1)
    front, level = first, 1
    while front:
        level += 1
        front = {
            neighbor.GetIdx()
            for index in front
            for neighbor in mol.GetAtomWithIdx(index).GetNeighbors()
            if neighbor.GetAtomicNum() == 6 and neighbor.GetIdx() not in depth
        }
        depth |= dict.fromkeys(front, level)
    return depth


def _beyond(mol: "Mol", start: int, blocked: int) -> set[int]:
    """Return the atoms on the far side of an acyclic bond."""
    seen, stack = {start, blocked}, [start]
    while stack:
        new = {neighbor.GetIdx() for neighbor in mol.GetAtomWithIdx(stack.pop()).GetNeighbors()} - seen
        seen |= new
        stack.extend(new)
    return seen - {blocked}
