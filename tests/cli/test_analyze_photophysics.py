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
