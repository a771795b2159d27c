from dataclasses import replace

import numpy as np
import pytest
from made_up_levels import CBM, HOMO, LUMO, TRAP, VBM, levels, projections, slab_with_ligand

from qddft.analysis.dos import gaussian_dos
from qddft.analysis.midgap import Criterion, atom_shares, gap_states
from qddft.analysis.overlap import alignment, overlap
from qddft.core.errors import OutputError, StructureError
from qddft.outputs.dos import EnergyZero, plain

ZERO = EnergyZero("vbm", VBM, "test")


def found_states(**changed):
    atoms, found = slab_with_ligand(), levels(**changed)
    return gap_states(projections(atoms, found), atoms)


@pytest.mark.parametrize("fermi", [-1.0, 0.0, 0.9])
def test_trap_is_found_wherever_the_fermi_level_is(fermi):
    found = found_states(fermi=fermi)
    (state,) = found.states
    assert (found.vbm, found.cbm) == (VBM, CBM)
    assert found.reference == "bulk-like layers 3 to 3 of 5"
    assert state.above_vbm == pytest.approx(TRAP - VBM)
    assert state.localized
    assert state.n_atoms == pytest.approx(1.0)
    assert slab_with_ligand().symbols[state.atoms[0]] == "Pb"
    assert state.parts["dot"] == pytest.approx(1.0)


@pytest.mark.parametrize(("filled", "electrons"), [(True, 2.0), (False, 0.0)])
def test_occupation_and_count(filled, electrons):
    found = found_states(trap_filled=filled)
    assert found.states[0].occupation == pytest.approx(electrons)
    assert found.trapped == pytest.approx(electrons)
    assert found.holes == pytest.approx(0.0)
    assert found.excess == pytest.approx(0.0)
    compared = f"{electrons:.2f} more than" if electrons else "as many as"
    assert f"electrons, {compared} fill the reference valence band" in found.explanation


def test_hole_of_an_uncompensated_anion():
    atoms, filled = slab_with_ligand(), levels(trap_filled=False)
    half = replace(filled, occupations=np.where(np.arange(5) == 1, 0.5, filled.occupations))
    found = gap_states(projections(atoms, half), atoms, formal_charge=-1)
    assert found.holes == pytest.approx(1.0)
    assert "missing from the valence band" in found.explanation
    assert "the number of electrons is odd" in found.explanation
    assert "add up to -1, not to zero" in found.explanation


def test_electron_of_an_uncompensated_cation():
    atoms, filled = slab_with_ligand(), levels()
    more = replace(filled, occupations=np.where(np.arange(5) == 3, 0.5, filled.occupations))
    found = gap_states(projections(atoms, more), atoms)
    assert found.excess == pytest.approx(1.0)
    assert "in the conduction band" in found.explanation


def test_near_the_edge_is_not_in_the_gap():
    atoms, found = slab_with_ligand(), levels()
    assert gap_states(projections(atoms, found), atoms, edges=(TRAP - 0.05, CBM)).states == ()
    wide = gap_states(projections(atoms, found), atoms, edges=(TRAP - 0.05, CBM), criterion=Criterion(delta=0.02))
    assert len(wide.states) == 1
    assert wide.reference == "given edges"


def test_spread_states_are_not_called_localized():
    atoms, found = slab_with_ligand(), levels()
    table = projections(atoms, found)
    weights = table.weights.copy()
    weights[:, :, 2] = 0.01
    spread = replace(table, weights=weights)
    state = gap_states(spread, atoms, edges=(VBM, CBM), criterion=Criterion(max_atoms=3)).states[0]
    assert not state.localized
    assert state.n_atoms == pytest.approx(len(atoms))


def test_shares_of_nothing_are_zero():
    atoms, found = slab_with_ligand(), levels()
    table = projections(atoms, found)
    empty = replace(table, weights=np.zeros_like(table.weights))
    assert not atom_shares(empty).any()


def test_edges_in_the_wrong_order():
    atoms, found = slab_with_ligand(), levels()
    with pytest.raises(OutputError, match="leave no gap between them; give VBM, then CBM"):
        gap_states(projections(atoms, found), atoms, edges=(CBM, VBM))


