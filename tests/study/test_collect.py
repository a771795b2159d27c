"""``collect``: records, table and database of a run."""

import csv
import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from ase.db import connect
from made_up_run import make_run

from qddft.cli.main import main
from qddft.core.errors import FolderError, OutputError
from qddft.study.collect import collect

KEYS = {
    "quantity", "system", "ligand", "value", "unit", "convention", "reference", "engine", "level", "charge", "jobs",
    "warnings", "source_value",
}  # fmt: skip


@pytest.fixture(scope="module")
def collected(tmp_path_factory):
    run = make_run(tmp_path_factory.mktemp("made-up") / "run")
    return run, collect(run.path)


def test_table_has_a_row_a_result(collected):
    _, table = collected
    assert list(table["ligand"]) == ["methanol", "methylamine"]
    assert list(table["value"]) == pytest.approx([-0.33, 0.41])
    assert list(table["details.E_bind"]) == pytest.approx([0.33, -0.41])


def test_records_hold_what_was_promised(collected):
    run, _ = collected
    records = json.loads((run.path / "results.json").read_text())
    assert all(record.keys() >= KEYS for record in records)
    assert "negative = bound" in records[0]["convention"]
    assert records[0]["source_value"]["value"] == -0.33
    assert set(records[0]["jobs"]) <= {entry.id for entry in run.entries}


def test_parts_add_up(collected):
    run, _ = collected
    details = json.loads((run.path / "results.json").read_text())[0]["details"]
    total = details["E_int"] + details["E_def_slab"] + details["E_def_ligand"]
    assert total == pytest.approx(-details["E_bind"], abs=1e-6)


def test_csv_says_the_same(collected):
    run, table = collected
    with (run.path / "results.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [float(row["value"]) for row in rows] == pytest.approx(list(table["value"]))
    assert rows[0]["published.value"] == "-0.33"


def test_database_can_be_searched(collected):
    run, _ = collected
    database = connect(run.path / "results.db")
    assert database.count() == len(run.entries)
    (row,) = database.select("ligand=methanol")
    assert row.energy == pytest.approx(-120.33)
    assert row.E_ads == pytest.approx(-0.33)
    assert row.data["results"][0]["ligand"] == "methanol"
    assert database.count(role="molecule") == 2


def test_missing_jobs_are_named(tmp_path):
    run = make_run(tmp_path / "run", leave_out=("complex-methylamine",))
    table = collect(run.path)
    assert table["value"].isna().tolist() == [False, True]
    assert "not finished: complex-methylamine" in table["warnings"][1]


def test_failed_jobs_say_why(tmp_path):
    from qddft.jobs.folder import write_failure

    run = make_run(tmp_path / "run", leave_out=("complex-methylamine",))
    entry = next(item for item in run.entries if item.name == "complex-methylamine")
    write_failure(run.folder(entry), "EngineError", "the cycle did not converge")
    assert "complex-methylamine failed: the cycle did not converge" in collect(run.path)["warnings"][1]


def test_collecting_goes_on_where_jobs_went_on(tmp_path):
    from made_up_run import finish

    run = make_run(tmp_path / "run", leave_out=("complex-methylamine",))
    collect(run.path)
    entry = next(item for item in run.entries if item.name == "complex-methylamine")
    finish(run.folder(entry), run.job(entry))
    assert collect(run.path)["value"].tolist() == pytest.approx([-0.33, 0.41])


def test_nothing_done(tmp_path):
    names = ("slab", "molecule-methanol", "complex-methanol", "ligand-of-methanol", "molecule-methylamine")
    run = make_run(tmp_path / "run", leave_out=(*names, "complex-methylamine"))
    assert collect(run.path)["value"].isna().all()
    assert connect(run.path / "results.db").count() == 0


def test_two_at_once(tmp_path):
    run = make_run(tmp_path / "run")
    with ThreadPoolExecutor(4) as pool:
        tables = list(pool.map(lambda _: collect(run.path), range(4)))
    assert all(table.equals(tables[0]) for table in tables)
    assert len(json.loads((run.path / "results.json").read_text())) == 2
    assert connect(run.path / "results.db").count() == len(run.entries)
    assert not list(run.path.glob(".*"))


def test_records_name_their_formula_inputs_and_audit(collected):
    run, _ = collected
    for record in json.loads((run.path / "results.json").read_text()):
        assert record["formula"] == "adsorption energy per ligand"
        assert all((run.path / path).is_file() and len(value) == 64 for path, value in record["inputs"].items())
        assert len(record["inputs"]) == len(record["jobs"])
        assert record["audit"]["compatible"]


def test_a_further_database_is_filled_once(tmp_path, capsys):
    run = make_run(tmp_path / "run")
    target = tmp_path / "all.db"
    for _ in range(2):
        assert main(["collect", str(run.path), "--db", str(target)]) == 0
    assert "all.db" in capsys.readouterr().out
    rows = list(connect(target).select())
    assert sorted(row.job for row in rows) == sorted(entry.id for entry in run.entries)
    assert main(["collect", str(run.path), "--db", "all.txt"]) == 2
    assert "is no database that is known here" in capsys.readouterr().err


def test_twice_gives_the_same_files(collected):
    run, _ = collected
    before = (run.path / "results.json").read_bytes(), (run.path / "results.csv").read_bytes()
    collect(run.path)
    assert ((run.path / "results.json").read_bytes(), (run.path / "results.csv").read_bytes()) == before


def test_damaged_outputs_are_no_number(tmp_path):
    run = make_run(tmp_path / "run")
    path = run.folder(run.entries[0]) / "outputs.json"
    path.write_text(path.read_text()[:200])
    with pytest.raises(OutputError, match=r"outputs\.json is damaged"):
        collect(run.path)


def test_no_run(tmp_path):
    with pytest.raises(FolderError, match="is this a run folder"):
        collect(tmp_path)


def test_nothing_is_read_again_when_nothing_changed(tmp_path, monkeypatch):
    run = make_run(tmp_path / "run")
    first = collect(run.path)
    monkeypatch.setattr("qddft.study.collect.load_outputs", _must_not_be_called)
    assert collect(run.path).equals(first)


@pytest.mark.parametrize("name", ["results.json", "results.csv", "results.db", "collected.json"])
def test_files_that_were_removed_or_edited_are_made_again(tmp_path, name):
    run = make_run(tmp_path / "run")
    first = collect(run.path)
    (run.path / name).write_text("[]")
    assert collect(run.path).equals(first)
    assert len(json.loads((run.path / "results.json").read_text())) == 2
    assert connect(run.path / "results.db").count() == len(run.entries)
    (run.path / name).unlink()
    assert collect(run.path).equals(first)


def test_outputs_that_changed_are_read_again(tmp_path):
    from dataclasses import replace

    from qddft.outputs.store import load_outputs, save_outputs

    run = make_run(tmp_path / "run")
    collect(run.path)
    entry = next(item for item in run.entries if item.name == "complex-methylamine")
    path = run.folder(entry) / "outputs.json"
    save_outputs(path, replace(load_outputs(path), energy=-121.0))
    assert collect(run.path)["value"].tolist() == pytest.approx([-0.33, 0.0])


def _must_not_be_called(*_):
    raise AssertionError("nothing has changed")
