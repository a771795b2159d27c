import gzip
import json
import re
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made_up_vasp import STRESS_KB, Run, Step, outcar, two_steps, vasprun

from qddft.core.errors import OutputError
from qddft.engines.vasp.read import read_outputs
from qddft.outputs.store import save_outputs

WRITERS = {"vasprun.xml": vasprun, "OUTCAR": outcar}


def write(folder, run, *names):
    for name in names or ("vasprun.xml",):
        (folder / name).write_text(WRITERS[name](run))
    return folder


@pytest.mark.parametrize("version", ["4.6.35", "5.2.2", "5.4.4", "6.0.8", "6.1.1", "6.6.0"])
@pytest.mark.parametrize("name", ["vasprun.xml", "OUTCAR"])
@pytest.mark.parametrize("order", [-5, 0, 1, 2])
def test_every_version_gives_the_numbers_it_was_written_from(tmp_path, version, name, order):
    run = two_steps(version=version, parameters={"ISMEAR": order})
    last = run.steps[-1]
    if order == -5:
        run = Run(**vars(run) | {"steps": (run.steps[0], Step(**vars(last) | {"entropy": 0.0}))})
        last = run.steps[-1]
    outputs = read_outputs(write(tmp_path, run, name) / name)
    assert outputs.free_energy == pytest.approx(last.free, abs=1e-9)
    assert outputs.energy == pytest.approx(run.sigma0(last), abs=1e-9)
    assert outputs.extra["energy_without_entropy"] == pytest.approx(last.without_entropy, abs=2e-8)
    np.testing.assert_allclose(outputs.forces, last.forces, atol=1e-9)
    np.testing.assert_allclose(outputs.atoms.get_scaled_positions(), last.scaled, atol=1e-6)
    assert outputs.atoms.get_chemical_symbols() == ["Pb", "Br", "Br"]
    assert outputs.fermi_level == run.fermi
    assert (outputs.n_electrons, outputs.charge, outputs.n_ionic_steps) == (28.0, 0.0, 2)
    assert outputs.converged
    assert outputs.engine_version == version
    assert outputs.warnings == ()


@pytest.mark.parametrize("name", ["vasprun.xml", "OUTCAR"])
def test_stress_is_tension_in_ev_per_cubic_angstrom(tmp_path, name):
    from ase.units import GPa

    outputs = read_outputs(write(tmp_path, two_steps(), name))
    np.testing.assert_allclose(outputs.stress, -STRESS_KB * 0.1 * GPa, rtol=1e-7)


@pytest.mark.parametrize("name", ["vasprun.xml", "OUTCAR"])
def test_spin_moment_and_charge(tmp_path, name):
    run = two_steps(parameters={"ISPIN": 2, "NELECT": 27.0}, moment=0.5)
    outputs = read_outputs(write(tmp_path, run, name))
    assert outputs.magnetization == pytest.approx(0.5)
    assert outputs.charge == 1.0


def test_frozen_atoms_do_not_count(tmp_path):
    forces = np.array([[0.0, 0.0, 0.01], [0.0, 0.0, 1.2], [0.5, 0.0, 0.011]])
    movable = np.array([[True] * 3, [False] * 3, [False, True, True]])
    run = two_steps(movable=movable)
    run = Run(**vars(run) | {"steps": (run.steps[0], Step(**vars(run.steps[1]) | {"forces": forces}))})
    outputs = read_outputs(write(tmp_path, run))
    assert outputs.extra["max_free_force"] == pytest.approx(0.011)
    assert outputs.ionically_converged
    assert outputs.settings["n_frozen"] == 1
    assert [type(c).__name__ for c in outputs.atoms.constraints] == ["FixAtoms", "FixScaled"]
    np.testing.assert_array_equal(outputs.forces, forces)


