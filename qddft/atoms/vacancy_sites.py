"""Which atoms may leave a slab together."""

import re
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from qddft.atoms.ions import B_CATIONS, FORMAL_CHARGES, HALIDES
from qddft.core.errors import StructureError
from qddft.core.suggest import did_you_mean

if TYPE_CHECKING:
    from ase import Atoms

# first shells of the aristotype in units of the cation distance a: Pb-X at 0.50 (next 1.12), A-X at 0.71 (next 1.22)
_B_X_REACH = 0.75
_A_X_REACH = 0.95


def parse_species(species: str, slab: "Atoms", layers: np.ndarray) -> tuple[str, ...]:
    """Return the symbols of a vacancy, cation first: ``("Br",)``, ``("Cs", "Br")``, ``("Pb", "Br", "Br")``.

    Parameters
    ----------
    species
        A symbol, or a neutral group as ``CsBr`` or ``PbBr2``; ``X`` stands for the halide if the slab has only one.
    slab, layers
        The slab and the layer of every atom, 0 for ligand atoms.

    Raises
    ------
    StructureError
        The slab does not hold the atoms, or the group is neither AX nor BX2.
    """
    held = sorted(set(np.array(slab.get_chemical_symbols())[layers > 0].tolist()))
    halides = [symbol for symbol in held if symbol in HALIDES]
    pieces = re.fullmatch(r"(?:V_)?([A-Z][a-z]?)(?:([A-Z][a-z]?)(2?))?", species.strip())
    if not pieces:
        raise StructureError(f"vacancy {species!r}: give an element ({', '.join(held)}) or a group (CsX, PbX2).")
    first, second, number = pieces.groups()
    if "X" in (first, second):
        if len(halides) != 1:
            raise StructureError(f"vacancy {species!r}: X is not one halide here; name one of {', '.join(halides)}.")
        first, second = (halides[0] if symbol == "X" else symbol for symbol in (first, second))
    symbols = (first,) if second is None else (first, *([second] * (2 if number else 1)))
    missing = [symbol for symbol in symbols if symbol not in held]
    if missing:
        hint = did_you_mean(missing[0], held)
        raise StructureError(
            f"no {missing[0]!r} in the slab, which holds {', '.join(held)}; ligand atoms are not counted. {hint}"
        )
    if foreign := [symbol for symbol in symbols if symbol not in FORMAL_CHARGES]:
        raise StructureError(
            f"vacancy {species!r}: {foreign[0]} belongs to a molecular cation of the slab; only single ions "
            f"({', '.join(symbol for symbol in held if symbol in FORMAL_CHARGES)}) and their groups can be removed."
        )
    if len(symbols) > 1 and (sum(FORMAL_CHARGES[symbol] for symbol in symbols) != 0 or symbols[0] in HALIDES):
        raise StructureError(f"vacancy {species!r}: a group is neutral and names the cation first, as CsX or PbX2.")
    return symbols


def candidate_sets(slab: "Atoms", layers: np.ndarray, parts: tuple[str, ...]) -> list[tuple[int, ...]]:
    """Return all sets of neighboring slab atoms of the given kinds, the cation first.

    Parameters
    ----------
    slab, layers
        The slab and the layer of every atom, 0 for ligand atoms.
    parts
        From ``parse_species``.

    Raises
    ------
    StructureError
        No such neighbors.
    """
    symbols = np.array(slab.get_chemical_symbols())
    firsts = [int(i) for i in np.flatnonzero((symbols == parts[0]) & (layers > 0))]
    if len(parts) == 1:
        return [(index,) for index in firsts]
    halides = np.flatnonzero((symbols == parts[1]) & (layers > 0))
    reach = (_B_X_REACH if parts[0] in B_CATIONS else _A_X_REACH) * _cation_distance(slab, layers)
    sets = []
    for index in firsts:
        apart = slab.get_distances(index, halides, mic=True)
        near = [int(i) for i in halides[apart < reach]]
        sets += [(index, *group) for group in combinations(near, len(parts) - 1)]
    if not sets:
        raise StructureError(f"no {''.join(parts)} neighbors within {reach:.1f} Angstrom in the slab.")
    return sets


def mirror_partner(
    slab: "Atoms", layers: np.ndarray, permutations: np.ndarray, members: tuple[int, ...]
) -> tuple[int, ...]:
    """Return the equivalent atoms at the other face, the laterally nearest ones.

    Raises
    ------
    StructureError
        No symmetry operation exchanges the faces, or the atoms lie on the middle plane.
    """
    own = layers > 0
    turned = layers.max() + 1 - layers
    exchanging = [p for p in permutations if (layers[p][own] == turned[own]).all()]
    if not exchanging:
        raise StructureError(
            'faces="both": no symmetry operation exchanges the two faces (held layers, a ligand on one face, or two '
            'different terminations); use faces="one".'
        )
    images = {tuple(int(i) for i in p[list(members)]) for p in exchanging}
    apart = [image for image in images if not set(image) & set(members)]
    if not apart:
        raise StructureError(
            f'faces="both": atom {members[0]} lies on the middle plane and has no partner; leave its layer out.'
        )
    return min(apart, key=lambda image: (round(_lateral_distance(slab, members[0], image[0]), 3), image))


def _lateral_distance(slab: "Atoms", first: int, second: int) -> float:
    """Return the distance between two atoms in the plane of the slab, Angstrom."""
    vector = slab.get_distance(first, second, mic=True, vector=True)
    return float(np.hypot(vector[0], vector[1]))


def _cation_distance(slab: "Atoms", layers: np.ndarray) -> float:
    """Return the pseudo-cubic lattice constant: twice the median of the shortest B-X distances, Angstrom."""
    symbols = np.array(slab.get_chemical_symbols())
    leads = np.flatnonzero(np.isin(symbols, B_CATIONS) & (layers > 0))
    halides = np.flatnonzero(np.isin(symbols, HALIDES) & (layers > 0))
    if not len(leads) or not len(halides):
        raise StructureError("the slab has no Pb-X pair, from which the reach of a group would follow.")
    shortest = [slab.get_distances(int(lead), halides, mic=True).min() for lead in leads]
    return 2.0 * float(np.median(shortest))
