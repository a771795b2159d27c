import numpy as np
import pytest

from qddft.atoms.slab_options import parse_supercell
from qddft.core.errors import StructureError
from qddft.levels.kpoints import job_mesh
from qddft.levels.load import load_level

TAO = load_level("tao-pbe").settings
CELLS = ["1x1", "2x1", "2x2", "3x3", "3x4", "5x5", "7x7", "sqrt2", "2sqrt2", "3sqrt2"]


@pytest.mark.parametrize(
    ("supercell", "static", "relax"),
    [
        ("1x1", (8, 8, 1), (6, 6, 1)),
        ("sqrt2", (6, 6, 1), (5, 5, 1)),
        ("2x2", (4, 4, 1), (3, 3, 1)),
        # an even mesh on an odd supercell: 3 points would miss the folded corner of the zone
        ("3x3", (4, 4, 1), (2, 2, 1)),
        ("4x2", (2, 4, 1), (2, 3, 1)),
    ],
)
def test_meshes_follow_the_supercell(supercell, static, relax):
    assert job_mesh(TAO, role="slab", task="static", supercell=supercell) == static
    assert job_mesh(TAO, role="complex", task="relax", supercell=supercell) == relax


@pytest.mark.parametrize("supercell", CELLS)
def test_the_corner_of_the_1x1_zone_is_on_every_mesh_and_none_is_coarser(supercell):
    mesh = np.array(job_mesh(TAO, role="slab", task="static", supercell=supercell)[:2])
    matrix = parse_supercell(supercell)[0]
    corner = matrix @ [0.5, 0.5]
    assert np.allclose((corner * mesh) % 1, 0)
    assert (mesh * np.linalg.norm(matrix, axis=1) >= 8 - 1e-9).all()


def test_molecules_are_sampled_at_gamma_and_bulk_on_its_own_mesh():
    assert job_mesh(TAO, role="molecule", task="static") == (1, 1, 1)
    assert job_mesh(TAO, role="bulk", task="static") == (8, 8, 8)


def test_a_mesh_that_refers_to_the_cell_is_used_as_written():
    settings = TAO.model_copy(update={"kpoints_refer_to": "cell"})
    assert job_mesh(settings, role="slab", task="static", supercell="3x3") == (8, 8, 1)


def test_an_unknown_supercell_is_refused():
    with pytest.raises(StructureError, match="supercell"):
        job_mesh(TAO, role="slab", task="static", supercell="two")
