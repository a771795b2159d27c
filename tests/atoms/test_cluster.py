"""Clusters cut from slabs: neutral, the same with and without a ligand, and a real GFN2-xTB energy."""

from functools import cache

import numpy as np
import pytest
from ase import Atoms

import qddft
from qddft.atoms.fragments import component
from qddft.core.errors import PlacementError, StructureError

CHARGES = {"Cs": 1, "Pb": 2, "Br": -1, "I": -1}
VALENCE = {"H": 1, "C": 4, "N": 5, "O": 6, "Cs": 9, "Pb": 14, "Br": 7, "I": 7}


@cache
def slab(termination: str = "PbX2", supercell: str = "4x4", layers: int = 3) -> Atoms:
    return qddft.build_slab("CsPbBr3", termination=termination, layers=layers, supercell=supercell)


@cache
def complex_(name: str, mode: str, termination: str = "PbX2") -> Atoms:
    return qddft.attach(slab(termination), qddft.get_ligand(name), mode=mode)


def expected(n: int, m: int, planes: str) -> dict[str, int]:
    """Count the ions of a whole block by hand; planes are P for PbX2 and C for CsX."""
    p, c = planes.count("P"), planes.count("C")
    return {"Pb": n * m * p, "Cs": (n + 1) * (m + 1) * c, "Br": ((n + 1) * m + n * (m + 1)) * p + n * m * c}


@pytest.mark.parametrize("cells", [(1, 1), (2, 2), (3, 2), (3, 3), (4, 4)])
@pytest.mark.parametrize(("termination", "layers"), [("PbX2", 1), ("PbX2", 2), ("PbX2", 3), ("CsX", 2), ("CsX", 3)])
def test_ions_are_counted_by_formula_and_add_up_to_zero(cells: tuple[int, int], termination: str, layers: int) -> None:
    cut = qddft.cut_cluster(slab(termination), cells=cells, layers=layers)
    planes = ("PCP" if termination == "PbX2" else "CPC")[:layers]
    gone = [item["symbol"] for item in cut.info["qddft"]["removed"]]
    held = cut.get_chemical_symbols() + gone
    assert {symbol: held.count(symbol) for symbol in ("Pb", "Cs", "Br")} == expected(*cells, planes)
    assert sum(CHARGES[symbol] for symbol in cut.get_chemical_symbols()) == 0
    assert qddft.charge_ledger(cut).n_electrons == sum(VALENCE[symbol] for symbol in cut.get_chemical_symbols())
    assert not cut.pbc.any()


@pytest.mark.parametrize(
    ("name", "mode", "termination"),
    [
        ("acetic acid", "atop", "PbX2"),
        ("acetic acid", "atop", "CsX"),
        ("acetate", "X-site", "PbX2"),
        ("acetate", "X-site", "CsX"),
        ("C[NH3+]", "A-site", "CsX"),
        ("cesium acetate", "ion-pair", "PbX2"),
    ],
)
@pytest.mark.parametrize("cells", [None, 3])
def test_complex_and_clean_slab_give_the_same_cluster(
    name: str, mode: str, termination: str, cells: int | None
) -> None:
    whole = qddft.cut_cluster(complex_(name, mode, termination), cells=cells)
    told = whole.info["qddft"]
    clean = qddft.cut_cluster(slab(termination), cells=told["cells"], site=told["site"])
    assert qddft.charge_ledger(whole).is_neutral
    own = component(whole, 0)
    apart = np.linalg.norm(own.positions[:, None] - clean.positions[None], axis=2)
    assert apart.min(axis=1).max() < 1e-6
    replaced = sum("fragment" in item["why"] for item in told["removed"])
    assert len(clean) - len(own) == replaced == (0 if mode in ("atop", "ion-pair") else 1)
    entry = told["fragments"][1]
    for anchor, sites, distances in zip(entry["anchors"], entry["sites"], entry["distances"], strict=False):
        for site, distance in zip(sites, distances, strict=True):
            assert np.linalg.norm(whole.positions[anchor] - whole.positions[site]) == pytest.approx(distance, abs=1e-5)


def test_the_ligand_is_whole_and_its_site_in_the_middle() -> None:
    found = complex_("acetic acid", "atop")
    cut = qddft.cut_cluster(found)
    before, after = component(found, 1), component(cut, 1)
    assert np.ptp(after.positions - before.positions, axis=0).max() < 1e-9
    site = cut.info["qddft"]["fragments"][1]["sites"][0][0]
    assert cut.positions[site] == pytest.approx([0, 0, 0], abs=1e-9)
    assert cut.info["qddft"]["cells"] == [3, 3]


def test_what_is_left_out_lies_on_the_rim_far_from_the_site() -> None:
    cut = qddft.cut_cluster(complex_("acetic acid", "atop"), cells=3)
    gone = cut.info["qddft"]["removed"]
    assert len(gone) == 5
    for item in gone:
        assert item["why"] == "charge balance, edge of the cluster"
        assert np.linalg.norm(item["position"]) > 8.5
        assert item["layer"] == 1


