"""Names that look like commands: what a real bash does with the scripts that they end up in."""

import os
import subprocess
import tomllib
from pathlib import Path

import pytest

from qddft.cli.main import FIX_INPUT, main
from qddft.core.errors import FolderError, MachineError
from qddft.engines.machine import load_machine
from qddft.jobs.plan import Plan
from qddft.jobs.run_folder import create_run
from qddft.study.session import write
from qddft.study.submit import submit

HOSTILE = (
    "$(touch pwned)",
    "`touch pwned`",
    "'; touch pwned; '",
    '"; touch pwned; "',
    "--wrap=touch pwned",
    "../..",
    "*",
    "~",
)
TITLE = "\"it's && touch pwned # * ~ -x 'q' (001)\""
STUDY = """\
title: {title}
source: {title}
levels: {{vasp: tao-pbe}}
slab: {{formula: CsPbBr3, lattice: pbe, termination: PbX2, layers: 3, supercell: [1, 1], vacuum: 15.0, fixed_layers: 2}}
ligands: [{{ligand: '{ligand}', mode: atop, reference: neutral, conformers: 1, poses: 1}}]
"""
XYZ = "4\nHN\nO 0.0 0.0 0.0\nC 0.0 0.0 1.2\nH 0.94 0.0 1.8\nH -0.94 0.0 1.8\n"


