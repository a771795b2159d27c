"""What tables as text lack and a file beside them says: the elements of the atoms, the Fermi level, the spins."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from qddft.core.errors import OutputError
from qddft.engines.vasp.read.dispatch import present, read_source
from qddft.engines.vasp.read.incar import read_incar
from qddft.engines.vasp.read.poscar import read_poscar
from qddft.engines.vasp.read.readings import Structure
from qddft.engines.vasp.read.source import DOSCAR, EIGENVAL, OUTCAR, open_source
from qddft.engines.vasp.read.text_tables import doscar_fermi, eigenval_spins

if TYPE_CHECKING:
    from ase import Atoms

# DOSCAR has lengths with seven digits; a cell that relaxed a little is still that of the same atoms
_SAME_LENGTH = 0.05


def atoms_beside(folder: Path, n_atoms: int, lengths: tuple[float, float, float] | None = None) -> "Atoms":
    """Return the structure that CONTCAR, OUTCAR or POSCAR of a folder gives.

    Without one that has as many atoms and such a cell, the atoms are of the unknown element ``X`` at the origin.

    Parameters
    ----------
    folder
        Where the table lies.
    n_atoms
        How many atoms the table has.
    lengths
        Lengths of the lattice vectors, Angstrom, where the table says them.
    """
    from ase import Atoms

    for name in ("CONTCAR", OUTCAR, "POSCAR"):
        path = present(folder, name)
        structure = None if path is None else _structure(path, name)
        if structure is not None and len(structure.symbols) == n_atoms and _fits(structure, lengths):
            return structure.to_atoms()
    return Atoms(["X"] * n_atoms)


def fermi_beside(folder: Path) -> float | None:
    """Return the Fermi level that DOSCAR or OUTCAR of a folder states, eV; ``None`` where neither does."""
    for name in (DOSCAR, OUTCAR):
        path = present(folder, name)
        if path is None:
            continue
        try:
            source = open_source(path)
            if source.kind != name:
                continue
            level = doscar_fermi(source) if name == DOSCAR else read_source(source).fermi
        except OutputError:
            continue
        if level is not None:
            return level
    return None


def spins_beside(folder: Path) -> int | None:
    """Return the number of spin channels that EIGENVAL, OUTCAR or INCAR of a folder states; ``None`` without them."""
    for name in (EIGENVAL, OUTCAR, "INCAR"):
        path = present(folder, name)
        if path is None:
            continue
        try:
            if name == "INCAR":
                spins = read_incar(path).tags.get("ISPIN", 1)
            else:
                source = open_source(path)
                if source.kind != name:
                    continue
                spins = eigenval_spins(source) if name == EIGENVAL else read_source(source).parameters.get("ISPIN")
        except OutputError:
            continue
        if spins in (1, 2):
            return int(spins)
    return None


def _structure(path: Path, name: str) -> Structure | None:
    """Return the structure of a file, ``None`` where it cannot be read: it is not the file that was asked for."""
    try:
        if name != OUTCAR:
            return read_poscar(path)
        source = open_source(path)
        return read_source(source).final if source.kind == OUTCAR else None
    except OutputError:
        return None


def _fits(structure: Structure, lengths: tuple[float, float, float] | None) -> bool:
    found = np.linalg.norm(structure.cell, axis=1)
    return lengths is None or bool(np.allclose(found, lengths, rtol=_SAME_LENGTH))
