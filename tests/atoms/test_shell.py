"""Shells of ligands on nanocrystals: charges, clashes, places, coverage, seeds and what users get wrong."""

import json
from collections import Counter
from functools import cache

import numpy as np
import pytest
from ase import Atoms

import qddft
from qddft.atoms.contacts import ligand_contacts, vdw_radii
from qddft.atoms.crowd import Crowd
from qddft.atoms.ligand import Ligand
from qddft.core.errors import ChargeError, PlacementError, StructureError
from qddft.core.structure_json import structure_from_dict, structure_to_dict

VALENCE = {"H": 1, "C": 4, "N": 5, "O": 6, "P": 5, "S": 6, "F": 7, "Cs": 9, "Pb": 14, "I": 7, "Br": 7, "Cl": 7}


@cache
def ligand(name: str, carbons: int | None = None) -> Ligand:
    found = qddft.get_ligand(name)
    return found if carbons is None else qddft.truncate(found, carbons)


@cache
def dot(faces: str = "CsX", cells: int = 3, formula: str = "CsPbI3") -> Atoms:
    return qddft.build_nanocrystal(formula, size=(cells,) * 3, faces=faces)


def built(faces: str = "CsX", *, coverage: float = 1.5, seed: int = 0, strict: bool = False) -> Atoms:
    parts = (ligand("oleate", 4), "X-site"), (ligand("oleylammonium", 4), "A-site")
    return qddft.passivate(dot(faces), *parts, coverage=coverage, seed=seed, strict=strict)


shell = cache(built)


def loose_contacts(atoms: Atoms) -> list[float]:
    """Ratios of all contacts of ligands below 0.7, without those of their own donor groups with surface ions."""
    heads = {
        number: [
            i
            for i in np.flatnonzero(atoms.arrays["fragment"] == number)
            if np.linalg.norm(atoms.positions[i] - atoms.positions[entry["anchors"]], axis=1).min() < 2.6
        ]
        for number, entry in enumerate(atoms.info["qddft"]["fragments"])
        if number
    }
    fragment = atoms.arrays["fragment"]
    found = []
    for contact in ligand_contacts(atoms, below=0.699):
        own = int(fragment[contact.first])
        if fragment[contact.second] == 0 and contact.first in heads[own] and contact.ratio > 0.6:
            continue
        found.append(contact.ratio)
    return found


@pytest.mark.parametrize("faces", ["CsX", "PbX2"])
def test_no_ligand_clashes(faces: str) -> None:
    assert loose_contacts(shell(faces)) == []


def test_ligands_never_touch_each_other() -> None:
    atoms = shell(coverage=4.0)
    fragment = atoms.arrays["fragment"]
    outer = np.flatnonzero(fragment > 0)
    apart = np.linalg.norm(atoms.positions[outer][:, None] - atoms.positions[outer][None], axis=2)
    radii = vdw_radii(atoms.numbers[outer])
    other = fragment[outer][:, None] != fragment[outer][None]
    assert (apart / np.add.outer(radii, radii))[other].min() >= 0.7


@pytest.mark.parametrize("faces", ["CsX", "PbX2"])
def test_exchange_keeps_the_charge_and_electrons_are_counted_right(faces: str) -> None:
    atoms = shell(faces)
    ledger = qddft.charge_ledger(atoms)
    assert ledger.total == 0
    assert ledger.n_electrons == sum(VALENCE[symbol] for symbol in atoms.get_chemical_symbols())
    held = Counter(np.array(atoms.get_chemical_symbols())[atoms.arrays["fragment"] == 0].tolist())
    names = Counter(entry["name"] for entry in atoms.info["qddft"]["fragments"][1:])
    bare = Counter(dot(faces).get_chemical_symbols())
    assert bare["I"] - held["I"] == names["oleate (C4)"] > 5
    assert bare["Cs"] - held["Cs"] == names["oleylammonium (C4)"] > 5
    assert bare["Pb"] == held["Pb"]


def test_every_replaced_ion_is_listed_with_its_ligand() -> None:
    atoms = shell()
    told = atoms.info["qddft"]
    exchanged = [item for item in told["removed"] if "fragment" in item]
    assert [item["fragment"] for item in exchanged] == list(range(1, len(told["fragments"])))
    for item in exchanged:
        entry = told["fragments"][item["fragment"]]
        assert item["why"] == f"{entry['mode']} of {entry['name']}"
        head = atoms.positions[entry["anchors"]].mean(axis=0)
        assert np.linalg.norm(head - item["position"]) < 4.5


