"""Studies of mixtures, A-site ligands, ion pairs, coverages, several ligands at once and missing groups."""

import pytest

from qddft.core.errors import ChargeError, PlacementError, QddftError, StructureError, StudyError
from qddft.jobs.plan import Plan
from qddft.recipes import recipe_of
from qddft.study.expand import expand
from qddft.study.load import load_study

SLAB = "{formula: CsPbBr3, termination: CsX, layers: 3, supercell: [2, 2]}"
BASE = "{ligand: CN, mode: atop}"
PAIR = """  - name: ammonium and acetate
    ligands: [{ligand: "C[NH3+]", mode: A-site}, {ligand: acetate, mode: X-site}]
"""
REACTION = """    consumes: {"CN": 1, acetic acid: 1}
    releases: {"[Cs+].[Br-]": 1}
"""


@pytest.fixture
def study(tmp_path):
    """Return a function that writes and reads a study."""

    def made(*rows, slab=SLAB, more=""):
        listed = "\n".join(f"  - {row}" for row in rows or (BASE,))
        path = tmp_path / "study.yaml"
        path.write_text(f"title: made up\nlevels: {{tblite: screening}}\nslab: {slab}\nligands:\n{listed}\n{more}")
        return load_study(path)

    return made


def _recipes(study):
    return {recipe.name: recipe for recipe in expand(study).recipes}


def test_a_cation_in_the_place_of_cesium_against_its_salt(study):
    (recipe,) = expand(study("{ligand: guanidinium, mode: A-site, reference: salt-exchange}")).recipes
    assert recipe.reaction.text.startswith("slab·Cs + ")
    formed = recipe.reaction.right
    assert {"Cs": 1, "Br": 1} in [dict(item.composition) for item in formed]


def test_an_ion_pair_by_its_mode(study):
    (recipe,) = expand(study("{ligand: GAI, mode: ion-pair, reference: ion-pair}")).recipes
    assert recipe.reaction.text == "slab + guanidinium iodide -> slab·guanidinium iodide"


def test_a_coverage_is_several_ligands_of_one_reaction(study):
    (recipe,) = expand(study("{ligand: CN, count: 2, pattern: 2}")).recipes
    assert (recipe.n, recipe.per_face) == (2, 2)
    assert recipe.reaction.text == "slab + 2 CN -> slab·2 CN"


def test_a_site_and_a_conformer_of_ones_choice(study):
    text = "{formula: CsPbBr3, layers: 3, supercell: [2, 2]}"
    (one,) = expand(study("{ligand: CCN, site: [3.0, 0.0], conformer: 0}", slab=text)).recipes
    (other,) = expand(study("{ligand: CCN, site: Pb-top}", slab=text)).recipes
    placed = [item.complexes.candidates[0].relaxed.built_atoms.info["qddft"]["fragments"][1] for item in (one, other)]
    assert placed[0]["conformer"] == 0
    assert placed[0]["sites"] != placed[1]["sites"]


def test_a_mixture_names_the_halide_that_leaves(study):
    slab = '{formula: "CsPb(Br0.9I0.1)3", order: ordered, layers: 3, supercell: [2, 2]}'
    (recipe,) = expand(study("{ligand: acetate, mode: X-site, reference: acid-exchange}", slab=slab)).recipes
    pose = recipe.complexes.candidates[0].relaxed.built_atoms
    (gone,) = pose.info["qddft"]["removed"]
    assert any(gone["symbol"] in item.composition and "H" in item.composition for item in recipe.reaction.right)
    assert "Br0.9I0.1" in recipe.system


def test_tilted_faces_are_cut_across_any_axis(study):
    slab = "{formula: CsPbBr3, phase: orthorhombic, lattice: experiment, layers: 3, supercell: [2, 2], normal: a}"
    (recipe,) = expand(study("{ligand: O}", slab=slab)).recipes
    assert recipe.slab.candidates[0].relaxed.built_atoms.info["qddft"]["bulk"]["normal"] == "a"


def test_a_shell_of_ions_with_the_reaction_that_is_stated(study):
    found = _recipes(study(more=f"shells:\n{PAIR}{REACTION}"))
    recipe = found["binding-energy-shell-ammonium-and-acetate"]
    assert recipe.per_face == 2
    assert recipe.scheme == "stated"
    assert recipe.reaction.text.startswith("slab + CN + acetic acid -> slab·(ammonium and acetate)")
    again = recipe_of(recipe.record(), {job.id: job for job in Plan.of(recipe.jobs().values())})
    assert again == recipe


