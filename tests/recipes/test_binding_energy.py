import json
from dataclasses import replace

import numpy as np
import pytest
from ase import Atoms
from ase.constraints import FixAtoms
from hypothesis import given, settings
from hypothesis import strategies as st

from qddft.analysis.reaction import Species
from qddft.core.errors import PlanError, ReferenceSchemeError
from qddft.jobs.job import FinalOf, Job
from qddft.jobs.plan import Plan
from qddft.levels.load import load_level
from qddft.outputs.outputs import Outputs
from qddft.recipes import recipe_of
from qddft.recipes.base import Recipe
from qddft.recipes.binding_energy import BindingEnergy, Parts
from qddft.recipes.legs import Leg
from qddft.recipes.published import as_adsorption_energy
from qddft.recipes.relaxation import relaxation

LEVEL = load_level("screening").resolved("tblite")
STATIC_LEVEL = load_level("tao-pbe").resolved("vasp")
SAME = {"xc": "GFN2-xTB", "dispersion": "built-in", "kpoints": [1, 1, 1]}


def slab_atoms(symbols="PbBr2"):
    atoms = Atoms(symbols, positions=[[3 * i, 0, 1] for i in range(3)], cell=[10, 20, 30], pbc=True)
    atoms.set_array("fragment", np.zeros(3, dtype=int))
    return atoms


def molecule_atoms(shift=0.0):
    atoms = Atoms("FH", positions=[[0, 0, 3.4], [0, 0, 4.35 + shift]], cell=[10, 20, 30], pbc=True)
    atoms.set_array("fragment", np.ones(2, dtype=int))
    return atoms


def complex_atoms(shift=0.0):
    atoms = slab_atoms() + molecule_atoms(shift)
    entry = {"name": "HF", "charge": 0, "anchors": [3], "sites": [[0]]}
    atoms.info["qddft"] = {"kind": "complex", "fragments": [{"name": "slab", "charge": 0}, entry]}
    return atoms


def leg(name, coefficient, atoms, role, *, level=LEVEL):
    candidates = tuple(relaxation(f"{role}-{i}", role, item, level) for i, item in enumerate(atoms))
    counts = {symbol: atoms[0].get_chemical_symbols().count(symbol) for symbol in set(atoms[0].symbols)}
    return Leg(Species(name, coefficient, counts), candidates, isolated=role == "molecule")


def recipe(*, poses=1, conformers=1, level=LEVEL, **changes):
    complexes = leg("slab·HF", 1, [complex_atoms(0.1 * i) for i in range(poses)], "complex", level=level)
    parts = tuple(
        Parts(
            Job("slab-part", "slab", "static", FinalOf(item.relaxed, (0,)), level),
            Job("ligand-part", "complex", "static", FinalOf(item.relaxed, (1,)), level),
        )
        for item in complexes.candidates
    )
    facts = {
        "name": "binding-energy-hf",
        "system": "CsPbBr3 (001)/PbBr2, 3x3, 3 layers, one face",
        "ligand": "HF",
        "scheme": "neutral",
        "complexes": complexes,
        "slab": leg("slab", -1, [slab_atoms()], "slab", level=level),
        "molecules": (leg("HF", -1, [molecule_atoms(0.1 * i) for i in range(conformers)], "molecule", level=level),),
        "n": 1,
        "per_face": 1,
        "engine": "tblite",
        "level": "screening",
        "parts": parts,
        "caution": "screening: not PBE",
    }
    return BindingEnergy(**(facts | changes))


def output(energy, atoms=None, **changes):
    facts = {
        "atoms": complex_atoms() if atoms is None else atoms,
        "energy": energy,
        "electronically_converged": True,
        "ionically_converged": True,
        "settings": SAME,
        "engine": "tblite",
    }
    return Outputs(**(facts | changes))


ENERGIES = {"slab·HF": -115.0, "slab": -100.0, "HF": -14.0, "slab@ads": -99.5, "ligand@ads": -13.75}


STRUCTURES = {"slab": slab_atoms(), "HF": molecule_atoms(), "slab@ads": slab_atoms(), "ligand@ads": molecule_atoms()}


def finished(energies=None, **changed):
    known = ENERGIES | (energies or {})
    return {label: output(e, STRUCTURES.get(label)) for label, e in known.items()} | changed


def one(recipe, outputs):
    (result,) = recipe.evaluate(outputs)
    return result


def test_it_is_a_recipe():
    assert isinstance(recipe(), Recipe)


def test_energy_and_decomposition_of_one_pose():
    result = one(recipe(), finished())
    assert result.value == pytest.approx(-1.0)
    assert result.details["E_bind"] == pytest.approx(1.0)
    assert result.details["E_int"] == pytest.approx(-1.75)
    assert result.details["E_def_slab"] == pytest.approx(0.5)
    assert result.details["E_def_ligand"] == pytest.approx(0.25)
    assert result.details["coverage_per_nm2"] == pytest.approx(0.5)
    assert result.details["anchor_distances_A"] == [pytest.approx(2.4)]
    assert result.reaction == "slab + HF -> slab·HF"
    assert result.convention == "E_ads = E(slab·HF) - E(slab) - E(HF), negative = bound; E_bind = -E_ads"
    assert result.warnings == ("screening: not PBE",)
    assert result.reference == "neutral"
    assert set(result.jobs) == {job.id for job in recipe().jobs().values()}


