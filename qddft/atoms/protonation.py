"""Acid and base forms: one proton added to or taken from a named functional group."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from qddft.atoms.ligand import Ligand
from qddft.atoms.smiles import canonical_smiles, parse_smiles
from qddft.core.errors import LigandError
from qddft.core.suggest import did_you_mean

if TYPE_CHECKING:
    from rdkit.Chem import Mol


@dataclass(frozen=True)
class ProtonSite:
    """A place that takes or gives a proton; the atom with map number 1 does.

    Attributes
    ----------
    name
        Functional group, in the form that is looked for.
    smarts
        Pattern.
    """

    name: str
    smarts: str


# strongest base first
ACCEPTORS = (
    ProtonSite("alkoxide", "[OX1-:1][#6;!$(C=[O,S])]"),
    ProtonSite("hydroxide", "[OX1H1-:1]"),
    ProtonSite("thiolate", "[SX1-:1][#6;!$(C=[O,S,N]);!$(C#N)]"),
    ProtonSite("amine", "[NX3+0;!$([#7][#6]=[O,S,N]);!$([#7][#16](=O)=O);!$([#7]a);!$([#7][O-]):1]"),
    ProtonSite("amidine", "[NX2+0:1]=[CX3][NX3+0]"),
    ProtonSite("carboxylate", "[OX1-:1][CX3]=[O,S]"),
    ProtonSite("phosphonate", "[OX1-:1][#15]"),
    ProtonSite("pyridine", "[nX2H0+0:1]"),
    ProtonSite("aniline", "[NX3+0:1]a"),
    ProtonSite("thiocarboxylate", "[SX1-:1][CX3]=[O,S]"),
    ProtonSite("halide", "[F-,Cl-,Br-,I-;X0:1]"),
    ProtonSite("sulfonate", "[OX1-:1][#16]"),
)
# strongest acid first
DONORS = (
    ProtonSite("hydrogen halide", "[F,Cl,Br,I;H1;+0:1]"),
    ProtonSite("sulfonic acid", "[OX2H1:1][#16X4](=O)=O"),
    ProtonSite("phosphonic acid", "[OX2H1:1][#15X4]=O"),
    ProtonSite("carboxylic acid", "[OX2H1:1][CX3]=[O,S]"),
    ProtonSite("thiocarboxylic acid", "[SX2H1:1][CX3]=[O,S]"),
    ProtonSite("pyridinium", "[nH1+:1]"),
    ProtonSite("ammonium", "[NX4+;!H0:1]"),
    ProtonSite("thiol", "[SX2H1:1]"),
    ProtonSite("amidinium", "[NX3+;!H0:1]=[CX3][NX3]"),
    ProtonSite("alcohol", "[OX2H1:1][#6]"),
)


def protonated_smiles(ligand: Ligand, *, group: str | None = None) -> str:
    """Return the SMILES with one more proton, on the strongest base unless a group of ``ACCEPTORS`` is named.

    Raises
    ------
    LigandError
        Nothing takes a proton, or no such group is there.
    """
    return _shifted(ligand, ACCEPTORS, group, +1)


def deprotonated_smiles(ligand: Ligand, *, group: str | None = None) -> str:
    """Return the SMILES with one proton less, from the strongest acid unless a group of ``DONORS`` is named.

    Raises
    ------
    LigandError
        Nothing gives a proton, or no such group is there.
    """
    return _shifted(ligand, DONORS, group, -1)


def _shifted(ligand: Ligand, sites: tuple[ProtonSite, ...], group: str | None, protons: int) -> str:
    if group is not None and group not in {site.name for site in sites}:
        raise LigandError(f"no group is called {group!r}. {did_you_mean(group, (site.name for site in sites))}")
    if len(ligand.components) > 1:
        raise LigandError(f"{ligand.name} is an ion pair; shift the proton in each of its ions by itself")
    mol = parse_smiles(ligand.smiles)
    found = {site.name: index for site in sites for index in [_first_match(mol, site)] if index is not None}
    verb = "takes" if protons > 0 else "gives"
    if not found:
        raise LigandError(f"{ligand.name} has no group that {verb} a proton")
    if group is not None and group not in found:
        raise LigandError(f"{ligand.name} has no {group}; what {verb} a proton there: {', '.join(found)}")
    return _with_protons(mol, found[group or next(iter(found))], protons)


def _first_match(mol: "Mol", site: ProtonSite) -> int | None:
    from rdkit import Chem

    pattern = Chem.MolFromSmarts(site.smarts)
    place = next(atom.GetIdx() for atom in pattern.GetAtoms() if atom.GetAtomMapNum() == 1)
    matches = mol.GetSubstructMatches(pattern)
    return int(matches[0][place]) if matches else None


def _with_protons(mol: "Mol", index: int, protons: int) -> str:
    from rdkit import Chem

    changed = Chem.Mol(mol)
    atom = changed.GetAtomWithIdx(index)
    hydrogens = atom.GetTotalNumHs() + protons
    atom.SetNoImplicit(True)  # noqa: FBT003  (Boost.Python takes no keyword)
    atom.SetNumExplicitHs(hydrogens)
    atom.SetFormalCharge(atom.GetFormalCharge() + protons)
    Chem.SanitizeMol(changed)
    return canonical_smiles(changed)
