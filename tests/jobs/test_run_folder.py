import json

import pytest

from qddft.core.errors import FolderError
from qddft.jobs.folder import OUTPUTS
from qddft.jobs.plan import Plan
from qddft.jobs.run_folder import create_run, load_run


def make(path, *jobs, **changes):
    options = {"engine": "tblite", "title": "A study", "study_text": "title: A study\n", "recipes": [{"name": "r"}]}
    return create_run(path, Plan.of(jobs), **(options | changes))


def test_a_run_is_read_back(tmp_path, lj_job):
    parent = lj_job("slab", role="slab")
    child = lj_job("slab-static", parent=parent, task="static")
    run = make(tmp_path / "run", child)
    assert load_run(tmp_path / "run") == run
    assert [job.id for job in run.plan()] == [parent.id, child.id]
    assert run.study_file.read_text() == "title: A study\n"
    assert run.recipes == ({"name": "r"},)
    assert run.entry(child.id).parent == parent.id
    assert run.entry(parent.id).atoms == 4
    assert [status.state for status in run.statuses().values()] == ["ready", "waiting"]


def test_a_changed_study_adds_jobs_and_keeps_what_is_done(tmp_path, lj_job):
    first, second = lj_job("one"), lj_job("two", atoms=5)
    run = make(tmp_path, first)
    (run.folder(run.entry(first.id)) / OUTPUTS).write_text("{}")
    renamed = lj_job("renamed")
    assert renamed.id == first.id
    later = make(tmp_path, renamed, second, study_text="changed")
    states = {later.entry(key).name: value.state for key, value in later.statuses().items()}
    assert states == {"renamed": "done", "two": "ready"}
    assert later.entry(first.id).folder == first.folder_name
    assert len(list((tmp_path / "jobs").iterdir())) == 2


def test_children_find_a_parent_that_was_renamed(tmp_path, lj_job):
    make(tmp_path, lj_job("one"))
    child = lj_job("child", parent=lj_job("renamed"))
    run = make(tmp_path, child)
    assert run.job(run.entry(child.id)).id == child.id


def test_the_first_date_stays(tmp_path, lj_job):
    make(tmp_path, lj_job())
    about = json.loads((tmp_path / "run.json").read_text())
    (tmp_path / "run.json").write_text(json.dumps(about | {"created": "long ago"}))
    make(tmp_path, lj_job())
    assert json.loads((tmp_path / "run.json").read_text())["created"] == "long ago"


def test_fill_writes_inputs_of_new_jobs_only(tmp_path, lj_job):
    seen = []
    for _ in range(2):
        make(tmp_path, lj_job(), fill=lambda job, folder: seen.append((job.name, folder.parent.name)))
    assert seen == [("cluster", "jobs")]


def test_a_run_of_another_engine_or_study_is_refused(tmp_path, lj_job):
    make(tmp_path, lj_job())
    with pytest.raises(
        FolderError, match="is a run of the engine 'tblite', not of 'vasp'; give another folder with -o"
    ):
        make(tmp_path, lj_job(), engine="vasp")
    with pytest.raises(FolderError, match="is a run of the study 'A study', not of 'B'"):
        make(tmp_path, lj_job(), title="B")


def test_a_folder_with_other_files_is_refused(tmp_path, lj_job):
    (tmp_path / "thesis.tex").write_text("x")
    with pytest.raises(FolderError, match=r"holds other files \(thesis.tex"):
        make(tmp_path, lj_job())
    with pytest.raises(FolderError, match="is a file"):
        make(tmp_path / "thesis.tex", lj_job())
    with pytest.raises(FolderError, match=r"thesis.tex.*: a part of this path is a file"):
        make(tmp_path / "thesis.tex" / "run", lj_job())


def test_a_write_that_was_killed_early_is_finished(tmp_path, lj_job):
    make(tmp_path, lj_job())
    (tmp_path / "run.json").unlink()
    (tmp_path / ".plan.json.abc.tmp").write_text("")
    make(tmp_path, lj_job())
    assert load_run(tmp_path).title == "A study"


def test_what_is_no_run_is_reported(tmp_path, lj_job):
    with pytest.raises(FolderError, match=r"there is no folder .*make a run with: qddft write STUDY -o"):
        load_run(tmp_path / "nowhere")
    with pytest.raises(FolderError, match=r"no run\.json in .*is this a run folder\?"):
        load_run(tmp_path)
    make(tmp_path, lj_job())
    (tmp_path / "plan.json").unlink()
    with pytest.raises(FolderError, match=r"no plan\.json in"):
        load_run(tmp_path)


@pytest.mark.parametrize("name", ["run.json", "plan.json"])
@pytest.mark.parametrize(("text", "message"), [("{", "is damaged"), ('{"format": 2}', "has format 2, not 1")])
def test_damaged_run_files_are_reported(tmp_path, lj_job, name, text, message):
    make(tmp_path, lj_job())
    (tmp_path / name).write_text(text)
    with pytest.raises(FolderError, match=message):
        load_run(tmp_path)


def test_a_plan_with_unknown_or_hostile_entries_is_refused(tmp_path, lj_job):
    make(tmp_path, lj_job())
    plan = json.loads((tmp_path / "plan.json").read_text())
    for change, message in (({"folder": "../../x"}, "cannot name a job folder"), ({"new": 1}, "is damaged")):
        changed = plan | {"jobs": [plan["jobs"][0] | change]}
        (tmp_path / "plan.json").write_text(json.dumps(changed))
        with pytest.raises(FolderError, match=message):
            load_run(tmp_path)


def test_unknown_job_is_reported(tmp_path, lj_job):
    with pytest.raises(FolderError, match="plans no job abc"):
        make(tmp_path, lj_job()).entry("abc")
