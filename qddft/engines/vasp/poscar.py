"""POSCAR as text."""

from itertools import groupby
from typing import TYPE_CHECKING

from qddft.engines.vasp.selective import held_atoms

if TYPE_CHECKING:
    from ase import Atoms


def poscar_text(atoms: "Atoms", comment: str) -> str:
    """Return POSCAR: fractional coordinates to 12 digits, held atoms as selective dynamics.

    Written here because pymatgen's writer takes a time that grows with the square of the number of atoms; a test reads
    the text back with pymatgen.

    Parameters
    ----------
    atoms
        Grouped by species.
    comment
        First line.
    """
    symbols = atoms.get_chemical_symbols()
    species = [(symbol, len(list(same))) for symbol, same in groupby(symbols)]
    held = held_atoms(atoms).tolist()
    # a cell that was made as high as another one may differ from it in the ninth digit
    lines = [comment, "1.0", *(_row([round(x, 8) for x in vector]) for vector in atoms.cell.array.tolist())]
    lines += [" ".join(symbol for symbol, _ in species), " ".join(str(count) for _, count in species)]
    lines += ["Selective dynamics"] if any(held) else []
    lines.append("Direct")
    flags = [(" F F F" if fixed else " T T T") if any(held) else "" for fixed in held]
    rows = atoms.get_scaled_positions(wrap=False).tolist()
    lines += [f"{_row(row)}{flag} {symbol}" for row, flag, symbol in zip(rows, flags, symbols, strict=True)]
    return "\n".join(lines) + "\n"


def _row(numbers: list[float]) -> str:
    # adding zero turns -0.0 into 0.0
    return " ".join(f"{round(number, 12) + 0.0:17.12f}" for number in numbers)
