"""Distances at which an anchor atom is set above an atom of the surface.

Donor on a cation: the sum of effective ionic radii of Shannon, Acta Cryst. A 32, 751 (1976), with Pb2+ in six-fold and
Cs+ in eight-fold coordination; donors without an anionic radius there (P, As ...) get the sum of covalent radii
(Cordero et al., Dalton Trans. 2008, 2832) plus 0.49 Å, which is what the Shannon sums of Pb with N, O, F, S and Cl add
to theirs on average. Cation on a halide: along a hydrogen bond, the N-H bond plus 0.75 of the van der Waals distance of
H and X; an alkali ion the sum of ionic radii; a head without a proton the van der Waals distance.
These are starting distances for a relaxation, not results.
"""

import math

import numpy as np

from qddft.atoms.contacts import vdw_radii
from qddft.core.errors import PlacementError

# effective ionic radii, Angstrom: B cations and anions six-fold, O2- two-fold, N3- four-fold, alkali ions eight-fold
CATIONS = {"Pb": 1.19, "Ge": 0.73, "Cs": 1.74, "Rb": 1.61, "K": 1.51, "Na": 1.18, "Li": 0.92}
ANIONS = {"O": 1.35, "N": 1.46, "F": 1.33, "S": 1.84, "Se": 1.98, "Cl": 1.81, "Br": 1.96, "I": 2.20}
_SOFT = 0.49
_HYDROGEN_BOND = 0.75
_SHORTEST, _LONGEST = 1.0, 6.0


def check_distance(distance: float) -> float:
    """Return a distance that a user asked for, Angstrom.

    Raises
    ------
    PlacementError
        Not a number between 1 and 6.
    """
    if isinstance(distance, bool) or not isinstance(distance, int | float) or not math.isfinite(distance):
        raise PlacementError(f"distance {distance!r}: give the anchor-surface distance in Angstrom.")
    if not _SHORTEST <= distance <= _LONGEST:
        raise PlacementError(
            f"distance {distance:g} Å: an anchor binds between {_SHORTEST:g} and {_LONGEST:g} Å from the surface atom; "
            "leave it out for the sum of ionic radii (Pb-O 2.54)."
        )
    return float(distance)


def donor_distance(anchor: str, surface: str) -> float:
    """Return the distance of a donor atom from a surface cation, Angstrom."""
    if anchor in ANIONS and surface in CATIONS:
        return CATIONS[surface] + ANIONS[anchor]
    from ase.data import atomic_numbers, covalent_radii

    return float(covalent_radii[[atomic_numbers[anchor], atomic_numbers[surface]]].sum()) + _SOFT


def cation_distance(anchor: str, halide: str, *, proton: bool) -> float:
    """Return the distance of the head of a cation, or of a hydrogen halide, from a surface halide, Angstrom.

    Parameters
    ----------
    anchor, halide
        Symbols.
    proton
        Whether the anchor atom carries a hydrogen that can point to the halide.
    """
    from ase.data import atomic_numbers, covalent_radii

    if anchor in CATIONS:
        return CATIONS[anchor] + ANIONS[halide]
    if anchor == "H":  # a bare proton makes a bond, not a contact
        return float(covalent_radii[[atomic_numbers["H"], atomic_numbers[halide]]].sum())
    numbers = np.array([atomic_numbers[anchor], atomic_numbers["H"], atomic_numbers[halide]])
    radii = vdw_radii(numbers)
    if proton:
        return float(covalent_radii[numbers[:2]].sum() + _HYDROGEN_BOND * radii[1:].sum())
    return float(radii[0] + radii[2])
