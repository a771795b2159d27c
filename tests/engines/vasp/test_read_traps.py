"""The twelve traps that the README of the third-party files lists; each was met by a well-known reader."""

import numpy as np
import pytest
from shared_vasp import FOLDER, derived, present

from qddft.core.errors import OutputError
from qddft.engines.vasp.read import read_dos, read_outputs

pytestmark = present


def test_1_energies_are_mislabeled_before_vasp_6():
    outputs = read_outputs(FOLDER / "01_Cs2SnI6_hse06_dos")
    assert outputs.free_energy == -27.72482203
    assert outputs.energy == -27.72460543
    assert outputs.extra["energy_without_entropy"] == pytest.approx(-27.72438883, abs=1e-8)


def test_2_the_last_electronic_step_is_not_the_final_energy():
    outputs = read_outputs(FOLDER / "18_xc_functional_audit/vasprun.vdw.xml.gz")
    assert outputs.energy == -9.78310677
    assert outputs.extra["energy_added_after_scf"] == pytest.approx(-3.46983, abs=1e-5)
    assert outputs.settings["dispersion"] == "unknown"
    assert "-3.46983 eV were added after the electronic loop" in outputs.warnings[0]


@pytest.mark.parametrize(
    ("name", "steps"),
    [("20_failed_vasprun/vasprun.killed_relaxation_MgO.xml.gz", 30), ("04_Cs2AgBiBr6_competing_phases/Bi_EaH=0", 11)],
)
def test_3_a_killed_run_has_not_converged(name, steps):
    with pytest.raises(OutputError, match=rf"without </modeling>.*{steps} ionic steps were completed"):
        read_outputs(FOLDER / name)
    outputs = read_outputs(FOLDER / name, partial=True)
    assert outputs.ionically_converged is False
    assert "is not complete" in outputs.warnings[0]


@pytest.mark.parametrize(("name", "fermi"), [("etest1", 8.9069), ("etest2", 8.8883)])
def test_4_the_fermi_level_is_the_last_one(name, fermi):
    assert read_outputs(FOLDER / f"24_outcar_versions/OUTCAR.{name}.gz").fermi_level == fermi


@pytest.mark.parametrize("site", ["ads_site0", "ads_site1"])
@pytest.mark.parametrize("name", ["", "/vasprun.xml.gz"])
def test_5_forces_on_frozen_atoms_do_not_count(site, name):
    expected = derived()["selective_dynamics_forces"][f"06_H_on_Ir100_adsorption/{site}/vasprun.xml.gz"]
    outputs = read_outputs(f"{FOLDER}/06_H_on_Ir100_adsorption/{site}{name}")
    assert np.linalg.norm(outputs.forces, axis=1).max() == pytest.approx(expected["max_force_all"], abs=1e-8)
    assert outputs.max_force == pytest.approx(expected["max_force_free_components"], abs=1e-8)
    assert outputs.settings["n_frozen"] == expected["n_frozen_atoms"]
    assert outputs.converged


def test_6_merged_columns_and_stars_are_read():
    outputs = read_outputs(FOLDER / "19_Y2Ti2S2O5_001_slabs/30_50_15/OUTCAR.gz")
    assert outputs.atoms.cell[2, 2] == 113.517567
    killed = read_outputs(FOLDER / "20_failed_vasprun/vasprun.relax_truncated.xml.gz", partial=True)
    assert killed.free_energy == -43.39066158
    assert read_outputs(FOLDER / "20_failed_vasprun/vasprun.sc_overflow.xml.gz").energy == -269.38319884


@pytest.mark.parametrize("name", ["vasprun.xml.gz", "OUTCAR.gz"])
def test_7_the_charge_follows_from_nelect(name):
    outputs = read_outputs(FOLDER / "12_YTOS_F_on_O_defect_large/F_O_1" / name)
    assert (outputs.n_electrons, outputs.charge) == (1296.0, 1.0)
    assert read_outputs(FOLDER / "12_YTOS_F_on_O_defect_large/Bulk" / name).charge == 0.0


