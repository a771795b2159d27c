"""Bader charges from basins that a Bader program found: ``q_i = Z_i - N_i``, Z being the valence of the data set used.

Program and its table ACF.dat: Henkelman, Arnaldsson and Jonsson, Comput. Mater.
Sci. 36, 354 (2006). With pseudopotentials the basins have to be those of the total density, AECCAR0 + AECCAR2.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from qddft.analysis.partitions import fragment_masks
from qddft.core.errors import OutputError
from qddft.core.frozen import freeze_fields
from qddft.core.units import BOHR_IN_A

if TYPE_CHECKING:
    from pathlib import Path

    from ase import Atoms

# electrons that may be missing from the sum over all basins before the grid counts as too coarse
TOLERANCE = 1e-2
# atoms of ACF.dat may be written this far from their place, Angstrom
SAME_PLACE = 0.02


@dataclass(frozen=True)
class BaderCharges:
    """Charges of atoms and fragments.

    Attributes
    ----------
    electrons
        In the basin of each atom, shape (n_atoms,).
    charges
        Valence minus electrons, shape (n_atoms,), e; positive = electrons lost.
    by_part
        Sum over each fragment, or each element where fragments are not known, e.
    vacuum
        Electrons that belong to no atom.
    warnings
        Sentences that a reader has to see.
    """

    electrons: np.ndarray
    charges: np.ndarray
    by_part: Mapping[str, float]
    vacuum: float
    warnings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        freeze_fields(self)


def bader_charges(
    atoms: "Atoms", electrons: np.ndarray, valences: Mapping[str, float], *, n_electrons: float, vacuum: float = 0.0
) -> BaderCharges:
    """Turn electrons in basins into charges.

    Parameters
    ----------
    atoms
        The structure, with labels where they are known.
    electrons
        In the basin of each atom, shape (n_atoms,).
    valences
        Element to valence electrons of the data set that was used (ZVAL; 14 or 4 for Pb).
    n_electrons
        Electrons of the calculation.
    vacuum
        Electrons that belong to no atom.

    Raises
    ------
    OutputError
        The number of atoms differs, or the valence of an element is unknown.
    """
    if len(electrons) != len(atoms):
        raise OutputError(f"{len(electrons)} basins do not belong to {len(atoms)} atoms")
    missing = sorted(set(atoms.get_chemical_symbols()) - set(valences))
    if missing:
        raise OutputError(
            f"the valence (ZVAL) of {', '.join(missing)} is unknown: it has to be that of the POTCAR used"
        )
    charges = np.array([valences[symbol] for symbol in atoms.get_chemical_symbols()]) - electrons
    masks = fragment_masks(atoms)
    if "ligand" not in masks:
        symbols = np.array(atoms.get_chemical_symbols())
        masks = {symbol: symbols == symbol for symbol in dict.fromkeys(symbols.tolist())}
    left = float(electrons.sum() + vacuum - n_electrons)
    warnings = []
    if abs(left) > TOLERANCE:
        warnings.append(
            f"the basins hold {left:+.4f} electrons beyond those of the calculation: the grid is too coarse"
        )
    bare = [int(index) + 1 for index in np.flatnonzero((electrons < 0.05) & (atoms.numbers == 1))]
    if bare:
        warnings.append(f"H atoms {bare} hold no electrons: their basins were lost, use a finer grid")
    return BaderCharges(
        electrons, charges, {name: float(charges[mask].sum()) for name, mask in masks.items()}, vacuum, tuple(warnings)
    )


def read_acf(path: "Path", atoms: "Atoms") -> tuple[np.ndarray, float]:
    """Read ACF.dat: electrons in the basin of each atom, shape (n_atoms,), and in the vacuum.

    Raises
    ------
    OutputError
        The file is missing, cut, or of another structure.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise OutputError(f"{path} cannot be read: {error}") from error
    rows: list[list[float]] = []
    vacuum: float | None = None
    for number, line in enumerate(lines, start=1):
        words = line.split()
        if line.strip().startswith("VACUUM CHARGE"):
            vacuum = _number(path, number, words[-1])
        elif words and words[0].isdigit():
            if len(words) < 5 or int(words[0]) != len(rows) + 1:
                raise OutputError(f"{path}, line {number}: the row of atom {len(rows) + 1} was expected")
            rows.append([_number(path, number, word) for word in words[1:5]])
    if vacuum is None or len(rows) != len(atoms):
        raise OutputError(
            f"{path} has {len(rows)} of {len(atoms)} atoms, or was cut: it is not the ACF.dat of this run"
        )
    table = np.array(rows)
    # the program writes the lengths of its density file: Angstrom of CHGCAR, Bohr of cube files
    if _apart(table[:, :3] * BOHR_IN_A, atoms).max() > SAME_PLACE:
        _check_places(table[:, :3], atoms, f"{path}", "table")
    return table[:, 3], vacuum


def same_places(found: "Atoms", atoms: "Atoms", source: str) -> None:
    """Refuse a density of another structure, or one whose atoms stand in another order.

    Raises
    ------
    OutputError
        Number, elements or places of the atoms differ.
    """
    if found.get_chemical_symbols() != atoms.get_chemical_symbols():
        raise OutputError(
            f"{source} holds {found.get_chemical_formula()}, the calculation {atoms.get_chemical_formula()}, or in "
            "another order: it is the density of another structure"
        )
    _check_places(found.positions, atoms, source, "density")


def _apart(positions: np.ndarray, atoms: "Atoms") -> np.ndarray:
    """Return how far each place lies from its atom or an image of it, shape (n_atoms,), Angstrom."""
    apart = np.linalg.solve(atoms.cell.array.T, (positions - atoms.positions).T).T
    return np.asarray(np.linalg.norm((apart - np.round(apart)) @ atoms.cell.array, axis=1))


def _check_places(positions: np.ndarray, atoms: "Atoms", source: str, kind: str) -> None:
    distance = _apart(positions, atoms)
    if distance.max() > SAME_PLACE:
        index = int(distance.argmax())
        raise OutputError(
            f"{source}: atom {index + 1} lies {distance[index]:.3f} Angstrom away from its place in the calculation: "
            f"it is the {kind} of another structure"
        )


def _number(path: "Path", line: int, word: str) -> float:
    try:
        value = float(word)
    except ValueError:
        raise OutputError(f"{path}, line {line}: {word!r} is no number") from None
    if not np.isfinite(value):
        raise OutputError(f"{path}, line {line}: {word!r} is no finite number")
    return value
