import json
from dataclasses import replace

import numpy as np
import pytest
from ase import Atoms

from qddft.analysis.reaction import Species
from qddft.analysis.vacancy import ChargeState
from qddft.core.errors import ChargeError, ReferenceSchemeError
from qddft.levels.load import load_level
from qddft.outputs.outputs import Outputs
from qddft.recipes import recipe_of
from qddft.recipes.base import Recipe
from qddft.recipes.legs import Leg
from qddft.recipes.relaxation import relaxation
from qddft.recipes.vacancy_energy import VacancyEnergy, farthest_ligand_atom
from qddft.recipes.vacancy_of_folders import vacancy_formation_energy

LEVEL = load_level("screening").resolved("tblite")
SETTINGS = {"xc": "PBE", "cutoff_eV": 400.0, "dispersion": "none", "kpoints": [2, 2, 1]}


def atoms_of(formula, shift=0.0):
    atoms = Atoms(formula, cell=[12, 12, 30], pbc=True)
    atoms.positions[:, 0] = np.linspace(0, 12, len(atoms), endpoint=False) + shift
    atoms.positions[:, 1] = np.linspace(0, 24, len(atoms), endpoint=False) % 12
    return atoms


def leg(name, coefficient, *structures, role="slab"):
    symbols = structures[0].get_chemical_symbols()
    counts = {symbol: symbols.count(symbol) for symbol in set(symbols)}
    candidates = tuple(relaxation(f"job-{i}", role, item, LEVEL) for i, item in enumerate(structures))
    return Leg(Species(name, coefficient, counts), candidates, isolated=role == "molecule")


RECIPE = VacancyEnergy(
    name="vacancy-energy-i",
    system="a face",
    ligand="none",
    species="I",
    place="equatorial I of layer 3",
    pristine=leg("slab", -2, atoms_of("Pb4I8")),
    defect=leg("slab·V(I)", 2, atoms_of("Pb4I7"), atoms_of("Pb4I7", 0.1)),
    element=leg("I2", 1, Atoms("I2", positions=[[0, 0, 0], [0, 0, 2.7]]), role="molecule"),
    engine="tblite",
    level="screening",
    caution="screening",
    published={"value": 2.8, "unit": "eV", "tolerance": 0.2, "source": "a paper"},
)


def output(formula, energy, **changes):
    facts = {"atoms": atoms_of(formula), "energy": energy, "electronically_converged": True}
    return Outputs(**(facts | {"ionically_converged": True, "settings": SETTINGS, "engine": "tblite"} | changes))


def finished(**changed):
    outputs = {
        "slab": output("Pb4I8", -100.0),
        "slab·V(I) #0": output("Pb4I7", -95.0),
        "slab·V(I) #1": output("Pb4I7", -95.5),
        "I2": output("I2", -3.0, atoms=Atoms("I2", cell=[15, 15, 15]), settings=SETTINGS | {"kpoints": [1, 1, 1]}),
    }
    return outputs | changed


def covered(formula, *, turned=0.0, edge=0.0):
    """Return a slab under a chain of C3H whose middle is turned away by so many Angstrom."""
    slab = atoms_of(formula)
    chain = Atoms("C3H", positions=[[1, 1, 20], [1, 1, 21.5], [1, 1, 23], [1, 1, 24]])
    chain.positions[1:, 0] -= turned
    chain.positions[:, 0] += edge
    fragment = [0] * len(slab) + [1] * len(chain)
    whole = slab + chain
    whole.arrays["fragment"] = np.array(fragment)
    return whole


def test_ligands_that_rearrange_are_told():
    told = RECIPE.evaluate(
        finished(
            slab=output("Pb4I8", -100.0, atoms=covered("Pb4I8")),
            **{"slab·V(I) #1": output("Pb4I7", -95.5, atoms=covered("Pb4I7", turned=1.8))},
        )
    )[0]
    assert told.details["ligands_moved_A"] == 1.8
    assert any("slab·V(I): LIGANDS REARRANGED: a ligand atom lies 1.8 Å" in text for text in told.warnings)
    assert told.value is not None


def test_ligands_that_stay_or_cross_the_cell_are_not_told():
    # 12 Angstrom along x is the same place again
    same = farthest_ligand_atom(covered("Pb4I8"), covered("Pb4I7", turned=0.4, edge=12.0))
    assert same == pytest.approx(0.4)
    assert farthest_ligand_atom(atoms_of("Pb4I8"), atoms_of("Pb4I7")) is None


