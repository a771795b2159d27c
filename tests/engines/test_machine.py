import os
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qddft.core.errors import MachineError
from qddft.engines.machine import (
    Environment,
    Machine,
    Queue,
    VaspPrograms,
    example_text,
    list_examples,
    list_machines,
    load_machine,
    machines_folder,
    seconds_of,
)
from qddft.engines.script import chunk_script, folder_script, pbs_options, sbatch_options

HOSTILE = ("a b", "it's", '"x"', "$(touch pwned)", "`touch pwned`", "; touch pwned", "a\nb", "..", "*", "\\", "ä", "#x")


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    machines_folder().mkdir(parents=True)
    return machines_folder()


@pytest.mark.parametrize("name", list_examples())
def test_every_example_is_a_machine(home, name):
    (home / "mine.toml").write_text(example_text(name))
    machine = load_machine("mine")
    assert machine.name == "mine"
    assert list_machines() == ("mine",)


def test_a_machine_is_found_by_path(tmp_path):
    (tmp_path / "x.toml").write_text('[queue]\npartition = "p"\n')
    assert load_machine(tmp_path / "x.toml").queue.partition == "p"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[queue", "is no valid TOML"),
        ("[queu]\n", r"unknown key 'queu'\. Did you mean 'queue'"),
        ('[queue]\npartitio = "x"\n', r"\[queue\] unknown key 'partitio'\. Did you mean 'partition'"),
        ('scheduler = "sge"\n', "'sge' is not a choice"),
        ('[queue]\nwalltime = "1 day"\n', "is no duration; write HH:MM:SS"),
        ('[queue]\nwalltime = "00:00:00"\n', "is no duration"),
        ('[queue]\nwalltime = "1:99:00"\n', "is no duration"),
        ('[queue]\npartition = "-x"\n', "does not begin with a dash"),
        ('[queue]\npartition = "a\\nb"\n', "printable text on one line"),
        ('[queue]\noptions = ["rm -rf /"]\n', "is no option; write one option as one string"),
        ('[queue]\noptions = ["--wrap=x\\ny"]\n', "is no option"),
        ("[queue]\ntasks = 0\n", "tasks"),
        ('[queue]\nmemory = "lots"\n', "memory"),
        ('[environment.variables]\n"A B" = "x"\n', "cannot name an environment variable"),
        ('[environment]\nsetup = ["a\\nb"]\n', "printable text on one line"),
        ('[queue]\noptions = ["--job-name=x"]\n', "is given by qddft itself; leave it out"),
        ('[queue]\noptions = ["-Jx"]\n', "is given by qddft itself"),
        ('[queue]\noptions = ["--array=0-9"]\n', "is given by qddft itself"),
        ("[vasp]\nretries = -1\n", "retries"),
        ('[vasp]\ncustodian = "yes please"\n', "custodian"),
        ('[vasp]\nlauncher = ["srun -n 4"]\n', "without white space; write each word as its own string"),
    ],
)
def test_mistakes_are_named(tmp_path, text, message):
    (tmp_path / "x.toml").write_text(text)
    with pytest.raises(MachineError, match=message):
        load_machine(tmp_path / "x.toml")


@pytest.mark.parametrize("name", ["nowhere", "../../etc/passwd", "-x", "a b", "", "x/y", "$(x)"])
def test_unknown_and_hostile_names_are_refused(home, name):
    with pytest.raises(MachineError, match="there is no machine"):
        load_machine(name)


@pytest.mark.parametrize("stem", ["a\ntouch pwned", "$(touch pwned)", "a b"])
def test_a_file_with_a_hostile_name_is_no_machine(tmp_path, stem):
    (tmp_path / f"{stem}.toml").write_text("")
    with pytest.raises(MachineError, match="cannot name a machine"):
        load_machine(tmp_path / f"{stem}.toml")


def test_a_missing_name_is_suggested_for(home):
    (home / "cluster.toml").write_text("")
    with pytest.raises(MachineError, match=r"Did you mean 'cluster'\?"):
        load_machine("clustr")
    with pytest.raises(MachineError, match=r"there is no machine file .*machine init"):
        load_machine("x/cluster.toml")
    with pytest.raises(MachineError, match="there is no example machine 'cpu'"):
        example_text("cpu")


@pytest.mark.parametrize(("text", "seconds"), [("00:01:00", 60), ("24:00:00", 86400), ("2-01:00:30", 176430)])
def test_durations(text, seconds):
    assert seconds_of(text) == seconds


def test_options_of_slurm():
    queue = Queue(
        partition="p", account="a", walltime="01:00:00", nodes=2, tasks=4, cpus_per_task=3, gpus=1, memory="8G"
    )
    options = sbatch_options(queue, "token", serial=False, dependency="afterok:12:13_4")
    for wanted in (
        "--job-name=token",
        "--time=01:00:00",
        "--nodes=2",
        "--ntasks-per-node=4",
        "--cpus-per-task=3",
        "--gpus-per-node=1",
        "--mem=8G",
        "--account=a",
        "--dependency=afterok:12:13_4",
        "--kill-on-invalid-dep=yes",
        "--signal=B:USR1@600",
        "--requeue",
    ):
        assert wanted in options
    serial = sbatch_options(queue, "token", serial=True)
    assert {"--nodes=1", "--ntasks=1", "--cpus-per-task=12"} <= set(serial)
    assert not any(option.startswith("--dependency") for option in serial)


