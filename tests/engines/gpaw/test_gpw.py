"""Reading ``.gpw`` files without GPAW: files of the same make-up, written with ASE."""

import contextlib
import json

import numpy as np
import pytest
from ase import Atoms
from ase.constraints import FixAtoms
from ase.io import ulm
from hypothesis import given, settings
from hypothesis import strategies as st

from qddft.core.errors import OutputError
from qddft.engines.gpaw.gpw import is_gpw, read_gpw
from qddft.engines.vasp.read import read_dos, read_eigenvalues, read_outputs, read_projected
from qddft.outputs.tables import MissingTableError

MESH = np.array([[x, y, 0.0] for x in (0.0, 0.5) for y in (0.0, 0.5)])
PARAMETERS = {
    "mode": {"name": "pw", "ecut": 400.0},
    "xc": {"name": "PBE"},
    "kpts": {"size": [2, 2, 1], "gamma": True},
    "occupations": {"name": "fermi-dirac", "width": 0.05, "fixmagmom": False},
    "poissonsolver": {"dipolelayer": "xy"},
    "convergence": {"energy": 1e-5},
}


def slab():
    atoms = Atoms("PbBr2", positions=[[0, 0, 8], [2, 0, 8], [0, 2, 8]], cell=[4, 4, 16], pbc=(True, True, False))
    atoms.set_constraint(FixAtoms([0]))
    return atoms


def write(path, *, n_spins=1, parameters=PARAMETERS, results=None, scf=None, points=MESH, weights=None):
    atoms = slab()
    energies = np.tile(np.linspace(-3, 3, 4), (n_spins, len(points), 1))
    with ulm.Writer(path, tag="gpaw") as writer:
        writer.write(version=7, gpaw_version="26.7.0", ha=27.2, bohr=0.53)
        kept = writer.child("atoms")
        kept.write(pbc=atoms.pbc.tolist(), numbers=atoms.numbers, positions=atoms.positions, cell=atoms.cell.tolist())
        kept.write(constraints=json.dumps([item.todict() for item in atoms.constraints]))
        given = {"energy": -10.5, "free_energy": -10.6, "magmom": 1.0, "forces": np.full((3, 3), 0.01)}
        writer.child("results").write(**(given if results is None else results))
        writer.child("parameters").write(**parameters)
        if scf is not None:
            writer.child("scf").write(**scf)
        waves = writer.child("wave_functions")
        waves.write(
            fermi_levels=np.array([0.25]),
            eigenvalues=energies,
            occupations=(energies < 0).astype(float),
        )
        waves.child("kpts").write(
            ibzkpts=points,
            bzkpts=points,
            weights=np.full(len(points), 1 / len(points)) if weights is None else weights,
        )


def test_what_a_file_says(tmp_path):
    write(tmp_path / "slab.gpw")
    found = read_outputs(tmp_path / "slab.gpw")
    assert (found.energy, found.free_energy, found.fermi_level) == (-10.5, -10.6, 0.25)
    assert (found.engine, found.engine_version) == ("gpaw", "26.7.0")
    assert found.n_electrons == 4.0
    assert found.charge == 0.0
    assert found.magnetization == 1.0
    assert found.electronically_converged is True
    assert found.ionically_converged is None
    assert found.atoms.get_chemical_formula() == "Br2Pb"
    assert found.atoms.pbc.tolist() == [True, True, False]
    assert found.atoms.constraints[0].index.tolist() == [0]
    np.testing.assert_array_equal(found.forces, np.full((3, 3), 0.01))
    expected = {"xc": "PBE", "mode": "pw", "cutoff_eV": 400.0, "kpoints": [2, 2, 1], "kpoint_scheme": "gamma"}
    expected |= {"smearing": "fermi-dirac", "sigma_eV": 0.05, "ispin": 1, "ldipol": True, "dispersion": "none"}
    assert {key: found.settings[key] for key in expected} == expected


