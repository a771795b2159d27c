"""What relaxations do to structures is flagged in the results of a run, in its tables and in its report."""

import json
from pathlib import Path

import pytest

from qddft.engines.worker import work
from qddft.jobs.run_folder import load_run
from qddft.report.write import write_report
from qddft.study.collect import collect
from qddft.study.session import prepare

STUDY = """
title: A puppet study
levels: {tblite: smoke, "ase:puppet:still": calculator}
slab: {formula: CsPbBr3, termination: PbX2, layers: 3, supercell: [2, 2], fixed_layers: 2}
ligands:
  - {ligand: acetic acid, mode: atop, reference: neutral}
"""


@pytest.fixture
def record(tmp_path, monkeypatch):
    """Return what a run of the study under a puppet gives: the record, the CSV text and the text of the page."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    (tmp_path / "study.yaml").write_text(STUDY)

    def made(name):
        folder = tmp_path / name
        prepare(tmp_path / "study.yaml", folder, engine=f"ase:puppet:{name}", level="calculator")
        planned = load_run(folder)
        # in this process: a worker for each job would take longer than all the rest
        for entry in planned.entries:
            work(planned.folder(entry))
        collect(folder)
        write_report(folder)
        (one,) = json.loads((folder / "results.json").read_text())
        return one, (folder / "results.csv").read_text(), (folder / "report" / "index.html").read_text()

    return made


def test_a_structure_that_stays(record):
    one, _, page = record("still")
    flags = one["details"]["checks"]["slab·acetic acid"]
    assert flags["molecule_intact"]
    assert flags["bound"]
    assert flags["surface_intact"]
    assert not flags["proton_transferred"]
    assert flags["contacts"][0]["distance_A"] == pytest.approx(one["details"]["anchor_distances_A"][0], abs=0.6)
    assert flags["pb_x_range_A"] == pytest.approx([3.0, 3.0])
    assert not any("desorbed" in text or "proton" in text for text in one["warnings"])
    assert "What the relaxations did to the structures" in page
    assert "DESORBED" not in page


def test_a_desorbed_ligand(record):
    one, table, page = record("desorb")
    assert one["details"]["checks"]["slab·acetic acid"]["desorbed"] == [1]
    assert not one["details"]["checks"]["slab·acetic acid"]["bound"]
    assert any("is desorbed" in text for text in one["warnings"])
    assert "is desorbed" in table
    assert "DESORBED" in page


def test_a_proton_that_left(record):
    one, table, page = record("transfer")
    flags = one["details"]["checks"]["slab·acetic acid"]
    assert flags["proton_transferred"]
    assert not flags["molecule_intact"]
    assert any("proton transfer: H" in text for text in one["warnings"])
    assert "proton transfer" in table
    assert "TRANSFERRED" in page
