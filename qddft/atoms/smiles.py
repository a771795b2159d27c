"""SMILES to RDKit molecules, with messages that say where a SMILES goes wrong."""

import re
from typing import TYPE_CHECKING

from qddft.core.errors import LigandError

if TYPE_CHECKING:
    from rdkit.Chem import Mol

_TOKEN = re.compile(r"\[[^\[\]]*\]|Br|Cl|%\d\d|[BCNOPSFIbcnops]|[-=#$:/\\.()0-9~*@+]")
_MARKS = re.compile(r"[\[\]()=#@\\]|[A-Za-z]\d")
_BOND_MARKS = "-=#$:/\\~"
MAX_ATOMIC_NUMBER = 83  # elements with a van der Waals radius and GFN2-xTB parameters that are not radioactive


def looks_like_smiles(text: str) -> bool:
    """Tell a SMILES, possibly a broken one, from a name: only tokens of SMILES, or marks no name contains."""
    if " " in text.strip():
        return False
    return _TOKEN.sub("", text) == "" or (bool(_MARKS.search(text)) and bool(re.search(r"[CNOPScnops]", text)))


def parse_smiles(smiles: str) -> "Mol":
    """Return the sanitized RDKit molecule of a SMILES, without isotope labels and with implicit hydrogens.

    Raises
    ------
    LigandError
        The SMILES does not parse, breaks a valence, or holds an element qddft cannot treat.
    """
    from rdkit import Chem, rdBase

    text = smiles.strip()
    with rdBase.BlockLogs():
        mol = Chem.MolFromSmiles(text, sanitize=False)
        if mol is None:
            raise LigandError(f"the SMILES {text!r} does not parse: {_where(text)}")
        for problem in Chem.DetectChemistryProblems(mol):
            raise LigandError(f"the SMILES {text!r} is not a molecule: {problem.Message()} (atoms count from 0)")
        for atom in mol.GetAtoms():
            atom.SetIsotope(0)
        Chem.SanitizeMol(mol)
        mol = Chem.RemoveHs(mol)
        Chem.AssignStereochemistry(mol, cleanIt=True, force=True)
    check_elements(mol, text)
    return mol


def check_elements(mol: "Mol", name: str) -> None:
    """Raise ``LigandError`` for an empty molecule, a wildcard atom or an element without the data to place it."""
    if mol.GetNumAtoms() == 0:
        raise LigandError(f"{name!r} has no atoms")
    for atom in mol.GetAtoms():
        if atom.GetAtomicNum() == 0:
            raise LigandError(f"{name!r} has a wildcard atom '*' (atom {atom.GetIdx()}); write the element there")
        if atom.GetAtomicNum() > MAX_ATOMIC_NUMBER or atom.GetAtomicNum() == 61:
            raise LigandError(
                f"{name!r} holds {atom.GetSymbol()}, for which there is no van der Waals radius or no engine; "
                f"elements up to Bi except Pm can be used"
            )


def canonical_smiles(mol: "Mol") -> str:
    """Return RDKit's canonical isomeric SMILES without map numbers."""
    from rdkit import Chem, rdBase

    copy = Chem.Mol(mol)
    for atom in copy.GetAtoms():
        atom.SetAtomMapNum(0)
    with rdBase.BlockLogs():
        return str(Chem.MolToSmiles(Chem.RemoveHs(copy)))


def _where(text: str) -> str:
    """Say where a SMILES stops making sense: the shortest beginning that cannot be completed to a SMILES."""
    from rdkit import Chem

    for end in range(1, len(text) + 1):
        head = text[:end]
        opened = _opened(head)
        if opened is None:
            return f"a bracket is closed that was never opened, at character {end} ({_marked(text, end)})"
        if "[" in opened or text[end - 1 : end + 1] in ("Br", "Cl") or re.search(r"%\d?$", head):
            continue
        if head[-1] in _BOND_MARKS + ".(":
            head += "C"
        rings = _open_rings(head)
        completed = head + ")" * len(opened) + "".join(f"CC{ring}" for ring in rings)
        if Chem.MolFromSmiles(completed, sanitize=False) is None:
            return f"mistake at character {end} ({_marked(text, end)})"
    if opened := _opened(text):
        return f"{opened[-1]!r} is never closed"
    if rings := _open_rings(text):
        return f"ring closure {rings[0]} has only one end"
    return f"it ends too early, after {text[-1:]!r}"


def _marked(text: str, end: int) -> str:
    return f"{text[: end - 1]}>>{text[end - 1]}<<{text[end:]}"


def _opened(head: str) -> list[str] | None:
    """Return the brackets still open, or ``None`` if one is closed that was not opened."""
    opened: list[str] = []
    for mark in head:
        if mark in "([":
            opened.append(mark)
        elif mark in ")]" and (not opened or opened.pop() != {")": "(", "]": "["}[mark]):
            return None
    return opened


def _open_rings(head: str) -> list[str]:
    rings: list[str] = []
    for ring in re.findall(r"%\d\d|\d", re.sub(r"\[[^\]]*\]?", "", head)):
        if ring in rings:
            rings.remove(ring)
        else:
            rings.append(ring)
    return rings


def without_centers(mol: "Mol") -> "Mol":
    """Return a copy in which tetrahedral stereocenters are open and double bonds keep theirs."""
    from rdkit import Chem

    copy = Chem.Mol(mol)
    for atom in copy.GetAtoms():
        atom.SetChiralTag(Chem.ChiralType.CHI_UNSPECIFIED)
    Chem.AssignStereochemistry(copy, cleanIt=True, force=True)
    return copy
