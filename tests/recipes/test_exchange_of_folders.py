"""Exchange energies and coverage series from finished calculations."""

import sys
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "engines" / "vasp"))
from shared_vasp import FOLDER, present

from qddft.core.errors import ReferenceSchemeError
from qddft.engines.vasp.read import read_outputs
from qddft.outputs.outputs import Outputs
from qddft.recipes.coverage_series import coverage_series
from qddft.recipes.exchange_of_folders import exchange_energy
from qddft.recipes.of_folders import binding_energy

SETTINGS = {"xc": "PBE", "cutoff_eV": 400.0, "dispersion": "none", "kpoints": [2, 2, 1], "kpoint_scheme": "gamma"}


def outputs(formula, energy, *, cell=12.0, **changes):
    atoms = Atoms(formula, cell=[cell, cell, 30], pbc=True)
    if "Pb" in formula:
        # spread the slab, so that it leaves no gap in the plane
        atoms.positions[:, 0] = np.linspace(0, cell, len(atoms), endpoint=False)
        atoms.positions[:, 1] = np.linspace(0, 2 * cell, len(atoms), endpoint=False) % cell
    facts = {"atoms": atoms, "energy": energy, "electronically_converged": True, "ionically_converged": True}
    return Outputs(**(facts | {"settings": SETTINGS, "engine": "vasp", "charge": 0.0} | changes))


SLAB = outputs("Pb4I8", -100.0)
WITH_ACID = outputs("Pb4I8CH3COOH", -147.6)
WITH_AMINE = outputs("Pb4I8CH3NH2", -131.2)
ACID, AMINE = outputs("CH3COOH", -47.0), outputs("CH3NH2", -30.0)


def test_an_exchange_is_the_difference_of_two_adsorption_energies():
    result = exchange_energy(WITH_ACID, WITH_AMINE, [AMINE, ACID])
    before, after = (binding_energy(whole, SLAB, free) for whole, free in ((WITH_ACID, ACID), (WITH_AMINE, AMINE)))
    assert result.value == pytest.approx(after.value - before.value)
    assert result.value == pytest.approx(-0.6)
    assert result.reaction == "before + CH5N -> after + C2H4O2"
    assert result.ligand == "C2H4O2 -> CH5N"
    assert result.convention.endswith("negative = the new ligand stays")
    assert (result.quantity, result.formula, result.unit) == ("E_exchange", "exchange energy per ligand", "eV")
    assert result.audit["compatible"]


def test_turning_an_exchange_round_turns_its_sign():
    there = exchange_energy(WITH_ACID, WITH_AMINE, [AMINE, ACID]).value
    back = exchange_energy(WITH_AMINE, WITH_ACID, [ACID, AMINE]).value
    assert there == pytest.approx(-back)


def test_a_proton_that_moves_is_balanced():
    # HL2 gives its proton to the amide that leaves as an amine
    before, after = outputs("Pb4I8CH3NH", -125.0), outputs("Pb4I8CH3COO", -143.0)
    result = exchange_energy(before, after, [ACID, AMINE])
    assert result.reaction == "before + C2H4O2 -> after + CH5N"
    assert result.value == pytest.approx(-143.0 - 30.0 + 125.0 + 47.0)


def test_other_species_take_part():
    before, after = outputs("Pb4I8CH3COONH3CH3", -178.5), outputs("Pb4I8CF3COOH", -160.0)
    others = {"new": outputs("CF3COOH", -58.0), "old": ACID, "amine": AMINE}
    result = exchange_energy(before, after, others)
    assert result.reaction == "before + new -> after + old + amine"
    assert result.value == pytest.approx(-160.0 - 47.0 - 30.0 + 178.5 + 58.0)


def test_several_ligands_share_the_energy():
    before, after = outputs("Pb4I8(CH3COOH)2", -195.2), outputs("Pb4I8(CH3NH2)2", -162.4)
    assert exchange_energy(before, after, [AMINE, ACID]).value == pytest.approx(-0.6)


def test_ligands_of_one_formula_need_their_number():
    before, after = outputs("Pb4I8C3H7OH", -150.0), outputs("Pb4I8C3H7OH", -150.3)
    one, other = outputs("C3H7OH", -49.0), outputs("C3H7OH", -49.1)
    with pytest.raises(ReferenceSchemeError, match=r"have the same formula.* give n"):
        exchange_energy(before, after, {"1-propanol": one, "2-propanol": other})
    result = exchange_energy(before, after, {"1-propanol": one, "2-propanol": other}, n=1)
    assert result.reaction == "before + 1-propanol -> after + 2-propanol"
    assert result.value == pytest.approx(-150.3 - 49.1 + 150.0 + 49.0)


def test_two_sites_need_no_references():
    result = exchange_energy(WITH_ACID, outputs("Pb4I8CH3COOH", -147.9))
    assert (result.value, result.reference) == (pytest.approx(-0.3), "site against site")


