"""Valence electrons of the recommended PAW data sets."""

from typing import TYPE_CHECKING

from qddft.core.errors import StructureError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ase import Atoms

# ZVAL of the PBE PAW sets; source: pyiron-resources vasp/potentials/potentials_vasp.csv, which lists the headers of the
# distributed files. The sets are Cs_sv and Pb_d, the plain ones of the other elements of perovskites and ligands, and
# for the rest what pymatgen's MPScanRelaxSet takes (Li_sv, Na_pv, K_sv, Rb_sv, Mg_pv, Ca_sv, Sr_sv, Ba_sv, Ge_d, Sn_d,
# In_d, Mn_pv, Cu_pv, else the plain one).
VALENCE_ELECTRONS = {
    "H": 1,
    "Li": 3,
    "B": 3,
    "C": 4,
    "N": 5,
    "O": 6,
    "F": 7,
    "Na": 7,
    "Mg": 8,
    "Al": 3,
    "Si": 4,
    "P": 5,
    "S": 6,
    "Cl": 7,
    "K": 9,
    "Ca": 10,
    "Mn": 13,
    "Cu": 17,
    "Zn": 12,
    "Ge": 14,
    "As": 5,
    "Se": 6,
    "Br": 7,
    "Rb": 9,
    "Sr": 10,
    "Ag": 11,
    "Cd": 12,
    "In": 13,
    "Sn": 14,
    "Sb": 5,
    "Te": 6,
    "I": 7,
    "Cs": 9,
    "Ba": 10,
    "Pb": 14,
    "Bi": 5,
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