def test_8_the_density_of_states_integrates_to_nelect_where_core_densities_do_not():
    outputs = read_outputs(FOLDER / "09_Si_static_full_output_set")
    assert outputs.n_electrons == 8.0
    assert read_dos(FOLDER / "09_Si_static_full_output_set").integrated[:, -1].max() >= 4.0


def test_9_the_meshes_of_both_slabs_are_recorded_with_their_cells():
    clean, covered = (read_outputs(FOLDER / "06_H_on_Ir100_adsorption" / name) for name in ("slab", "ads_site0"))
    assert (len(clean.atoms), len(covered.atoms)) == (4, 17)
    assert (clean.settings["kpoints"], covered.settings["kpoints"]) == ([18, 18, 1], [9, 9, 1])
    reference = derived()["H_on_Ir100"]
    assert covered.energy - 4 * clean.energy == pytest.approx(reference["E_adslab_minus_4_slab_site0"], abs=1e-8)


def test_10_inputs_that_do_not_belong_to_the_outputs_are_named():
    outputs = read_outputs(FOLDER / "06_H_on_Ir100_adsorption/bulk")
    assert len(outputs.atoms) == 4
    assert "POSCAR does not belong to vasprun.xml: it has Ir2, the calculation Ir4" in outputs.warnings
    assert any("KPOINTS does not belong" in warning for warning in outputs.warnings)


def test_11_a_hybrid_is_named_by_its_semilocal_part():
    outputs = read_outputs(FOLDER / "18_xc_functional_audit/vasprun.hse06.xml.gz")
    assert outputs.settings["xc"] == "HSEsol"
    assert outputs.electronically_converged is False


def test_12_a_tar_header_in_front_is_passed_over():
    assert read_outputs(FOLDER / "24_outcar_versions/OUTCAR.serial.gz").energy == -43.39175481


def test_nelm_reached_is_unconverged_although_outcar_says_that_ediff_was_reached():
    for name in ("", "/OUTCAR.gz", "/vasprun.xml"):
        outputs = read_outputs(f"{FOLDER}/21_exit_codes_Si/elec-unconverged{name}")
        assert outputs.electronically_converged is False
        assert read_outputs(f"{FOLDER}/21_exit_codes_Si/converged{name}").electronically_converged is True


def test_a_stopped_run_and_one_that_used_all_ionic_steps_are_unconverged():
    stopped = read_outputs(FOLDER / "22_failed_outcar/OUTCAR.stopped.gz")
    assert (stopped.electronically_converged, stopped.ionically_converged) == (False, False)
    assert read_outputs(FOLDER / "20_failed_vasprun/vasprun.ionic_unconverged.xml.gz").ionically_converged is False


def test_what_a_run_away_from_a_minimum_cannot_prove_is_unknown():
    dynamics = read_outputs(FOLDER / "20_failed_vasprun/vasprun.bad_random_seed.xml.gz")
    assert dynamics.ionically_converged is None
    assert any("molecular dynamics" in warning for warning in dynamics.warnings)


@pytest.mark.parametrize(("name", "moment"), [("V2O5_bulk", 0.0), ("v_O_1", 2.0), ("v_O_2", 2.0), ("v_O_3", 2.0)])
def test_moments_follow_from_the_occupations(name, moment):
    assert read_outputs(FOLDER / "07_V2O5_oxygen_vacancies" / name).magnetization == pytest.approx(moment, abs=3e-3)


@pytest.mark.parametrize(
    "name",
    ["21_exit_codes_Si/converged/vasp_output", "23_failed_stdout/vasp.brmix", "09_Si_static_full_output_set/CHGCAR.gz"],
)
def test_other_files_are_refused(name):
    with pytest.raises(OutputError, match="by its content"):
        read_outputs(FOLDER / name)


def test_a_folder_of_many_runs_asks_which_one():
    with pytest.raises(OutputError, match=r"holds 6 files of the kind vasprun.xml .* name one of them"):
        read_outputs(FOLDER / "18_xc_functional_audit")
