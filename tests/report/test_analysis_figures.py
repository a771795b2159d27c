"""Figures of fits, surfaces, shapes and patterns show the numbers they are made of."""

import numpy as np
import pytest

from qddft.analysis.diffraction import Peak
from qddft.analysis.geometry import geometry_of
from qddft.analysis.photophysics_fits import fit_urbach
from qddft.analysis.surface import surface_line
from qddft.atoms.slab import build_slab
from qddft.report.geometry_figure import geometry_figure, pattern_figure
from qddft.report.photophysics_figure import fit_figure
from qddft.report.surface_figure import surface_figure

SLAB = build_slab("CsPbBr3", termination="PbX2", layers=3, supercell=(1, 1), vacuum=15.0)


def test_a_fit_shows_its_number_and_a_log_axis():
    e = np.linspace(1.7, 1.9, 20)
    (axes,) = fit_figure(fit_urbach(e, np.exp(e / 0.02), (1.7, 1.9))).axes
    assert axes.get_yscale() == "log"
    assert "20" in axes.get_legend().get_texts()[0].get_text()


@pytest.mark.parametrize("window", [(-0.2, 0.0), (None, 0.0), (0.07, 0.0)])
def test_surface_lines_and_the_shaded_window(window):
    line = surface_line(({"Cs": 4, "Pb": 5, "Br": 14}, -65.7, 36.0), -14.5, -8.3)
    axes = surface_figure([line], window, "PbBr2").axes[0]
    x, y = axes.lines[-1].get_xdata(), axes.lines[-1].get_ydata()
    assert y == pytest.approx([1000 * line.at(value) for value in x])
    assert len(axes.patches) == (window == (-0.2, 0.0))


def test_shares_add_up_to_a_hundred():
    panels = geometry_figure(geometry_of(SLAB), geometry_of(SLAB)).axes
    assert [axes.get_xlabel() for axes in panels] == ["Pb–X distance (Å)", "Pb–X–Pb angle (°)"]
    outline = panels[0].patches[0].get_xy()
    assert outline[:, 1].max() <= 100.0 + 1e-9


def test_a_pattern_names_its_lines():
    (axes,) = pattern_figure([Peak(15.0, 100.0, 5.9, ((1, 0, 0),))], [15.2]).axes
    assert axes.texts[0].get_text() == "(100)"
    assert list(axes.lines[0].get_xdata()) == [15.2]
