"""Molecules from files: bonds and charges from SDF, MOL, MOL2 and SMILES, perceived from coordinates for all else."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from qddft.atoms.molecule import in_written_order
from qddft.atoms.smiles import check_elements
from qddft.core.errors import LigandError

if TYPE_CHECKING:
    from ase import Atoms
    from rdkit.Chem import Mol

# the many readers of ASE have no common error for a damaged file
_READER_ERRORS = (
    OSError,
    ValueError,
    LookupError,
    ArithmeticError,
    AssertionError,
    AttributeError,
    RuntimeError,
    TypeError,
    StopIteration,
    EOFError,
)
_WITH_BONDS = (".sdf", ".mol")
SMILES_FILES = (".smi", ".smiles")
_READABLE = ".sdf, .mol, .mol2, .smi, .xyz, .extxyz, .pdb, .cif, POSCAR, .gen, .traj or .json"


def read_molecule(path: Path, *, charge: int | None = None) -> "tuple[Mol, np.ndarray | None]":
    """Read one molecule.

    Parameters
    ----------
    path
        SDF, MOL, MOL2, or anything ASE reads.
    charge
        Total charge for files without bonds, e; neutral if not given.

    Returns
    -------
    tuple
        The RDKit molecule with implicit hydrogens, atoms in canonical order, and the coordinates of all atoms,
        hydrogens last in RDKit's order, shape (n_atoms, 3), Angstrom; ``None`` for a flat drawing.

    Raises
    ------
    LigandError
        The file is missing, unreadable, holds no or several molecules, or no bonds fit its coordinates and charge.
    """
    if not path.is_file():
        raise LigandError(f"there is no structure file {str(path)!r}; give an existing file, a name or a SMILES")
    suffix = path.suffix.lower()
    if suffix == ".mol2":
        return _canonical(_from_mol2(path))
    return _canonical(_from_sdf(path) if suffix in _WITH_BONDS else _from_coordinates(path, charge or 0))


def read_smiles(path: Path) -> str:
    """Return the SMILES of a file with one line: a SMILES and, if there is one, a name after it.

    Raises
    ------
    LigandError
        The file is missing or unreadable, or holds no or several molecules.
    """
    if not path.is_file():
        raise LigandError(f"there is no structure file {str(path)!r}; give an existing file, a name or a SMILES")
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise LigandError(f"{path.name} cannot be read as text: {error}") from error
    found = [line.split()[0] for line in lines if line.strip() and not line.lstrip().startswith("#")]
    if len(found) != 1:
        raise LigandError(f"{path.name} holds {len(found)} molecules; give one file for each ligand")
    return found[0]


def _from_mol2(path: Path) -> "Mol":
    from rdkit import Chem, rdBase

    text = path.read_text(encoding="utf-8", errors="replace")
    count = text.count("@<TRIPOS>MOLECULE")
    if count != 1:
        raise LigandError(f"{path.name} holds {count} molecules; give one file for each ligand")
    with rdBase.BlockLogs():
        mol = Chem.MolFromMol2Block(text, removeHs=False)
    if mol is None:
        raise LigandError(f"{path.name}: RDKit cannot make sense of this MOL2 block; give an SDF, an xyz or a SMILES")
    check_elements(mol, path.name)
    return mol


def _from_sdf(path: Path) -> "Mol":
    from rdkit import Chem, rdBase

    text = path.read_text(encoding="utf-8", errors="replace")
    with rdBase.BlockLogs():
        blocks = [block for block in text.split("$$$$") if block.strip()]
        if len(blocks) > 1:
            raise LigandError(f"{path.name} holds {len(blocks)} molecules; give one file for each ligand")
        mol = Chem.MolFromMolBlock(text, removeHs=False) if blocks else None
    if mol is None:
        raise LigandError(f"{path.name} is not a valid MOL/SDF block; write it again, or give an xyz file or a SMILES")
    check_elements(mol, path.name)
    return mol


def _from_coordinates(path: Path, charge: int) -> "Mol":
    from rdkit import Chem, rdBase
    from rdkit.Chem import rdDetermineBonds

    mol = _bare_molecule(path)
    check_elements(mol, path.name)
    with rdBase.BlockLogs():
        rdDetermineBonds.DetermineConnectivity(mol)
        parts = len(Chem.GetMolFrags(mol))
        if parts > 1:
            raise LigandError(
                f"{path.name} holds {parts} separate molecules (or broken bonds); give one molecule, or an ion pair "
                f"as SDF with formal charges"
            )
        try:
            rdDetermineBonds.DetermineBondOrders(mol, charge=charge)
        except ValueError as error:
            raise LigandError(
                f"no bond orders fit the coordinates of {path.name} with a total charge of {charge:+d}; give the right "
                f"charge (charge=...), all hydrogens, or an SDF with bonds"
            ) from error
        Chem.SanitizeMol(mol)
        Chem.AssignStereochemistryFrom3D(mol)
    return mol


def _bare_molecule(path: Path) -> "Mol":
    from ase.io import read
    from ase.io.formats import UnknownFileTypeError
    from rdkit import Chem

    try:
        frames = read(path, index=":", format=_format(path))
    except (UnknownFileTypeError, *_READER_ERRORS) as error:
        why = type(error).__name__ if isinstance(error, UnknownFileTypeError) else f"{type(error).__name__}: {error}"
        raise LigandError(
            f"{path.name} cannot be read as a structure ({why}); give {_READABLE}, or a SMILES"
        ) from error
    if len(frames) != 1:
        raise LigandError(f"{path.name} holds {len(frames)} structures; give one structure for each ligand")
    atoms = frames[0]
    if atoms.pbc.any():
        atoms = _whole(atoms)
    lines = (
        f"{symbol} {x:.8f} {y:.8f} {z:.8f}"
        for symbol, (x, y, z) in zip(atoms.get_chemical_symbols(), atoms.positions, strict=True)
    )
    return Chem.MolFromXYZBlock("\n".join([str(len(atoms)), "", *lines, ""]))


def _format(path: Path) -> str | None:
    """Return ASE's plain xyz reader for molecules: the comment line of an xyz file may hold anything."""
    if path.suffix.lower() == ".xyz" and "Lattice=" not in path.read_text(encoding="utf-8", errors="replace"):
        return "xyz"
    return None


