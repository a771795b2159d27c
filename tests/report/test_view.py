"""The page with a structure to turn."""

import json
import re

import numpy as np
import pytest
from ase import Atoms

from qddft import Placement, build_slab, cover, get_ligand
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


def test_each_kind_of_ligand_has_a_color_of_its_own():
    slab = build_slab("CsPbBr3", layers=3, supercell=(3, 3))
    covered = cover(slab, [Placement(get_ligand("CN"), count=2), Placement(get_ligand("acetic acid"))])
    tints = scene_of(covered)["tints"]
    assert tints["1"] == tints["2"] != tints["3"]
    assert "0" not in tints


def test_molecules_of_a_slab_are_drawn_as_molecules():
    slab = build_slab("GA0.5Cs0.5PbI3", layers=3, supercell=(2, 2))
    bonds = scene_of(slab)["bonds"]
    symbols = slab.get_chemical_symbols()
    kinds = {"".join(sorted((symbols[i], symbols[j]))) for i, j in bonds}
    assert kinds == {"IPb", "CN", "HN"}
    assert sum(symbols[i] + symbols[j] in ("CN", "NC") for i, j in bonds) == 3 * symbols.count("C")