def test_the_record_of_a_result_is_plain_json():
    record = one(recipe(poses=2), finished_poses(-115.0, -116.0)).record()
    assert json.loads(json.dumps(record)) == record


@settings(deadline=None, max_examples=50)
@given(st.tuples(*[st.floats(-9000, -1)] * 5))
def test_the_identity_of_the_decomposition_holds_for_any_energies(energies):
    result = one(recipe(), finished(dict(zip(ENERGIES, energies, strict=True))))
    parts = sum(result.details[name] for name in ("E_int", "E_def_slab", "E_def_ligand"))
    assert parts == pytest.approx(result.value, abs=1e-6)


def finished_poses(*energies):
    outputs = finished()
    for index, energy in enumerate(energies):
        outputs |= {f"slab·HF #{index}": output(energy)}
        outputs |= {f"slab@ads #{index}": output(-99.5 - index), f"ligand@ads #{index}": output(-13.75)}
    return outputs


def test_the_lowest_pose_wins_with_its_own_fragments():
    result = one(recipe(poses=2), finished_poses(-115.0, -116.0))
    assert result.value == pytest.approx(-2.0)
    assert result.details["chosen"] == {"slab·HF": 1}
    assert result.details["candidate_energies_eV"] == {"slab·HF": [-115.0, -116.0]}
    # the fragments of pose 1: slab at -100.5
    assert result.details["E_def_slab"] == pytest.approx(-0.5)


def test_the_lowest_conformer_is_the_reference():
    outputs = finished() | {"HF #0": output(-14.0), "HF #1": output(-14.5), "HF #2": output(-13.0)}
    result = one(recipe(conformers=3), outputs)
    assert result.value == pytest.approx(-0.5)
    assert result.details["chosen"] == {"HF": 1}


def test_an_unconverged_conformer_is_left_out_and_said():
    outputs = finished() | {"HF #0": output(-14.0), "HF #1": output(-99.0, ionically_converged=False)}
    result = one(recipe(conformers=2), outputs)
    assert result.value == pytest.approx(-1.0)
    assert "HF: 1 of 2 starting structures did not converge and were left out" in result.warnings


def test_an_unconverged_leg_gives_no_number():
    result = one(recipe(), finished(slab=output(-100.0, ionically_converged=False)))
    assert result.value is None
    assert "NOT CONVERGED: slab is not relaxed to the force limit" in result.warnings
    assert "E_bind" not in result.details
    assert result.details["energies_eV"]["slab"] == -100.0


def test_an_unconverged_leg_gives_a_marked_number_when_asked():
    forced = replace(recipe(), allow_unconverged=True)
    result = one(forced, finished(slab=output(-100.0, ionically_converged=False)))
    assert result.value == pytest.approx(-1.0)
    assert "NOT CONVERGED: slab is not relaxed to the force limit" in result.warnings


def test_no_energy_gives_no_number_even_when_forced():
    forced = replace(recipe(), allow_unconverged=True)
    result = one(forced, finished(slab=output(None, electronically_converged=False)))
    assert result.value is None
    assert "NOT CONVERGED: slab has no energy" in result.warnings


def test_unconverged_fragments_cost_the_decomposition_only():
    outputs = finished() | {"slab@ads": output(-99.5, electronically_converged=False)}
    result = one(recipe(), outputs)
    assert result.value == pytest.approx(-1.0)
    assert "E_int" not in result.details
    assert "no decomposition: slab@ads is not electronically converged" in result.warnings


def test_settings_that_differ_give_no_number_and_a_marked_one_when_forced():
    other = output(-100.0, settings=SAME | {"xc": "GFN1-xTB"})
    refused, forced = recipe(), replace(recipe(), allow_differences=True)
    assert one(refused, finished(slab=other)).value is None
    assert one(forced, finished(slab=other)).value == pytest.approx(-1.0)
    for item in (refused, forced):
        warnings = one(item, finished(slab=other)).warnings
        assert "SETTINGS DIFFER: xc differs (decides energies): GFN2-xTB in slab·HF, HF; GFN1-xTB in slab" in warnings


def test_a_missing_output_means_not_finished():
    outputs = finished()
    del outputs["slab·HF"]
    result = one(recipe(), outputs)
    assert result.value is None
    assert "not finished: slab·HF" in result.warnings


def test_what_the_relaxation_did_to_the_structure_is_told():
    gone = complex_atoms()
    gone.positions[3:] += [0, 0, 6.0]
    result = one(recipe(), finished() | {"slab·HF": output(-115.0, gone)})
    assert any(warning.startswith("slab·HF: HF is desorbed") for warning in result.warnings)
    other = finished() | {"slab·HF": output(-115.0, slab_atoms())}
    assert any("the relaxed structure could not be checked" in text for text in one(recipe(), other).warnings)


