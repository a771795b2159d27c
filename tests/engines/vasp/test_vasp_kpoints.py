"""KPOINTS: centering, density in supercells, the comment line."""

import numpy as np
import pytest
from ase.build import make_supercell

from qddft.atoms.bulk import build_bulk
from qddft.atoms.slab import build_slab
from qddft.engines.vasp.case import Case
from qddft.engines.vasp.kpoints import irreducible_points, make_kpoints
from qddft.levels.load import load_level
from qddft.levels.settings import Settings


def _kpoints(role, atoms, *, task="static", level="tao-pbe", supercell="1x1", part=False):
    resolved = load_level(level).resolved("vasp")
    return make_kpoints(Case(role=role, task=task, level=resolved, supercell=supercell, part_of_complex=part), atoms)


@pytest.mark.parametrize(
    ("supercell", "mesh"),
    [("1x1", (8, 8, 1)), ("2x2", (4, 4, 1)), ("sqrt2", (6, 6, 1)), ("2x1", (4, 8, 1)), ("4x4", (2, 2, 1))],
)
def test_mesh_is_divided_by_the_supercell(supercell, mesh, slab):
    kpoints = _kpoints("slab", slab, supercell=supercell)
    assert kpoints.kpts == [mesh]
    assert kpoints.style.name == "Gamma"


def test_mesh_of_a_3x3_cell_is_no_coarser_than_that_of_the_1x1_cell(slab):
    nx, ny, nz = _kpoints("slab", slab, supercell="3x3").kpts[0]
    assert 3 * nx >= 8
    assert (nx, nz) == (ny, 1)


@pytest.mark.parametrize("supercell", ["1x1", "2x2", "3x3", "sqrt2"])
def test_comment_names_both_meshes(supercell, slab):
    kpoints = _kpoints("slab", slab, supercell=supercell)
    here = "x".join(map(str, kpoints.kpts[0]))
    assert kpoints.comment.startswith(here)
    assert "8x8x1" in kpoints.comment
    assert "\n" not in kpoints.comment


def test_literal_monkhorst_pack_on_request(slab):
    kpoints = _kpoints("slab", slab, level="tao-pbe-literal-mp", supercell="2x2")
    assert kpoints.style.name == "Monkhorst"
    assert str(kpoints).splitlines()[2][0] == "M"
    assert kpoints.kpts == [(4, 4, 1)]


def test_literal_8x8_on_the_1x1_cell_and_4x4_on_the_2x2_cell_are_the_same_points():
    def points(count, fold):
        coordinates = (np.arange(count) + 0.5) / count - 0.5
        return {round(float(x * fold) % 1.0, 9) for x in coordinates}

    assert points(8, 2) == points(4, 1)


def test_even_literal_mesh_holds_neither_gamma_nor_the_corner():
    coordinates = {round(float(x), 9) for x in (np.arange(8) + 0.5) / 8 - 0.5}
    assert coordinates.isdisjoint({0.0, 0.5, -0.5})


def test_molecule_gets_gamma_only_even_at_a_literal_level(acetic_acid):
    kpoints = _kpoints("molecule", acetic_acid, level="tao-pbe-literal-mp")
    assert kpoints.kpts == [(1, 1, 1)]
    assert kpoints.style.name == "Gamma"


def test_part_of_a_complex_gets_the_mesh_of_the_whole(slab):
    whole = _kpoints("complex", slab, supercell="2x2")
    ligand = _kpoints("molecule", slab, supercell="2x2", part=True)
    assert ligand.kpts == whole.kpts


def test_relaxation_uses_its_own_mesh(slab):
    assert _kpoints("slab", slab, task="relax", supercell="2x2").kpts == [(3, 3, 1)]


def test_mesh_as_written_when_it_refers_to_the_cell(slab):
    resolved = load_level("tao-pbe").resolved("vasp")
    settings = Settings.model_validate(resolved["settings"] | {"kpoints_refer_to": "cell"})
    level = resolved | {"settings": settings.model_dump(mode="json")}
    kpoints = make_kpoints(Case(role="slab", task="static", level=level, supercell="2x2"), slab)
    assert kpoints.kpts == [(8, 8, 1)]
    assert "as stated for the cell" in kpoints.comment


def test_bulk_mesh_is_that_of_the_five_atom_cell():
    assert _kpoints("bulk", build_bulk("CsPbBr3")).kpts == [(8, 8, 8)]


def test_bulk_mesh_follows_the_cell():
    doubled = make_supercell(build_bulk("CsPbI3"), np.diag([2, 1, 1]))
    assert _kpoints("bulk", doubled).kpts == [(4, 8, 8)]


def test_bulk_mesh_of_the_orthorhombic_cell():
    # edges sqrt2 a, 2a, sqrt2 a of the pseudo-cubic edge: 8 / sqrt2 = 5.7 and 8 / 2 = 4
    rotated = make_supercell(build_bulk("CsPbBr3"), [[1, 0, 1], [0, 2, 0], [-1, 0, 1]])
    assert _kpoints("bulk", rotated).kpts == [(6, 4, 6)]


def test_kpoints_file_survives_pymatgen(tmp_path, slab):
    from pymatgen.io.vasp.inputs import Kpoints

    kpoints = _kpoints("slab", slab, supercell="2x2")
    (tmp_path / "KPOINTS").write_text(str(kpoints))
    assert Kpoints.from_file(tmp_path / "KPOINTS") == kpoints


def test_slab_info_gives_the_supercell(jobs):
    from qddft.engines.vasp.case import case_of

    assert case_of(jobs.slab).supercell == "2x2"
    assert case_of(jobs.slab_at_ads).supercell == "2x2"


def test_sqrt2_slab_is_denser_than_asked_never_coarser():
    slab = build_slab("CsPbBr3", layers=3, supercell="sqrt2")
    nx = _kpoints("slab", slab, supercell=slab.info["qddft"]["supercell"]).kpts[0][0]
    assert nx * 2**0.5 >= 8


@pytest.mark.parametrize(
    ("role", "scheme", "mesh", "count"),
    [
        ("bulk", "gamma", (4, 4, 4), 10),
        ("bulk", "monkhorst-pack", (4, 4, 4), 4),
        ("slab", "gamma", (8, 8, 1), 34),
        ("slab", "gamma", (3, 3, 1), 5),
        ("slab", "monkhorst-pack", (8, 8, 1), 32),
        ("slab", "monkhorst-pack", (3, 3, 1), 5),
        ("molecule", "gamma", (8, 8, 8), 1),
    ],
)
def test_points_that_symmetry_and_time_reversal_leave(role, scheme, mesh, count):
    """Cubic meshes as in the VASP manual; slabs use time reversal alone."""
    settings = load_level("tao-pbe").settings.model_copy(
        update={"kpoint_scheme": scheme, "kpoints_static": mesh, "kpoints_bulk": mesh}
    )
    level = load_level("tao-pbe").model_copy(update={"settings": settings}).resolved("vasp")
    atoms = build_bulk("CsPbBr3") if role == "bulk" else build_slab("CsPbBr3", layers=3, supercell=(1, 1))
    assert irreducible_points(Case(role, "static", level), atoms) == count


def test_spinors_use_no_symmetry_of_the_mesh():
    level = load_level("tao-pbe-soc").resolved("vasp")
    assert irreducible_points(Case("bulk", "static", level), build_bulk("CsPbBr3")) == 512
