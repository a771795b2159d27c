import pytest

from qddft.core.errors import LevelError
from qddft.levels.kpoints import job_mesh, supercell_multiples
from qddft.levels.load import load_level

TAO = load_level("tao-pbe").settings


@pytest.mark.parametrize(
    ("supercell", "static", "relax"),
    [
        ("1x1", (8, 8, 1), (4, 4, 1)),
        ("sqrt2", (6, 6, 1), (3, 3, 1)),
        ("2x2", (4, 4, 1), (2, 2, 1)),
        # an even mesh on an odd supercell: 3 points would miss the folded corner of the zone
        ("3x3", (4, 4, 1), (2, 2, 1)),
        ("4x2", (2, 4, 1), (1, 2, 1)),
    ],
)
def test_meshes_follow_the_supercell(supercell, static, relax):
    assert job_mesh(TAO, role="slab", task="static", supercell=supercell) == static
    assert job_mesh(TAO, role="complex", task="relax", supercell=supercell) == relax


@pytest.mark.parametrize("n", range(1, 9))
def test_the_corner_of_the_1x1_zone_is_on_every_gamma_mesh(n):
    points = job_mesh(TAO, role="slab", task="static", supercell=f"{n}x{n}")[0]
    # (1/2) b1 of the 1x1 cell is (n/2) of the supercell's shorter vector
    assert (n / 2 * points) % 1 == 0
    assert points * n >= 8


def test_molecules_are_sampled_at_gamma_and_bulk_on_its_own_mesh():
    assert job_mesh(TAO, role="molecule", task="static") == (1, 1, 1)
    assert job_mesh(TAO, role="bulk", task="static") == (8, 8, 8)


def test_a_mesh_that_refers_to_the_cell_is_used_as_written():
    settings = TAO.model_copy(update={"kpoints_refer_to": "cell"})
    assert job_mesh(settings, role="slab", task="static", supercell="3x3") == (8, 8, 1)


def test_an_unknown_supercell_is_refused():
    with pytest.raises(LevelError, match="the supercell '2,2' is neither"):
        supercell_multiples("2,2")
