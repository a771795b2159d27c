from dataclasses import replace

import numpy as np
import pytest
from ase import Atoms

from qddft.core.errors import OutputError, ReferenceSchemeError
from qddft.outputs.outputs import Outputs
from qddft.outputs.store import save_outputs
from qddft.recipes.of_folders import binding_energy

SETTINGS = {
    "xc": "PBE",
    "cutoff_eV": 400.0,
    "dispersion": "none",
    "kpoints": [2, 2, 1],
    "kpoint_scheme": "gamma",
    "potentials": ["PAW_PBE Pb_d 06Sep2000"],
}


def outputs(formula, energy, *, cell=12.0, **changes):
    atoms = Atoms(formula, cell=[cell, cell, 30], pbc=True)
    if "Pb" in formula:
        # spread the slab, so that it leaves no gap in the plane
        atoms.positions[:, 0] = np.linspace(0, cell, len(atoms), endpoint=False)
        atoms.positions[:, 1] = np.linspace(0, 2 * cell, len(atoms), endpoint=False) % cell
    facts = {"atoms": atoms, "energy": energy, "electronically_converged": True, "ionically_converged": True}
    return Outputs(**(facts | {"settings": SETTINGS, "engine": "vasp", "charge": 0.0} | changes))


SLAB = outputs("Pb4I8", -100.0)
LIGAND = outputs("CH3NH2", -30.0, settings=SETTINGS | {"kpoints": [1, 1, 1], "potentials": None})
COMPLEX = outputs("Pb4I8CH3NH2", -131.2)


@pytest.mark.parametrize(
    ("complex_", "slab", "e_ads"),
    [(-15707.838, -15238.847, -0.187), (-15707.726, -15238.715, -0.207), (-15707.591, -15238.574, -0.213)],
)
def test_water_on_fluorophenethylammonium_lead_iodide(complex_, slab, e_ads):
    # Sci. Rep. 2025, s41598-025-00342-6, Table 3; E(H2O) = -468.804 eV
    result = binding_energy(outputs("Pb4I8H2O", complex_), outputs("Pb4I8", slab), outputs("H2O", -468.804))
    assert result.value == pytest.approx(e_ads, abs=5e-4)


def test_a_result_says_what_it_is():
    result = binding_energy(COMPLEX, SLAB, {"methylamine": LIGAND})
    assert result.value == pytest.approx(-1.2)
    assert result.details["E_bind"] == pytest.approx(1.2)
    assert result.reaction == "slab + methylamine -> complex"
    assert result.convention == "E_ads = E(complex) - E(slab) - E(methylamine), negative = bound; E_bind = -E_ads"
    assert result.warnings == ()
    assert result.details["coverage_per_nm2"] == pytest.approx(100 / 144)
    assert (result.level, result.engine, result.ligand) == ("PBE", "vasp", "methylamine")


def test_folders_of_qddft_are_read(tmp_path):
    for name, item in (("complex", COMPLEX), ("slab", SLAB), ("ligand", LIGAND)):
        (tmp_path / name).mkdir()
        save_outputs(tmp_path / name / "outputs.json", item)
    result = binding_energy(tmp_path / "complex", tmp_path / "slab", [tmp_path / "ligand"])
    assert result.value == pytest.approx(-1.2)
    assert result.ligand == "CH5N"


def test_a_small_slab_under_a_large_complex():
    small = outputs("PbI2", -25.0, cell=6.0, settings=SETTINGS | {"kpoints": [4, 4, 1]})
    result = binding_energy(COMPLEX, small, LIGAND)
    assert result.reaction == "4 slab + CH5N -> complex"
    assert result.value == pytest.approx(-1.2)


def test_meshes_of_other_density_and_cells_of_other_size_are_refused():
    coarse = outputs("PbI2", -25.0, cell=6.0)
    refused = binding_energy(COMPLEX, coarse, LIGAND)
    assert refused.value is None
    assert any(text.startswith("SETTINGS DIFFER: kpoints differs") for text in refused.warnings)
    forced = binding_energy(COMPLEX, coarse, LIGAND, allow_differences=True)
    assert forced.value == pytest.approx(-1.2)
    assert forced.warnings == refused.warnings
    wide = outputs("Pb4I8", -100.0, cell=13.0)
    assert any(
        "SETTINGS DIFFER: lateral cell differs" in text for text in binding_energy(COMPLEX, wide, LIGAND).warnings
    )


def test_potentials_are_compared():
    plain = replace(SLAB, settings=SETTINGS | {"potentials": ["PAW_PBE Pb 08Apr2002"]})
    result = binding_energy(COMPLEX, plain, LIGAND)
    assert result.value is None
    assert any(text.startswith("SETTINGS DIFFER: potential of Pb differs") for text in result.warnings)


