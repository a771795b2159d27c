"""Conformers: ETKDGv3 embeddings and stretched chains, relaxed and ranked by MMFF94, or UFF where MMFF94 has no terms.

ETKDGv3: Wang, Witek, Landrum and Riniker, J. Chem. Inf. Model. 60, 2044 (2020), as implemented in RDKit.
"""

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from qddft.atoms.geometry import is_sound
from qddft.atoms.ligand import Ligand, molecule_atoms
from qddft.core.errors import LigandError
from qddft.core.units import KCAL_PER_MOL_IN_EV

if TYPE_CHECKING:
    from ase import Atoms
    from rdkit.Chem import Mol

DEFAULT_COUNT = 8
MAX_ATOMS = 400
_MANY_ATOMS = 60  # molecules larger than this get fewer conformers, down to two: each costs its square
DEFAULT_PRUNE_RMS = 0.3
_MAX_STEPS = 5000
_REMEMBERED = 2048  # searches, some ten kB each
# conformers that differ by more are never compared atom by atom, kcal/mol
_SAME_ENERGY = 0.1


@dataclass(frozen=True)
class Conformer:
    """One relaxed geometry.

    Attributes
    ----------
    positions
        Shape (n_atoms, 3), Angstrom.
    energy
        Force-field energy, eV; its zero has no meaning.
    force_field
        ``MMFF94``, ``UFF`` or ``none`` (single atoms and stars of known shape).
    """

    positions: np.ndarray
    energy: float
    force_field: str


def conformers(
    ligand: Ligand, n: int | None = None, *, seed: int = 0, prune_rms: float = DEFAULT_PRUNE_RMS
) -> "tuple[Atoms, ...]":
    """Return up to ``n`` conformers sorted by force-field energy.

    Parameters
    ----------
    ligand
        Its atom order is kept.
    n
        Largest number returned; fewer if fewer are distinct. ``default_count`` if not given.
    seed
        Equal seeds give equal coordinates.
    prune_rms
        Conformers of equal energy whose heavy atoms differ by less after superposition are one, Angstrom.

    Returns
    -------
    tuple of Atoms
        Labelled like ``Ligand.atoms``; ``info["qddft"]`` tells conformer, seed, ``energy_eV`` and ``force_field``.

    Raises
    ------
    LigandError
        ``n`` or ``seed`` out of range, or RDKit cannot embed the molecule.
    """
    from qddft.atoms.molecule import mol_of

    mol = mol_of(ligand)
    found = search(
        mol, default_count(len(ligand)) if n is None else n, seed=seed, prune_rms=prune_rms, name=ligand.name
    )
    return tuple(_described(ligand, item, rank, seed) for rank, item in enumerate(found))


def ligand_with_conformer(ligand: Ligand, index: int, *, n: int | None = None, seed: int = 0) -> Ligand:
    """Return the ligand in conformer ``index`` of ``conformers(ligand, n, seed=seed)``.

    Raises
    ------
    LigandError
        There is no such conformer.
    """
    found = conformers(ligand, n, seed=seed)
    if not 0 <= index < len(found):
        raise LigandError(f"{ligand.name} has {len(found)} distinct conformers (0 to {len(found) - 1}), not {index}")
    return replace(ligand, positions=rounded(found[index].positions), conformer=index, seed=seed)