def test_the_bottom_face_is_cut_from_below() -> None:
    cut = qddft.cut_cluster(qddft.attach(slab(), qddft.get_ligand("acetic acid"), faces="bottom"), cells=2, layers=2)
    assert set(cut.arrays["layer"]) == {0, 1, 2}
    ligand = cut.positions[cut.arrays["fragment"] == 1]
    assert ligand[:, 2].max() < 0.5 < cut.positions[cut.arrays["fragment"] == 0, 2].max()


def test_relaxed_slabs_give_the_same_ions() -> None:
    moved = complex_("acetic acid", "atop").copy()
    moved.positions += np.random.default_rng(2).normal(0, 0.15, moved.positions.shape)
    one, two = qddft.cut_cluster(complex_("acetic acid", "atop")), qddft.cut_cluster(moved)
    assert one.get_chemical_symbols() == two.get_chemical_symbols()
    assert np.linalg.norm(one.positions - two.positions, axis=1).max() < 1.5


def test_tilted_slabs_and_rotated_cells() -> None:
    tilted = qddft.build_slab(
        "CsPbBr3", phase="orthorhombic", lattice="experiment", layers=5, supercell="2sqrt2", termination="CsX"
    )
    cut = qddft.cut_cluster(tilted, cells=2)
    assert qddft.charge_ledger(cut).is_neutral
    lead, halide = cut.positions[cut.symbols == "Pb"], cut.positions[cut.symbols == "Br"]
    counts = (np.linalg.norm(lead[:, None] - halide[None], axis=2) < 3.4).sum(axis=1)
    assert set(counts.tolist()) == {6}


def test_held_layers_stay_held() -> None:
    held = qddft.build_slab("CsPbBr3", layers=3, supercell="3x3", fixed_layers=1)
    cut = qddft.cut_cluster(held, cells=2)
    assert set(cut.arrays["layer"][cut.constraints[0].index]) == {1}


def test_a_vacancy_keeps_the_charge_it_has_in_the_slab() -> None:
    found = qddft.find_vacancies(slab("PbX2"), "Br")[0]
    cut = qddft.cut_cluster(found.atoms, cells=3)
    assert qddft.charge_ledger(cut).total == qddft.charge_ledger(found.atoms).total == 1
    assert [item["why"] for item in cut.info["qddft"]["removed"]].count("vacancy") == 1


def test_two_ligands_in_one_block() -> None:
    pair = qddft.attach(complex_("acetate", "X-site"), qddft.get_ligand("acetic acid"), mode="atop")
    cut = qddft.cut_cluster(pair, cells=4)
    assert [entry["name"] for entry in cut.info["qddft"]["fragments"][1:]] == ["acetate", "acetic acid"]
    assert qddft.charge_ledger(cut).is_neutral
    assert qddft.cut_cluster(pair, ligand=2, cells=1).info["qddft"]["fragments"][1]["name"] == "acetic acid"


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"cells": 0}, StructureError, "from 1 to 12"),
        ({"cells": (2, 2, 2)}, StructureError, "one or two whole numbers"),
        ({"cells": 99}, StructureError, "from 1 to 12"),
        ({"layers": 9}, StructureError, "the slab has 3"),
        ({"site": 10_000}, PlacementError, "no atom of the slab"),
        ({"site": "middle"}, PlacementError, "index of a slab atom"),
        ({"face": "side"}, PlacementError, "unknown face"),
        ({"seed": -1}, StructureError, "whole number, 0 or more"),
        ({"ligand": 1}, PlacementError, "holds the ligands none"),
    ],
)
def test_errors_name_the_remedy(options: dict[str, object], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        qddft.cut_cluster(slab(), **options)


def test_a_cluster_larger_than_the_cell_of_a_complex_is_refused() -> None:
    with pytest.raises(StructureError, match="an image of it"):
        qddft.cut_cluster(complex_("acetic acid", "atop"), cells=9)


def test_only_slabs_are_cut() -> None:
    with pytest.raises(StructureError, match="make it with build_slab"):
        qddft.cut_cluster(qddft.build_nanocrystal("CsPbI3", size=2))
    mixed = qddft.build_slab("MA0.5Cs0.5PbI3", layers=3, supercell=(2, 2))
    with pytest.raises(StructureError, match="molecular cations"):
        qddft.cut_cluster(mixed)


def test_gfn2_gives_a_binding_energy() -> None:
    tblite = pytest.importorskip("tblite.ase")
    acid = qddft.get_ligand("acetic acid")
    cut = qddft.cut_cluster(complex_("acetic acid", "atop"), cells=1, layers=2)
    assert len(cut) < 40

    def energy(atoms: Atoms) -> float:
        alone = Atoms(atoms.get_chemical_symbols(), atoms.positions)
        alone.calc = tblite.TBLite(method="GFN2-xTB", verbosity=0)
        return float(alone.get_potential_energy())

    bound = energy(cut) - energy(component(cut, 0)) - energy(acid.atoms)
    assert -1.0 < bound < -0.1
