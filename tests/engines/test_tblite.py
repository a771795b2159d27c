from dataclasses import replace

import numpy as np
import pytest
from ase import Atoms
from ase.build import molecule

from qddft.core.errors import ChargeError, EngineError, LevelError, StructureError
from qddft.engines.registry import get_engine
from qddft.engines.relax import Checkpoint, relax
from qddft.engines.tblite import parameters, valence_electrons
from qddft.engines.tblite_evaluator import Evaluator
from qddft.jobs import Given, Job
from qddft.levels.load import load_level


def ignore(progress):
    """Take a progress and do nothing."""


def level(*, raw=None, name="screening", **changes):
    resolved = load_level(name).resolved("tblite")
    return resolved | {"settings": resolved["settings"] | changes, "raw": raw or {}}


def job_of(atoms, *, role="molecule", task="static", charge=0, unpaired=0, **options):
    return Job(
        name="test",
        role=role,
        task=task,
        start=Given.of(atoms),
        level=level(**options),
        charge=charge,
        unpaired=unpaired,
    )


def cell():
    """Return cubic CsPbBr3, five atoms."""
    return Atoms("CsPbBr3", [[3, 3, 3], [0, 0, 0], [3, 0, 0], [0, 3, 0], [0, 0, 3]], cell=[6, 6, 6], pbc=True)


def run(job, folder):
    return get_engine("tblite").run(job, job.built_atoms, folder, ignore)


def test_water_has_the_energy_that_tblite_documents(tmp_path):
    # -137.96777625 eV: docstring of tblite.ase
    outputs = run(job_of(molecule("H2O")), tmp_path)
    assert outputs.energy == pytest.approx(-137.96777, abs=2e-4)
    assert outputs.n_electrons == 8
    assert outputs.charge == 0
    assert outputs.converged
    assert outputs.engine == "tblite"
    assert outputs.settings["xc"] == "GFN2-xTB"
    assert outputs.settings["kpoints"] == [1, 1, 1]
    assert outputs.settings["dispersion"] == "built-in"
    assert outputs.settings["sigma_eV"] == pytest.approx(0.02585)
    assert outputs.settings["energy_tol_eV"] == pytest.approx(1e-5)


def test_forces_are_the_slope_of_the_energy(tmp_path):
    atoms = molecule("CH3OH")
    atoms.rattle(0.05, seed=3)
    evaluate = Evaluator(parameters(job_of(atoms), atoms))
    forces = evaluate(atoms).forces
    ends = []
    for sign in (-1, 1):
        moved = atoms.copy()
        moved.positions[1, 0] += sign * 1e-3
        ends.append(evaluate(moved).energy)
    assert forces[1, 0] == pytest.approx(-(ends[1] - ends[0]) / 2e-3, abs=1e-3)
    assert np.abs(forces.sum(axis=0)).max() < 1e-6


def test_energy_does_not_see_where_the_molecule_is():
    atoms = molecule("CH3COOH")
    turned = atoms.copy()
    turned.rotate(40, (1, 1, 0))
    turned.translate([3, 4, 5])
    turned = turned[::-1]
    energies = [Evaluator(parameters(job_of(one), one))(one).energy for one in (atoms, turned)]
    assert energies[0] == pytest.approx(energies[1], abs=1e-5)


def test_a_molecule_in_a_box_is_not_periodic(tmp_path):
    boxed = molecule("H2O", vacuum=3, pbc=True)
    outputs = run(job_of(boxed), tmp_path)
    assert not outputs.atoms.pbc.any()
    assert outputs.energy == pytest.approx(-137.96777, abs=2e-4)


def test_a_relaxation_converges_and_goes_on_from_its_checkpoint(tmp_path):
    atoms = molecule("CH3COOH")
    atoms.rattle(0.1, seed=2)
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    for folder in (whole, cut):
        folder.mkdir()
    reference = run(job_of(atoms, task="relax"), whole)
    assert reference.converged
    assert reference.max_force < 0.05

    class Stop(Exception):
        pass

    def stop_at_three(progress):
        if progress.step == 3:
            raise Stop

    job = job_of(atoms, task="relax")
    with pytest.raises(Stop):
        get_engine("tblite").run(job, job.built_atoms, cut, stop_at_three)
    resumed = run(job, cut)
    assert resumed.n_ionic_steps == reference.n_ionic_steps
    assert resumed.energy == pytest.approx(reference.energy, abs=1e-5)


