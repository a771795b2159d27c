import json
from dataclasses import replace

import numpy as np
import pytest
from ase.constraints import FixAtoms

from qddft.atoms.electrons import VALENCE_ELECTRONS
from qddft.core.errors import ChargeError, LevelError, PlacementError, StudyError
from qddft.core.resources import data_folder
from qddft.jobs.job import FinalOf
from qddft.recipes import recipe_of
from qddft.study.expand import expand
from qddft.study.load import load_study
from qddft.study.plan_table import plan_table

STUDY = """
title: small
levels: {{tblite: screening, vasp: tao-pbe}}
slab: {{formula: CsPbBr3, layers: 3, supercell: [2, 2], vacuum: 12.0, fixed_layers: 2}}
ligands:
{rows}
"""
ACID = "{ligand: acetic acid}"
BUTANOIC = "{ligand: oleic acid, truncate: 4}"
EXCHANGE = "{ligand: acetate, mode: X-site, reference: acid-exchange}"
FRAGMENT = "{ligand: acetate, mode: bidentate, reference: fragment}"


@pytest.fixture
def study(tmp_path):
    def make(*rows, slab=""):
        text = STUDY.format(rows="\n".join(f"  - {row}" for row in rows))
        text = text.replace("vacuum: 12.0", f"vacuum: 12.0{slab}", 1)
        path = tmp_path / "study.yaml"
        path.write_text(text)
        return load_study(path)

    return make


def by_name(expansion):
    return {job.name: job for job in expansion.plan}


def fixed_atoms(atoms):
    return {int(i) for item in atoms.constraints if isinstance(item, FixAtoms) for i in item.index}


def test_the_clean_slab_is_one_job_for_all_ligands(study):
    found = expand(study(ACID, BUTANOIC, EXCHANGE, FRAGMENT))
    assert [job.name for job in found.plan].count("slab") == 1
    slab = by_name(found)["slab"]
    assert all(recipe.slab.candidates[0].final.id == slab.id for recipe in found.recipes)
    assert found.plan.jobs[0] is slab


def test_parents_come_before_their_children(study):
    found = expand(study(ACID, FRAGMENT), engine="vasp")
    seen = set()
    for job in found.plan:
        assert job.parent is None or job.parent.id in seen
        seen.add(job.id)
    assert len(seen) == len(found.plan)


def test_a_frozen_slab_is_static_and_only_the_ligand_moves(study):
    jobs = by_name(expand(study(ACID)))
    assert jobs["slab"].task == "static"
    complex_ = jobs["complex-acetic-acid-neutral"]
    assert complex_.task == "relax"
    atoms = complex_.built_atoms
    assert fixed_atoms(atoms) == set(np.flatnonzero(atoms.arrays["fragment"] == 0))
    # the frozen slab of the complex is the clean slab: no job on it
    assert not any(name.startswith("slab-of") for name in jobs)


def test_the_study_fixes_layers_where_the_level_leaves_it_to_it(study):
    jobs = by_name(expand(study(ACID), engine="vasp"))
    atoms = jobs["complex-acetic-acid-neutral"].built_atoms
    assert fixed_atoms(atoms) == set(np.flatnonzero((atoms.arrays["layer"] <= 2) & (atoms.arrays["fragment"] == 0)))
    assert jobs["slab"].task == "relax"
    assert jobs["slab-of-acetic-acid-neutral"].start == FinalOf(jobs["complex-acetic-acid-neutral"], (0,))
    assert jobs["ligand-of-acetic-acid-neutral"].start.fragments == (1,)


def test_energies_come_from_statics_where_the_level_says_so(study):
    found = expand(study(ACID), engine="vasp")
    for leg in found.recipes[0].legs:
        for candidate in leg.candidates:
            assert candidate.final.task == "static"
            assert candidate.final.parent.id == candidate.relaxed.id


def test_all_slabs_and_complexes_share_one_cell_with_the_vacuum_above_the_longest_ligand(study):
    found = expand(study(ACID, BUTANOIC, EXCHANGE))
    periodic = [job.built_atoms for job in found.plan if job.role != "molecule"]
    heights = {round(atoms.cell[2, 2], 6) for atoms in periodic}
    assert len(heights) == 1
    tallest = max(np.ptp(atoms.positions[:, 2]) for atoms in periodic)
    assert heights.pop() - tallest >= 12.0
    lowest = {round(atoms.positions[atoms.arrays["fragment"] == 0][:, 2].min(), 6) for atoms in periodic[:2]}
    assert len(lowest) == 1


