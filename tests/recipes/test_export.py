"""Results as tables and databases."""

import json
import sys
from dataclasses import replace

import pytest
from ase import Atoms
from ase.db import connect

from qddft.core.errors import EngineError, OutputError
from qddft.recipes.export import Row, check_target, key_of, results_table, write_results, write_rows, write_table
from qddft.recipes.result import RECORDED, Result

RESULT = Result(
    quantity="E_f(V_Br)", system="slab", ligand="2", value=1.5, unit="eV", convention="c", reference="Br-rich",
    engine="vasp", level="PBE", charge=0, jobs=("a1",), warnings=("one", "two"), details={"x": [1, 2], "y": {"z": 3}},
    formula="formation energy", inputs={"a/vasprun.xml": "0" * 64}, structure=Atoms("CsPbBr2"),
    audit={"differences": [{"key": "xc", "importance": "decides energies"}], "unknown": [{"key": "dispersion"}]},
)  # fmt: skip


def test_a_table_has_a_plain_value_in_every_cell(tmp_path):
    table = results_table([RESULT])
    (row,) = table.to_dict("records")
    assert row["warnings"] == "one; two"
    assert row["details.x"] == "[1, 2]"
    assert row["audit"] == "differs: xc; unknown: dispersion"
    assert json.loads(row["inputs"]) == dict(RESULT.inputs)
    assert results_table([RESULT.record()]).equals(table)
    write_table([RESULT], tmp_path / "r.csv")
    assert (tmp_path / "r.csv").read_text().splitlines()[0].startswith("quantity,system,ligand,value,unit,convention")
    with pytest.raises(OutputError, match="cannot be written"):
        write_table([RESULT], tmp_path / "none" / "r.csv")


def test_the_record_has_everything_but_the_structure():
    assert list(RESULT.record()) == list(RECORDED)
    assert "structure" not in RECORDED
    assert json.loads(json.dumps(RESULT.record())) == RESULT.record()


@pytest.mark.parametrize("name", ["r.db", "r.json"])
def test_a_result_replaces_itself(tmp_path, name):
    target = tmp_path / name
    assert write_results([RESULT], target) == write_results([RESULT], target) == 1
    (row,) = connect(target).select(quantity="E_f(V_Br)")
    assert row.E_f_V_Br == row.value == 1.5
    # a text that looks like a number would be refused
    assert row.ligand == "'2'"
    assert row.formula == "CsPbBr2"
    assert write_rows([Row("other", Atoms("H"), {"name": "h"})], target) == 2


def test_a_value_that_is_not_given_is_stored_without_it(tmp_path):
    write_results([replace(RESULT, value=None, structure=None)], tmp_path / "r.db")
    (row,) = connect(tmp_path / "r.db").select()
    assert "value" not in row.key_value_pairs
    assert row.natoms == 0


def test_keys_are_what_databases_take():
    assert [key_of(name) for name in ("E_f(V_Br)", "mean Pb-X", "E_ads")] == ["E_f_V_Br", "mean_Pb_X", "E_ads"]


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("r.txt", "r.txt is no database that is known here; give FILE.db"),
        ("mysql://me:secret@host/x", r"mysql://me:\*\*\*@host/x is no database"),
        ("none/r.db", "the folder none does not exist"),
    ],
)
def test_places_that_will_not_do(tmp_path, monkeypatch, target, message):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(OutputError, match=message):
        check_target(target)


def test_a_missing_driver_is_told_with_its_remedy(monkeypatch):
    monkeypatch.setitem(sys.modules, "ase_db_backends", None)
    monkeypatch.setitem(sys.modules, "ase_db_backends.postgresql", None)
    with pytest.raises(EngineError, match=r"install it with pip install 'qddft\[postgres\]'"):
        check_target("postgresql://me@host/x")


def test_a_file_that_is_no_database_is_told(tmp_path):
    (tmp_path / "bad.db").write_bytes(b"no database at all, by no means " * 64)
    with pytest.raises(OutputError, match=r"the database .*bad\.db cannot be written to"):
        write_results([RESULT], tmp_path / "bad.db")
