"""VASP folders through pilot jobs, with a program in the place of VASP: what runs where, never a number."""

import json
import sys
from pathlib import Path

import pytest

from qddft.core.errors import EngineError
from qddft.engines.vasp.potcar import potentials
from qddft.jobs.plan import Plan
from qddft.jobs.progress import read_progress
from qddft.jobs.run_folder import create_run
from qddft.study.execute import run
from qddft.study.pilots import PilotExecutor, Pilots
from qddft.study.session import plan

pytest.importorskip("parsl")
pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("compiled")]
STUDY = """\
title: Acetic acid, as small as it gets
source: a test
levels: {vasp: tao-pbe}
slab: {formula: CsPbBr3, lattice: pbe, termination: PbX2, layers: 3, supercell: [1, 1], vacuum: 15.0, fixed_layers: 2}
ligands: [{ligand: acetic acid, mode: atop, reference: neutral, conformers: 1, poses: 1}]
"""


@pytest.fixture
def installed(tmp_path):
    """Return the variables of a computer that has VASP, or what stands in for it."""
    program = tmp_path / "the program"
    program.write_text(f"#!/bin/bash\nexec {sys.executable} {Path(__file__).parent / 'fake_vasp.py'}\n")
    program.chmod(0o755)
    (tmp_path / "behavior.json").write_text(json.dumps({"steps": 2}))
    for item in potentials(("Cs", "Pb", "Br", "C", "H", "O")):
        path = tmp_path / "data sets" / item.symbol / "POTCAR"
        path.parent.mkdir(parents=True)
        # the few lines that name a data set; nothing of a real one
        path.write_text(
            f"  {item.titles[0]}\n   {item.n_electrons}\n parameters from PSCTR are:\n   VRHFIN ={item.element}: none\n"
            f"   LEXCH  = PE\n   TITEL  = {item.titles[0]}\n   POMASS = 1.0; ZVAL = {item.n_electrons:7.3f}\n"
            "   ENMAX  =  300.000; ENMIN  =  200.000 eV\nEND of PSCTR-controll parameters\n local part\n"
            "  1.0 2.0 3.0\n  4.0 5.0 6.0\n End of Dataset\n"
        )
    return {
        "VASP_EXE": str(program),
        "VASP_PSP_DIR": str(tmp_path / "data sets"),
        "FAKE_VASP": str(tmp_path / "behavior.json"),
        "VASP_LAUNCHER": "env RANKS=2",
        "QDDFT_POLL": "0.1",
    }


def test_vasp_runs_where_the_pilot_jobs_are_though_it_is_not_here(tmp_path, installed, monkeypatch):
    for name in ("PMG_VASP_PSP_DIR", "VASP_PSP_DIR", "VASP_EXE"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "study.yaml").write_text(STUDY)
    slab = next(job for job in plan(tmp_path / "study.yaml") if job.name == "slab")
    folder = create_run(tmp_path / "a run", Plan.of([slab]), engine="vasp", title="Test", study_text=STUDY)
    with pytest.raises(EngineError, match="VASP is not installed here"):
        run(folder.path)
    pilots = Pilots(provider="local", jobs=2, environment={"variables": installed})
    with PilotExecutor(pilots, folder.path) as executor:
        report = run(folder.path, executor=executor)
    assert report.complete, report
    place = folder.folder(folder.entries[0])
    assert len((place / "starts").read_text().split()) == 1
    assert len(read_progress(place)) >= 2
