"""Surface energies: against the chemical potential for both terminations, and from a series of thicknesses.

A symmetric (001) slab of ABX3 is n formula units and one more layer, BX2 or AX, so that
``gamma_BX2 = [E - n E_bulk - mu_BX2]/2A``, ``gamma_AX = [E - n E_bulk - mu_AX]/2A`` and ``mu_AX + mu_BX2 = E_bulk``:
their sum does not depend on the chemical potential. Stoichiometric slabs of n units: ``E(n) = n E_bulk + 2 A gamma``,
Fiorentini and Methfessel, J. Phys.: Condens. Matter 8, 6525 (1996).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from qddft.analysis.geometry import unwrapped_heights
from qddft.analysis.mesh import periodic_axes
from qddft.atoms.ions import B_CATIONS
from qddft.core.errors import ReferenceSchemeError
from qddft.core.units import EV_PER_A2_IN_J_PER_M2

if TYPE_CHECKING:
    from ase import Atoms

__all__ = [
    "SurfaceLine",
    "ThicknessFit",
    "face_area",
    "fit_thickness",
    "outer_layers",
    "require_vacuum",
    "surface_line",
]

# atoms within this height of the outermost one are the outer layer, Angstrom
_OUTER = 1.5


@dataclass(frozen=True)
class ThicknessFit:
    """A straight line through energies of slabs of several thicknesses.

    Attributes
    ----------
    surface_energy
        Of one face, eV/Angstrom^2.
    bulk_energy
        Slope: energy of one unit of bulk, eV.
    largest_rest
        Largest distance of an energy from the line, eV; zero for two slabs, which any line fits.
    n_slabs
        Slabs used.
    """

    surface_energy: float
    bulk_energy: float
    largest_rest: float
    n_slabs: int

    @property
    def joule_per_m2(self) -> float:
        """The surface energy in J/m^2."""
        return self.surface_energy * EV_PER_A2_IN_J_PER_M2


@dataclass(frozen=True)
class SurfaceLine:
    """The surface energy of one termination as a straight line.

    Attributes
    ----------
    termination
        Layer that the slab has in excess of whole formula units: ``PbI2``, ``CsI``.
    units
        Formula units of bulk in the slab.
    at_zero
        Surface energy where BX2 is in equilibrium with its own solid (Delta mu_BX2 = 0), eV/Angstrom^2.
    slope
        Change per eV of Delta mu_BX2, 1/Angstrom^2.
    area
        Of one face, Angstrom^2.
    """

    termination: str
    units: int
    at_zero: float
    slope: float
    area: float

    def at(self, delta_mu: float) -> float:
        """Return the surface energy at a chemical potential of BX2 relative to its solid, eV/Angstrom^2."""
        return self.at_zero + self.slope * delta_mu


def fit_thickness(units: Sequence[float], energies: Sequence[float], area: float) -> ThicknessFit:
    """Return surface and bulk energy from E(n) = n E_bulk + 2 A gamma.

    Parameters
    ----------
    units
        Units of bulk in each slab.
    energies
        Of the slabs, eV.
    area
        Of one face, Angstrom^2.

    Raises
    ------
    ReferenceSchemeError
        Fewer than two thicknesses.
    """
    n, e = np.asarray(units, dtype=float), np.asarray(energies, dtype=float)
    if len(np.unique(n)) < 2:
        raise ReferenceSchemeError("the fit of E(n) needs slabs of at least two thicknesses")
    # centered, so that a large total energy costs no digits
    middle = n.mean()
    slope, offset = np.polyfit(n - middle, e - e.mean(), 1)
    intercept = float(offset + e.mean() - slope * middle)
    rest = e - (intercept + slope * n)
    largest = 0.0 if len(n) == 2 else float(np.abs(rest).max())
    return ThicknessFit(intercept / (2 * area), float(slope), largest, len(n))


def surface_line(slab: tuple[Mapping[str, int], float, float], bulk: float, salt: float) -> SurfaceLine:
    """Return the surface energy of a symmetric ABX3 slab against the chemical potential of BX2.

    Parameters
    ----------
    slab
        Atoms by element, energy in eV, and area of one face in Angstrom^2.
    bulk
        Energy of ABX3 per formula unit, eV.
    salt
        Energy of solid BX2 per formula unit, eV: zero of the chemical potential.

    Raises
    ------
    ReferenceSchemeError
        The slab is not made of AX and BX2 layers.
    """
    counts, energy, area = slab
    a, b, x = abx_counts(counts)
    n_b, n_a = counts[b], counts[a]
    if counts[x] != 2 * n_b + n_a:
        raise ReferenceSchemeError(
            f"{_formula(counts)} is not made of {a}{x} and {b}{x}2 layers: {2 * n_b + n_a} {x} would be needed"
        )
    units = min(n_a, n_b)
    extra_b, extra_a = n_b - units, n_a - units
    # mu_AX = E_bulk - mu_BX2, and mu_BX2 = E(BX2) + delta
    excess = energy - units * bulk - extra_b * salt - extra_a * (bulk - salt)
    termination = f"{b}{x}2" if extra_b else f"{a}{x}" if extra_a else f"{a}{x} + {b}{x}2"
    return SurfaceLine(termination, units, excess / (2 * area), (extra_a - extra_b) / (2 * area), area)


def abx_counts(counts: Mapping[str, int]) -> tuple[str, str, str]:
    """Return which elements are A, B and X.

    Raises
    ------
    ReferenceSchemeError
        These are not the elements of one ABX3.
    """
    b = [element for element in counts if element in B_CATIONS]
    x = [element for element in counts if element in ("F", "Cl", "Br", "I")]
    a = [element for element in counts if element not in (*b, *x)]
    if len(a) != 1 or len(b) != 1 or len(x) != 1:
        raise ReferenceSchemeError(
            f"{_formula(counts)} does not have one A, one B ({', '.join(B_CATIONS)}) and one halide; the "
            "surface energy against the chemical potential is for slabs of ABX3 without ligands"
        )
    return a[0], b[0], x[0]


def require_vacuum(atoms: "Atoms", mesh: Sequence[int] | None, name: str) -> None:
    """Refuse a crystal where a slab is meant: it has no faces, whatever its energy.

    Parameters
    ----------
    atoms
        The structure.
    mesh
        K-points along each direction, where they are known.
    name
        What the user called it.

    Raises
    ------
    ReferenceSchemeError
        Atoms fill the cell in all three directions.
    """
    if all(periodic_axes(atoms.cell.array, atoms.get_scaled_positions(), mesh)):
        raise ReferenceSchemeError(
            f"{name} is {atoms.get_chemical_formula()} without vacuum: a crystal, not a slab, has no surface energy; "
            "give the crystal as --bulk and slabs as SLAB"
        )


def face_area(atoms: "Atoms") -> float:
    """Return the area of one face, Angstrom^2; the first two cell vectors span it."""
    return float(np.linalg.norm(np.cross(atoms.cell[0], atoms.cell[1])))


def outer_layers(atoms: "Atoms") -> tuple[str, str]:
    """Return the compositions of the lowest and of the highest layer; equal for a symmetric slab."""
    z = unwrapped_heights(atoms)
    symbols = np.array(atoms.get_chemical_symbols())
    return _layer(symbols[z < z.min() + _OUTER]), _layer(symbols[z > z.max() - _OUTER])


def _layer(symbols: np.ndarray) -> str:
    names, numbers = np.unique(symbols, return_counts=True)
    least = int(np.gcd.reduce(numbers))
    return "".join(f"{name}{n // least if n > least else ''}" for name, n in zip(names, numbers, strict=True))


def _formula(counts: Mapping[str, int]) -> str:
    return "".join(f"{element}{number}" for element, number in counts.items())
