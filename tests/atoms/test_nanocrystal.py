"""Nanocrystals: numbers of ions by formula, charges, symmetry, tilts and what users get wrong."""

from collections import Counter

import numpy as np
import pytest
from ase import Atoms
from hypothesis import given, settings
from hypothesis import strategies as st

import qddft
from qddft.atoms.blocks import Frame, exposure, outward
from qddft.core.errors import StructureError

CHARGES = {"Cs": 1, "Pb": 2, "Cl": -1, "Br": -1, "I": -1}
SIZES = [(1, 1, 1), (2, 2, 2), (3, 2, 1), (3, 5, 7), (4, 4, 4), (5, 3, 3)]


def whole(dot: Atoms) -> Atoms:
    """Put the ions back that were left out."""
    gone = dot.info["qddft"]["removed"]
    full = Atoms(dot.get_chemical_symbols(), dot.positions)
    return full + Atoms([item["symbol"] for item in gone], [item["position"] for item in gone])


def expected(cells: tuple[int, int, int], faces: str) -> dict[str, int]:
    """Count the ions of a cuboid that nothing was taken from, by hand."""
    n, m, k = cells
    if faces == "CsX":
        return {
            "Pb": n * m * k,
            "Cs": (n + 1) * (m + 1) * (k + 1),
            "I": (n + 1) * m * k + n * (m + 1) * k + n * m * (k + 1),
        }
    return {
        "Pb": (n + 1) * (m + 1) * (k + 1),
        "Cs": n * m * k,
        "I": n * (m + 1) * (k + 1) + (n + 1) * m * (k + 1) + (n + 1) * (m + 1) * k,
    }


def total_charge(atoms: Atoms) -> int:
    return sum(CHARGES[symbol] for symbol in atoms.get_chemical_symbols())


@pytest.mark.parametrize("faces", ["CsX", "PbX2"])
@pytest.mark.parametrize("cells", SIZES)
def test_ions_are_counted_by_formula(cells: tuple[int, int, int], faces: str) -> None:
    dot = qddft.build_nanocrystal("CsPbI3", size=cells, faces=faces)
    assert dict(Counter(whole(dot).get_chemical_symbols())) == expected(cells, faces)


@pytest.mark.parametrize("faces", ["CsX", "PbX2"])
@pytest.mark.parametrize("cells", SIZES)
def test_the_excess_charge_grows_with_the_edges_only(cells: tuple[int, int, int], faces: str) -> None:
    dot = qddft.build_nanocrystal("CsPbI3", size=cells, faces=faces)
    assert total_charge(whole(dot)) == sum(cells) + (1 if faces == "CsX" else 2)
    assert total_charge(dot) == 0


@settings(max_examples=25, deadline=None)
@given(
    cells=st.tuples(*(st.integers(1, 6) for _ in range(3))),
    faces=st.tuples(*(st.sampled_from(["CsX", "PbX2"]) for _ in range(3))),
    seed=st.integers(0, 50),
)
def test_every_nanocrystal_is_neutral(cells: tuple[int, int, int], faces: tuple[str, str, str], seed: int) -> None:
    dot = qddft.build_nanocrystal("CsPbBr3", size=cells, faces=faces, seed=seed)
    ledger = qddft.charge_ledger(dot)
    assert total_charge(dot) == ledger.total == 0
    assert ledger.n_electrons == sum({"Cs": 9, "Pb": 14, "Br": 7}[symbol] for symbol in dot.get_chemical_symbols())
    assert dot.info["qddft"]["faces"] == dict(zip("abc", faces, strict=True))


@pytest.mark.parametrize("faces", ["CsX", "PbX2"])
@pytest.mark.parametrize("cells", [(2, 2, 2), (3, 3, 3), (4, 4, 4), (3, 4, 5)])
def test_a_whole_cuboid_has_the_symmetry_of_its_edges(cells: tuple[int, int, int], faces: str) -> None:
    full = whole(qddft.build_nanocrystal("CsPbI3", size=cells, faces=faces))
    turns = [np.diag(signs) for signs in ((-1, 1, 1), (1, -1, 1), (1, 1, -1))]
    if len(set(cells)) == 1:
        turns.append(np.eye(3)[[1, 2, 0]])
    for turn in turns:
        moved = full.positions @ turn.T
        apart = np.linalg.norm(full.positions[:, None] - moved[None], axis=2)
        assert apart.min(axis=0).max() < 1e-6
        partner = apart.argmin(axis=0)
        assert (full.numbers[partner] == full.numbers).all()


