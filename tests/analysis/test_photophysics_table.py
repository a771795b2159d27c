"""Printed tables against the formulas they follow."""

import pytest

from qddft.analysis.photophysics_table import check_table, column_of
from qddft.core.errors import OutputError

# Tao et al., SI, Table S3: K_nr as printed; tau and Q as they follow from tau_r = tau/Q and k_nr = (1 - Q)/tau
STANDARD = [(31.95, 1.918), (25.48, 0.586), (31.31, 0.240), (35.78, 0.147), (83.82, 0.012)]
PRINTED = ["3.09", "0.67", "0.26", "0.16", "0.01"]


def tao():
    rows = []
    for (tau_r, k_nr), printed in zip(STANDARD, PRINTED, strict=True):
        q = round(1 / (1 + k_nr * 1e-2 * tau_r), 2)
        row = {"tau (ns)": f"{tau_r * q:.2f}", "PLQY": f"{q:.2f}", "T_r (ns)": f"{tau_r * q * q:.2f}"}
        rows.append(row | {"K_nr (1e-2 ns-1)": printed})
    return rows


def by_key(rows):
    return {finding.key: finding for finding in check_table(rows)}


def test_tao_table_s3_follows_inverted_formulas():
    found = by_key(tao())
    assert found["tau_r"].values == pytest.approx([31.95, 25.48, 31.31, 35.78, 83.82], abs=0.02)
    assert found["tau_r"].follows == ("tau Q (inverted)",)
    assert found["k_nr"].follows == ("1/(tau Q) - 1/tau (with the inverted radiative lifetime)",)
    assert [round(100 * value, 3) for value in found["k_nr"].values] == pytest.approx(
        [k for _, k in STANDARD], abs=2e-3
    )
    assert "not (1 - Q)/tau, off by up to 6" in found["k_nr"].verdict
    assert found["k_r"].verdict == "computed by Q/tau"


def test_the_first_row_of_tao():
    row = {"tau_ave (ns)": "19.81", "PLQY (%)": "62", "T_r (ns)": "12.28", "K_nr (1e-2 ns-1)": "3.09"}
    found = by_key([row])
    assert found["tau_r"].values[0] == pytest.approx(31.95, abs=5e-3)
    assert found["k_nr"].values[0] == pytest.approx(1.918e-2, abs=5e-6)
    assert found["tau_r"].follows == ("tau Q (inverted)",)


def test_a_sum_of_lifetimes_is_recognized_without_weights():
    rows = [
        {"tau1": "9.73", "tau2": "10.08", "tau_ave": "19.81"},
        {"tau1": "19.79", "tau2": "1388.31", "tau_ave": "1408.10"},
    ]
    (finding,) = check_table(rows)
    assert finding.follows == ("tau1 + tau2 (the sum, no average)",)
    assert finding.values == (None, None)


def test_weighted_averages_are_told_apart():
    row = {"A1": "0.7", "tau1_ns": "5.0", "A2": "0.3", "tau2_ns": "40.0"}
    intensity = by_key([row | {"tau": "32.10"}])["tau"]
    amplitude = by_key([row | {"tau": "15.50"}])["tau"]
    assert intensity.follows == ("sum a tau^2 / sum a tau (intensity-weighted)",)
    assert intensity.verdict.startswith("printed values follow the standard formula")
    assert amplitude.follows == ("sum a tau / sum a (amplitude-weighted)",)
    fractions = {"f1 (%)": "22.6", "tau1": "5.0", "f2 (%)": "77.4", "tau2": "40.0", "tau": "32.1"}
    assert by_key([fractions])["tau"].follows == ("sum f tau (intensity-weighted)",)


def test_the_unit_of_guo_is_wrong():
    row = {"tau (ns)": "70.3", "PLQY (%)": "97", "k_nr (1e-13 s-1)": "4.3"}
    found = by_key([row])["k_nr"]
    assert found.values[0] == pytest.approx(4.27e-4, rel=1e-3)
    assert "power of ten" in found.follows[0]


def test_a_table_that_follows_nothing():
    found = by_key([{"tau": "20.0", "PLQY": "0.50", "k_nr": "0.9"}])["k_nr"]
    assert found.follows == ()
    assert "follow no known formula" in found.verdict


def test_eds_and_emission():
    found = by_key([{"Cs": "1", "Pb": "1.2", "I": "2.1", "PL (nm)": "683.7", "size (nm)": "14.6"}])
    assert found["x_per_pb"].values[0] == pytest.approx(1.75)
    assert found["balance"].values[0] == pytest.approx(1.3)
    assert found["energy"].values[0] == pytest.approx(1.813, abs=5e-4)


def test_empty_cells_are_left_out():
    found = by_key([{"tau": "20", "PLQY": "–"}, {"tau": "20", "PLQY": "50%"}])
    assert found["tau_r"].values == (None, pytest.approx(40.0))


@pytest.mark.parametrize(
    ("header", "key", "factor"),
    [
        ("k_nr (1e-2 ns-1)", "k_nr", 1e-2),
        ("tau1_ps", "tau1", 1e-3),
        ("PLQY [%]", "plqy", 0.01),
        ("Lifetime (us)", "tau", 1e3),
        ("k_nr (10 s^-1)", "k_nr", 1e-8),
        ("I/Pb", "x_per_pb", 1.0),
    ],
)
def test_headers(header, key, factor):
    column = column_of(header)
    assert (column.key, column.factor) == (key, pytest.approx(factor))


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([{"tau (eV)": "1"}], "the unit 'ev' does not fit"),
        ([{"sample": "A", "colour": "red"}], "nothing can be computed from the columns sample, colour"),
        ([], "nothing can be computed"),
        ([{"tau": "1", "lifetime": "2", "PLQY": "1"}], "columns that mean the same: lifetime, tau"),
        ([{"tau": "fast", "PLQY": "1"}], "column tau: 'fast' is not a number"),
        ([{"tau": "20", "PLQY": "62"}], "write 62 % as 0.62"),
    ],
)
def test_tables_that_cannot_be_read(rows, message):
    with pytest.raises(OutputError, match=message):
        check_table(rows)
