"""VASP folders through a real Slurm, with a program in the place of VASP: only the supervision is tested with it."""

import json
import shutil
import signal
import sys
import time
from pathlib import Path

import pytest
from local_slurm import missing
from queue_tools import entry_of, wait_done, wait_empty, wait_until

from qddft.cli.main import main
from qddft.engines.machine import Environment, Machine, Queue, VaspPrograms
from qddft.engines.vasp.handover import Poscar
from qddft.engines.vasp.potcar import potentials
from qddft.engines.vasp.write import write_folder
from qddft.jobs.lock import hold
from qddft.jobs.plan import Plan
from qddft.jobs.run_folder import create_run, load_run
from qddft.study.queue_status import queue_status
from qddft.study.refresh import refresh
from qddft.study.session import write
from qddft.study.submit import retry, submit

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(missing()), reason=f"Slurm is not installed: no {', '.join(missing())}"),
]
STUDY = """\
title: Acetic acid, as small as it gets
source: a test
levels: {vasp: tao-pbe}
slab: {formula: CsPbBr3, lattice: pbe, termination: PbX2, layers: 3, supercell: [1, 1], vacuum: 15.0, fixed_layers: 2}
ligands: [{ligand: acetic acid, mode: atop, reference: neutral, conformers: 1, poses: 1}]
"""
COMPLEX, SLAB = "complex-acetic-acid-neutral", "slab"


@pytest.fixture(scope="session")
def written(tmp_path_factory):
    """The folders of a small study; no library of data sets here, but one on the compute node."""
    root = tmp_path_factory.mktemp("written")
    (root / "study.yaml").write_text(STUDY)
    with pytest.MonkeyPatch.context() as patch:
        for name in ("PMG_VASP_PSP_DIR", "VASP_PSP_DIR"):
            patch.delenv(name, raising=False)
        return write(root / "study.yaml", root / "run").path


@pytest.fixture
def run(tmp_path, written, queue_environment, monkeypatch):
    """A copy of the folders for one test."""
    for name in ("PMG_VASP_PSP_DIR", "VASP_PSP_DIR"):
        monkeypatch.delenv(name, raising=False)
    return load_run(Path(shutil.copytree(written, tmp_path / "a run")))


@pytest.fixture
def behave(tmp_path, monkeypatch):
    """Return a function that says how the program behaves from now on."""
    path = tmp_path / "behavior.json"
    monkeypatch.setenv("FAKE_VASP", str(path))

    def say(**how):
        temporary = path.with_suffix(".tmp")
        temporary.write_text(json.dumps(how))
        temporary.rename(path)

    say()
    return say


@pytest.fixture
def machine(tmp_path, queue_environment):
    """Return a function that gives machines with the program installed."""
    folder = tmp_path / "programs of the machine"
    folder.mkdir()
    program = Path(__file__).parent / "fake_vasp.py"
    for name in ("std", "gam"):
        (folder / name).write_text(f"#!/bin/bash\nexec {sys.executable} {program}\n")
        (folder / name).chmod(0o755)
    library = tmp_path / "data sets"
    for item in potentials(("Cs", "Pb", "Br", "C", "H", "O")):
        path = library / item.symbol / "POTCAR"
        path.parent.mkdir(parents=True)
        # the few lines that name a data set, and enough numbers for pymatgen; nothing of a real one
        path.write_text(
            f"  {item.titles[0]}\n   {item.n_electrons}\n parameters from PSCTR are:\n   VRHFIN ={item.element}: none\n"
            f"   LEXCH  = PE\n   TITEL  = {item.titles[0]}\n"
            f"   POMASS =    1.000; ZVAL   =  {item.n_electrons:7.3f}    mass and valenz\n"
            "   ENMAX  =  300.000; ENMIN  =  200.000 eV\nEND of PSCTR-controll parameters\n local part\n"
            "  1.0 2.0 3.0\n  4.0 5.0 6.0\n End of Dataset\n"
        )

    def make(*, walltime="00:10:00", warn_seconds=0, restarts=0, potcars=str(library), **vasp):
        programs = {"std": str(folder / "std"), "gam": str(folder / "gam"), "launcher": (), "potcars": potcars}
        return Machine(
            name="cluster",
            queue=Queue(partition="debug", walltime=walltime, warn_seconds=warn_seconds, restarts=restarts),
            environment=Environment(python=sys.executable, variables={"QDDFT_POLL": "0.1"}),
            vasp=VaspPrograms(**programs | vasp),
        )

    return make


def folder(run, name):
    return run.folder(entry_of(run, name))


def starts(run, name):
    """Return how often the program was started in a folder, the run before the main one not counted."""
    path = folder(run, name) / "starts"
    return len(path.read_text().split()) if path.exists() else 0


def positions(path):
    return [line.split()[:3] for line in Poscar(path).atoms]


