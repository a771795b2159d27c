"""Series of a study as jobs: one setting varied in a whole set of terms, and nothing computed twice."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ase.constraints import FixAtoms

from qddft.core.errors import StudyError
from qddft.jobs.job import FinalOf
from qddft.recipes import recipe_of
from qddft.study.expand import expand
from qddft.study.load import load_study
from qddft.study.plan_table import plan_table
from qddft.study.session import write

STUDY = """\
title: series
levels: {{tblite: screening, vasp: tao-pbe}}
slab: {{formula: CsPbBr3, layers: {layers}, supercell: {cell}, vacuum: 12.0, fixed_layers: {held}}}
ligands:
{ligands}
convergence:
{rows}
"""
AMMONIA = "{ligand: ammonia}"
EXAMPLE = Path(__file__).parents[2] / "examples" / "convergence.yaml"


@pytest.fixture
def planned(tmp_path):
    def make(*rows, engine="vasp", ligands=(AMMONIA,), layers=3, cell="sqrt2", held=1, level=None):
        listed = ["\n".join(f"  - {item}" for item in items) for items in (ligands, rows)]
        text = STUDY.format(layers=layers, cell=cell, held=held, ligands=listed[0], rows=listed[1])
        path = tmp_path / "study.yaml"
        path.write_text(text, encoding="utf-8")
        return expand(load_study(path), engine=engine, level=level)

    return make


def series(found, index=0):
    return [recipe for recipe in found.recipes if recipe.record()["recipe"] == "convergence"][index]


def ids(recipe):
    return {job.id for job in recipe.jobs().values()}


def finals(point):
    legs = point.recipe.legs
    return {leg.species.name: leg.candidates[0].final for leg in legs}


CUTOFF = "{vary: cutoff_eV, values: [300, 400, 500]}"
MESH = "{vary: kpoints, values: [[4, 4, 1], [6, 6, 1], [8, 8, 1]]}"
VACUUM = "{vary: vacuum, values: [10, 12, 15]}"
LAYERS = "{vary: layers, values: [3, 5, 7]}"
CELL = "{vary: supercell, values: [1, sqrt2, 2]}"


def test_each_point_has_one_cutoff_in_all_terms(planned):
    for point in series(planned(CUTOFF)).points:
        assert {job.level["settings"]["cutoff_eV"] for job in finals(point).values()} == {point.setting}


def test_cutoff_and_mesh_stand_on_the_geometry_of_the_study(planned):
    found = planned(CUTOFF, MESH)
    binding = found.recipes[0]
    for recipe in (series(found, 0), series(found, 1)):
        for point in recipe.points:
            for leg, main in zip(point.recipe.legs, binding.legs, strict=True):
                (item,), (own,) = leg.candidates, main.candidates
                assert item.relaxed.id == own.relaxed.id
                assert item.final.task == "static"
                assert item.final.start == FinalOf(own.relaxed)


def test_the_point_at_the_settings_of_the_study_is_the_study(planned):
    found = planned(CUTOFF, MESH, VACUUM, LAYERS, CELL)
    main = ids(replace(found.recipes[0], parts=()))
    for index, label in enumerate(["400 eV", "8x8x1", "12 Å", "3 layers", "sqrt2"]):
        (point,) = [item for item in series(found, index).points if item.label == label]
        assert ids(point.recipe) == main


def test_molecules_are_not_repeated_where_the_setting_does_not_touch_them(planned):
    found = planned(MESH, VACUUM, LAYERS, CELL)
    assert sum(job.role == "molecule" for job in found.plan) == 2
    assert sum(job.role == "molecule" for job in planned(CUTOFF).plan) == 4


def test_series_share_their_jobs_with_each_other(planned):
    # the clean slabs of the ligand's series are those of the surface energy
    found = planned("{vary: vacuum, values: [10, 12]}", "{vary: vacuum, values: [10, 12], of: energy per formula unit}")
    assert ids(series(found, 1)) <= ids(series(found, 0))
    layers = planned(LAYERS, "{vary: layers, values: [3, 5, 7], of: surface energy}", held=0)
    slabs = [job for job in layers.plan if job.role == "slab" and job.task == "relax"]
    # PbBr2 slabs of 3, 5, 7 and 9 layers, CsBr slabs of 3, 5 and 7: each once
    assert sorted(len(job.built_atoms) for job in slabs) == sorted([16, 26, 36, 46, 14, 24, 34])


def test_the_order_of_rows_and_other_ligands_change_no_job(planned):
    # the tallest ligand of the study sets the cell height of all points
    rows = ("{vary: layers, values: [3, 5], of: ammonia}", "{vary: vacuum, values: [10, 12], of: ammonia}")
    found = planned(*rows, ligands=[AMMONIA, "{ligand: oleic acid, truncate: 8}"])
    binding = found.recipes[0]
    assert ids(series(found, 0).points[0].recipe) == ids(replace(binding, parts=()))
    low, high = (item.recipe.complexes.candidates[0].relaxed.built_atoms for item in series(found, 1).points)
    assert high.cell[2, 2] - low.cell[2, 2] == pytest.approx(2.0)
    thin, thick = (item.recipe.complexes.candidates[0].relaxed.built_atoms for item in series(found, 0).points)
    grown = np.ptp(thick.positions[:, 2]) - np.ptp(thin.positions[:, 2])
    assert -1e-6 <= thick.cell[2, 2] - thin.cell[2, 2] - grown < 0.5


def test_slab_and_complex_of_a_point_share_their_cell(planned):
    found = planned(VACUUM, LAYERS, CELL)
    for index in range(3):
        for point in series(found, index).points:
            slab, complex_ = (
                leg.candidates[0].relaxed.built_atoms for leg in (point.recipe.slab, point.recipe.complexes)
            )
            assert slab.cell.array == pytest.approx(complex_.cell.array)


def test_held_layers_grow_with_the_slab(planned):
    found = planned("{vary: layers, values: [3, 5, 7, 9]}", layers=5, held=2)
    held = []
    for point in series(found).points:
        atoms = point.recipe.slab.candidates[0].relaxed.built_atoms
        fixed = {int(i) for item in atoms.constraints if isinstance(item, FixAtoms) for i in item.index}
        layers = atoms.arrays["layer"]
        assert fixed == set(np.flatnonzero(layers <= max(layers[list(fixed)])))
        held.append(int(max(layers[list(fixed)])))
    assert held == [1, 2, 3, 4]
    assert [point.note for point in series(found).points] == [f"{count} of them held" for count in held]


@pytest.mark.parametrize(("held", "expected"), [(0, [0, 0, 0]), ("all", [3, 5, 7]), (3, [3, 5, 7]), (2, [2, 3, 5])])
def test_nothing_and_everything_stay_held(planned, held, expected):
    found = planned(LAYERS, held=held)
    counts = []
    for point in series(found).points:
        atoms = point.recipe.slab.candidates[0].relaxed.built_atoms
        fixed = [int(i) for item in atoms.constraints if isinstance(item, FixAtoms) for i in item.index]
        counts.append(len(set(atoms.arrays["layer"][fixed])))
    assert counts == expected


def test_relaxed_at_each_point_where_the_study_says_so(planned):
    found = planned("{vary: cutoff_eV, values: [300, 400], geometry: relaxed}",
                    "{vary: kpoints, values: [[4, 4, 1], [6, 6, 1]], geometry: relaxed}")  # fmt: skip
    (low, _), (coarse, _) = series(found, 0).points, series(found, 1).points
    for point, key, value in ((low, "cutoff_eV", 300.0), (coarse, "kpoints_relax", [4, 4, 1])):
        (item,) = point.recipe.complexes.candidates
        assert item.relaxed.level["settings"][key] == value
        assert item.final.parent.id == item.relaxed.id
    # the molecule has no mesh, so it stays that of the study
    assert coarse.recipe.molecules == found.recipes[0].molecules


def test_derived_levels_say_where_they_come_from(planned):
    point = series(planned(CUTOFF)).points[0]
    level = point.recipe.slab.candidates[0].final.level
    assert (level["name"], level["parent"]) == ("tao-pbe-cutoff-300", "tao-pbe")
    assert level["choices"]["cutoff_eV"] == "varied: 300 in place of 400 of the level tao-pbe"
    assert point.recipe.level == "tao-pbe-cutoff-300"


def test_the_plan_shows_the_mesh_of_each_job(planned):
    found = planned(MESH, cell="[1, 1]")
    meshes = {row.name: row.kpoints for row in plan_table(found)}
    assert meshes["slab-k-4x4x1"] == (4, 4, 1)
    assert meshes["complex-ammonia-neutral-k-6x6x1"] == (6, 6, 1)


def test_meshes_that_become_one_are_refused(planned):
    with pytest.raises(StudyError, match=r"study.yaml:7: convergence 1 \(kpoints\): 3x3x1 \(mesh 2x2x1 of this 2x2"):
        planned("{vary: kpoints, values: [[3, 3, 1], [4, 4, 1], [8, 8, 1]]}", cell="[2, 2]")


def test_a_denser_mesh_of_the_1x1_cell_may_be_coarser_in_a_supercell(planned):
    # 8 points over 3 are 3, and 4 with the corner; 9 over 3 are 3
    with pytest.raises(StudyError, match=r"8x8x1 \(mesh 4x4x1 of this 3x3 cell\) and 9x9x1 \(mesh 3x3x1"):
        planned("{vary: kpoints, values: [[8, 8, 1], [9, 9, 1]]}", cell="[3, 3]")


def test_an_engine_without_the_setting_is_told_with_line_and_remedy(planned):
    with pytest.raises(StudyError) as caught:
        planned(VACUUM, CUTOFF, MESH, engine="tblite")
    first, second = str(caught.value).splitlines()
    assert "study.yaml:8: convergence 2 (cutoff_eV): the engine tblite has no cutoff_eV to vary" in first
    assert "vasp" in first
    assert "give 'engines: [vasp]' in this series" in first
    assert "study.yaml:9: convergence 3 (kpoints)" in second


def test_series_of_other_engines_are_left_out(planned):
    rows = ("{vary: cutoff_eV, values: [300, 400], engines: [vasp]}", VACUUM)
    assert len(planned(*rows, engine="tblite").recipes) == 2
    assert len(planned(*rows, engine="vasp").recipes) == 3


def test_all_cells_that_are_too_small_are_told(planned):
    wide = "{ligand: 2-hexyldecanoic acid, mode: bidentate}"
    with pytest.raises(StudyError) as caught:
        planned("{vary: supercell, values: [1, 2]}", LAYERS, "{vary: supercell, values: [[1, 1], [2, 2], [2, 3]]}",
                ligands=[wide], cell="[2, 2]")  # fmt: skip
    lines = str(caught.value).splitlines()
    assert [line.split(": ")[1:3] for line in lines] == [
        ["convergence 1 (supercell)", "1x1 cannot be built"],
        ["convergence 3 (supercell)", "1x1 cannot be built"],
    ]
    assert all("touches its own periodic images in the 1x1 cell" in line for line in lines)
    assert not any("ligand 1" in line for line in lines)


def test_a_level_with_its_own_cutoff_tag_is_refused(planned, tmp_path):
    level = tmp_path / "own.yaml"
    level.write_text(
        "name: own\nparent: tao-pbe\ndescription: d\nsource: s\nsettings: {}\nengines: {vasp: {incar: {ENCUT: 450}}}\n"
    )
    with pytest.raises(StudyError, match="sets ENCUT for vasp itself"):
        planned(CUTOFF, level=level)


def test_surface_energies_are_exact_for_layers_that_add_up(planned):
    # energies of layers plus a term of each face: the recipe has to give the mean of the faces, whatever the layers
    found = planned("{vary: layers, values: [3, 5, 7], of: surface energy}", engine="tblite", held=0)
    per_layer, face = {"PbX2": -3.0, "CsX": -2.0}, {"PbX2": 0.30, "CsX": 0.50}
    for point in series(found).points:
        energies = []
        for leg in point.recipe.legs:
            about = leg.candidates[0].relaxed.built_atoms.info["qddft"]
            kinds = [about["termination"]["bottom"], {"PbX2": "CsX", "CsX": "PbX2"}[about["termination"]["bottom"]]]
            layers = [kinds[n % 2] for n in range(about["layers"])]
            faces = [about["termination"][side] for side in ("top", "bottom")]
            energies.append(2 * (sum(per_layer[k] for k in layers) + sum(face[f] for f in faces)))
        value = sum(weight * energy for weight, energy in zip(point.recipe.weights, energies, strict=True))
        atoms = point.recipe.legs[0].candidates[0].relaxed.built_atoms
        area = np.linalg.norm(np.cross(atoms.cell[0], atoms.cell[1])) / 2
        assert value == pytest.approx(1000 * (0.30 + 0.50) / 2 / area)


def test_a_slab_with_two_faces_needs_two_slabs(planned, tmp_path):
    text = STUDY.format(layers=4, cell="1x1", held=0, ligands=f"  - {AMMONIA}",
                        rows="  - {vary: layers, values: [2, 4], of: surface energy}")  # fmt: skip
    path = tmp_path / "unequal.yaml"
    path.write_text(text.replace("layers: 4", "layers: 4, termination: [PbX2, CsX]"), encoding="utf-8")
    recipe = series(expand(load_study(path), engine="tblite"))
    for point in recipe.points:
        assert len(point.recipe.legs) == 2
        assert sum(point.recipe.weights) == pytest.approx(1000 / (2 * 6.0**2), rel=0.05)


def test_records_bring_the_series_back(planned):
    found = planned(CUTOFF, LAYERS, "{vary: kpoints, values: [[4, 4, 1], [8, 8, 1]], of: surface energy}")
    jobs = {job.id: job for job in found.plan}
    for recipe in found.recipes:
        again = recipe_of(recipe.record(), jobs)
        assert again.record() == recipe.record()
        assert ids(again) == ids(recipe)


def test_vasp_folders_of_the_series_have_their_cutoff_and_mesh(planned, tmp_path):
    from pymatgen.io.vasp.inputs import Incar, Kpoints

    found = planned(CUTOFF, MESH, cell="[1, 1]")
    run = write(found.study, tmp_path / "run", engine="vasp")
    folders = {entry.name: run.folder(entry) for entry in run.entries}
    for name in ("slab", "complex-ammonia-neutral", "molecule-ammonia"):
        for cutoff in (300, 500):
            incar = Incar.from_file(folders[f"{name}-cutoff-{cutoff}"] / "INCAR")
            assert (incar["ENCUT"], incar["NSW"], incar["IBRION"]) == (cutoff, 0, -1)
            mesh = Kpoints.from_file(folders[f"{name}-cutoff-{cutoff}"] / "KPOINTS").kpts[0]
            assert tuple(mesh) == ((1, 1, 1) if name.startswith("molecule") else (8, 8, 1))
    for name in ("slab", "complex-ammonia-neutral"):
        for n in (4, 6):
            folder = folders[f"{name}-k-{n}x{n}x1"]
            assert tuple(Kpoints.from_file(folder / "KPOINTS").kpts[0]) == (n, n, 1)
            assert Incar.from_file(folder / "INCAR")["ENCUT"] == 400
    assert "molecule-ammonia-k-4x4x1" not in folders
    readme = next(folders["slab-cutoff-300"].glob("README*")).read_text(encoding="utf-8")
    assert "tao-pbe-cutoff-300: tao-pbe with cutoff_eV 300 in place of 400" in " ".join(readme.split())


@pytest.mark.parametrize(("engine", "count"), [("tblite", 5), ("vasp", 7)])
def test_the_example_plans_with_both_engines(engine, count):
    found = expand(load_study(EXAMPLE), engine=engine)
    assert len(found.recipes) == count
    assert len({recipe.name for recipe in found.recipes}) == count


@pytest.mark.parametrize(
    ("row", "held", "remark"),
    [
        ("{vary: layers, values: [3, 5], of: surface energy}", 1, "the mean with a face not relaxed"),
        ("{vary: layers, values: [3, 5], of: surface energy}", "all", "the whole slab is held"),
        ("{vary: layers, values: [3, 5], of: surface energy}", 3, "the whole slab is held"),
    ],
)
def test_a_held_slab_is_told_with_the_series(planned, row, held, remark):
    (text,) = series(planned(row, held=held)).remarks
    assert remark in text


def test_no_remark_where_there_is_none_to_make(planned):
    found = planned(LAYERS, CELL, "{vary: layers, values: [3, 5], of: surface energy}", held=0)
    assert [series(found, index).remarks for index in range(3)] == [(), (), ()]
    # at the screening level the slab is frozen and the zone center is all there is
    frozen = planned(LAYERS, CELL, engine="tblite")
    assert "holds the whole slab" in series(frozen, 0).remarks[0]
    assert "larger cells also sample the zone more densely" in series(frozen, 1).remarks[0]


def test_names_tell_jobs_apart(planned):
    found = planned(LAYERS, "{vary: layers, values: [3, 5], of: surface energy}", "{vary: kpoints, values: [[4, 4, 1], "
                    "[8, 8, 1]], of: surface energy}", layers=5, held=2)  # fmt: skip
    names = [job.name for job in found.plan]
    assert len(names) == len(set(names))


def test_every_candidate_of_a_term_is_computed_at_each_cutoff(planned):
    found = planned(CUTOFF, ligands=["{ligand: acetic acid, conformers: 2, poses: 2}"])
    for point in series(found).points:
        assert len(point.recipe.complexes.candidates) == 2
        assert point.recipe.reaction.text == found.recipes[0].reaction.text


def test_gpaw_gets_the_cutoff_and_the_mesh_of_each_point(tmp_path):
    from qddft.engines.gpaw.level import parameters

    text = STUDY.format(layers=3, cell="[1, 1]", held=1, ligands=f"  - {AMMONIA}", rows=f"  - {CUTOFF}\n  - {MESH}")
    path = tmp_path / "gpaw.yaml"
    path.write_text(text.replace("vasp: tao-pbe", "gpaw: gpaw-pbe"), encoding="utf-8")
    found = expand(load_study(path), engine="gpaw")
    for point in series(found, 0).points:
        for job in finals(point).values():
            assert parameters(job, job.built_atoms)["mode"] == {"name": "pw", "ecut": point.setting}
    for point in series(found, 1).points:
        job = finals(point)["slab"]
        assert parameters(job, job.built_atoms)["kpts"]["size"] == list(point.setting)


def test_mixtures_whose_slabs_do_not_add_up_have_no_surface_energy(tmp_path):
    text = STUDY.format(layers=3, cell="[2, 1]", held=0, ligands=f"  - {AMMONIA}",
                        rows="  - {vary: vacuum, values: [10, 12], of: surface energy}")  # fmt: skip
    path = tmp_path / "mixture.yaml"
    path.write_text(text.replace("formula: CsPbBr3", 'formula: "CsPb(Br0.6I0.4)3"'), encoding="utf-8")
    with pytest.raises(StudyError, match=r"convergence 1 \(vacuum\): .*hold other shares of Br, I"):
        expand(load_study(path), engine="vasp")


BULK = """\
title: crystal
levels: {gpaw: gpaw-pbe, vasp: tao-pbe}
slab: {formula: CsPbBr3, layers: 3, supercell: [1, 1], vacuum: 15.0}
convergence:
  - {vary: cutoff_eV, values: [250, 300, 400], of: bulk energy}
  - {vary: kpoints, values: [[2, 2, 2], [4, 4, 4], [8, 8, 8]], of: bulk energy, tolerance: 0.002}
