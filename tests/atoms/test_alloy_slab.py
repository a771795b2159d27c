"""Alloys by formula in slabs: whole numbers closest to the formula, seeds, tilts, molecules on the A site."""

import numpy as np
import pytest

from qddft import QddftError, build_slab, charge_ledger
from qddft.atoms.contacts import vdw_radii


def _shares(slab):
    return slab.info["qddft"]["sublattices"]


@pytest.mark.parametrize("order", ["ordered", "random", "sqs"])
def test_shares_are_the_closest_whole_numbers_of_the_slab_itself(order):
    slab = build_slab("CsPb(Br0.67I0.33)3", layers=5, supercell="2x2", order=order)
    halides = slab.symbols.count("Br") + slab.symbols.count("I")
    assert halides == 32
    assert slab.symbols.count("I") == round(0.33 * halides)
    assert _shares(slab)["X"] == pytest.approx({"Br": 21 / 32, "I": 11 / 32}, abs=1e-5)
    assert slab.info["qddft"]["bulk"]["order"] == order
    assert charge_ledger(slab).total == 0


def test_a_thin_slab_keeps_the_rarer_cation():
    slab = build_slab("GA0.25Cs0.75PbI3", layers=5, supercell="sqrt2")
    assert _shares(slab)["A"] == {"Cs": 0.75, "GA": 0.25}
    assert [item["count"] for item in slab.info["qddft"]["molecules"]] == [1]
    assert charge_ledger(slab).is_neutral
    assert charge_ledger(slab).n_electrons == 3 * 9 + 6 * 14 + 16 * 7 + (4 + 3 * 5 + 6)


def test_seeds_decide():
    first, again, other = (build_slab("CsPb(Br0.5I0.5)3", layers=3, supercell="2x2", seed=s) for s in (1, 1, 2))
    assert (first.numbers == again.numbers).all()
    assert (first.numbers != other.numbers).any()


def test_layers_alternate_and_molecules_belong_to_the_layer_of_their_site():
    slab = build_slab("MA0.5Cs0.5PbBr3", layers=5, supercell="2x2", order="ordered")
    for number in range(1, 6):
        held = slab[slab.arrays["layer"] == number]
        assert held.symbols.count("Pb") == (4 if number % 2 else 0)
        assert held.symbols.count("Br") == (8 if number % 2 else 4)
        assert held.symbols.count("Cs") + held.symbols.count("C") == (0 if number % 2 else 4)
    assert set(slab.arrays["fragment"]) == {0}


def test_molecules_keep_clear_of_the_cage():
    slab = build_slab("FA0.5MA0.5PbI3", layers=3, supercell="2x2", seed=3)
    own = np.flatnonzero(np.isin(slab.get_chemical_symbols(), ("C", "N", "H")))
    cage = np.setdiff1d(np.arange(len(slab)), own)
    apart = slab.get_all_distances(mic=True)[np.ix_(own, cage)]
    radii = vdw_radii(slab.numbers)
    assert (apart / np.add.outer(radii[own], radii[cage])).min() > 0.6


def test_tilted_phase_in_a_cell_its_conventional_one_does_not_divide():
    options = {"phase": "orthorhombic", "lattice": "experiment", "layers": 5, "supercell": "2x2"}
    mixed, pure = (build_slab(name, **options) for name in ("CsPb(Br0.9I0.1)3", "CsPbBr3"))
    assert mixed.symbols.count("I") == round(0.1 * 32)
    # equal fractional places, the lattice a little wider: the tilts are those of the end member
    scale = mixed.cell.lengths()[:2] / pure.cell.lengths()[:2]
    assert scale == pytest.approx(scale[0] * np.ones(2), abs=0.01)
    assert scale[0] > 1


def test_normal_is_the_face_of_another_axis():
    options = {"phase": "orthorhombic", "lattice": "experiment", "layers": 3, "supercell": "2x2"}
    along = {axis: build_slab("CsPbBr3", normal=axis, **options).cell.lengths()[:2] for axis in "abc"}
    # in Pbnm the face across c is square, those across a and b have the doubled axis in them
    assert along["c"][0] == pytest.approx(along["c"][1])
    assert abs(along["a"][0] - along["a"][1]) > 0.05
    assert build_slab("CsPbBr3", normal="c", **options).cell.lengths() == pytest.approx(
        build_slab("CsPbBr3", **options).cell.lengths()
    )


@pytest.mark.parametrize(
    ("formula", "options", "message"),
    [
        ("CsPb(Br0.5I0.4)3", {}, "adds up to 2.7"),
        ("CsPb(Br0.5I0.5)3", {"order": "rand"}, "Did you mean 'random'"),
        ("CsPb(Br0.5I0.5)3", {"seed": -1}, "seed -1"),
        ("CsPb(Br0.99I0.01)3", {"layers": 3}, "take a supercell with 50 or more"),
        ("CsPb(Br0.5I0.5)3", {"layers": 4}, "odd number of layers"),
        ("CsPb(Br0.5I0.5)3", {"layers": "many"}, "whole number of atomic layers"),
        ("CsPb(Br0.5I0.5)3", {"termination": "PbCl2"}, "its halide is Br, I"),
        ("CsPbBr3", {"normal": "d"}, "pseudo-cubic axes a, b, c"),
        ("CsPbF3", {}, "unknown bulk 'CsPbF3'"),
        ("Cs0.5Pb0.5", {}, "adds up to"),
    ],
)
def test_what_is_no_alloy(formula, options, message):
    with pytest.raises(QddftError, match=message):
        build_slab(formula, **({"layers": 5, "supercell": "1x1"} | options))


def test_faces_of_a_mixture_go_by_either_halide():
    for name in ("PbX2", "PbBr2", "PbI2"):
        slab = build_slab("CsPb(Br0.5I0.5)3", termination=name, layers=3, supercell="2x2")
        assert slab.info["qddft"]["termination"]["top"] == "PbX2"