@pytest.mark.parametrize(
    ("changes", "electronic", "ionic"),
    [
        ({"NELM": 3}, False, True),
        ({"EDIFF": 1e-7}, False, True),
        ({"EDIFFG": -0.001}, True, False),
        ({"EDIFFG": 0.1}, True, True),
        ({"EDIFFG": 0.01}, True, None),
        ({"EDIFFG": 0.01, "NSW": 2}, True, False),
        ({"NSW": 2}, True, True),
        ({"NSW": 2, "ISIF": 3}, True, None),
        ({"IBRION": 0}, True, None),
        ({"NSW": 0, "IBRION": -1}, True, True),
    ],
)
def test_convergence_follows_from_evidence(tmp_path, changes, electronic, ionic):
    outputs = read_outputs(write(tmp_path, two_steps(parameters=changes)))
    assert (outputs.electronically_converged, outputs.ionically_converged) == (electronic, ionic)


def test_a_loop_that_used_all_steps_is_unconverged_whatever_outcar_prints(tmp_path):
    outputs = read_outputs(write(tmp_path, two_steps(parameters={"NELM": 3}), "OUTCAR"))
    assert outputs.electronically_converged is False
    outputs = read_outputs(write(tmp_path, two_steps(final_message="not reached"), "OUTCAR"))
    assert outputs.electronically_converged is False


def test_a_structure_moved_on_after_the_last_forces_has_not_converged(tmp_path):
    run = two_steps()
    outputs = read_outputs(write(tmp_path, Run(**vars(run) | {"final_scaled": run.steps[-1].scaled + 0.01})))
    assert outputs.ionically_converged is False
    assert "moved on after the last energy" in " ".join(outputs.warnings)
    np.testing.assert_allclose(outputs.atoms.get_scaled_positions(), run.steps[-1].scaled, atol=1e-7)


def test_dispersion_is_known_from_outcar_only(tmp_path):
    plain, corrected = two_steps(), two_steps(dispersion=("12", -0.57986))
    assert read_outputs(write(tmp_path, plain)).settings["dispersion"] == "unknown"
    (tmp_path / "INCAR").write_text("ENCUT = 400\n")
    assert read_outputs(tmp_path).settings["dispersion"] == "none"
    (tmp_path / "OUTCAR").write_text(outcar(corrected))
    outputs = read_outputs(tmp_path)
    assert outputs.settings["dispersion"] == "D3(BJ)"
    assert outputs.extra["dispersion_energy"] == -0.57986


@pytest.mark.parametrize(
    ("tags", "name"),
    [
        ({}, "PBE"),
        ({"GGA": "PS"}, "PBEsol"),
        ({"GGA": "--"}, "PBE"),
        ({"LHFCALC": True, "AEXX": 0.25, "HFSCREEN": 0.2}, "HSE06"),
        ({"LHFCALC": True, "AEXX": 0.25, "HFSCREEN": 0.2, "GGA": "PS"}, "HSEsol"),
        ({"LHFCALC": True, "AEXX": 0.25}, "PBE0"),
        ({"LHFCALC": True, "AEXX": 0.43, "HFSCREEN": 0.2}, "PBE hybrid (AEXX=0.43, HFSCREEN=0.2)"),
        ({"LHFCALC": True, "AEXX": 1.0}, "HF"),
        ({"LDAU": True}, "PBE+U"),
        ({"GGA": "RE", "LUSE_VDW": True}, "revPBE-vdW-DF"),
    ],
)
def test_the_functional_is_named_by_what_was_used(tmp_path, tags, name):
    assert read_outputs(write(tmp_path, two_steps(parameters=tags))).settings["xc"] == name


def test_settings_are_neutral_and_json(tmp_path):
    run = two_steps(incar={"ENCUT": 400, "METAGGA": "R2SCAN"})
    settings = read_outputs(write(tmp_path, run)).settings
    assert settings["cutoff_eV"] == 400.0
    assert settings["kpoints"] == [4, 4, 1]
    assert settings["kpoint_scheme"] == "gamma"
    assert (settings["smearing"], settings["sigma_eV"]) == ("gaussian", 0.05)
    assert settings["prec"] == "accurate"
    assert settings["potentials"] == ["PAW_PBE Pb_d 06Sep2000", "PAW_PBE Br 06Sep2000"]
    assert settings["force_tol_eV_per_A"] == 0.02
    assert settings["xc"] == "R2SCAN"
    assert settings["fft_grid"] == [60, 60, 200]
    json.dumps(dict(settings), allow_nan=False)


