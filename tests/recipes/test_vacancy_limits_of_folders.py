"""Formation energies at named limits, passivation, and the regions they come from."""

import csv
import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "engines" / "vasp"))
from shared_vasp import FOLDER, derived, present

from qddft.analysis.limits import named_limit
from qddft.analysis.phase_stability import stability_region
from qddft.analysis.vacancy import ChargeState, formation_energy
from qddft.analysis.vacancy_limits import is_slab
from qddft.core.errors import ChargeError, ConvergenceError, ReferenceSchemeError, SettingsMismatchError
from qddft.outputs.outputs import Outputs
from qddft.recipes.competing_phases import competing_phases
from qddft.recipes.passivation import passivation_energy, surface_preference
from qddft.recipes.vacancy_of_folders import vacancy_formation_energy

SETTINGS = {"xc": "PBE", "cutoff_eV": 400.0, "dispersion": "none", "kpoints": [2, 2, 1]}
ENERGIES = {"Cs": -1.0, "Pb": -3.5, "I2": -3.0, "CsI": -6.0, "PbI2": -8.3, "CsPbI3": -14.5}
REGION = stability_region("CsPbI3", ENERGIES)


def output(formula, energy, height=30.0, **changes):
    atoms = Atoms(formula, cell=[12, 12, height], pbc=True)
    atoms.positions[:, 0] = np.linspace(0, 12, len(atoms), endpoint=False)
    atoms.positions[:, 1] = np.linspace(0, 24, len(atoms), endpoint=False) % 12
    facts = {"atoms": atoms, "energy": energy, "electronically_converged": True, "ionically_converged": True}
    return Outputs(**(facts | {"settings": SETTINGS, "engine": "vasp", "charge": 0.0} | changes))


PRISTINE, DEFECT = output("Cs4Pb4I12", -100.0), output("Cs4Pb4I11", -95.5)


def test_both_limits_are_always_there():
    result = vacancy_formation_energy(DEFECT, PRISTINE, {"I": 1}, REGION)
    low, high = result.details["limits_eV"]["I-poor"], result.details["limits_eV"]["I-rich"]
    assert result.value == high == pytest.approx(4.5 - 1.5)
    assert result.reference == "1 I; I-rich"
    assert low == pytest.approx(high + REGION.corners[:, 2].min())
    assert not [text for text in result.warnings if "one set" in text]


def test_one_potential_comes_with_a_warning():
    result = vacancy_formation_energy(DEFECT, PRISTINE, {"I": 1}, {"I": -1.5})
    assert any(
        "one set of chemical potentials only; it changes with them: +1 per eV of mu_I" in w for w in result.warnings
    )


def test_a_limit_that_leaves_the_energy_open_is_a_range():
    result = vacancy_formation_energy(DEFECT, PRISTINE, {"I": 1}, REGION, limit="PbX2-rich")
    assert result.value is None
    low, high = result.details["limits_eV"]["PbI2-rich"]
    assert high - low == pytest.approx(0.9)
    assert any("leaves E_f open between" in text for text in result.warnings)
    corner = vacancy_formation_energy(DEFECT, PRISTINE, {"I": 1}, REGION, limit="PbX2-rich, Pb-rich")
    assert corner.value == pytest.approx(low)
    assert json.dumps(corner.record())


def test_limits_of_an_unstable_compound_say_so():
    region = stability_region("CsPbI3", ENERGIES | {"CsPbI3": -14.3 + 0.07})
    result = vacancy_formation_energy(DEFECT, PRISTINE, {"I": 1}, region, limit="CsX-rich, Pb-rich")
    assert any("there is no stable region: CsPbI3 lies 0.070 eV" in text for text in result.warnings)
    assert result.value is not None


def test_named_potentials():
    given = {"O-rich": {"I": -1.5}, "O-poor": {"I": -2.0}}
    result = vacancy_formation_energy(DEFECT, PRISTINE, {"I": 1}, given, limit="O-poor")
    assert result.value == pytest.approx(2.5)
    assert result.details["limits_eV"] == {"O-poor": pytest.approx(2.5), "O-rich": pytest.approx(3.0)}


