"""How many electrons are unpaired, and where they start."""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from qddft.core.errors import LevelError
from qddft.engines.vasp.case import Case

if TYPE_CHECKING:
    from ase import Atoms

# a ligand atom this close to the slab is bound to it, Angstrom; Pb-O is 2.3 to 2.8, Pb-Br 3.0, Pb-I 3.2
_CONTACT = 3.3
# atoms up to this multiple of the shortest distance form the first shell; the second is at 1.4 in cubic CsPbX3
_SHELL = 1.2
_PLACE_OF = re.compile(r"-site of fragment (\d+)$")


def unpaired_electrons(case: Case, atoms: "Atoms") -> int:
    """Return the number of unpaired electrons, at least one where the number of electrons is odd.

    All-electron counts serve as well as valence counts here, since PAW cores are closed shells.

    Raises
    ------
    LevelError
        The number asked for does not fit the number of electrons, or the level forbids spin polarization.
    """
    n_electrons = int(atoms.numbers.sum()) - case.charge
    odd = n_electrons % 2
    unpaired = 1 if odd and not case.unpaired else case.unpaired
    what = f"{atoms.get_chemical_formula()}, charge {case.charge:+d}"
    if unpaired % 2 != odd:
        raise LevelError(
            f"{unpaired} unpaired electrons are impossible with an {'odd' if odd else 'even'} number of electrons "
            f"({what}); correct 'unpaired' or the charge"
        )
    if unpaired and case.settings.spin == "none":
        raise LevelError(
            f"level {case.level.get('name', 'given')} forbids spin polarization, but there are {unpaired} unpaired "
            f"electrons ({what}); set spin: auto"
        )
    return unpaired


def start_moments(case: Case, atoms: "Atoms") -> list[float] | None:
    """Return the starting magnetic moment of each atom, Bohr magnetons; ``None`` without spin polarization.

    Unpaired electrons start on the neighbors of vacancies, else on the ligand atoms that touch the slab, else evenly on
    all atoms but hydrogen.
    """
    unpaired = unpaired_electrons(case, atoms)
    if not unpaired:
        return even_moments(atoms, 0) if case.settings.spin == "polarized" else None
    for chosen in (_next_to_vacancies(atoms), _touching(atoms)):
        if chosen.any():
            return _on(chosen, unpaired)
    return even_moments(atoms, unpaired)


def even_moments(atoms: "Atoms", unpaired: int) -> list[float]:
    """Return equal moments on all atoms but hydrogen; small ones, to break the symmetry, without unpaired electrons."""
    heavy = atoms.numbers > 1
    chosen = heavy if heavy.any() else np.ones(len(atoms), dtype=bool)
    return _on(chosen, unpaired) if unpaired else [0.1 if place else 0.0 for place in chosen.tolist()]


def _on(chosen: np.ndarray, unpaired: int) -> list[float]:
    # half as much again as expected, since too small a start falls to zero; source: VASP wiki, MAGMOM
    share = round(1.5 * unpaired / int(chosen.sum()), 3)
    return [share if place else 0.0 for place in chosen.tolist()]


def _next_to_vacancies(atoms: "Atoms") -> np.ndarray:
    """Return which atoms were nearest to an atom that is missing: lead around a missing halide."""
    from ase.geometry import get_distances

    chosen = np.zeros(len(atoms), dtype=bool)
    for item in atoms.info.get("qddft", {}).get("removed", []):
        if _is_empty(item, atoms):
            distances = get_distances([item["position"]], atoms.positions, cell=atoms.cell, pbc=True)[1][0]
            chosen |= distances < _SHELL * distances.min()
    return chosen


def _is_empty(removed: Mapping[str, Any], atoms: "Atoms") -> bool:
    """Tell whether a place is that of a vacancy, or of a ligand that is not there: a slab that waits for its ligand."""
    why = str(removed.get("why", ""))
    ligand = _PLACE_OF.search(why)
    if ligand is None or "fragment" not in atoms.arrays:
        return why == "vacancy"
    return int(ligand[1]) not in atoms.arrays["fragment"]


def _touching(atoms: "Atoms") -> np.ndarray:
    """Return which ligand atoms, hydrogen left out, lie within bonding distance of a slab atom."""
    fragment = atoms.arrays.get("fragment", np.zeros(len(atoms), dtype=int))
    slab, ligand = np.flatnonzero(fragment == 0), np.flatnonzero((fragment > 0) & (atoms.numbers > 1))
    touching = np.zeros(len(atoms), dtype=bool)
    if not len(slab):
        return touching
    for index in ligand.tolist():
        touching[index] = atoms.get_distances(index, slab, mic=True).min() < _CONTACT
    return touching
