"""Starting geometries for relaxing a defect, so that it does not stay on a saddle of the ideal lattice.

A halide vacancy of the ideal lattice is often a stationary point; the two Pb beside it may pair when electrons are
trapped there. A relaxation that starts on the symmetric point never finds the pair, so several starts are relaxed and
the lowest one counts.
"""

import math
from dataclasses import dataclass
from numbers import Integral, Real
from typing import TYPE_CHECKING

import numpy as np

from qddft.atoms.ions import B_CATIONS, HALIDES
from qddft.core.errors import StructureError

if TYPE_CHECKING:
    from ase import Atoms

    from qddft.atoms.vacancy import Vacancy

# own choice: a start near the length of a Pb-Pb bond, 1.2 times the sum of the covalent radii (Cordero, as in ase.data)
_DIMER_IN_COVALENT_RADII = 1.2
_LARGEST_RATTLE = 0.5


@dataclass(frozen=True)
class StartingPoint:
    """One geometry to relax.

    Attributes
    ----------
    name
        ``ideal``, ``dimer``, ``rattled-1``, ...
    atoms
        The structure; labels, constraints and description are those of the vacancy.
    """

    name: str
    atoms: "Atoms"


def rattle(atoms: "Atoms", *, amplitude: float = 0.05, seed: int = 0) -> "Atoms":
    """Return a copy whose free atoms are displaced at random.

    Parameters
    ----------
    atoms
        Any structure; atoms held by ``FixAtoms`` stay.
    amplitude
        Standard deviation of each Cartesian component, Angstrom, 0 to 0.5.
    seed
        Equal seeds give equal displacements.

    Raises
    ------
    StructureError
        An amplitude out of range or a seed that is no whole number.
    """
    if isinstance(amplitude, bool) or not isinstance(amplitude, Real) or not 0 <= float(amplitude) <= _LARGEST_RATTLE:
        raise StructureError(f"rattle amplitude {amplitude!r}: give 0 to {_LARGEST_RATTLE} Angstrom; 0.05 is usual.")
    if isinstance(seed, bool) or not isinstance(seed, Integral) or seed < 0:
        raise StructureError(f"seed {seed!r}: give a whole number, 0 or more.")
    moved = atoms.copy()
    steps = np.random.default_rng(int(seed)).normal(scale=float(amplitude), size=(len(atoms), 3))
    steps[_held(atoms)] = 0.0
    moved.arrays["positions"] = atoms.positions + steps
    return moved


def dimerize(vacancy: "Vacancy", distance: float | None = None) -> "Atoms":
    """Return the structure with the two B cations beside a halide vacancy drawn together.

    Parameters
    ----------
    vacancy
        A vacancy of one halide between two B cations.
    distance
        Their distance afterwards, Angstrom; by default 1.2 times the sum of their covalent radii, a starting guess.

    Raises
    ------
    StructureError
        No halide is missing, or it has fewer than two B neighbors (an apical halide of a CsX face has one), or both
        are held, or the distance is not between zero and the present one.
    """
    from ase.data import atomic_numbers, covalent_radii

    first, second, apart = _b_neighbors(vacancy)
    atoms = vacancy.atoms
    radii = sum(covalent_radii[atomic_numbers[atoms.symbols[index]]] for index in (first, second))
    wanted = _DIMER_IN_COVALENT_RADII * float(radii) if distance is None else distance
    length = float(np.linalg.norm(apart))
    if isinstance(wanted, bool) or not math.isfinite(wanted) or not 0 < wanted < length:
        raise StructureError(f"dimer distance {wanted!r}: the two B cations are {length:.2f} Angstrom apart now.")
    held = _held(atoms)
    free = [index for index in (first, second) if not held[index]]
    if not free:
        raise StructureError(f"{vacancy.name}: both neighbors of the vacancy are held, so they cannot pair.")
    step = apart / length * (length - wanted) / len(free)
    moved = atoms.copy()
    for index in free:
        moved.arrays["positions"][index] += step if index == first else -step
    return moved


def starting_points(
    vacancy: "Vacancy", *, n_rattled: int = 2, amplitude: float = 0.05, seed: int = 0
) -> tuple[StartingPoint, ...]:
    """Return the geometries from which a vacancy should be relaxed.

    Parameters
    ----------
    vacancy
        From ``find_vacancies``.
    n_rattled
        Number of randomly displaced copies.
    amplitude
        Standard deviation of the displacements, Angstrom; the dimer is rattled by it as well, because a symmetric
        pair is a saddle again.
    seed
        Equal seeds give equal geometries.

    Returns
    -------
    tuple of StartingPoint
        ``ideal``, ``dimer`` (where a halide sat between two free B cations), ``rattled-1`` ...

    Raises
    ------
    StructureError
        A negative number of copies, or an amplitude or seed out of range.
    """
    if isinstance(n_rattled, bool) or not isinstance(n_rattled, Integral) or n_rattled < 0:
        raise StructureError(f"n_rattled {n_rattled!r}: give a whole number, 0 or more.")
    points = [StartingPoint("ideal", vacancy.atoms)]
    if can_dimerize(vacancy):
        points.append(StartingPoint("dimer", rattle(dimerize(vacancy), amplitude=amplitude, seed=seed)))
    for number in range(1, int(n_rattled) + 1):
        moved = rattle(vacancy.atoms, amplitude=amplitude, seed=seed + number)
        points.append(StartingPoint(f"rattled-{number}", moved))
    return tuple(points)


def can_dimerize(vacancy: "Vacancy") -> bool:
    """Tell whether one halide is missing between two B cations of which one at least is free to move."""
    pair = _b_neighbors_or_none(vacancy)
    return pair is not None and not _held(vacancy.atoms)[[pair[0], pair[1]]].all()


def _b_neighbors(vacancy: "Vacancy") -> tuple[int, int, np.ndarray]:
    """Return the two B cations beside the missing halide and the vector from the first to the second."""
    pair = _b_neighbors_or_none(vacancy)
    if pair is None:
        raise StructureError(
            f"{vacancy.name}: no single halide between two Pb is missing, so there is no pair to form."
        )
    return pair


def _b_neighbors_or_none(vacancy: "Vacancy") -> tuple[int, int, np.ndarray] | None:
    from ase.geometry import get_distances

    if vacancy.species not in HALIDES:
        return None
    atoms = vacancy.atoms
    leads = np.flatnonzero(np.isin(atoms.get_chemical_symbols(), B_CATIONS))
    vectors, lengths = get_distances([vacancy.position], atoms.positions[leads], cell=atoms.cell, pbc=atoms.pbc)
    order = np.argsort(lengths[0])[:2]
    # a neighbor is at half the cation distance, the next B cation at 1.12 of it
    if len(order) < 2 or lengths[0][order[1]] > 1.5 * lengths[0][order[0]]:
        return None
    first, second = (int(leads[i]) for i in order)
    return first, second, np.asarray(vectors[0][order[1]] - vectors[0][order[0]])


def _held(atoms: "Atoms") -> np.ndarray:
    """Tell which atoms ``FixAtoms`` holds, shape (n_atoms,)."""
    from ase.constraints import FixAtoms

    held = np.zeros(len(atoms), dtype=bool)
    for constraint in atoms.constraints:
        if isinstance(constraint, FixAtoms):
            held[constraint.index] = True
    return held
