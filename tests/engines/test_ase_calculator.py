import sys

import numpy as np
import pytest
from ase.calculators.lj import LennardJones

from qddft.core.errors import EngineError
from qddft.engines.ase_calculator import AseCalculator
from qddft.engines.registry import get_engine, list_engines
from qddft.outputs.store import save_outputs

LJ = "ase:ase.calculators.lj:LennardJones"


@pytest.fixture
def module(tmp_path, monkeypatch):
    """Return a function that writes a module where the user stands and gives the engine of its ``make``."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.delitem(sys.modules, "my_potential", raising=False)

    def write(text):
        (tmp_path / "my_potential.py").write_text(text)
        return AseCalculator("ase:my_potential:make")

    yield write
    sys.modules.pop("my_potential", None)


def ignore(progress):
    """Take a progress and do nothing."""


def test_a_job_runs(tmp_path, lj_job):
    job = lj_job(fixed=(0,))
    engine = get_engine(LJ)
    engine.write(job, job.built_atoms, tmp_path)
    outputs = engine.run(job, job.built_atoms, tmp_path, ignore)
    assert outputs.converged
    assert outputs.max_force < 0.01
    assert outputs.engine == LJ
    assert outputs.engine_version.startswith("ase ")
    assert outputs.settings["xc"] == LJ
    assert outputs.settings["parameters"]["epsilon"] == 1.0
    assert (outputs.atoms.arrays["fragment"] == [0, 1, 1, 1]).all()
    check = outputs.atoms.copy()
    check.calc = LennardJones()
    assert outputs.energy == pytest.approx(check.get_potential_energy(), abs=1e-9)
    save_outputs(tmp_path / "outputs.json", outputs)
    assert engine.read(job, tmp_path).energy == outputs.energy


def test_a_static_job_is_one_evaluation(tmp_path, lj_job):
    job = lj_job(task="static")
    steps = []
    outputs = get_engine(LJ).run(job, job.built_atoms, tmp_path, steps.append)
    assert outputs.ionically_converged
    assert (len(steps), outputs.n_ionic_steps) == (1, 0)
    assert np.array_equal(outputs.atoms.positions, job.built_atoms.positions)


def test_a_relaxation_that_hits_the_limit_has_not_converged(tmp_path, lj_job):
    job = lj_job(max_steps=2)
    outputs = get_engine(LJ).run(job, job.built_atoms, tmp_path, ignore)
    assert outputs.ionically_converged is False
    assert outputs.electronically_converged is True
    assert not outputs.converged


def test_a_factory_in_a_loose_file_sees_charge_and_spin(module, tmp_path, lj_job):
    engine = module(
        "from ase.calculators.lj import LennardJones\n"
        "class Seen(LennardJones):\n"
        "    def calculate(self, atoms=None, *args):\n"
        "        assert (atoms.info['charge'], atoms.info['spin']) == (0, 1)\n"
        "        super().calculate(atoms, *args)\n"
        "def make():\n"
        "    return Seen(epsilon=2.0)\n"
    )
    assert engine.available() is None
    job = lj_job(task="static")
    outputs = engine.run(job, job.built_atoms, tmp_path, ignore)
    assert outputs.settings["calculator"] == "Seen"
    assert outputs.settings["parameters"]["epsilon"] == 2.0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = 1", "my_potential has no 'make' to call"),
        ("def mke(): pass", "Did you mean 'mke'"),
        ("def make(model): pass", "cannot be called without arguments"),
        ("def make(): return 3", "returns a int, not an ASE calculator"),
        ("import no_such_package", "no module 'no_such_package'"),
        ("def make(:", "cannot be imported"),
    ],
)
def test_what_is_no_factory_is_reported(module, text, message):
    with pytest.raises(EngineError, match=message):
        module(text).calculator()
    assert message.strip("'") in module(text).available()


def test_a_calculator_that_fails_is_reported(module, tmp_path, lj_job):
    engine = module(
        "from ase.calculators.calculator import Calculator, CalculationFailed\n"
        "class Bad(Calculator):\n"
        "    implemented_properties = ['energy', 'forces']\n"
        "    def calculate(self, *args):\n"
        "        raise CalculationFailed('out of luck')\n"
        "make = Bad\n"
    )
    job = lj_job()
    with pytest.raises(EngineError, match="ase:my_potential:make failed: out of luck"):
        engine.run(job, job.built_atoms, tmp_path, ignore)


def test_a_calculator_without_forces_is_reported(module, tmp_path, lj_job):
    engine = module(
        "from ase.calculators.calculator import Calculator\n"
        "class EnergyOnly(Calculator):\n"
        "    implemented_properties = ['energy']\n"
        "    def calculate(self, *args):\n"
        "        super().calculate(*args)\n"
        "        self.results = {'energy': 0.0}\n"
        "make = EnergyOnly\n"
    )
    job = lj_job()
    with pytest.raises(EngineError, match="does not give energies and forces"):
        engine.run(job, job.built_atoms, tmp_path, ignore)


@pytest.mark.parametrize(
    "name", ["ase:", "ase:os", "ase:os:getcwd:x", "ase:../x:y", "ase:x:y()", "ase:a b:c", "ase:.x:y"]
)
def test_malformed_names_are_refused(name):
    with pytest.raises(EngineError, match="write ase:MODULE:FACTORY"):
        get_engine(name)


def test_unknown_engines_are_suggested_for():
    with pytest.raises(EngineError, match=r"there is no engine 'tblit'\. Did you mean 'tblite'"):
        get_engine("tblit")
    assert "tblite" in list_engines()


def test_more_than_forces_is_refused(tmp_path, lj_job):
    from dataclasses import replace

    job = replace(lj_job(), wanted=frozenset({"dos"}))
    with pytest.raises(EngineError, match=r"gives energies and forces, not \['dos'\]"):
        get_engine(LJ).write(job, None, tmp_path)
