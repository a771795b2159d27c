"""Charged defects: lines, levels, corrections that are named or refused."""

import sys
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms

from qddft.cli.main import DONE, FIX_INPUT, main
from qddft.core.errors import ChargeError
from qddft.outputs.outputs import Outputs
from qddft.outputs.store import save_outputs
from qddft.recipes.charge_states import ChargeScheme, charge_states

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "engines" / "vasp"))
from shared_vasp import FOLDER, derived, present

BULK = Atoms("Pb4I12", cell=[6, 6, 12], pbc=True, positions=np.arange(48).reshape(16, 3) * 0.37)


def outputs(energy, *, charge=0.0, atoms=BULK, source=None, **changes):
    facts = {
        "atoms": atoms, "energy": energy, "charge": charge, "electronically_converged": True,
        "ionically_converged": True, "engine": "vasp", "settings": {"xc": "PBE", "dispersion": "none"},
        "source": source,
    }  # fmt: skip
    return Outputs(**(facts | changes))


DEFECT = BULK[:-1]
PRISTINE = outputs(-100.0)
STATES = [outputs(energy, charge=charge, atoms=DEFECT) for charge, energy in ((1, -96.0), (0, -94.0), (-1, -91.0))]
SCHEME = ChargeScheme({1: 0.2, -1: 0.1}, "FNV", valence_band_maximum=1.0)


def test_energies_and_levels_follow_from_the_definition():
    found = charge_states(STATES, PRISTINE, {"I": 1}, {"I": -2.0}, SCHEME)
    assert [line.charge for line in found.lines] == [1, 0, -1]
    # E(V, q) - E(pristine) + mu + q E_VBM + E_corr
    assert [line.at_vbm for line in found.lines] == pytest.approx([4 - 2 + 1 + 0.2, 6 - 2, 9 - 2 - 1 + 0.1])
    assert [item.level for item in found.levels] == pytest.approx([0.8, 2.1])
    assert [item.quantity for item in found.results] == ["E_f"] * 3 + ["transition_level"] * 2
    assert found.results[3].reference == "(+1/0), thermodynamic, unknown"


def test_the_fermi_level_moves_the_energies_and_not_the_levels():
    at = ChargeScheme(SCHEME.corrections, "FNV", 1.0, fermi_level=0.5)
    here, there = (charge_states(STATES, PRISTINE, {"I": 1}, {"I": -2.0}, item) for item in (SCHEME, at))
    moved = [b.value - a.value for a, b in zip(here.results[:3], there.results[:3], strict=True)]
    assert moved == pytest.approx([0.5, 0.0, -0.5])
    assert [item.level for item in here.levels] == pytest.approx([item.level for item in there.levels])


def test_what_a_charge_needs_is_asked_for():
    with pytest.raises(ChargeError, match=r"no correction for the charge -1, only for \+1"):
        charge_states(STATES, PRISTINE, {"I": 1}, {"I": -2.0}, ChargeScheme({1: 0.2}, "FNV", 1.0))
    with pytest.raises(ChargeError, match="gives no valence band maximum; name it: --vbm"):
        charge_states(STATES, PRISTINE, {"I": 1}, {"I": -2.0}, ChargeScheme(SCHEME.corrections, "FNV"))
    with pytest.raises(ChargeError, match="its correction has no name"):
        charge_states(STATES, PRISTINE, {"I": 1}, {"I": -2.0}, ChargeScheme(SCHEME.corrections, "", 1.0))
    with pytest.raises(ChargeError, match="have one charge"):
        charge_states([STATES[0], STATES[0]], PRISTINE, {"I": 1}, {"I": -2.0}, SCHEME)
    unknown = outputs(-96.0, charge=None, atoms=DEFECT)
    with pytest.raises(ChargeError, match="does not say how many electrons its neutral cell has"):
        charge_states([unknown], PRISTINE, {"I": 1}, {"I": -2.0}, SCHEME)
    assert charge_states({1: unknown}, PRISTINE, {"I": 1}, {"I": -2.0}, SCHEME).lines[0].at_vbm == pytest.approx(3.2)
    with pytest.raises(ChargeError, match=r"the defect has the charge \+1 by its number of electrons, not -1"):
        charge_states({-1: STATES[0]}, PRISTINE, {"I": 1}, {"I": -2.0}, SCHEME)


