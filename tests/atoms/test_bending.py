"""Molecules that have to bend for a face: two far groups on one Pb, four chains around one head."""

import numpy as np
import pytest

from qddft import attach, build_slab, check_complex, get_ligand
from qddft.atoms.geometry import fits_graph
from qddft.core.errors import PlacementError

LEAD = build_slab("CsPbBr3", layers=3, supercell=(4, 4))
CESIUM = build_slab("CsPbI3", termination="CsX", layers=3, supercell=(4, 4))


def nearest(complex_, own, surface):
    """Return the shortest distance of atoms of the ligand from atoms of the slab, Angstrom."""
    fragment = complex_.arrays["fragment"]
    theirs = [i for i in complex_.symbols.search(surface) if fragment[i] == 0]
    return min(complex_.get_distances(i, theirs, mic=True).min() for i in complex_.symbols.search(own) if fragment[i])


@pytest.mark.parametrize(
    ("smiles", "mode", "length", "donor"),
    [
        ("NCCCCCCCCCCCCN", "bidentate", 2.65, "N"),
        ("NCCCCCCCCCCCCN", "bridging", 2.65, "N"),
        ("SCCCCCCCCCCS", "bridging", 3.03, "S"),
        ("[O-]C(=O)CCCCCCCCC(=O)[O-]", "bridging", 2.54, "O"),
    ],
)
def test_long_molecules_with_two_ends_reach_without_stretched_bonds(smiles, mode, length, donor):
    ligand = get_ligand(smiles)
    complex_ = attach(LEAD, ligand, mode=mode)
    (entry,) = complex_.info["qddft"]["fragments"][1:]
    for anchor, (site,), (distance,) in zip(entry["anchors"], entry["sites"], entry["distances"], strict=True):
        assert complex_.get_distance(anchor, site, mic=True) == pytest.approx(distance, abs=1e-4)
        assert distance < 1.1 * length
    assert nearest(complex_, "C", "Br") > 2.7
    assert nearest(complex_, donor, "Br") > 2.5
    assert entry["conformer"] is None
    own = complex_[complex_.arrays["fragment"] == 1]
    assert fits_graph(own.numbers, own.positions, sorted(ligand.graph))
    assert check_complex(complex_, complex_).bound


def test_an_ammonium_with_two_chains_takes_the_place_of_cesium():
    complex_ = attach(CESIUM, get_ligand("CCCCCCCCCCCC[N+](C)(C)CCCCCCCCCCCC"), mode="A-site")
    (entry,) = complex_.info["qddft"]["fragments"][1:]
    (removed,) = complex_.info["qddft"]["removed"]
    lifted = complex_.positions[entry["anchors"][0]] - removed["position"]
    assert np.linalg.norm(lifted) < 1.0
    assert nearest(complex_, "C", "I") > 2.9


@pytest.mark.parametrize("slab", [LEAD, CESIUM], ids=["PbX2", "CsX"])
def test_an_ammonium_with_four_chains_finds_room_over_a_halide(slab):
    complex_ = attach(slab, get_ligand("CCCCCCCC[N+](CCCCCCCC)(CCCCCCCC)CCCCCCCC"))
    (entry,) = complex_.info["qddft"]["fragments"][1:]
    assert entry["distances"][0][0] < 4.3


def test_seeds_decide_and_a_chosen_conformer_stays_as_it_is():
    ligand = get_ligand("NCCCCCCCCCCCCN")
    first, again = (attach(LEAD, ligand, mode="bridging", seed=2) for _ in range(2))
    assert np.array_equal(first.positions, again.positions)
    with pytest.raises(PlacementError, match="bridging"):
        attach(LEAD, ligand, mode="bridging", conformer=0)


@pytest.mark.parametrize(
    ("smiles", "mode", "message"),
    [
        ("C[N+](C)(C)CCCS(=O)(=O)[O-]", "X-site", "zwitterion.*atop, bidentate or bridging"),
        ("[NH3+]CC(=O)[O-]", "A-site", "zwitterion.*atop, bidentate or bridging"),
        ("CCCC[N+](C)(C)C.[Br-]", "A-site", "ion pair binds as ion-pair"),
        ("CN", "X-site", "use the anion"),
    ],
)
def test_molecules_with_both_charges_are_told_what_goes_instead(smiles, mode, message):
    with pytest.raises(PlacementError, match=message):
        attach(CESIUM, get_ligand(smiles), mode=mode)
