import json
from dataclasses import replace

import numpy as np
import pytest
from ase import Atoms

from qddft.analysis.reaction import Species
from qddft.core.errors import ReferenceSchemeError
from qddft.levels.load import load_level
from qddft.outputs.outputs import Outputs
from qddft.recipes import recipe_of
from qddft.recipes.base import Recipe
from qddft.recipes.binding_energy import BindingEnergy
from qddft.recipes.legs import Leg
from qddft.recipes.ligand_exchange import AFTER, BEFORE, LigandExchange
from qddft.recipes.relaxation import relaxation

LEVEL = load_level("screening").resolved("tblite")


def leg(name, coefficient, formula, role, shift=0.0):
    atoms = Atoms(formula, cell=[10, 10, 20], pbc=True)
    atoms.positions[:] = np.arange(3 * len(atoms)).reshape(-1, 3) + shift
    counts = {symbol: atoms.get_chemical_symbols().count(symbol) for symbol in set(atoms.symbols)}
    candidate = relaxation(f"{role}-{formula.lower()}", role, atoms, LEVEL)
    return Leg(Species(name, coefficient, counts), (candidate,), isolated=role == "molecule")


def binding(ligand, complex_formula, molecules, *, slab="slab", scheme="neutral"):
    return BindingEnergy(
        name=f"binding-energy-{ligand}",
        system="a face",
        ligand=ligand,
        scheme=scheme,
        complexes=leg(f"slab·{ligand}", 1, complex_formula, "complex"),
        slab=leg(slab, -1, "PbBr2", "slab"),
        molecules=tuple(leg(name, number, formula, "molecule") for name, number, formula in molecules),
        n=1,
        per_face=1,
        engine="tblite",
        level="screening",
    )


ACID = binding("acid", "PbBr2CH2O2", [("acid", -1, "CH2O2")])
AMINE = binding("amine", "PbBr2NH3", [("amine", -1, "NH3")])
FORMATE = binding(
    "formate", "PbBrCHO2", [("acid", -1, "CH2O2"), ("HBr", 1, "HBr")], slab="slab·Br", scheme="acid-exchange"
)
ENERGIES = {"slab·acid": -110.5, "slab·amine": -121.0, "slab": -100.0, "acid": -10.0, "amine": -20.0}


def output(energy, **changes):
    facts = {"energy": energy, "electronically_converged": True, "ionically_converged": True}
    facts |= {"settings": {"xc": "GFN2-xTB", "dispersion": "built-in"}, "engine": "tblite"}
    return Outputs(atoms=Atoms("Pb", cell=[10, 10, 20]), **(facts | changes))


def finished(recipe, energies=None, **changed):
    known = ENERGIES | (energies or {})
    plain = {label: label.removeprefix(BEFORE).removeprefix(AFTER) for label in recipe.jobs()}
    return {label: changed.get(name.replace("·", "_"), output(known[name])) for label, name in plain.items()}


def test_the_exchange_is_the_difference_of_adsorption_energies():
    recipe = LigandExchange("exchange", ACID, AMINE)
    assert isinstance(recipe, Recipe)
    (result,) = recipe.evaluate(finished(recipe))
    assert result.value == pytest.approx(-0.5)
    assert result.quantity == "E_exchange"
    assert result.reaction == "slab·acid + amine -> slab·amine + acid"
    assert (result.details["E_ads_before"], result.details["E_ads_after"]) == (pytest.approx(-0.5), pytest.approx(-1.0))
    assert result.ligand == "acid -> amine"


def test_the_flags_of_both_complexes_go_with_the_exchange():
    recipe = LigandExchange("exchange", ACID, AMINE)
    results = {}
    for label in recipe.jobs():
        name = label.removeprefix(BEFORE).removeprefix(AFTER)
        leg_of_it = next(item for part in (ACID, AMINE) for item in part.legs if item.species.name == name)
        relaxed = leg_of_it.candidates[0].relaxed.built_atoms
        results[label] = replace(output(ENERGIES[name]), atoms=relaxed)
    (result,) = recipe.evaluate(results)
    assert {"slab·acid", "slab·amine"} <= set(result.details["checks"])


def test_a_halide_that_leaves_stands_in_the_reaction():
    recipe = LigandExchange("exchange", AMINE, FORMATE)
    assert recipe.reaction.text == "slab·amine + acid -> slab·formate + HBr + amine"
    energies = {"slab·formate": -105.0, "HBr": -6.0, "slab·Br": -100.0}
    (result,) = recipe.evaluate(finished(recipe, energies))
    assert result.value == pytest.approx((-105.0 - 6.0 + 100.0 + 10.0) - (-1.0))
    assert result.reference == "neutral -> acid-exchange"


def test_exchange_and_its_reverse_cancel():
    one, other = LigandExchange("x", ACID, AMINE), LigandExchange("y", AMINE, ACID)
    values = [recipe.evaluate(finished(recipe))[0].value for recipe in (one, other)]
    assert sum(values) == pytest.approx(0.0)


def test_no_number_where_one_of_the_two_has_none():
    recipe = LigandExchange("exchange", ACID, AMINE)
    (result,) = recipe.evaluate(finished(recipe, slab_amine=output(-121.0, ionically_converged=False)))
    assert result.value is None
    assert "NOT CONVERGED: slab·amine is not relaxed to the force limit" in result.warnings
    (result,) = recipe.evaluate({})
    assert result.value is None
    assert any("not finished" in warning for warning in result.warnings)


def test_the_two_complexes_are_compared_with_each_other():
    recipe = LigandExchange("exchange", ACID, AMINE)
    other = {"settings": {"xc": "GFN1-xTB", "dispersion": "built-in"}}
    outputs = finished(recipe)
    outputs |= {label: replace(outputs[label], **other) for label in outputs if label.startswith(AFTER)}
    (result,) = recipe.evaluate(outputs)
    assert result.value is None
    assert any("SETTINGS DIFFER: xc differs" in warning for warning in result.warnings)
    forced = LigandExchange("exchange", replace(ACID, allow_differences=True), replace(AMINE, allow_differences=True))
    assert forced.evaluate(outputs)[0].value == pytest.approx(-0.5)


def test_other_slabs_and_other_numbers_are_refused():
    shifted = replace(AMINE, slab=leg("slab", -1, "PbBr2", "slab", shift=0.5))
    with pytest.raises(ReferenceSchemeError, match="acid -> amine: the slabs differ"):
        LigandExchange("x", ACID, shifted)
    with pytest.raises(ReferenceSchemeError, match=r"as many ligands before \(1\) as after \(2\)"):
        LigandExchange("x", ACID, replace(AMINE, n=2))


def test_an_exchange_survives_json():
    recipe = LigandExchange("exchange", ACID, AMINE)
    jobs = {job.id: job for job in recipe.jobs().values()}
    again = recipe_of(json.loads(json.dumps(recipe.record())), jobs)
    assert again.record() == recipe.record()
    assert again.reaction == recipe.reaction