def test_uncorrected_energies_are_marked_in_bulk_and_refused_in_slabs():
    none = ChargeScheme({1: 0.0}, "uncorrected", 1.0)
    (result,) = charge_states(STATES[:1], PRISTINE, {"I": 1}, {"I": -2.0}, none).results
    assert any(text.startswith("NOT CORRECTED: the charge +1") for text in result.warnings)
    with pytest.raises(ChargeError, match=r"has no correction of 0\.3 eV; name the method"):
        charge_states(STATES[:1], PRISTINE, {"I": 1}, {"I": -2.0}, ChargeScheme({1: 0.3}, "uncorrected", 1.0))
    wide = [atoms.copy() for atoms in (BULK, DEFECT)]
    for atoms in wide:
        atoms.positions[:, 2] %= 12
        atoms.cell[2, 2] = 32
    slab, defect = outputs(-100.0, atoms=wide[0]), outputs(-96.0, charge=1, atoms=wide[1])
    for method in ("uncorrected", "FNV"):
        scheme = ChargeScheme({1: 0.0}, method, 1.0)
        with pytest.raises(ChargeError, match="a charged slab needs a two-dimensional scheme"):
            charge_states([defect], slab, {"I": 1}, {"I": -2.0}, scheme)
    assert charge_states([defect], slab, {"I": 1}, {"I": -2.0}, ChargeScheme({1: 0.1}, "slabcc", 1.0)).results


def test_an_unconverged_state_gives_no_lines():
    loose = outputs(-96.0, charge=1, atoms=DEFECT, ionically_converged=False)
    found = charge_states([loose, STATES[1]], PRISTINE, {"I": 1}, {"I": -2.0}, SCHEME)
    assert (found.lines, found.levels) == ((), ())
    assert found.results[0].value is None


def test_on_the_command_line(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for name, item in zip(("plus", "zero", "minus", "bulk"), (*STATES, PRISTINE), strict=True):
        (tmp_path / name).mkdir()
        save_outputs(tmp_path / name / "outputs.json", item)
    defects = [word for name in ("plus", "zero", "minus") for word in ("--defect", name)]
    base = ["analyze", "vacancy", *defects, "--pristine", "bulk", "--removed", "I=1", "--mu", "I=-2.0"]
    assert main(base) == FIX_INPUT
    message = capsys.readouterr().err
    assert "a charged defect (here +1, -1) needs --charge, --vbm, --correction and --method" in message
    charged = ["--vbm", "1.0", "--correction", "+1=0.2", "--correction", "-1=0.1", "--method", "FNV"]
    assert main([*base, *charged, "--figure", "levels.svg"]) == DONE
    shown = capsys.readouterr().out
    assert "E_f: 3.2000 eV" in shown
    assert "correction +0.2000 eV (FNV)" in shown
    assert "transition_level: 2.1000 eV  ((0/-1), thermodynamic" in shown
    assert (tmp_path / "levels.svg").is_file()
    assert main([*base, *charged, "--bare", "zero", "bulk"]) == FIX_INPUT
    assert "belong to a single --defect" in capsys.readouterr().err
    assert main([*base, "--vbm", "1.0", "--correction", "0.2", "--method", "FNV"]) == FIX_INPUT
    assert "several charges need one each" in capsys.readouterr().err


@present
def test_magnesium_in_gallium_nitride():
    folder = FOLDER / "08_GaN_Mg_Ga_charged_defect"
    known = derived()["GaN_MgGa"]
    found = charge_states(
        [folder / f"q={q}" for q in (-1, 0, 1)], folder / "bulk_sc", {"Ga": 1, "Mg": -1}, {"Ga": 0.0, "Mg": 0.0},
        ChargeScheme({1: 0.0, -1: 0.0}, "uncorrected"),
    )  # fmt: skip
    vbm = known["bulk_VBM_eV"]
    for line in found.lines:
        expected = known["E_defect_minus_bulk_eV"][f"q={line.charge}"] + line.charge * vbm
        assert line.at_vbm == pytest.approx(expected, abs=1e-5)
    levels = known["transition_level_without_correction_eV_above_VBM"]
    assert [item.level for item in found.levels] == pytest.approx([levels["+1/0"], levels["0/-1"]], abs=1e-5)
    assert found.gap == pytest.approx(3.8432, abs=1e-4)
