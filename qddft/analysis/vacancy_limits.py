"""Formation energies of defects at the limits of their chemical potentials, and what a charge needs besides."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from qddft.analysis.limits import Limit
from qddft.analysis.mesh import periodic_axes
from qddft.analysis.vacancy import ChargeState, formation_energy
from qddft.core.errors import ChargeError

if TYPE_CHECKING:
    from ase import Atoms

__all__ = ["AtLimit", "at_limits", "is_slab", "limit_of", "require_slab_correction", "state_remarks"]

# corrections of isolated charges in three dimensions; they do not hold for a charge in front of a vacuum
BULK_CORRECTIONS = ("freysoldt", "fnv", "kumagai", "efnv", "makov-payne", "lany-zunger", "sxdefectalign")
UNCORRECTED = "uncorrected"
_UNIQUE = 1e-4


@dataclass(frozen=True)
class AtLimit:
    """A formation energy at one limit.

    Attributes
    ----------
    name
        Of the limit.
    low, high
        Formation energy, eV; equal where the limit decides the chemical potentials of what was exchanged.
    potentials
        Absolute chemical potentials at the corner with the lowest formation energy, eV per atom.
    remark
        What a reader has to know of the limit.
    """

    name: str
    low: float
    high: float
    potentials: Mapping[str, float]
    remark: str = ""

    @property
    def value(self) -> float | None:
        """The formation energy, eV; ``None`` where the limit leaves it open."""
        return self.low if self.high - self.low < _UNIQUE else None


def limit_of(name: str, potentials: Mapping[str, float]) -> Limit:
    """Return a limit of absolute chemical potentials, eV per atom, by element."""
    return Limit(name, tuple(potentials), np.zeros((1, len(potentials))), potentials)


def at_limits(
    energies: tuple[float, float], removed: Mapping[str, int], limits: Sequence[Limit], state: ChargeState | None = None
) -> tuple[AtLimit, ...]:
    """Return the formation energy at every limit.

    Parameters
    ----------
    energies
        Of the cell with and without the defect, eV.
    removed
        Atoms taken away by element; negative numbers were added.
    limits
        Named chemical potentials.
    state
        For charged cells.

    Raises
    ------
    ReferenceSchemeError
        A chemical potential is missing.
    """
    found = []
    for limit in limits:
        corners = limit.corner_potentials()
        values = [formation_energy(*energies, removed, corner, state) for corner in corners]
        lowest = int(np.argmin(values))
        kept = {element: corners[lowest][element] for element in removed}
        found.append(AtLimit(limit.name, min(values), max(values), kept, limit.remark))
    return tuple(found)


def is_slab(atoms: "Atoms") -> bool:
    """Tell whether the cell holds a vacuum along at least one cell vector."""
    return not all(periodic_axes(atoms.cell.array, atoms.get_scaled_positions()))


def require_slab_correction(atoms: "Atoms", state: ChargeState | None) -> None:
    """Refuse a charged defect whose correction has no name, or one in a slab whose correction is for bulk.

    Raises
    ------
    ChargeError
        Names what would do.
    """
    if state is None or state.charge == 0:
        return
    name = state.method.strip().lower()
    if name in ("", "none", "unknown"):
        raise ChargeError(
            f"the defect has the charge {state.charge:+d}, and its correction has no name: compute it (slab: "
            "sxdefectalign2d, CoFFEE, slabcc; bulk: Freysoldt, Kumagai) and name the method (--correction EV --method "
            f"NAME; in bulk also {UNCORRECTED!r} with 0 eV), or take the neutral defect or a neutral group such as CsX "
            "instead"
        )
    if name == UNCORRECTED and state.correction != 0:
        raise ChargeError(
            f"an energy that is {UNCORRECTED} has no correction of {state.correction:g} eV; name the method"
        )
    if is_slab(atoms) and name in (*BULK_CORRECTIONS, UNCORRECTED):
        raise ChargeError(
            f"{state.method} does not hold in this cell with a vacuum: a charged slab needs a "
            "two-dimensional scheme (sxdefectalign2d, CoFFEE, slabcc); or take the neutral defect or a neutral group "
            "such as CsX instead"
        )


def state_remarks(state: ChargeState | None) -> tuple[str, ...]:
    """Return what a reader has to know of the energy of a charged defect."""
    if state is None or state.charge == 0 or state.method.strip().lower() != UNCORRECTED:
        return ()
    return (
        f"NOT CORRECTED: the charge {state.charge:+d} interacts with its images and with the background; the energy "
        "depends on the size of the cell",
    )
