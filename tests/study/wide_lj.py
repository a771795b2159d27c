"""A Lennard-Jones calculator that reaches further than a thin vacuum, for tests of convergence."""

from ase.calculators.lj import LennardJones


def make():
    """Return the calculator; it ends smoothly at 11.9 Angstrom."""
    return LennardJones(sigma=2.2, epsilon=0.05, rc=11.9, ro=11.0, smooth=True)
