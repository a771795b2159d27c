"""What README.md says is true."""

import re
import shlex
from pathlib import Path

import pytest

from qddft.cli.main import DONE, VERBS, main

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(\w*)\n(.*?)```", README, re.DOTALL)


def test_two_setup_commands_of_one_line():
    commands = [body.strip() for kind, body in BLOCKS if not kind]
    assert commands == [
        "pip install uv && uv run qddft run workflows/tao-cspbbr3/demo.yaml",
        "pip install uv && uv run pytest -n auto",
    ]


def test_files_it_names_are_there():
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / target).is_file()
    for study in set(re.findall(r"workflows/\S+?\.yaml", README)):
        assert (ROOT / study).is_file()


def test_verbs_it_names_exist():
    named = set(re.findall(r"`(?:uv run )?qddft (\w+)", README))
    assert named
    assert named <= set(VERBS)


def test_study_it_shows_is_right(tmp_path):
    (text,) = (body for kind, body in BLOCKS if kind == "yaml")
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    assert main(["check", str(path)]) == DONE


def test_python_it_shows_compiles():
    for kind, body in BLOCKS:
        if kind == "python":
            compile(body, "README.md", "exec")


@pytest.mark.parametrize("line", re.findall(r"`(?:uv run )?(qddft build [^`]+-o [^`]+)`", README))
def test_structures_it_builds(line, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(shlex.split(line)[1:]) == DONE
    assert list(tmp_path.iterdir())