def _whole(atoms: "Atoms") -> "Atoms":
    """Return a copy in which a molecule that crosses the border of its periodic box is in one piece."""
    from ase.neighborlist import natural_cutoffs, neighbor_list

    first, second, vectors = neighbor_list("ijD", atoms, natural_cutoffs(atoms, mult=1.1))
    positions = atoms.positions.copy()
    seen, stack = {0}, [0]
    while stack:
        index = stack.pop()
        for bond in np.flatnonzero(first == index):
            other = int(second[bond])
            if other not in seen:
                seen.add(other)
                stack.append(other)
                positions[other] = positions[index] + vectors[bond]
    copy = atoms.copy()
    copy.positions = positions
    return copy


def _canonical(full: "Mol") -> "tuple[Mol, np.ndarray | None]":
    from rdkit import Chem

    for atom in full.GetAtoms():
        atom.SetIntProp("_file_index", atom.GetIdx())
    bare = Chem.RemoveHs(full)
    mol, order = in_written_order(bare)
    if full.GetNumConformers() == 0 or not full.GetConformer().Is3D():
        return mol, None
    complete = Chem.AddHs(full, addCoords=True)
    coordinates = complete.GetConformer().GetPositions()
    heavy = [bare.GetAtomWithIdx(index).GetIntProp("_file_index") for index in order]
    hydrogens = [
        neighbor.GetIdx()
        for index in heavy
        for neighbor in complete.GetAtomWithIdx(index).GetNeighbors()
        if neighbor.GetAtomicNum() == 1 and neighbor.GetIdx() not in heavy
    ]
    positions = coordinates[heavy + hydrogens]
    return mol, positions - positions.mean(axis=0)