def test_children_start_from_what_their_parents_end_with(run, machine, behave):
    behave(steps=3)
    report = submit(run.path, machine(ncore=2, kpar=3))
    calls = {call.entries[0].name: call for call in report.submitted}
    assert len(calls) == len(run.entries) == 8
    for child in (f"{COMPLEX}-static", "slab-of-acetic-acid-neutral", "ligand-of-acetic-acid-neutral"):
        assert f"--dependency=afterok:{calls[COMPLEX].slurm_id}" in calls[child].command
        assert "--kill-on-invalid-dep=yes" in calls[child].command
        assert not (folder(run, child) / "POSCAR").exists()
    assert submit(run.path, machine()).submitted == ()
    wait_done(run)
    assert all(starts(run, entry.name) >= 1 for entry in run.entries)
    assert positions(folder(run, f"{COMPLEX}-static") / "POSCAR") == positions(folder(run, COMPLEX) / "CONTCAR")
    incar = (folder(run, COMPLEX) / "INCAR").read_text()
    assert "NCORE   = 2" in incar
    assert "KPAR    = 3" in incar


def test_status_tells_the_step_of_what_runs_and_what_others_wait_for(run, machine, behave, capsys):
    behave(steps=40, seconds=0.5)
    submit(run.path, machine())
    wait_until(run, lambda lines: any(line.progress is not None and line.progress.step >= 2 for line in lines))
    capsys.readouterr()
    assert main(["status", str(run.path), "--json"]) == 0
    jobs = {job["name"]: job for job in json.loads(capsys.readouterr().out)["jobs"]}
    running = [job for job in jobs.values() if job["state"] == "running" and job["step"] is not None]
    assert running
    assert {name for name in ("energy_eV", "max_force_eV_per_A") if running[0][name] is None} == set()
    assert jobs[f"{COMPLEX}-static"]["reason"] == f"for {COMPLEX}"
    behave(steps=1)
    wait_done(run)


def test_time_that_is_nearly_up_stops_cleanly_and_goes_on_by_itself(run, machine, behave, cluster):
    """What Slurm sends before the limit is sent by hand here, to save ten minutes."""
    behave(steps=60, seconds=0.5)
    calls = {call.entries[0].name: call for call in submit(run.path, machine(restarts=3)).submitted}
    wait_until(run, lambda lines: _step_of(lines, COMPLEX) >= 1)
    cluster.call("scancel", "--signal=USR1", "--batch", calls[COMPLEX].slurm_id)
    wait_until(run, lambda lines: any(line.reason.startswith("was put back") for line in lines))
    stopped = positions(folder(run, COMPLEX) / "CONTCAR")
    assert not (folder(run, COMPLEX) / "failure.json").exists()
    assert (folder(run, COMPLEX) / "STOPCAR").exists()
    behave(steps=2)
    wait_until(run, lambda lines: [line.state for line in lines].count("done") >= 4)
    cluster.start_now(calls[COMPLEX].slurm_id)
    wait_done(run)
    assert positions(folder(run, COMPLEX) / "POSCAR") == stopped
    assert (folder(run, COMPLEX) / "attempt-1" / "OUTCAR").exists()


def _step_of(lines, name):
    return max((line.progress.step for line in lines if line.entry.name == name and line.progress), default=-1)


def test_what_the_limit_killed_goes_on_from_a_whole_contcar(run, machine, behave, cluster):
    behave(steps=60, seconds=0.5)
    submit(run.path, machine(restarts=3))
    wait_until(run, lambda lines: _step_of(lines, COMPLEX) >= 1 and _step_of(lines, SLAB) >= 1)
    # as at the limit: TERM, then KILL, and no warning before
    for line in wait_until(run, lambda _: True).values():
        if line.entry.name in (COMPLEX, SLAB):
            cluster.call("scancel", line.slurm_id)
    found = wait_empty(run)
    assert (found[COMPLEX].state, found[COMPLEX].reason) == ("stopped", "cancelled")
    assert found[f"{COMPLEX}-static"].state == "waiting"
    whole = positions(folder(run, COMPLEX) / "CONTCAR")
    torn = folder(run, SLAB) / "CONTCAR"
    torn.write_text(torn.read_text()[:-40])
    before = positions(folder(run, SLAB) / "POSCAR")
    behave(steps=1)
    assert len(retry(run.path, machine()).submitted) == 6
    wait_done(run)
    assert positions(folder(run, COMPLEX) / "POSCAR") == whole
    assert positions(folder(run, SLAB) / "POSCAR") == before