def test_molecules_stand_in_the_middle_of_a_box_that_is_not_periodic(study):
    found = expand(study(ACID))
    boxes = [job.built_atoms for job in found.plan if job.role == "molecule"]
    assert boxes
    for atoms in boxes:
        assert not atoms.pbc.any()
        assert (atoms.positions.min(axis=0) >= 7.5 - 1e-9).all()
        assert (atoms.cell.lengths() - atoms.positions.max(axis=0) >= 7.5 - 1e-9).all()


def test_exchange_replaces_a_halide_and_balances(study):
    found = expand(study(EXCHANGE))
    (recipe,) = found.recipes
    assert recipe.reaction.text == "slab·Br + acetic acid -> slab·acetate + hydrogen bromide"
    assert recipe.parts == ()
    assert recipe.scheme == "acid-exchange"
    job = by_name(found)["complex-acetate-acid-exchange"]
    assert (job.charge, job.unpaired) == (0, 0)
    assert found.ledgers[0][1].total == 0


def test_the_literal_fragment_is_a_neutral_doublet_and_warns(study):
    found = expand(study(FRAGMENT))
    (recipe,) = found.recipes
    jobs = by_name(found)
    assert recipe.reaction.text == "slab + acetate radical -> slab·acetate"
    assert jobs["radical-acetate"].unpaired == 1
    assert jobs["complex-acetate-fragment"].unpaired == 1
    assert jobs["ligand-of-acetate-fragment"].unpaired == 1
    assert {job.charge for job in found.plan} == {0}
    assert found.ledgers[0][1].total == -1
    (result,) = recipe.evaluate({})
    assert any("neutral radical" in warning for warning in result.warnings)


def test_an_acid_binds_by_its_anion_and_keeps_its_truncation(study):
    found = expand(study("{ligand: oleic acid, truncate: 4, mode: X-site, reference: acid-exchange}"))
    (recipe,) = found.recipes
    assert recipe.ligand == "oleate, truncated to C4H7O2"
    assert "oleic acid (C4H8O2)" in recipe.reaction.text


@pytest.mark.parametrize(
    ("row", "reaction"),
    [
        (
            "{ligand: acetate, mode: X-site, reference: salt-exchange}",
            "slab·Br + cesium acetate -> slab·acetate + [Br-].[Cs+]",
        ),
        ("{ligand: guanidinium iodide, reference: ion-pair}", "slab + guanidinium iodide -> slab·guanidinium iodide"),
        (
            "{ligand: acetate, mode: X-site, reference: vacancy-filling}",
            "slab·V(Br) + acetate radical -> slab·acetate",
        ),
        ("{ligand: guanidinium, reference: fragment}", "slab + guanidinium radical -> slab·guanidinium"),
    ],
)
def test_every_scheme_plans_a_balanced_reaction(study, row, reaction):
    (recipe,) = expand(study(row)).recipes
    assert recipe.reaction.text == reaction


def test_a_vacancy_is_open_shell_and_decomposes(study):
    found = expand(study("{ligand: acetate, mode: X-site, reference: vacancy-filling}"))
    jobs = by_name(found)
    (recipe,) = found.recipes
    slab = next(job for name, job in jobs.items() if name.startswith("slab-vacancy"))
    assert slab.unpaired == 1
    assert len(slab.built_atoms) == len(jobs["complex-acetate-vacancy-filling"].built_atoms) - 7
    assert recipe.parts[0].slab is not None


def test_ligands_on_both_faces_are_two(study):
    row = "{ligand: acetic acid, faces: both}"
    with pytest.raises(StudyError, match="ligands on both faces need equal faces, but fixed_layers: 2 holds"):
        study(row)
    free = study(row, slab="}\n#")
    assert free.slab.fixed_layers == 0
    (recipe,) = expand(free, engine="vasp").recipes
    assert (recipe.n, recipe.per_face) == (2, 1)
    assert recipe.reaction.text == "slab + 2 acetic acid -> slab·2 acetic acid"
    assert recipe.parts[0].ligand.start.fragments == (1, 2)
    assert recipe.system.endswith("both faces")


def test_conformers_and_poses_are_candidates(study):
    found = expand(study("{ligand: oleic acid, truncate: 4, conformers: 3, poses: 2}"))
    (recipe,) = found.recipes
    assert len(recipe.complexes.candidates) == 2
    assert len(recipe.parts) == 2
    assert 1 < len(recipe.molecules[0].candidates) <= 3
    first, second = (item.relaxed.built_atoms.positions for item in recipe.complexes.candidates)
    assert np.abs(first - second).max() > 0.5


