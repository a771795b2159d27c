import numpy as np
import pytest
import spglib
from hypothesis import given, settings
from hypothesis import strategies as st

from qddft.atoms.alloy import build_alloy, vegard
from qddft.atoms.alloy_order import first_shell_order, site_counts
from qddft.atoms.bulk import build_bulk
from qddft.atoms.charge import charge_ledger
from qddft.atoms.composition import parse_composition
from qddft.atoms.slab import build_slab
from qddft.atoms.vacancy import find_vacancies
from qddft.core.errors import StructureError


@pytest.mark.parametrize("order", ["ordered", "random", "sqs"])
def test_mixed_halides_have_the_composition_and_the_vegard_lattice(order):
    alloy = build_alloy("CsPb(Br0.5I0.5)3", order=order, seed=3)
    assert alloy.get_chemical_formula() == "Br12Cs8I12Pb8"
    assert alloy.cell.lengths() == pytest.approx([2 * (6.00 + 6.39) / 2] * 3)
    description = alloy.info["qddft"]["bulk"]
    assert description["formula"] == description["asked"] == "CsPb(Br0.5I0.5)3"
    assert (description["order"], description["seed"]) == (order, 3)
    assert description["source"] == "Vegard over the halides: 0.5 x CsPbBr3 (6) + 0.5 x CsPbI3 (6.39)"
    again = build_alloy("CsPb(Br0.5I0.5)3", order=order, seed=3)
    assert again == alloy
    assert again.info == alloy.info


def test_seeds_matter_for_random_and_not_for_ordered():
    first, second = (build_alloy("CsPb(Br0.5I0.5)3", order="random", seed=s) for s in (0, 1))
    assert list(first.symbols) != list(second.symbols)
    first, second = (build_alloy("CsPb(Br0.5I0.5)3", order="ordered", seed=s) for s in (0, 1))
    assert list(first.symbols) == list(second.symbols)


def test_quasirandom_is_no_less_random_than_shuffling():
    sqs = build_alloy("CsPb(Br0.5I0.5)3", order="sqs").info["qddft"]["bulk"]["first_shell_order"]["X"]
    shuffled = [
        abs(build_alloy("CsPb(Br0.5I0.5)3", seed=s).info["qddft"]["bulk"]["first_shell_order"]["X"]) for s in range(5)
    ]
    assert abs(sqs) == pytest.approx(0.0, abs=1e-9)
    assert abs(sqs) <= min(shuffled) + 1e-9


def test_ordered_prefers_unlike_neighbors():
    alloy = build_alloy("CsPb(Br0.5I0.5)3", order="ordered")
    assert alloy.info["qddft"]["bulk"]["first_shell_order"]["X"] < 0
    # one I in three: every Pb has the same share
    third = build_alloy("CsPbBr2I", order="ordered")
    leads = np.flatnonzero(third.symbols == "Pb")
    iodine = np.flatnonzero(third.symbols == "I")
    near = [(third.get_distances(int(i), iodine, mic=True) < 3.5).sum() for i in leads]
    assert sum(near) == 2 * len(iodine)


def test_composition_reached_is_said_and_decides_the_lattice():
    alloy = build_alloy("CsPb(Br0.9I0.1)3")
    description = alloy.info["qddft"]["bulk"]
    assert description["asked"] == "CsPb(Br0.9I0.1)3"
    assert description["formula"] == "CsPb(Br0.9167I0.0833)3"
    assert description["a"] == pytest.approx(6.00 + 2 / 24 * 0.39)


@settings(max_examples=60, deadline=None)
@given(st.integers(8, 200), st.lists(st.floats(0.1, 1.0), min_size=1, max_size=4))
def test_site_counts_add_up_and_are_the_nearest(n_sites, weights):
    fractions = {name: w / sum(weights) for name, w in zip("ABCD", weights, strict=False)}
    if min(fractions.values()) * n_sites < 1.0:
        return
    counts = site_counts(fractions, n_sites, "X")
    assert sum(counts.values()) == n_sites
    assert all(abs(counts[name] - fractions[name] * n_sites) < 1.0 for name in fractions)


def test_a_pure_compound_is_the_crystal_itself():
    alloy = build_alloy("CsPbI3", supercell=(1, 1, 1))
    assert alloy.positions == pytest.approx(build_bulk("CsPbI3").positions)
    assert alloy.info["qddft"]["bulk"]["first_shell_order"] == {}


def test_orthorhombic_alloys_keep_the_tilts():
    alloy = build_alloy("CsPb(Br0.5I0.5)3", phase="orthorhombic", lattice="experiment", supercell=(1, 1, 1))
    mean = np.mean([[8.198, 8.244, 11.735], [8.5766, 8.8561, 12.4722]], axis=0)
    assert alloy.cell.lengths() == pytest.approx(mean, abs=1e-6)
    alike = alloy.copy()
    alike.symbols[alike.symbols == "Br"] = "I"
    cell = (alike.cell.array, alike.get_scaled_positions(), alike.numbers)
    assert spglib.get_symmetry_dataset(cell, symprec=1e-3).number == 62
    assert vegard(parse_composition("CsPbI3"), "orthorhombic", "experiment")[0] == (8.5766, 8.8561, 12.4722)