def test_what_does_not_balance_is_refused():
    with pytest.raises(ReferenceSchemeError, match="no numbers of before, CH5N, H2O add up"):
        exchange_energy(WITH_ACID, WITH_AMINE, [AMINE, outputs("H2O", -14.0)])
    charged = outputs("Pb4I8CH3NH2", -131.2, charge=1.0)
    with pytest.raises(ReferenceSchemeError, match=r"charge \+1 on the right"):
        exchange_energy(WITH_ACID, charged, [AMINE, ACID])
    with pytest.raises(ReferenceSchemeError, match="does not come in this reaction"):
        exchange_energy(WITH_ACID, WITH_AMINE, [ACID, AMINE])
    with pytest.raises(ReferenceSchemeError, match="cannot be called 'after'"):
        exchange_energy(WITH_ACID, WITH_AMINE, {"after": AMINE, "acid": ACID})


def test_settings_are_compared_and_named():
    fine = outputs("Pb4I8CH3NH2", -131.2, settings=SETTINGS | {"cutoff_eV": 520.0})
    result = exchange_energy(WITH_ACID, fine, [AMINE, ACID])
    assert result.value is None
    assert any("cutoff_eV differs" in text and "520.0 in after" in text for text in result.warnings)
    assert exchange_energy(WITH_ACID, fine, [AMINE, ACID], allow_differences=True).value == pytest.approx(-0.6)


def test_average_and_differential_energies_of_a_series():
    two = outputs("Pb4I8(CH3NH2)2", -162.0)
    first, second, step = coverage_series([two, WITH_AMINE], SLAB, AMINE)
    assert [item.value for item in (first, second, step)] == pytest.approx([-1.2, -1.0, -0.8])
    assert (step.quantity, step.formula) == ("E_ads_differential", "differential adsorption energy")
    assert step.convention.startswith("E_ads_differential = E(complex) - E(lower coverage)")
    assert (first.details["n_ligands"], second.details["n_ligands"]) == (1, 2)
    # n times the average is the sum of the steps
    assert 2 * second.value == pytest.approx(first.value + step.value)
    with pytest.raises(ReferenceSchemeError, match="have one coverage"):
        coverage_series([two, two], SLAB, AMINE)


def test_an_energy_as_a_number_is_marked():
    result = binding_energy(outputs("Pb4I8H", -103.5), SLAB, {"H2": -6.8})
    assert result.value == pytest.approx(-0.1)
    assert any("H2 was given as a number, -6.800000 eV; its settings are unknown" in text for text in result.warnings)
    with pytest.raises(ReferenceSchemeError, match="needs the formula of its molecule as name, not 'acid'"):
        binding_energy(WITH_ACID, SLAB, {"acid": -47.0})


def test_the_share_of_dispersion():
    legs = [
        outputs(name, energy, extra={"dispersion_energy": part})
        for name, energy, part in (("Pb4I8CH3NH2", -131.2, -0.9), ("Pb4I8", -100.0, -0.4), ("CH3NH2", -30.0, -0.1))
    ]
    assert binding_energy(*legs).details["E_dispersion"] == pytest.approx(-0.4)
    silent = binding_energy(legs[0], SLAB, legs[2])
    assert "E_dispersion" not in silent.details
    assert any("share of dispersion is unknown: slab does not say" in text for text in silent.warnings)


def test_a_crystal_is_no_slab():
    crystal = outputs("Pb4I8", -100.0)
    packed = crystal.atoms.copy()
    packed.cell[2, 2] = 18
    packed.positions[:, 2] = np.linspace(0, 18, len(packed), endpoint=False)
    result = binding_energy(WITH_AMINE, outputs("Pb4I8", -100.0, atoms=packed), AMINE)
    assert result.value is None
    assert any("the slab is a crystal without vacuum" in text for text in result.warnings)


@present
def test_the_site_of_hydrogen_on_iridium():
    hydrogen = FOLDER / "06_H_on_Ir100_adsorption"
    result = exchange_energy(read_outputs(hydrogen / "ads_site1"), hydrogen / "ads_site0")
    assert result.value == pytest.approx(-0.268302, abs=1e-6)


@present
@pytest.mark.parametrize(("site", "raw"), [("ads_site0", -3.780350), ("ads_site1", -3.512048)])
def test_hydrogen_on_a_slab_that_is_used_four_times(site, raw):
    hydrogen = FOLDER / "06_H_on_Ir100_adsorption"
    result = binding_energy(hydrogen / site, hydrogen / "slab", {"H2": -6.77})
    assert result.value == pytest.approx(raw + 6.77 / 2, abs=1e-5)
    assert result.details["slabs_per_complex"] == 4
    assert result.details["kpoints"] == {"complex": [9, 9, 1], "slab": [18, 18, 1]}
    # 18x18 on the 1x1 slab is 9x9 on its 2x2 supercell
    assert not any(item["key"] == "kpoints" for item in result.audit["differences"])
    assert binding_energy(hydrogen / site, hydrogen / "bulk", {"H2": -6.77}).value is None


@present
def test_a_refusal_names_folder_and_tag():
    hydrogen, cation = FOLDER / "06_H_on_Ir100_adsorption", FOLDER / "08_GaN_Mg_Ga_charged_defect"
    result = exchange_energy(hydrogen / "ads_site1", hydrogen / "ads_site0", {"spare": cation / "q=0"}, n=1)
    assert result.value is None
    text = " | ".join(result.warnings)
    assert "xc differs (decides energies)" in text
    assert "[GGA, METAGGA, LHFCALC]" in text
    sides = f"after = {hydrogen / 'ads_site0'}, before = {hydrogen / 'ads_site1'}"
    assert f"where {sides}, spare = {cation / 'q=0'}" in text
