"""Which settings can be varied with which engine."""

import pytest

from qddft.core.errors import EngineError, LevelError
from qddft.engines.capabilities import engines_with, require_setting
from qddft.engines.registry import list_engines
from qddft.levels.load import load_level


def test_engines_are_those_of_the_registry():
    assert "vasp" in engines_with("cutoff_eV")
    assert set(engines_with("kpoints")) <= set(list_engines())
    assert engines_with("vacuum") == list_engines()


@pytest.mark.parametrize("setting", ["cutoff_eV", "kpoints"])
@pytest.mark.parametrize("engine", ["tblite", "ase:ase.calculators.lj:LennardJones"])
def test_an_engine_without_the_setting_names_those_that_have_it(engine, setting):
    with pytest.raises(EngineError, match=rf"the engine {engine} has no {setting} to vary \(.*\); vasp"):
        require_setting(engine, setting, load_level("screening"))


@pytest.mark.parametrize("setting", ["vacuum", "layers", "supercell"])
def test_structures_can_be_varied_with_every_engine(setting):
    require_setting("tblite", setting, load_level("screening"))


def test_a_raw_key_that_would_beat_the_series_is_refused():
    level = load_level("tao-pbe").model_copy(update={"engines": {"vasp": {"incar": {"encut": 450}}}})
    with pytest.raises(LevelError, match="sets ENCUT for vasp itself, so that cutoff_eV would change nothing"):
        require_setting("vasp", "cutoff_eV", level)
    require_setting("vasp", "kpoints", level)


def test_gpaw_has_a_cutoff_in_plane_waves_only():
    require_setting("gpaw", "cutoff_eV", load_level("gpaw-pbe"))
    require_setting("gpaw", "kpoints", load_level("gpaw-lcao"))
    with pytest.raises(LevelError, match="the level gpaw-lcao sets mode: lcao for gpaw itself"):
        require_setting("gpaw", "cutoff_eV", load_level("gpaw-lcao"))
    given = {"gpaw": {"mode": {"name": "pw", "ecut": 500}}}
    with pytest.raises(LevelError, match="so that cutoff_eV would change nothing"):
        require_setting("gpaw", "cutoff_eV", load_level("gpaw-pbe").model_copy(update={"engines": given}))
