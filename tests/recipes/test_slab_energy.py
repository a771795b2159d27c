from dataclasses import replace

import numpy as np
import pytest
from ase import Atoms

from qddft.analysis.reaction import Species
from qddft.levels.load import load_level
from qddft.outputs.outputs import Outputs
from qddft.recipes.legs import Leg
from qddft.recipes.relaxation import relaxation
from qddft.recipes.slab_energy import SlabEnergy

LEVEL = load_level("screening").resolved("tblite")
SETTINGS = {"xc": "PBE", "cutoff_eV": 400.0, "dispersion": "none", "kpoints": [2, 2, 1]}


def atoms_of(formula, shift=0.0):
    atoms = Atoms(formula, cell=[12, 12, 30], pbc=True)
    atoms.positions[:, 0] = np.linspace(0, 12, len(atoms), endpoint=False) + shift
    return atoms


def leg(name, *structures):
    counts = {"Pb": 4, "I": 8}
    return Leg(Species(name, 1, counts), tuple(relaxation(name, "slab", item, LEVEL) for item in structures))


THIN, THICK = leg("thin", atoms_of("Pb4I8")), leg("thick", atoms_of("Pb4I8", 0.1), atoms_of("Pb4I8", 0.2))
RECIPE = SlabEnergy(
    name="increment",
    system="CsPbI3",
    quantity="E(thick) - E(thin)",
    unit="eV",
    convention="E(thick) - E(thin)",
    legs=(THIN, THICK),
    weights=(-1.0, 1.0),
    engine="tblite",
    level="screening",
)


def output(energy, **changes):
    facts = {"atoms": atoms_of("Pb4I8"), "energy": energy, "electronically_converged": True}
    return Outputs(**(facts | {"ionically_converged": True, "settings": SETTINGS, "engine": "tblite"} | changes))


def finished(**changed):
    return {"thin": output(-100.0), "thick #0": output(-203.0), "thick #1": output(-202.0)} | changed


def test_the_weighted_sum_of_the_lowest_starts():
    (result,) = RECIPE.evaluate(finished())
    assert result.value == pytest.approx(-103.0)
    assert result.details["energies_eV"] == {"thin": -100.0, "thick": -203.0}


def test_it_says_which_starts_were_left_out():
    loose = finished(**{"thick #0": output(-203.0, ionically_converged=False)})
    (result,) = RECIPE.evaluate(loose)
    assert result.value == pytest.approx(-102.0)
    assert "thick: 1 of 2 starting structures did not converge and were left out" in result.warnings


def test_no_number_of_slabs_that_do_not_belong_together():
    other = finished(thin=output(-100.0, settings=SETTINGS | {"cutoff_eV": 300.0}))
    (result,) = RECIPE.evaluate(other)
    assert result.value is None
    assert any(warning.startswith("SETTINGS DIFFER") for warning in result.warnings)


def test_one_slab_has_nothing_to_differ_from():
    alone = replace(RECIPE, legs=(THIN,), weights=(0.5,))
    (result,) = alone.evaluate(finished())
    assert result.value == pytest.approx(-50.0)
    assert result.audit == {}


def test_a_sentence_is_said_once_with_the_names_of_all_it_is_about():
    warned = {name: replace(item, warnings=("a caution",)) for name, item in finished().items()}
    (result,) = RECIPE.evaluate(warned)
    assert [text for text in result.warnings if "a caution" in text] == ["thin, thick: a caution"]
