import itertools
import json

import numpy as np
import pytest
from ase import Atoms
from ase.calculators.lj import LennardJones
from ase.constraints import FixAtoms
from ase.optimize import BFGS

from qddft.engines.relax import Checkpoint, Energies, relax


class Killed(Exception):
    pass


def lennard_jones(calls, stop=None):
    calculator = LennardJones()

    def evaluate(atoms):
        calls.append(1)
        if stop is not None and len(calls) > stop:
            raise Killed
        system = atoms.copy()
        system.calc = calculator
        energy = system.get_potential_energy()
        return Energies(energy, energy, system.get_forces(apply_constraint=False))

    return evaluate


@pytest.fixture
def cluster():
    corners = [(0, 0, 0), (1, 0.1, 0), (0.2, 1, 0), (0.3, 0.2, 1), (1, 1, 0.9)]
    return Atoms("Ar5", 1.2 * np.array(corners))


def relaxed(cluster, path, *, stop=None, tol=1e-4, steps=200, lines=None, key="job"):
    report = (lines if lines is not None else []).append
    calls = []
    point, converged = relax(
        cluster,
        lennard_jones(calls, stop),
        force_tol=tol,
        max_steps=steps,
        checkpoint=Checkpoint(path / "checkpoint.json", key),
        report=report,
    )
    return point, converged, len(calls)


def test_it_finds_the_minimum_that_ase_finds(cluster, tmp_path):
    point, converged, _ = relaxed(cluster, tmp_path)
    reference = cluster.copy()
    reference.calc = LennardJones()
    BFGS(reference, logfile=None).run(fmax=1e-4)
    assert converged
    assert point.found.energy == pytest.approx(reference.get_potential_energy(), abs=1e-5)
    assert np.linalg.norm(point.found.forces, axis=1).max() < 1e-4


@pytest.mark.parametrize("stop", [1, 2, 3, 5, 8, 13])
def test_a_resumed_relaxation_takes_the_same_way(cluster, tmp_path, stop):
    whole, _, calls = relaxed(cluster, tmp_path / "..")
    (tmp_path / ".." / "checkpoint.json").unlink()
    with pytest.raises(Killed):
        relaxed(cluster, tmp_path, stop=stop)
    point, converged, more = relaxed(cluster, tmp_path)
    assert converged
    assert stop + more == calls
    assert point.step == whole.step
    # the last bits depend on where arrays lie in memory
    assert np.allclose(point.positions, whole.positions, atol=1e-9)
    assert point.found.energy == pytest.approx(whole.found.energy, abs=1e-9)


def test_a_finished_checkpoint_costs_nothing(cluster, tmp_path):
    first, _, _ = relaxed(cluster, tmp_path)
    again, converged, calls = relaxed(cluster, tmp_path)
    assert (converged, calls) == (True, 0)
    assert np.array_equal(first.positions, again.positions)


@pytest.mark.parametrize("damage", ["{", '{"format": 1}', "[]", "\xff", None])
def test_a_damaged_checkpoint_means_a_new_start(cluster, tmp_path, damage):
    whole, _, calls = relaxed(cluster, tmp_path)
    path = tmp_path / "checkpoint.json"
    if damage is None:
        data = json.loads(path.read_text())
        path.write_text(json.dumps(data | {"positions": data["positions"][1:]}))
    else:
        path.write_bytes(damage.encode("latin-1"))
    point, _, again = relaxed(cluster, tmp_path)
    assert again == calls
    assert point.found.energy == pytest.approx(whole.found.energy, abs=1e-9)


def test_the_checkpoint_of_another_job_is_not_used(cluster, tmp_path):
    _, _, calls = relaxed(cluster, tmp_path)
    assert relaxed(cluster, tmp_path, key="other")[2] == calls


def test_the_step_limit_is_no_convergence(cluster, tmp_path):
    point, converged, calls = relaxed(cluster, tmp_path, steps=3)
    assert (converged, point.step, calls) == (False, 3, 4)
    later, done, more = relaxed(cluster, tmp_path)
    assert done
    assert later.step > 3
    assert more == later.step - 3


def test_fixed_atoms_stay_and_their_forces_do_not_count(cluster, tmp_path):
    cluster.set_constraint(FixAtoms(indices=[0, 1]))
    point, converged, _ = relaxed(cluster, tmp_path)
    assert converged
    assert np.array_equal(point.positions[:2], cluster.positions[:2])
    assert np.linalg.norm(point.found.forces[:2], axis=1).max() > 1e-3


def test_nothing_free_is_one_evaluation(cluster, tmp_path):
    cluster.set_constraint(FixAtoms(indices=range(5)))
    lines = []
    point, converged, calls = relaxed(cluster, tmp_path, lines=lines)
    assert (converged, calls, point.step) == (True, 1, 0)
    assert lines[0].max_force == 0.0


def test_every_step_is_reported(cluster, tmp_path):
    lines = []
    point, _, _ = relaxed(cluster, tmp_path, lines=lines)
    assert [line.step for line in lines] == list(range(point.step + 1))
    assert lines[-1].energy == point.found.energy
    assert all(one.seconds <= two.seconds for one, two in itertools.pairwise(lines))


def test_the_step_of_the_checkpoint_is_told_again(cluster, tmp_path):
    """A kill between a checkpoint and its line would leave a gap in the record."""
    first, second = [], []
    with pytest.raises(Killed):
        relaxed(cluster, tmp_path, stop=4, lines=first)
    relaxed(cluster, tmp_path, lines=second)
    assert second[0] == first[-1]
    assert [line.step for line in second] == list(range(3, 3 + len(second)))


def test_the_start_is_not_changed(cluster, tmp_path):
    before = cluster.positions.copy()
    relaxed(cluster, tmp_path)
    assert np.array_equal(cluster.positions, before)


def test_no_step_is_longer_than_its_bound(tmp_path):
    far = Atoms("Ar2", [[0, 0, 0], [0, 0, 0.8]])
    seen = []

    def report(progress):
        seen.append(json.loads((tmp_path / "checkpoint.json").read_text())["positions"])

    relax(
        far,
        lennard_jones([]),
        force_tol=1e-3,
        max_steps=50,
        checkpoint=Checkpoint(tmp_path / "checkpoint.json", "x"),
        report=report,
    )
    moves = np.linalg.norm(np.diff(np.array(seen), axis=0), axis=2)
    assert moves[0].max() <= 0.2 + 1e-9
    assert moves.max() <= 0.5 + 1e-9
