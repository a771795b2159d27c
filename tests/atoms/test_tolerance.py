import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qddft.atoms.composition import parse_composition
from qddft.atoms.radii import find_radius, ion_radii
from qddft.atoms.tolerance import bartel, goldschmidt, tolerance_factors
from qddft.core.errors import StructureError

# FACTS 3.6: A site, coordination, t and tau for Cl, Br, I
TABLE = [
    ("Cs", "VI", (0.820, 0.815, 0.807), (4.66, 4.79, 4.99)),
    ("Cs", "VIII", (0.837, 0.831, 0.822), (4.37, 4.50, 4.70)),
    ("Cs", "XII", (0.870, 0.862, 0.851), (3.98, 4.10, 4.30)),
    ("MA", "XII", (0.938, 0.927, 0.912), (3.56, 3.68, 3.88)),
    ("FA", "XII", (1.023, 1.008, 0.987), (3.34, 3.47, 3.67)),
    ("GA", "XII", (1.082, 1.064, 1.039), (3.27, 3.40, 3.60)),
    ("NH4", "XII", (0.771, 0.768, 0.763), (6.52, 6.65, 6.85)),
]


@pytest.mark.parametrize(("cation", "coordination", "t", "tau"), TABLE)
def test_reference_table(cation, coordination, t, tau):
    for halide, expected_t, expected_tau in zip(("Cl", "Br", "I"), t, tau, strict=True):
        found = tolerance_factors(f"{cation}Pb{halide}3", coordination=coordination)
        assert found.goldschmidt == pytest.approx(expected_t, abs=6e-4)
        assert found.bartel == pytest.approx(expected_tau, abs=6e-3)


@pytest.mark.parametrize(("halide", "mu"), [("Cl", 0.657), ("Br", 0.607), ("I", 0.541)])
def test_octahedral_factor(halide, mu):
    assert tolerance_factors(f"CsPb{halide}3").octahedral == pytest.approx(mu, abs=6e-4)


@pytest.mark.parametrize(("x", "t"), [(0.05, 0.860), (0.10, 0.870), (0.20, 0.889), (0.50, 0.945)])
def test_guanidinium_alloys_average_the_radius(x, t):
    found = tolerance_factors(f"Cs{1 - x:g}GA{x:g}PbI3")
    assert found.goldschmidt == pytest.approx(t, abs=7e-4)
    assert any("averaged linearly" in note for note in found.notes)


def test_gapbi3_is_shown_beside_the_printed_value():
    found = tolerance_factors("GAPbI3")
    assert found.goldschmidt == pytest.approx(1.039, abs=5e-4)
    (printed,) = found.printed
    assert printed.value == 1.5
    assert "4.99 Angstrom" in printed.note
    assert "t = 1.039" in str(found)
    assert "goldschmidt 1.5 (Guo" in str(found)
    # the note is true: the radius that would give 1.5
    assert goldschmidt(4.99, 1.19, 2.20) == pytest.approx(1.5, abs=1e-3)
    assert any("forms none with lead iodide" in note for note in found.notes)


def test_coordination_and_source_are_in_the_result():
    found = tolerance_factors("CsPbBr3", coordination="viii")
    assert found.coordination == "VIII"
    assert [(r.symbol, r.coordination, r.radius) for r in found.radii] == [
        ("Cs", "VIII", 1.74),
        ("Pb", "VI", 1.19),
        ("Br", "VI", 1.96),
    ]
    assert all(radius.source for radius in found.radii)
    assert not found.printed
    assert "r(Cs, VIII) = 1.74 Angstrom" in str(found)


def test_a_larger_radius_for_a_higher_coordination_lowers_tau():
    by_number = [tolerance_factors("CsPbBr3", coordination=number).bartel for number in ("VI", "VIII", "XII")]
    assert by_number == sorted(by_number, reverse=True)


def test_radii_agree_with_pymatgen():
    from pymatgen.core.periodic_table import Element

    for item in ion_radii():
        if item.coordination == "effective":
            continue
        shannon = Element(item.symbol).data["Shannon radii"][str(item.charge)][item.coordination]
        assert shannon[""]["ionic_radius"] == item.radius


@given(st.floats(0.5, 3.0), st.floats(0.5, 3.0), st.floats(0.1, 10.0))
def test_goldschmidt_does_not_depend_on_the_unit(r_a, r_x, scale):
    assert goldschmidt(r_a, 1.0, r_x) == pytest.approx(goldschmidt(scale * r_a, scale, scale * r_x))
    # the ideal perovskite: r_A + r_X = sqrt(2) (r_B + r_X)
    assert goldschmidt(math.sqrt(2) * (1.0 + r_x) - r_x, 1.0, r_x) == pytest.approx(1.0)


def test_errors():
    with pytest.raises(StructureError, match="no radius of Cs at coordination 'IV'; there are VI, VIII"):
        tolerance_factors("CsPbI3", coordination="IV")
    with pytest.raises(StructureError, match="no ionic radius for 'Sn'"):
        tolerance_factors("CsSnI3")
    with pytest.raises(StructureError, match="A cation larger than B"):
        bartel(1.0, 1.2, 2.0)
    with pytest.raises(StructureError, match="not a positive length"):
        goldschmidt(-1.0, 1.0, 1.0)
    assert find_radius("GA", "VI") == find_radius("GA", "XII")


@pytest.mark.parametrize(
    ("formula", "canonical"),
    [
        ("CsPbBr3", "CsPbBr3"),
        ("CsPbBr1.5I1.5", "CsPb(Br0.5I0.5)3"),
        ("CsPb(Br0.5I0.5)3", "CsPb(Br0.5I0.5)3"),
        ("CsPbI2Br", "CsPb(I0.6667Br0.3333)3"),
        ("Cs0.9GA0.1PbI3", "Cs0.9GA0.1PbI3"),
        ("GA.1Cs.9Pb(I0.9Br0.1)3", "Cs0.9GA0.1Pb(I0.9Br0.1)3"),
        ("(Cs0.5MA0.5)PbCl3", "Cs0.5MA0.5PbCl3"),
        ("FAPbI3", "FAPbI3"),
        ("NH4PbI3", "NH4PbI3"),
        (" CsPb0.5Sn0.5I3 ", "CsPb0.5Sn0.5I3"),
    ],
)
def test_formulas(formula, canonical):
    assert parse_composition(formula).formula == canonical
    # the canonical form is a fixed point
    assert parse_composition("CsPb(Br0.5I0.5)3") == parse_composition("CsPbI1.5Br1.5")


@pytest.mark.parametrize(
    ("formula", "message"),
    [
        ("CsPbBr2", "the X site adds up to 2, ABX3 needs 3"),
        ("Cs0.9GA0.2PbI3", "the A site adds up to 1.1"),
        ("CsI", "the B site adds up to 0"),
        ("CsPb(Br0.5I0.5", "a parenthesis is not closed"),
        ("CsPbBr3)", r"'\)' at character 8 is out of place"),
        ("3CsPbBr3", "'3' at character 1 is out of place"),
        ("CsPbBr3!", "'!' at character 8 is not understood"),
        ("CsTiO3", "'Ti' is no ion of a lead-halide perovskite"),
        ("", "the A site adds up to 0"),
    ],
)
def test_formulas_that_are_no_perovskite(formula, message):
    with pytest.raises(StructureError, match=message):
        parse_composition(formula)
