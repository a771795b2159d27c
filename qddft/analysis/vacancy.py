"""Formation energies of vacancies.

``E_f = E(defect) - E(pristine) + sum_i n_i mu_i + q (E_VBM + E_F) + E_corr``, with n_i atoms of element i removed:
Zhang and Northrup, Phys. Rev. Lett. 67, 2339 (1991); Freysoldt et al., Rev. Mod. Phys. 86, 253 (2014).
"""

from collections.abc import Mapping
from dataclasses import dataclass

from qddft.core.errors import ChargeError, ReferenceSchemeError
from qddft.core.suggest import did_you_mean


@dataclass(frozen=True)
class ChargeState:
    """What the energy of a charged defect needs besides its total energy.

    Attributes
    ----------
    charge
        Of the cell, e.
    valence_band_maximum
        On the energy scale of the pristine calculation, aligned with the defect's, eV.
    fermi_level
        Above the valence band maximum, eV.
    correction
        For the interaction with images and background, eV.
    method
        Name of the correction; there is none that VASP applies to charged slabs by itself.
    """

    charge: int
    valence_band_maximum: float
    fermi_level: float
    correction: float
    method: str


def formation_energy(
    e_defect: float,
    e_pristine: float,
    removed: Mapping[str, int],
    chemical_potentials: Mapping[str, float],
    state: ChargeState | None = None,
) -> float:
    """Return the formation energy, eV, of everything that was removed together.

    Parameters
    ----------
    e_defect, e_pristine
        Total energies of the same cell with and without the defect, eV.
    removed
        Atoms taken away by element; negative numbers were added.
    chemical_potentials
        By element, eV per atom, on the scale of the total energies.
    state
        For charged cells.

    Raises
    ------
    ReferenceSchemeError
        A chemical potential is missing.
    """
    exchanged = 0.0
    for element, number in removed.items():
        if element not in chemical_potentials:
            raise ReferenceSchemeError(
                f"the chemical potential of {element} is missing. {did_you_mean(element, chemical_potentials)}"
            )
        exchanged += number * chemical_potentials[element]
    electrons = 0.0
    if state is not None:
        electrons = state.charge * (state.valence_band_maximum + state.fermi_level) + state.correction
    return e_defect - e_pristine + exchanged + electrons


def removed_atoms(pristine: Mapping[str, int], defect: Mapping[str, int]) -> dict[str, int]:
    """Return how many atoms of each element the defect lacks; negative where it has more.

    Parameters
    ----------
    pristine, defect
        Atoms by element.
    """
    counts = {element: pristine.get(element, 0) - defect.get(element, 0) for element in {**pristine, **defect}}
    return {element: number for element, number in counts.items() if number}


def require_removed(pristine: Mapping[str, int], defect: Mapping[str, int], stated: Mapping[str, int]) -> None:
    """Refuse structures that do not differ by what is said to have been removed.

    Raises
    ------
    ReferenceSchemeError
        Shows what they differ by.
    """
    found = removed_atoms(pristine, defect)
    wanted = {element: number for element, number in stated.items() if number}
    if found != wanted:
        raise ReferenceSchemeError(
            f"the defect {_changes(found)}, not {_words(wanted)}; both need the same cell and the same ligands. As "
            f"they are: {_options(found)}"
        )


def require_charge_state(charge: float | None, state: ChargeState | None) -> None:
    """Refuse a charged defect without the energies of its electrons and a named correction, and a wrong charge.

    Raises
    ------
    ChargeError
        Says what is missing.
    """
    known = round(charge or 0.0, 6)
    stated = 0 if state is None else state.charge
    if known == stated:
        return
    if state is None:
        raise ChargeError(
            f"the defect has the charge {known:+g}: its energy needs the valence band maximum, the Fermi level and a "
            f"correction with the name of its method (for slabs a two-dimensional one): --charge {known:+g} --vbm EV "
            "--correction EV --method NAME, in Python a ChargeState"
        )
    if charge is None:
        # the files do not tell how many electrons the neutral cell has
        return
    raise ChargeError(f"the defect has the charge {known:+g} by its number of electrons, not {stated:+d} (--charge)")


def _changes(counts: Mapping[str, int]) -> str:
    """Say what is missing and what was added, in words."""
    lacks = {element: number for element, number in counts.items() if number > 0}
    holds = {element: -number for element, number in counts.items() if number < 0}
    added = f" and holds {_words(holds)} more" if holds else ""
    return f"lacks {_words(lacks)} of the pristine cell{added}"


def _options(counts: Mapping[str, int]) -> str:
    return " ".join(f"--removed {element}={number}" for element, number in sorted(counts.items())) or "nothing differs"


def _words(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{number} {element}" for element, number in sorted(counts.items())) or "nothing"