def default_count(n_atoms: int) -> int:
    """Return how many conformers are searched for: eight, and fewer for large molecules."""
    return max(2, min(DEFAULT_COUNT, DEFAULT_COUNT * _MANY_ATOMS**2 // n_atoms**2))


def rounded(positions: np.ndarray) -> tuple[tuple[float, float, float], ...]:
    """Return coordinates as plain numbers with 8 decimals, Angstrom; shape (n_atoms, 3) in."""
    return tuple((float(x), float(y), float(z)) for x, y, z in np.round(positions, 8) + 0.0)


def _described(ligand: Ligand, item: Conformer, rank: int, seed: int) -> "Atoms":
    entry = replace(ligand, conformer=rank, seed=seed).record(anchors=ligand.anchors[0])
    atoms = molecule_atoms(ligand.symbols, np.round(item.positions, 8), entry)
    atoms.info["qddft"] |= {"energy_eV": item.energy, "force_field": item.force_field}
    return atoms


def search(mol: "Mol", n: int, *, seed: int, prune_rms: float, name: str) -> list[Conformer]:
    """Return distinct conformers of a molecule with explicit hydrogens, lowest energy first.

    Raises
    ------
    LigandError
        As ``conformers``.
    """
    from rdkit import Chem

    if n < 1:
        raise LigandError(f"{name}: the number of conformers is {n}; ask for 1 or more")
    if not 0 <= seed < 2**31:
        raise LigandError(f"{name}: the seed is {seed}; it must lie between 0 and 2147483647")
    if mol.GetNumAtoms() > MAX_ATOMS:
        raise LigandError(
            f"{name} has {mol.GetNumAtoms()} atoms; conformers are searched up to {MAX_ATOMS}: cut its chains, or give "
            f"a structure file (xyz, sdf, mol), whose coordinates are kept"
        )
    return list(_searched(mol.ToBinary(Chem.PropertyPickleOptions.NoProps), n, seed, prune_rms, name))


@lru_cache(maxsize=_REMEMBERED)
def _searched(binary: bytes, n: int, seed: int, prune_rms: float, name: str) -> tuple[Conformer, ...]:
    """Search a molecule in RDKit's binary form; remembered, since ligands are read first and placed later."""
    from rdkit import Chem, rdBase

    from qddft.atoms.shapes import known_shape
    from qddft.atoms.stretching import stretched

    read: Any = Chem.Mol
    mol: Mol = read(binary)
    if len(Chem.GetMolFrags(mol)) > 1:
        return tuple(map(_fixed, _search_pair(mol, n, seed=seed, prune_rms=prune_rms, name=name)))
    shape = known_shape(mol)
    if shape is not None:
        return (_fixed(Conformer(shape, 0.0, "none")),)
    with rdBase.BlockLogs():
        copy = Chem.Mol(mol)
        _embed(copy, n, seed=seed, name=name)
        upright = stretched(copy)
        energies, force_field = _relax(copy)
        sound = [index for index in _distinct(copy, energies, prune_rms) if is_sound(copy, index)]
        kept = _shortened(sound, n, upright)
    if not kept:
        raise LigandError(
            f"{force_field} gives {name} a geometry with broken or overlapping atoms (an unusual coordination, or a "
            f"strained ring); give a structure file (xyz, sdf, mol) instead"
        )
    found = []
    for index in kept:
        positions = copy.GetConformer(index).GetPositions()
        energy = energies[index] * KCAL_PER_MOL_IN_EV
        found.append(_fixed(Conformer(positions - positions.mean(axis=0), energy, force_field)))
    return tuple(found)


def _fixed(found: Conformer) -> Conformer:
    """Return a geometry that nobody can change, since it is remembered."""
    found.positions.setflags(write=False)
    return found


def _shortened(ranked: list[int], n: int, upright: int | None) -> list[int]:
    """Keep the first ``n``, the stretched one among them where there is room for more than the lowest."""
    kept = ranked[:n]
    if upright in ranked[n:] and n > 1:
        kept[-1] = upright
    return kept


def _distinct(mol: "Mol", energies: list[float], prune_rms: float) -> list[int]:
    """Return the numbers of the distinct conformers, lowest energy first; equal atoms may be exchanged."""
    from rdkit import Chem
    from rdkit.Chem.rdMolAlign import GetBestRMS

    heavy = Chem.RemoveHs(mol)
    kept: list[int] = []
    for index in sorted(range(len(energies)), key=energies.__getitem__):
        close = (other for other in kept if abs(energies[other] - energies[index]) < _SAME_ENERGY)
        if all(GetBestRMS(Chem.Mol(heavy), heavy, index, other) >= prune_rms for other in close):
            kept.append(index)
    return kept


def _search_pair(mol: "Mol", n: int, *, seed: int, prune_rms: float, name: str) -> list[Conformer]:
    """Search each ion alone and dock the ions one after the other."""
    from rdkit import Chem

    from qddft.atoms.ion_pairs import Ion, docked, ion_of

    mapping: list[tuple[int, ...]] = []
    parts = Chem.GetMolFrags(mol, asMols=True, fragsMolAtomMapping=mapping)
    searched = [search(part, n, seed=seed, prune_rms=prune_rms, name=name) for part in parts]
    found = []
    for rank in range(min(n, max(len(items) for items in searched))):
        chosen = [items[min(rank, len(items) - 1)] for items in searched]
        ions = [ion_of(part, item.positions) for part, item in zip(parts, chosen, strict=True)]
        whole = ions[0]
        for ion in ions[1:]:
            placed = docked(whole, ion, seed)
            whole = Ion(
                *(
                    np.concatenate(pair)
                    for pair in ((whole.numbers, ion.numbers), (whole.positions, placed), (whole.charges, ion.charges))
                )
            )
        positions = np.empty_like(whole.positions)
        positions[np.concatenate(mapping)] = whole.positions
        force_field = max((item.force_field for item in chosen), key=len)
        found.append(Conformer(positions - positions.mean(axis=0), sum(item.energy for item in chosen), force_field))
    return found


def _embed(mol: "Mol", n: int, *, seed: int, name: str) -> None:
    from rdkit.Chem import rdDistGeom

    parameters: Any = rdDistGeom.ETKDGv3()
    # RDKit multiplies the seed by the conformer number, so that seed 0 would give the same geometry n times
    parameters.randomSeed = seed % (2**31 - 1) + 1
    parameters.numThreads = 1
    rdDistGeom.EmbedMultipleConfs(mol, n, parameters)
    if mol.GetNumConformers() == 0:
        parameters.useRandomCoords = True
        parameters.maxIterations = 20
        rdDistGeom.EmbedMultipleConfs(mol, n, parameters)
    if mol.GetNumConformers() == 0:
        raise LigandError(
            f"RDKit finds no geometry for {name}: the stereochemistry or rings may be impossible, or the element "
            f"unusual; give a structure file (xyz, sdf, mol) instead"
        )


def _relax(mol: "Mol") -> tuple[list[float], str]:
    """Relax all conformers in place and return their energies, kcal/mol."""
    from rdkit.Chem import rdForceFieldHelpers as force_fields

    if force_fields.MMFFHasAllMoleculeParams(mol):
        relaxed = force_fields.MMFFOptimizeMoleculeConfs(mol, maxIters=_MAX_STEPS)
        return [energy for _, energy in relaxed], "MMFF94"
    if force_fields.UFFHasAllMoleculeParams(mol):
        relaxed = force_fields.UFFOptimizeMoleculeConfs(mol, maxIters=_MAX_STEPS)
        return [energy for _, energy in relaxed], "UFF"
    return [0.0] * mol.GetNumConformers(), "none"
