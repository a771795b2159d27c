"""From RDKit molecules to ``Ligand`` and back."""

from typing import TYPE_CHECKING

import numpy as np

from qddft.atoms.anchors import ACROSS, find_anchors
from qddft.atoms.conformers import DEFAULT_PRUNE_RMS, default_count, rounded, search
from qddft.atoms.ligand import Ligand, connected_parts
from qddft.atoms.smiles import canonical_smiles, parse_smiles
from qddft.atoms.stereo import specified
from qddft.core.errors import LigandError

if TYPE_CHECKING:
    from rdkit.Chem import Atom, Mol

_NON_METALS = frozenset({1, 5, 6, 7, 8, 9, 14, 15, 16, 17, 33, 34, 35, 52, 53})
# widest distance of two atoms that hold one surface together: O-O is 2.2 in a carboxylate, F-F 2.3 (cis) and
# 3.3 (trans) in PF6, S-S 3.0 in a dithiocarbamate, Angstrom
_WIDEST_PAIR = 3.1


def ligand_from_smiles(
    smiles: str, *, name: str | None = None, seed: int = 0, charge: int | None = None, source: str = "SMILES"
) -> Ligand:
    """Build a ligand in its lowest conformer from any SMILES.

    Parameters
    ----------
    smiles
        Atoms with map numbers are anchors given by hand; atoms with equal numbers bind together.
    name
        Canonical SMILES if not given.
    seed
        Seed of the conformer search.
    charge
        Formal charge that is expected, e.
    source
        Where the ligand is taken from.

    Raises
    ------
    LigandError
        The SMILES does not parse, contradicts ``charge``, is several molecules that are not an ion pair, cannot be
        embedded, or has nothing that binds.
    """
    mol, _ = in_written_order(parse_smiles(smiles))
    return ligand_from_mol(mol, name=name, seed=seed, charge=charge, source=source)


def in_written_order(mol: "Mol") -> "tuple[Mol, tuple[int, ...]]":
    """Return the molecule as read from its canonical SMILES, so that every spelling gives the same coordinates.

    Returns
    -------
    tuple
        The molecule, with the map numbers of ``mol``, and the index in ``mol`` of each of its atoms.
    """
    from rdkit import Chem

    bare = Chem.Mol(mol)
    for atom in bare.GetAtoms():
        atom.SetAtomMapNum(0)
    written = parse_smiles(Chem.MolToSmiles(bare))
    properties = bare.GetPropsAsDict(includePrivate=True, includeComputed=True)
    order = tuple(int(index) for index in properties["_smilesAtomOutputOrder"])
    for atom, index in zip(written.GetAtoms(), order, strict=True):
        atom.SetAtomMapNum(mol.GetAtomWithIdx(index).GetAtomMapNum())
    return written, order


