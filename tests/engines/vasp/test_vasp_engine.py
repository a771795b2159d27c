"""VASP as an engine of qddft: where it can run, running it, progress, refusals. The fake program knows no physics."""

import pytest

from qddft.core.errors import EngineError, OutputError
from qddft.engines.base import Engine
from qddft.engines.registry import get_engine
from qddft.engines.vasp.engine import Vasp
from qddft.engines.vasp.run import run_script
from qddft.engines.vasp.selective import held_atoms
from qddft.engines.vasp.species import species_order


def test_vasp_is_an_engine():
    assert isinstance(get_engine("vasp"), Vasp)
    assert isinstance(Vasp(), Engine)
    assert Vasp().name == "vasp"


def test_without_vasp_the_engine_says_how_to_go_on(monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert "qddft write" in str(Vasp().available())


def test_with_vasp_on_path_the_engine_is_available(fake_vasp):
    assert Vasp().available() is None


def test_named_executable_has_to_exist(fake_vasp, monkeypatch):
    monkeypatch.setenv("VASP_EXE", "vasp_elsewhere")
    assert Vasp().available() is not None


def test_running_without_vasp_is_refused(jobs, slab, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(EngineError, match="VASP is not installed here"):
        Vasp().run(jobs.slab, slab, tmp_path, lambda _: None)


def _prepared(job, atoms, folder, library, monkeypatch):
    monkeypatch.setenv("PMG_VASP_PSP_DIR", str(library))
    Vasp().write(job, atoms, folder)
    return ~held_atoms(atoms)[species_order(atoms.get_chemical_symbols())]


def test_progress_is_told_step_by_step(jobs, slab, tmp_path, library, fake_vasp, monkeypatch):
    folder = tmp_path / "job"
    folder.mkdir()
    free = _prepared(jobs.slab, slab, folder, library, monkeypatch)
    told = []
    run_script(folder, free, told.append)
    assert [(item.step, item.energy) for item in told] == [(0, -10.0)]
    assert (folder / "vasp.done").exists()


def test_forces_of_free_atoms_are_told(jobs, slab, tmp_path, library, fake_vasp, monkeypatch):
    folder = tmp_path / "job"
    folder.mkdir()
    free = _prepared(jobs.slab, slab, folder, library, monkeypatch)
    rows = "\n".join(f" 0.0 0.0 0.0 0.0 {0.3 if is_free else 9.0} 0.4" for is_free in free)
    block = f" POSITION  TOTAL-FORCE (eV/Angst)\n ----\n{rows}\n ----\n"
    (tmp_path / "block").write_text(block)
    script = tmp_path / "bin" / "vasp_std"
    script.write_text(script.read_text() + f"cat '{tmp_path}/block' >> OUTCAR\n")
    told = []
    run_script(folder, free, told.append)
    assert told[-1].max_force == pytest.approx(0.5)


def test_failure_carries_the_reason(jobs, slab, tmp_path, library, fake_vasp, monkeypatch):
    folder = tmp_path / "job"
    folder.mkdir()
    free = _prepared(jobs.slab, slab, folder, library, monkeypatch)
    fake_vasp.write_text("iterations=200\n")
    with pytest.raises(EngineError, match=r"before the main run: .*did not converge \(NELM\)"):
        run_script(folder, free, lambda _: None)


def test_reading_what_is_not_there(jobs, tmp_path):
    with pytest.raises(OutputError):
        Vasp().read(jobs.slab, tmp_path)