def test_a_periodic_cell_runs_at_the_zone_center_and_says_so_where_the_level_does_not(tmp_path):
    job = job_of(cell(), role="bulk")
    assert run(job, tmp_path).warnings == ()
    (tmp_path / "checkpoint.json").unlink()
    outputs = run(replace(job, level={**job.level, "caution": ""}), tmp_path)
    assert outputs.atoms.pbc.all()
    assert outputs.n_electrons == 1 + 4 + 3 * 7
    assert outputs.warnings == ("GFN2-xTB at the zone center only: good for a first ranking, not for quoting",)
    assert np.abs(outputs.forces).max() < 1e-3


def test_an_ion_has_its_charge(tmp_path):
    ammonium = Atoms("NH4", [[0, 0, 0], [0.6, 0.6, 0.6], [-0.6, -0.6, 0.6], [-0.6, 0.6, -0.6], [0.6, -0.6, -0.6]])
    outputs = run(job_of(ammonium, charge=1), tmp_path)
    assert (outputs.charge, outputs.n_electrons) == (1.0, 8.0)
    assert outputs.settings["unpaired"] == 0


def test_a_radical_is_a_doublet(tmp_path):
    assert run(job_of(molecule("CH3")), tmp_path).settings["unpaired"] == 1
    with pytest.raises(ChargeError, match="7 electrons cannot have 2 unpaired"):
        run(job_of(molecule("CH3"), unpaired=2), tmp_path)


@pytest.mark.parametrize(
    "number", [1, 6, 8, 9, 14, 15, 17, 22, 26, 30, 31, 35, 47, 48, 50, 53, 55, 56, 57, 71, 79, 80, 82, 83]
)
def test_valence_electrons_are_those_of_tblite(number):
    from tblite.interface import Calculator

    calculator = Calculator("GFN2-xTB", np.array([number, number]), np.array([[0.0, 0, 0], [0, 0, 40.0]]))
    calculator.set("verbosity", 0)
    calculator.set("temperature", 0.02)
    calculator.set("max-iter", 2000)
    occupations = calculator.singlepoint()["orbital-occupations"]
    assert 2 * valence_electrons(number) == pytest.approx(occupations.sum(), abs=1e-6)


def test_elements_beyond_the_method_are_refused():
    with pytest.raises(StructureError, match="no element with the atomic number 92"):
        valence_electrons(92)


@pytest.mark.parametrize(
    ("atoms", "options", "error", "message"),
    [
        (cell(), {"role": "bulk", "charge": 1}, ChargeError, r"has the charge \+1; .*neutral reference scheme"),
        (cell(), {"role": "bulk", "xc": "GFN1-xTB"}, LevelError, "halogen-bond term grows without bound"),
        (cell(), {"role": "slab", "xc": "IPEA1-xTB"}, LevelError, "IPEA1-xTB is refused in periodic cells"),
        (cell(), {"role": "slab", "kpoints_relax": [2, 2, 1]}, LevelError, "set 'kpoints_relax: \\[1, 1, 1\\]'"),
        (molecule("H2O"), {"role": "slab"}, StructureError, "a slab needs a cell with three vectors"),
        (molecule("H2O"), {"xc": "PBE"}, LevelError, "not 'PBE'; take the level 'screening'"),
        (molecule("H2O"), {"raw": {"acuracy": 1}}, LevelError, "no option 'acuracy'. Did you mean 'accuracy'"),
        (molecule("H2O"), {"dispersion": "D3(BJ)"}, LevelError, "set 'dispersion: built-in'"),
    ],
)
def test_what_tblite_cannot_do_is_refused_before_anything_runs(tmp_path, atoms, options, error, message):
    job = job_of(atoms, **options)
    for call in (lambda: run(job, tmp_path), lambda: get_engine("tblite").write(job, atoms, tmp_path)):
        with pytest.raises(error, match=message):
            call()