def test_a_ligand_by_smiles_is_named_by_its_formula_in_folders(study):
    found = expand(study('{ligand: "CCCCCN"}'))
    assert "complex-c5h13n-neutral" in by_name(found)
    assert found.recipes[0].ligand == "CCCCCN"


def test_published_values_reach_the_recipe_in_our_convention(study, tmp_path):
    text = study(ACID).text + "published:\n  - {ligand: AcOH, quantity: E_bind, value: 0.4, source: a paper}\n"
    (tmp_path / "with.yaml").write_text(text)
    (recipe,) = expand(load_study(tmp_path / "with.yaml")).recipes
    assert recipe.published["value"] == -0.4


def test_two_rows_of_one_ligand_have_their_own_names(study):
    rows = ("{ligand: acetic acid}", "{ligand: acetic acid, mode: bidentate}")
    names = [recipe.name for recipe in expand(study(*rows)).recipes]
    assert names == ["binding-energy-acetic-acid-neutral", "binding-energy-acetic-acid-neutral-2"]


def test_the_number_of_a_level_carries_its_caution(study):
    (recipe,) = expand(study(ACID)).recipes
    assert recipe.evaluate({})[0].warnings[0].startswith("screening")
    (recipe,) = expand(study(ACID), engine="vasp").recipes
    assert recipe.caution == ""


def test_a_level_may_be_chosen_by_hand(study):
    found = expand(study(ACID), engine="tblite", level="smoke")
    assert found.level.name == "smoke"
    with pytest.raises(LevelError, match="no level 'smok'"):
        expand(study(ACID), level="smok")


def test_an_engine_without_a_level_is_refused(study):
    with pytest.raises(StudyError, match=r"gives no level for the engine 'gpaw'; add 'gpaw: LEVEL'"):
        expand(study(ACID), engine="gpaw")


def test_ligands_that_do_not_fit_are_all_refused_at_once(study):
    rows = ("{ligand: 2-HA}", "{ligand: acetic acid}", "{ligand: 2-HA, mode: bridging}")
    wide = study(*rows)
    tiny = wide.model_copy(update={"slab": wide.slab.model_copy(update={"supercell": (1, 1)})})
    with pytest.raises(PlacementError, match=r"ligand 1 \(2-HA\).*smallest supercell") as caught:
        expand(tiny)
    assert "ligand 3 (2-HA)" in str(caught.value)


def test_expansion_is_reproducible(study):
    first, second = expand(study(ACID, FRAGMENT)), expand(study(ACID, FRAGMENT))
    assert [job.id for job in first.plan] == [job.id for job in second.plan]


def test_the_ids_of_the_clean_slab_are_pinned(study):
    # these change when the structure, the level or the hash changes; then old run folders are not taken up again
    found = study(ACID, slab=", lattice: 6.0")
    ids = {engine: by_name(expand(found, engine=engine))["slab"].id for engine in ("tblite", "vasp")}
    assert ids == {"tblite": "02b273fea3428946", "vasp": "66314dc98526fcd1"}


@pytest.mark.parametrize("path", sorted(data_folder("workflows").glob("*/*.yaml")), ids=lambda path: path.stem)
def test_every_shipped_study_expands_for_each_of_its_engines(path):
    found = load_study(path)
    for engine in found.levels:
        expansion = expand(found, engine=engine)
        jobs = {job.id: job for job in expansion.plan}
        for recipe in expansion.recipes:
            assert recipe_of(json.loads(json.dumps(recipe.record())), jobs).record() == recipe.record()


def test_the_plan_as_a_table(study):
    found = expand(study(ACID, FRAGMENT), engine="vasp")
    rows = {row.name: row for row in plan_table(found)}
    # 3-layer PbX2 2x2: Cs4 Pb8 Br20
    assert rows["slab"].electrons == 4 * 9 + 8 * 14 + 20 * 7
    assert (rows["slab"].kpoints, rows["slab-static"].kpoints) == ((3, 3, 1), (4, 4, 1))
    assert rows["ligand-of-acetic-acid-neutral"].kpoints == (4, 4, 1)
    assert rows["slab-static"].after == "slab"
    assert rows["radical-acetate"].unpaired == 1
    assert sum(row.share for row in rows.values()) == pytest.approx(1.0)
    assert {row.seconds for row in rows.values()} == {None}
    json.dumps([row.as_dict() for row in rows.values()])


