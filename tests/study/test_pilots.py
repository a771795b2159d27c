"""What pilot jobs are to be like, the scripts that come of it, and every mistake; nothing is started here."""

import re
import shlex
import subprocess
import sys
import tomllib
from concurrent.futures import Future
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from queue_tools import write_run

from qddft.cli.main import main
from qddft.core.errors import EngineError, MachineError
from qddft.engines.slurm import Partition, QueueTask, RefusedError
from qddft.study.execute import run
from qddft.study.pilots import PilotExecutor, Pilots, load_pilots
from qddft.study.pilots import settings as pilot_settings
from qddft.study.pilots.executor import check_partition
from qddft.study.pilots.interchange import interchange_command
from qddft.study.pilots.script import block_script
from qddft.study.pilots.settings import SUPPORTED, check_parsl, named_pilots
from qddft.study.submissions import Submission, load_submissions, save_submission

ROOT = Path(__file__).parent.parent.parent
ENGINE = "ase:ase.calculators.lj:LennardJones"


def write(folder, text):
    path = folder / "pilots.toml"
    path.write_text(text)
    return path


@pytest.mark.parametrize(("name", "slots"), [("local", 2), ("slurm", 64)])
def test_the_examples_are_valid(name, slots):
    pilots = load_pilots(ROOT / "examples" / f"pilots-{name}.toml")
    assert pilots.provider == name
    assert pilots.slots == slots
    assert pilots.environment.python == sys.executable


@pytest.mark.parametrize("name", ["local", "slurm"])
def test_the_examples_name_every_key(name):
    text = (ROOT / "examples" / f"pilots-{name}.toml").read_text()
    named = set(re.findall(r"^#? ?([a-z_]+) = ", text, re.MULTILINE))
    tables = {"slurm", "environment"}
    wanted = (set(Pilots.model_fields) - tables) | {"modules", "variables", "setup", "python"}
    if name == "slurm":
        wanted |= set(pilot_settings.SlurmBlock.model_fields)
    assert named == wanted - ({"address"} if name == "local" else set())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("provider = ", "is no valid TOML"),
        ("blocks = 2", "the key 'provider' is missing"),
        ("provider = 'slurn'", r"provider: 'slurn' is not a choice. Did you mean 'slurm'\?"),
        ("provider = 'pbs'", "provider: 'pbs' is not a choice. Valid: local, slurm"),
        ("provider = 'local'\nblock = 2", r"unknown key 'block'. Did you mean 'blocks'"),
        ("provider = 'slurm'\n[slurm]\nwaltime = '1:00:00'", r"\[slurm\] unknown key 'waltime'. Did you mean 'wallt"),
        ("provider = 'local'\n[environment]\nmodule = ['x']", r"\[environment\] unknown key 'module'"),
        ("provider = 'local'\n[slurm]\nnodes = 1", "belongs to provider = 'slurm', not to 'local'"),
        ("provider = 'local'\nretries = 0", "retries: .* greater than or equal to 1, not 0"),
        ("provider = 'local'\nheartbeat = 1", "heartbeat: .* greater than or equal to 5, not 1"),
        ("provider = 'local'\njobs = 'many'", "jobs: .*whole number.*, not 'many'"),
        ("provider = 'slurm'\naddress = 'login; id'", "address: 'login; id' is no IP address"),
        ("provider = 'slurm'\n[slurm]\nwalltime = '60'", "walltime: '60' is no duration"),
        ("provider = 'slurm'\n[slurm]\nwalltime = '$(id):00:00'", "walltime: .* is no duration"),
        ("provider = 'slurm'\n[slurm]\nmemory = '64 GB'", "memory: .*pattern"),
        ("provider = 'slurm'\n[slurm]\nmemory = \"64G\\n#SBATCH --wrap=id\"", "memory: .*pattern"),
        ("provider = 'slurm'\n[slurm]\npartition = \"a\\nb\"", "partition: .* on one line"),
        ("provider = 'slurm'\n[slurm]\naccount = '--wrap=id'", "account: .* begin with a dash"),
        ("provider = 'slurm'\n[slurm]\noptions = ['--job-name=x']", "options: .* given by qddft itself"),
        ("provider = 'slurm'\n[slurm]\nlauncher = ['srun -n 2']", "launcher: .* one printable word"),
        ("provider = 'local'\n[environment.variables]\n'A;id' = 'x'", "cannot name an environment variable"),
    ],
)  # fmt: skip
def test_mistakes_are_told(tmp_path, text, message):
    with pytest.raises(MachineError, match=message):
        load_pilots(write(tmp_path, text))


