from dataclasses import replace

import numpy as np
import pytest
from made_up_levels import TRAP, VBM, levels, projections, slab_with_ligand

from qddft.analysis.gap import band_edges, edge_warnings, mesh_warnings
from qddft.core.errors import OutputError
from qddft.outputs.tables import Eigenvalues


def test_edges_and_their_characters():
    atoms, found = slab_with_ligand(), levels(trap_filled=False)
    edges = band_edges(found, projections(atoms, found))
    assert (edges.vbm.energy, edges.cbm.energy) == (VBM, TRAP)
    assert edges.gap == pytest.approx(TRAP - VBM)
    assert edges.direct
    assert edges.n_electrons == pytest.approx(4.0)
    assert dict(edges.vbm.character) == pytest.approx({"Br p": 2 / 3, "Pb s": 1 / 3})
    assert dict(edges.cbm.character) == pytest.approx({"Pb p": 1.0})
    assert edges.vbm.kpoint == (0.0, 0.0, 0.0)


def test_indirect_gap():
    energies = np.array([[[-1.0, 2.0], [-0.5, 1.0], [-2.0, 0.5]]])
    occupations = np.broadcast_to([1.0, 0.0], energies.shape)
    edges = band_edges(Eigenvalues(np.zeros((3, 3)), np.ones(3) / 3, energies, occupations))
    assert (edges.gap, edges.direct_gap, edges.direct) == (1.0, 1.5, False)


def test_a_thin_tail_of_the_smearing_does_not_close_the_gap():
    energies = np.array([[[-0.5, 0.5]]])
    edges = band_edges(Eigenvalues(np.zeros((1, 3)), np.ones(1), energies, np.array([[[1 - 1e-4, 1e-4]]])))
    assert edges.gap == 1.0


def test_metal():
    energies = np.array([[[-1.0, 0.1], [-1.0, -0.1]]])
    occupations = np.array([[[1.0, 0.0], [1.0, 1.0]]])
    found = Eigenvalues(np.zeros((2, 3)), np.ones(2) / 2, energies, occupations)
    edges = band_edges(found)
    assert edges.metallic
    assert edges.gap == 0.0
    assert "a band crosses the Fermi level" in " ".join(edge_warnings(found, edges, slab_with_ligand(), {}))


def test_no_empty_band():
    edges = band_edges(Eigenvalues(np.zeros((1, 3)), np.ones(1), np.zeros((1, 1, 2)), np.ones((1, 1, 2))))
    assert edges.cbm is None
    assert edges.gap is None


def test_no_occupations():
    with pytest.raises(OutputError, match="no level is more than half full"):
        band_edges(Eigenvalues(np.zeros((1, 3)), np.ones(1), np.zeros((1, 1, 2)), np.zeros((1, 1, 2))))


def mesh(n, shift):
    """All points of an n x n x 1 mesh; shift 1/2 in units of the spacing is Monkhorst and Pack's for even n."""
    line = (np.arange(n) + shift) / n
    return np.array([(x, y, 0.0) for x in line for y in line])


@pytest.mark.parametrize(
    ("points", "told"),
    [
        (mesh(8, 0.5), "holds neither Gamma nor the zone corner"),
        (mesh(8, 0.0), None),
        (mesh(3, 0.0), "does not hold the zone corner"),
        (np.zeros((1, 3)), None),
    ],
    ids=["Monkhorst-Pack 8x8", "Gamma 8x8", "Gamma 3x3", "Gamma only"],
)
def test_meshes_without_the_band_edge(points, told):
    found = mesh_warnings(points, slab_with_ligand(), {"kpoints": [8, 8, 1], "kpoint_scheme": "monkhorst-pack"})
    assert bool(found) == bool(told)
    assert told is None or told in found[0]


def test_even_monkhorst_pack_is_named():
    settings = {"kpoints": [8, 8, 1], "kpoint_scheme": "monkhorst-pack"}
    assert "even Monkhorst-Pack 8x8x1" in mesh_warnings(mesh(8, 0.5), slab_with_ligand(), settings)[0]


def test_odd_electrons_without_spin():
    found = levels()
    half = replace(found, occupations=np.where(found.energies == TRAP, 0.5, found.occupations))
    texts = " ".join(edge_warnings(half, band_edges(half), slab_with_ligand(), {}))
    assert "5 electrons, an odd number, without spin polarization" in texts
    assert "partly occupied" in texts


@pytest.mark.parametrize(("soc", "told"), [(False, True), (True, False), (None, False)])
def test_lead_without_spin_orbit_coupling(soc, told):
    found = levels()
    texts = " ".join(edge_warnings(found, band_edges(found), slab_with_ligand(), {"soc": soc}))
    assert ("no spin-orbit coupling" in texts) == told


def test_edges_of_different_spin():
    energies = np.array([[[-1.0, 2.0]], [[-2.0, 1.0]]])
    occupations = np.array([[[1.0, 0.0]], [[1.0, 0.0]]])
    found = Eigenvalues(np.zeros((1, 3)), np.ones(1), energies, occupations)
    edges = band_edges(found)
    assert (edges.vbm.spin, edges.cbm.spin) == (0, 1)
    assert "different spin channels" in " ".join(edge_warnings(found, edges, slab_with_ligand(), {}))
