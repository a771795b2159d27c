import os

import pytest

import qddft
from qddft.core.errors import OutputError
from qddft.outputs.places import located

READERS = [
    qddft.read_outputs,
    qddft.read_eigenvalues,
    qddft.read_dos,
    qddft.read_projected,
    qddft.read_trajectory,
    qddft.read_grid,
    qddft.cached_outputs,
]


def test_a_path_comes_back_expanded_and_what_is_absent_is_left_to_the_reader(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert located("~") == tmp_path
    assert located("~/absent") == tmp_path / "absent"
    assert located(tmp_path / "absent" / "below") == tmp_path / "absent" / "below"


@pytest.mark.parametrize("reader", READERS)
def test_every_reader_tells_what_is_wrong_with_a_place(tmp_path, reader):
    (tmp_path / "circle").symlink_to("circle")
    (tmp_path / "broken").symlink_to("nowhere")
    os.mkfifo(tmp_path / "CHGCAR")
    for name, message in {
        "circle": "circle cannot be read: Too many levels of symbolic links",
        "broken": "broken is a link to nowhere, which does not exist",
        "CHGCAR": "CHGCAR is not a regular file|CHGCAR does not exist",
        "n" * 300: "cannot be read: File name too long",
        "a\0b": "is no path: embedded null",
    }.items():
        with pytest.raises(OutputError, match=message):
            reader(tmp_path / name)
    with pytest.raises(OutputError, match="names a user without a home folder"):
        reader("~no-such-user-here/run")


@pytest.mark.parametrize("reader", READERS)
def test_folders_without_permission_are_refused_with_the_remedy(tmp_path, reader, monkeypatch):
    def refuse(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("qddft.outputs.places.os.scandir", refuse)
    with pytest.raises(OutputError, match="cannot be read: Permission denied; change its permissions or copy it"):
        reader(tmp_path)


def test_a_broken_link_in_a_folder_is_named(tmp_path):
    (tmp_path / "vasprun.xml").symlink_to("scratch/vasprun.xml")
    with pytest.raises(OutputError, match=r"vasprun\.xml is a link to scratch/vasprun\.xml, which is no file"):
        qddft.read_outputs(tmp_path)