def test_a_finished_file_passes_through_our_own_store(tmp_path):
    outputs = read_outputs(write(tmp_path, two_steps(), "vasprun.xml", "OUTCAR"))
    run = tmp_path / "job"
    run.mkdir()
    save_outputs(run / "outputs.json", outputs)
    for again in (read_outputs(run), read_outputs(run / "outputs.json")):
        assert again.energy == outputs.energy
        assert dict(again.settings) == dict(outputs.settings)


def test_files_of_one_run_fill_each_others_gaps(tmp_path):
    run = two_steps()
    outputs = read_outputs(write(tmp_path, run, "vasprun.xml", "OUTCAR"))
    assert outputs.warnings == ()
    assert outputs.settings["dispersion"] == "none"
    assert outputs.settings["n_frozen"] == 0


def test_files_of_two_runs_are_told_apart(tmp_path):
    write(tmp_path, two_steps(), "vasprun.xml")
    other = two_steps()
    other = Run(**vars(other) | {"steps": (other.steps[0], Step(**vars(other.steps[1]) | {"free": -11.0}))})
    write(tmp_path, other, "OUTCAR")
    outputs = read_outputs(tmp_path)
    assert outputs.free_energy == -10.25
    assert "do not belong to the same run: F = -10.250000" in outputs.warnings[0]


def test_a_cut_file_yields_to_a_whole_one(tmp_path):
    write(tmp_path, two_steps(), "vasprun.xml", "OUTCAR")
    (tmp_path / "vasprun.xml").write_text(vasprun(two_steps())[:6000])
    outputs = read_outputs(tmp_path)
    assert outputs.free_energy == -10.25
    assert "vasprun.xml is not complete" in " ".join(outputs.warnings)


POSCAR = "made up\n1.0\n6 0 0\n0 6 0\n0 0 20\nPb Br\n1 2\nDirect\n0 0 0.25\n0.5 0 0.25\n0 0.5 0.25\n"


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("POSCAR", POSCAR.replace("1 2", "1 1"), "POSCAR does not belong to vasprun.xml: it has Pb1 Br1"),
        ("POSCAR", POSCAR.replace("0 0 20", "0 0 21"), "its lattice vectors are not those"),
        ("POSCAR", POSCAR.replace("0.5 0 0.25", "0.52 0 0.25"), "an atom lies 0.120 Angstrom"),
        ("KPOINTS", "k\n0\nGamma\n2 2 1\n", r"KPOINTS does not belong .* \(2, 2, 1\) subdivisions, \(4, 4, 1\) used"),
        ("INCAR", "ENCUT = 520\n", "INCAR says ENCUT = 520, vasprun.xml used 400.0"),
        ("INCAR", "LREAL = Auto\n", "INCAR says LREAL = True, vasprun.xml used False"),
    ],
)
def test_inputs_that_do_not_belong_are_named(tmp_path, name, text, message):
    write(tmp_path, two_steps())
    (tmp_path / name).write_text(text)
    assert re.search(message, " ".join(read_outputs(tmp_path).warnings))


def test_a_poscar_replaced_by_the_final_structure_is_no_stranger(tmp_path):
    write(tmp_path, two_steps())
    (tmp_path / "POSCAR").write_text(POSCAR.replace("0.25\n", "0.251\n"))
    assert read_outputs(tmp_path).warnings == ()


def test_inputs_that_belong_say_nothing(tmp_path):
    write(tmp_path, two_steps())
    (tmp_path / "POSCAR").write_text(POSCAR)
    (tmp_path / "KPOINTS").write_text("k\n0\nGamma\n4 4 1\n")
    (tmp_path / "INCAR").write_text("encut = 400 eV\nPREC = Accurate # fine\nGGA = Pe; ISMEAR = 0\n")
    assert read_outputs(tmp_path).warnings == ()