def test_anchors_are_where_the_record_says() -> None:
    atoms = shell()
    for entry in atoms.info["qddft"]["fragments"][1:]:
        for anchor, sites, distances in zip(entry["anchors"], entry["sites"], entry["distances"], strict=True):
            assert atoms.symbols[anchor] == ("O" if entry["mode"] == "X-site" else "N")
            for site, distance in zip(sites, distances, strict=True):
                assert atoms.symbols[site] == "Pb"
                assert np.linalg.norm(atoms.positions[anchor] - atoms.positions[site]) == pytest.approx(
                    distance, abs=1e-5
                )


@pytest.mark.parametrize("faces", ["CsX", "PbX2"])
def test_every_ligand_is_held_by_the_surface(faces: str) -> None:
    atoms = shell(faces)
    assert qddft.check_complex(atoms, atoms).warnings == ()
    lengths = [d for entry in atoms.info["qddft"]["fragments"][1:] for row in entry["distances"] for d in row]
    assert max(lengths) < 1.25 * 2.54


def test_molecules_keep_their_shape() -> None:
    atoms = shell()
    entry = ligand("oleate", 4)
    bonds = np.array(sorted(entry.graph))
    for number, told in enumerate(atoms.info["qddft"]["fragments"]):
        if told["name"] != entry.name:
            continue
        own = atoms[atoms.arrays["fragment"] == number]
        assert tuple(own.get_chemical_symbols()) == entry.symbols
        lengths = np.linalg.norm(own.positions[bonds[:, 0]] - own.positions[bonds[:, 1]], axis=1)
        assert lengths.max() < 1.6
        assert lengths.min() > 0.9


def test_all_six_faces_are_covered_and_chains_point_outward() -> None:
    atoms = shell(coverage=2.0)
    faces = Counter(letter for entry in atoms.info["qddft"]["fragments"][1:] for letter in _sides(entry["face"]))
    assert set(faces) == {"+a", "-a", "+b", "-b", "+c", "-c"}
    half = 5 * np.array(atoms.info["qddft"]["edges_nm"])
    for number, entry in enumerate(atoms.info["qddft"]["fragments"][1:], start=1):
        middle = atoms.positions[atoms.arrays["fragment"] == number].mean(axis=0)
        assert (np.abs(middle) > half).any(), entry


def _sides(face: str) -> list[str]:
    return [face[k : k + 2] for k in range(0, len(face), 2)]


def test_coverage_counts_ligands_per_area_of_the_six_faces() -> None:
    atoms = shell()
    record = atoms.info["qddft"]["shells"][0]
    area = 6 * (3 * 0.639) ** 2
    assert record["area_nm2"] == pytest.approx(area, rel=1e-4)
    assert sum(row["asked"] for row in record["ligands"]) == round(1.5 * area)
    placed = len(atoms.info["qddft"]["fragments"]) - 1
    assert record["per_nm2"] == pytest.approx(placed / area, abs=1e-4)
    assert sum(row["reached"] for row in record["ligands"]) == placed


def test_a_fraction_takes_that_share_of_the_places() -> None:
    atoms = qddft.passivate(dot(), (ligand("acetate"), "X-site"), fraction=0.5)
    row = atoms.info["qddft"]["shells"][0]["ligands"][0]
    assert row["places"] == 6 * 9
    assert row["asked"] == row["reached"] == 27


def test_shares_divide_the_numbers() -> None:
    atoms = qddft.passivate(
        dot(), (ligand("acetate"), "X-site", 3), (ligand("guanidinium"), "A-site", 1.0), coverage=1.0
    )
    asked = [row["asked"] for row in atoms.info["qddft"]["shells"][0]["ligands"]]
    assert sum(asked) == 22
    assert asked == [17, 5]


def test_modes_follow_from_charges() -> None:
    atoms = qddft.passivate(dot("PbX2"), ligand("acetate"), ligand("C[NH3+]"), ligand("CN"), coverage=0.6)
    modes = {entry["name"]: entry["mode"] for entry in atoms.info["qddft"]["fragments"][1:]}
    assert sorted(modes.values()) == ["A-site", "X-site", "atop"]


def test_equal_seeds_give_equal_shells_and_other_seeds_others() -> None:
    one, two, other = (built(coverage=0.5, seed=seed) for seed in (1, 1, 2))
    assert (one.positions == two.positions).all()
    assert one.info == two.info
    assert len(other) != len(one) or not np.allclose(other.positions, one.positions)


def test_everything_survives_json() -> None:
    atoms = shell()
    text = json.dumps(structure_to_dict(atoms), allow_nan=False)
    back = structure_from_dict(json.loads(text))
    assert back.info["qddft"] == atoms.info["qddft"]
    assert (back.arrays["fragment"] == atoms.arrays["fragment"]).all()
    assert qddft.charge_ledger(back).n_electrons == qddft.charge_ledger(atoms).n_electrons
    assert not back.pbc.any()


