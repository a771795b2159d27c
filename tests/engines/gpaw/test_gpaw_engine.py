"""The engine against GPAW itself; run by name where GPAW is installed: ``pytest -m slow tests/engines/gpaw``."""

import numpy as np
import pytest
from ase.build import molecule

from qddft.core.errors import EngineError, OutputError
from qddft.engines.gpaw.convert import convert_gpw
from qddft.engines.gpaw.level import parameters
from qddft.engines.gpaw.system import prepared
from qddft.engines.registry import get_engine
from qddft.engines.vasp.read import read_outputs, read_projected
from qddft.jobs.job import Given, Job
from qddft.levels.load import load_level
from qddft.outputs.grid_files import read_grid
from qddft.outputs.store import save_outputs

EVERYTHING = frozenset({"dos", "density", "potential"})


def hydrogen(task="static", **changes):
    resolved = load_level("gpaw-pbe").resolved("gpaw")
    settings = {**resolved["settings"], "cutoff_eV": 250.0, "molecule_padding_A": 2.5, **changes}
    atoms = molecule("H2")
    atoms.positions[0, 2] += 0.05
    return Job("h2", "molecule", task, Given.of(atoms), resolved | {"settings": settings}, wanted=EVERYTHING)


def test_conversion_without_gpaw(tmp_path):
    with pytest.raises(OutputError, match="does not exist"):
        convert_gpw(tmp_path / "nothing.gpw", tmp_path / "out")
    (tmp_path / "text.gpw").write_text("no")
    with pytest.raises(OutputError, match="is no file of GPAW"):
        convert_gpw(tmp_path / "text.gpw", tmp_path / "out")
    with pytest.raises(OutputError, match="unknown quantity 'bands'"):
        convert_gpw(tmp_path / "text.gpw", tmp_path / "out", wanted=("bands",))


def test_a_job_without_gpaw(tmp_path):
    if get_engine("gpaw").available() is None:
        pytest.skip("GPAW is installed here")
    job = hydrogen()
    with pytest.raises(EngineError, match=r"GPAW is not installed; .*pip install 'qddft\[gpaw\]'"):
        get_engine("gpaw").run(job, job.built_atoms, tmp_path, lambda _: None)


@pytest.mark.slow
def test_energies_and_products(tmp_path):
    gpaw = pytest.importorskip("gpaw")
    job = hydrogen()
    found = get_engine("gpaw").run(job, job.built_atoms, tmp_path, lambda _: None)
    save_outputs(tmp_path / "outputs.json", found)

    system = prepared(job, job.built_atoms)
    system.calc = gpaw.GPAW(**parameters(job, system), txt=None)
    assert found.energy == pytest.approx(system.get_potential_energy(), abs=1e-6)
    np.testing.assert_allclose(found.forces, system.get_forces(), atol=1e-4)
    assert found.converged
    assert found.n_electrons == 2
    assert found.fermi_level == pytest.approx(system.calc.get_fermi_level(), abs=1e-3)
    assert found.settings["potentials"][0].startswith("H gpaw-paw 1e")

    assert read_grid(tmp_path).integral == pytest.approx(2.0, abs=1e-4)
    table = read_projected(tmp_path)
    # the bonding level is made of 1s of both atoms alike
    assert table.weights[0, 0, 0, 0, 0] == pytest.approx(table.weights[0, 0, 0, 1, 0], abs=1e-3)
    assert read_grid(tmp_path, quantity="potential").values.mean() == pytest.approx(0.0, abs=1e-6)

    system.calc.write(str(tmp_path / "h2.gpw"))
    whole = convert_gpw(tmp_path / "h2.gpw", tmp_path / "converted", relaxed=True)
    assert whole.energy == pytest.approx(found.energy, abs=1e-6)
    assert whole.settings["potentials"] == list(found.settings["potentials"])
    converted = read_outputs(tmp_path / "converted")
    assert converted.converged
    assert read_grid(tmp_path / "converted").integral == pytest.approx(2.0, abs=1e-4)


@pytest.mark.slow
def test_relaxation_and_a_cycle_that_ends_too_soon(tmp_path):
    pytest.importorskip("gpaw")
    job = hydrogen("relax")
    steps = []
    found = get_engine("gpaw").run(job, job.built_atoms, tmp_path, steps.append)
    assert found.ionically_converged
    assert found.max_force < 0.05
    assert steps[-1].energy < steps[0].energy
    # the bond of H2 at PBE
    assert found.atoms.get_distance(0, 1) == pytest.approx(0.75, abs=0.02)
    hasty = hydrogen(max_scf_steps=2)
    with pytest.raises(EngineError, match=r"does not converge; .*raise 'max_scf_steps'"):
        get_engine("gpaw").run(hasty, hasty.built_atoms, tmp_path, lambda _: None)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "charge", "electrons", "moment"), [("OH", -1, 8, 0), ("OH", 0, 7, 1), ("O2", 0, 12, 2)]
)
def test_ions_and_radicals(tmp_path, name, charge, electrons, moment):
    pytest.importorskip("gpaw")
    # the moments that ASE puts on these molecules are not the job's
    atoms = molecule(name)
    level = hydrogen(energy_tol_eV=1e-3).level
    job = Job("a", "molecule", "static", Given.of(atoms), level, charge=charge, unpaired=moment, wanted=EVERYTHING)
    found = get_engine("gpaw").run(job, atoms, tmp_path, lambda _: None)
    assert (found.n_electrons, found.charge) == (electrons, charge)
    assert found.magnetization == pytest.approx(moment, abs=1e-6)
    assert found.settings["ispin"] == (2 if moment else 1)
    assert read_grid(tmp_path).integral == pytest.approx(electrons, abs=1e-3)
    if moment:
        assert read_grid(tmp_path, channel="spin").integral == pytest.approx(moment, abs=1e-3)
