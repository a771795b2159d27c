"""Flags of a relaxed complex: each kind of accident is found, and only that."""

import numpy as np
import pytest

from qddft.atoms.binding import attach
from qddft.atoms.checks import check_complex, relaxation_warnings
from qddft.atoms.slab import build_slab
from qddft.core.errors import StructureError
from qddft.library.ligands import get_ligand


@pytest.fixture(scope="module")
def slab():
    return build_slab("CsPbBr3", layers=3, supercell="2x2")


@pytest.fixture(scope="module")
def acid(slab):
    return attach(slab, get_ligand("acetic acid"))


def moved(atoms, changes):
    """Return a copy with some atoms shifted."""
    copy = atoms.copy()
    copy.set_constraint()
    for index, shift in changes.items():
        copy.positions[index] += shift
    return copy


def test_a_fresh_complex_is_in_order(acid):
    found = check_complex(acid, acid)
    assert found.ok
    assert found.molecule_intact
    assert found.bound
    assert found.surface_intact
    assert not found.proton_transferred
    entry = acid.info["qddft"]["fragments"][1]
    first = found.bindings[0] if found.bindings[0].kind == "coordination" else found.bindings[1]
    assert (first.atom, first.surface) == (entry["anchors"][0], entry["sites"][0][0])
    assert first.distance == pytest.approx(2.54, abs=1e-3)
    assert found.pb_x_range == pytest.approx((3.0, 3.0))


def test_thermal_noise_raises_no_flag(acid):
    noisy = acid.copy()
    noisy.positions += np.random.default_rng(1).normal(scale=0.03, size=noisy.positions.shape)
    assert check_complex(acid, noisy).ok


def test_a_ligand_atom_pressed_onto_a_cation_is_told(acid):
    entry = acid.info["qddft"]["fragments"][1]
    anchor, lead = entry["anchors"][0], entry["sites"][0][0]
    ligand = np.flatnonzero(acid.arrays["fragment"] == 1).tolist()
    down = acid.positions[lead] - acid.positions[anchor]
    # 0.75 of the sum of ionic radii of Pb and O is 1.905 Angstrom
    near = check_complex(acid, moved(acid, dict.fromkeys(ligand, down * (1 - 1.95 / 2.54))))
    pressed = check_complex(acid, moved(acid, dict.fromkeys(ligand, down * (1 - 1.85 / 2.54))))
    assert near.too_close == ()
    assert [(item.atom, item.surface) for item in pressed.too_close] == [(anchor, lead)]
    assert any(f"is only 1.85 Å from Pb {lead} of the slab" in text for text in pressed.warnings)
    assert pressed.record()["too_close"] == [f"O{anchor}-Pb{lead}"]


def test_a_ligand_that_left_is_desorbed(acid):
    ligand = np.flatnonzero(acid.arrays["fragment"] == 1)
    found = check_complex(acid, moved(acid, {index: [0.0, 0.0, 3.0] for index in ligand.tolist()}))
    assert found.desorbed == (1,)
    assert not found.bound
    assert found.molecule_intact
    assert found.warnings == ("acetic acid is desorbed: nothing of the surface holds it",)


def test_a_proton_on_a_halide_is_a_transfer(acid):
    symbols = np.array(acid.get_chemical_symbols())
    proton = int(np.flatnonzero(symbols == "H")[-1])
    halides = np.flatnonzero(symbols == "Br")
    nearest = int(halides[acid.get_distances(proton, halides, mic=True).argmin()])
    vector = acid.get_distance(nearest, proton, mic=True, vector=True)
    place = acid.positions[proton] - vector + 1.45 * np.array([0.0, 0.0, 1.0])
    found = check_complex(acid, moved(acid, {proton: place - acid.positions[proton]}))
    assert found.proton_transferred
    assert not found.molecule_intact
    transfer = found.proton_transfers[0]
    assert (transfer.hydrogen, transfer.target) == (proton, nearest)
    assert found.warnings == (
        f"proton transfer: H {proton} of acetic acid went from O {transfer.source} of acetic acid to Br {nearest} "
        "of the slab (1.45 Å)",
    )


