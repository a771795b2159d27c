"""Which atoms of a molecule bind to a lead-halide surface, found by functional group.

A group is a SMARTS pattern whose atoms with map numbers 1, 2, 3 are the binding atoms. Patterns are tried from the
strongest binding group to the weakest; an atom belongs to the first group that claims it. The order is a rule of
thumb (charged oxygen and sulfur, then neutral nitrogen, then neutral oxygen, then cations, which sit on halides);
it decides only which anchor is the default.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any, Literal

from qddft.core.errors import LigandError

if TYPE_CHECKING:
    from rdkit.Chem import Mol

Role = Literal["donor", "cation", "hydrogen-bond"]
Order = Literal["pair first", "atom first", "atoms only"]


@dataclass(frozen=True)
class AnchorKind:
    """One functional group.

    Attributes
    ----------
    name
        Word used in messages and records.
    smarts
        Pattern; mapped atoms bind.
    role
        ``donor``: a lone pair for Pb or Cs; ``cation``: hydrogen-bonds to halides and fits an A site;
        ``hydrogen-bond``: binds to a halide through its proton only.
    order
        Two binding atoms of one group may hold the surface together: as the first choice, after single atoms, or never.
    """

    name: str
    smarts: str
    role: Role
    order: Order = "pair first"


KINDS: tuple[AnchorKind, ...] = (
    AnchorKind("carboxylate", "[CX3](=[OX1:1])[OX1-:2]", "donor"),
    AnchorKind("dithiocarbamate", "[CX3](=[SX1:1])[SX1-:2]", "donor"),
    AnchorKind("thiocarboxylate", "[CX3](=[OX1:1])[SX1-:2]", "donor"),
    AnchorKind("dithiophosphate", "[#15X4](=[SX1:1])[SX1-:2]", "donor"),
    AnchorKind("phosphate", "[#15X4;$(P(O)(O)(O)=O)](=[OX1:1])([OX1-:2])[OX1-:3]", "donor"),
    AnchorKind("phosphate", "[#15X4;$(P(O)(O)(O)=O)](=[OX1:1])[OX1-:2]", "donor"),
    AnchorKind("phosphonate", "[#15X4](=[OX1:1])([OX1-:2])[OX1-:3]", "donor"),
    AnchorKind("phosphonate", "[#15X4](=[OX1:1])[OX1-:2]", "donor"),
    AnchorKind("sulfonate", "[#16X4](=[OX1:1])(=[OX1:2])[OX1-:3]", "donor"),
    AnchorKind("sulfinate", "[#16X3](=[OX1:1])[OX1-:2]", "donor"),
    AnchorKind("pseudohalide", "[$([SX1-]C#N),$([SX1]=C=[N-]):1]", "donor"),
    AnchorKind("nitrogen anion", "[NX1-,NX2-:1]", "donor"),
    AnchorKind("thiolate", "[#16X1-:1][#6;!$(C#N)]", "donor"),
    AnchorKind("selenolate", "[SeX1-:1]", "donor"),
    AnchorKind("nitrate", "[NX3+](=[OX1:1])([OX1-:2])[OX1-:3]", "donor"),
    AnchorKind("nitroxide", "[OX1v1+0:1][NX3]", "donor"),
    AnchorKind("alkoxide", "[OX1-:1][#6]", "donor"),
    AnchorKind("amidine", "[NX2+0:1]=[CX3][NX3+0]", "donor", "atoms only"),
    AnchorKind("primary amine", "[NX3H2+0:1][#6;!$([#6]=[O,S,N])]", "donor"),
    AnchorKind(
        "amine", "[NX3H1+0,NX3H0+0;!$([#7][#6]=[O,S,N]);!$([#7][#16](=O)=O);!$([#7][OX1]):1]([#6])[#6]", "donor"
    ),
    AnchorKind("ammonia", "[NX3H3+0:1]", "donor"),
    AnchorKind("imine", "[NX2H0,NX2H1;+0:1]=[#6;!$(C(N)N);!$(C=[O,S])]", "donor"),
    AnchorKind("pyridine", "[nX2H0+0:1]", "donor"),
    AnchorKind("phosphine oxide", "[#15X4;!$([#15][OX2H1])]=[OX1:1]", "donor"),
    AnchorKind("phosphine chalcogenide", "[#15X4]=[S,Se;X1:1]", "donor"),
    AnchorKind("phosphine", "[PX3+0:1]([#6])([#6])[#6]", "donor"),
    AnchorKind("phosphonic acid", "[#15X4](=[OX1:1])[OX2H1:2]", "donor", "atom first"),
    AnchorKind("sulfonic acid", "[#16X4](=[OX1:1])(=[OX1:2])[OX2H1]", "donor", "atom first"),
    AnchorKind("sulfoxide", "[#16X3]=[OX1:1]", "donor"),
    AnchorKind("carboxylic acid", "[CX3](=[OX1:1])[OX2H1:2]", "donor", "atom first"),
    AnchorKind("thiol", "[SX2H1:1]", "donor"),
    AnchorKind("selenol", "[SeX2H1:1]", "donor"),
    AnchorKind("amide", "[CX3](=[OX1:1])[NX3]", "donor"),
    AnchorKind("N-oxide", "[#7+;!$([#7+]=O)][OX1-:1]", "donor"),
    AnchorKind("carbonyl", "[CX3]=[OX1:1]", "donor"),
    AnchorKind("thiocarbonyl", "[CX3]=[SX1:1]", "donor"),
    AnchorKind("isocyanate", "[NX2+0:1]=C=[O,S]", "donor"),
    AnchorKind("nitrile", "[CX2]#[NX1:1]", "donor"),
    AnchorKind("sulfone", "[#16X4](=[OX1:1])=[OX1:2]", "donor", "atom first"),
    AnchorKind("nitro", "[#6][NX3+](=[OX1:1])[OX1-:2]", "donor", "atom first"),
    AnchorKind("alcohol", "[OX2H1:1][#6]", "donor"),
    AnchorKind("hydroxyl", "[OX2H1:1][!#6;!#7;!#15;!#16]", "donor"),
    AnchorKind("water", "[OX2H2:1]", "donor"),
    AnchorKind("thioether", "[SX2H0:1]", "donor"),
    AnchorKind("thiophene", "[sX2:1]", "donor"),
    AnchorKind("selenoether", "[SeX2H0:1]", "donor"),
    AnchorKind("ether", "[OX2H0:1]([#6;!$(C=O)])[#6;!$(C=O)]", "donor"),
    AnchorKind("carbon monoxide", "[C-:1]#[O+]", "donor"),
    AnchorKind("hexafluorophosphate", "[PX6-]([F:1])([F:2])([F:3])([F:4])([F:5])[F:6]", "donor", "atom first"),
    AnchorKind("tetrafluoroborate", "[BX4-]([F:1])([F:2])([F:3])[F:4]", "donor", "atom first"),
    AnchorKind("fluoroanion", "[FX1:1][!#6;-]", "donor"),
    AnchorKind("metal halide", "[F,Cl,Br,I;X1+0:1][Al,Ag,Bi,Cd,Cu,Ga,Ge,Hg,In,Mn,Pb,Sb,Sn,Zn]", "donor"),
    AnchorKind("halide", "[F-,Cl-,Br-,I-;X0:1]", "donor"),
    AnchorKind("hydroxide", "[OX1H1-:1]", "donor"),
    AnchorKind("oxoanion", "[OX1-:1]", "donor"),
    AnchorKind("guanidinium", "[CX3](=[NX3+:1])([NX3+0:2])[NX3+0:3]", "cation", "atom first"),
    AnchorKind("amidinium", "[CX3](=[NX3+:1])[NX3+0:2]", "cation", "atom first"),
    AnchorKind("ammonium", "[NX4+;!H0:1]", "cation"),
    AnchorKind("quaternary ammonium", "[NX4H0+;!$([N+][O-]):1]", "cation"),
    AnchorKind("pyridinium", "[n+;!$([n+][O-]):1]", "cation"),
    AnchorKind("iminium", "[NX3+;!$([N+][O-]):1]=[#6]", "cation"),
    AnchorKind("oxonium", "[OX3+;!H0:1]", "cation"),
    AnchorKind("proton", "[#1X0+:1]", "cation"),
    AnchorKind("phosphonium", "[PX4+;!$([P+][O-]):1]", "cation"),
    AnchorKind("sulfonium", "[SX3+;!$([S+][O-]):1]", "cation"),
    AnchorKind("alkali ion", "[Li+,Na+,K+,Rb+,Cs+;X0:1]", "cation"),
    AnchorKind("hydrogen halide", "[F,Cl,Br,I;H1;+0:1]", "hydrogen-bond"),
)

ACROSS = " + "  # joins the names of two groups that bind together
_ROLES = {kind.name: kind.role for kind in KINDS}
_GIVE_BY_HAND = (
    "give the anchors by hand: write the binding atoms with map numbers in the SMILES, for instance "
    "get_ligand('[O:1]=S1CCCC1'), atoms with the same number bind together"
)


def role_of(kind: str) -> Role:
    """Return how an entry of ``Ligand.anchor_kinds`` binds; groups given by hand and pairs of groups are donors."""
    return _ROLES.get(kind, "donor")


def two_anchors(named: Sequence[tuple[tuple[int, ...], str]], *, bridging: bool) -> list[tuple[tuple[int, ...], str]]:
    """Return which two anchors a mode with two takes, best first: within one group, or one of each of two groups.

    Between two surface atoms a molecule with two equal groups lies with one on each, as a diacid does; around one
    surface atom, where the groups differ, and where another group is stronger, the two atoms of one group go first.

    Parameters
    ----------
    named
        Anchor groups with the names of their functional groups, best first.
    bridging
        Between two surface atoms, not around one.
    """
    pairs = [item for item in named if len(item[0]) == 2]
    within = [item for item in pairs if ACROSS not in item[1]][:1]
    across = [item for item in pairs if ACROSS in item[1]]
    equal = [item for item in across if len(set(item[1].split(ACROSS))) == 1]
    if within and equal and _rank(equal[0][1].split(ACROSS)[0]) > _rank(within[0][1]):
        # two esters do not go before the phosphate of a lecithin
        equal = []
    chosen = [*equal[:1], *within, *across[:1]] if bridging else [*within, *across[:1]]
    return [(group, role_of(kind)) for group, kind in dict.fromkeys(chosen)]


def _rank(kind: str) -> int:
    """Return the place of a functional group in the list of strengths; last for groups given by hand."""
    names = [known.name for known in KINDS]
    return names.index(kind) if kind in names else len(names)


def find_anchors(mol: "Mol", name: str) -> tuple[tuple[tuple[int, ...], ...], tuple[str, ...]]:
    """Return anchor groups and the name of the functional group of each, best first.

    Parameters
    ----------
    mol
        RDKit molecule; map numbers, if any, mark anchors given by hand.
    name
        Name of the ligand for the message.

    Raises
    ------
    LigandError
        No atom can bind.
    """
    found = _by_hand(mol) or find_groups(mol)
    if not found:
        raise LigandError(f"{name} has no group that is known to bind to a surface; {_GIVE_BY_HAND}")
    return tuple(group for group, _ in found), tuple(kind for _, kind in found)


def _by_hand(mol: "Mol") -> list[tuple[tuple[int, ...], str]]:
    numbered: dict[int, list[int]] = {}
    for atom in mol.GetAtoms():
        if atom.GetAtomMapNum():
            numbered.setdefault(atom.GetAtomMapNum(), []).append(atom.GetIdx())
    found: list[tuple[tuple[int, ...], str]] = []
    for number in sorted(numbered):
        found.extend((group, "by hand") for group in _combinations(numbered[number], "pair first"))
    return found


def find_groups(mol: "Mol") -> list[tuple[tuple[int, ...], str]]:
    """Return binding groups and the name of their functional group, best first; empty if there are none.

    Pairs of the first atoms of two donor groups of one molecule follow last, named like ``thiol + alcohol``: a diamine
    can chelate, a diacid can bridge.
    """
    from rdkit import Chem

    claimed: set[int] = set()
    found: list[tuple[tuple[int, ...], str]] = []
    donors: list[tuple[int, str]] = []
    for kind in KINDS:
        pattern = Chem.MolFromSmarts(kind.smarts)
        for match in mol.GetSubstructMatches(pattern):
            binding = _mapped(pattern, match)
            if claimed.isdisjoint(binding):
                claimed.update(binding)
                found.extend((group, kind.name) for group in _combinations(binding, kind.order))
                donors.extend((index, kind.name) for index in binding[:1] if kind.role == "donor")
    return found + _across(mol, donors)


def _across(mol: "Mol", donors: list[tuple[int, str]]) -> list[tuple[tuple[int, ...], str]]:
    from rdkit import Chem

    part_of = {index: number for number, part in enumerate(Chem.GetMolFrags(mol)) for index in part}
    return [
        ((first, second), f"{one}{ACROSS}{other}")
        for (first, one), (second, other) in combinations(donors, 2)
        if part_of[first] == part_of[second]
    ]


def _mapped(pattern: Any, match: tuple[int, ...]) -> list[int]:
    numbered = [(atom.GetAtomMapNum(), index) for atom, index in zip(pattern.GetAtoms(), match, strict=True)]
    return [index for number, index in sorted(numbered) if number]


def _combinations(binding: list[int], order: Order) -> list[tuple[int, ...]]:
    """Return pairs and single atoms, keeping within each the order in which the atoms were named."""
    single = [(index,) for index in binding]
    if order == "atoms only":
        return [*single]
    pairs = list(combinations(binding, 2))
    return [*pairs, *single] if order == "pair first" else [*single, *pairs]
