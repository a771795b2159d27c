import os
from pathlib import Path

import numpy as np
import pytest
from made_up_vasp import two_steps, vasprun

from qddft.core.errors import OutputError
from qddft.engines.vasp.read import cache
from qddft.engines.vasp.read.cache import CACHE, cached_outputs


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "vasprun.xml").write_text(vasprun(two_steps()))
    return tmp_path


@pytest.fixture
def readings(monkeypatch):
    """Count how often the run itself is read."""
    calls = []
    original = cache.read_outputs
    monkeypatch.setattr(cache, "read_outputs", lambda path: (calls.append(path), original(path))[1])
    return calls


def test_an_unchanged_folder_is_read_once(folder, readings):
    first, second = cached_outputs(folder), cached_outputs(folder)
    assert len(readings) == 1
    assert second.energy == first.energy
    assert dict(second.settings) == dict(first.settings)
    assert second.warnings == first.warnings
    assert (second.converged, second.source) == (first.converged, str(folder))
    np.testing.assert_array_equal(second.forces, first.forces)
    np.testing.assert_allclose(second.atoms.positions, first.atoms.positions, atol=1e-9)


@pytest.mark.parametrize("change", ["content", "time", "added", "cut cache", "foreign cache"])
def test_any_change_is_noticed(folder, readings, change):
    cached_outputs(folder)
    file = folder / "vasprun.xml"
    status = file.stat()
    if change == "content":
        # same size, same time: only the hash differs
        file.write_text(file.read_text().replace('type="string">vasp ', 'type="string">Vasp '))
        os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    elif change == "time":
        os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns + 1))
    elif change == "added":
        (folder / "INCAR").write_text("ENCUT = 520\n")
    elif change == "cut cache":
        (folder / CACHE).write_text((folder / CACHE).read_text()[:300])
    else:
        (folder / CACHE).write_text("[1, 2]")
    cached_outputs(folder)
    assert len(readings) == 2


def test_errors_are_not_remembered(folder, readings):
    whole = (folder / "vasprun.xml").read_text()
    (folder / "vasprun.xml").write_text(whole[:-100])
    with pytest.raises(OutputError, match="is not complete"):
        cached_outputs(folder)
    assert not (folder / CACHE).exists()
    (folder / "vasprun.xml").write_text(whole)
    assert cached_outputs(folder).energy == pytest.approx(-10.2498)


def test_single_files_are_read_without_remembering(folder):
    cached_outputs(folder / "vasprun.xml")
    assert not (folder / CACHE).exists()


def test_a_folder_that_cannot_be_written_to_is_read_each_time(folder, readings, monkeypatch):
    def refuse(path, value):
        raise PermissionError(path)

    monkeypatch.setattr(cache, "write_json", refuse)
    cached_outputs(folder)
    cached_outputs(folder)
    assert len(readings) == 2


def test_partly_frozen_atoms_are_not_remembered_since_json_would_lose_them(tmp_path, readings):
    movable = np.array([[True] * 3, [False, False, True], [True] * 3])
    (tmp_path / "vasprun.xml").write_text(vasprun(two_steps(movable=movable)))
    cached_outputs(tmp_path)
    assert len(cached_outputs(tmp_path).atoms.constraints) == 1
    assert len(readings) == 2


def test_a_file_that_may_not_be_read_does_not_keep_the_folder_from_being_remembered(folder, readings, monkeypatch):
    (folder / "POTCAR").write_text("of somebody else")
    opened = Path.open

    def refuse(self, *arguments, **named):
        if self.name == "POTCAR":
            raise PermissionError(13, "Permission denied", str(self))
        return opened(self, *arguments, **named)

    monkeypatch.setattr(Path, "open", refuse)
    first, second = cached_outputs(folder), cached_outputs(folder)
    assert (len(readings), first.energy) == (1, second.energy)
