"""Surface energies against the chemical potential, and from a series of thicknesses."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qddft.analysis.surface import fit_thickness, outer_layers, surface_line
from qddft.atoms.slab import build_slab
from qddft.core.errors import ReferenceSchemeError

AREA = 36.0
BULK, SALT = -14.5, -8.3


def lines(e_pbx2=-138.0, e_csx=-137.0):
    """Slabs of 9 layers: 4 (CsPbBr3) + PbBr2 and 4 (CsPbBr3) + CsBr... on a 1x1 cell."""
    lead = surface_line(({"Cs": 4, "Pb": 5, "Br": 14}, e_pbx2, AREA), BULK, SALT)
    cesium = surface_line(({"Cs": 5, "Pb": 4, "Br": 13}, e_csx, AREA), BULK, SALT)
    return lead, cesium


@settings(max_examples=30, deadline=None)
@given(st.floats(-3, 3), st.floats(-150, -100), st.floats(-150, -100))
def test_the_sum_of_both_terminations_does_not_depend_on_the_chemical_potential(delta, e_lead, e_cesium):
    lead, cesium = lines(e_lead, e_cesium)
    expected = (e_lead + e_cesium - 9 * BULK) / (2 * AREA)
    assert lead.at(delta) + cesium.at(delta) == pytest.approx(expected, abs=1e-9)


def test_lead_halide_faces_gain_where_lead_halide_is_rich():
    lead, cesium = lines()
    assert (lead.termination, cesium.termination) == ("PbBr2", "CsBr")
    assert (lead.units, cesium.units) == (4, 4)
    assert lead.slope == -cesium.slope == pytest.approx(-1 / (2 * AREA))
    assert lead.at_zero == pytest.approx((-138.0 + 4 * 14.5 + 8.3) / (2 * AREA))


def test_a_larger_cell_has_the_same_surface_energy():
    lead, _ = lines()
    wide = surface_line(({"Cs": 16, "Pb": 20, "Br": 56}, 4 * -138.0, 4 * AREA), BULK, SALT)
    assert wide.at(-0.3) == pytest.approx(lead.at(-0.3))


def test_a_stoichiometric_slab_has_no_slope():
    line = surface_line(({"Cs": 4, "Pb": 4, "Br": 12}, -57.0, AREA), BULK, SALT)
    assert line.slope == 0.0
    assert line.at(5.0) == pytest.approx(1.0 / (2 * AREA))


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        ({"Cs": 4, "Pb": 5, "Br": 13}, "14 Br would be needed"),
        ({"Cs": 4, "Pb": 5, "Br": 14, "C": 2}, "without ligands"),
        ({"Y": 2, "Ti": 2, "O": 5}, "does not have one A, one B"),
    ],
)
def test_slabs_of_another_kind_are_refused(counts, message):
    with pytest.raises(ReferenceSchemeError, match=message):
        surface_line((counts, -1.0, AREA), BULK, SALT)


@settings(max_examples=20, deadline=None)
@given(st.floats(0.001, 0.1), st.floats(-1000, -1), st.integers(2, 6))
def test_a_straight_line_gives_back_what_it_was_made_of(gamma, bulk, n):
    units = list(range(3, 3 + n))
    fit = fit_thickness(units, [k * bulk + 2 * AREA * gamma for k in units], AREA)
    assert fit.surface_energy == pytest.approx(gamma, rel=1e-6)
    assert fit.bulk_energy == pytest.approx(bulk)
    assert fit.largest_rest < 1e-8


def test_one_thickness_is_no_series():
    with pytest.raises(ReferenceSchemeError, match="at least two thicknesses"):
        fit_thickness([4, 4], [-1.0, -1.1], AREA)


def test_outer_layers_of_built_slabs():
    lead = build_slab("CsPbBr3", termination="PbX2", layers=5, supercell=(1, 1), vacuum=15.0)
    mixed = build_slab("CsPbBr3", termination=("PbX2", "CsX"), layers=4, supercell=(1, 1), vacuum=15.0)
    assert outer_layers(lead) == ("Br2Pb", "Br2Pb")
    assert len(set(outer_layers(mixed))) == 2
    moved = lead.copy()
    moved.positions[:, 2] += 0.5 * moved.cell[2, 2]
    moved.wrap()
    assert outer_layers(moved) == ("Br2Pb", "Br2Pb")