def test_the_lowest_start_counts_at_the_halogen_rich_limit():
    assert isinstance(RECIPE, Recipe)
    (result,) = RECIPE.evaluate(finished())
    assert result.value == pytest.approx(-95.5 + 100.0 - 1.5)
    assert result.quantity == "E_f(V_I)"
    assert result.reference == "I-rich"
    assert result.reaction == "2 slab -> 2 slab·V(I) + I2"
    assert result.details["chosen"] == {"slab·V(I)": 1}
    assert result.source_value["value"] == 2.8
    assert result.warnings == ("screening",)


def test_an_open_shell_vacancy_may_differ_in_spin_treatment():
    spin = {name: replace(item, settings=SETTINGS | {"ispin": 1}) for name, item in finished().items()}
    spin["slab·V(I) #1"] = output("Pb4I7", -95.5, settings=SETTINGS | {"ispin": 2})
    assert RECIPE.evaluate(spin)[0].value is not None


def test_no_number_without_trust_unless_asked_for():
    loose = finished(slab=output("Pb4I8", -100.0, ionically_converged=False))
    (result,) = RECIPE.evaluate(loose)
    assert result.value is None
    assert "NOT CONVERGED: slab is not relaxed to the force limit" in result.warnings
    assert replace(RECIPE, allow_unconverged=True).evaluate(loose)[0].value == pytest.approx(3.0)
    other = finished(slab=output("Pb4I8", -100.0, settings=SETTINGS | {"cutoff_eV": 300.0}))
    assert RECIPE.evaluate(other)[0].value is None
    assert replace(RECIPE, allow_differences=True).evaluate(other)[0].value == pytest.approx(3.0)
    empty = finished(slab=output("Pb4I8", None))
    assert replace(RECIPE, allow_unconverged=True).evaluate(empty)[0].value is None


def test_a_missing_output_means_not_finished():
    (result,) = RECIPE.evaluate({})
    assert result.value is None
    assert "not finished: slab, slab·V(I) #0, slab·V(I) #1, I2" in result.warnings


def test_it_survives_json():
    jobs = {job.id: job for job in RECIPE.jobs().values()}
    again = recipe_of(json.loads(json.dumps(RECIPE.record())), jobs)
    assert again.record() == RECIPE.record()


DEFECT, PRISTINE = output("Pb4I7", -95.5, charge=0.0), output("Pb4I8", -100.0)
I2 = finished()["I2"]


def test_folders_of_anybody():
    by_number = vacancy_formation_energy(DEFECT, PRISTINE, {"I": 1}, {"I": -1.5})
    by_molecule = vacancy_formation_energy(DEFECT, PRISTINE, {"I": 1}, {"I": I2})
    assert by_number.value == by_molecule.value == pytest.approx(3.0)
    assert by_molecule.details["chemical_potentials_eV"] == {"I": -1.5}
    assert by_number.charge == 0


def test_folders_with_other_settings_or_unconverged_give_no_number_unless_asked():
    other = replace(PRISTINE, settings=SETTINGS | {"cutoff_eV": 300.0})
    assert vacancy_formation_energy(DEFECT, other, {"I": 1}, {"I": -1.5}).value is None
    assert vacancy_formation_energy(DEFECT, other, {"I": 1}, {"I": -1.5}, allow_differences=True).value is not None
    loose = replace(DEFECT, ionically_converged=None)
    assert vacancy_formation_energy(loose, PRISTINE, {"I": 1}, {"I": -1.5}).value is None
    assert vacancy_formation_energy(loose, PRISTINE, {"I": 1}, {"I": -1.5}, allow_unconverged=True).value is not None


def test_a_charged_defect_needs_its_correction_by_name():
    charged = replace(DEFECT, charge=1.0)
    with pytest.raises(ChargeError, match="correction with the name of its method"):
        vacancy_formation_energy(charged, PRISTINE, {"I": 1}, {"I": -1.5})
    state = ChargeState(
        1, valence_band_maximum=-2.0, fermi_level=0.0, correction=0.3, method="two-dimensional, by hand"
    )
    result = vacancy_formation_energy(charged, PRISTINE, {"I": 1}, {"I": -1.5}, state=state)
    assert result.value == pytest.approx(3.0 - 2.0 + 0.3)
    assert result.details["correction"] == "two-dimensional, by hand"
    assert (result.charge, "E_corr" in result.convention) == (1, True)


def test_mistakes_with_folders(tmp_path):
    with pytest.raises(
        ReferenceSchemeError, match=r"the defect lacks 1 I of the pristine cell, not 1 Br.*they are: --removed I=1$"
    ):
        vacancy_formation_energy(DEFECT, PRISTINE, {"Br": 1}, {"Br": -1.5})
    with pytest.raises(ReferenceSchemeError, match="the chemical potential of I cannot come from"):
        vacancy_formation_energy(DEFECT, PRISTINE, {"I": 1}, {"I": PRISTINE})
