"""One named stereoisomer where a SMILES leaves the choice open."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rdkit.Chem import Mol


_NO_ATOM = 2**32 - 1  # RDKit's mark for an implicit hydrogen


def specified(mol: "Mol") -> "tuple[Mol, str]":
    """Return a copy whose open stereocenters are R and whose open double bonds are trans, and a sentence that says so.

    Both enantiomers of a racemate have one energy, on a surface without chirality too. Diastereomers differ, so the
    sentence travels with the ligand.
    """
    from rdkit import Chem

    copy = Chem.Mol(mol)
    found = [item for item in Chem.FindPotentialStereo(copy, cleanIt=True) if _is_open(copy, item)]
    if not found:
        return copy, ""
    bonds = [item for item in found if item.type == Chem.StereoType.Bond_Double]
    notes = [_set_trans(copy, item) for item in bonds]
    Chem.SetDoubleBondNeighborDirections(copy)
    Chem.AssignStereochemistry(copy, cleanIt=False, force=True)
    notes += [_set_center(copy, item.centeredOn) for item in found if item not in bonds]
    return copy, f"stereochemistry not given, built as {', '.join(notes)}"


def _is_open(mol: "Mol", item: Any) -> bool:
    from rdkit import Chem

    if item.specified != Chem.StereoSpecified.Unspecified:
        return False
    if item.type == Chem.StereoType.Bond_Double:
        # the N-H of an imine has no heavy neighbor to name; the conformer search tries both sides
        return all(item.controllingAtoms[end] != _NO_ATOM for end in (0, 2))
    # RDKit also offers atoms that carry two equal hydrogens, such as SiH2
    center = item.type == Chem.StereoType.Atom_Tetrahedral
    return bool(center and mol.GetAtomWithIdx(item.centeredOn).GetTotalNumHs() < 2)


def _set_trans(mol: "Mol", item: Any) -> str:
    from rdkit import Chem

    bond = mol.GetBondWithIdx(item.centeredOn)
    first, _, second, _ = item.controllingAtoms
    bond.SetStereoAtoms(first, second)
    bond.SetStereo(Chem.BondStereo.STEREOTRANS)
    return f"trans at the double bond of atoms {bond.GetBeginAtomIdx()} and {bond.GetEndAtomIdx()}"


def _set_center(mol: "Mol", index: int) -> str:
    from rdkit import Chem

    atom = mol.GetAtomWithIdx(index)
    for tag in (Chem.ChiralType.CHI_TETRAHEDRAL_CW, Chem.ChiralType.CHI_TETRAHEDRAL_CCW):
        atom.SetChiralTag(tag)
        Chem.AssignStereochemistry(mol, cleanIt=False, force=True)
        if atom.HasProp("_CIPCode") and atom.GetProp("_CIPCode") == "R":
            return f"(R) at atom {index}"
    return f"one of the two isomers at atom {index}"
