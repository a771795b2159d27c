"""Figures as data: what is drawn, in which size, with which labels."""

import io
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from ase import Atoms
from PIL import Image

from qddft.report.compare import Comparison
from qddft.report.figures import energy_chart, relaxation_chart
from qddft.report.pictures import structure_picture
from qddft.report.style import COLUMN_MM, CYCLE, MM_PER_INCH, png_bytes, save_figure, svg_text


def row(ligand, ours, published):
    return Comparison(ligand, "E_ads", "eV", ours, published, 0.1, "Somebody et al.", "neutral")


def make_chart():
    rows = [row("oleic acid, truncated to C4H8O2", -0.62, -0.33), row("acetate", 0.41, -1.77), row("amine", None, None)]
    return energy_chart(rows, ours="this work", published="Somebody et al.")


@pytest.fixture
def chart():
    return make_chart()


def test_chart_is_as_wide_as_a_column(chart):
    assert chart.get_figwidth() * MM_PER_INCH == pytest.approx(COLUMN_MM)


def test_chart_labels(chart):
    (axes,) = chart.axes
    assert "(eV)" in axes.get_xlabel()
    assert "negative = bound" in axes.get_xlabel()
    assert not axes.get_title()
    assert [label.get_text() for label in axes.get_yticklabels()] == [
        "oleic acid,\ntruncated to C₄H₈O₂",
        "acetate",
        "amine",
    ]
    texts = {text.get_text() for text in axes.texts}
    assert {"−0.62", "−0.33", "+0.41", "−1.77", "no number", "not published"} <= texts


def test_chart_bars_hold_the_values(chart):
    widths = sorted(patch.get_width() for patch in chart.axes[0].patches)
    assert widths == pytest.approx([-1.77, -0.62, -0.33, 0.41])


def test_first_ligand_is_on_top(chart):
    low, high = chart.axes[0].get_ylim()
    assert low > high


def test_chart_without_published_values_has_one_bar_a_ligand():
    figure = energy_chart([row("a", -0.5, None)], ours="this work", published="nobody")
    assert len(figure.axes[0].patches) == 1
    assert len(figure.legends[0].get_texts()) == 1


def test_one_ligand_in_two_rows_is_told_apart():
    rows = [row("acetate", 0.4, None), replace(row("acetate", -1.0, None), reference="fragment")]
    figure = energy_chart(rows, ours="this work", published="nobody")
    names = [label.get_text().replace("\n", " ") for label in figure.axes[0].get_yticklabels()]
    assert names == ["acetate, neutral", "acetate, fragment"]


CUT_PAIR = "oleylamine, truncated to C4H11N + oleic acid, truncated to C4H8O2"
LONG = {
    "E_exchange": [row("oleic acid, truncated to C4H8O2 -> guanidinium iodide", -1.64, None)],
    "E_f(V_I)": [row("none", 2.56, None), row(CUT_PAIR, 2.68, 2.8), row("guanidinium + oleate", 2.84, 3.3)],
}


@pytest.mark.parametrize("quantity", LONG)
def test_long_names_and_signs_leave_room_for_the_bars(quantity):
    rows = [replace(item, quantity=quantity) for item in LONG[quantity]]
    figure = energy_chart(rows, ours="this work, GFN2-xTB (screening)", published="Guo et al. 2025")
    figure.canvas.draw()
    (axes,) = figure.axes
    names = axes.get_yticklabels()
    for text in [axes.xaxis.label, *axes.texts, *names]:
        extent = text.get_window_extent()
        assert figure.bbox.x0 - 1 <= extent.x0, text.get_text()
        assert extent.x1 <= figure.bbox.x1 + 1, text.get_text()
    assert axes.bbox.width > 0.4 * figure.bbox.width
    extents = [name.get_window_extent() for name in names]
    for words in axes.texts:
        assert not any(words.get_window_extent().overlaps(extent) for extent in extents), words.get_text()
    for above, below in pairwise(extents):
        assert not above.overlaps(below)


def test_rows_of_one_figure_say_against_what_they_are_measured():
    rows = [row("acid", -0.5, None), replace(row("salt", -0.9, None), reference="ion-pair")]
    names = [label.get_text() for label in energy_chart(rows, ours="a", published="b").axes[0].get_yticklabels()]
    assert names == ["acid", "salt, ion-pair"]


