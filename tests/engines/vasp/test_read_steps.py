"""Folders in which custodian kept the steps of a double relaxation."""

import shutil

import pytest
from shared_vasp import FOLDER, present

from qddft.core.errors import OutputError
from qddft.engines.vasp.read import read_outputs

RUN = FOLDER / "06_H_on_Ir100_adsorption"


@present
def test_the_last_step_counts(tmp_path):
    shutil.copy(RUN / "bulk" / "OUTCAR.gz", tmp_path / "OUTCAR.relax1.gz")
    shutil.copy(RUN / "slab" / "OUTCAR.gz", tmp_path / "OUTCAR.relax2.gz")
    assert read_outputs(tmp_path).energy == pytest.approx(-31.64703, abs=1e-4)
    shutil.copy(RUN / "bulk" / "OUTCAR.gz", tmp_path / "OUTCAR.old.gz")
    with pytest.raises(OutputError, match="3 files of the kind OUTCAR"):
        read_outputs(tmp_path)


@present
def test_subfolders_are_named(tmp_path):
    for name in ("relax1", "relax2"):
        (tmp_path / name).mkdir()
        shutil.copy(RUN / "slab" / "OUTCAR.gz", tmp_path / name)
    with pytest.raises(OutputError, match="its subfolders relax1, relax2 do"):
        read_outputs(tmp_path)