def test_options_of_pbs():
    queue = Queue(partition="p", account="a", walltime="1-01:00:00", nodes=2, tasks=4, gpus=1, memory="8G")
    options = " ".join(pbs_options(queue, "token-0123456789ab", serial=False))
    assert "-l select=2:ncpus=4:mpiprocs=4:ngpus=1:mem=8GB" in options
    assert "-l walltime=25:00:00" in options
    assert "-q p -A a" in options
    # no more than 15 characters, and a letter first
    assert "-N qddft0123456789 " in options
    assert "select=1:ncpus=4:mpiprocs=1" in " ".join(pbs_options(queue, "token", serial=True))


def run_script(text, folder, **environment):
    (folder / "script.sh").write_text(text)
    return subprocess.run(
        ["bash", "script.sh"], cwd=folder, capture_output=True, text=True, check=False,
        env={"PATH": os.environ["PATH"], **environment},
    )  # fmt: skip


def fake_python(folder):
    """Write a program that says with what it was called."""
    (folder / "fake python").write_text('#!/bin/bash\nprintf "%s\\n" "$PWD" "$@"\nprintf "%s" "$VALUE"\n')
    (folder / "fake python").chmod(0o755)
    return str(folder / "fake python")


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_run_folders_and_variables_stay_words(tmp_path, hostile):
    run = tmp_path / f"run {hostile}"
    run.mkdir()
    value = hostile.replace("\n", " ")
    machine = Machine(name="m", environment=Environment(python=fake_python(tmp_path), variables={"VALUE": value}))
    done = run_script(chunk_script(machine, run, f"submit/{value}.json"), tmp_path, SLURM_ARRAY_TASK_ID="7")
    assert done.stdout == f"{run}\n-m\nqddft.study.chunk\n{run}\nsubmit/{value}.json\n7\n{value}"
    assert done.returncode == 0
    assert not list(tmp_path.rglob("pwned"))


@settings(max_examples=25, deadline=None)
@given(st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs")), min_size=1, max_size=20))
def test_any_printable_module_name_stays_one_word(tmp_path_factory, name):
    folder = tmp_path_factory.mktemp("x")
    if name.startswith("-") or not name.isprintable():
        return
    machine = Machine(name="m", environment=Environment(python=fake_python(folder), modules=(name,)))
    text = chunk_script(machine, folder, "t").replace("set -u", 'module() { printf "<%s>" "$2"; }; set -u')
    assert f"<{name}>" in run_script(text, folder).stdout


def test_setup_lines_run_and_modules_that_fail_end_the_job(tmp_path):
    python = fake_python(tmp_path)
    machine = Machine(name="m", environment=Environment(python=python, setup=("export VALUE=$((40 + 2))",)))
    assert run_script(chunk_script(machine, tmp_path, "t"), tmp_path).stdout.endswith("42")
    machine = Machine(name="m", environment=Environment(python=python, modules=("nowhere",)))
    done = run_script("module() { return 1; }\n" + chunk_script(machine, tmp_path, "t"), tmp_path)
    assert (done.returncode, done.stdout) == (1, "")


@pytest.mark.parametrize(("kind", "called"), [("vasp_std", "std x"), ("vasp_gam", "gam x"), ("vasp_ncl", "ncl x")])
def test_the_job_chooses_the_executable_and_the_machine_names_it(tmp_path, kind, called):
    (tmp_path / "job.sh").write_text(
        f'executable="${{VASP_EXE:-{kind}}}"\n'
        'printf "%s|%s|%s|%s" "$executable" "$VASP_LAUNCHER" "$QDDFT_NCORE" "$PWD"\n'
    )
    vasp = VaspPrograms(launcher=("mpirun", "-np", "4"), std="std x", gam="gam x", ncl="ncl x", ncore=2)
    done = run_script(folder_script(Machine(name="m", vasp=vasp), tmp_path), tmp_path)
    assert done.stdout == f"{called}|mpirun -np 4|2|{tmp_path}"


def test_a_warned_job_ends_its_program_and_goes_back_into_the_queue(tmp_path):
    log = tmp_path / "log"
    for name, body in (
        (
            "fake python",
            f'trap "echo stopped >> {log}; exit 3" TERM\nkill -USR1 $PPID\n/bin/sleep 5 > /dev/null 2>&1 & wait',
        ),
        ("scontrol", f'echo "$@" >> {log}'),
        ("sleep", "exec /bin/sleep 0.2"),
    ):
        (tmp_path / name).write_text(f"#!/bin/bash\n{body}\n")
        (tmp_path / name).chmod(0o755)
    machine = Machine(name="m", queue=Queue(restarts=2), environment=Environment(python=str(tmp_path / "fake python")))
    text = chunk_script(machine, tmp_path, "t")
    path = f"{tmp_path}:{os.environ['PATH']}"
    for restart, expected in (("1", "stopped\nrequeue 5\n"), ("2", "stopped\n")):
        log.unlink(missing_ok=True)
        done = run_script(text, tmp_path, PATH=path, SLURM_JOB_ID="5", SLURM_RESTART_COUNT=restart)
        assert done.returncode == 75
        assert log.read_text() == expected
