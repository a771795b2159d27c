"""Valence electrons of the recommended PAW data sets."""

from typing import TYPE_CHECKING

from qddft.core.errors import StructureError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ase import Atoms

# ZVAL of the PBE PAW sets Cs_sv, Pb_d and the plain sets of the others; source: pyiron-resources
# vasp/potentials/potentials_vasp.csv, which lists the headers of the distributed files
VALENCE_ELECTRONS = {
    "H": 1,
    "C": 4,
    "N": 5,
    "O": 6,
    "F": 7,
    "P": 5,
    "S": 6,
    "Cl": 7,
    "Br": 7,
    "I": 7,
    "Cs": 9,
    "Pb": 14,
}


def n_valence_electrons(atoms: "Atoms | Iterable[str]", charge: int = 0) -> int:
    """Return the number of valence electrons, sum of ZVAL minus the charge.

    Parameters
    ----------
    atoms
        Atoms, or chemical symbols.
    charge
        Net charge of the cell, e.

    Raises
    ------
    StructureError
        An element for which no data set is listed.
    """
    symbols = list(atoms) if not hasattr(atoms, "get_chemical_symbols") else atoms.get_chemical_symbols()
    unknown = sorted({symbol for symbol in symbols if symbol not in VALENCE_ELECTRONS})
    if unknown:
        raise StructureError(
            f"no valence electron count for {', '.join(unknown)}; known are {', '.join(VALENCE_ELECTRONS)}."
        )
    return sum(VALENCE_ELECTRONS[symbol] for symbol in symbols) - charge