def test_times_are_estimated_where_they_were_measured(study):
    rows = {row.name: row for row in plan_table(expand(study(ACID)))}
    assert 0 < rows["slab"].seconds < rows["complex-acetic-acid-neutral"].seconds


def test_a_plan_counts_no_electrons_of_unknown_elements(study, monkeypatch):
    monkeypatch.delitem(VALENCE_ELECTRONS, "Pb")
    rows = {row.name: row for row in plan_table(expand(study(ACID)))}
    assert rows["slab"].electrons is None
    assert rows["molecule-acetic-acid"].electrons == 24


def test_unconverged_numbers_have_to_be_asked_for(study):
    (recipe,) = expand(study(ACID)).recipes
    assert not recipe.allow_unconverged
    assert replace(recipe, allow_unconverged=True).record()["allow_unconverged"]


def test_an_exchange_needs_no_job_of_its_own(study, tmp_path):
    text = study(ACID, EXCHANGE).text + "exchanges:\n  - {from: acetic acid, to: acetate}\n"
    (tmp_path / "with.yaml").write_text(text)
    found = expand(load_study(tmp_path / "with.yaml"))
    assert len(found.plan) == len(expand(study(ACID, EXCHANGE)).plan)
    recipe = found.recipes[-1]
    assert recipe.name == "exchange-acetic-acid-neutral-to-acetate-acid-exchange"
    # acetic acid leaves as what acetate is made of, so that it cancels
    assert recipe.reaction.text == "slab·acetic acid -> slab·acetate + hydrogen bromide"
    jobs = {job.id: job for job in found.plan}
    assert recipe_of(json.loads(json.dumps(recipe.record())), jobs).record() == recipe.record()


def vacancies_of(study, tmp_path, rows, engine="vasp"):
    (tmp_path / "with.yaml").write_text(study(ACID).text + f"vacancies:\n{rows}")
    return expand(load_study(tmp_path / "with.yaml"), engine=engine)


def test_a_bare_vacancy_shares_the_clean_slab(study, tmp_path):
    found = vacancies_of(study, tmp_path, "  - {species: Br, starts: 3}\n")
    recipe = found.recipes[-1]
    jobs = by_name(found)
    assert recipe.pristine.candidates[0].final.id == jobs["slab-static"].id
    assert recipe.reaction.text == "2 slab -> 2 slab·V(Br) + Br2"
    assert recipe.place == "equatorial Br of layer 3"
    starts = [item.relaxed for item in recipe.defect.candidates]
    assert len(starts) == 3
    assert {job.unpaired for job in starts} == {1}
    assert {len(job.built_atoms) for job in starts} == {31}
    assert {round(job.built_atoms.cell[2, 2], 6) for job in starts} == {round(jobs["slab"].built_atoms.cell[2, 2], 6)}


def test_a_vacancy_under_two_ligands(study, tmp_path):
    rows = (
        "  - species: Br\n"
        "    ligands: [{ligand: methylamine, mode: atop}, {ligand: acetic acid, mode: atop}]\n"
        '    published: {value: 2.8, source: "a paper"}\n'
    ).replace("methylamine", "CN")
    recipe = vacancies_of(study, tmp_path, rows).recipes[-1]
    assert recipe.ligand == "CN + acetic acid"
    # the plus of the names is none of the reaction
    assert recipe.reaction.text == "2 slab·(CN + acetic acid) -> 2 slab·(CN + acetic acid)·V(Br) + Br2"
    assert recipe.pristine.candidates[0].relaxed.role == "complex"
    assert recipe.published["value"] == 2.8
    assert recipe.name == "vacancy-energy-br-ch5n-acetic-acid"


def test_vacancies_that_cannot_be_built_are_told_together(study, tmp_path):
    rows = "  - {species: Br, ligands: [{ligand: acetate, mode: bidentate}]}\n  - {species: Br, layer: 3}\n"
    with pytest.raises(ChargeError, match=r"vacancy 1: slab with acetate: the formal charges add up to -1"):
        vacancies_of(study, tmp_path, rows)


def test_a_study_alone_does_not_start_foreign_code(study):
    found = study(ACID)
    foreign = found.model_copy(update={"levels": {"ase:ase.calculators.lj:LennardJones": "smoke"}})
    with pytest.raises(StudyError, match=r"--engine ase:ase\.calculators\.lj:LennardJones"):
        expand(foreign)
    assert expand(foreign, engine="ase:ase.calculators.lj:LennardJones").engine.startswith("ase:")