def test_a_folder_with_one_file(tmp_path):
    write(tmp_path / "slab.gpw")
    assert read_outputs(tmp_path).energy == -10.5
    write(tmp_path / "other.gpw")
    with pytest.raises(OutputError, match=r"holds 2 files of GPAW \(other.gpw, slab.gpw\); name one of them"):
        read_outputs(tmp_path)


def test_levels(tmp_path):
    write(tmp_path / "slab.gpw", n_spins=2, weights=np.array([1.0, 1.0, 1.0, 1.0]))
    found = read_eigenvalues(tmp_path / "slab.gpw")
    assert found.energies.shape == (2, 4, 4)
    assert found.electrons_per_level == 1
    assert found.weights.sum() == pytest.approx(1.0)
    np.testing.assert_array_equal(found.kpoints, MESH)


def test_what_takes_gpaw_itself(tmp_path):
    write(tmp_path / "slab.gpw")
    for read in (read_projected, read_dos):
        with pytest.raises(MissingTableError, match=r"where GPAW is installed, qddft.convert_gpw"):
            read(tmp_path / "slab.gpw")


def test_older_files_say_themselves_whether_they_converged(tmp_path):
    for said in (True, False):
        write(tmp_path / "slab.gpw", scf={"converged": said})
        assert read_gpw(tmp_path / "slab.gpw").electronically_converged is said


def test_a_file_without_energy(tmp_path):
    write(tmp_path / "slab.gpw", results={"magmom": 0.0})
    with pytest.raises(OutputError, match="holds no energy: it was written before the electrons had converged"):
        read_outputs(tmp_path / "slab.gpw")


def test_functionals_modes_and_smearing(tmp_path):
    write(
        tmp_path / "a.gpw",
        parameters={
            "mode": "lcao",
            "basis": "dzp",
            "xc": "RPBE",
            "occupations": {"name": "methfessel-paxton", "width": 0.1},
        },
    )
    found = read_gpw(tmp_path / "a.gpw").settings
    assert (found["mode"], found["basis"], found["xc"], found["cutoff_eV"]) == ("lcao", "dzp", "RPBE", None)
    assert (found["smearing"], found["sigma_eV"], found["grid_spacing_A"]) == ("gaussian", 0.1, 0.2)
    write(tmp_path / "b.gpw", parameters={}, points=np.zeros((1, 3)))
    found = read_gpw(tmp_path / "b.gpw").settings
    assert (found["mode"], found["xc"], found["smearing"], found["kpoints"]) == ("fd", "LDA", "none", [1, 1, 1])
    write(tmp_path / "c.gpw", points=MESH + 0.25)
    assert read_gpw(tmp_path / "c.gpw").settings["kpoint_scheme"] == "monkhorst-pack"
    write(tmp_path / "d.gpw", points=np.array([[0, 0, 0], [0.1, 0, 0], [0.2, 0.1, 0]]))
    assert read_gpw(tmp_path / "d.gpw").settings["kpoints"] is None


def test_other_files_are_no_gpaw_files(tmp_path):
    assert not is_gpw(tmp_path)
    assert not is_gpw(tmp_path / "nothing.gpw")
    (tmp_path / "text.gpw").write_text("energy = -1")
    assert not is_gpw(tmp_path / "text.gpw")
    with pytest.raises(OutputError, match=r"text\.gpw is not a vasprun"):
        read_outputs(tmp_path / "text.gpw")
    with ulm.Writer(tmp_path / "a.traj", tag="ASE-Trajectory") as writer:
        writer.write(energy=1.0)
    assert not is_gpw(tmp_path / "a.traj")


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_damaged_files(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("damaged")
    path = folder / "slab.gpw"
    write(path)
    content = bytearray(path.read_bytes())
    if data.draw(st.booleans()):
        content = content[: data.draw(st.integers(24, len(content) - 1))]
    else:
        for _ in range(data.draw(st.integers(1, 4))):
            content[data.draw(st.integers(24, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content)
    for read in (read_outputs, read_eigenvalues):
        # whatever is wrong with it, no other error
        with contextlib.suppress(OutputError):
            read(path)