def test_all_mistakes_are_told_at_once(tmp_path):
    with pytest.raises(MachineError) as told:
        load_pilots(write(tmp_path, "provider = 'locl'\nblock = 1\nretries = 0"))
    assert len(str(told.value).splitlines()) == 3


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("parsl", "there is no executor 'parsl'; write parsl:FILE"),
        ("parsl:", "there is no executor 'parsl:'; write parsl:FILE"),
        ("pasrl:x.toml", r"there is no executor 'pasrl:x.toml'; write parsl:FILE. Did you mean 'parsl'\?"),
        ("parsl:nowhere.toml", "there is no file nowhere.toml; copy one of examples/pilots"),
        ("parsl:.", r"there is no file \.; copy"),
    ],
)
def test_a_wrong_executor_is_told_before_anything_is_written(tmp_path, text, message, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    study = ROOT / "examples" / "small-ligands.yaml"
    assert main(["run", str(study), "--executor", text]) == 2
    assert re.search(message, capsys.readouterr().err)
    assert list(tmp_path.iterdir()) == []


def test_the_help_shows_it(capsys):
    assert main(["run", "--help"]) == 0
    shown = capsys.readouterr().out
    assert "--executor" in shown
    assert "parsl:examples/pilots-local.toml" in shown


def test_without_parsl_the_remedy_is_told(monkeypatch):
    def nothing(name):
        raise PackageNotFoundError(name)

    monkeypatch.setattr(pilot_settings, "version", nothing)
    with pytest.raises(MachineError, match=r"Parsl, which is not installed; install qddft\[parsl\]: pip install"):
        named_pilots("parsl:x.toml")


def test_another_parsl_is_refused(monkeypatch):
    monkeypatch.setattr(pilot_settings, "version", lambda _: "2025.1.6")
    with pytest.raises(MachineError, match=r"tried with Parsl 2026.10.x, not 2025.1.6; install"):
        check_parsl()


def test_the_project_asks_for_the_parsl_that_was_tried():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wanted = project["project"]["optional-dependencies"]["parsl"]
    assert wanted == [f"parsl>={SUPPORTED.rstrip('.')},<2026.11"]
    assert wanted[0] in project["dependency-groups"]["dev"]


hostile = st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S", "Zs"]), max_size=20).filter(
    str.isprintable
)


@settings(max_examples=25, deadline=None)
@given(hostile, hostile, st.sampled_from(["$(touch PWNED)", "`touch PWNED`", "'; touch PWNED; '", '"; touch PWNED; "']))
def test_no_value_of_a_script_is_run(tmp_path_factory, before, after, attack):
    """The shell hands every value on as it was written."""
    folder = tmp_path_factory.mktemp("x")
    text = f"{before}{attack}{after}"
    pilots = Pilots(provider="local", environment={"variables": {"VALUE": text}, "python": f"a{text}"})
    paths = {"logs": folder / "l" / text.replace("/", "_"), "keys": folder / "k" / text.replace("/", "_")}
    command = 'printf "%s\\0" "$QDDFT_PYTHON" "$QDDFT_LOGS" "$QDDFT_CERTIFICATES" "$VALUE"'
    script = block_script(pilots, command, folder, **paths).replace("kill -KILL -- -$$\n", "")
    done = subprocess.run(["bash"], input=script.encode(), capture_output=True, check=False, cwd=folder)
    assert done.stdout.decode().split("\0")[:4] == [f"a{text}", str(paths["logs"]), str(paths["keys"]), text]
    assert not list(folder.rglob("PWNED"))


