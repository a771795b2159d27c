"""Series computed for real: with Lennard-Jones atoms in this process, and with tblite as a user would run them."""

import json
from pathlib import Path

import pytest

from qddft.engines.ase_calculator import AseCalculator
from qddft.jobs.job import FinalOf
from qddft.recipes.convergence import Convergence
from qddft.study.expand import expand
from qddft.study.load import load_study

LENNARD_JONES = "ase:wide_lj:make"
STUDY = f"""\
title: Lennard-Jones series
levels: {{"{LENNARD_JONES}": loose.yaml}}
slab: {{formula: CsPbBr3, layers: 3, supercell: [1, 1], vacuum: 15.0, fixed_layers: all}}
ligands:
  - {{ligand: ammonia}}
convergence:
  - {{vary: vacuum, values: [5, 12, 15], tolerance: 1e-6}}
  - {{vary: layers, values: [3, 5, 7], tolerance: 1e-6}}
  - {{vary: supercell, values: [1, 2, 3], tolerance: 1e-3}}
  - {{vary: layers, values: [3, 5, 7], of: surface energy, tolerance: 1e-6}}
  - {{vary: vacuum, values: [5, 12, 15], of: energy per formula unit, tolerance: 1e-6}}
"""
LEVEL = """\
name: loose
parent: calculator
description: so loose that every start has converged
source: this test
settings: {force_tol_eV_per_A: 1e9, max_ionic_steps: 2}
choices: {force_tol_eV_per_A: quick, max_ionic_steps: quick}
"""


@pytest.fixture(scope="module")
def computed(tmp_path_factory):
    """Return the results of the series by their names, all jobs run once in the order of the plan."""
    folder = tmp_path_factory.mktemp("lj")
    (folder / "loose.yaml").write_text(LEVEL, encoding="utf-8")
    (folder / "study.yaml").write_text(STUDY, encoding="utf-8")
    found = expand(load_study(folder / "study.yaml"), engine=LENNARD_JONES)
    engine, outputs = AseCalculator(LENNARD_JONES), {}
    for job in found.plan:
        if isinstance(job.start, FinalOf):
            # fragments of the main complex, which no series needs
            continue
        place = folder / job.id
        place.mkdir()
        outputs[job.id] = engine.run(job, job.built_atoms, place, lambda _: None)
    results = {}
    for recipe in found.recipes:
        if isinstance(recipe, Convergence):
            (result,) = recipe.evaluate({label: outputs[job.id] for label, job in recipe.jobs().items()})
            results[recipe.name] = result
    return results


def test_too_thin_a_vacuum_shows_and_a_thicker_one_does_not(computed):
    # the potential ends at 11.9 Angstrom: the ligand reaches the slab above it through 5 Angstrom, not through 12
    details = computed["convergence-vacuum-ammonia"].details
    assert details["smallest"] == 12.0
    assert abs(details["points"][0]["difference"]) > 1e-6
    assert details["points"][1]["difference"] == pytest.approx(0, abs=1e-9)


def test_the_vacuum_of_the_clean_slab_is_that_of_the_complex_and_the_height_of_the_ligand(computed):
    ligand = computed["convergence-vacuum-ammonia"].details["points"]
    slab = computed["convergence-vacuum-energy-per-formula-unit"].details["points"]
    assert [point["note"] for point in slab] == [point["note"] for point in ligand]
    assert slab[1]["difference"] == pytest.approx(0, abs=1e-9)
    assert set(slab[0]["jobs"]) < set(ligand[0]["jobs"])


def test_the_ligand_feels_what_lies_within_its_reach(computed):
    # the fourth layer lies 11.6 Angstrom below the ligand, the sixth far beyond the end of the potential
    result = computed["convergence-layers-ammonia"]
    assert result.details["smallest"] == 5
    assert result.value == result.details["points"][1]["value"] != result.details["points"][0]["value"]


def test_a_ligand_in_a_wider_cell_is_alone(computed):
    # images in the 1x1 cell lie 6 Angstrom apart; in 2x2 only outer atoms reach each other, and barely
    details = computed["convergence-supercell-ammonia"].details
    assert [point["label"] for point in details["points"]] == ["1x1", "2x2", "3x3"]
    assert details["smallest_label"] == "2x2"


def test_surface_energy_of_pairs_of_atoms_needs_three_layers(computed):
    # layers interact up to the third neighbor, so that two more layers on three cost just as much as in the bulk
    details = computed["convergence-layers-surface-energy"].details
    values = [point["value"] for point in details["points"]]
    assert values == pytest.approx([values[0]] * 3, rel=1e-6)
    assert details["smallest"] == 3


TBLITE = """\
title: Methanol by tblite
levels: {tblite: screening}
slab: {formula: CsPbBr3, layers: 3, supercell: [1, 1], vacuum: 8.0, fixed_layers: all}
ligands:
  - {ligand: ammonia}
convergence:
  - {vary: vacuum, values: [8, 12, 16], tolerance: 0.02}
  - {vary: supercell, values: [1, sqrt2], tolerance: 0.02}
"""


@pytest.mark.slow
def test_tblite_runs_series_end_to_end(tmp_path, capsys, monkeypatch):
    from qddft.cli.main import main

    monkeypatch.chdir(tmp_path)
    Path("study.yaml").write_text(TBLITE, encoding="utf-8")
    main(["run", "study.yaml", "-o", "run"])
    shown = " ".join(capsys.readouterr().out.split())
    assert "E_ads of ammonia against vacuum, relaxed at each point: " in shown
    records = json.loads(Path("run/results.json").read_text(encoding="utf-8"))
    vacuum, cell = (record["details"] for record in records[1:])
    values = [point["value"] for point in vacuum["points"]]
    assert None not in values
    # images of the dipolar molecule: the closer, the larger their share
    assert abs(values[0] - values[2]) > abs(values[1] - values[2])
    # ammonia at 6 Angstrom from its images with the zone center only is far from alone
    assert abs(cell["points"][0]["difference"]) > 0.02
    assert cell["smallest"] is None
    assert Path("run/report/figures/convergence-vacuum-ammonia.png").stat().st_size > 5000
