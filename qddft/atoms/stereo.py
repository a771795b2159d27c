"""One named stereoisomer where a SMILES leaves the choice open."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rdkit.Chem import Atom, Mol

_NO_ATOM = 2**32 - 1  # RDKit's mark for an implicit hydrogen
_SEED = 1


def specified(mol: "Mol") -> "tuple[Mol, str]":
    """Return a copy in which every open stereocenter is decided, and a sentence that says how.

    Open centers in chains become R, open double bonds trans; centers in rings, which may not be free to choose, become
    what the first embedding gives. Both enantiomers of a racemate have one energy, on a surface without chirality too.
    Diastereomers differ, so the sentence travels with the ligand.
    """
    from rdkit import Chem

    copy = Chem.Mol(mol)
    found = [item for item in Chem.FindPotentialStereo(copy, cleanIt=True) if _is_open(copy, item)]
    if not found:
        return copy, ""
    bonds = [item for item in found if item.type == Chem.StereoType.Bond_Double]
    centers = [item.centeredOn for item in found if item not in bonds]
    in_rings = [index for index in centers if copy.GetAtomWithIdx(index).IsInRing()]
    notes = [_set_trans(copy, item) for item in bonds]
    Chem.SetDoubleBondNeighborDirections(copy)
    Chem.AssignStereochemistry(copy, cleanIt=False, force=True)
    notes += [_set_right_handed(copy, index) for index in centers if index not in in_rings]
    if in_rings:
        _embed_rings(copy, in_rings)
        notes += [_named(atom) for atom in map(copy.GetAtomWithIdx, in_rings) if _is_tagged(atom)]
    return copy, f"stereochemistry not given, built as {', '.join(notes)}" if notes else ""


def _is_open(mol: "Mol", item: Any) -> bool:
    from rdkit import Chem

    if item.specified != Chem.StereoSpecified.Unspecified:
        return False
    if item.type == Chem.StereoType.Bond_Double:
        bond = mol.GetBondWithIdx(item.centeredOn)
        linear = Chem.HybridizationType.SP in {
            bond.GetBeginAtom().GetHybridization(),
            bond.GetEndAtom().GetHybridization(),
        }
        # the N-H of an imine has no heavy neighbor to name; the conformer search tries both sides
        return not linear and all(item.controllingAtoms[end] != _NO_ATOM for end in (0, 2))
    center = item.type == Chem.StereoType.Atom_Tetrahedral
    return bool(center) and not _has_equal_neighbors(mol.GetAtomWithIdx(item.centeredOn))


def _has_equal_neighbors(atom: "Atom") -> bool:
    """Tell centers that RDKit offers although two neighbors are alike: SiH2, or P and S with O, O- and OH ends."""
    ends = [other for other in atom.GetNeighbors() if other.GetAtomicNum() in (8, 16) and other.GetDegree() == 1]
    return atom.GetTotalNumHs() > 1 or (atom.GetAtomicNum() in (15, 16) and len(ends) > 1)


def _set_trans(mol: "Mol", item: Any) -> str:
    from rdkit import Chem

    bond = mol.GetBondWithIdx(item.centeredOn)
    first, _, second, _ = item.controllingAtoms
    bond.SetStereoAtoms(first, second)
    bond.SetStereo(Chem.BondStereo.STEREOTRANS)
    return f"trans at the double bond of atoms {bond.GetBeginAtomIdx()} and {bond.GetEndAtomIdx()}"


def _set_right_handed(mol: "Mol", index: int) -> str:
    from rdkit import Chem

    atom = mol.GetAtomWithIdx(index)
    for tag in (Chem.ChiralType.CHI_TETRAHEDRAL_CW, Chem.ChiralType.CHI_TETRAHEDRAL_CCW):
        atom.SetChiralTag(tag)
        Chem.AssignStereochemistry(mol, cleanIt=False, force=True)
        if atom.HasProp("_CIPCode") and atom.GetProp("_CIPCode") == "R":
            break
    return _named(atom)


def _embed_rings(mol: "Mol", indices: list[int]) -> None:
    """Set the tags of ring centers to those of one embedded geometry; leave them open where there is none."""
    from rdkit import Chem, rdBase
    from rdkit.Chem import rdDistGeom

    full = Chem.AddHs(mol)
    with rdBase.BlockLogs():
        if rdDistGeom.EmbedMolecule(full, randomSeed=_SEED) < 0:
            return
        Chem.AssignStereochemistryFrom3D(full)
        embedded = Chem.RemoveHs(full)
    for index in indices:
        mol.GetAtomWithIdx(index).SetChiralTag(embedded.GetAtomWithIdx(index).GetChiralTag())
    Chem.AssignStereochemistry(mol, cleanIt=True, force=True)


def _is_tagged(atom: "Atom") -> bool:
    from rdkit import Chem

    return bool(atom.GetChiralTag() != Chem.ChiralType.CHI_UNSPECIFIED)


def _named(atom: "Atom") -> str:
    label = f"({atom.GetProp('_CIPCode')})" if atom.HasProp("_CIPCode") else "one of the isomers"
    return f"{label} at atom {atom.GetIdx()}"
