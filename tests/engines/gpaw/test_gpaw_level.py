import dataclasses

import numpy as np
import pytest
from ase import Atoms
from ase.build import molecule

from qddft.core.errors import ChargeError, EngineError, LevelError, StructureError
from qddft.engines.gpaw.evaluate import dispersion_of
from qddft.engines.gpaw.level import check_job, has_dipole_layer, parameters, start_magnetization
from qddft.engines.gpaw.system import prepared
from qddft.engines.registry import get_engine, list_engines
from qddft.jobs.job import FinalOf, Given, Job
from qddft.levels.load import list_levels, load_level


def level(name="gpaw-pbe", raw=None, **settings):
    resolved = load_level(name).resolved("gpaw")
    return resolved | {"settings": {**resolved["settings"], **settings}, "raw": {**resolved["raw"], **(raw or {})}}


def slab_atoms(height=24.0, z=1.0):
    atoms = Atoms("Pb2Br4", positions=[[0, 0, 0], [4, 4, 0], [2, 2, 0], [6, 2, 0], [2, 6, 0], [6, 6, 0]], pbc=True)
    atoms.set_cell([8.5, 8.5, height])
    atoms.positions[:, 2] = z
    atoms.info["qddft"] = {"kind": "slab", "supercell": "sqrt2"}
    return atoms


def job(role="slab", atoms=None, **kept):
    defaults = {"task": "static", "level": level(), "start": Given.of(slab_atoms() if atoms is None else atoms)}
    return Job(name="a-job", role=role, **(defaults | kept))


def test_it_is_an_engine():
    assert "gpaw" in list_engines()
    engine = get_engine("gpaw")
    assert engine.name == "gpaw"
    missing = engine.available()
    assert missing is None or "pip install 'qddft[gpaw]'" in missing


def test_parameters_of_a_slab():
    found = parameters(job(), slab_atoms())
    assert found["mode"] == {"name": "pw", "ecut": 400.0}
    assert found["xc"] == "PBE"
    assert found["kpts"] == {"size": [3, 3, 1], "gamma": True}
    assert found["poissonsolver"] == {"dipolelayer": "xy"}
    assert found["occupations"] == {"name": "fermi-dirac", "width": 0.05}
    assert found["spinpol"] is False
    assert found["symmetry"]["point_group"] is False
    assert found["convergence"]["energy"] == {"name": "energy", "tol": 1e-4, "relative": False}


@pytest.mark.parametrize(
    "name", [name for name in list_levels() if name.startswith(("tao-pbe", "gpaw", "tight")) and name != "tao-pbe-soc"]
)
def test_levels_that_it_takes(name):
    check_job(job(level=level(name)), slab_atoms())
    assert parameters(job(level=level(name)), slab_atoms())["xc"] == "PBE"


def test_atomic_orbitals():
    found = parameters(job(level=level("gpaw-lcao")), slab_atoms())
    assert (found["mode"], found["basis"], found["h"]) == ({"name": "lcao"}, "dzp", 0.2)


@pytest.mark.parametrize(
    ("smearing", "name", "order"),
    [
        ("gaussian", "methfessel-paxton", 0),
        ("methfessel-paxton", "methfessel-paxton", 1),
        ("fermi-dirac", "fermi-dirac", None),
    ],
)
def test_smearing(smearing, name, order):
    found = parameters(job(level=level(smearing=smearing, sigma_eV=0.1)), slab_atoms())["occupations"]
    assert (found["name"], found.get("order"), found["width"]) == (name, order, 0.1)


def test_an_odd_number_of_electrons_is_polarized():
    vacant = slab_atoms()[:5]
    found = parameters(job(atoms=vacant), vacant)
    assert found["spinpol"] is True
    assert "fixmagmom" not in found["occupations"]
    radical = molecule("CH3")
    single = job("molecule", radical)
    assert parameters(single, radical)["occupations"]["fixmagmom"] is True
    # the total that is held is that of the start
    assert sum(start_magnetization(single, radical)) == pytest.approx(1.0)
    with pytest.raises(LevelError, match="forbids spin polarization"):
        parameters(job(atoms=vacant, level=level(spin="none")), vacant)


def test_meshes_of_molecules_and_crystals():
    assert parameters(job("molecule", molecule("H2O")), molecule("H2O"))["kpts"] == {"size": [1, 1, 1], "gamma": True}
    bulk = Atoms("CsPbBr3", positions=[[3, 3, 3], [0, 0, 0], [3, 0, 0], [0, 3, 0], [0, 0, 3]], cell=[6, 6, 6], pbc=True)
    found = parameters(job("bulk", bulk), bulk)
    assert found["kpts"]["size"] == [4, 4, 4]
    assert "poissonsolver" not in found


