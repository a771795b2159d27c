import pytest
from hypothesis import given
from hypothesis import strategies as st

from qddft.analysis.vacancy import (
    ChargeState,
    formation_energy,
    removed_atoms,
    require_charge_state,
    require_removed,
)
from qddft.core.errors import ChargeError, ReferenceSchemeError

SLAB = {"Cs": 4, "Pb": 8, "I": 20}
LESS = {"Cs": 4, "Pb": 8, "I": 19}
STATE = ChargeState(charge=1, valence_band_maximum=-1.5, fermi_level=0.2, correction=0.1, method="by hand")


@given(mu=st.floats(-10, 0), shift=st.floats(-2, 2), n=st.integers(1, 3))
def test_linear_in_the_chemical_potential(mu, shift, n):
    one = formation_energy(-90.0, -100.0, {"I": n}, {"I": mu})
    other = formation_energy(-90.0, -100.0, {"I": n}, {"I": mu + shift})
    assert other - one == pytest.approx(n * shift, abs=1e-9)


def test_what_was_added_is_paid_for():
    assert formation_energy(-90.0, -100.0, {"I": 1, "H": -1}, {"I": -2.0, "H": -3.0}) == pytest.approx(11.0)


def test_a_charged_defect_exchanges_electrons_with_the_fermi_level():
    neutral = formation_energy(-90.0, -100.0, {"I": 1}, {"I": -2.0})
    assert formation_energy(-90.0, -100.0, {"I": 1}, {"I": -2.0}, STATE) == pytest.approx(neutral - 1.3 + 0.1)


def test_a_missing_chemical_potential_is_refused():
    with pytest.raises(ReferenceSchemeError, match=r"the chemical potential of I is missing. Valid: Br"):
        formation_energy(-90.0, -100.0, {"I": 1}, {"Br": -2.0})


def test_what_is_missing_is_counted():
    assert removed_atoms(SLAB, LESS) == {"I": 1}
    assert removed_atoms(LESS, SLAB | {"H": 1}) == {"I": -1, "H": -1}
    require_removed(SLAB, LESS, {"I": 1, "Cs": 0})
    with pytest.raises(ReferenceSchemeError, match="the defect lacks 1 I of the pristine cell, not 1 Br"):
        require_removed(SLAB, LESS, {"Br": 1})
    with pytest.raises(ReferenceSchemeError, match="lacks nothing of the pristine cell, not 1 I"):
        require_removed(SLAB, SLAB, {"I": 1})


def test_charges_are_never_silent():
    require_charge_state(None, None)
    require_charge_state(0.0, None)
    require_charge_state(1.0, STATE)
    with pytest.raises(ChargeError, match=r"the defect has the charge \+1: its energy needs .* a two-dimensional one"):
        require_charge_state(1.0, None)
    with pytest.raises(ChargeError, match=r"the defect has the charge -1 by its number of electrons, not \+1"):
        require_charge_state(-1.0, STATE)


def test_a_substitution_is_told_with_the_options_for_it():
    with pytest.raises(
        ReferenceSchemeError,
        match=r"lacks 1 Ga of the pristine cell and holds 1 Mg more.*--removed Ga=1 --removed Mg=-1$",
    ):
        require_removed({"Ga": 16, "N": 16}, {"Ga": 15, "Mg": 1, "N": 16}, {"Ga": 1})