def test_wanted_quantities_are_refused(tmp_path):
    job = replace(job_of(molecule("H2O")), wanted=frozenset({"dos"}))
    with pytest.raises(EngineError, match="does not give dos"):
        run(job, tmp_path)


def test_gfn1_is_allowed_for_molecules(tmp_path):
    assert run(job_of(molecule("H2O"), xc="GFN1-xTB"), tmp_path).energy == pytest.approx(-156.96750, abs=2e-4)


def test_atoms_on_top_of_each_other_are_reported(tmp_path):
    with pytest.raises(EngineError, match="tblite refuses this structure"):
        run(job_of(Atoms("H2", [[0, 0, 0], [0, 0, 0]])), tmp_path)


def test_a_cycle_that_fails_is_tried_once_more():
    atoms = molecule("CH3COOH")
    hasty, usual = (Evaluator(parameters(job_of(atoms, max_scf_steps=steps), atoms))(atoms) for steps in (3, 250))
    assert hasty.energy == pytest.approx(usual.energy, abs=1e-5)


def test_a_cycle_that_fails_twice_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr("qddft.engines.tblite_evaluator._PATIENT", {"max_iterations": 2})
    with pytest.raises(EngineError, match=r"does not converge .*set 'electronic_temperature' above its 300 K"):
        run(job_of(molecule("CH3COOH"), raw={"max_iterations": 2}), tmp_path)


def test_the_start_can_be_looked_at(tmp_path):
    from ase.io import read

    job = job_of(molecule("H2O"))
    get_engine("tblite").write(job, job.built_atoms, tmp_path)
    assert read(tmp_path / "start.extxyz").get_chemical_formula() == "H2O"


def test_the_method_is_available():
    engine = get_engine("tblite")
    assert engine.available() is None
    assert engine.version()[0].isdigit()


class Killed(Exception):
    pass


def relaxed(atoms, folder, *, lives=99):
    """Relax a structure by processes that die after so many evaluations; return the last state and the steps."""
    lines = {}
    while True:
        left = lives

        class Mortal(Evaluator):
            def __call__(self, system):
                nonlocal left
                left -= 1
                if left < 0:
                    raise Killed
                return super().__call__(system)

        try:
            point, converged = relax(
                atoms, Mortal(parameters(job_of(atoms), atoms)), force_tol=0.01, max_steps=200,
                checkpoint=Checkpoint(folder / "checkpoint.json", "job"),
                report=lambda progress: lines.__setitem__(progress.step, progress.energy),
            )  # fmt: skip
        except Killed:
            continue
        assert converged
        return point, lines


def test_an_interrupted_relaxation_ends_exactly_where_an_uninterrupted_one_does(tmp_path):
    """A long path on a flat surface would not: every cycle is a little off, by the density that it starts from."""
    atoms = molecule("CH3CH2OH")
    atoms.rattle(0.1, seed=3)
    for name in ("whole", "pieces"):
        (tmp_path / name).mkdir()
    whole, lines = relaxed(atoms, tmp_path / "whole")
    pieces, lines_of_pieces = relaxed(atoms, tmp_path / "pieces", lives=2)
    assert whole.step > 5
    assert lines == lines_of_pieces
    assert np.array_equal(whole.positions, pieces.positions)
    # one file of the last step, beside the checkpoint
    assert len(list((tmp_path / "pieces").iterdir())) == 2


@pytest.mark.parametrize("content", [b"", b"not a density"])
def test_a_damaged_density_is_left_alone(content, tmp_path):
    atoms = molecule("H2O")
    path = tmp_path / "checkpoint-3.npz"
    path.write_bytes(content)
    evaluate = Evaluator(parameters(job_of(atoms), atoms))
    evaluate.recall(path, atoms)
    evaluate.recall(tmp_path / "nowhere.npz", atoms)
    assert evaluate(atoms).energy == Evaluator(parameters(job_of(atoms), atoms))(atoms).energy


def test_a_cycle_that_failed_leaves_nothing_to_keep(tmp_path):
    atoms = molecule("H2O")
    evaluate = Evaluator(parameters(job_of(atoms, max_scf_steps=3), atoms))
    evaluate(atoms)
    evaluate.keep(tmp_path / "density.npz")
    assert not list(tmp_path.iterdir())