@pytest.fixture
def programs(tmp_path, monkeypatch):
    """Stand-ins for sbatch and the other commands; sbatch writes down its arguments. Return the file."""
    folder = tmp_path / "bin"
    folder.mkdir()
    log = tmp_path / "sbatch.arguments"
    for name, text in {
        "sbatch": f"printf '%s\\0' \"$@\" >> '{log}'; echo 7",
        "squeue": "true",
        "sinfo": "echo 'debug*|64|10|infinite|100000'",
    }.items():
        (folder / name).write_text(f"#!/bin/bash\n{text}\n")
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    for name in ("PMG_VASP_PSP_DIR", "VASP_PSP_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return log


def _toml(text):
    quoted = '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
    assert tomllib.loads(f"x = {quoted}")["x"] == text
    return quoted


def _bash(path, cwd, **environment):
    return subprocess.run(
        ["bash", str(path)], cwd=cwd, capture_output=True, text=True, check=False, timeout=60,
        env={"PATH": os.environ["PATH"], "HOME": str(cwd), **environment},
    )  # fmt: skip


def _pwned(tmp_path):
    return [*tmp_path.rglob("pwned*"), *Path(__file__).parent.glob("pwned*")]


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A run of a study whose title, source and ligand file are commands, in a folder that is one too."""
    root = tmp_path_factory.mktemp("hostile")
    ligand = root / "$(touch pwned); `touch pwned`.xyz"
    ligand.write_text(XYZ)
    (root / "study.yaml").write_text(STUDY.format(title=TITLE, ligand=ligand.name))
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("PMG_VASP_PSP_DIR", raising=False)
        return write(root / "study.yaml", root / "-rf 'x'; $(touch pwned)\n..`touch pwned`")


def test_scripts_of_a_hostile_study_run_no_command(written, tmp_path):
    scripts = [*written.path.rglob("*.sh")]
    assert len(scripts) == 2 * len(written.entries)
    for script in scripts:
        done = _bash(script, tmp_path)
        assert done.returncode == 1, (script.name, done.stderr)
        assert "VASP_PSP_DIR" in done.stderr or "the parent is not done" in done.stderr
        assert "syntax error" not in done.stderr
    assert _pwned(written.path.parent) == _pwned(tmp_path) == []


def test_submission_of_a_hostile_run_runs_no_command(written, programs, tmp_path):
    report = submit(written.path, load_machine(_plain(tmp_path)), retry_failed=True)
    arguments = programs.read_text().split("\0")
    assert arguments.count(f"--chdir={written.path}") == len(written.entries)
    for call in report.submitted:
        assert call.token.replace("-", "").isalnum()
        done = _bash(written.path / "submit" / f"{call.token}.sh", tmp_path)
        assert done.returncode == 1
        assert "VASP_PSP_DIR" in done.stderr or "the parent is not done" in done.stderr
    assert _pwned(written.path.parent) == _pwned(tmp_path) == []


@pytest.mark.parametrize("hostile", HOSTILE)
def test_values_of_a_machine_reach_programs_as_they_are(hostile, written, programs, tmp_path):
    """Words that may hold anything reach sbatch, or the job, unchanged; the others are refused by name."""
    text = _toml(hostile)
    path = tmp_path / "m.toml"
    path.write_text(
        f'[queue]\npartition = "debug"\n[environment]\nvariables = {{ VALUE = {text} }}\n'
        + (f"modules = [{text}]\n[vasp]\nstd = {text}\ngam = {text}\npotcars = {text}\n" if hostile[0] != "-" else "")
    )
    machine = load_machine(path)
    report = submit(written.path, machine, retry_failed=True)
    script = (written.path / "submit" / f"{report.submitted[0].token}.sh").read_text()
    probe = tmp_path / "probe.sh"
    show = 'printf "%s|%s|%s" "$VALUE" "${VASP_EXE:-}" "${VASP_PSP_DIR:-}"'
    probe.write_text(script.replace("set -u", 'module() { printf "%s|" "$2"; }; set -u').replace("bash job.sh", show))
    done = _bash(probe, tmp_path)
    expected = [hostile] if hostile[0] == "-" else [hostile] * 4
    assert [word for word in done.stdout.split("|") if word and not word.startswith("vasp_")] == expected
    assert _pwned(written.path.parent) == _pwned(tmp_path) == []


@pytest.mark.parametrize("key", ["partition", "account", "qos", "constraint"])
@pytest.mark.parametrize("hostile", HOSTILE)
def test_names_of_the_queue_reach_sbatch_as_one_argument_or_are_refused(key, hostile, tmp_path, programs):
    path = tmp_path / "m.toml"
    path.write_text(f"[queue]\n{key} = {_toml(hostile)}\n")
    if hostile.startswith("-"):
        with pytest.raises(MachineError, match="does not begin with a dash"):
            load_machine(path)
        return
    from qddft.engines.script import sbatch_options

    options = sbatch_options(load_machine(path).queue, "token", serial=True)
    assert f"--{key}={hostile}" in options
    done = subprocess.run(["sbatch", *options], check=False, cwd=tmp_path)
    assert done.returncode == 0
    assert f"--{key}={hostile}" in programs.read_text().split("\0")
    assert _pwned(tmp_path) == []


@pytest.mark.parametrize(
    "text",
    [
        '[queue]\nwalltime = "1:00:00; touch pwned"\n',
        '[queue]\nmemory = "1G $(touch pwned)"\n',
        '[queue]\ntasks = "$(touch pwned)"\n',
        '[queue]\noptions = ["--x=a\\ntouch pwned"]\n',
        '[queue]\noptions = ["; touch pwned"]\n',
        '[queue]\npartition = "a\\ntouch pwned"\n',
        '[vasp]\nlauncher = ["srun; touch pwned"]\n',
        '[vasp]\nncore = "$(touch pwned)"\n',
        '[vasp]\nretries = "$(touch pwned)"\n',
        '[vasp]\ncustodian = "$(touch pwned)"\n',
        '[environment]\nmodules = ["a\\ntouch pwned"]\n',
        '[environment]\npython = "-c import os"\n',
        '[environment.variables]\n"X; touch pwned" = "1"\n',
        '[environment.variables]\nX = "a\\u0000b"\n',
        'name = "$(touch pwned)"\n',
    ],
)
def test_what_cannot_be_a_value_is_refused(text, tmp_path):
    (tmp_path / "m.toml").write_text(text)
    with pytest.raises(MachineError, match=r"m\.toml"):
        load_machine(tmp_path / "m.toml")


def test_a_job_whose_name_is_a_command_gets_no_folder(tmp_path, lj_job):
    from queue_tools import ENGINE

    job = lj_job("a, 'b' | $(touch pwned)\nc", engine=ENGINE)
    with pytest.raises(FolderError, match="cannot name a job folder"):
        create_run(tmp_path / "run", Plan.of([job]), engine=ENGINE, title="x", study_text="")


def _plain(tmp_path):
    (tmp_path / "plain.toml").write_text("")
    return tmp_path / "plain.toml"


@pytest.mark.parametrize("name", ["$(touch pwned)", "../../x", "-x", "a\nb", "a b"])
def test_the_program_refuses_hostile_machine_names(name, tmp_path, capsys, monkeypatch, lj_job):
    from queue_tools import ENGINE

    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    run = create_run(tmp_path / "run", Plan.of([lj_job("a", engine=ENGINE)]), engine=ENGINE, title="x", study_text="")
    assert main(["submit", str(run.path), f"--machine={name}"]) == FIX_INPUT
    assert "there is no machine" in capsys.readouterr().err
    assert _pwned(tmp_path) == []