@pytest.mark.parametrize(
    ("potentials", "limit", "message"),
    [
        ({"I-rich": {"I": -1.5}}, "I-por", "no chemical potentials are given for 'I-por', only for I-rich"),
        ({"I": -1.5}, "I-rich", "the limit 'I-rich' cannot be told from single chemical potentials"),
        ({"I": -1.5, "I-rich": {"I": -1}}, None, "either all given by element, or all by the name of a limit"),
        (REGION, "Sn-rich", "there is no limit 'Sn-rich'"),
    ],
)
def test_limits_that_are_not_there(potentials, limit, message):
    with pytest.raises(ReferenceSchemeError, match=message):
        vacancy_formation_energy(DEFECT, PRISTINE, {"I": 1}, potentials, limit=limit)


@pytest.mark.parametrize(("method", "message"), [("", "has no name"), ("Freysoldt", "needs a two-dimensional scheme")])
def test_a_charged_slab_is_refused_without_a_named_correction_for_slabs(method, message):
    state = ChargeState(1, -2.0, 0.0, 0.3, method)
    with pytest.raises(ChargeError, match=message):
        vacancy_formation_energy(replace(DEFECT, charge=1.0), PRISTINE, {"I": 1}, REGION, state=state)


def test_a_correction_for_bulk_holds_in_bulk():
    state = ChargeState(1, -2.0, 0.0, 0.3, "Freysoldt")
    cells = [output("Cs4Pb4I11", -95.5, 6.0, charge=1.0), output("Cs4Pb4I12", -100.0, 6.0)]
    assert not is_slab(cells[0].atoms)
    assert vacancy_formation_energy(*cells, {"I": 1}, REGION, state=state).value == pytest.approx(3.0 - 2.0 + 0.3)


def test_passivation_does_not_depend_on_the_limit():
    bare = vacancy_formation_energy(DEFECT, PRISTINE, {"I": 1}, REGION)
    covered = [output("Cs4Pb4I11C2H4", -121.0), output("Cs4Pb4I12C2H4", -126.0)]
    rich = passivation_energy(vacancy_formation_energy(*covered, {"I": 1}, REGION), bare, ligand="ethene")
    poor = passivation_energy(
        vacancy_formation_energy(*covered, {"I": 1}, REGION, limit="I-poor"),
        vacancy_formation_energy(DEFECT, PRISTINE, {"I": 1}, REGION, limit="I-poor"),
    )
    assert rich.value == poor.value == pytest.approx(0.5)
    assert set(rich.details["limits_eV"]) == {"I-rich", "I-poor"}


def test_a_vacancy_prefers_the_layer_where_it_costs_less():
    bulk = vacancy_formation_energy(output("Cs8Pb8I23", -195.0), output("Cs8Pb8I24", -200.0), {"I": 1}, REGION)
    top = vacancy_formation_energy(DEFECT, PRISTINE, {"I": 1}, REGION)
    first, middle = surface_preference({"layer 9": top, "layer 5": bulk}, bulk)
    assert first.value == pytest.approx(0.5)
    assert middle.value == pytest.approx(0.0)
    assert first.reference == "layer 9 against Cs8I23Pb8"


def test_passivation_refuses_what_does_not_belong_together():
    rich = vacancy_formation_energy(DEFECT, PRISTINE, {"I": 1}, REGION)
    poor = vacancy_formation_energy(DEFECT, PRISTINE, {"I": 1}, REGION, limit="I-poor")
    with pytest.raises(ReferenceSchemeError, match=r"chemical potential of I: -1\.5"):
        passivation_energy(rich, poor)
    with pytest.raises(ReferenceSchemeError, match="not E_ads"):
        passivation_energy(rich, replace(rich, quantity="E_ads"))