def test_a_script_says_what_the_file_says(tmp_path):
    environment = {"modules": ["VASP/6 $(id)"], "variables": {"A": "1"}, "setup": ["ulimit -s unlimited"]}
    several = Pilots(provider="slurm", jobs=4, cores=2, slurm={"nodes": 2}, environment=environment)
    script = block_script(several, "POOL", tmp_path, logs=tmp_path, keys=tmp_path)
    assert "module load 'VASP/6 $(id)' || exit 1\n" in script
    assert script.index("export A=1\n") < script.index("ulimit -s unlimited\n") < script.index("POOL")
    assert script.endswith("srun --cpus-per-task=8 POOL\n")
    assert shlex.split(script.splitlines()[3]) == ["cd", "--", str(tmp_path), "||", "exit", "1"]
    one = Pilots(provider="slurm", slurm={"launcher": ["mpiexec", "-n", "$(id)"]})
    assert "mpiexec -n '$(id)' POOL\n" in block_script(one, "POOL", tmp_path, logs=tmp_path, keys=tmp_path)


@pytest.mark.parametrize(
    ("changes", "block", "message"),
    [
        ({"jobs": 8, "cores": 2}, {}, r"16 cores on a node \(jobs x cores\); the largest has 8"),
        ({}, {"nodes": 3}, "3 nodes; the partition has 2"),
        ({}, {"memory": "64G"}, "64G on a node; the largest has 1000 MB"),
        ({}, {"walltime": "2-00:00:00"}, "asks for 2-00:00:00; the partition allows 24 h 0 min"),
    ],
)
def test_pilot_jobs_that_would_wait_for_ever_are_refused(monkeypatch, changes, block, message):
    monkeypatch.setattr("qddft.engines.slurm.partition", lambda _: Partition(8, 1000, 2, 86400))
    with pytest.raises(MachineError, match=message):
        check_partition(Pilots(provider="slurm", slurm=block, **changes))
    check_partition(Pilots(provider="slurm", slurm={"nodes": 2, "memory": "900"}, jobs=8))


def test_without_slurm_the_run_is_refused_and_nothing_is_left(tmp_path, lj_job, monkeypatch):
    pytest.importorskip("parsl")
    monkeypatch.setenv("PATH", "/nowhere")
    folder = write_run(tmp_path / "run", lj_job(engine=ENGINE))
    with (
        pytest.raises(MachineError, match=r"there is no sinfo here; .*login node"),
        PilotExecutor(Pilots(provider="slurm"), folder.path) as executor,
    ):
        run(folder.path, executor=executor)
    assert not (folder.path / "parsl").exists()


def test_only_pilot_jobs_of_this_run_are_cancelled(tmp_path, monkeypatch):
    pytest.importorskip("parsl")
    from qddft.study.pilots.blocks import cancel_leftovers

    for token in ("parsl.htex.block-0-aaaa", "parsl.htex.block-1-bbbb", "qddft-chunk-cccc"):
        save_submission(tmp_path, Submission(token, "parsl", "7", (), "now"))
    names = ("parsl.htex.block-1-bbbb", "parsl.htex.block-0-ffff", "qddft-chunk-cccc", "other")
    monkeypatch.setattr(
        "qddft.engines.slurm.queue",
        lambda: tuple(QueueTask(str(40 + number), name, "RUNNING", "", 0) for number, name in enumerate(names)),
    )
    cancelled = []
    monkeypatch.setattr("qddft.engines.slurm.cancel", cancelled.append)
    cancel_leftovers(tmp_path)
    assert cancelled == [["40"]]
    cancel_leftovers(tmp_path / "nothing")
    assert len(cancelled) == 1


def slurm_blocks(folder, monkeypatch, **changes):
    """Return pilot jobs of a Slurm that a test plays, its queue, and what was given up."""
    pytest.importorskip("parsl")
    from qddft.study.pilots.blocks import SlurmBlocks

    queue, given_up = [], []
    monkeypatch.setattr("qddft.engines.slurm.queue", lambda: tuple(queue))

    def submit(options, script, place):
        token = next(option for option in options if option.startswith("--job-name="))[len("--job-name=") :]
        assert options[-2:] == ["--no-requeue", f"--output={token}.out"]
        assert load_submissions(folder)[-1].slurm_id == ""
        queue.append(QueueTask(str(len(queue)), token, "RUNNING", "", 0))
        return queue[-1].slurm_id

    monkeypatch.setattr("qddft.engines.slurm.submit", submit)
    blocks = SlurmBlocks(Pilots(provider="slurm", **changes), given_up.append, run=folder)
    blocks.script_dir = str(folder)
    return blocks, queue, given_up


