"""Supervision with custodian around a fake VASP that replays error texts; only the supervision is tested with it."""

import json
import os
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
from ase import Atoms

from qddft.analysis.binding import doubts
from qddft.core.errors import EngineError, FolderError, OutputError
from qddft.engines.vasp.corrections import (
    LOG,
    append_correction,
    changes,
    input_texts,
    read_corrections,
    warnings_of,
    worst,
)
from qddft.engines.vasp.supervise import chosen_handlers, supervise
from qddft.engines.vasp.supervised import CHANGES, DECIDING, with_changes
from qddft.engines.vasp.write import ORDER_FILE, write_folder
from qddft.jobs.folder import failure_reason
from qddft.outputs.outputs import Outputs

# what VASP says, in short
TEXTS = {
    "zbrent": "ZBRENT: fatal error in bracketing\n     please rerun with smaller EDIFF, or copy CONTCAR\n",
    "edddav": "Error EDDDAV: Call to ZHEGV failed. Returncode =   7 1   8\n",
    "brmix": "BRMIX: very serious problems\n the old and the new charge density differ\n",
    "set_core_wf": "internal error in SET_CORE_WF\n",
}
# a collection of public VASP runs that may lie beside the checkout; it is not part of the project
REAL = Path(__file__).parents[4] / "shared" / "vasp" / "23_failed_stdout"


# what was changed ---------------------------------------------------------------------------------------------------

INCAR = "# text\nENCUT = 400   # why\nALGO = Normal\nEDIFF = 1E-05\nNELMIN = 5\nISMEAR = 0\n"
KPOINTS = "a comment\n0\nGamma\n4 4 1\n"


def _changed(incar=INCAR, kpoints=KPOINTS):
    return changes({"INCAR": INCAR, "KPOINTS": KPOINTS}, {"INCAR": incar, "KPOINTS": kpoints})


def test_same_inputs_in_other_words_are_no_change():
    assert (
        _changed("EDIFF = 1e-5\nencut=400 ; ALGO = Normal\nISMEAR = 0\nNELMIN = 5\n", "x\n 0\nGamma\n4   4 1\n") == ()
    )


@pytest.mark.parametrize(
    ("old", "new", "importance"),
    [
        ("ALGO = Normal", "ALGO = All", "harmless"),
        ("NELMIN = 5", "NELMIN = 8", "harmless"),
        ("EDIFF = 1E-05", "EDIFF = 1E-06", "harmless"),
        ("EDIFF = 1E-05", "EDIFF = 1E-03", "changes accuracy"),
        ("EDIFF = 1E-05", "EDIFF = 1E-05\nISYM = 0", "changes accuracy"),
        ("ENCUT = 400", "ENCUT = 520", "decides energies"),
        ("ISMEAR = 0", "ISMEAR = -5", "decides energies"),
        ("ENCUT = 400", "ENCUT = 400\nPREC = Normal", "decides energies"),
        ("ENCUT = 400", "ENCUT = 400\nIVDW = 12", "decides energies"),
    ],
)
def test_importance_of_a_change(old, new, importance):
    (change,) = _changed(INCAR.replace(old, new))
    assert change.importance == importance


@pytest.mark.parametrize("mesh", ["0\nMonkhorst\n4 4 1", "0\nGamma\n5 5 1"])
def test_another_mesh_decides_energies(mesh):
    (change,) = _changed(kpoints=f"a comment\n{mesh}\n")
    assert (change.tag, change.importance) == ("KPOINTS", "decides energies")


def test_machine_tags_are_no_change():
    assert _changed(INCAR + "NCORE = 8\nKPAR = 2\n") == ()


def test_worst_and_warnings():
    found = _changed(INCAR.replace("400", "520").replace("Normal", "All"))
    assert worst(found) == "decides energies"
    assert warnings_of(found, ["edddav", "edddav"]) == (
        "inputs were changed after edddav: ENCUT 400 -> 520 (decides energies)",
        "inputs were changed after edddav: ALGO Normal -> All (harmless)",
    )
    assert worst(()) == "harmless"
    assert warnings_of((), []) == ()


def test_change_by_hand_is_told_apart():
    (sentence,) = warnings_of(_changed(INCAR.replace("400", "520")), [])
    assert "not by qddft's supervision" in sentence


def test_log_of_corrections_survives_a_kill_in_its_last_line(tmp_path):
    append_correction(tmp_path, {"errors": ["zbrent"]})
    with (tmp_path / LOG).open("a") as file:
        file.write('{"errors": ["ed')
    assert read_corrections(tmp_path) == ({"errors": ["zbrent"]},)
    append_correction(tmp_path, {"errors": ["brmix"]})
    assert [record["errors"] for record in read_corrections(tmp_path)] == [["zbrent"], ["brmix"]]