def test_a_region_from_calculations():
    runs = [output(formula, energy) for formula, energy in ENERGIES.items()]
    found = competing_phases("CsPbI3", runs)
    assert np.allclose(found.region.corners, REGION.corners)
    assert len(found.phases) == 6
    with pytest.raises(ConvergenceError, match="no chemical potentials from unconverged calculations: Cs"):
        competing_phases("CsPbI3", [replace(runs[0], ionically_converged=False), *runs[1:]])
    mixed = [replace(runs[0], settings=SETTINGS | {"cutoff_eV": 300.0}), *runs[1:]]
    with pytest.raises(SettingsMismatchError, match="energies that do not belong together: cutoff_eV differs"):
        competing_phases("CsPbI3", mixed)
    other = competing_phases("CsPbI3", mixed, allow_differences=True)
    assert any("SETTINGS DIFFER" in text for text in other.warnings)


@present
@pytest.mark.parametrize("site", ["v_O_1", "v_O_2", "v_O_3"])
def test_oxygen_vacancies_of_vanadium_pentoxide(site):
    folder = FOLDER / "07_V2O5_oxygen_vacancies"
    known = derived()["V2O5_vO"]
    limits = {name: {"O": mu} for name, mu in known["chemical_potential_O_absolute_eV"].items()}
    result = vacancy_formation_energy(folder / site, folder / "V2O5_bulk", {"O": 1}, limits)
    assert result.details["limits_eV"] == pytest.approx(known["formation_energy_eV"][site], abs=2e-6)
    # vasprun.xml alone does not tell the dispersion correction, and nothing else is doubtful
    assert [text.split(" is unknown")[0] for text in result.warnings] == ["settings: dispersion"]
    assert len(result.inputs) == 2


@present
@pytest.mark.parametrize(("charge", "difference"), [(-1, 7.456828), (0, 2.838154), (1, -1.587862)])
def test_magnesium_in_gallium_nitride(charge, difference):
    folder = FOLDER / "08_GaN_Mg_Ga_charged_defect"
    state = ChargeState(charge, 3.0, 0.5, 0.1, "Freysoldt") if charge else None
    result = vacancy_formation_energy(
        folder / f"q={charge}", folder / "bulk_sc", {"Ga": 1, "Mg": -1}, {"Ga": 0.0, "Mg": 0.0}, state=state,
        allow_unconverged=True,
    )  # fmt: skip
    assert result.value == pytest.approx(difference + charge * 3.5 + 0.1 * abs(charge), abs=2e-6)
    assert result.charge == charge


@present
def test_tables_of_dopants_in_cesium_tin_iodide_recompute():
    folder = FOLDER / "05_CsSnI3_dopant_tables"
    checked = 0
    for name, host in (("E_form_of_X_Cs.csv", "Cs"), ("E_form_of_X_Sn.csv", "Sn")):
        with (folder / name).open(encoding="utf-8-sig", newline="") as file:
            rows = [row for row in csv.reader(file) if len(row) > 10 and row[0][-2:] in ("-0", "+1")]
        for row in rows:
            e_defect, e_perfect, vbm, correction = (float(cell) for cell in row[1:5])
            charge = int(row[0][-2:]) if row[0].endswith("+1") else 0
            state = ChargeState(charge, vbm / charge, 0.0, correction, "as printed") if charge else None
            for host_mu, dopant_mu, printed in (map(float, row[5:8]), map(float, row[8:11])):
                value = formation_energy(
                    e_defect, e_perfect, {host: 1, "dopant": -1}, {host: host_mu, "dopant": dopant_mu}, state
                )
                assert value == pytest.approx(printed, abs=0.02)
                checked += 1
    assert checked == 2 * 78


def test_a_region_made_of_one_limit_only_once():
    names = list(vacancy_formation_energy(DEFECT, PRISTINE, {"I": 1}, REGION, limit="X-rich").details["limits_eV"])
    assert names == ["I-rich", "I-poor"]
    assert named_limit(REGION, "X-rich").name == "I-rich"