def test_the_bare_dot_is_not_changed() -> None:
    bare = qddft.build_nanocrystal("CsPbI3", size=(2, 2, 2))
    before, told = bare.positions.copy(), str(bare.info)
    qddft.passivate(bare, ligand("acetate"), coverage=0.5)
    assert (bare.positions == before).all()
    assert str(bare.info) == told


def test_a_second_round_keeps_clear_of_the_first() -> None:
    first = qddft.passivate(dot(), (ligand("oleate", 4), "X-site"), coverage=1.0)
    both = qddft.passivate(first, (ligand("oleylammonium", 4), "A-site"), coverage=1.0)
    assert len(both.info["qddft"]["shells"]) == 2
    assert loose_contacts(both) == []
    assert qddft.charge_ledger(both).is_neutral
    for entry in both.info["qddft"]["fragments"][1:]:
        assert {both.symbols[i] for i in entry["anchors"]} <= {"O", "N"}
        assert {both.symbols[i] for atoms in entry["sites"] for i in atoms} <= {"Pb"}


@pytest.mark.parametrize("faces", ["CsX", "PbX2"])
@pytest.mark.parametrize(
    ("name", "symbol", "count"),
    [
        ("CCCCP(=O)([O-])[O-]", "I", 2),
        ("CCCC[N+](C)(C)C", "Cs", 1),
        ("2-naphthalenesulfonate", "I", 1),
        ("guanidinium", "Cs", 1),
        ("[NH3+]CCCC[NH3+]", "Cs", 2),
        ("F[P-](F)(F)(F)(F)F", "I", 1),
    ],
)
def test_odd_ions_exchange_as_many_ions_as_their_charge(faces: str, name: str, symbol: str, count: int) -> None:
    found = ligand(name)
    atoms = qddft.passivate(dot(faces), found, coverage=0.4)
    placed = atoms.info["qddft"]["shells"][0]["ligands"][0]["reached"]
    assert placed >= 1
    assert (
        dot(faces).get_chemical_symbols().count(symbol) - atoms.get_chemical_symbols().count(symbol) == count * placed
    )
    ledger = qddft.charge_ledger(atoms)
    assert ledger.is_neutral
    assert ledger.n_electrons == sum(VALENCE[s] for s in atoms.get_chemical_symbols())
    assert loose_contacts(atoms) == []


def test_a_lecithin_like_head_sits_atop() -> None:
    zwitterion = ligand("CCCCOP(=O)([O-])OCC[N+](C)(C)C")
    atoms = qddft.passivate(dot("PbX2"), zwitterion, coverage=0.5)
    entry = atoms.info["qddft"]["fragments"][1]
    assert entry["mode"] == "atop"
    assert atoms.symbols[entry["anchors"][0]] == "O"
    assert qddft.charge_ledger(atoms).is_neutral
    assert loose_contacts(atoms) == []


def test_pairs_of_ions_that_add_stay_balanced() -> None:
    atoms = qddft.passivate(dot("PbX2"), (ligand("acetate"), "bidentate"), (ligand("C[NH3+]"), "atop"), coverage=1.0)
    names = Counter(entry["name"] for entry in atoms.info["qddft"]["fragments"][1:])
    assert names["acetate"] == names["C[NH3+]"] > 0
    assert qddft.charge_ledger(atoms).is_neutral


def test_bridging_holds_two_lead() -> None:
    atoms = qddft.passivate(dot("PbX2"), (ligand("O=C(O)CCC(=O)O"), "bridging"), coverage=0.3)
    for entry in atoms.info["qddft"]["fragments"][1:]:
        assert len({i for sites in entry["sites"] for i in sites}) == 2


@pytest.mark.parametrize(
    ("formula", "phase", "lattice"),
    [("CsPbBr3", "orthorhombic", "experiment"), ("CsPbCl3", "cubic", "pbe"), ("CsPb(Br0.5I0.5)3", "cubic", "pbe")],
)
def test_other_crystals(formula: str, phase: str, lattice: str) -> None:
    bare = qddft.build_nanocrystal(formula, size=(2, 3, 2), phase=phase, lattice=lattice)
    atoms = qddft.passivate(bare, ligand("oleate", 4), ligand("oleylammonium", 4), coverage=1.0)
    assert qddft.charge_ledger(atoms).is_neutral
    assert loose_contacts(atoms) == []