def test_failures_tell_their_reasons_and_stop_their_children(run, machine, behave):
    behave(
        fails={
            SLAB + "-": {"says": "ZBRENT: fatal error in bracketing", "code": 1},
            "molecule": {"says": "could not get a license for vasp", "code": 2},
            COMPLEX: {"signal": signal.SIGSEGV},
        }
    )
    submit(run.path, machine(retries=1))
    found = wait_empty(run)
    assert "ZBRENT" in found[SLAB].reason
    assert "CONTCAR" in found[SLAB].advice
    assert "license: could not get" in found["molecule-acetic-acid"].reason
    assert "killed by signal 11" in found[COMPLEX].reason
    assert starts(run, COMPLEX) == 2
    assert {found[f"{name}-static"].state for name in (SLAB, COMPLEX, "molecule-acetic-acid")} == {"waiting"}
    behave(fails={COMPLEX: {"signal": signal.SIGSEGV, "starts": 3}})
    retry(run.path, machine(retries=1))
    wait_done(run)
    assert starts(run, COMPLEX) == 4


def test_missing_data_sets_are_named_and_given_later(run, machine, behave, tmp_path):
    (tmp_path / "nothing").mkdir()
    submit(run.path, machine(potcars=str(tmp_path / "nothing")))
    found = wait_empty(run)
    assert found[SLAB].state == "failed"
    assert "no POTCAR" in found[SLAB].reason
    assert "VASP_PSP_DIR" in found[SLAB].advice
    retry(run.path, machine())
    wait_done(run)


def test_one_line_of_the_machine_switches_the_supervision_on(run, machine, behave, tmp_path):
    pytest.importorskip("custodian")
    job = run.job(entry_of(run, COMPLEX))
    run = create_run(
        tmp_path / "one job", Plan.of([job]), engine="vasp", title="One", study_text="",
        fill=lambda job, folder: write_folder(job, job.start.atoms, folder),
    )  # fmt: skip
    behave(fails={COMPLEX: {"says": "ZBRENT: fatal error in bracketing", "code": 0, "starts": 1}})
    submit(run.path, machine(custodian=True))
    wait_done(run)
    (record,) = map(json.loads, (folder(run, COMPLEX) / "corrections.jsonl").read_text().splitlines())
    assert record["errors"] == ["zbrent"]
    assert starts(run, COMPLEX) == 2


def test_a_folder_in_use_is_left_alone_and_the_job_comes_back(run, machine, behave, cluster):
    """Slurm may start a job twice: the second one goes back into the queue, and finds the work done."""
    # nothing starts before the folder is in use
    cluster.call("scontrol", "update", "PartitionName=debug", "State=DOWN")
    calls = {call.entries[0].name: call for call in submit(run.path, machine(restarts=2)).submitted}
    with hold(folder(run, SLAB) / "lock"):
        assert {line.advice for line in queue_status(run.path) if line.reason == "PartitionDown"} != {""}
        cluster.call("scontrol", "update", "PartitionName=debug", "State=UP")
        wait_until(run, lambda _: "BeginTime" in cluster.call("squeue", "-h", "-j", calls[SLAB].slurm_id, "-o", "%r"))
    assert starts(run, SLAB) == 0
    wait_until(run, lambda lines: [line.state for line in lines].count("done") == 6)
    cluster.start_now(calls[SLAB].slurm_id)
    wait_done(run)
    assert starts(run, SLAB) == 1


def test_writing_again_gives_children_the_start_that_job_sh_would_make(run, machine, behave, capsys):
    """Parents alone are submitted; their children are looked at before they run."""
    behave(steps=2)
    submit(run.path, machine())
    wait_until(run, lambda lines: all(line.state == "done" for line in lines))
    child = folder(run, f"{COMPLEX}-static")
    made = (child / "POSCAR").read_text()
    for path in (*child.iterdir(),):
        if path.name in ("POSCAR", "OUTCAR", "OSZICAR", "vasprun.xml", "vasp.done", "outputs.json", "CONTCAR"):
            path.unlink()
    assert [entry.name for entry in refresh(run)] == [f"{COMPLEX}-static"]
    (child / "made").write_text(made)
    for handed, written in zip(positions(child / "made"), positions(child / "POSCAR"), strict=True):
        assert [float(x) for x in handed] == pytest.approx([float(x) for x in written], abs=1e-6)
    capsys.readouterr()
    assert main(["write", str(run.path)]) == 0
    assert "0 folders completed" in capsys.readouterr().out


def test_the_clock_of_the_queue_is_read(run, machine, behave, cluster):
    """The signal that the queue sends before the limit, at its real time: a minute is the least that Slurm knows."""
    behave(steps=600, seconds=0.5)
    calls = submit(run.path, machine(walltime="00:02:00", warn_seconds=60)).submitted
    assert all("--signal=B:USR1@60" in call.command for call in calls)
    begun = time.monotonic()
    wait_until(run, lambda _: (folder(run, COMPLEX) / "STOPCAR").exists())
    assert time.monotonic() - begun > 20
    found = wait_until(run, lambda lines: all(line.state != "running" for line in lines))
    assert found[COMPLEX].state == "stopped"
    assert not (folder(run, COMPLEX) / "failure.json").exists()
