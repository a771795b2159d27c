"""A series evaluated: the table of its points, the setting that is enough, and what is missing."""

from dataclasses import replace

import pytest
from made_up_series import E_ADS, outputs_of, planned, series_of

from qddft.recipes.convergence import is_series, series_rows


@pytest.fixture
def cutoffs(tmp_path):
    (recipe,) = series_of(planned(tmp_path))
    return recipe


def evaluated(recipe, outputs):
    (result,) = recipe.evaluate(outputs)
    return result


def test_table_smallest_and_value(cutoffs):
    result = evaluated(cutoffs, outputs_of(cutoffs))
    points = result.details["points"]
    assert [point["setting"] for point in points] == [300.0, 400.0, 500.0, 600.0]
    assert [point["value"] for point in points] == pytest.approx(list(E_ADS.values()))
    assert [point["difference"] for point in points] == pytest.approx([-0.07, -0.002, 0.002, 0.0])
    assert (result.details["smallest"], result.value) == (400.0, pytest.approx(-0.632))
    assert result.details["verdict"].startswith("smallest setting: cutoff 400 eV; from there on all values agree")
    assert "The finest, cutoff 600 eV, has nothing finer to judge it" in result.details["verdict"]
    assert result.quantity == "convergence of E_ads with cutoff_eV"
    assert result.convention.startswith("value at the smallest cutoff_eV from which on all values of the series agree")
    assert [point["level"] for point in points] == [
        "tao-pbe-cutoff-300", "tao-pbe", "tao-pbe-cutoff-500", "tao-pbe-cutoff-600",
    ]  # fmt: skip
    assert is_series(result.record())


def test_every_point_names_its_jobs_and_the_result_all_of_them(cutoffs):
    result = evaluated(cutoffs, outputs_of(cutoffs))
    named = {job for point in result.details["points"] for job in point["jobs"]}
    assert named == set(result.jobs) == {job.id for job in cutoffs.jobs().values()}


def test_not_converged_is_said_plainly(cutoffs):
    result = evaluated(cutoffs, outputs_of(cutoffs, {300.0: -0.9, 400.0: -0.8, 500.0: -0.7, 600.0: -0.6}))
    assert result.value is None
    assert result.details["smallest"] is None
    expected = (
        "not converged within the series: cutoff 500 eV and cutoff 600 eV differ by 0.1 eV, more than 0.01 eV; go on "
        "to finer settings"
    )
    assert expected in result.warnings
    assert result.details["verdict"] == expected


def test_a_point_that_failed_leaves_a_gap_and_nothing_is_claimed_beyond_it(cutoffs):
    outputs = outputs_of(cutoffs, dict.fromkeys(E_ADS, -0.63))
    del outputs["400 eV: slab·ammonia"]
    result = evaluated(cutoffs, outputs)
    assert [point["value"] is None for point in result.details["points"]] == [False, True, False, False]
    assert result.details["smallest"] == 500.0
    assert "cutoff 400 eV is missing, so that nothing coarser is judged" in result.details["verdict"]
    assert "400 eV is missing: not finished: slab·ammonia" in result.warnings


def test_without_its_finest_point_a_series_has_no_judge(cutoffs):
    outputs = {label: item for label, item in outputs_of(cutoffs).items() if not label.startswith("600 eV: slab")}
    result = evaluated(cutoffs, outputs)
    assert result.value is None
    assert "the finest point, cutoff 600 eV, is missing" in result.details["verdict"]
    assert [point["difference"] for point in result.details["points"]] == [None] * 4


def test_two_cutoffs_in_one_point_are_refused(cutoffs):
    outputs = outputs_of(cutoffs)
    slab = outputs["500 eV: slab"]
    outputs["500 eV: slab"] = replace(slab, settings=dict(slab.settings) | {"cutoff_eV": 400.0})
    result = evaluated(cutoffs, outputs)
    assert result.details["points"][2]["value"] is None
    assert any("500 eV is missing: SETTINGS DIFFER: cutoff_eV" in text for text in result.warnings)
    assert result.details["smallest"] is None


def test_an_unconverged_calculation_is_no_point(cutoffs):
    outputs = outputs_of(cutoffs)
    outputs["300 eV: slab"] = replace(outputs["300 eV: slab"], electronically_converged=False)
    result = evaluated(cutoffs, outputs)
    assert result.details["points"][0]["value"] is None
    assert any("300 eV is missing: NOT CONVERGED: slab" in text for text in result.warnings)
    assert result.details["smallest"] == 400.0


def test_before_anything_has_run_all_points_are_missing(cutoffs):
    result = evaluated(cutoffs, {})
    assert result.value is None
    assert len([text for text in result.warnings if "is missing: not finished" in text]) == 4


