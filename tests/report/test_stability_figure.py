"""Figures of chemical potentials."""

import pytest

from qddft.analysis.phase_stability import stability_region
from qddft.core.errors import ReferenceSchemeError
from qddft.report.stability_figure import stability_figure, vacancy_figure

ENERGIES = {"Cs": 0.0, "Pb": 0.0, "I2": 0.0, "CsI": -3.5, "PbI2": -1.8}


def test_a_polygon_has_the_corners_of_the_region():
    region = stability_region("CsPbI3", ENERGIES | {"CsPbI3": -5.5})
    (axes,) = stability_figure(region).axes
    (polygon,) = axes.patches
    drawn = {(round(x, 4), round(y, 4)) for x, y in polygon.get_xy()}
    assert drawn == {(round(row[2], 4) + 0.0, round(row[1], 4) + 0.0) for row in region.corners.tolist()}
    assert axes.get_xlabel().endswith("(eV)")


def test_no_polygon_where_there_is_no_region():
    (axes,) = stability_figure(stability_region("CsPbI3", ENERGIES | {"CsPbI3": -5.23})).axes
    assert not axes.patches
    assert "no stable region" in axes.texts[0].get_text()


def test_only_three_elements_make_a_polygon():
    with pytest.raises(ReferenceSchemeError, match="PbI2 has 2 elements"):
        stability_figure(stability_region("PbI2", {"Pb": 0.0, "I2": 0.0, "PbI2": -1.8}))


def test_lines_of_vacancies_rise_with_the_chemical_potential():
    figure = vacancy_figure({"bare": [(0.0, 2.8), (-0.9, 1.9)]}, "I", marks={"I-rich": 0.0})
    (axes,) = figure.axes
    assert list(axes.lines[0].get_ydata()) == [1.9, 2.8]