def test_damaged_log_of_corrections_is_an_error(tmp_path):
    (tmp_path / LOG).write_text('{"errors": []}\n{"err\n{"errors": []}\n')
    with pytest.raises(FolderError, match=r"corrections\.jsonl:2 is damaged"):
        read_corrections(tmp_path)
    assert read_corrections(tmp_path / "nowhere") == ()


def _result(folder):
    return with_changes(
        Outputs(Atoms("H"), energy=-1.0, electronically_converged=True, ionically_converged=True), folder
    )


@pytest.fixture
def folder(jobs, slab, tmp_path, library, monkeypatch):
    """The folder of the clean slab with a fake POTCAR."""
    monkeypatch.setenv("PMG_VASP_PSP_DIR", str(library))
    target = tmp_path / "slab job"
    target.mkdir()
    write_folder(jobs.slab, slab, target)
    return target


def test_untouched_folder_gives_the_outputs_as_they_are(folder, tmp_path):
    assert _result(folder).warnings == ()
    assert dict(_result(folder).extra) == {}
    assert _result(tmp_path).warnings == ()


def test_energy_with_another_cutoff_does_not_enter_a_difference(folder):
    (folder / "INCAR").write_text((folder / "INCAR").read_text().replace("ENCUT   = 400", "ENCUT   = 520"))
    result = _result(folder)
    assert result.extra[DECIDING] == ["ENCUT"]
    assert "ENCUT 400 -> 520 (decides energies)" in result.warnings[0]
    assert doubts({"slab": result}) == ("slab was not computed with the inputs that were planned: ENCUT changed",)


def test_harmless_change_is_told_and_lets_the_energy_be(folder):
    (folder / "INCAR").write_text((folder / "INCAR").read_text().replace("Normal", "All"))
    result = _result(folder)
    assert result.extra[DECIDING] == []
    assert result.extra[CHANGES][0]["tag"] == "ALGO"
    assert doubts({"slab": result}) == ()


def test_damaged_record_is_an_error(folder):
    (folder / ORDER_FILE).write_text("{}")
    with pytest.raises(OutputError, match=r"qddft_order\.json is damaged"):
        _result(folder)


# custodian ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def supervised(folder, fake_vasp):
    """Supervise the fake VASP in the folder; ``texts`` are what it says in its first, second ... start."""
    pytest.importorskip("custodian")

    def run(*texts: str, then: str = "") -> int:
        for number, text in enumerate(texts, start=1):
            (fake_vasp.parent / f"says.{number}").write_text(text)
        fake_vasp.write_text(
            f"text='{fake_vasp.parent}'/says.$(wc -l < starts)\n"
            'if [ -e "$text" ]; then cat "$text"; converged=0; fi\n' + then
        )
        with warnings.catch_warnings():
            # pymatgen does not know the fake data sets
            warnings.simplefilter("ignore")
            return supervise(folder, ["vasp_std"], poll=0.05)

    return run


def _starts(folder):
    return len((folder / "starts").read_text().split())


def test_run_without_errors_is_left_alone(supervised, folder):
    assert supervised() == 0
    assert _starts(folder) == 1
    assert not (folder / LOG).exists()
    assert _result(folder).warnings == ()


@pytest.mark.parametrize(
    ("error", "tags"),
    [("zbrent", {"EDIFF": 1e-6, "NELMIN": 8}), ("edddav", {"ALGO": "All", "ISEARCH": 1}), ("brmix", {"IMIX": 1})],
)
def test_corrected_error_is_recorded_and_harmless(error, tags, supervised, folder):
    from pymatgen.io.vasp.inputs import Incar

    assert supervised(TEXTS[error]) == 0
    assert _starts(folder) == 2
    incar = Incar.from_file(folder / "INCAR")
    assert {tag: incar[tag] for tag in tags} == tags
    (record,) = read_corrections(folder)
    assert (record["errors"], record["corrected"]) == ([error], True)
    assert {change["tag"] for change in record["changed"]} == set(tags)
    result = _result(folder)
    assert result.extra[DECIDING] == []
    assert f"inputs were changed after {error}" in result.warnings[0]
    assert "(harmless)" in result.warnings[0]


def test_error_that_stays_is_a_failed_job_with_all_attempts_kept(supervised, folder):
    assert supervised(*[TEXTS["zbrent"]] * 9) == 1
    assert len(read_corrections(folder)) >= 3
    assert list(folder.glob("error.*.tar.gz"))


def test_error_without_a_cure_ends_the_job_at_once(supervised, folder):
    assert supervised(TEXTS["set_core_wf"]) == 1
    assert _starts(folder) == 1