def test_pilot_jobs_are_recorded_and_counted(tmp_path, monkeypatch):
    blocks, queue, given_up = slurm_blocks(tmp_path, monkeypatch, lost_blocks=1)
    first = blocks.submit("POOL", 1, "parsl.htex.block-0")
    assert [(item.token, item.slurm_id) for item in load_submissions(tmp_path)] == [(first, "0")]
    assert [status.state.name for status in blocks.status([first])] == ["RUNNING"]
    queue.clear()
    assert [status.state.name for status in blocks.status([first])] == ["COMPLETED"]
    # the first is replaced at once, the second loss is one too many
    second = blocks.submit("POOL", 1, "parsl.htex.block-1")
    assert given_up == []
    queue.clear()
    blocks.status([first, second])
    assert "2 pilot jobs were lost without a result in between (lost_blocks = 1)" in str(given_up[0])
    with pytest.raises(MachineError, match="no new pilot job now"):
        blocks.submit("POOL", 1, "parsl.htex.block-2")


def test_a_result_in_between_and_a_full_walltime_are_no_losses(tmp_path, monkeypatch):
    blocks, queue, given_up = slurm_blocks(tmp_path, monkeypatch, lost_blocks=1, slurm={"walltime": "00:01:00"})
    for number in range(4):
        name = blocks.submit("POOL", 1, f"parsl.htex.block-{number}")
        blocks.status([name])
        # the walltime is shorter than what a look at the queue may be late
        queue.clear()
        blocks.status([name])
    assert given_up == []
    blocks, queue, given_up = slurm_blocks(tmp_path, monkeypatch, lost_blocks=1)
    for number in range(4):
        blocks.status([blocks.submit("POOL", 1, f"parsl.htex.block-{number}")])
        queue.clear()
        blocks.status([])
        blocks.result_came()
    assert given_up == []


def test_a_queue_that_does_not_answer_loses_no_pilot_job(tmp_path, monkeypatch):
    blocks, _, given_up = slurm_blocks(tmp_path, monkeypatch, lost_blocks=1)
    name = blocks.submit("POOL", 1, "parsl.htex.block-0")

    def silent():
        raise MachineError("squeue has not answered")

    monkeypatch.setattr("qddft.engines.slurm.queue", silent)
    assert [status.state.name for status in blocks.status([name])] == ["PENDING"]
    assert given_up == []


def test_a_refused_first_submission_ends_the_run(tmp_path, monkeypatch):
    blocks, _, given_up = slurm_blocks(tmp_path, monkeypatch)

    def refuse(*_):
        raise RefusedError("sbatch refuses: invalid account")

    monkeypatch.setattr("qddft.engines.slurm.submit", refuse)
    with pytest.raises(MachineError, match="invalid account"):
        blocks.submit("POOL", 1, "parsl.htex.block-0")
    assert [str(error) for error in given_up] == ["sbatch refuses: invalid account"]


def test_the_interchange_ends_with_its_driver_on_any_system(monkeypatch):
    assert "--pdeathsig" in interchange_command()
    monkeypatch.setattr("qddft.study.pilots.interchange._kernel_can", lambda: False)
    assert interchange_command() == [sys.executable, "-m", "qddft.study.pilots.interchange"]


class Losing:
    """An executor whose worker is lost."""

    def submit(self, *_):
        answer = Future()
        answer.set_exception(EngineError("its worker was lost"))
        return answer


def test_a_lost_worker_is_a_failed_job(tmp_path, lj_job):
    folder = write_run(tmp_path / "run", lj_job(engine=ENGINE))
    report = run(folder.path, executor=Losing())
    assert [reason for _, reason in report.failed] == ["its worker was lost"]
    assert [status.reason for status in folder.statuses().values()] == ["its worker was lost"]