@pytest.mark.parametrize("faces", ["CsX", "PbX2"])
@pytest.mark.parametrize("cells", [(2, 2, 2), (3, 3, 3), (4, 4, 4), (7, 7, 7), (8, 8, 8), (3, 5, 7)])
def test_what_is_left_out_leaves_no_dipole(cells: tuple[int, int, int], faces: str) -> None:
    dot = qddft.build_nanocrystal("CsPbI3", size=cells, faces=faces)
    charges = np.array([CHARGES[symbol] for symbol in dot.get_chemical_symbols()])
    assert np.linalg.norm(charges @ dot.positions) < 1e-6


def test_corners_go_before_edges() -> None:
    for cells in ((4, 4, 4), (8, 8, 8), (3, 5, 7)):
        for faces in ("CsX", "PbX2"):
            gone = qddft.build_nanocrystal("CsPbI3", size=cells, faces=faces).info["qddft"]["removed"]
            where = Counter(item["why"].split(", ")[1].split()[0] for item in gone)
            assert where["face"] == where["inside"] == 0
            assert where["corner"] >= 6


def test_with_csx_faces_only_cs_is_left_out_and_every_octahedron_is_whole() -> None:
    dot = qddft.build_nanocrystal("CsPbI3", size=(4, 3, 3), faces="CsX")
    assert {item["symbol"] for item in dot.info["qddft"]["removed"]} == {"Cs"}
    assert set(halides_around_lead(dot)) == {6}


def test_with_pbx2_faces_lead_is_five_fold_on_faces_and_four_fold_on_edges() -> None:
    n = 5
    dot = qddft.build_nanocrystal("CsPbI3", size=(n, n, n), faces="PbX2")
    gone = sum(item["symbol"] == "Pb" for item in dot.info["qddft"]["removed"])
    assert Counter(halides_around_lead(dot)) == Counter(
        {6: (n - 1) ** 3, 5: 6 * (n - 1) ** 2, 4: 12 * (n - 1)} | ({3: 8 - gone} if gone < 8 else {})
    )


def halides_around_lead(dot: Atoms) -> list[int]:
    symbols = np.array(dot.get_chemical_symbols())
    apart = np.linalg.norm(dot.positions[symbols == "Pb"][:, None] - dot.positions[symbols == "I"][None], axis=2)
    return [int(n) for n in (apart < 3.6).sum(axis=1)]


@pytest.mark.parametrize(
    ("formula", "phase", "shortest"),
    [("CsPbI3", "cubic", 3.19), ("CsPbBr3", "orthorhombic", 2.9), ("CsPbCl3", "cubic", 2.8)],
)
def test_no_two_ions_are_closer_than_in_the_crystal(formula: str, phase: str, shortest: float) -> None:
    lattice = "pbe" if phase == "cubic" else "experiment"
    dot = qddft.build_nanocrystal(formula, size=(3, 5, 7), phase=phase, lattice=lattice)
    apart = np.linalg.norm(dot.positions[:, None] - dot.positions[None], axis=2)
    assert apart[np.triu_indices(len(dot), k=1)].min() > shortest


def test_tilts_are_those_of_the_crystal() -> None:
    bulk = qddft.build_bulk("CsPbBr3", phase="orthorhombic", lattice="experiment")
    dot = qddft.build_nanocrystal(bulk, size=(3, 3, 4))
    symbols = np.array(dot.get_chemical_symbols())
    lead, halide = dot.positions[symbols == "Pb"], dot.positions[symbols == "Br"]
    found = np.sort(np.linalg.norm(lead[:, None] - halide[None], axis=2), axis=1)[:, :6]
    in_bulk = bulk.get_all_distances(mic=True)[bulk.symbols == "Pb"][:, bulk.symbols == "Br"]
    # the bulk cell is two octahedra wide: each Pb sees its six neighbors among the nearest images
    allowed = np.unique(np.round(np.sort(in_bulk, axis=1)[:, :6], 3))
    assert {round(float(value), 3) for value in found.ravel()} <= set(allowed.tolist())


def test_size_in_nm_is_rounded_to_cells() -> None:
    dot = qddft.build_nanocrystal("CsPbI3", size="5nm")
    assert dot.info["qddft"]["cells"] == [8, 8, 8]
    assert dot.info["qddft"]["edges_nm"] == pytest.approx([5.112] * 3)
    span = np.ptp(dot.positions, axis=0) / 10
    assert span == pytest.approx([5.112] * 3)
    same = qddft.build_nanocrystal("CsPbI3", size=5.0)
    assert (same.positions == dot.positions).all()


def test_sizes_may_differ_along_the_axes() -> None:
    dot = qddft.build_nanocrystal("CsPbCl3", size="2x3x4")
    assert dot.info["qddft"]["cells"] == [2, 3, 4]
    assert qddft.build_nanocrystal("CsPbCl3", size="1.2x1.8x2.4nm").info["qddft"]["cells"] == [2, 3, 4]