def test_warnings_of_the_calculations_travel_with_the_number():
    result = one(recipe(), finished(slab=output(-100.0, warnings=("odd",))))
    assert "slab: odd" in result.warnings


def test_a_slab_that_cannot_move_needs_no_fragment_and_does_not_deform():
    held = recipe()
    held = replace(held, parts=tuple(Parts(None, part.ligand) for part in held.parts))
    assert "slab@ads" not in held.jobs()
    result = one(held, finished())
    assert result.details["E_def_slab"] == 0.0
    assert result.details["E_int"] == pytest.approx(-1.25)


def test_without_parts_there_is_no_decomposition():
    result = one(recipe(parts=()), finished())
    assert result.value == pytest.approx(-1.0)
    assert "E_int" not in result.details


def test_a_level_with_statics_takes_energies_from_them_and_still_asks_the_relaxations():
    jobs = recipe(level=STATIC_LEVEL).jobs()
    assert jobs["slab"].task == "static"
    assert jobs["slab (relaxation)"].task == "relax"
    assert jobs["slab"].parent == jobs["slab (relaxation)"]
    outputs = finished() | {f"{name} (relaxation)": output(0.0) for name in ("slab", "slab·HF", "HF")}
    assert one(recipe(level=STATIC_LEVEL), outputs).value == pytest.approx(-1.0)
    outputs["slab (relaxation)"] = output(0.0, ionically_converged=False)
    result = one(recipe(level=STATIC_LEVEL), outputs)
    assert result.value is None
    assert "NOT CONVERGED: slab (relaxation) is not relaxed to the force limit" in result.warnings


def test_two_ligands_halve_the_energy():
    both = recipe()
    two = replace(
        both,
        n=2,
        complexes=replace(both.complexes, species=Species("slab·2 HF", 1, {"Pb": 1, "Br": 2, "H": 2, "F": 2})),
        molecules=(replace(both.molecules[0], species=Species("HF", -2, {"H": 1, "F": 1})),),
        parts=(),
    )
    outputs = finished() | {"slab·2 HF": output(-129.0)}
    result = one(two, outputs)
    assert result.value == pytest.approx(-0.5)
    assert result.convention.startswith("E_ads = [E(slab·2 HF) - E(slab) - 2 E(HF)]/2")


def test_an_unbalanced_reaction_is_refused():
    wrong = recipe()
    wrong = replace(wrong, slab=leg("slab", -1, [slab_atoms("PbBrI")], "slab"))
    with pytest.raises(ReferenceSchemeError, match="does not balance"):
        wrong.evaluate(finished())


def test_a_recipe_survives_json():
    published = as_adsorption_energy(quantity="E_bind", value=0.5, unit="eV", tolerance=0.1, source="a paper")
    first = recipe(poses=2, conformers=2, published=published)
    jobs = {job.id: job for job in Plan.of(first.jobs().values())}
    again = recipe_of(json.loads(json.dumps(first.record())), jobs)
    assert again.record() == first.record()
    assert {label: job.id for label, job in again.jobs().items()} == {
        label: job.id for label, job in first.jobs().items()
    }


def test_records_that_cannot_be_read():
    with pytest.raises(PlanError, match=r"no recipe 'binding_enrgy'. Did you mean 'binding_energy'"):
        recipe_of({"recipe": "binding_enrgy"}, {})
    with pytest.raises(PlanError, match="binding-energy-hf lacks"):
        recipe_of(recipe().record(), {})


def test_published_values_come_in_our_convention_and_unit():
    bound = as_adsorption_energy(quantity="E_bind", value=1.45, unit="eV", tolerance=0.1, source="a paper")
    assert bound["value"] == -1.45
    assert bound["printed"] == {"quantity": "E_bind", "value": 1.45, "unit": "eV"}
    molar = as_adsorption_energy(quantity="E_ads", value=-96.48533212331002, unit="kJ/mol", tolerance=None, source="x")
    assert molar["value"] == pytest.approx(-1.0)
    assert molar["tolerance"] is None
    figure = as_adsorption_energy(quantity="E_bind", value=None, unit="meV", tolerance=10, source="a figure")
    assert (figure["value"], figure["tolerance"]) == (None, 0.01)


def test_the_published_value_stands_in_the_result():
    published = as_adsorption_energy(quantity="E_ads", value=-0.33, unit="eV", tolerance=0.1, source="a paper")
    assert one(recipe(published=published), finished()).source_value["value"] == -0.33


def test_single_atoms_and_fixed_structures_are_not_relaxed():
    fixed = slab_atoms()
    fixed.set_constraint(FixAtoms(indices=[0, 1, 2]))
    assert relaxation("slab", "slab", fixed, STATIC_LEVEL).final.task == "static"
    assert relaxation("atom", "molecule", Atoms("H"), LEVEL).final.task == "static"
    free = relaxation("slab", "slab", slab_atoms(), LEVEL)
    assert free.final is free.relaxed
