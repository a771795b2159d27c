"""Sites of the faces: kinds, multiplicities, independence of the cell, agreement with pymatgen."""

import numpy as np
import pytest
from ase.build import bulk

from qddft.atoms.sites import find_sites
from qddft.atoms.slab import build_slab
from qddft.core.errors import PlacementError, StructureError

PBX2 = {"Pb-top": [1.0], "X-top": [2.0], "hollow": [1.0], "bridge": [4.0]}
CSX = {"Cs-top": [1.0], "X-top": [1.0], "hollow": [2.0], "bridge": [4.0]}


def counted(sites):
    kinds = {}
    for site in sites:
        kinds.setdefault(site.kind, []).append(site.multiplicity)
    return kinds


@pytest.mark.parametrize("face", ["top", "bottom"])
@pytest.mark.parametrize("vacuum", [5.0, 25.0])
@pytest.mark.parametrize("supercell", ["1x1", "1x2", "sqrt2", "2x2", "3x3"])
@pytest.mark.parametrize(("termination", "expected"), [("PbX2", PBX2), ("CsX", CSX)])
def test_sites_of_a_cubic_face_do_not_depend_on_the_cell(termination, expected, supercell, vacuum, face):
    slab = build_slab("CsPbBr3", termination=termination, layers=3, supercell=supercell, vacuum=vacuum)
    assert counted(find_sites(slab, face)) == expected


def test_sites_lie_on_their_atoms():
    slab = build_slab("CsPbI3", layers=3, supercell="2x2")
    for site in find_sites(slab, "bottom"):
        assert site.face == "bottom"
        if site.kind.endswith("-top"):
            np.testing.assert_allclose(site.position, slab.positions[site.atoms[0]], atol=1e-6)
        if site.kind == "hollow":
            np.testing.assert_allclose(site.position[:2], slab.positions[site.atoms[0]][:2], atol=1e-6)
            assert slab.symbols[site.atoms[0]] == "Cs"
        if site.kind == "bridge":
            assert {slab.symbols[i] for i in site.atoms} == {"Pb", "I"}


def test_the_representatives_are_the_ones_in_the_middle():
    slab = build_slab("CsPbBr3", layers=3, supercell="3x3")
    center = slab.cell.array[:2].sum(axis=0)[:2] / 2
    lead = find_sites(slab, kinds=("Pb-top",))[0]
    others = slab.positions[(slab.symbols == "Pb") & (slab.arrays["layer"] == 3), :2]
    assert np.linalg.norm(np.array(lead.position[:2]) - center) == pytest.approx(
        np.linalg.norm(others - center, axis=1).min()
    )


def test_a_tilted_face_has_more_distinct_sites():
    slab = build_slab("CsPbBr3", phase="orthorhombic", lattice="experiment", layers=3, supercell="sqrt2")
    found = find_sites(slab)
    cubic = find_sites(build_slab("CsPbBr3", layers=3, supercell="sqrt2"))
    assert len(found) > len(cubic)
    for kind, multiplicities in counted(found).items():
        assert sum(multiplicities) == sum(PBX2[kind])


def test_a_vacancy_splits_the_sites():
    slab = build_slab("CsPbBr3", layers=3, supercell="2x2")
    top = int(np.flatnonzero((slab.symbols == "Br") & (slab.arrays["layer"] == 3))[0])
    del slab[[top]]
    assert len(find_sites(slab)) > 4


def test_kinds_can_be_chosen():
    slab = build_slab("CsPbBr3", layers=3, supercell="1x1")
    assert [site.kind for site in find_sites(slab, kinds=("hollow",))] == ["hollow"]
    assert find_sites(slab, kinds=("Cs-top",)) == ()


def test_wrong_faces_and_structures_are_refused():
    slab = build_slab("CsPbBr3", layers=3, supercell="1x1")
    with pytest.raises(PlacementError, match=r"unknown face 'botom'. Did you mean 'bottom'"):
        find_sites(slab, "botom")
    with pytest.raises(StructureError, match="make it with build_slab"):
        find_sites(bulk("Cu", cubic=True))
    tipped = slab.copy()
    tipped.rotate(20, "x", rotate_cell=True)
    with pytest.raises(PlacementError, match="span the xy plane"):
        find_sites(tipped)


def _pymatgen_sites(slab):
    """Return AdsorbateSiteFinder's symmetry-distinct sites of the top face, lateral fractions of the 1x1 cell."""
    from pymatgen.analysis.adsorption import AdsorbateSiteFinder
    from pymatgen.core.surface import Slab
    from pymatgen.io.ase import AseAtomsAdaptor

    structure = AseAtomsAdaptor.get_structure(slab)
    as_slab = Slab(
        structure.lattice,
        structure.species,
        structure.frac_coords,
        miller_index=(0, 0, 1),
        oriented_unit_cell=structure,
        shift=0,
        scale_factor=np.eye(3, dtype=int),
    )
    found = AdsorbateSiteFinder(as_slab, height=0.9).find_adsorption_sites(distance=0.0)
    inverse = np.linalg.inv(slab.cell.array[:2, :2])
    return {kind: [np.array(p)[:2] @ inverse for p in found[kind]] for kind in ("ontop", "bridge", "hollow")}


def _folded(fractions, a_site):
    """Return a lateral place of the square face in its irreducible triangle, from the B site, in edges."""
    x, y = np.abs((np.asarray(fractions) - a_site + 0.5) % 1.0 - 0.5)
    return tuple(sorted((round(float(x), 3), round(float(y), 3))))


@pytest.fixture(scope="module", params=["PbX2", "CsX"])
def both_ways(request):
    slab = build_slab("CsPbBr3", termination=request.param, layers=5, supercell="2x2")
    ours = {}
    edge = slab.cell[0, 0] / 2
    lead = slab.positions[slab.symbols == "Pb"][0][:2] / edge
    for site in find_sites(slab):
        ours.setdefault(site.kind, set()).add(_folded(np.array(site.position[:2]) / edge, lead))
    theirs = {kind: {_folded(2 * place, lead) for place in places} for kind, places in _pymatgen_sites(slab).items()}
    return request.param, ours, theirs


def test_pymatgen_finds_the_same_places_above_atoms(both_ways):
    _, ours, theirs = both_ways
    assert theirs["ontop"] == set().union(*(ours[kind] for kind in ours if kind.endswith("-top")))


def test_what_pymatgen_calls_a_bridge_is_our_bridge_and_our_hollow(both_ways):
    termination, ours, theirs = both_ways
    # it triangulates the face: the diagonal of a square of atoms, drawn as a bridge, has our hollow for its middle, and
    # the triangles that are left have no middle that it would tell from one of these
    known = ours["bridge"] | ours["hollow"]
    # the middle of two X of a PbX2 face: a bridge of like ions, which nothing that we attach would bind to
    like_ions = {(0.25, 0.25)} if termination == "PbX2" else set()
    assert theirs["bridge"] == known | like_ions
    assert theirs["hollow"] == set()