def test_meshes_are_compared_within_a_point_not_across(tmp_path):
    rows = "  - {vary: kpoints, values: [[4, 4, 1], [8, 8, 1]]}\n"
    (recipe,) = series_of(planned(tmp_path, rows))
    result = evaluated(recipe, outputs_of(recipe))
    assert [point["value"] for point in result.details["points"]] == pytest.approx([-0.632, -0.632])
    assert [point["note"] for point in result.details["points"]] == ["mesh 4x4x1 of this 1x1 cell",
                                                                     "mesh 8x8x1 of this 1x1 cell"]  # fmt: skip
    outputs = outputs_of(recipe)
    slab = outputs["4x4x1: slab"]
    outputs["4x4x1: slab"] = replace(slab, settings=dict(slab.settings) | {"kpoints": [8, 8, 1]})
    assert evaluated(recipe, outputs).details["points"][0]["value"] is None


def test_energy_per_formula_unit_and_surface_energy(tmp_path):
    rows = (
        "  - {vary: cutoff_eV, values: [300, 400], of: energy per formula unit}\n"
        "  - {vary: cutoff_eV, values: [300, 400], of: surface energy}\n"
    )
    unit, surface = series_of(planned(tmp_path, rows))
    # three layers of 1x1 are one and a half formula units; 3 eV an atom, 8 atoms
    (result,) = unit.evaluate(outputs_of(unit))
    assert [point["value"] for point in result.details["points"]] == pytest.approx([-16.0, -16.0])
    assert (result.unit, result.ligand) == ("eV", "")
    # a sum over atoms has no surface energy
    (result,) = surface.evaluate(outputs_of(surface))
    assert [point["value"] for point in result.details["points"]] == pytest.approx([0.0, 0.0], abs=1e-9)
    assert result.unit == "meV/Å²"


def test_surface_energy_refuses_unequal_and_unconverged_slabs(tmp_path):
    (surface,) = series_of(planned(tmp_path, "  - {vary: cutoff_eV, values: [300, 400], of: surface energy}\n"))
    outputs = outputs_of(surface)
    (label,) = [name for name in outputs if name.startswith("300 eV: slab-csx") and "relaxation" not in name]
    outputs[label] = replace(outputs[label], settings=dict(outputs[label].settings) | {"cutoff_eV": 400.0})
    assert evaluated(surface, outputs).details["points"][0]["value"] is None
    outputs[label] = replace(outputs_of(surface)[label], electronically_converged=None)
    assert evaluated(surface, outputs).details["points"][0]["value"] is None
    outputs[label] = replace(outputs_of(surface)[label], energy=None)
    assert evaluated(surface, outputs).details["points"][0]["value"] is None
    del outputs[label]
    assert any("300 eV is missing: not finished: slab-csx" in text for text in evaluated(surface, outputs).warnings)


def test_rows_of_the_table_are_plain_values(cutoffs):
    record = evaluated(cutoffs, outputs_of(cutoffs)).record()
    rows = series_rows([record, {"quantity": "E_ads"}])
    assert [row["setting"] for row in rows] == ["300 eV", "400 eV", "500 eV", "600 eV"]
    assert [row["smallest"] for row in rows] == [False, True, False, False]
    assert all(isinstance(value, str | float | bool | None) for row in rows for value in row.values())
    assert all(row["tolerance"] == 0.01 and row["unit"] == "eV" for row in rows)


def test_points_can_be_traced(cutoffs):
    outputs = outputs_of(cutoffs)
    result = evaluated(cutoffs, outputs)
    point = result.details["points"][0]
    energies = point["energies_eV"]
    assert energies["slab·ammonia"] - energies["slab"] - energies["ammonia"] == pytest.approx(point["value"])
    assert result.audit["compatible"] is True
    assert "300 eV: slab" in result.audit["sources"]
    outputs["300 eV: slab"] = replace(
        outputs["300 eV: slab"], settings=dict(outputs["300 eV: slab"].settings) | {"cutoff_eV": 400.0}
    )
    audit = evaluated(cutoffs, outputs).audit
    assert audit["compatible"] is False
    assert [(item["key"], item["point"]) for item in audit["differences"]] == [("cutoff_eV", "300 eV")]


def test_a_step_to_another_pose_is_told(tmp_path, monkeypatch):
    import made_up_series

    monkeypatch.setattr(made_up_series, "STUDY", made_up_series.STUDY.replace("ammonia}", "acetic acid, poses: 2}"))
    (recipe,) = series_of(planned(tmp_path))
    outputs = outputs_of(recipe)
    text = "the lowest starting structure of slab·acetic acid is not the same at all points"
    assert text not in evaluated(recipe, outputs).warnings
    label = "300 eV: slab·acetic acid #1"
    outputs[label] = replace(outputs[label], energy=outputs[label].energy - 0.1)
    assert text in evaluated(recipe, outputs).warnings
