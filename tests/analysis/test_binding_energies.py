import numpy as np
import pytest
from ase import Atoms
from hypothesis import given, settings
from hypothesis import strategies as st

from qddft.analysis.binding import (
    adsorption_energy,
    anchor_distances,
    check_identity,
    compare_terms,
    coverage,
    decompose,
    doubts,
    require_converged,
)
from qddft.analysis.reaction import Reaction, Species
from qddft.atoms.slab import build_slab
from qddft.core.errors import ConvergenceError, OutputError
from qddft.outputs.outputs import Outputs

ENERGY = st.floats(-5000, 100, allow_nan=False)


def outputs(energy=-1.0, **changes):
    facts = {
        "atoms": Atoms("H"),
        "energy": energy,
        "electronically_converged": True,
        "ionically_converged": True,
        "settings": {"xc": "PBE", "cutoff_eV": 400.0, "kpoints": [4, 4, 1]},
        "engine": "vasp",
    }
    return Outputs(**(facts | changes))


def adsorption(n=1):
    return Reaction(
        (
            Species("complex", 1, {"Pb": 1, "H": n}),
            Species("slab", -1, {"Pb": 1}),
            Species("ligand", -n, {"H": 1}),
        )
    )


def test_bound_is_negative_and_counted_per_ligand():
    energies = {"complex": -13.0, "slab": -10.0, "ligand": -1.0}
    found = adsorption_energy(adsorption(2), {name: outputs(e) for name, e in energies.items()}, 2)
    assert found == pytest.approx(-0.5)


def test_an_energy_that_is_not_there_is_refused():
    with pytest.raises(OutputError, match="slab: RUN/slab reports no energy"):
        adsorption_energy(
            adsorption(), {"complex": outputs(), "slab": outputs(None, source="RUN/slab"), "ligand": outputs()}, 1
        )


@settings(deadline=None)
@given(energies=st.tuples(ENERGY, ENERGY, ENERGY, ENERGY, ENERGY), n=st.integers(1, 4))
def test_interaction_and_deformations_add_up_to_the_adsorption_energy(energies, n):
    parts = dict(zip(("complex", "slab", "ligand", "slab@ads", "ligand@ads"), energies, strict=True))
    legs = {name: outputs(parts[name]) for name in ("complex", "slab", "ligand")}
    e_ads = adsorption_energy(adsorption(n), legs, n)
    split = decompose(parts, n)
    assert split.total == pytest.approx(e_ads, abs=1e-6)
    check_identity(split, e_ads)


def test_parts_of_another_calculation_are_refused():
    parts = {"complex": -13.0, "slab": -10.0, "ligand": -1.0, "slab@ads": -9.9, "ligand@ads": -0.9}
    with pytest.raises(OutputError, match=r"add up to -2.000000 eV, not to E_ads = -1.900000 eV"):
        check_identity(decompose(parts, 1), -1.9)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"electronically_converged": False}, "slab is not electronically converged"),
        ({"electronically_converged": None}, "slab does not prove its electronic convergence"),
        ({"ionically_converged": False}, "slab is not relaxed to the force limit"),
        ({"ionically_converged": None}, "slab does not prove its ionic convergence"),
        ({"energy": None}, "slab has no energy"),
    ],
)
def test_what_did_not_converge_is_doubted(changes, sentence):
    both = {"slab": outputs(**changes), "ligand": outputs()}
    assert doubts(both) == (sentence,)
    with pytest.raises(ConvergenceError, match=sentence):
        require_converged(both)


def test_converged_calculations_are_not_doubted():
    assert doubts({"slab": outputs()}) == ()
    require_converged({"slab": outputs()})


def slab_outputs(mesh=(2, 2, 1), **changes):
    """Return a slab of 12 x 12 Angstrom whose atoms leave no gap in the plane."""
    atoms = Atoms("Pb16", cell=[12, 12, 30], pbc=True)
    atoms.positions[:, :2] = [[3 * i, 3 * j] for i in range(4) for j in range(4)]
    facts = {"xc": "PBE", "cutoff_eV": 400.0, "dispersion": "none", "kpoints": list(mesh), "kpoint_scheme": "gamma"}
    return outputs(atoms=atoms, settings=facts | changes)


