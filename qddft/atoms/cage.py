"""Molecular cations on the A site: their shape, how they are turned in the cage, and crystals that hold them."""

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from qddft.atoms.ions import A_CATIONS, B_CATIONS
from qddft.atoms.radii import MolecularCation, molecular_cations
from qddft.core.errors import StructureError
from qddft.core.frozen import freeze_fields

if TYPE_CHECKING:
    from ase import Atoms

# symbol of a site whose molecule is put back later; ASE gives it the atomic number 0
DUMMY = "X"
_ORIENTATIONS = 96
_INORGANIC = (*A_CATIONS, *B_CATIONS, "Cl", "Br", "I")


@dataclass(frozen=True)
class Shape:
    """Atoms of a molecule around its center.

    Attributes
    ----------
    symbols
        Chemical symbols.
    offsets
        Positions from the center, Cartesian, shape (n_atoms, 3), Angstrom.
    """

    symbols: tuple[str, ...]
    offsets: np.ndarray

    def __post_init__(self) -> None:
        freeze_fields(self)


@cache
def shape_of(symbol: str) -> Shape:
    """Return the force-field geometry of a molecular cation, its centroid at the origin.

    RDKit ETKDG with a fixed seed, then MMFF94.

    Raises
    ------
    StructureError
        No molecular cation of that short name.
    """
    from rdkit import Chem
    from rdkit.Chem.rdDistGeom import EmbedMolecule
    from rdkit.Chem.rdForceFieldHelpers import MMFFOptimizeMolecule

    cation = _cation(symbol)
    molecule = Chem.AddHs(Chem.MolFromSmiles(cation.smiles))
    EmbedMolecule(molecule, randomSeed=7)
    MMFFOptimizeMolecule(molecule, maxIters=2000)
    positions = np.array(molecule.GetConformer().GetPositions())
    symbols = tuple(atom.GetSymbol() for atom in molecule.GetAtoms())
    return Shape(symbols, np.round(positions - positions.mean(axis=0), 6))


def fill_cages(crystal: "Atoms", cations: dict[int, str], seed: int) -> "Atoms":
    """Return the crystal with molecules in the place of some atoms.

    Each molecule is turned to the orientation, out of a seeded random set, in which its closest contact (in units of
    the van der Waals radii) is longest.

    Parameters
    ----------
    crystal
        Atoms, the ones to be replaced included.
    cations
        Index of the atom -> short name of the cation.
    seed
        Equal seeds give equal orientations.

    Raises
    ------
    StructureError
        An unknown cation.
    """
    filled = crystal.copy()
    del filled[sorted(cations)]
    for index, shape in turned_molecules(crystal, cations, seed).items():
        filled += _molecule(shape.symbols, crystal.positions[index] + shape.offsets)
    return filled


def turned_molecules(crystal: "Atoms", cations: dict[int, str], seed: int) -> dict[int, Shape]:
    """Return the molecule for each of the atoms that ``fill_cages`` replaces, turned as it is there.

    Raises
    ------
    StructureError
        An unknown cation.
    """
    generator = np.random.default_rng(seed)
    filled = crystal.copy()
    del filled[sorted(cations)]
    turned = {}
    for index in sorted(cations):
        shape = shape_of(cations[index])
        turned[index] = Shape(shape.symbols, _best_turn(filled, crystal.positions[index], shape, generator))
        filled += _molecule(shape.symbols, crystal.positions[index] + turned[index].offsets)
    return turned


def molecule_records(cations: list[str]) -> list[dict[str, Any]]:
    """Return how many molecules of each kind a crystal or slab holds, as kept in ``info["qddft"]["molecules"]``."""
    from collections import Counter

    records = []
    for symbol, count in sorted(Counter(cations).items()):
        cation = _cation(symbol)
        formula = _hill(shape_of(symbol).symbols)
        records.append(
            {"name": cation.name, "symbol": symbol, "formula": formula, "charge": cation.charge, "count": count}
        )
    return records


def collapse_molecules(crystal: "Atoms") -> tuple["Atoms", list[Shape]]:
    """Return the crystal with one dummy atom in the place of every molecule, and the molecules.

    ``arrays["molecule"]`` of the result numbers the molecules from 0; it is -1 for other atoms.

    Parameters
    ----------
    crystal
        A periodic crystal; molecules are the connected groups of atoms that are no ions of a lead-halide perovskite.
    """
    from ase import Atoms

    groups = _molecules(crystal)
    inside = {index for group in groups for index in group}
    kept = [index for index in range(len(crystal)) if index not in inside]
    reduced = crystal[kept]
    reduced.set_constraint()
    numbers = [-1] * len(kept)
    shapes = []
    for number, group in enumerate(groups):
        # the members may lie in different periodic images: follow them from the first one
        vectors = crystal.get_distances(group[0], list(group), mic=True, vector=True)
        center = vectors.mean(axis=0)
        shapes.append(Shape(tuple(crystal.symbols[index] for index in group), vectors - center))
        reduced += Atoms(DUMMY, positions=[crystal.positions[group[0]] + center])
        numbers.append(number)
    reduced.set_array("molecule", np.array(numbers, dtype=int))
    return reduced, shapes


