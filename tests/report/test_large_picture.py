"""Pictures and pages of thousands of atoms: in sheets, cut open, without labels that cover each other."""

import pytest
from matplotlib.collections import EllipseCollection

import qddft
from qddft.report.large_picture import LARGE
from qddft.report.pictures import MOST_CONTACTS, contacts_of, structure_picture
from qddft.report.style import png_bytes
from qddft.report.view import scene_of, structure_page


@pytest.fixture(scope="module")
def dot():
    bare = qddft.build_nanocrystal("CsPbI3", size=(6, 6, 5))
    return qddft.passivate(bare, qddft.get_ligand("acetate"), coverage=0.3)


def drawn(axes):
    return sum(len(item.get_offsets()) for item in axes.collections if isinstance(item, EllipseCollection))


def test_every_heavy_atom_is_drawn_from_outside_and_half_of_them_cut_open(dot):
    assert len(dot) > LARGE
    figure = structure_picture(dot)
    side, above = figure.axes
    heavy = sum(symbol != "H" for symbol in dot.get_chemical_symbols())
    assert drawn(above) == heavy
    toward = -dot.positions[:, 1]
    near = toward > (toward.max() + toward.min()) / 2 + 1e-6
    assert drawn(side) == heavy - sum(near & (dot.numbers != 1))
    assert side.texts[0].get_text() == "cut through the middle"
    assert png_bytes(figure).startswith(b"\x89PNG")


def test_bonds_are_drawn_to_scale(dot):
    narrow, wide = structure_picture(dot, width_mm=60), structure_picture(dot, width_mm=120)
    widths = [max(max(item.get_linewidths(), default=0) for item in f.axes[1].collections) for f in (narrow, wide)]
    assert widths[1] / widths[0] == pytest.approx(2.0, rel=0.02)


def test_many_ligands_have_no_labels(dot):
    assert len(dot.info["qddft"]["fragments"]) - 1 > MOST_CONTACTS
    assert contacts_of(dot, most=MOST_CONTACTS) == ()
    assert contacts_of(dot, most=1000)
    assert scene_of(dot)["contacts"] == []


def test_the_page_can_be_cut_open(dot):
    page = structure_page(dot, "dot")
    assert 'id="cut"' in page
    assert len(page) < 120 * len(dot)