def molecule_outputs(**changes):
    facts = {"xc": "PBE", "cutoff_eV": 400.0, "dispersion": "none", "kpoints": [1, 1, 1]}
    return outputs(atoms=Atoms("H", cell=[10, 10, 10], pbc=True), settings=facts | changes)


def test_settings_that_differ_are_named_with_both_values():
    found = compare_terms({"slab": slab_outputs(), "complex": slab_outputs(cutoff_eV=520.0)})
    assert found.differences == ("cutoff_eV differs (decides energies): 400.0 in slab; 520.0 in complex",)
    assert found.remarks == ()


def test_the_mesh_of_a_molecule_is_not_compared_but_that_of_a_slab_is():
    assert compare_terms({"slab": slab_outputs(), "molecule": molecule_outputs()}).differences == ()
    (difference,) = compare_terms({"slab": slab_outputs(), "complex": slab_outputs(mesh=(4, 4, 1))}).differences
    assert difference.startswith("kpoints differs")


def test_what_changes_the_accuracy_only_is_a_remark():
    found = compare_terms({"slab": slab_outputs(sigma_eV=0.05), "complex": slab_outputs(sigma_eV=0.2)})
    assert found.differences == ()
    assert found.remarks[0].startswith("sigma_eV differs (changes accuracy)")


def test_what_cannot_be_known_is_a_remark_unless_no_term_has_it():
    vague = slab_outputs(dispersion=None, cutoff_eV=None)
    assert any("dispersion is unknown" in text for text in compare_terms({"a": vague, "b": vague}).remarks)
    remarks = compare_terms({"a": vague, "b": slab_outputs()}).remarks
    assert any("cutoff_eV is unknown in a" in text for text in remarks)
    assert not any("cutoff_eV" in text for text in compare_terms({"a": vague, "b": vague}).remarks)


@pytest.mark.parametrize(("electrons", "differs"), [(11, False), (10, True)])
def test_spin_belongs_to_odd_numbers_of_electrons(electrons, differs):
    terms = {"slab": slab_outputs(ispin=1, nelect=32), "molecule": molecule_outputs(ispin=2, nelect=electrons)}
    assert any(text.startswith("ispin differs") for text in compare_terms(terms).differences) is differs
    assert compare_terms(terms, radicals=True).differences == ()


def test_coverage_counts_ligands_on_the_area_of_one_face():
    atoms = Atoms("Pb", cell=[20.0, 10.0, 30.0], pbc=True)
    assert coverage(atoms, 2) == pytest.approx(1.0)


def test_anchor_distances_use_the_nearest_image():
    atoms = Atoms("PbO", positions=[[0.5, 0, 0], [9.5, 0, 2.4]], cell=[10, 10, 20], pbc=True)
    assert anchor_distances(atoms) == ()
    atoms.info["qddft"] = {"fragments": [{"name": "slab"}, {"name": "acid", "anchors": [1], "sites": [[0]]}]}
    assert anchor_distances(atoms) == (pytest.approx(np.hypot(1.0, 2.4), abs=1e-4),)


def test_anchors_of_a_structure_that_says_nothing_are_its_bound_donors():
    slab = build_slab("CsPbBr3", termination="PbX2", layers=3, supercell=(2, 2), vacuum=15.0)
    top = max((i for i in range(len(slab)) if slab.symbols[i] == "Pb"), key=lambda i: slab.positions[i, 2])
    amine = Atoms("NH2CH3", [[0, 0, 2.5], [0.9, 0, 2.9], [-0.9, 0, 2.9], [0, 0.6, 3.9], [0, 1.7, 3.9], [0.9, 0.1, 4.4],
                             [-0.9, 0.1, 4.4]])  # fmt: skip
    amine.translate(slab.positions[top])
    foreign = slab + amine
    foreign.info.clear()
    for name in ("fragment", "layer"):
        foreign.arrays.pop(name, None)
    assert anchor_distances(foreign) == (2.5,)
    amine.translate([0, 0, 2.5])
    far = Atoms(foreign[: len(slab)]) + amine
    assert anchor_distances(far) == ()