def ligand_from_mol(
    mol: "Mol",
    *,
    name: str | None = None,
    smiles: str | None = None,
    seed: int = 0,
    charge: int | None = None,
    source: str = "",
    positions: np.ndarray | None = None,
) -> Ligand:
    """Build a ligand from an RDKit molecule with implicit hydrogens.

    Parameters
    ----------
    mol
        Its atom order is kept; hydrogens follow.
    name, smiles
        Canonical SMILES if not given; ``smiles`` must list the atoms in the order of ``mol``.
    seed, charge, source
        As ``ligand_from_smiles``.
    positions
        Coordinates of all atoms, hydrogens last in RDKit's order, shape (n_atoms, 3), Angstrom; searched for if not
        given.

    Raises
    ------
    LigandError
        As ``ligand_from_smiles``.
    """
    from rdkit import Chem

    label = name or canonical_smiles(mol)
    total = Chem.GetFormalCharge(mol)
    if charge is not None and charge != total:
        raise LigandError(
            f"{label} has the formal charge {total:+d} by its SMILES {canonical_smiles(mol)}, not {charge:+d}; "
            f"change the SMILES (for instance C(=O)[O-] against C(=O)O) or leave charge out"
        )
    _check_components(mol, label)
    full, note = _with_hydrogens(mol)
    anchors, kinds = find_anchors(mol, label)
    if positions is None:
        n = default_count(full.GetNumAtoms())
        positions = search(full, n, seed=seed, prune_rms=DEFAULT_PRUNE_RMS, name=label)[0].positions
        conformer: int | None = 0
    else:
        conformer = None
    anchors, kinds = _close_enough(anchors, kinds, positions)
    return Ligand(
        name=label,
        formula=hill_formula(full),
        charge=total,
        smiles=smiles or canonical_smiles(mol),
        anchors=anchors,
        anchor_kinds=kinds,
        symbols=tuple(atom.GetSymbol() for atom in full.GetAtoms()),
        positions=rounded(positions),
        formal_charges=tuple(atom.GetFormalCharge() for atom in full.GetAtoms()),
        bonds=_bonds(full),
        unpaired=sum(atom.GetNumRadicalElectrons() for atom in full.GetAtoms() if not _is_metal(atom)),
        source=source,
        conformer=conformer,
        seed=seed,
        stereo=note,
    )


def mol_of(ligand: Ligand) -> "Mol":
    """Return the RDKit molecule of a ligand, hydrogens explicit, atoms in the ligand's order, without geometry."""
    full, _ = _with_hydrogens(parse_smiles(ligand.smiles))
    return full


def hill_formula(mol: "Mol") -> str:
    """Return the Hill formula without the charge."""
    from rdkit.Chem.rdMolDescriptors import CalcMolFormula

    return str(CalcMolFormula(mol)).split("+")[0].split("-")[0]


def _with_hydrogens(mol: "Mol") -> "tuple[Mol, str]":
    from rdkit import Chem

    definite, note = specified(mol)
    for atom in definite.GetAtoms():
        atom.SetAtomMapNum(0)
    return Chem.AddHs(definite), note


def _is_metal(atom: "Atom") -> bool:
    """Tell the elements for which RDKit takes a lone pair or d electrons for radicals; they count as closed shells."""
    return atom.GetAtomicNum() not in _NON_METALS


def _bonds(mol: "Mol") -> tuple[tuple[int, int, float], ...]:
    pairs = (
        (min(ends), max(ends), float(bond.GetBondTypeAsDouble()))
        for bond in mol.GetBonds()
        for ends in [(bond.GetBeginAtomIdx(), bond.GetEndAtomIdx())]
    )
    return tuple(sorted(pairs))


def _check_components(mol: "Mol", label: str) -> None:
    pairs = frozenset((bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()) for bond in mol.GetBonds())
    parts = connected_parts(mol.GetNumAtoms(), pairs)
    if len(parts) == 1:
        return
    charges = [sum(mol.GetAtomWithIdx(i).GetFormalCharge() for i in part) for part in parts]
    if sum(charges) != 0 or 0 in charges:
        listed = ", ".join(f"{charge:+d}" for charge in charges)
        raise LigandError(
            f"{label} is {len(parts)} separate molecules with charges {listed}; several parts are one ligand only as a "
            f"neutral ion pair (every part charged, sum zero); attach other molecules one after the other"
        )


def _close_enough(
    anchors: tuple[tuple[int, ...], ...], kinds: tuple[str, ...], positions: np.ndarray
) -> tuple[tuple[tuple[int, ...], ...], tuple[str, ...]]:
    """Drop pairs that are too far apart to be one anchor, such as trans fluorines; pairs given by hand stay."""
    kept = [
        (group, kind)
        for group, kind in zip(anchors, kinds, strict=True)
        if len(group) == 1
        or kind == "by hand"
        or ACROSS in kind
        or float(np.linalg.norm(positions[group[0]] - positions[group[1]])) <= _WIDEST_PAIR
    ]
    return tuple(group for group, _ in kept), tuple(kind for _, kind in kept)