def test_layers_count_planes_along_c_and_the_middle_is_the_origin() -> None:
    dot = qddft.build_nanocrystal("CsPbI3", size=(2, 2, 3))
    assert sorted(set(dot.arrays["layer"])) == list(range(1, 8))
    assert not dot.pbc.any()
    full = whole(dot)
    assert full.positions.max(axis=0) == pytest.approx(-full.positions.min(axis=0))


def test_seeds_repeat() -> None:
    one, two = (qddft.build_nanocrystal("CsPbI3", size=(4, 4, 4), seed=3) for _ in range(2))
    assert (one.positions == two.positions).all()
    assert one.info == two.info


def test_mixed_halides_have_the_composition_asked_for() -> None:
    dot = qddft.build_nanocrystal("CsPb(Br0.5I0.5)3", size=(3, 3, 3))
    held = Counter(dot.get_chemical_symbols())
    assert held["Br"] == held["I"] == 54
    assert dot.info["qddft"]["bulk"]["asked"] == "CsPb(Br0.5I0.5)3"
    assert qddft.charge_ledger(dot).is_neutral


def test_molecular_cations_are_counted() -> None:
    dot = qddft.build_nanocrystal("MA0.5Cs0.5PbI3", size=(2, 2, 1))
    ledger = qddft.charge_ledger(dot)
    assert ledger.is_neutral
    assert dot.info["qddft"]["molecules"][0]["count"] == dot.get_chemical_symbols().count("N")


def test_a_crystal_of_molecular_cations_alone_is_neutral_too() -> None:
    crystal = qddft.build_alloy("MAPbI3", supercell=(1, 1, 1))
    dot = qddft.build_nanocrystal(crystal, size=(2, 2, 2))
    assert qddft.charge_ledger(dot).is_neutral
    assert {item["symbol"] for item in dot.info["qddft"]["removed"]} == {"MA"}
    assert dot.get_chemical_symbols().count("N") == 27 - 7


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"size": 0}, "all of them positive"),
        ({"size": (3, 3)}, "give cells as whole numbers"),
        ({"size": "abc"}, "give cells as whole numbers"),
        ({"size": "5nmx3"}, "give cells as whole numbers"),
        ({"size": True}, "give cells as whole numbers"),
        ({"size": -2.0}, "all of them positive"),
        ({"size": float("nan")}, "all of them positive"),
        ({"size": "0.2nm"}, "less than half a cell"),
        ({"size": 40}, "built up to 15 nm"),
        ({"size": "20nm"}, "built up to 15 nm"),
        ({"size": 2.0, "faces": "PbO"}, "faces of \\(001\\) are PbX2 and CsX"),
        ({"size": 2.0, "faces": "PbBr2"}, "no such face"),
        ({"size": 2.0, "faces": ("CsX", "PbX2")}, "three names"),
        ({"size": 2.0, "faces": None}, "three names"),
        ({"size": None}, "give cells as whole numbers"),
        ({"size": 2.0, "seed": -1}, "whole number, 0 or more"),
        ({"size": 2.0, "seed": "a"}, "whole number, 0 or more"),
        ({"size": 2.0, "phase": "delta", "lattice": "experiment"}, "no pseudo-cubic"),
    ],
)
def test_errors_name_the_remedy(options: dict[str, object], message: str) -> None:
    with pytest.raises(StructureError, match=message):
        qddft.build_nanocrystal("CsPbI3", **options)  # type: ignore[arg-type]


def test_a_crystal_that_is_no_perovskite_is_refused() -> None:
    with pytest.raises(StructureError, match="no formula and no ase"):
        qddft.build_nanocrystal(5, size=2)  # type: ignore[arg-type]
    rocksalt = Atoms("PbI", scaled_positions=[(0, 0, 0), (0.5, 0.5, 0.5)], cell=[6.2] * 3, pbc=True)
    with pytest.raises(StructureError, match="no ABX3 perovskite"):
        qddft.build_nanocrystal(rocksalt, size=2)


def test_exposure_counts_faces_and_cs_below_a_pbx2_face_has_corners_of_its_own() -> None:
    frame = Frame(np.eye(3), np.zeros(3), np.array([0, 0, 0]), np.array([4, 4, 4]))
    places = np.array([(0, 0, 0), (0, 0, 2), (0, 2, 2), (2, 2, 2), (1, 1, 1), (1, 1, 3), (4, 1, 2)])
    assert exposure(places, frame).tolist() == [3, 2, 1, 0, 3, 3, 1]
    assert outward(places, frame)[0].tolist() == [-1, -1, -1]
