"""``qddft analyze photophysics`` on tables."""

import json

import numpy as np
import pytest

from qddft.cli.main import DONE, FIX_INPUT, main
from qddft.core.units import BOLTZMANN_IN_EV_PER_K

VERB = ["analyze", "photophysics"]


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "tao.csv"
    path.write_text("sample,tau (ns),PLQY,T_r (ns),K_nr (1e-2 ns-1)\nCs2CO3-OA,19.81,0.62,12.28,3.09\n")
    return path


@pytest.fixture
def quenching(tmp_path):
    t = np.linspace(80, 300, 23)
    y = 1 / (1 + 40 * np.exp(-0.068 / (BOLTZMANN_IN_EV_PER_K * t)))
    path = tmp_path / "quenching.csv"
    path.write_text("T (K),I\n" + "".join(f"{a:.1f},{b:.6f}\n" for a, b in zip(t, y, strict=True)))
    return path


def test_the_table_of_tao(table, capsys):
    assert main([*VERB, str(table)]) == DONE
    shown = capsys.readouterr().out
    assert "31.95" in shown
    assert "0.01918" in shown
    assert "tau_r: printed values follow tau Q (inverted), not tau/Q, off by up to 62 %" in shown
    assert "Cs2CO3-OA" in shown


def test_json_is_one_document(table, capsys):
    assert main([*VERB, str(table), "--json"]) == DONE
    findings = {item["quantity"]: item for item in json.loads(capsys.readouterr().out)}
    assert findings["tau_r"]["follows"] == ["tau Q (inverted)"]


def test_a_fit_with_its_figure(quenching, tmp_path, capsys):
    figure = tmp_path / "binding"
    assert main([*VERB, str(quenching), "--fit", "quenching", "--figure", str(figure)]) == DONE
    assert "exciton binding energy: 68" in capsys.readouterr().out
    assert figure.with_suffix(".svg").is_file()
    assert main([*VERB, str(quenching), "--fit", "quenching", "--json"]) == DONE
    assert json.loads(capsys.readouterr().out)["value"] == pytest.approx(68, abs=0.1)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--fit", "urbach"], "give --window"),
        (["--fit", "quenching", "--window", "1", "2"], "--window belongs to --fit urbach"),
        (["--figure", "x"], "--figure and --window belong to --fit"),
        (["--fit", "quenching", "--figure", "no/such/x"], "the folder no/such does not exist"),
        (["--fit", "saturation"], "column sample: 'Cs2CO3-OA' is not a number"),
    ],
)
def test_mistakes_are_told(table, quenching, capsys, more, message):
    path = table if more[-1] == "saturation" else quenching
    assert main([*VERB, str(path), *more]) == FIX_INPUT
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("tau,PLQY\n1\n", ":2: the line has not as many cells"),
        ("tau,PLQY\n", "holds no lines"),
        ("\x00\xff", "cannot be read"),
    ],
)
def test_damaged_tables(tmp_path, capsys, text, message):
    path = tmp_path / "t.csv"
    path.write_bytes(text.encode("latin-1"))
    assert main([*VERB, str(path)]) == FIX_INPUT
    assert message in capsys.readouterr().err


def test_a_missing_file(tmp_path, capsys):
    assert main([*VERB, str(tmp_path / "none.csv")]) == FIX_INPUT
    assert "cannot be read" in capsys.readouterr().err


def test_sizes_against_emission(tmp_path, capsys):
    path = tmp_path / "sizes.csv"
    path.write_text("sample,size (nm),PL (nm)\ntreated,4.3±0.6,623\nlarge,14.6 ± 5.3,683.7\n", encoding="utf-8")
    assert main([*VERB, str(path), "--material", "1.73", "0.1", "10", "--json"]) == DONE
    shift, model = json.loads(capsys.readouterr().out)
    # FACTS: 1239.842/623 = 1.990 eV
    assert shift["values"] == pytest.approx([1.9901 - 1.73, 1.8134 - 1.73], abs=2e-4)
    # kinetic part goes as 1/L^2, Coulomb part as 1/L
    small, large = model["values"]
    assert small > shift["values"][0]
    assert large < shift["values"][1]
    assert "times the observed shift" in model["verdict"]
    assert main([*VERB, str(path), "--material", "2.5", "0.1", "10"]) == DONE
    assert "not the gap of these dots" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("size (nm),x\n4.3,1\n", ("--material", "1.73", "0.1", "10"), "no row has both a size"),
        ("size (nm),PL (nm)\n4.3,623\n", ("--material", "1.73", "0", "10"), "reduced mass"),
        ("size (nm),PL (nm)\n4.3,623\n", ("--material", "1", "1", "1", "--fit", "urbach"), "one at a time"),
    ],
)
def test_sizes_that_cannot_be_compared(text, options, message, tmp_path, capsys):
    path = tmp_path / "sizes.csv"
    path.write_text(text)
    assert main([*VERB, str(path), *options]) == FIX_INPUT
    assert message in capsys.readouterr().err
