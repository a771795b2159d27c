"""``qddft tolerance``: values with radii and coordination, and what a paper prints beside them."""

import json

import pytest

from qddft.cli.main import DONE, FIX_INPUT, main


def test_guanidinium_beside_the_printed_value(capsys):
    assert main(["tolerance", "CsPbI3", "GAPbI3"]) == DONE
    shown = capsys.readouterr().out
    assert "CsPbI3: t = 0.851" in shown
    assert "r(Cs, XII) = 1.88" in shown
    assert "GAPbI3: t = 1.039" in shown
    assert "printed: goldschmidt 1.5 (Guo" in shown


def test_json(capsys):
    assert main(["tolerance", "CsPbI3", "--coordination", "viii", "--json"]) == DONE
    (item,) = json.loads(capsys.readouterr().out)
    assert item["goldschmidt"] == pytest.approx(0.822, abs=1e-3)
    assert item["coordination"] == "VIII"


@pytest.mark.parametrize(("formula", "message"), [("CsPbX3", "'X' is no ion"), ("CsPb", "adds up to")])
def test_what_is_no_perovskite(formula, message, capsys):
    assert main(["tolerance", formula]) == FIX_INPUT
    assert message in capsys.readouterr().err
