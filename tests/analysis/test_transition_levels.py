"""Charge states against the Fermi level."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qddft.analysis.transition_levels import ChargeLine, envelope, transitions
from qddft.core.errors import ReferenceSchemeError
from qddft.report.charge_states_figure import charge_states_figure


def test_two_lines_cross_at_their_transition_level():
    (level,) = transitions([ChargeLine(0, 2.0), ChargeLine(1, 0.5)])
    assert (level.charges, level.level, level.energy, level.stable) == ((1, 0), pytest.approx(1.5), 2.0, True)
    assert level.name == "(+1/0)"


def test_a_negative_u_center_jumps_over_its_neutral_state():
    found = transitions([ChargeLine(1, 0.0), ChargeLine(0, 3.0), ChargeLine(-1, 2.0)])
    assert [(item.charges, item.stable) for item in found] == [((0, -1), False), ((1, -1), True), ((1, 0), False)]
    assert found[1].level == pytest.approx(1.0)


def test_one_charge_has_one_line():
    with pytest.raises(ReferenceSchemeError, match=r"one charge: \+1, \+1"):
        transitions([ChargeLine(1, 0.0), ChargeLine(1, 1.0)])


energies = st.lists(st.floats(-5, 5), min_size=1, max_size=5)


@settings(max_examples=60, deadline=None)
@given(energies, st.floats(-3, 6))
def test_the_envelope_is_the_lowest_line_everywhere(values, fermi):
    lines = [ChargeLine(charge, value) for charge, value in enumerate(values, start=-2)]
    lowest = min(line.at(fermi) for line in lines)
    assert min(line.at(fermi) for line in envelope(lines)) == pytest.approx(lowest)


@settings(max_examples=60, deadline=None)
@given(energies)
def test_the_charge_falls_with_the_fermi_level(values):
    kept = envelope([ChargeLine(charge, value) for charge, value in enumerate(values, start=-2)])
    assert [line.charge for line in kept] == sorted((line.charge for line in kept), reverse=True)
    by_charge = {line.charge: line for line in kept}
    for item in transitions(kept):
        one, other = (by_charge[charge] for charge in item.charges)
        assert one.at(item.level) == pytest.approx(other.at(item.level))


def test_the_slopes_in_the_figure_are_the_charges():
    lines = [ChargeLine(1, 0.5), ChargeLine(0, 2.0), ChargeLine(-1, 5.0)]
    (axes,) = charge_states_figure(lines, transitions(lines), gap=2.0).axes
    drawn = {line.get_label(): line for line in axes.get_lines()}
    for name, slope in (("$q = +1$", 1), ("$q = 0$", 0), ("$q = -1$", -1)):
        x, y = drawn[name].get_data()
        assert (y[-1] - y[0]) / (x[-1] - x[0]) == pytest.approx(slope)
    assert "E_\\mathrm{F}" in axes.get_xlabel()
    assert "eV" in axes.get_ylabel()