@pytest.mark.parametrize("name", ["vasprun.xml", "OUTCAR"])
def test_any_name_and_any_packing(tmp_path, name):
    import bz2
    import lzma

    text = WRITERS[name](two_steps()).encode()
    for suffix, pack in (("a", bytes), ("b", gzip.compress), ("c", bz2.compress), ("d", lzma.compress)):
        path = tmp_path / f"result-{suffix}.dat"
        path.write_bytes(pack(text))
        assert read_outputs(path).free_energy == -10.25
        path.unlink()


def test_large_packed_files_are_unpacked_on_disk_and_bombs_refused(tmp_path, monkeypatch):
    from qddft.engines.vasp.read import source

    monkeypatch.setattr(source, "IN_MEMORY", 1000)
    text = vasprun(two_steps()).encode()
    (tmp_path / "vasprun.xml.gz").write_bytes(gzip.compress(text))
    assert read_outputs(tmp_path).free_energy == -10.25
    (tmp_path / "vasprun.xml.gz").write_bytes(gzip.compress(text + b" " * 40_000_000))
    with pytest.raises(OutputError, match="unpacks to more than 400 times its size"):
        read_outputs(tmp_path)


def test_a_tar_header_in_front_of_outcar_is_passed_over(tmp_path):
    path = tmp_path / "OUTCAR"
    path.write_bytes(b"OUTCAR".ljust(512, b"\0") + outcar(two_steps()).encode())
    assert read_outputs(path).free_energy == -10.25


@pytest.mark.parametrize("name", ["vasprun.xml", "OUTCAR"])
def test_cut_anywhere_it_is_an_error_that_names_file_and_place(tmp_path, name):
    text = WRITERS[name](two_steps()).encode()
    path = tmp_path / name
    marker = b"</modeling>" if name == "vasprun.xml" else b"General timing and accounting informations for this job"
    for part in range(200):
        cut = len(text) * part // 200
        if text[:cut].rstrip().endswith(b"</modeling>") or (name == "OUTCAR" and marker in text[:cut]):
            continue
        path.unlink(missing_ok=True)
        path.write_bytes(text[:cut])
        with pytest.raises(OutputError, match=r"byte|0 bytes") as caught:
            read_outputs(path)
        assert str(path) in str(caught.value)


@pytest.mark.parametrize("name", ["vasprun.xml", "OUTCAR"])
def test_partial_gives_the_last_complete_step_and_says_so(tmp_path, name):
    text = WRITERS[name](two_steps())
    mark = "</calculation>" if name == "vasprun.xml" else "Iteration      2(   1)"
    (tmp_path / name).write_text(text[: text.index(mark) + 20])
    with pytest.raises(OutputError, match="1 ionic steps were completed"):
        read_outputs(tmp_path)
    outputs = read_outputs(tmp_path, partial=True)
    assert outputs.free_energy == -10.2
    assert outputs.ionically_converged is False
    assert "is not complete" in outputs.warnings[0]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
@pytest.mark.parametrize("name", ["vasprun.xml", "OUTCAR"])
def test_a_changed_byte_never_gives_another_energy_silently(tmp_path, name, data):
    text = bytearray(WRITERS[name](two_steps()).encode())
    at = data.draw(st.integers(0, len(text) - 1))
    byte = data.draw(st.integers(0, 255))
    text[at] = byte
    path = tmp_path / name
    path.unlink(missing_ok=True)
    path.write_bytes(bytes(text))
    with suppress(OutputError):
        assert read_outputs(path).energy == pytest.approx(-10.2498, abs=2e-5)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=3000))
def test_noise_is_refused(tmp_path, content):
    path = tmp_path / "vasprun.xml"
    path.unlink(missing_ok=True)
    path.write_bytes(content)
    with pytest.raises(OutputError, match=re.escape(str(path))):
        read_outputs(path)