@pytest.mark.parametrize("cation", ["MA", "FA", "GA", "NH4", "TMA"])
def test_molecular_cations_fit_into_the_cage(cation):
    alloy = build_alloy(f"Cs0.875{cation}0.125PbI3", lattice=6.4, seed=2)
    (record,) = alloy.info["qddft"]["molecules"]
    assert (record["symbol"], record["charge"], record["count"]) == (cation, 1, 1)
    organic = np.isin(alloy.symbols, ["C", "N", "H"])
    apart = alloy.get_all_distances(mic=True)
    assert apart[np.ix_(organic, ~organic)].min() > 2.0
    assert alloy.symbols.count("Cs") == 7
    # the molecule sits where the cesium was: its centroid is an A site of the cubic crystal
    center = alloy.positions[organic].mean(axis=0) / 6.4 % 1.0
    assert center == pytest.approx([0.5] * 3, abs=1e-4)
    assert alloy.info["qddft"]["bulk"]["source"] == "given by user"


def test_the_missing_size_of_molecules_is_said():
    alloy = build_alloy("Cs0.75GA0.25PbI3")
    assert "molecular cations are not averaged in" in alloy.info["qddft"]["bulk"]["note"]
    assert alloy.info["qddft"]["bulk"]["a"] == 6.39


@pytest.mark.parametrize("termination", ["PbX2", "CsX"])
def test_slabs_of_alloys_keep_molecules_whole_and_are_neutral(termination):
    crystal = build_alloy("Cs0.75GA0.25Pb(I0.75Br0.25)3", order="random", seed=4)
    slab = build_slab(crystal, termination=termination, layers=5, supercell=(2, 2), fixed_layers=2, vacuum=12.0)
    description = slab.info["qddft"]
    guanidinium = next(iter(description["molecules"]), {"count": 0})
    assert slab.symbols.count("N") == 3 * guanidinium["count"]
    carbon = np.flatnonzero(slab.symbols == "C")
    for index in carbon:
        assert (slab.get_distances(int(index), slab.symbols == "N", mic=True) < 1.5).sum() == 3
    assert slab.cell[2, 2] == pytest.approx(np.ptp(slab.positions[:, 2]) + 12.0)
    assert len(slab.constraints[0].index) == (slab.arrays["layer"] <= 2).sum()
    ledger = charge_ledger(slab)
    assert ledger.total == 0
    assert ledger.n_electrons % 2 == 0
    shares = description["sublattices"]
    assert sum(shares["X"].values()) == pytest.approx(1.0, abs=1e-5)
    cesium, molecules = slab.symbols.count("Cs"), guanidinium["count"]
    assert shares["A"]["Cs"] == pytest.approx(cesium / (cesium + molecules), abs=1e-5)


def test_ledger_of_a_vacancy_in_an_alloy_slab():
    crystal = build_alloy("Cs0.75GA0.25PbI3", order="ordered")
    slab = build_slab(crystal, layers=3, supercell=(2, 2))
    vacancy = find_vacancies(slab, "I")[0]
    assert charge_ledger(vacancy.atoms).total == vacancy.formal_charge == 1
    with pytest.raises(StructureError, match="N belongs to a molecular cation of the slab"):
        find_vacancies(slab, "N")


def test_a_hybrid_crystal_given_by_the_user_is_cut_between_molecules():
    crystal = build_alloy("FAPbI3", lattice=6.36, supercell=(1, 1, 1))
    crystal.info = {}
    crystal.wrap()
    slab = build_slab(crystal, layers=5, supercell=(2, 2), termination="CsX")
    assert slab.get_chemical_formula() == "C12H60I28N24Pb8"
    assert slab.info["qddft"]["molecules"] == [
        {"name": "CH5N2", "symbol": "CH5N2", "charge": 1, "formula": "CH5N2", "count": 12}
    ]
    assert charge_ledger(slab).total == 0


def test_first_shell_order_of_known_patterns():
    rocksalt = build_bulk("CsPbI3") * (2, 2, 2)
    sites = rocksalt[rocksalt.symbols == "Cs"]
    parity = ["Cs" if round(sum(p) / 6.39 - 1.5) % 2 else "Rb" for p in sites.positions]
    # every neighbor is unlike: P = 1, x = 1/2, alpha = -1
    assert first_shell_order(sites, parity, kind="A", edge=6.39) == pytest.approx(-1.0)
    layered = ["Cs" if p[2] < 6 else "Rb" for p in sites.positions]
    assert first_shell_order(sites, layered, kind="A", edge=6.39) == pytest.approx(1 - (1 / 3) / 0.5, abs=1e-5)


@pytest.mark.parametrize(
    ("formula", "options", "message"),
    [
        ("CsPb(Br0.5I0.5)3", {"order": "randm"}, "Did you mean 'random'"),
        ("CsPb(Br0.5I0.5)3", {"supercell": (2, 2)}, "three positive whole numbers"),
        ("CsPb(Br0.5I0.5)3", {"supercell": (0, 2, 2)}, "three positive whole numbers"),
        ("CsPb(Br0.5I0.5)3", {"seed": -1}, "seed -1"),
        ("CsPb(Br0.99I0.01)3", {"supercell": (1, 1, 1)}, "3 sites are too few for 0.01 I; take a supercell with 50"),
        ("CsSnI3", {}, "only lead has end members"),
        ("RbPbI3", {}, "Rb has no end member"),
        ("CsPb(Br0.5I0.5)3", {"lattice": "experiment"}, "no 'experiment' lattice"),
        ("CsPb(Br0.5I0.5)3", {"phase": "tetragonal"}, "no sourced P4/mbm cell"),
        ("CsPb(Br0.5F0.5)3", {}, "unknown bulk 'CsPbF3'"),
    ],
)
def test_wrong_options(formula, options, message):
    with pytest.raises(StructureError, match=message):
        build_alloy(formula, **options)
