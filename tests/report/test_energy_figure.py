"""Bars of energies, coverage series, layers, thickness series: what is drawn is what was computed."""

from dataclasses import replace

import pytest

from qddft.core.errors import OutputError
from qddft.recipes.result import Result
from qddft.report.energy_figure import coverage_figure, energy_bars, layer_figure
from qddft.report.style import check_figure_path, write_figure
from qddft.report.surface_figure import thickness_figure

RESULT = Result(
    quantity="E_ads", system="slab", ligand="acid", value=-1.2, unit="eV", convention="", reference="neutral",
    engine="vasp", level="PBE", charge=0, jobs=(), details={"E_int": -2.0, "E_def_slab": 0.5, "E_def_ligand": 0.3},
)  # fmt: skip


def test_an_energy_and_its_parts_are_bars():
    (axes,) = energy_bars([RESULT]).axes
    assert [bar.get_width() for bar in axes.patches] == pytest.approx([-1.2, -2.0, 0.5, 0.3])
    assert axes.get_xlabel() == "energy (eV), negative = bound"
    low, high = axes.get_xlim()
    assert low < -2.0
    assert high > 0.5


def test_rows_may_have_names():
    plain = replace(RESULT, quantity="surface_energy", unit="meV/Angstrom^2", value=26.0, details={})
    (axes,) = energy_bars([plain, plain], ["four", "six"]).axes
    assert [text.get_text() for text in axes.get_yticklabels()] == ["four", "six"]


def test_steps_of_coverage_span_what_they_belong_to():
    one, two = (replace(RESULT, value=v, details={"coverage_per_nm2": x}) for v, x in ((-1.2, 0.7), (-1.0, 1.4)))
    details = {"from_per_nm2": 0.7, "coverage_per_nm2": 1.4}
    step = replace(RESULT, quantity="E_ads_differential", value=-0.8, details=details)
    (axes,) = coverage_figure([one, two, step]).axes
    average, differential, _ = axes.get_lines()
    assert list(average.get_ydata()) == [-1.2, -1.0]
    assert list(differential.get_xdata()) == [0.7, 1.4]
    assert list(differential.get_ydata()) == [-0.8, -0.8]
    assert "nm" in axes.get_xlabel()


def test_layers_stand_beside_the_bulk():
    (axes,) = layer_figure({"1": 0.2, "2": 0.5}, ("bulk", 0.6)).axes
    layers, bulk = axes.get_lines()
    assert list(layers.get_ydata()) == [0.2, 0.5]
    assert list(bulk.get_ydata()) == [0.6, 0.6]


def test_slabs_of_one_surface_energy_lie_on_a_level_line():
    details = {
        "n_atoms": [10, 20], "energies_eV": [-49.0, -99.0], "bulk_energy_per_atom_eV": -5.0, "area_A2": 10.0,
        "J_per_m2": 0.05 * 16.02176634,
    }  # fmt: skip
    (axes,) = thickness_figure(details).axes
    slabs, fit = axes.get_lines()
    assert list(slabs.get_ydata()) == pytest.approx([50.0, 50.0])
    assert fit.get_ydata()[0] == pytest.approx(50.0, rel=1e-3)


@pytest.mark.parametrize(("name", "start"), [("f.pdf", b"%PDF"), ("f.svg", b"<?xml"), ("f.PNG", b"\x89PNG")])
def test_the_ending_decides_the_format(tmp_path, name, start):
    (path,) = write_figure(energy_bars([RESULT]), tmp_path / name)
    assert path.read_bytes().startswith(start)
    assert path.read_bytes() == write_figure(energy_bars([RESULT]), tmp_path / name)[0].read_bytes()


def test_a_name_without_ending_gives_png_and_svg(tmp_path):
    assert [path.name for path in write_figure(energy_bars([RESULT]), tmp_path / "f")] == ["f.png", "f.svg"]
    with pytest.raises(OutputError, match=r"figures are written as \.pdf, \.svg, \.png"):
        check_figure_path(tmp_path / "f.jpg")
    with pytest.raises(OutputError, match="does not exist; make it first"):
        check_figure_path(tmp_path / "none" / "f.pdf")