def test_each_ligand_of_several_begins_a_line():
    figure = energy_chart([row(CUT_PAIR, 2.7, None)], ours="a", published="b")
    (name,) = figure.axes[0].get_yticklabels()
    assert name.get_text() == "oleylamine,\ntruncated to C₄H₁₁N +\noleic acid,\ntruncated to C₄H₈O₂"


def test_text_stays_inside_the_figure(chart):
    chart.canvas.draw()
    box = chart.bbox
    for text in [*chart.axes[0].texts, *chart.axes[0].get_yticklabels(), *chart.legends[0].get_texts()]:
        extent = text.get_window_extent()
        assert extent.x0 >= box.x0 - 1
        assert extent.x1 <= box.x1 + 1


def test_same_chart_same_files(tmp_path):
    paths = save_figure(make_chart(), tmp_path, "binding")
    first = [path.read_bytes() for path in paths]
    assert [path.read_bytes() for path in save_figure(make_chart(), tmp_path, "binding")] == first
    assert [path.name for path in paths] == ["binding.png", "binding.svg"]


def test_svg_text_can_be_searched(chart):
    assert "acetate" in svg_text(chart)


def test_png_is_fit_for_print(chart):
    image = Image.open(io.BytesIO(png_bytes(chart)))
    assert image.width == pytest.approx(COLUMN_MM / MM_PER_INCH * 300, abs=2)


def test_relaxation_chart():
    figure = relaxation_chart({"slab": [1.0, 0.1, 0.01], "complex": [2.0, 0.5]}, 0.05)
    (axes,) = figure.axes
    assert axes.get_yscale() == "log"
    assert "eV/Å" in axes.get_ylabel()
    assert list(axes.lines[0].get_ydata()) == [1.0, 0.1, 0.01]
    assert axes.lines[2].get_ydata()[0] == 0.05


def test_more_curves_than_colors_differ_in_their_dashes():
    figure = relaxation_chart({f"job {i}": [1.0, 0.5] for i in range(len(CYCLE) + 1)}, 0.05)
    first, again = figure.axes[0].lines[0], figure.axes[0].lines[len(CYCLE)]
    assert first.get_color() == again.get_color()
    assert first.get_linestyle() != again.get_linestyle()


def test_picture_shows_both_views_of_all_atoms():
    from qddft.atoms.slab import build_slab

    slab = build_slab("CsPbBr3", layers=3, supercell=(2, 2), vacuum=15.0)
    figure = structure_picture(slab)
    side, above = figure.axes
    assert len(side.patches) == len(above.patches)
    # atoms on the edges of the cell are drawn on both of its sides
    assert len(side.patches) > len(slab)
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert names == ["Pb", "Cs", "Br"]


def test_picture_of_a_complex_names_the_anchor_distance():
    atoms = Atoms("PbOC", positions=[[3, 3, 1], [3, 3, 3.5], [3, 3, 4.7]], cell=[6, 6, 20], pbc=True)
    atoms.set_array("fragment", np.array([0, 1, 1]))
    atoms.info["qddft"] = {"fragments": [{"name": "slab"}, {"name": "CO", "anchors": [1], "sites": [[0]]}]}
    texts = [text.get_text() for text in structure_picture(atoms).legends[0].get_texts()]
    assert texts == ["Pb", "O", "C", "2.50 Å"]


def test_picture_of_a_molecule_without_a_cell():
    figure = structure_picture(Atoms("OH2", positions=[[0, 0, 0], [0.8, 0, 0.5], [-0.8, 0, 0.5]]))
    assert len(png_bytes(figure, dpi=60)) > 500


def test_picture_of_one_atom():
    assert len(png_bytes(structure_picture(Atoms("Xe")), dpi=60)) > 500


def test_picture_does_not_change_the_structure():
    from qddft.atoms.slab import build_slab

    slab = build_slab("CsPbBr3", layers=3, supercell=(1, 1), vacuum=15.0, fixed_layers=2)
    before = slab.copy()
    structure_picture(slab)
    assert slab == before
    assert len(slab.constraints) == 1
