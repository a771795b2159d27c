import numpy as np
import pytest
from ase import Atoms
from hypothesis import given, settings
from hypothesis import strategies as st

from qddft.analysis.binding import (
    adsorption_energy,
    anchor_distances,
    check_identity,
    coverage,
    decompose,
    doubts,
    require_converged,
    setting_differences,
)
from qddft.analysis.reaction import Reaction, Species
from qddft.core.errors import ConvergenceError, OutputError
from qddft.outputs.outputs import Outputs

ENERGY = st.floats(-5000, 100, allow_nan=False)


def outputs(energy=-1.0, **changes):
    facts = {
        "energy": energy,
        "electronically_converged": True,
        "ionically_converged": True,
        "settings": {"xc": "PBE", "cutoff_eV": 400.0, "kpoints": [4, 4, 1]},
        "engine": "vasp",
    }
    return Outputs(atoms=Atoms("H"), **(facts | changes))


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


def test_settings_that_differ_are_named_with_both_values():
    other = outputs(settings={"xc": "PBE", "cutoff_eV": 520.0, "kpoints": [4, 4, 1]}, engine="gpaw")
    found = setting_differences({"slab": outputs(), "complex": other})
    assert found == (
        "engine differs: 'vasp' in slab; 'gpaw' in complex",
        "cutoff_eV differs: 400.0 in slab; 520.0 in complex",
    )


def test_the_mesh_of_a_molecule_is_not_compared_but_that_of_a_slab_is():
    molecule = outputs(settings={"xc": "PBE", "cutoff_eV": 400.0, "kpoints": [1, 1, 1]})
    both = {"slab": outputs(), "other": molecule}
    assert setting_differences(both, {"other"}) == ()
    assert setting_differences(both) == ("kpoints differs: [4, 4, 1] in slab; [1, 1, 1] in other",)


def test_coverage_counts_ligands_on_the_area_of_one_face():
    atoms = Atoms("Pb", cell=[20.0, 10.0, 30.0], pbc=True)
    assert coverage(atoms, 2) == pytest.approx(1.0)


def test_anchor_distances_use_the_nearest_image():
    atoms = Atoms("PbO", positions=[[0.5, 0, 0], [9.5, 0, 2.4]], cell=[10, 10, 20], pbc=True)
    assert anchor_distances(atoms) == ()
    atoms.info["qddft"] = {"fragments": [{"name": "slab"}, {"name": "acid", "anchors": [1], "sites": [[0]]}]}
    assert anchor_distances(atoms) == (pytest.approx(np.hypot(1.0, 2.4), abs=1e-4),)
