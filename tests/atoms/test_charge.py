"""Formal charges add up, and a charged cell is refused with the way out."""

import numpy as np
import pytest
from ase import Atoms
from hypothesis import given, settings
from hypothesis import strategies as st

from qddft.atoms.charge import charge_ledger, require_neutral
from qddft.atoms.slab import build_slab
from qddft.atoms.vacancy import find_vacancies
from qddft.core.errors import ChargeError
from qddft.library.ligands import get_ligand


def _complex(slab, *ligands):
    """Put ligands above a slab without looking where, as a label-only stand-in for attach."""
    whole = slab.copy()
    fragments = [{"name": "slab", "charge": 0}]
    labels = [0] * len(slab)
    for number, ligand in enumerate(ligands, start=1):
        part = ligand.atoms
        part.positions += [0.0, 0.0, slab.positions[:, 2].max() + 20.0 * number]
        whole += part
        labels += [number] * len(part)
        fragments.append(ligand.record())
    whole.set_array("fragment", np.array(labels))
    whole.info["qddft"] = slab.info["qddft"] | {"fragments": fragments}
    return whole


@pytest.fixture(scope="module")
def slab():
    return build_slab("CsPbBr3", termination="PbX2", layers=3, supercell=(2, 2), vacuum=15.0)


def test_nine_layer_slab_of_the_reference_table():
    ledger = charge_ledger(build_slab("CsPbBr3", termination="PbX2", layers=9, supercell=(2, 2), vacuum=15.0))
    assert ledger.total == 0
    assert ledger.n_electrons == 816
    assert {entry.what.split()[0]: entry.count for entry in ledger.entries} == {"Cs": 16, "Pb": 20, "Br": 56}


@settings(max_examples=8, deadline=None)
@given(
    layers=st.integers(3, 7), halide=st.sampled_from(["Cl", "Br", "I"]), termination=st.sampled_from(["PbX2", "CsX"])
)
def test_every_clean_slab_is_neutral(layers, halide, termination):
    other = {"PbX2": "CsX", "CsX": "PbX2"}[termination]
    bottom = termination if layers % 2 else other
    ledger = charge_ledger(
        build_slab(f"CsPb{halide}3", termination=(bottom, termination), layers=layers, supercell=(1, 1), vacuum=12.0)
    )
    assert ledger.is_neutral
    assert ledger.n_electrons % 2 == 0


def test_ligands_count_by_their_recorded_charge(slab):
    neutral = charge_ledger(_complex(slab, get_ligand("acetic acid")))
    anion = charge_ledger(_complex(slab, get_ligand("acetate")))
    pair = charge_ledger(_complex(slab, get_ligand("acetate"), get_ligand("guanidinium"), get_ligand("GAI")))
    assert (neutral.total, anion.total, pair.total) == (0, -1, 0)
    clean = charge_ledger(slab).n_electrons
    assert (neutral.n_electrons, anion.n_electrons) == (clean + 24, clean + 24)
    assert pair.n_electrons == clean + 24 + 24 + 32


def test_two_equal_ligands_are_one_line(slab):
    ledger = charge_ledger(_complex(slab, get_ligand("acetate"), get_ligand("acetate")))
    assert [(entry.what, entry.count, entry.sum) for entry in ledger.entries][-1] == ("acetate", 2, -2)


@pytest.mark.parametrize(("species", "total"), [("Br", 1), ("Cs", -1), ("Pb", -2)])
def test_vacancies_are_lines_of_their_own(slab, species, total):
    defect = find_vacancies(slab, species)[0]
    ledger = charge_ledger(defect.atoms)
    assert ledger.total == total == defect.formal_charge
    assert f"{species} removed (vacancy)" in ledger.table()
    whole = {entry.what: entry.count for entry in charge_ledger(slab).entries}
    assert {entry.what: entry.count for entry in ledger.entries if entry.what in whole} == whole


def test_an_anion_in_the_place_of_a_halide_is_neutral(slab):
    ledger = charge_ledger(_complex(find_vacancies(slab, "Br")[0].atoms, get_ligand("acetate")))
    require_neutral(ledger, "acetate on the X site")
    assert ledger.total == 0


def test_a_molecule_alone_and_a_slab_without_labels():
    assert charge_ledger(get_ligand("oleate").atoms).total == -1
    assert charge_ledger(get_ligand("oleate").atoms).n_electrons == 118
    bare = Atoms("CsPbI3", positions=np.eye(5, 3) * 5.0)
    assert (charge_ledger(bare).total, charge_ledger(bare).n_electrons) == (0, 44)


def test_a_fragment_taken_out_of_a_complex_counts_alone(slab):
    whole = _complex(slab, get_ligand("acetate"))
    labels = whole.arrays["fragment"]
    assert charge_ledger(whole[labels == 1]).total == -1
    assert charge_ledger(whole[labels == 0]).total == 0


def test_elements_without_a_data_set_leave_the_electrons_open(slab):
    assert charge_ledger(_complex(slab, get_ligand("C[Hg]SCCO"))).n_electrons is None


def test_table_shows_every_line_and_the_total(slab):
    text = str(charge_ledger(_complex(slab, get_ligand("guanidinium"))))
    assert "guanidinium" in text
    assert "total formal charge +1" in text
    assert "valence electrons" in text


def test_a_charged_cell_is_refused_with_the_schemes_and_modes(slab):
    ledger = charge_ledger(_complex(slab, get_ligand("acetate")))
    with pytest.raises(ChargeError, match="add up to -1") as caught:
        require_neutral(ledger, "acetate on CsPbBr3")
    for word in (
        "acetate on CsPbBr3",
        "acid-exchange",
        "salt-exchange",
        "ion-pair",
        "vacancy-filling",
        "fragment",
        "X-site",
        "A-site",
    ):
        assert word in str(caught.value)


def test_unlabelled_molecule_and_missing_record_are_errors(slab):
    unlabelled = slab.copy()
    unlabelled += Atoms("OH", positions=[(0, 0, 30), (0, 0, 31)])
    with pytest.raises(ChargeError, match="holds H, O, whose formal charge is not known"):
        charge_ledger(unlabelled)
    labels = np.zeros(len(unlabelled), dtype=int)
    labels[-2:] = 1
    unlabelled.set_array("fragment", labels)
    with pytest.raises(ChargeError, match="fragment 1 has no recorded formal charge"):
        charge_ledger(unlabelled)