def test_raw_keys():
    found = parameters(job(level=level(raw={"mixer": {"beta": 0.02}, "convergence": {"density": 1e-5}})), slab_atoms())
    assert found["mixer"] == {"beta": 0.02}
    assert found["convergence"]["density"] == 1e-5
    assert found["convergence"]["energy"]["tol"] == 1e-4


@pytest.mark.parametrize(
    ("changes", "raw", "message"),
    [
        ({"xc": "GFN2-xTB"}, {}, "computes LDA, PBE, RPBE, revPBE, not 'GFN2-xTB'; take the level 'gpaw-pbe'"),
        ({"xc": "HSE06"}, {}, "not 'HSE06'"),
        ({"core": "NC"}, {}, "treats cores by PAW"),
        ({"smearing": "tetrahedron"}, {}, "no forces with 'tetrahedron' occupations"),
        ({"dispersion": "built-in"}, {}, r"adds D3\(BJ\) or none"),
        ({"cutoff_eV": None}, {}, "plane waves need a cutoff; set 'cutoff_eV'"),
        ({}, {"spin_orbit": True}, "no spin-orbit coupling"),
        ({}, {"incar": {}}, "unknown key engines.gpaw.incar"),
        ({}, {"mode": "pv"}, r"engines.gpaw.mode is 'pv'\. .*pw"),
    ],
)
def test_levels_that_it_refuses(changes, raw, message):
    with pytest.raises(LevelError, match=r"(?i)" + message):
        check_job(job(level=level(raw=raw, **changes)), slab_atoms())


def test_charge():
    with pytest.raises(ChargeError, match="periodic cell has the charge \\+1"):
        check_job(job(charge=1), slab_atoms())
    check_job(job(charge=1, level=level(raw={"charged_slabs": True})), slab_atoms())
    ion = molecule("OH")
    charged = job("molecule", ion, charge=-1)
    check_job(charged, ion)
    assert parameters(charged, ion)["charge"] == -1
    assert not prepared(charged, ion).pbc.any()


def test_quantities():
    with pytest.raises(EngineError, match="does not give 'bader'"):
        check_job(job(wanted=frozenset({"bader"})), slab_atoms())
    flat = Atoms("PbBr2", positions=np.eye(3))
    with pytest.raises(StructureError, match="needs a cell with three vectors"):
        check_job(job(atoms=flat), flat)


def test_a_slab_is_moved_off_the_floor_of_its_cell():
    atoms = slab_atoms(z=1.0)
    found = prepared(job(), atoms)
    assert found.pbc.tolist() == [True, True, False]
    np.testing.assert_allclose(found.positions[:, 2], 12.0)
    np.testing.assert_allclose(found.positions[:, :2], atoms.positions[:, :2])
    assert atoms.positions[0, 2] == 1.0
    # where there is room it stays, so that a frozen part stays where it was in its complex
    np.testing.assert_allclose(prepared(job(), slab_atoms(z=7.0)).positions[:, 2], 7.0)


def test_no_dipole_layer_where_the_level_forbids_it():
    plain = job(level=level(dipole="none"))
    assert not has_dipole_layer(plain)
    assert "poissonsolver" not in parameters(plain, slab_atoms())
    assert prepared(plain, slab_atoms()).pbc.all()


def test_a_frozen_part_of_a_complex_keeps_cell_and_mesh():
    atoms = slab_atoms(z=9.0)
    atoms.set_array("fragment", np.array([0, 0, 0, 0, 1, 1]))
    whole = job("complex", atoms)
    part = dataclasses.replace(whole, name="part", role="molecule", start=FinalOf(whole, (1,)))
    kept = atoms[[4, 5]]
    assert has_dipole_layer(part)
    np.testing.assert_allclose(prepared(part, kept).positions, kept.positions)
    assert parameters(part, kept)["kpts"]["size"] == [3, 3, 1]


def test_molecules_stand_in_a_box():
    found = prepared(job("molecule", molecule("CH3COOH")), molecule("CH3COOH"))
    assert found.pbc.all()
    assert found.positions.min() >= 6.0 - 1e-9


def test_too_little_vacuum():
    with pytest.raises(StructureError, match=r"vacuum of 9\.0 Angstrom is too thin, 12 are needed"):
        prepared(job(atoms=slab_atoms(height=9.0)), slab_atoms(height=9.0))
    tilted = slab_atoms()
    tilted.cell[2, 0] = 1.0
    with pytest.raises(StructureError, match="has to stand upright"):
        prepared(job(atoms=tilted), tilted)


def test_dispersion_needs_its_package():
    try:
        import dftd3  # noqa: F401
    except ImportError:
        with pytest.raises(EngineError, match="pip install dftd3"):
            dispersion_of("PBE")
    else:
        energy, forces = dispersion_of("PBE")(molecule("CH3COOH"))
        assert -0.5 < energy < -0.01
        np.testing.assert_allclose(forces.sum(axis=0), 0, atol=1e-6)
