import pytest
from made_up_vasp import outcar, two_steps, vasprun
from shared_vasp import FOLDER, present

from qddft.core.errors import LevelError, OutputError
from qddft.engines.vasp.read.collect import run_settings
from qddft.study.audit import audit

POSCAR = "made up\n1.0\n6 0 0\n0 6 0\n0 0 20\nPb Br\n1 2\nDirect\n0 0 0.25\n0.5 0 0.25\n0 0.5 0.25\n"
INCAR = """ENCUT = 400; PREC = Accurate; GGA = PE; LASPH = T
ISMEAR = 0; SIGMA = 0.05; EDIFF = 1e-5
NSW = 50; IBRION = 2; EDIFFG = -0.02
"""


@pytest.fixture
def unstarted(tmp_path):
    folder = tmp_path / "unstarted"
    folder.mkdir()
    for name, text in (
        ("INCAR", INCAR),
        ("POSCAR", POSCAR),
        ("KPOINTS", "k\n0\nGamma\n4 4 1\n"),
        ("POTCAR.spec", "Pb_d\nBr\n"),
    ):
        (folder / name).write_text(text)
    return folder


@pytest.fixture
def finished(tmp_path):
    folder = tmp_path / "finished"
    folder.mkdir()
    (folder / "OUTCAR").write_text(outcar(two_steps()))
    return folder


def test_inputs_are_completed_by_the_defaults_of_vasp(unstarted):
    settings = run_settings(unstarted).settings
    assert (settings["cutoff_eV"], settings["ispin"], settings["lreal"], settings["soc"]) == (400, 1, False, False)
    assert (settings["xc"], settings["dispersion"], settings["max_scf_steps"]) == ("PBE", "none", 60)
    assert (settings["kpoints"], settings["kpoint_scheme"]) == ([4, 4, 1], "gamma")
    (unstarted / "INCAR").write_text("PREC = Accurate\n")
    bare = run_settings(unstarted).settings
    assert (bare["cutoff_eV"], bare["smearing"], bare["sigma_eV"]) == (None, "methfessel-paxton", 0.2)


def test_an_unstarted_folder_agrees_with_the_finished_run_it_would_give(unstarted, finished):
    answer = audit([unstarted, finished])
    assert answer.compatible, answer.table()
    assert {item.importance for item in answer.differences} <= {"harmless"}


@pytest.mark.parametrize(
    ("line", "key"),
    [
        ("ENCUT = 520", "cutoff_eV"),
        ("LREAL = Auto", "lreal"),
        ("GGA = RP", "xc"),
        ("IVDW = 12", "dispersion"),
        ("ISPIN = 2", "ispin"),
        ("PREC = Normal", "prec"),
        ("LSORBIT = .TRUE.", "soc"),
        ("LHFCALC = T", "xc"),
        ("LDAU = T\nLDAUL = 2 -1\nLDAUU = 4 0\nLDAUJ = 0 0", "hubbard of Pb"),
    ],
)
def test_a_changed_line_of_the_incar_is_found(unstarted, finished, line, key):
    (unstarted / "INCAR").write_text(line + "\n" + INCAR)
    answer = audit([unstarted, finished])
    assert not answer.compatible
    assert key in [item.key for item in answer.of_importance("decides energies")]


def test_another_mesh_is_found(unstarted, finished):
    (unstarted / "KPOINTS").write_text("k\n0\nGamma\n2 2 1\n")
    assert [item.key for item in audit([unstarted, finished]).differences] == ["kpoints"]


def test_effective_values_beat_the_incar_and_the_difference_is_told(finished):
    (finished / "INCAR").write_text("ENCUT = 520\nGGA = PE\n")
    settings = run_settings(finished)
    assert settings.settings["cutoff_eV"] == 400.0
    assert settings.stated == (("ENCUT", 520, 400.0),)
    assert "INCAR says ENCUT = 520" in audit([finished], level="tao-pbe").table()


def test_a_killed_run_still_shows_its_settings(tmp_path):
    text = vasprun(two_steps())
    (tmp_path / "vasprun.xml").write_text(text[: text.index("<calculation>") + 200])
    assert run_settings(tmp_path).settings["cutoff_eV"] == 400.0