def test_an_exchange_has_its_product_on_the_right():
    whole = outputs("Pb4I7CH3COO", -150.0)
    result = binding_energy(whole, SLAB, {"HOAc": outputs("CH3COOH", -47.0), "HI": outputs("HI", -5.5)})
    assert result.reaction == "slab + HOAc -> complex + HI"
    assert result.value == pytest.approx(-150 - 5.5 + 100 + 47)
    assert result.reference == "acid-exchange"


def test_half_a_molecule_per_ligand():
    result = binding_energy(outputs("Pb4I8H", -103.5), SLAB, {"H2": outputs("H2", -6.8)})
    assert result.value == pytest.approx(-0.1)
    assert result.convention.startswith("E_ads = [2 E(complex) - 2 E(slab) - E(H2)]/2")


def test_several_ligands_share_the_energy():
    two = outputs("Pb4I8(CH3NH2)2", -162.0)
    result = binding_energy(two, SLAB, LIGAND, faces=2)
    assert result.value == pytest.approx(-1.0)
    assert result.details["n_ligands"] == 2
    assert result.details["coverage_per_nm2"] == pytest.approx(100 / 144)


def test_interaction_and_deformation_from_fragments():
    parts = (outputs("Pb4I8", -99.5), outputs("CH3NH2", -29.7))
    details = binding_energy(COMPLEX, SLAB, LIGAND, fragments=parts).details
    assert details["E_int"] == pytest.approx(-2.0)
    assert details["E_def_slab"] == pytest.approx(0.5)
    assert details["E_def_ligand"] == pytest.approx(0.3)
    fine = (outputs("Pb4I8", -99.5, settings=SETTINGS | {"cutoff_eV": 520.0}), parts[1])
    assert binding_energy(COMPLEX, SLAB, LIGAND, fragments=fine).value is None


def test_no_fragments_for_an_exchange():
    whole = outputs("Pb4I7CH3COO", -150.0)
    references = {"HOAc": outputs("CH3COOH", -47.0), "HI": outputs("HI", -5.5)}
    parts = (outputs("Pb4I8", -99.5), outputs("CH3COO", -29.7))
    with pytest.raises(ReferenceSchemeError, match="defined for adsorption only"):
        binding_energy(whole, SLAB, references, fragments=parts)


def test_unconverged_calculations_give_no_number_unless_asked():
    loose = replace(COMPLEX, ionically_converged=False)
    refused = binding_energy(loose, SLAB, LIGAND)
    assert refused.value is None
    assert refused.warnings == ("NOT CONVERGED: complex is not relaxed to the force limit",)
    forced = binding_energy(loose, SLAB, LIGAND, allow_unconverged=True)
    assert forced.value == pytest.approx(-1.2)
    assert forced.warnings == refused.warnings


def test_warnings_and_dispersion_shares_are_passed_on():
    legs = [replace(item, warnings=("old",), extra={"dispersion_energy": -0.1}) for item in (COMPLEX, SLAB, LIGAND)]
    result = binding_energy(*legs)
    assert "slab: old" in result.warnings
    assert result.details["dispersion_eV"] == {"complex": -0.1, "slab": -0.1, "CH5N": -0.1}


def test_what_cannot_be_told_is_refused(tmp_path):
    with pytest.raises(ReferenceSchemeError, match="no numbers of slab, H2O add up"):
        binding_energy(COMPLEX, SLAB, outputs("H2O", -14.0))
    with pytest.raises(ReferenceSchemeError, match="it is not clear how many ligands"):
        binding_energy(outputs("Pb8I16", -201.0), SLAB, {})
    with pytest.raises(ReferenceSchemeError, match="are --complex and --slab exchanged"):
        binding_energy(SLAB, COMPLEX, LIGAND)
    with pytest.raises(ReferenceSchemeError, match="n, a whole number from 1"):
        binding_energy(COMPLEX, SLAB, LIGAND, n=0)
    with pytest.raises(ReferenceSchemeError, match="a reference cannot be called 'slab'"):
        binding_energy(COMPLEX, SLAB, {"slab": LIGAND})
    with pytest.raises(OutputError, match="complex: the calculation reports no energy"):
        binding_energy(replace(COMPLEX, energy=None), SLAB, LIGAND)
    with pytest.raises(OutputError, match="does not exist"):
        binding_energy(tmp_path / "none", SLAB, LIGAND)


def test_two_references_of_one_formula_keep_their_own_names():
    with pytest.raises(ReferenceSchemeError, match=r"CH5N \(2\).* can be exchanged"):
        binding_energy(COMPLEX, SLAB, [LIGAND, LIGAND])
    assert np.isfinite(binding_energy(COMPLEX, SLAB, LIGAND).value)
