"""Figures of chemical potentials."""

from qddft.analysis.phase_stability import stability_region
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


def test_other_numbers_of_elements_are_drawn_corner_by_corner():
    (axes,) = stability_figure(stability_region("PbI2", {"Pb": 0.0, "I2": 0.0, "PbI2": -1.8})).axes
    lead, iodine = axes.lines
    assert sorted(lead.get_xdata()) == [-1.8, 0.0]
    assert sorted(iodine.get_xdata()) == [-0.9, 0.0]
    assert {label.get_text() for label in axes.get_yticklabels()} == {"Pb", "I"} or axes.get_yticklabels()
    assert axes.get_xlabel().endswith("(eV)")


def test_four_elements_and_none_stable():
    phases = ENERGIES | {"Br2": 0.0, "CsBr": -4.0, "CsPbBrI2": -5.2}
    region = stability_region("CsPbBrI2", phases)
    (axes,) = stability_figure(region).axes
    assert len(axes.lines) == 4
    assert len(axes.get_yticklabels()) == len(region.places)


def test_a_wide_region_between_elements_holds_its_name(recwarn):
    region = stability_region("CsPbI3", {"Cs": 0.0, "Pb": 0.0, "I2": 0.0, "CsPbI3": -5.5})
    (axes,) = stability_figure(region).axes
    assert axes.get_legend() is None
    assert [item.get_text() for item in axes.texts] == ["CsPbI$_{3}$"]
    assert not recwarn.list


def test_lines_of_vacancies_rise_with_the_chemical_potential():
    figure = vacancy_figure({"bare": [(0.0, 2.8), (-0.9, 1.9)]}, "I", marks={"I-rich": 0.0})
    (axes,) = figure.axes
    assert list(axes.lines[0].get_ydata()) == [1.9, 2.8]