def test_a_level_by_name(finished):
    answer = audit([finished], level="tao-pbe")
    # 4x4x1 on one cell is coarser than both meshes of the level; nothing else differs in what decides energies
    assert [item.key for item in answer.of_importance("decides energies")] == ["kpoints of the level"], answer.table()
    assert not audit([finished], level="hse06").compatible
    with pytest.raises(LevelError, match="tao-pbe"):
        audit([finished], level="tao-pb")


def test_nothing_to_compare_is_refused(finished, tmp_path):
    with pytest.raises(OutputError, match="an audit compares: give two folders, or one and a level"):
        audit([finished])
    with pytest.raises(OutputError, match=r"holds no vasprun.xml, OUTCAR, vaspout.h5 or outputs.json"):
        audit([finished, tmp_path])


ADSORPTION = FOLDER / "06_H_on_Ir100_adsorption"


@present
def test_the_meshes_of_slab_and_supercell_are_equivalent_and_the_frozen_atoms_told():
    answer = audit([ADSORPTION / "slab", ADSORPTION / "ads_site0", ADSORPTION / "ads_site1"])
    assert answer.compatible
    assert {item.key: item.importance for item in answer.differences} == {
        "frozen atoms": "changes accuracy",
        "force_tol_eV_per_A": "harmless",
    }
    assert answer.unknown == ()


@present
def test_inputs_that_do_not_belong_are_told():
    notes = audit([ADSORPTION / "bulk", ADSORPTION / "slab"]).notes[str(ADSORPTION / "bulk")]
    assert any("POSCAR does not belong to vasprun.xml: it has Ir2" in note for note in notes)
    assert any("KPOINTS does not belong" in note for note in notes)


@present
@pytest.mark.parametrize(
    ("one", "other", "keys"),
    [
        ("13_NiO_spin_static_vasp641", "14_Na12Pd4_large_vasprun_vasp621", {"xc", "cutoff_eV"}),
        ("13_NiO_spin_static_vasp641", "15_Si_relax_vasp642", {"xc", "lreal"}),
        (
            "18_xc_functional_audit/vasprun.scan.xml.gz",
            "18_xc_functional_audit/vasprun.r2scan.xml.gz",
            {"xc", "metagga"},
        ),
        ("03_MAPbI3_bands_pbesol_and_soc/PBEsol", "03_MAPbI3_bands_pbesol_and_soc/PBEsol_SoC", {"soc", "noncollinear"}),
        ("06_H_on_Ir100_adsorption/slab", "19_Y2Ti2S2O5_001_slabs/20_20_15", {"xc", "gga", "lasph", "lateral cell"}),
    ],
)
def test_mismatches_of_real_runs_are_found(one, other, keys):
    answer = audit([FOLDER / one, FOLDER / other])
    assert not answer.compatible
    assert keys <= {item.key for item in answer.of_importance("decides energies")}


@present
@pytest.mark.parametrize(
    "names",
    [
        ("08_GaN_Mg_Ga_charged_defect/bulk_sc", "08_GaN_Mg_Ga_charged_defect/q=0", "08_GaN_Mg_Ga_charged_defect/q=-1"),
        ("19_Y2Ti2S2O5_001_slabs/20_20_15", "19_Y2Ti2S2O5_001_slabs/30_50_15"),
        ("07_V2O5_oxygen_vacancies/V2O5_bulk", "07_V2O5_oxygen_vacancies/v_O_1"),
        ("04_Cs2AgBiBr6_competing_phases/AgBr_EaH=0", "04_Cs2AgBiBr6_competing_phases/Ag_EaH=0"),
    ],
)
def test_runs_that_belong_together_are_compatible(names):
    answer = audit([FOLDER / name for name in names])
    assert answer.compatible, answer.table()


@present
def test_dispersion_of_a_lone_vasprun_cannot_be_known():
    answer = audit(
        [FOLDER / "07_V2O5_oxygen_vacancies/V2O5_bulk", FOLDER / "18_xc_functional_audit/vasprun.vdw.xml.gz"]
    )
    assert "dispersion" in [item.key for item in answer.unknown]
