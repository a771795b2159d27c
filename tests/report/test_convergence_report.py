"""Series in reports: table, figure, page, methods and CSV; with gaps and without a verdict."""

import csv
import json

import numpy as np
import pytest
from made_up_series import CUTOFFS, E_ADS, made_up, outputs_of, planned, series_of

from qddft.cli.main import DONE, main
from qddft.jobs.folder import OUTPUTS, write_failure
from qddft.outputs.store import save_outputs
from qddft.report.convergence_figure import convergence_chart
from qddft.report.convergence_table import only_series, series_table, series_title, smallest_text, without_series
from qddft.report.style import png_bytes
from qddft.report.write import write_report
from qddft.study.collect import collect
from qddft.study.session import write

MESHES = "  - {vary: kpoints, values: [[4, 4, 1], [8, 8, 1]], engines: [vasp]}\n"


def record_of(tmp_path, rows=CUTOFFS, energies=E_ADS, without=()):
    (recipe,) = series_of(planned(tmp_path, rows))
    outputs = {label: item for label, item in outputs_of(recipe, energies).items() if label not in without}
    return recipe.evaluate(outputs)[0].record()


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """Return a run in which all jobs are done but one, that has failed."""
    folder = tmp_path_factory.mktemp("series")
    found = planned(folder, CUTOFFS + MESHES)
    run = write(found.study, folder / "run", engine="vasp")
    for entry in run.entries:
        if entry.name == "complex-ammonia-neutral-cutoff-300":
            write_failure(run.folder(entry), "EngineError", "the cycle did not converge")
        else:
            save_outputs(run.folder(entry) / OUTPUTS, made_up(run.job(entry)))
    return run


def test_table_has_a_row_a_point_and_marks_the_smallest(tmp_path):
    table = series_table(record_of(tmp_path))
    assert table.headers == ("cutoff", "E_ads (eV)", "to the finest (eV)", "jobs", "mark")
    assert table.rows[1][:3] == ("400 eV", "−0.6320", "−0.0020")
    assert [row[-1] for row in table.rows] == ["–", "smallest", "–", "–"]
    assert table.note.startswith("E_ads of ammonia against cutoff, relaxed with the settings of the study: smallest")


def test_table_shows_the_gap(tmp_path):
    record = record_of(tmp_path, without=("400 eV: slab·ammonia",))
    table = series_table(record)
    assert table.rows[1] == ("400 eV", "–", "–", "6", "missing")
    # a gap does not turn the column into words
    assert table.numeric[1]
    assert "is missing, so that nothing coarser is judged" in table.note
    assert smallest_text(record) == "cutoff 500 eV"


def test_no_smallest_setting(tmp_path):
    record = record_of(tmp_path, energies=dict(zip(E_ADS, (-0.9, -0.8, -0.7, -0.6), strict=True)))
    assert smallest_text(record) == "none"
    assert {row[-1] for row in series_table(record).rows} == {"–"}


def test_notes_are_a_column_where_there_are_any(tmp_path):
    table = series_table(record_of(tmp_path, MESHES))
    assert table.headers[:2] == ("mesh", "note")
    assert table.rows[0][:2] == ("4x4x1", "mesh 4x4x1 of this 1x1 cell")


def test_series_stand_apart_from_other_results(tmp_path):
    record = record_of(tmp_path)
    other = {"quantity": "E_ads"}
    assert only_series([other, record]) == [record]
    assert without_series([other, record]) == [other]
    assert series_title(record) == "E_ads of ammonia against cutoff"


def lines(figure):
    (axes,) = figure.axes
    return {line.get_label(): line for line in axes.lines}, axes


def test_figure_has_values_band_and_the_smallest_setting(tmp_path):
    drawn, axes = lines(convergence_chart(record_of(tmp_path)))
    assert axes.get_ylim()[0] < -0.70
    assert axes.get_ylim()[1] > -0.615
    assert list(axes.lines[1].get_xdata()) == [300, 400, 500, 600]
    assert list(axes.lines[1].get_ydata()) == pytest.approx(list(E_ADS.values()))
    assert drawn["smallest within it: 400 eV"].get_xydata().tolist() == [[400, pytest.approx(-0.632)]]
    (band,) = [patch for patch in axes.patches if patch.get_label() == "finest ± 0.01 eV"]
    low, high = band.get_extents().transformed(axes.transData.inverted()).intervaly
    assert (low, high) == (pytest.approx(-0.64), pytest.approx(-0.62))
    assert axes.get_xlabel() == "plane-wave cutoff (eV)"


def test_figure_with_a_gap_breaks_the_line_there(tmp_path):
    drawn, axes = lines(convergence_chart(record_of(tmp_path, without=("400 eV: slab",))))
    assert np.isnan(axes.lines[1].get_ydata()[1])
    assert list(drawn["missing"].get_xdata()) == [400]