def test_a_broken_molecule_is_named(acid):
    methyl = int(np.flatnonzero(acid.symbols == "C")[0])
    found = check_complex(acid, moved(acid, {methyl: [0.0, 0.0, 2.0]}))
    assert not found.molecule_intact
    assert any("not intact" in text and "is broken" in text for text in found.warnings)


def test_atoms_that_join_are_new_bonds(slab):
    pair = attach(attach(slab, get_ligand("chloride")), get_ligand("chloride"))
    first, second = len(pair) - 2, len(pair) - 1
    found = check_complex(pair, moved(pair, {first: pair.positions[second] - pair.positions[first] + [0, 0, 2.0]}))
    assert found.formed == ((first, second),)
    assert any("is new" in text for text in found.warnings)


def test_a_surface_that_changes_is_reported(acid):
    halide = int(np.flatnonzero((acid.symbols == "Br") & (acid.arrays["layer"] == 3))[0])
    found = check_complex(acid, moved(acid, {halide: [0.0, 0.0, 3.0]}))
    assert not found.surface_intact
    assert len(found.coordination_changes) == 2
    assert found.coordination_changes[0][1:] == (5, 4)
    assert any("halide neighbors of Pb" in text for text in found.warnings)
    assert any("moved by 3.00 Å" in text for text in found.warnings)


def test_lead_and_halide_may_not_overlap(acid):
    lead = int(np.flatnonzero((acid.symbols == "Pb") & (acid.arrays["layer"] == 3))[0])
    found = check_complex(acid, moved(acid, {lead: [0.8, 0.0, 0.0]}))
    assert found.too_short
    assert any("too short" in text for text in found.warnings)


def test_a_cation_in_the_place_of_cs_is_held():
    slab = build_slab("CsPbBr3", termination="CsX", layers=3, supercell="2x2")
    complex_ = attach(slab, get_ligand("ammonium"), mode="A-site")
    assert check_complex(complex_, complex_).bound


def test_a_ligand_on_another_site_is_told(slab, acid):
    entry = acid.info["qddft"]["fragments"][1]
    ligand = np.flatnonzero(acid.arrays["fragment"] == 1)
    hop = acid.cell[0] / 2
    found = check_complex(acid, moved(acid, dict.fromkeys(ligand.tolist(), hop)))
    assert found.left_sites == (1,)
    assert found.bound
    assert "acetic acid left its site for another one" in found.warnings
    assert entry["sites"][0][0] not in {binding.surface for binding in found.bindings}


def test_slabs_and_molecules_are_checked_too(slab):
    assert relaxation_warnings(slab, slab) == ()
    molecule = get_ligand("acetic acid").atoms
    broken = molecule.copy()
    broken.positions[0] += [0.0, 0.0, 5.0]
    assert relaxation_warnings(molecule, molecule) == ()
    assert all("is broken" in text for text in relaxation_warnings(molecule, broken))
    shifted = slab.copy()
    shifted.positions += 4.0
    assert relaxation_warnings(slab, shifted) == ()


def test_other_atoms_are_refused(acid):
    with pytest.raises(StructureError, match="not the same system"):
        check_complex(acid, acid[:-1])


@pytest.mark.parametrize("smiles", ["[Li+]", "CN1C=C[N+](C)=C1", "CCCCCC[Se-]", "CCCC[N+](CCCC)(CCCC)CCCC"])
def test_heads_without_a_proton_are_bound_where_they_were_put_and_not_above_it(smiles):
    placed = attach(build_slab("CsPbBr3", layers=3, supercell=(3, 3)), get_ligand(smiles))
    assert check_complex(placed, placed).bound
    lifted = placed.copy()
    lifted.positions[placed.arrays["fragment"] == 1, 2] += 4.0
    assert check_complex(placed, lifted).desorbed == (1,)
