"""Job folders: the exact text of the Tao study's files, the way through pymatgen, when nothing is overwritten."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from qddft.core.errors import EngineError
from qddft.engines.vasp.prepared import Prepared, describe
from qddft.engines.vasp.write import ORDER_FILE, folder_files, is_started, lacks_inputs, write_folder
from qddft.jobs.job import FinalOf, Job

KINDS = ("bulk", "molecule", "slab", "complex", "static", "slab_at_ads", "ligand_at_ads")


def _written(job, atoms, folder: Path) -> Path:
    target = folder / job.folder_name
    target.mkdir(parents=True)
    write_folder(job, atoms, target)
    return target


def _start(job):
    return job.start.atoms if job.parent is None else None


@pytest.mark.parametrize("kind", KINDS)
def test_text_of_the_input_files(kind, jobs, file_regression):
    job = getattr(jobs, kind)
    files = folder_files(job, _start(job), None)
    names = ["INCAR.pre", "INCAR", "KPOINTS", "POSCAR", "POTCAR.spec"]
    names += ["README.txt"] if kind in ("complex", "slab_at_ads") else []
    shown = [name for name in names if name in files]
    text = "".join(f"----- {name}\n{files[name]}" for name in shown)
    file_regression.check(text, encoding="utf-8", basename=f"folder_{kind}")


def test_text_of_the_scripts(jobs, file_regression):
    files = folder_files(jobs.slab_at_ads, None, None)
    # the part in Python has tests of its own
    head, _, rest = files["job.sh"].partition("<<'QDDFT_PYTHON'\n")
    tail = rest.partition("QDDFT_PYTHON\n}\n")[2]
    text = f"----- job.sh\n{head}...\n{tail}----- make_potcar.sh\n{files['make_potcar.sh']}"
    file_regression.check(text, encoding="utf-8", basename="scripts_slab_at_ads")


@pytest.mark.parametrize("kind", KINDS)
def test_folder_goes_through_pymatgen(kind, jobs, tmp_path):
    from pymatgen.io.vasp.inputs import Incar, Kpoints, Poscar

    job = getattr(jobs, kind)
    folder = _written(job, job.built_atoms, tmp_path)
    prepared = Prepared.of(job, job.built_atoms)
    incar = Incar.from_file(folder / "INCAR")
    assert incar.pop("SYSTEM") == job.folder_name
    assert incar == prepared.inputs.incar
    assert Kpoints.from_file(folder / "KPOINTS") == prepared.inputs.kpoints
    poscar = Poscar.from_file(folder / "POSCAR", check_for_potcar=False)
    assert poscar.structure.cart_coords == pytest.approx(prepared.sorted_atoms.positions, abs=1e-9)
    titles = (folder / "POTCAR.spec").read_text().splitlines()
    assert [title.split()[1] for title in titles] == prepared.inputs.potcar_symbols
    assert all(re.fullmatch(r"PAW_PBE \S+ \d\d[A-Z][a-z]{2}\d{4}", title) for title in titles)


def test_poscar_says_what_it_is_and_what_is_held(jobs, slab):
    lines = folder_files(jobs.slab, slab, None)["POSCAR"].splitlines()
    assert lines[0] == "slab: relax of slab on CsPbBr3 (001) 2x2, level tao-pbe"
    assert lines[7] == "Selective dynamics"
    flags = [line.split()[3] for line in lines[9:]]
    assert flags.count("F") == int(np.sum(slab.arrays["layer"] <= 2))


def test_dependent_job_has_no_poscar_until_its_parent_is_done(jobs, complex_atoms, tmp_path):
    folder = _written(jobs.static, None, tmp_path)
    assert not (folder / "POSCAR").exists()
    moved = complex_atoms.copy()
    moved.set_constraint()
    moved.positions += 0.01
    write_folder(jobs.static, moved, folder)
    assert (folder / "POSCAR").exists()


def test_started_folder_is_left_alone(jobs, slab, tmp_path):
    folder = _written(jobs.slab, slab, tmp_path)
    assert not is_started(folder)
    (folder / "OUTCAR").write_text("running")
    (folder / "INCAR").write_text("changed by hand")
    write_folder(jobs.slab, slab, folder)
    assert (folder / "INCAR").read_text() == "changed by hand"


def test_writing_twice_gives_the_same_files(jobs, slab, tmp_path):
    folder = _written(jobs.slab, slab, tmp_path)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    write_folder(jobs.slab, slab, folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_nothing_is_changed_in_the_atoms_given(jobs, acetic_acid):
    before = acetic_acid.copy()
    folder_files(jobs.molecule, acetic_acid, None)
    assert acetic_acid == before
    assert not acetic_acid.cell.any()


def test_potcar_from_the_library(jobs, slab, tmp_path, library, monkeypatch):
    monkeypatch.setenv("PMG_VASP_PSP_DIR", str(library))
    folder = _written(jobs.slab, slab, tmp_path)
    titles = [line.split("=")[1].strip() for line in (folder / "POTCAR").read_text().splitlines() if "TITEL" in line]
    assert titles == ["PAW_PBE Cs_sv 08Apr2002", "PAW_PBE Pb_d 06Sep2000", "PAW_PBE Br 06Sep2000"]
    assert "MISSING" not in (folder / "README.txt").read_text()


def test_without_a_library_the_folder_says_so(jobs, slab, tmp_path):
    folder = _written(jobs.slab, slab, tmp_path)
    assert not (folder / "POTCAR").exists()
    assert "POTCAR            MISSING" in (folder / "README.txt").read_text()


def test_library_without_a_set_stops_before_anything_is_written(jobs, slab, tmp_path, monkeypatch):
    (tmp_path / "empty").mkdir()
    monkeypatch.setenv("PMG_VASP_PSP_DIR", str(tmp_path / "empty"))
    with pytest.raises(EngineError, match="has no Cs_sv"):
        _written(jobs.slab, slab, tmp_path)
    assert not list((tmp_path / jobs.slab.folder_name).iterdir())


def test_order_file_brings_labels_back(jobs, complex_atoms):
    from ase.io import read

    files = folder_files(jobs.complex, complex_atoms, None)
    record = json.loads(files[ORDER_FILE])
    assert record["job"] == jobs.complex.id
    assert record["symbols"] == complex_atoms.get_chemical_symbols()
    assert record["arrays"]["fragment"] == complex_atoms.arrays["fragment"].tolist()
    assert record["info"]["fragments"][1]["name"] == "acetic acid"
    from io import StringIO

    poscar = read(StringIO(files["POSCAR"]), format="vasp")
    assert poscar.positions == pytest.approx(complex_atoms.positions[record["order"]], abs=1e-9)


def test_readme_tells_what_the_level_chose_and_what_the_paper_states(jobs, slab):
    text = folder_files(jobs.slab, slab, None)["README.txt"]
    assert "Tao et al." in text
    encut, ismear = text.index("ENCUT = 400"), text.index("ISMEAR = 0")
    assert "Stated by the source of the level" in text[encut : encut + 200]
    assert "Choice of the level: Not stated" in text[ismear : ismear + 200]
    assert max(len(line) for line in text.splitlines()) <= 120


def test_readme_warns_of_a_charged_molecule(tao):
    from ase import Atoms

    from qddft.jobs.job import Given

    bromide = Job("bromide", "molecule", "static", Given.of(Atoms("Br", positions=[[0, 0, 0]])), tao, charge=-1)
    files = folder_files(bromide, bromide.start.atoms, None)
    assert "A charged molecule in a periodic box" in files["README.txt"]
    assert "NELECT  = 8" in files["INCAR"]


def test_molecule_after_relaxation_stays_in_the_box_of_its_parent(jobs, tao):
    child = Job("acetic-acid-static", "molecule", "static", FinalOf(jobs.molecule), tao)
    relaxed = Prepared.of(jobs.molecule, None).atoms
    relaxed.positions += 0.3
    placed = Prepared.of(child, relaxed).atoms
    assert placed.positions == pytest.approx(relaxed.positions)
    assert Prepared.of(child, None).atoms.cell.array == pytest.approx(relaxed.cell.array)


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("bulk", "relax of crystal of CsPbBr3"),
        ("molecule", "relax of molecule acetic acid"),
        ("complex", "relax of slab with ligand acetic acid on CsPbBr3 (001) 2x2"),
        ("slab_at_ads", "static of slab as in the complex on CsPbBr3 (001) 2x2"),
        ("ligand_at_ads", "static of acetic acid as in the complex on CsPbBr3 (001) 2x2"),
    ],
)
def test_jobs_in_words(kind, words, jobs):
    assert describe(getattr(jobs, kind)) == words


def test_writing_again_adds_what_is_missing_and_keeps_what_is_there(jobs, slab, tmp_path, library, monkeypatch):
    monkeypatch.delenv("PMG_VASP_PSP_DIR", raising=False)
    folder = _written(jobs.slab, slab, tmp_path)
    assert not lacks_inputs(folder, start_known=True)
    (folder / "INCAR").write_text("changed by hand")
    (folder / "POSCAR").unlink()
    assert lacks_inputs(folder, start_known=True)
    assert not lacks_inputs(folder, start_known=False)
    monkeypatch.setenv("PMG_VASP_PSP_DIR", str(library))
    assert lacks_inputs(folder, start_known=False)
    write_folder(jobs.slab, slab, folder)
    assert (folder / "INCAR").read_text() == "changed by hand"
    assert (folder / "POSCAR").exists()
    assert (folder / "POTCAR").exists()
    assert "MISSING" not in (folder / "README.txt").read_text()
    assert not lacks_inputs(folder, start_known=True)
    (folder / "POSCAR").unlink()
    (folder / "OUTCAR").write_text("running")
    assert not lacks_inputs(folder, start_known=True)
