"""A calculator that pulls atoms on springs to a place of its own, so that a test knows what a relaxation does."""

import numpy as np
from ase.calculators.calculator import Calculator, all_changes

STIFFNESS = 2.0  # eV/A^2
IONS = ("Cs", "Pb", "Br")


class Puppet(Calculator):
    """Springs to where the atoms of the first structure of its kind are to go."""

    implemented_properties = ("energy", "forces")

    def __init__(self, aim):
        """Take the function that says where atoms go."""
        super().__init__()
        self.aim, self.goals = aim, {}

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
        """Compute the energy of the springs."""
        super().calculate(atoms, properties, system_changes)
        key = atoms.get_chemical_formula()
        if key not in self.goals:
            self.goals[key] = self.aim(atoms)
        pulled = self.goals[key] - atoms.positions
        self.results = {"energy": float(0.5 * STIFFNESS * (pulled**2).sum()) - len(atoms), "forces": STIFFNESS * pulled}


def _molecule(atoms):
    return ~np.isin(atoms.get_chemical_symbols(), IONS)


def _lifted(atoms):
    goals = atoms.positions.copy()
    if not _molecule(atoms).all():
        goals[_molecule(atoms), 2] += 5.0
    return goals


def _given_away(atoms):
    goals = atoms.positions.copy()
    symbols = np.array(atoms.get_chemical_symbols())
    if _molecule(atoms).all() or not _molecule(atoms).any():
        return goals
    oxygen, hydrogen = np.flatnonzero(symbols == "O"), np.flatnonzero(symbols == "H")
    bound = [h for h in hydrogen if atoms.get_distances(h, oxygen, mic=True).min() < 1.2]
    bromide = np.flatnonzero(symbols == "Br")
    for proton in bound:
        nearest = bromide[atoms.get_distances(proton, bromide, mic=True).argmin()]
        away = atoms.get_distance(nearest, proton, mic=True, vector=True)
        goals[proton] = atoms.positions[nearest] + 1.45 * away / np.linalg.norm(away)
    return goals


def desorb():
    """Return a calculator that lifts molecules off the slab."""
    return Puppet(_lifted)


def transfer():
    """Return a calculator that takes the proton of an acid to the nearest bromide."""
    return Puppet(_given_away)


def still():
    """Return a calculator that leaves all atoms where they are."""
    return Puppet(lambda atoms: atoms.positions.copy())
