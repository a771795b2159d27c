import numpy as np
import pytest
from made_up_vasp import densities, levels, outcar, two_steps, vasprun, weights

from qddft.core.errors import OutputError
from qddft.engines.vasp.read import read_dos, read_eigenvalues, read_outputs, read_projected, read_trajectory
from qddft.engines.vasp.read.blocks import blocks_of
from qddft.engines.vasp.read.source import open_source

WRITERS = {"vasprun.xml": vasprun, "OUTCAR": outcar}


def write(folder, run, *names):
    for name in names or ("vasprun.xml",):
        (folder / name).write_text(WRITERS[name](run))
    return folder


@pytest.mark.parametrize("spins", [1, 2])
def test_projections_come_back_as_written(tmp_path, spins):
    run = two_steps(projected="last", parameters={"ISPIN": spins})
    write(tmp_path, run)
    projections, dos = read_projected(tmp_path), read_dos(tmp_path)
    np.testing.assert_array_equal(projections.weights, weights(run))
    np.testing.assert_array_equal(projections.eigenvalues.energies, levels(run)[..., 0])
    np.testing.assert_array_equal(dos.projected, densities(run))
    # VASP 5 calls the last orbital dx2, VASP 6 x2-y2
    assert projections.orbitals == dos.orbitals == ("s", "dx2-y2")
    assert read_outputs(tmp_path).free_energy == -10.25


def test_steps_are_not_lost_where_projections_do_not_stand_at_the_end_only(tmp_path):
    write(tmp_path, two_steps(projected="everywhere"))
    source = open_source(tmp_path / "vasprun.xml")
    assert len(blocks_of(source)) == 2
    outputs = read_outputs(tmp_path)
    assert (outputs.free_energy, outputs.n_ionic_steps) == (-10.25, 2)


def test_a_lost_row_of_the_projections_is_noticed(tmp_path):
    text = vasprun(two_steps(projected="last"))
    head, _, tail = text.rpartition("        <r>  0.0340  0.0350 </r>\n")
    (tmp_path / "vasprun.xml").write_text(head + tail)
    with pytest.raises(OutputError, match="17 rows do not fit 2 k-points, 3 bands and 3 atoms"):
        read_projected(tmp_path)
    assert read_outputs(tmp_path).free_energy == -10.25


def test_projections_whose_orbitals_are_not_named_are_damaged(tmp_path):
    text = vasprun(two_steps(projected="last"))
    head, mark, tail = text.rpartition("<projected>")
    (tmp_path / "vasprun.xml").write_text(head + mark + tail.replace("<field>", "<fjeld>"))
    with pytest.raises(OutputError, match="does not name its orbitals"):
        read_projected(tmp_path)


def test_tables_are_read_on_request(tmp_path):
    run = two_steps(parameters={"ISPIN": 2}, moment=0.25)
    write(tmp_path, run)
    eigenvalues = read_eigenvalues(tmp_path)
    np.testing.assert_array_equal(eigenvalues.energies, levels(run)[..., 0])
    np.testing.assert_array_equal(eigenvalues.occupations, levels(run)[..., 1])
    np.testing.assert_allclose(eigenvalues.weights, [0.25, 0.75])
    assert eigenvalues.electrons_per_level == 1
    dos = read_dos(tmp_path)
    assert dos.total.shape == (2, 11)
    assert dos.fermi_level == run.fermi
    assert dos.projected is None
    trajectory = read_trajectory(tmp_path)
    np.testing.assert_allclose(trajectory.free_energies, [-10.2, -10.25])
    assert trajectory.positions.shape == (2, 3, 3)
    with pytest.raises(ValueError, match="read-only"):
        dos.total[0, 0] = 1.0
    with pytest.raises(OutputError, match="the run wrote no projections"):
        read_projected(tmp_path)


def test_the_trajectory_of_outcar_is_that_of_vasprun(tmp_path):
    write(tmp_path, two_steps(), "vasprun.xml", "OUTCAR")
    one, other = read_trajectory(tmp_path / "vasprun.xml"), read_trajectory(tmp_path / "OUTCAR")
    for name in ("cells", "positions", "energies", "free_energies", "forces"):
        np.testing.assert_allclose(getattr(one, name), getattr(other, name), atol=1e-5)
    with pytest.raises(OutputError, match="OUTCAR: it does not hold the eigenvalues"):
        read_eigenvalues(tmp_path / "OUTCAR")