def test_what_has_no_room_is_told_or_refused() -> None:
    crowded = shell(coverage=8.0)
    rows = crowded.info["qddft"]["shells"][0]["ligands"]
    assert all(row["reached"] < row["asked"] for row in rows)
    with pytest.raises(PlacementError, match="no room for all ligands: oleate"):
        shell(coverage=8.0, strict=True)


@pytest.mark.parametrize(
    ("ligands", "options", "message"),
    [
        ((), {}, "name at least one ligand"),
        (("oleate",), {}, "is no Ligand"),
        (((),), {}, "is no Ligand"),
        ((("acetate", "A-site"),), {}, "no cation that could take the place of Cs"),
        ((("C[NH3+]", "X-site"),), {}, "no anion that could take the place of a halide"),
        ((("acetate", "ion-pair"),), {}, "give both ions of a pair one by one"),
        ((("acetate", "Xsite"),), {}, "Did you mean 'X-site'"),
        ((("acetate", "X-site", 0.0),), {}, "no positive number"),
        ((("acetate", None),), {"coverage": 0.0}, "positive number"),
        ((("acetate", None),), {"coverage": -1.0}, "positive number"),
        ((("acetate", None),), {"coverage": float("nan")}, "positive number"),
        ((("acetate", None),), {"coverage": 0.01}, "less than one ligand"),
        ((("acetate", None),), {"fraction": 1.5}, "at most 1"),
        ((("acetate", None),), {"fraction": 0.5, "coverage": 1.0}, "not both"),
        ((("acetate", None),), {"seed": -1}, "whole number"),
        ((("acetate", None),), {"min_contact": 2.0}, "share of the van der Waals distance"),
    ],
)
def test_errors_name_the_remedy(ligands: tuple[object, ...], options: dict[str, object], message: str) -> None:
    given = [(ligand(item[0]), *item[1:]) if isinstance(item, tuple) and item else item for item in ligands]
    with pytest.raises(PlacementError, match=message):
        qddft.passivate(dot(), *given, **options)  # type: ignore[arg-type]


def test_anions_atop_without_cations_are_refused() -> None:
    with pytest.raises(ChargeError, match="adds a charge of -"):
        qddft.passivate(dot("PbX2"), (ligand("acetate"), "bidentate"), coverage=0.5)


def test_only_nanocrystals_get_a_shell() -> None:
    with pytest.raises(StructureError, match="no nanocrystal"):
        qddft.passivate(qddft.build_slab("CsPbI3", layers=3), ligand("acetate"))


def test_the_crowd_finds_every_clash_that_a_full_search_finds() -> None:
    generator = np.random.default_rng(4)
    positions = generator.uniform(-15, 15, (300, 3))
    radii = generator.choice([1.2, 1.7, 1.55], 300)
    crowd = Crowd(0.7)
    for part in np.array_split(np.arange(300), 7):
        crowd.add(positions[part], radii[part])
    own = generator.choice([1.2, 1.77], 5)
    poses = generator.uniform(-15, 15, (40, 1, 3)) + generator.uniform(-2, 2, (40, 5, 3))
    ratio = np.linalg.norm(poses[:, :, None] - positions, axis=3) / np.add.outer(own, radii)
    clear = np.flatnonzero((ratio >= 0.7).all(axis=(1, 2)))
    assert len(clear)
    assert crowd.first_clear(poses, own) == clear[0]
    blocked = poses[(ratio < 0.7).any(axis=(1, 2))]
    assert crowd.first_clear(blocked, own) is None
    assert Crowd(0.7).first_clear(poses, own) == 0


@pytest.mark.parametrize("size", [(3, 3, 3), (3, 4, 5)])
def test_facets_are_covered_evenly_and_recorded(size):
    dot = qddft.build_nanocrystal("CsPbBr3", size=size)
    covered = qddft.passivate(dot, qddft.get_ligand("acetate"), coverage=2.0)
    (shell,) = covered.info["qddft"]["shells"]
    assert list(shell["facets"]) == ["+a", "-a", "+b", "-b", "+c", "-c"]
    placed = len(covered.info["qddft"]["fragments"]) - 1
    assert sum(row["ligands"] for row in shell["facets"].values()) == pytest.approx(placed, abs=0.05)
    for row in shell["facets"].values():
        # one ligand more or less is what a small facet cannot help
        assert abs(row["per_nm2"] - shell["per_nm2"]) <= 1.6 * row["per_nm2"] / row["ligands"]
    # the second round knows where the first one is
    again = qddft.passivate(covered, qddft.get_ligand("CN"), coverage=0.5)
    assert again.info["qddft"]["shells"][1]["facets"]["+a"]["per_nm2"] > 0
