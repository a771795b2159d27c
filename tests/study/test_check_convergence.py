"""Mistakes in the series of a study file, each with its line."""

import pytest

from qddft.core.errors import StudyError
from qddft.study.load import load_study
from qddft.study.schema_convergence import label_of, ordered

HEAD = """\
title: series
levels: {tblite: screening, vasp: tao-pbe}
slab: {formula: CsPbBr3, layers: 3, supercell: [2, 2], vacuum: 12.0, fixed_layers: 1}
ligands:
  - {ligand: "CO"}
  - {ligand: acetic acid}
  - {ligand: acetic acid, mode: bidentate}
convergence:
"""
LINE = 9


def study_of(tmp_path, *rows):
    path = tmp_path / "study.yaml"
    path.write_text(HEAD + "".join(f"  - {row}\n" for row in rows), encoding="utf-8")
    return load_study(path)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("{vary: cutoff, values: [300, 400]}", "vary: 'cutoff' is not a choice. Did you mean 'cutoff_eV'"),
        ("{values: [300, 400]}", "the key 'vary' is missing"),
        ("{vary: vacuum, values: [9, 12], tolerence: 1}", "unknown key 'tolerence'. Did you mean 'tolerance'"),
        ("{vary: cutoff_eV, values: [300, 400, 300.0]}", "300 eV stands there twice"),
        ("{vary: supercell, values: [2, 2x2]}", "2x2 stands there twice"),
        ("{vary: cutoff_eV, values: [400]}", "400 eV alone is no series: give at least 2 values"),
        ("{vary: cutoff_eV, values: []}", "values: must not be empty"),
        ("{vary: cutoff_eV, values: [0, 400]}", r"between 100 and 5000 eV \(not Ry\), not 0"),
        ("{vary: cutoff_eV, values: [-300, 400]}", "not -300"),
        ("{vary: cutoff_eV, values: [abc, 400]}", "a cutoff in eV is a number, not 'abc'"),
        ("{vary: cutoff_eV, values: [true, 400]}", "not True"),
        ("{vary: kpoints, values: [[4, 4], [6, 6, 1]]}", r"three whole numbers from 1, as \[6, 6, 1\], not \[4, 4\]"),
        ("{vary: kpoints, values: [[0, 4, 1], [6, 6, 1]]}", r"not \[0, 4, 1\]"),
        ("{vary: kpoints, values: [[4, 4, 2], [6, 6, 1]]}", "the third number of its mesh is 1"),
        (
            "{vary: kpoints, values: [[4, 4, 4], [6, 6, 6]], of: surface energy}",
            "takes meshes of the crystal",
        ),
        (
            "{vary: vacuum, values: [9, 12], of: bulk energy}",
            "that of the crystal as it is built",
        ),
        ("{vary: cutoff_eV, values: [300, 400], of: bulk energy, geometry: relaxed}", "without 'geometry: relaxed'"),
        ("{vary: kpoints, values: [[4, 8, 1], [8, 6, 1]]}", "neither of 4x8x1 and 8x6x1 is the finer one"),
        ("{vary: vacuum, values: [0, 12]}", "vacuum 0: give a positive thickness"),
        ("{vary: vacuum, values: [12, 1000]}", "more than 200"),
        ("{vary: layers, values: [3, 5.0]}", "layers are whole numbers from 1 to 99, not 5.0"),
        ("{vary: layers, values: [3, 4]}", "4 layers: .* Take 3 or 5"),
        ("{vary: layers, values: [1, 3]}", "1 layers: .* has at least 3"),
        ("{vary: supercell, values: [1, sqrt3]}", "supercell 'sqrt3': give"),
        ("{vary: supercell, values: [[1, 2], [2, 1]]}", "neither of 1x2 and 2x1 is the finer one; take one of them"),
        ("{vary: supercell, values: [1, 1000]}", "more than 100 times the 1x1 cell"),
        ("{vary: vacuum, values: [9, 12], of: methnol}", "of: no ligand of this study is called 'methnol'"),
        ("{vary: vacuum, values: [9, 12], of: surface enrgy}", "Did you mean 'surface energy'"),
        ("{vary: vacuum, values: [9, 12], of: acetic acid}", "has 2 rows of acetic acid .*; give reference or mode"),
        ("{vary: vacuum, values: [9, 12], of: acetic acid, mode: bridging}", "none is what reference and mode ask for"),
        ("{vary: vacuum, values: [9, 12], geometry: main}", "another vacuum makes another structure"),
        ("{vary: layers, values: [3, 5], of: energy per formula unit}", "goes on changing as 1/layers"),
        ("{vary: layers, values: [3, 5], of: surface energy, mode: atop}", "leave them out of: surface energy"),
        ("{vary: layers, values: [3, 5], tolerance: 0}", "tolerance: should be greater than 0"),
        ("{vary: layers, values: [3, 5], tolerance: .nan}", "tolerance: should be a finite number"),
        ("{vary: layers, values: [3, 5], engines: [vsp]}", "no level for 'vsp'. Did you mean 'vasp'"),
        ("7", "convergence has to be a mapping"),
    ],
)
def test_a_mistake_has_its_line(tmp_path, row, message):
    with pytest.raises(StudyError, match=f"study.yaml:{LINE}: .*{message}"):
        study_of(tmp_path, row)