def test_correction_that_changes_the_mesh_marks_the_energy(supervised, folder):
    """custodian's third cure for BRMIX is another k-point mesh."""
    assert supervised(*[TEXTS["brmix"]] * 2) == 0
    assert "Monkhorst" in (folder / "KPOINTS").read_text()
    result = _result(folder)
    assert result.extra[DECIDING] == ["KPOINTS"]
    assert doubts({"slab": result})


def test_stopped_for_time_is_no_error(supervised, folder):
    """With the time up, what VASP leaves unfinished must not be started again."""
    assert supervised(TEXTS["zbrent"], then=": > out_of_time\nended=0\n") == 0
    assert _starts(folder) == 1
    assert not (folder / LOG).exists()


def test_killed_vasp_is_reported_as_a_shell_would(supervised):
    assert supervised(then="kill -SEGV $$\n") == 128 + 11


def test_job_script_hands_vasp_to_the_supervision(jobs, tmp_path, library, fake_vasp, monkeypatch):
    """One run of job.sh with everything real but VASP; an error without a cure ends it."""
    pytest.importorskip("custodian")
    monkeypatch.setenv("PMG_VASP_PSP_DIR", str(library))
    folder = tmp_path / "bulk"
    folder.mkdir()
    write_folder(jobs.bulk, jobs.bulk.start.atoms, folder)
    (tmp_path / "said").write_text(TEXTS["set_core_wf"])
    fake_vasp.write_text(f"cat '{tmp_path}/said'\n")
    environment = {**os.environ, "QDDFT_CUSTODIAN": sys.executable, "QDDFT_POLL": "0.1"}
    done = subprocess.run(["bash", str(folder / "job.sh")], env=environment, check=False, capture_output=True)
    assert done.returncode == 1
    assert "VASP ended with an error" in failure_reason(folder)
    (record,) = read_corrections(folder)
    assert (record["errors"], record["corrected"]) == (["set_core_wf"], False)


@pytest.mark.skipif(not REAL.is_dir(), reason="the collection of real VASP runs is not here")
@pytest.mark.parametrize("name", ["zbrent", "edddav", "brmix", "eddrmm", "rhosyg", "posmap", "point_group"])
def test_real_texts_are_recognized(name, supervised, folder):
    supervised((REAL / f"vasp.{name}").read_text())
    records = read_corrections(folder)
    assert any(name in record["errors"] for record in records)
    assert _result(folder).extra[DECIDING] == []


def test_chosen_handlers_leave_smearing_and_mesh_alone():
    pytest.importorskip("custodian")
    names = {type(handler).__name__ for handler in chosen_handlers()}
    assert names.isdisjoint(
        {"IncorrectSmearingHandler", "LargeSigmaHandler", "MeshSymmetryErrorHandler", "DriftErrorHandler",
         "AliasingErrorHandler", "KspacingMetalHandler", "ScanMetalHandler", "WalltimeHandler"}
    )  # fmt: skip
    caught = chosen_handlers()[0].errors_subset_to_catch
    assert {"zbrent", "brmix", "edddav"} <= set(caught)
    assert set(caught).isdisjoint({"dentet", "tet", "triple_product"})


def test_supervision_without_a_command(tmp_path):
    with pytest.raises(EngineError, match="give the command that starts VASP"):
        supervise(tmp_path, [])


def test_supervision_without_custodian_names_the_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "custodian", None)
    with pytest.raises(EngineError, match=r"pip install 'qddft\[custodian\]'"):
        supervise(tmp_path, ["true"])


# killed by the computer ---------------------------------------------------------------------------------------------

KILLED_ONCE = 'if [ "$nsw" -gt 0 ] && [ "$(wc -l < starts)" -le {times} ]; then kill -{signal} $$; fi\n'


@pytest.mark.parametrize("signal", ["SEGV", "KILL"])
def test_killed_program_is_started_again(signal, folder, fake_vasp):
    fake_vasp.write_text(KILLED_ONCE.format(times=1, signal=signal))
    done = subprocess.run(["bash", str(folder / "job.sh")], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "start 1 of 2 again" in done.stderr
    assert _starts(folder) == 2


@pytest.mark.parametrize(("retries", "starts"), [("0", 1), ("1", 2)])
def test_program_that_is_killed_again_and_again_fails(retries, starts, folder, fake_vasp):
    fake_vasp.write_text(KILLED_ONCE.format(times=9, signal="SEGV"))
    done = subprocess.run(
        ["bash", str(folder / "job.sh")], env={**os.environ, "QDDFT_RETRIES": retries}, capture_output=True, check=False
    )
    assert done.returncode == 1
    assert _starts(folder) == starts


def test_inputs_as_written_are_in_the_folder(folder):
    written = json.loads((folder / ORDER_FILE).read_text())["written"]
    assert written == input_texts(folder)
