"""The page with a structure to turn."""

import json
import re

import numpy as np
import pytest
from ase import Atoms

from qddft.cli.main import DONE, FIX_INPUT, main
from qddft.report.view import scene_of, structure_page


@pytest.fixture
def complex_():
    atoms = Atoms("PbOC", positions=[[3, 3, 1], [3, 3, 3.5], [3, 3, 4.7]], cell=[6, 6, 20], pbc=True)
    atoms.set_array("fragment", np.array([0, 1, 1]))
    atoms.info["qddft"] = {"fragments": [{"name": "slab"}, {"name": "CO", "anchors": [1], "sites": [[0]]}]}
    return atoms


def test_scene_keeps_distances_and_labels(complex_):
    scene = scene_of(complex_)
    assert scene["symbols"] == ["Pb", "O", "C"]
    assert scene["fragments"] == [0, 1, 1]
    assert scene["names"] == ["slab", "CO"]
    assert scene["bonds"] == [[1, 2]]
    assert [contact["label"] for contact in scene["contacts"]] == ["2.50 Å"]
    apart = np.subtract(scene["positions"][1], scene["positions"][0])
    assert np.linalg.norm(apart) == pytest.approx(2.5)


def test_cell_has_twelve_edges_of_right_length(complex_):
    edges = scene_of(complex_)["cell"]
    lengths = sorted(np.linalg.norm(np.subtract(*edge)) for edge in edges)
    assert lengths == pytest.approx([6.0] * 8 + [20.0] * 4)


def test_free_molecule_has_no_cell():
    assert scene_of(Atoms("OH", positions=[[0, 0, 0], [0, 0, 1]]))["cell"] == []


def test_page_is_whole_and_offline(complex_):
    page = structure_page(complex_, "a title")
    assert "http" not in page
    scene = json.loads(re.search(r"const scene = (\{.*\});", page)[1])
    assert scene == scene_of(complex_)


def test_hostile_title_is_text(complex_):
    complex_.info["qddft"]["fragments"][1]["name"] = "</script><script>alert(1)</script>"
    page = structure_page(complex_, "<b>title</b>")
    assert "<b>title</b>" not in page
    assert page.count("</script>") == 1


def test_build_with_pictures(tmp_path, capsys):
    line = ["build", "ligand", "acetic acid", "-o", tmp_path / "l.xyz", "--png", tmp_path / "l.png"]
    assert main([str(word) for word in [*line, "--view", tmp_path / "l.html"]]) == DONE
    assert (tmp_path / "l.png").read_bytes().startswith(b"\x89PNG")
    assert "<canvas" in (tmp_path / "l.html").read_text()
    shown = capsys.readouterr().out
    assert "l.png" in shown
    assert "l.html" in shown


def test_picture_into_a_folder_that_is_missing(tmp_path, capsys):
    line = ["build", "ligand", "acetic acid", "-o", tmp_path / "l.xyz", "--png", tmp_path / "no" / "l.png"]
    assert main([str(word) for word in line]) == FIX_INPUT
    assert "does not exist" in capsys.readouterr().err