def test_figure_without_the_finest_has_no_band(tmp_path):
    drawn, axes = lines(convergence_chart(record_of(tmp_path, without=("600 eV: slab",))))
    assert not axes.patches
    assert "no setting has converged" in drawn


def test_meshes_are_named_along_the_axis(tmp_path):
    figure = convergence_chart(record_of(tmp_path, MESHES))
    assert [text.get_text() for text in figure.axes[0].get_xticklabels()] == ["4x4x1", "8x8x1"]


def test_many_meshes_fit_below_the_axis(tmp_path):
    row = f"  - {{vary: kpoints, values: [{', '.join(f'[{n}, {n}, 1]' for n in range(2, 12))}]}}\n"
    figure = convergence_chart(record_of(tmp_path, row))
    assert png_bytes(figure, dpi=80).startswith(b"\x89PNG")
    assert {text.get_rotation() for text in figure.axes[0].get_xticklabels()} == {45.0}


def test_page_figures_and_methods(finished):
    made = write_report(finished.path)
    names = {path.name for path in made.figures}
    assert {
        f"convergence-{vary}-ammonia.{kind}" for vary in ("cutoff-ev", "kpoints") for kind in ("png", "svg")
    } <= names
    page = made.page.read_text(encoding="utf-8")
    assert "<h2>Convergence</h2>" in page
    assert "E_ads of ammonia against cutoff" in page
    assert "figures/convergence-cutoff-ev-ammonia.svg" in page
    assert page.count('alt="E_ads of ammonia against') == 2
    assert "missing" in page
    # a structure that is computed at four cutoffs and two meshes is shown once
    assert page.count("<figcaption>ammonia, atop: final structure of") == 1
    # series are no row among the adsorption energies
    assert "convergence of E_ads" not in page.partition("<h2>Convergence")[0].partition("<h2>Results")[2]
    methods = made.methods.read_text(encoding="utf-8")
    assert "Convergence of E_ads of ammonia against mesh was tested with 4x4x1, 8x8x1: smallest setting" in methods


def test_csv_has_a_row_a_point_and_the_failure_is_told(finished):
    collect(finished.path)
    with (finished.path / "convergence.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["setting"] for row in rows] == ["300 eV", "400 eV", "500 eV", "600 eV", "4x4x1", "8x8x1"]
    assert rows[0]["value"] == ""
    assert float(rows[1]["value"]) == pytest.approx(-0.632)
    assert [row["smallest"] for row in rows] == ["False", "True", "False", "False", "True", "False"]
    records = json.loads((finished.path / "results.json").read_text(encoding="utf-8"))
    cutoffs = records[1]
    assert cutoffs["details"]["smallest"] == 400.0
    assert "300 eV: slab·ammonia failed: the cycle did not converge" in " ".join(cutoffs["warnings"])


def test_the_csv_comes_back_when_it_was_deleted(finished):
    collect(finished.path)
    (finished.path / "convergence.csv").unlink()
    collect(finished.path)
    assert (finished.path / "convergence.csv").exists()


def test_collect_shows_the_table_with_its_gap(finished, capsys):
    assert main(["collect", str(finished.path)]) == DONE
    text = " ".join(capsys.readouterr().out.split())
    assert "300 eV – – 6 missing" in text
    assert "E_ads of ammonia against cutoff, relaxed with the settings of the study: smallest setting: cutoff" in text
    assert "convergence.csv" in text


def test_the_database_knows_the_complex_of_the_study_by_its_ligand(finished):
    from ase.db import connect

    collect(finished.path)
    (row,) = connect(finished.path / "results.db").select("ligand=ammonia", task="static")
    assert row.job_name == "complex-ammonia-neutral-static"
    assert row.E_ads == pytest.approx(-0.632)


def test_series_of_clean_slabs_name_no_ligand(tmp_path):
    rows = "  - {vary: cutoff_eV, values: [300, 400], of: surface energy, tolerance: 0.5, engines: [vasp]}\n"
    record = record_of(tmp_path, rows)
    assert series_title(record) == "surface energy against cutoff"
    table = series_table(record)
    assert table.headers[1] == "surface energy (meV/Å²)"
    assert "vasp" not in table.note
    assert convergence_chart(record).axes[0].get_ylabel() == "surface energy (meV/Å²)"


def test_lateral_cells_are_shown_with_their_coverage(tmp_path):
    rows = "  - {vary: supercell, values: [1, sqrt2], engines: [vasp]}\n"
    table = series_table(record_of(tmp_path, rows))
    column = table.headers.index("ligands per nm²")
    dense, dilute = (float(row[column]) for row in table.rows)
    assert dense == pytest.approx(100 / 36.0, abs=0.01)
    assert dilute == pytest.approx(dense / 2, abs=0.01)