def test_a_shell_of_molecules_needs_no_reaction(study):
    found = _recipes(study(more="shells:\n  - {name: two, ligands: [{ligand: CN, count: 2}, {ligand: N}]}\n"))
    assert found["binding-energy-shell-two"].reaction.text == "slab + 2 CN + ammonia -> slab·(two)"


def test_missing_groups_go_into_molecules(study):
    found = _recipes(study(more="vacancies:\n  - {species: CsX, starts: 1}\n  - {species: Br, starts: 1}\n"))
    group, halide = (found[name] for name in ("vacancy-energy-csx-bare", "vacancy-energy-br-bare"))
    assert group.reaction.text == "slab -> slab·V(CsBr) + CsBr molecule"
    assert "sublimation" in group.convention
    assert halide.reaction.text == "2 slab -> 2 slab·V(Br) + Br2"
    assert "Br-rich" in halide.convention


def test_a_vacancy_by_name(study):
    row = "vacancies:\n  - {species: Br, name: v-br-equatorial-2, starts: 1}\n"
    assert _recipes(study(more=row))["vacancy-energy-br-bare"].place == "equatorial Br of layer 2"


@pytest.mark.parametrize(
    ("more", "kind", "message"),
    [
        (f"shells:\n{PAIR}", QddftError, "are ions, so that it has to be said what the shell is made from"),
        (f"shells:\n{PAIR}    consumes: {{acetate: 1}}\n", StudyError, "has the charge -1; name neutral molecules"),
        (f"shells:\n{PAIR}    consumes: {{acetic acid: 1}}\n", StudyError, "does not balance.*consumes and releases"),
        ("shells:\n  - {name: x, ligands: [{ligand: acetate, mode: X-site}]}\n", QddftError, "shell 1 .x.*ions"),
        ("shells:\n  - {name: x, ligands: [{ligand: acetate}]}\n", ChargeError, "charged periodic cell"),
        ("shells:\n  - {name: x, ligands: [{ligand: olic acid}]}\n", StudyError, r"study.yaml:7.*oleic acid"),
        ("shells:\n  - {name: x, ligands: [{ligand: CN, count: 9}]}\n", PlacementError, "this cell has 4"),
        ("shells:\n  - {name: x, ligand: [CN]}\n", StudyError, "ligands"),
        ("vacancies:\n  - {species: Cs}\n", StudyError, "the halide of this slab is Br, not Cs"),
        ("vacancies:\n  - {species: Br, name: v-br-apicl-3}\n", StructureError, "Did you mean 'v-br-apical-3'"),
    ],
)
def test_mistakes_in_shells_and_vacancies(study, more, kind, message):
    with pytest.raises(kind, match=message):
        expand(study(more=more))


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("{ligand: acetate, mode: A-site, reference: salt-exchange}", "goes with mode X-site, not 'A-site'"),
        ("{ligand: guanidinium, mode: X-site, reference: salt-exchange}", "goes with mode A-site, not 'X-site'"),
        ("{ligand: guanidinium, mode: A-site, reference: neutral}", "salt-exchange with mode A-site"),
        ("{ligand: CN, site: 999}", "atom 999 is no place"),
        ("{ligand: CN, site: top}", "give the number of a slab atom"),
        ("{ligand: CN, site: hollow}", "is no place for this mode"),
        ("{ligand: CN, count: 2, per_nm2: 1.0}", "not both"),
        ("{ligand: CN, count: 2, pattern: 77}", "no pattern 77"),
        ("{ligand: CN, mode: ion-pair, reference: ion-pair}", "ion-pair.*neutral pairs of ions"),
        ("{ligand: CN, mode: A-sit}", "A-site"),
        ("{ligand: CN, conformer: 99}", "distinct conformers"),
    ],
)
def test_mistakes_in_rows(study, row, message):
    with pytest.raises(QddftError, match=message):
        expand(study(row))


@pytest.mark.parametrize(
    ("slab", "message"),
    [
        ('{formula: "CsPb(Br0.5I0.4)3", layers: 3, supercell: [2, 2]}', "adds up to 2.7"),
        ('{formula: "CsPb(Br0.5I0.5)3", order: rnd, layers: 3, supercell: [2, 2]}', "order"),
        ('{formula: "CsPb(Br0.99I0.01)3", layers: 3, supercell: [1, 1]}', "take a supercell with 50 or more"),
        ("{formula: CsPbBr3, normal: z, layers: 3, supercell: [2, 2]}", "normal"),
    ],
)
def test_mistakes_in_the_slab(study, slab, message):
    with pytest.raises(StudyError, match=message):
        study(slab=slab)