def test_clear_refusals(tmp_path):
    (tmp_path / "empty").touch()
    with pytest.raises(OutputError, match=r"empty is empty \(0 bytes\)"):
        read_outputs(tmp_path / "empty")
    with pytest.raises(OutputError, match=r"emtpy does not exist. Did you mean 'empty'\?"):
        read_outputs(tmp_path / "emtpy")
    with pytest.raises(OutputError, match=r"holds no vasprun.xml, OUTCAR, vaspout.h5 or outputs.json"):
        read_outputs(tmp_path)
    (tmp_path / "zip.gz").write_bytes(gzip.compress(vasprun(two_steps()).encode())[:-40])
    with pytest.raises(OutputError, match=r"zip.gz cannot be read: Compressed file ended"):
        read_outputs(tmp_path / "zip.gz")
    (tmp_path / "one.xml").write_text(vasprun(two_steps()))
    (tmp_path / "two.xml").write_text(vasprun(two_steps()))
    with pytest.raises(OutputError, match=r"holds 2 files of the kind vasprun.xml \(one.xml, two.xml\); name one"):
        read_outputs(tmp_path)
    with pytest.raises(OutputError, match=r"is not a vasprun.xml, OUTCAR, vaspout.h5 or outputs.json by its content"):
        read_outputs(__file__)


def test_a_folder_of_runs_points_to_its_subfolders(tmp_path):
    (tmp_path / "slab").mkdir()
    write(tmp_path / "slab", two_steps())
    with pytest.raises(OutputError, match="its subfolders slab do"):
        read_outputs(tmp_path)


def test_stars_in_a_setting_are_unknown_and_in_an_energy_refused(tmp_path):
    text = vasprun(two_steps())
    (tmp_path / "vasprun.xml").write_text(text.replace('"ISYM">     2', '"ISYM">******'))
    assert read_outputs(tmp_path).settings["isym"] is None
    head, energy, tail = text.rpartition('<i name="e_wo_entrp">    -10.24')
    (tmp_path / "vasprun.xml").write_text(head + energy.replace("    -10.24", "********") + tail)
    with pytest.raises(OutputError, match="one of the three energies of this ionic step is missing or unreadable"):
        read_outputs(tmp_path)


def test_energies_that_contradict_each_other_are_refused(tmp_path):
    head, energy, tail = vasprun(two_steps()).rpartition('"e_fr_energy">    -10.25')
    (tmp_path / "vasprun.xml").write_text(head + energy.replace("10.25", "19.25") + tail)
    with pytest.raises(OutputError, match=r"line \d+ \(byte \d+\): the energies contradict each other: F = -19.25"):
        read_outputs(tmp_path)


def test_columns_that_touch_are_told_apart(tmp_path):
    run = two_steps()
    cell = np.diag([6.0, 6.0, 113.517567])
    steps = tuple(Step(**vars(step) | {"cell": cell}) for step in run.steps)
    outputs = read_outputs(write(tmp_path, Run(**vars(run) | {"cell": cell, "steps": steps}), "OUTCAR"))
    assert "0.000000000113.517567000" in (tmp_path / "OUTCAR").read_text()
    assert outputs.atoms.cell[2, 2] == 113.517567


def test_more_than_nine_hundred_ions_of_a_type_are_counted(tmp_path):
    run = two_steps(types=(("Pb", 1000, 14.0, "PAW_PBE Pb_d 06Sep2000"), ("Br", 2000, 7.0, "PAW_PBE Br 06Sep2000")))
    scaled = np.random.default_rng(0).random((3000, 3)).round(8)
    step = Step(-10.2, 0.0, np.zeros((3000, 3)), scaled)
    outputs = read_outputs(write(tmp_path, Run(**vars(run) | {"steps": (step,)}), "OUTCAR"))
    assert outputs.atoms.get_chemical_formula() == "Br2000Pb1000"
