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
    notes = []
    while found := [item for item in Chem.FindPotentialStereo(copy, cleanIt=True) if _is_open(item)]:
        item = found[0]
        if item.type == Chem.StereoType.Bond_Double:
            notes.append(_set_trans(copy, item))
        else:
            notes.append(_set_center(copy, item.centeredOn))
        Chem.AssignStereochemistry(copy, cleanIt=False, force=True)
    return copy, f"stereochemistry not given, built as {', '.join(notes)}" if notes else ""


def _is_open(item: Any) -> bool:
    from rdkit import Chem

    if item.specified != Chem.StereoSpecified.Unspecified:
        return False
    if item.type == Chem.StereoType.Bond_Double:
        # the N-H of an imine has no heavy neighbor to name; the conformer search tries both sides
        return all(item.controllingAtoms[end] != _NO_ATOM for end in (0, 2))
    return bool(item.type == Chem.StereoType.Atom_Tetrahedral)


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