"""


@pytest.mark.parametrize(("engine", "mesh"), [("vasp", (8, 8, 8)), ("gpaw", (4, 4, 4))])
def test_a_crystal_alone_has_series_of_its_cutoff_and_mesh(engine, mesh, tmp_path):
    """Five points besides the crystal at the settings of the level; no ligand, no slab."""
    path = tmp_path / "bulk.yaml"
    path.write_text(BULK, encoding="utf-8")
    found = expand(load_study(path), engine=engine)
    assert {(job.role, job.task, len(job.built_atoms)) for job in found.plan} == {("bulk", "static", 5)}
    assert len(list(found.plan)) == 5
    cutoffs, meshes = found.recipes
    assert [point.recipe.legs[0].candidates[0].final.level["settings"]["cutoff_eV"] for point in cutoffs.points] == [
        250,
        300,
        400,
    ]
    assert mesh in [tuple(job.level["settings"]["kpoints_bulk"]) for job in meshes.jobs().values()]
    assert cutoffs.system == "CsPbBr3, cubic crystal"
    jobs = {job.id: job for job in found.plan}
    assert [recipe_of(item.record(), jobs).record() for item in found.recipes] == [i.record() for i in found.recipes]


def test_the_energy_of_a_crystal_is_that_of_a_formula_unit(tmp_path):
    path = tmp_path / "bulk.yaml"
    path.write_text(
        BULK.replace("CsPbBr3,", "CsPbBr3, phase: orthorhombic, lattice: experiment,").replace("[1, 1]", "sqrt2"),
        encoding="utf-8",
    )
    (recipe, _) = expand(load_study(path), engine="vasp").recipes
    point = recipe.points[0].recipe
    assert point.weights == (0.25,)
    assert len(point.legs[0].candidates[0].final.built_atoms) == 20


def test_a_mixture_has_no_crystal_of_its_own(tmp_path):
    path = tmp_path / "bulk.yaml"
    path.write_text(BULK.replace("CsPbBr3,", "CsPbBr2I, lattice: 6.1,"), encoding="utf-8")
    with pytest.raises(StudyError, match=r"bulk.yaml:5: .* CsPbBr2I is a mixture.* take of: energy per formula unit"):
        expand(load_study(path), engine="vasp")


def test_surface_energies_need_no_ligand(planned):
    alone = planned("{vary: layers, values: [3, 5], of: surface energy, tolerance: 1}")
    path = alone.study.path
    text = path.read_text().replace("ligands:\n  - {ligand: ammonia}\n", "")
    path.write_text(text, encoding="utf-8")
    found = expand(load_study(path), engine="vasp")
    assert {job.role for job in found.plan} == {"slab"}
    assert found.recipes[0].system == alone.recipes[-1].system


def test_a_level_that_relaxes_elsewhere_has_no_points_relaxed_on_their_own(planned):
    row = "{vary: cutoff_eV, values: [300, 400], geometry: relaxed}"
    with pytest.raises(StudyError, match="hse06 relaxes at tao-pbe, so that no point would be relaxed with"):
        planned(row, level="hse06")
    found = planned(row.replace(", geometry: relaxed", ""), level="hse06")
    assert {job.level["settings"]["xc"] for job in found.plan if job.task == "relax"} == {"PBE"}