def expand_molecules(reduced: "Atoms", shapes: list[Shape], turn: np.ndarray) -> "Atoms":
    """Return the structure with every dummy atom replaced by its molecule; other arrays are taken over from the dummy.

    Parameters
    ----------
    reduced
        Atoms with ``arrays["molecule"]``, for instance a slab cut from what ``collapse_molecules`` gave.
    shapes
        From ``collapse_molecules``.
    turn
        Rotation that the crystal went through since, rows times this matrix, shape (3, 3).
    """
    from ase import Atoms

    if not shapes:
        same = reduced.copy()
        del same.arrays["molecule"]
        return same
    full = Atoms(cell=reduced.cell, pbc=reduced.pbc)
    names = [name for name in reduced.arrays if name not in ("numbers", "positions", "molecule")]
    columns: dict[str, list[int]] = {name: [] for name in names}
    symbols: list[str] = []
    positions: list[np.ndarray] = []
    for index in range(len(reduced)):
        number = int(reduced.arrays["molecule"][index])
        shape = shapes[number] if number >= 0 else Shape((reduced.symbols[index],), np.zeros((1, 3)))
        symbols.extend(shape.symbols)
        positions.extend(reduced.positions[index] + shape.offsets @ turn)
        for name in names:
            columns[name].extend([int(reduced.arrays[name][index])] * len(shape.symbols))
    full += Atoms(symbols, positions=np.array(positions).reshape(-1, 3))
    for name in names:
        full.set_array(name, np.array(columns[name], dtype=int))
    return full


def held_molecules(reduced: "Atoms", shapes: list[Shape], crystal: "Atoms") -> list[dict[str, Any]]:
    """Return how many molecules of each kind a structure with dummy atoms holds, for ``info["qddft"]["molecules"]``.

    Names and charges are those recorded for the crystal; an unknown molecule on the A site is a cation of charge +1.
    """
    from collections import Counter

    known = {record["formula"]: record for record in crystal.info.get("qddft", {}).get("molecules", [])}
    counted = Counter(_hill(shapes[number].symbols) for number in reduced.arrays["molecule"].tolist() if number >= 0)
    unknown = {"charge": 1}
    return [
        {"name": formula, "symbol": formula} | known.get(formula, unknown) | {"formula": formula, "count": count}
        for formula, count in sorted(counted.items())
    ]


def _hill(symbols: tuple[str, ...]) -> str:
    """Return the Hill formula."""
    from ase.formula import Formula

    return str(Formula.from_list(list(symbols)).format("hill"))


def _cation(symbol: str) -> MolecularCation:
    """Look a molecular cation up."""
    known = molecular_cations()
    if symbol not in known:
        raise StructureError(f"no molecular cation {symbol!r}; known are {', '.join(known)}.")
    return known[symbol]


def _molecule(symbols: tuple[str, ...], positions: np.ndarray) -> "Atoms":
    """Return bare atoms."""
    from ase import Atoms

    return Atoms(list(symbols), positions=positions)


def _best_turn(crystal: "Atoms", center: np.ndarray, shape: Shape, generator: np.random.Generator) -> np.ndarray:
    """Return the offsets of the orientation with the longest closest contact, shape (n_atoms, 3), Angstrom."""
    from ase.data import atomic_numbers, vdw_radii
    from ase.geometry import get_distances
    from scipy.spatial.transform import Rotation

    own = np.array([vdw_radii[atomic_numbers[symbol]] for symbol in shape.symbols])
    others = np.array([vdw_radii[number] for number in crystal.numbers])
    turns = Rotation.random(_ORIENTATIONS, random_state=np.random.RandomState(int(generator.integers(2**31))))
    best, longest = shape.offsets, -np.inf
    for turn in turns.as_matrix():
        offsets = shape.offsets @ turn
        apart = get_distances(center + offsets, crystal.positions, cell=crystal.cell, pbc=crystal.pbc)[1]
        closest = float((apart / (own[:, None] + others[None, :])).min())
        if closest > longest:
            best, longest = offsets, closest
    return np.asarray(best)


def _molecules(crystal: "Atoms") -> list[tuple[int, ...]]:
    """Return the connected groups of atoms that are no ions, largest index last."""
    from ase.neighborlist import natural_cutoffs, neighbor_list
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    organic = ~np.isin(crystal.get_chemical_symbols(), _INORGANIC)
    if not organic.any():
        return []
    first, second = neighbor_list("ij", crystal, natural_cutoffs(crystal, mult=1.15))
    bonded = organic[first] & organic[second]
    links = coo_matrix((np.ones(bonded.sum()), (first[bonded], second[bonded])), shape=(len(crystal), len(crystal)))
    labels = connected_components(links, directed=False)[1]
    groups: dict[int, list[int]] = {}
    for index in np.flatnonzero(organic):
        groups.setdefault(int(labels[index]), []).append(int(index))
    return [tuple(group) for group in groups.values()]