def test_all_mistakes_of_all_series_are_listed(tmp_path):
    with pytest.raises(StudyError) as caught:
        study_of(
            tmp_path, "{vary: layers, values: [3, 4]}", "{vary: vacuum, values: [0, -3]}", "{vary: x, values: [1]}"
        )
    lines = str(caught.value).splitlines()
    assert [line.split(":")[1] for line in lines] == ["9", "10", "11"]
    assert "vacuum 0" in lines[1]
    assert "vacuum -3" in lines[1]


def test_the_same_series_twice_is_refused_and_wrong_keys_make_no_twins(tmp_path):
    row = "{vary: layers, values: [3, 5]}"
    with pytest.raises(StudyError, match=r"study.yaml:10: the same series stands there already, as number 1"):
        study_of(tmp_path, row, "{vary: layers, values: [5, 3], tolerance: 0.1}")
    with pytest.raises(StudyError, match="tolerance: should be greater") as caught:
        study_of(tmp_path, row, "{vary: layers, values: [3, 5], tolerance: 0}")
    assert "already" not in str(caught.value)


def test_values_are_kept_from_coarse_to_fine(tmp_path):
    study = study_of(
        tmp_path,
        "{vary: cutoff_eV, values: [500, 300, 400]}",
        "{vary: supercell, values: [2, 1, sqrt2, 2x3]}",
        "{vary: kpoints, values: [[8, 8, 1], [4, 4, 1], [6, 4, 1]]}",
    )
    cutoff, cell, mesh = study.convergence
    assert cutoff.values == (300.0, 400.0, 500.0)
    assert [label_of("supercell", value) for value in cell.values] == ["1x1", "sqrt2", "2x2", "2x3"]
    assert mesh.values == ((4, 4, 1), (6, 4, 1), (8, 8, 1))


@pytest.mark.parametrize("of", ["CO", "binding energy of CO", "Adsorption energy of CO", "E_ads of CO", "co"])
def test_a_ligand_is_named_with_or_without_its_energy(tmp_path, of):
    (spec,) = study_of(tmp_path, f'{{vary: vacuum, values: [9, 12], of: "{of}"}}').convergence
    assert spec.kind == "E_ads"
    assert spec.ligand.lower() == "co"


def test_defaults(tmp_path):
    rows = ("{vary: vacuum, values: [9, 12]}", "{vary: layers, values: [3, 5], of: surface energy}",
            "{vary: cutoff_eV, values: [300, 400], of: energy per formula unit}",
            "{vary: kpoints, values: [[2, 2, 1], [4, 4, 1]], geometry: relaxed}")  # fmt: skip
    first, surface, unit, mesh = study_of(tmp_path, *rows).convergence
    assert (first.kind, first.ligand, first.allowed, first.relaxes) == ("E_ads", None, 0.01, True)
    assert (surface.kind, surface.allowed) == ("surface energy", 1.0)
    assert (unit.kind, unit.allowed, unit.relaxes) == ("energy per formula unit", 0.005, False)
    assert mesh.relaxes


def test_ordered_is_what_the_file_gets():
    assert ordered("layers", [7, 3]) == (3, 7)
    with pytest.raises(ValueError, match="stands there twice"):
        ordered("vacuum", [10, 10.0])


@pytest.mark.parametrize("ligands", ["", "ligands: []\n"])
def test_a_series_of_a_ligand_needs_one(ligands, tmp_path):
    path = tmp_path / "study.yaml"
    head = HEAD[: HEAD.index("ligands")]
    path.write_text(f"{head}{ligands}convergence:\n  - {{vary: vacuum, values: [9, 12]}}\n", encoding="utf-8")
    with pytest.raises(StudyError, match=r"the study has no ligand whose energy could converge; give of: bulk energy"):
        load_study(path)
