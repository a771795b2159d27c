"""job.sh with a fake VASP: hand-over, running once, going on, stopping. No number is tested with it."""

import json
import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from qddft.engines.vasp.script import kept_atoms
from qddft.engines.vasp.species import species_order
from qddft.engines.vasp.write import folder_files, write_folder
from qddft.jobs.folder import failure_reason

CHAIN = ("complex", "static", "slab_at_ads", "ligand_at_ads")


@pytest.fixture(scope="session")
def written_folders(jobs, tmp_path_factory, pristine_library):
    """Folders of a complex, its static calculation and its parts, as ``qddft write`` leaves them."""
    root = tmp_path_factory.mktemp("written")
    for kind in CHAIN:
        job = getattr(jobs, kind)
        folder = root / job.folder_name
        folder.mkdir()
        for name, text in folder_files(job, job.start.atoms if job.parent is None else None, pristine_library).items():
            (folder / name).write_text(text)
    return root


@pytest.fixture
def run_folder(written_folders, tmp_path, library, monkeypatch):
    """A copy of the folders for one test."""
    monkeypatch.setenv("PMG_VASP_PSP_DIR", str(library))
    return Path(shutil.copytree(written_folders, tmp_path / "RUN dir" / "jobs"))


def _job_sh(folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", str(folder / "job.sh")],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize("kind", ["bulk", "molecule", *CHAIN])
@pytest.mark.parametrize("script", ["job.sh", "make_potcar.sh"])
def test_scripts_are_valid_bash(kind, script, jobs, tmp_path):
    path = tmp_path / script
    path.write_text(folder_files(getattr(jobs, kind), None, None)[script])
    done = subprocess.run(["bash", "-n", str(path)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_executable_fits_the_mesh(jobs):
    assert "VASP_EXE:-vasp_gam" in folder_files(jobs.molecule, None, None)["job.sh"]
    assert "VASP_EXE:-vasp_std" in folder_files(jobs.slab, None, None)["job.sh"]


def test_chain_hands_structures_over(jobs, run_folder, fake_vasp):
    for kind in CHAIN:
        folder = run_folder / getattr(jobs, kind).folder_name
        done = _job_sh(folder)
        assert done.returncode == 0, done.stderr
        assert (folder / "vasp.done").exists()
        assert not (folder / "failure.json").exists()
        assert not (folder / "WAVECAR").exists()
    parent = (run_folder / jobs.static.folder_name / "CONTCAR").read_text().splitlines()[9:]
    slab = (run_folder / jobs.slab_at_ads.folder_name / "POSCAR").read_text().splitlines()[9:]
    ligand = (run_folder / jobs.ligand_at_ads.folder_name / "POSCAR").read_text().splitlines()[9:]
    assert sorted(slab + ligand) == sorted(parent)
    assert {line.split()[-1] for line in ligand} == {"C", "H", "O"}


def test_poscar_of_the_script_is_that_of_qddft_write(jobs, run_folder, fake_vasp, complex_atoms):
    """Both ways from a finished parent to the child's POSCAR give the same atoms in the same order."""
    from pymatgen.io.vasp.inputs import Poscar

    for kind in CHAIN[:3]:
        _job_sh(run_folder / getattr(jobs, kind).folder_name)
    kept = complex_atoms[complex_atoms.arrays["fragment"] == 0]
    direct = Poscar.from_str(folder_files(jobs.slab_at_ads, kept, None)["POSCAR"])
    handed = Poscar.from_str((run_folder / jobs.slab_at_ads.folder_name / "POSCAR").read_text())
    assert handed.comment == direct.comment
    assert handed.site_symbols == direct.site_symbols
    assert handed.structure.frac_coords == pytest.approx(direct.structure.frac_coords, abs=1e-9)
    assert [list(row) for row in handed.selective_dynamics] == [list(row) for row in direct.selective_dynamics]


def test_kept_atoms_are_those_of_the_fragment_in_the_order_of_poscar(jobs, complex_atoms):
    order = species_order(complex_atoms.get_chemical_symbols())
    fragment = complex_atoms.arrays["fragment"][order]
    numbers = []
    for part in kept_atoms(jobs.ligand_at_ads).split(","):
        first, _, last = part.partition("-")
        numbers += range(int(first), int(last or first) + 1)
    assert numbers == [i + 1 for i, number in enumerate(fragment) if number == 1]
    assert kept_atoms(jobs.static) == kept_atoms(jobs.slab) == "all"


def test_child_waits_for_its_parent(jobs, run_folder, fake_vasp):
    folder = run_folder / jobs.static.folder_name
    done = _job_sh(folder)
    assert done.returncode == 1
    assert "VASP has not run there" in done.stderr
    assert "the parent is not done" in failure_reason(folder)
    assert not (folder / "POSCAR").exists()


def test_child_of_an_unconverged_parent_does_not_start(jobs, run_folder, fake_vasp):
    fake_vasp.write_text("converged=0\n")
    parent, child = run_folder / jobs.complex.folder_name, run_folder / jobs.static.folder_name
    assert _job_sh(parent).returncode == 1
    assert "did not converge in NSW 300 steps" in failure_reason(parent)
    done = _job_sh(child)
    assert done.returncode == 1
    assert "did not converge" in done.stderr
    assert not (child / "starts").exists()


def test_done_job_does_not_run_again(jobs, run_folder, fake_vasp):
    folder = run_folder / jobs.complex.folder_name
    _job_sh(folder)
    before = (folder / "starts").read_text()
    again = _job_sh(folder)
    assert again.returncode == 0
    assert "done already" in again.stderr
    assert (folder / "starts").read_text() == before


def test_two_processes_do_not_work_in_one_folder(jobs, run_folder, fake_vasp):
    fake_vasp.write_text("sleep 1\n")
    folder = run_folder / jobs.complex.folder_name
    first = subprocess.Popen(["bash", str(folder / "job.sh")], stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 20
    while not (folder / "preconverge" / "starts").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    second = _job_sh(folder)
    assert second.returncode == 75
    assert "another process works in" in second.stderr
    assert first.wait(timeout=60) == 0


def test_interrupted_relaxation_goes_on_from_its_contcar(jobs, run_folder, fake_vasp):
    folder = run_folder / jobs.complex.folder_name
    fake_vasp.write_text('if [ "$nsw" -gt 0 ]; then ended=0; fi\n')
    assert _job_sh(folder).returncode == 1
    assert "cut short" in failure_reason(folder)
    moved = (folder / "CONTCAR").read_text().replace("0.250000000000", "0.251000000000")
    (folder / "CONTCAR").write_text(moved)
    fake_vasp.write_text("")
    assert _job_sh(folder).returncode == 0
    assert (folder / "POSCAR").read_text() == moved
    assert (folder / "attempt-1" / "OUTCAR").exists()
    assert (folder / "attempt-1" / "POSCAR").read_text() != moved
    assert not (folder / "failure.json").exists()


def test_damaged_contcar_is_not_gone_on_from(jobs, run_folder, fake_vasp):
    folder = run_folder / jobs.complex.folder_name
    start = (folder / "POSCAR").read_text()
    (folder / "OUTCAR").write_text("cut short")
    (folder / "CONTCAR").write_text("")
    assert _job_sh(folder).returncode == 0
    assert (folder / "POSCAR").read_text() == start


def test_dipole_correction_comes_after_convergence_without_it(jobs, run_folder, fake_vasp):
    """The fake program fails with LDIPOL unless it finds orbitals, as a real one may."""
    fake_vasp.write_text("grep -q 'LDIPOL *= .TRUE.' INCAR && { [ -s WAVECAR ] || exit 9; }\ntrue\n")
    folder = run_folder / jobs.complex.folder_name
    done = _job_sh(folder)
    assert done.returncode == 0, done.stderr
    assert not (folder / "preconverge").exists()


def test_failed_program_is_a_failed_job(jobs, run_folder, fake_vasp):
    fake_vasp.write_text("exit 3\n")
    folder = run_folder / jobs.complex.folder_name
    assert _job_sh(folder).returncode == 1
    assert "VASP ended with an error" in failure_reason(folder)
    assert not (folder / "vasp.done").exists()


@pytest.mark.parametrize(
    ("behavior", "reason"),
    [
        ("echo 'ZBRENT: fatal error in bracketing'; exit 1", "VASP ended with an error: ZBRENT"),
        ("echo 'ZBRENT: fatal error in bracketing'; ended=0", "did not come to its end (ZBRENT"),
        ("echo 'no license for vasp'; exit 1", "license: no license for vasp; see the end of vasp.out"),
        ("kill -SEGV $$", "VASP was killed by signal 11, start after start (3)"),
    ],
)
def test_the_reason_is_what_vasp_said(behavior, reason, jobs, run_folder, fake_vasp):
    fake_vasp.write_text(f'if [ "$nsw" -gt 0 ]; then {behavior}; fi\n')
    folder = run_folder / jobs.complex.folder_name
    assert _job_sh(folder).returncode == 1
    assert reason in failure_reason(folder)


def test_the_reason_of_the_run_before_the_main_one(jobs, run_folder, fake_vasp):
    fake_vasp.write_text("echo 'BRMIX: very serious problems'; exit 1\n")
    folder = run_folder / jobs.complex.folder_name
    assert _job_sh(folder).returncode == 1
    assert "before the main run: VASP ended with an error: BRMIX" in failure_reason(folder)
    assert failure_reason(folder).endswith("see the end of preconverge/vasp.out")


def test_time_limit_signal_asks_vasp_to_stop(jobs, run_folder, fake_vasp):
    """USR1 reaches the script while VASP runs; VASP finds STOPCAR and ends by itself."""
    folder = run_folder / jobs.complex.folder_name
    fake_vasp.write_text(
        'if [ "$nsw" -gt 0 ]; then touch waiting; for i in $(seq 200); do [ -e STOPCAR ] && break; sleep 0.05; done\n'
        "  [ -e STOPCAR ] && converged=0; fi\n"
    )
    process = subprocess.Popen(["bash", str(folder / "job.sh")], stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 20
    while not (folder / "waiting").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    os.kill(process.pid, 10)
    assert process.wait(timeout=60) == 75
    assert "LSTOP = .TRUE." in (folder / "STOPCAR").read_text()
    # neither done nor failed: to be started again
    assert not (folder / "failure.json").exists()
    fake_vasp.write_text("")
    assert _job_sh(folder).returncode == 0
    assert not (folder / "out_of_time").exists()


def test_machine_tags_are_put_into_incar_once(jobs, run_folder, fake_vasp):
    from pymatgen.io.vasp.inputs import Incar

    folder = run_folder / jobs.complex.folder_name
    fake_vasp.write_text("exit 3\n")
    _job_sh(folder, QDDFT_NCORE="4")
    fake_vasp.write_text("")
    _job_sh(folder, QDDFT_NCORE="8", QDDFT_KPAR="2")
    text = (folder / "INCAR").read_text()
    assert text.count("NCORE") == 1
    assert (Incar.from_str(text)["NCORE"], Incar.from_str(text)["KPAR"]) == (8, 2)


def test_hostile_value_for_a_machine_tag_is_refused(jobs, run_folder, fake_vasp):
    folder = run_folder / jobs.complex.folder_name
    done = _job_sh(folder, QDDFT_NCORE="$(touch pwned)")
    assert done.returncode == 1
    assert "QDDFT_NCORE has to be a whole number" in done.stderr
    assert not list(run_folder.rglob("pwned"))


def test_launcher_starts_the_program(jobs, run_folder, fake_vasp):
    folder = run_folder / jobs.complex.folder_name
    done = _job_sh(folder, VASP_LAUNCHER="env LAUNCHED=yes")
    assert done.returncode == 0, done.stderr


def test_without_vasp_the_message_says_what_to_do(jobs, run_folder, fake_vasp):
    folder = run_folder / jobs.complex.folder_name
    done = _job_sh(folder, VASP_EXE="vasp_that_is_nowhere")
    assert done.returncode == 1
    assert "vasp_that_is_nowhere is not on PATH" in done.stderr


def test_without_potcar_the_message_says_what_to_do(jobs, run_folder, fake_vasp, monkeypatch):
    monkeypatch.delenv("PMG_VASP_PSP_DIR")
    folder = run_folder / jobs.complex.folder_name
    (folder / "POTCAR").unlink()
    done = _job_sh(folder)
    assert done.returncode == 1
    assert "set VASP_PSP_DIR" in done.stderr


def test_script_makes_the_potcar_when_it_can(jobs, run_folder, fake_vasp, library):
    folder = run_folder / jobs.complex.folder_name
    (folder / "POTCAR").unlink()
    done = _job_sh(folder, VASP_PSP_DIR=str(library / "POT_GGA_PAW_PBE_54"))
    assert done.returncode == 0, done.stderr
    assert (folder / "POTCAR").exists()


def test_script_started_in_another_folder_refuses(jobs, run_folder, tmp_path):
    script = tmp_path / "job.sh"
    script.write_bytes((run_folder / jobs.complex.folder_name / "job.sh").read_bytes())
    done = _job_sh(tmp_path)
    assert done.returncode == 2
    assert "is not the folder of this job" in done.stderr


def test_name_with_quotes_stays_a_word(tao, slab, tmp_path):
    """Names are validated elsewhere; here they are quoted all the same."""
    from qddft.jobs.job import Given, Job

    job = Job("it's $(touch pwned) `id`", "slab", "relax", Given.of(slab), tao)
    (tmp_path / "INCAR").write_text("SYSTEM = other\n")
    (tmp_path / "qddft_order.json").write_text("{}")
    (tmp_path / "job.sh").write_text(folder_files(job, slab, None)["job.sh"])
    done = _job_sh(tmp_path)
    assert done.returncode == 2
    assert "it's $(touch pwned) `id`" in done.stderr
    assert not (tmp_path / "pwned").exists()


def test_parent_written_under_another_name_is_found(jobs, run_folder, fake_vasp, tmp_path):
    """A job shared by two studies keeps the folder name it was given first; job.json of the child says so."""
    from qddft.jobs.job_json import job_to_dict

    other = run_folder / "another-name-12345678"
    (run_folder / jobs.complex.folder_name).rename(other)
    (other / "INCAR").write_text((other / "INCAR").read_text())
    assert _job_sh(other).returncode == 0
    child = tmp_path / "RUN dir" / "jobs" / "child"
    child.mkdir()
    (child / "job.json").write_text(json.dumps(job_to_dict(jobs.static, parent_folder=other.name)))
    write_folder(jobs.static, None, child)
    done = _job_sh(child)
    assert done.returncode == 0, done.stderr


def test_failure_is_told_as_qddft_status_tells_it(jobs, run_folder, fake_vasp):
    from qddft.jobs.folder import job_status

    fake_vasp.write_text("exit 3\n")
    folder = run_folder / jobs.complex.folder_name
    _job_sh(folder)
    status = job_status(folder)
    assert (status.state, "VASP ended with an error" in status.reason) == ("failed", True)


def test_bulk_cell_is_relaxed_again_until_its_basis_fits(jobs, tmp_path, library, fake_vasp, monkeypatch):
    """The fake program needs nine, four, then two ionic steps."""
    monkeypatch.setenv("PMG_VASP_PSP_DIR", str(library))
    fake_vasp.write_text("case $(wc -l < starts) in 1) ionic=9 ;; 2) ionic=4 ;; *) ionic=2 ;; esac\n")
    folder = tmp_path / "bulk"
    folder.mkdir()
    write_folder(jobs.bulk, jobs.bulk.start.atoms, folder)
    done = _job_sh(folder)
    assert done.returncode == 0, done.stderr
    assert (folder / "starts").read_text().split() == ["run"] * 3
    assert sorted(path.name for path in folder.glob("attempt-*")) == ["attempt-1", "attempt-2"]
    assert (folder / "vasp.done").exists()


@pytest.mark.parametrize(("asked", "written"), [("4", 4), ("6", 3), ("7", 1), ("16", 4), ("5", 5)])
def test_no_group_is_without_a_k_point(asked, written, jobs, run_folder, fake_vasp):
    """Time reversal leaves five points of 3x3x1, the mesh of a relaxing 2x2 cell."""
    from pymatgen.io.vasp.inputs import Incar

    fake_vasp.write_text("exit 3\n")
    folder = run_folder / jobs.complex.folder_name
    _job_sh(folder, QDDFT_KPAR=asked)
    assert Incar.from_file(folder / "INCAR")["KPAR"] == written
