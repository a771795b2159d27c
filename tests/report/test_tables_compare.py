"""Tables, numbers and the comparison with published values."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qddft.report.compare import (
    AGREES,
    DIFFERS,
    NO_NUMBER,
    NOT_PRINTED,
    NOTHING_PUBLISHED,
    OPEN,
    caveats,
    compare,
    comparison_table,
    order_sentence,
)
from qddft.report.tables import NOTHING, number, table_of


def record(ligand="oleic acid", value=-0.5, published=-0.33, tolerance=0.1, **changes):
    source = {"value": published, "tolerance": tolerance, "unit": "eV", "source": "Somebody et al., SI"}
    plain = {"ligand": ligand, "quantity": "E_ads", "unit": "eV", "value": value, "reference": "neutral"}
    return plain | {"engine": "vasp", "warnings": [], "details": {}, "source_value": source} | changes


@pytest.mark.parametrize(
    ("value", "published", "tolerance", "verdict"),
    [
        (-0.40, -0.33, 0.1, AGREES),
        (-0.43, -0.33, 0.1, AGREES),
        (-0.44, -0.33, 0.1, DIFFERS),
        (-0.44, -0.33, None, OPEN),
        (None, -0.33, 0.1, NO_NUMBER),
        (-0.44, None, 0.1, NOT_PRINTED),
    ],
)
def test_verdict(value, published, tolerance, verdict):
    (item,) = compare([record(value=value, published=published, tolerance=tolerance)])
    assert item.verdict == verdict


def test_without_a_source_nothing_is_published():
    (item,) = compare([record(source_value=None)])
    assert item.verdict == NOTHING_PUBLISHED


def test_difference_is_ours_minus_theirs():
    (item,) = compare([record(value=-0.5, published=-0.33)])
    assert item.difference == pytest.approx(-0.17)


def test_same_order():
    pair = compare([record("a", -1.0, -2.0), record("b", -0.5, -0.1)])
    assert order_sentence(pair) == "By rising E_ads, reference 'neutral': a < b, here and as published."


def test_other_order():
    pair = compare([record("a", -0.1, -2.0), record("b", -0.5, -0.1)])
    assert order_sentence(pair).endswith("b < a here, a < b as published.")


def test_references_are_not_ranked_against_each_other():
    rows = [record("a", -0.1, -2.0), record("b", -0.5, -0.1), record("ion", -9.0, -9.0, reference="fragment")]
    assert "ion" not in order_sentence(compare(rows))
    assert order_sentence(compare(rows[1:])) == ""


def test_no_order_of_one():
    assert order_sentence(compare([record()])) == ""


def test_comparison_table_shows_units_and_true_minus():
    table = comparison_table(compare([record()]))
    assert "this work (eV)" in table.headers
    assert "−0.50" in table.rows[0]
    assert "negative = bound" in table.note


def test_published_vacancy_energies_are_not_said_to_be_at_our_limit():
    note = comparison_table(compare([record(quantity="E_f(V_I)", reference="I-rich", value=2.7, published=2.8)])).note
    assert "stand as printed" in note
    assert "converted" not in note


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"engine": "tblite"}, "not PBE energies"),
        ({"ligand": "oleic acid, truncated to C4H8O2"}, "cut chain"),
        ({"reference": "acid-exchange"}, "acid-exchange"),
        ({"quantity": "E_f(V_I)", "reference": "I-rich"}, "chemical potential"),
        (
            {"quantity": "E_f(V_I)", "warnings": ["screening: GFN2-xTB, inorganic slab frozen"]},
            "nothing relaxed around",
        ),
        ({}, "state neither the reference"),
    ],
)
def test_caveats(changes, sentence):
    assert any(sentence in text for text in caveats([record(**changes)]))


def test_no_caveat_about_what_is_not_there():
    assert not any("PBE energies" in text for text in caveats([record()]))


@given(st.floats(-1e6, 1e6, allow_nan=False))
@settings(max_examples=50, deadline=None)
def test_number_reads_back(value):
    text = number(value, 3)
    assert float(text.replace("−", "-")) == pytest.approx(value, abs=5.0e-4)
    assert "-" not in text


def test_number_has_no_negative_zero():
    assert number(-0.0001, 2) == "+0.00"
    assert number(None) == NOTHING
    assert number(2.5, 1, signed=False) == "2.5"


def test_table_knows_its_numbers():
    table = table_of({"name": ["a", "b"], "E (eV)": ["−0.10", None], "share": ["10.0%", "2%"]})
    assert table.numeric == (False, True, True)
    assert table.rows[1] == ("b", NOTHING, "2%")


def test_table_refuses_columns_of_different_length():
    with pytest.raises(ValueError, match="zip"):
        table_of({"a": [1], "b": [1, 2]})


def test_halogen_rich_is_no_reference_scheme():
    texts = caveats([record(quantity="E_f(V_I)", reference="I-rich")])
    assert not any("references I-rich" in text for text in texts)
