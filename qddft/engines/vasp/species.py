"""One order of species for POSCAR, POTCAR, MAGMOM and POTCAR.spec."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from qddft.core.frozen import read_only

if TYPE_CHECKING:
    from ase import Atoms


def species_order(symbols: Sequence[str]) -> np.ndarray:
    """Return the permutation that groups atoms by element, integers, shape (n_atoms,).

    Elements follow each other by rising electronegativity, which is the order of pymatgen's input sets; atoms of one
    element keep their order. Entry i is the index, before sorting, of atom i of POSCAR.
    """
    from pymatgen.core import Element

    rank = {symbol: (float(Element(symbol).X), symbol) for symbol in set(symbols)}
    return read_only(sorted(range(len(symbols)), key=lambda index: rank[symbols[index]]))


def grouped(atoms: "Atoms") -> "Atoms":
    """Return a copy in the order of ``species_order``, labels and constraints included."""
    return atoms[species_order(atoms.get_chemical_symbols())]


def species_of(atoms: "Atoms") -> tuple[str, ...]:
    """Return the elements of grouped atoms, each once, in the order of POSCAR."""
    return tuple(dict.fromkeys(atoms.get_chemical_symbols()))
