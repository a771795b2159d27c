"""Chemical potentials at which a compound is stable."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qddft.analysis.limits import limit_names, limits_of, named_limit
from qddft.analysis.phase_stability import Phase, stability_region
from qddft.core.errors import ReferenceSchemeError


def lead_iodide(decomposition, *, shift=0.0, **more):
    """Made-up energies: formation energies of CsI and PbI2 of -3.5 and -1.8 eV, elements at `shift` eV per atom."""
    energies = {"Cs": shift, "Pb": shift, "I2": 2 * shift, "CsI": -3.5 + 2 * shift, "PbI2": -1.8 + 3 * shift}
    return stability_region("CsPbI3", energies | {"CsPbI3": -5.3 + decomposition + 5 * shift} | more)


def test_a_stable_perovskite_lies_between_its_two_halides():
    region = lead_iodide(-0.2)
    assert region.stable
    assert region.decomposition_energy == pytest.approx(-0.2)
    assert region.formation_energy == pytest.approx(-5.5)
    assert {edge.phase for edge in region.edges} == {"CsI", "PbI2", "Pb", "I"}
    assert np.allclose(region.corners @ [1, 1, 3], -5.5, atol=1e-5)
    assert region.text == "CsPbI3 is stable against CsI + PbI2 by 0.200 eV per formula unit"


def test_cubic_cesium_lead_iodide_at_pbe_has_no_stable_region():
    # decomposition energy of +0.07 eV per formula unit at PBE
    region = lead_iodide(0.07)
    assert not region.stable
    assert len(region.corners) == 0
    assert "there is no stable region: CsPbI3 lies 0.070 eV per formula unit above CsI + PbI2" in region.text
    assert [edge.phase for edge in region.edges] == ["CsI", "PbI2"]
    cesium_iodide, lead_iodide_edge = region.edges
    assert np.allclose(cesium_iodide.corners @ [1, 0, 1], -3.5, atol=1e-5)
    assert np.allclose(lead_iodide_edge.corners @ [0, 1, 2], -1.8, atol=1e-5)


def test_a_limit_of_an_empty_region_says_so():
    limit = named_limit(lead_iodide(0.07), "PbX2-rich, Pb-rich")
    assert "there is no stable region" in limit.remark
    assert limit.name == "PbI2-rich, Pb-rich"
    assert limit.ranges()["I"] == pytest.approx((-0.9, -0.9))


def test_limits_of_the_edges_of_an_empty_region():
    region = lead_iodide(0.07)
    # 2 dmu_I = dH(CsPbI3) - dH(CsI) with lead at hand as metal
    assert named_limit(region, "CsX-rich, Pb-rich").ranges()["I"] == pytest.approx((-0.865, -0.865))
    assert named_limit(region, "X-rich").ranges()["I"] == (0.0, 0.0)
    with pytest.raises(ReferenceSchemeError, match="nothing in common"):
        named_limit(region, "CsX-rich, PbX2-rich")


def test_named_limits_of_a_stable_region():
    region = lead_iodide(-0.2)
    assert named_limit(region, "X-rich").ranges()["I"] == (0.0, 0.0)
    lead_rich = named_limit(region, "Pb-rich").ranges()
    assert lead_rich["Pb"] == (0.0, 0.0)
    assert lead_rich["I"] == pytest.approx((-1.0, -0.9))
    assert lead_rich["Cs"] == pytest.approx((-2.8, -2.5))
    assert named_limit(region, "CsX-rich, X-rich").ranges()["Cs"] == pytest.approx((-3.5, -3.5))
    assert named_limit(region, "PbI2-rich, I-rich").ranges()["Pb"] == pytest.approx((-1.8, -1.8))
    assert {"I-rich", "I-poor", "CsI-rich", "PbI2-rich"} <= set(limit_names(region))


def test_absolute_chemical_potentials_carry_the_elements():
    limit = named_limit(lead_iodide(-0.2, shift=-2.0), "PbX2-rich, X-rich")
    (corner,) = limit.corner_potentials()
    assert corner["I"] == pytest.approx(-2.0)
    assert corner["Pb"] == pytest.approx(-3.8)


def test_both_limits_of_what_a_vacancy_exchanges():
    names = [limit.name for limit in limits_of(lead_iodide(-0.2), {"I": 1})]
    assert names == ["I-rich", "I-poor"]


@settings(max_examples=15, deadline=None)
@given(shift=st.floats(-5, 5), scale=st.integers(1, 4))
def test_a_region_does_not_depend_on_the_zero_of_energy_nor_on_cell_sizes(shift, scale):
    plain = lead_iodide(-0.2)
    phases = [
        Phase(f"Cs{scale}", scale * shift),
        Phase("Pb", shift),
        Phase("I2", 2 * shift),
        Phase(f"Cs{scale}I{scale}", scale * (-3.5 + 2 * shift)),
        Phase("PbI2", -1.8 + 3 * shift),
        Phase(f"Cs{scale}Pb{scale}I{3 * scale}", scale * (-5.5 + 5 * shift)),
    ]
    region = stability_region("CsPbI3", phases)
    assert np.allclose(np.sort(region.corners, axis=0), np.sort(plain.corners, axis=0), atol=1e-5)


def test_another_competing_phase_only_takes_away():
    wide = lead_iodide(-0.2)
    narrow = lead_iodide(-0.2, Cs4PbI6=4 * -3.5 - 1.8 - 0.3)
    assert narrow.decomposition_energy >= wide.decomposition_energy
    assert "Cs4PbI6" in {edge.phase for edge in narrow.edges}


def test_the_lowest_polymorph_counts():
    phases = [Phase("Cs", 0.0), Phase("Pb", 0.0), Phase("I2", 0.0), Phase("CsI", -3.5), Phase("PbI2", -1.8)]
    both = [*phases, Phase("CsPbI3", -5.4), Phase("Cs4Pb4I12", -22.0)]
    assert stability_region("CsPbI3", both).formation_energy == pytest.approx(-5.5)


def test_a_binary_oxide():
    region = stability_region("V2O5", {"V": -9.0, "O2": -10.0, "VO2": -26.0, "V2O5": -60.0})
    assert set(region.corner_phases) == {("O2",), ("VO2",)}
    rich, poor = limits_of(region, {"O": 1})
    assert rich.ranges()["O"] == (0.0, 0.0)
    assert poor.ranges()["O"][0] < 0


def test_a_phase_of_another_element_is_left_out_and_named():
    assert lead_iodide(-0.2, SnI2=-1.0).unused == ("SnI2",)


@pytest.mark.parametrize(
    ("target", "energies", "message"),
    [
        ("CsPbI3", {"Cs": 0, "Pb": 0, "I2": 0, "CsI": -1}, "the energy of CsPbI3 itself is missing"),
        ("CsPbI3", {"Cs": 0, "I2": 0, "CsPbI3": -1}, "no phase gives the energy of the element Pb"),
        ("CsPbI3", {"Cs": 0, "Qq2": 0}, "'Qq2' is not a chemical formula"),
        ("I2", {"I2": 0}, "I2 is an element"),
    ],
)
def test_missing_energies_are_named(target, energies, message):
    with pytest.raises(ReferenceSchemeError, match=message):
        stability_region(target, energies)


@pytest.mark.parametrize("name", ["PbX2rich", "Sn-rich", "X-full", "", "-rich"])
def test_a_limit_that_does_not_exist_is_refused(name):
    with pytest.raises(ReferenceSchemeError, match="limit"):
        named_limit(lead_iodide(-0.2), name)


def test_x_needs_one_halide():
    region = stability_region("V2O5", {"V": -9.0, "O2": -10.0, "V2O5": -60.0})
    with pytest.raises(ReferenceSchemeError, match="V2O5 has no single halide X"):
        named_limit(region, "X-rich")