def test_no_layers_and_no_edges():
    from ase.build import molecule

    from qddft.outputs.tables import Projections

    atoms, found = molecule("H2O", vacuum=5), levels()
    table = Projections(atoms, np.ones((1, 2, 5, 3, 1)), ("s",), found)
    with pytest.raises(StructureError, match="give the band edges of a pristine slab"):
        gap_states(table, atoms)


def test_record_is_plain():
    import json

    record = json.loads(json.dumps(plain(found_states())))
    assert record["states"][0]["parts"]["dot"] == pytest.approx(1.0)


def curves(sigma=0.05):
    atoms, found = slab_with_ligand(), levels()
    return gaussian_dos(found, projections(atoms, found), atoms, zero=ZERO, sigma=sigma)


def test_overlap_with_itself_is_its_area():
    found = overlap(curves(), (-4.0, 2.0), parts=("dot", "dot"))
    assert found.minimum == pytest.approx(found.integrals[0])
    assert found.geometric == pytest.approx(found.integrals[0])
    assert found.normalized == pytest.approx(1.0)


def test_separate_levels_do_not_overlap():
    found = overlap(curves(), (-2.0, 0.0))
    assert found.minimum == pytest.approx(0.0, abs=1e-6)
    assert found.zero is ZERO
    assert found.window == (-2.0, 0.0)


def test_broad_levels_overlap_and_the_order_does_not_matter():
    dos = curves(sigma=0.5)
    one, other = overlap(dos, (-3.0, 2.0)), overlap(dos, (-3.0, 2.0), parts=("ligand", "dot"))
    assert one.minimum == pytest.approx(other.minimum)
    assert 0 < one.minimum < one.geometric < max(one.integrals)


def test_windows_add_up():
    dos = curves(sigma=0.3)
    whole, left, right = (overlap(dos, window).minimum for window in ((-2.0, 1.0), (-2.0, -0.37), (-0.37, 1.0)))
    assert whole == pytest.approx(left + right, rel=1e-4)


def test_empty_part_has_no_normalized_overlap():
    assert overlap(curves(sigma=0.01), (1.5, 1.6)).normalized is None


@pytest.mark.parametrize(
    ("window", "options", "message"),
    [
        ((1.0, -1.0), {}, "give the lower energy first"),
        ((0.0, 500.0), {}, "reaches out of the density of states"),
        ((-1.0, 0.0), {"parts": ("dot", "ligant")}, "Did you mean 'ligand'"),
        ((-1.0, 0.0), {"partition": "fragments"}, "Did you mean 'fragment'"),
    ],
)
def test_overlap_errors(window, options, message):
    with pytest.raises(OutputError, match=message):
        overlap(curves(), window, **options)


def test_alignment_of_the_made_up_slab():
    atoms, found = slab_with_ligand(), levels(trap_filled=False)
    result = alignment(projections(atoms, found), atoms)
    assert result.ligand == (HOMO, LUMO)
    assert result.dot == (VBM, TRAP)
    assert result.kind == "type I"
    assert result.offsets == pytest.approx((HOMO - VBM, LUMO - TRAP))


@pytest.mark.parametrize(
    ("homo", "lumo", "kind"),
    [(-2.0, 2.0, "type I"), (-0.5, 2.0, "type II"), (-2.0, 0.1, "type II"), (-0.5, 0.1, "type I inverted")],
)
def test_kinds_of_alignment(homo, lumo, kind):
    atoms, found = slab_with_ligand(), levels(trap_filled=False, kpoints=1)
    energies = found.energies.copy()
    energies[..., 0], energies[..., 4] = homo, lumo
    moved = replace(found, energies=energies)
    assert alignment(projections(atoms, moved), atoms).kind == kind


def test_broken_gap():
    atoms, found = slab_with_ligand(), levels(trap_filled=False, kpoints=1)
    energies = found.energies.copy()
    energies[..., 0] = 0.5
    moved = replace(found, energies=energies)
    assert alignment(projections(atoms, moved), atoms).kind == "type III"


def test_no_ligand_no_alignment():
    atoms, found = slab_with_ligand(), levels()
    table = projections(atoms, found)
    bare = atoms.copy()
    bare.set_array("fragment", np.zeros(len(atoms), dtype=int))
    assert alignment(replace(table, atoms=bare), bare) is None
