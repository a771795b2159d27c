"""Paths as people read them and as they type them."""

import shlex
from pathlib import Path

import pytest

from qddft.cli.console import place, typed


@pytest.mark.parametrize("name", ["run", "a run", "$(touch x)", "it's", "a;b", "-n", "new\nline", "ü*"])
def test_a_command_that_is_copied_names_the_folder_and_nothing_else(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = shlex.split(f"qddft status {typed(tmp_path / name)}")
    assert len(words) == 3
    assert not words[2].startswith("-")
    assert (tmp_path / words[2]).resolve() == (tmp_path / name).resolve()


def test_places_are_told_from_here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert place(tmp_path / "run") == "run"
    assert place(Path("/elsewhere")) == "/elsewhere"
    assert typed(Path("/else where")) == "'/else where'"
