from pathlib import Path

import pytest

from qddft.core.errors import StudyError
from qddft.core.resources import data_folder
from qddft.study.load import load_study, same_ligand

HEAD = "title: a study\n"
LEVELS = "levels: {tblite: screening}\n"
SLAB = "slab: {formula: CsPbBr3, layers: 3, supercell: [2, 2]}\n"
LIGANDS = "ligands:\n  - {ligand: acetic acid}\n"
GOOD = HEAD + LEVELS + SLAB + LIGANDS


def write(tmp_path, text, name="study.yaml"):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def refused(tmp_path, text, match):
    with pytest.raises(StudyError, match=match) as caught:
        load_study(write(tmp_path, text))
    return str(caught.value)


def test_a_good_study_loads_with_its_defaults_and_knows_its_file(tmp_path):
    path = write(tmp_path, GOOD)
    study = load_study(path)
    assert study.slab.vacuum == 15.0
    assert study.slab.termination == "PbX2"
    assert study.slab.supercell == (2, 2)
    assert study.ligands[0].reference == "neutral"
    assert (study.path, study.folder, study.text) == (path, tmp_path, GOOD)


def test_a_folder_stands_for_its_study(tmp_path):
    write(tmp_path, GOOD)
    assert load_study(tmp_path).title == "a study"


@pytest.mark.parametrize("path", sorted(data_folder("workflows").glob("*/*.yaml")), ids=lambda path: path.stem)
def test_every_shipped_study_loads(path):
    assert load_study(path).ligands


def test_a_study_is_frozen(tmp_path):
    study = load_study(write(tmp_path, GOOD))
    with pytest.raises(ValueError, match="frozen"):
        study.title = "other"


def test_every_mistake_is_listed_at_once_in_the_order_of_the_file(tmp_path):
    text = (
        "title: a study\n"
        "levels: {tblit: screening, vasp: tao-pb}\n"
        "slab: {formula: CsPbBr3, layers: 4, supercell: [2, 2], vacum: 3}\n"
        "ligands:\n"
        "  - {ligand: olic acid}\n"
        "  - {ligand: acetate}\n"
        "  - {ligand: acetic acid, mode: ontop}\n"
        "published:\n"
        "  - {ligand: acetic acd, value: 1, source: x}\n"
    )
    message = refused(tmp_path, text, "unknown engine 'tblit'")
    lines = [int(line.split(":")[1]) for line in message.splitlines()]
    assert lines == sorted(lines)
    for part in (
        r"study.yaml:2: tblit: unknown engine 'tblit'. Did you mean 'tblite'?",
        "study.yaml:2: vasp: there is no level 'tao-pb'. Did you mean 'tao-pbe'",
        "study.yaml:3: unknown key 'vacum'. Did you mean 'vacuum'?",
        "study.yaml:3: layers 4",
        "study.yaml:5: no ligand is called 'olic acid'. Did you mean 'oleic acid'",
        "study.yaml:6: the reference scheme 'neutral'",
        "study.yaml:7: mode: 'ontop' is not a choice. Did you mean 'atop'?",
        "study.yaml:9: no ligand of this study is called 'acetic acd'. Did you mean 'acetic acid'",
    ):
        assert part in message, part


@pytest.mark.parametrize(
    ("slab", "match"),
    [
        ("{formula: CsPbBr, layers: 3, supercell: [2, 2]}", r"formula: .*'CsPbBr'. Did you mean 'CsPbBr3'"),
        ("{formula: CsPbBr3, layers: -3, supercell: [2, 2]}", "layers: should be greater than or equal to 1, not -3"),
        ("{formula: CsPbBr3, layers: 3.5, supercell: [2, 2]}", "layers: should be a whole number"),
        ("{formula: CsPbBr3, layers: 3, supercell: [2, 0]}", "supercell"),
        ("{formula: CsPbBr3, layers: 3, supercell: 2by2}", "supercell '2by2'"),
        ("{formula: CsPbBr3, layers: 3, supercell: [2, 2], vacuum: -5}", "vacuum"),
        ("{formula: CsPbBr3, layers: 3, supercell: [2, 2], vacuum: .nan}", "vacuum: should be a finite number"),
        ("{formula: CsPbBr3, layers: 3, supercell: [2, 2], termination: PbI2}", "termination 'PbI2'"),
        ("{formula: CsPbBr3, layers: 3, supercell: [2, 2], termination: [PbX2, CsX]}", "layers 3"),
        ("{formula: CsPbBr3, layers: 3, supercell: [2, 2], termination: {}}", "give PbX2 or CsX"),
        ("{formula: CsPbBr3, layers: 3, supercell: [2, 2], fixed_layers: 4}", "fixed_layers 4"),
        ("{formula: CsPbBr3, layers: 3, supercell: [2, 2], fixed_layers: -1}", "give a number of layers from 0"),
        ("{formula: CsPbBr3, layers: 3, supercell: [2, 2], lattice: hse}", "unknown lattice 'hse'"),
        ("{formula: CsPbBr3, layers: 3, supercell: [2, 2], lattice: true}", "give the name of a lattice"),
        ("{formula: CsPbBr3, layers: 3, supercell: [2, 2], phase: hexagonal}", "hexagonal"),
        ("{layers: 3, supercell: [2, 2]}", "study.yaml:3: the key 'formula' is missing"),
        ("3", "slab has to be a mapping of keys to values, not 3"),
    ],
)
def test_mistakes_in_the_slab(tmp_path, slab, match):
    refused(tmp_path, HEAD + LEVELS + f"slab: {slab}\n" + LIGANDS, match)


@pytest.mark.parametrize(
    ("row", "match"),
    [
        ("{ligand: ''}", "ligand: must not be empty"),
        ("{ligand: 'C(C'}", r"the SMILES 'C\(C' does not parse"),
        ("{ligand: acetic acid, truncate: 4}", "no hydrocarbon tail longer than 4"),
        ("{ligand: acetic acid, truncate: 0}", "truncate: should be greater than or equal to 1"),
        ("{ligand: acetic acid, conformers: 0}", "conformers: should be greater"),
        ("{ligand: acetic acid, seed: -1}", "seed: should be greater"),
        ("{ligand: acetic acid, seed: 1.5}", "seed: should be a whole number"),
        ("{ligand: acetic acid, distance: 0}", "distance: should be greater than 0"),
        ("{ligand: acetic acid, faces: bottom}", "faces: 'bottom' is not a choice"),
        ("{ligand: acetic acid, reference: gas}", "reference: 'gas' is not a choice"),
        ("{ligand: acetic acid, mode: X-site}", "goes with mode atop or bidentate or bridging, not 'X-site'"),
        ("{ligand: acetate, mode: X-site}", "formal charge -1. What fits it: acid-exchange with mode X-site"),
        ("{ligand: acetate, reference: acid-exchange}", "goes with mode X-site, not 'atop'"),
        ("{ligand: acetic acid, reference: fragment}", "fragment.* is for ions.*formal charge 0"),
        ("{ligand: oleylamine, mode: X-site, reference: acid-exchange}", "is no acid that gives a proton"),
        ("{ligand: guanidinium, mode: X-site, reference: acid-exchange}", r"formal charge \+1"),
        ("{ligand: hexafluorophosphate, mode: X-site, reference: acid-exchange}", "takes a proton"),
        ("{ligand: acetic acid, reference: ion-pair}", "is for neutral pairs of ions"),
    ],
)
def test_mistakes_in_a_ligand(tmp_path, row, match):
    message = refused(tmp_path, HEAD + LEVELS + SLAB + f"ligands:\n  - {row}\n", match)
    assert message.startswith(str(tmp_path / "study.yaml:5: "))


def test_an_acid_may_bind_by_its_anion(tmp_path):
    row = "ligands:\n  - {ligand: oleic acid, truncate: 4, mode: X-site, reference: acid-exchange}\n"
    assert load_study(write(tmp_path, HEAD + LEVELS + SLAB + row)).ligands[0].mode == "X-site"


@pytest.mark.parametrize(
    ("text", "match"),
    [
        (LEVELS + SLAB + LIGANDS, "the key 'title' is missing"),
        (GOOD + "name: x\n", "study.yaml:6: unknown key 'name'"),
        (GOOD + "title: again\n", "study.yaml:6: the key 'title' is already there on line 1"),
        (HEAD + "levels: {}\n" + SLAB + LIGANDS, "levels: must not be empty"),
        (HEAD + LEVELS + SLAB + "ligands: []\n", "the study asks for nothing: give ligands, vacancies, shells or"),
        (HEAD + LEVELS + SLAB + "ligands: acetate\n", "ligands: should be a list"),
        (GOOD + "  - {ligand: acetic acid}\n", "study.yaml:6: the same row stands there already, as number 1"),
        ("- 1\n", "study.yaml:1: a study is a mapping"),
        ("", "study.yaml: the file is empty"),
        ("a: &x 1\nb: *x\n", "the anchor &x is not allowed"),
        (HEAD + "levels:\n\t- x\n", "study.yaml:3: .*contains a tab"),
    ],
)
def test_mistakes_in_the_file(tmp_path, text, match):
    refused(tmp_path, text, match)


@pytest.mark.parametrize(
    "title", ["../../etc/passwd", "/etc/passwd", "~/x", "a\\\\b", "$(rm x)", "`x`", "a; b", "a | b"]
)
def test_a_title_that_is_a_path_or_a_command_is_refused(tmp_path, title):
    refused(tmp_path, GOOD.replace("a study", f'"{title}"'), "study.yaml:1: title: .* is not allowed")


def test_a_title_is_prose_and_may_hold_a_slash(tmp_path):
    assert load_study(write(tmp_path, GOOD.replace("a study", "CsPbBr3 (001)/PbBr2, \u03b2 & more"))).title


@pytest.mark.parametrize("engine", ["ase:ase.calculators.lj:LennardJones", "gpaw", "vasp"])
def test_engines_by_name(tmp_path, engine):
    study = load_study(write(tmp_path, GOOD.replace("{tblite: screening}", f'{{"{engine}": smoke}}')))
    assert list(study.levels) == [engine]


@pytest.mark.parametrize("engine", ["ase:os", "ase:a b:c", "xtb", "tblite; rm"])
def test_other_engines_are_refused(tmp_path, engine):
    refused(tmp_path, GOOD.replace("tblite:", f'"{engine}":'), "unknown engine")


def test_a_level_may_be_a_file_beside_the_study(tmp_path):
    write(tmp_path, "name: mine\ndescription: d\nsource: s\nparent: screening\n", "mine.yaml")
    assert load_study(write(tmp_path, GOOD.replace("screening", "mine.yaml"))).levels == {"tblite": "mine.yaml"}
    refused(tmp_path, GOOD.replace("screening", "none.yaml"), "study.yaml:2: tblite: there is no level file")


def test_published_rows_need_a_ligand_and_a_scheme_of_the_study(tmp_path):
    rows = GOOD + "published:\n  - {ligand: AcOH, value: -0.3, source: a paper}\n"
    assert load_study(write(tmp_path, rows)).published[0].value == -0.3
    refused(
        tmp_path, rows.replace("AcOH", "oleylamine"), "study.yaml:7: no ligand of this study is called 'oleylamine'"
    )
    scheme = rows.replace("value: -0.3", "value: -0.3, reference: fragment")
    refused(tmp_path, scheme, "the study has AcOH with reference neutral, not fragment")
    refused(tmp_path, rows.replace("-0.3", "weak"), "value: should be a valid number, not 'weak'")
    refused(tmp_path, rows.replace("source: a paper", "unit: ev, source: x"), "unit: 'ev' is not a choice")


def test_ligand_files_lie_beside_the_study(tmp_path, monkeypatch):
    (tmp_path / "below").mkdir()
    xyz = "3\n\nO 0 0 0\nH 0.96 0 0\nH -0.24 0.93 0\n"
    (tmp_path / "below" / "water.xyz").write_text(xyz)
    inside = GOOD.replace("acetic acid", "below/water.xyz")
    assert load_study(write(tmp_path, inside)).ligands[0].ligand == "below/water.xyz"
    outside = GOOD.replace("acetic acid", "../water.xyz")
    (tmp_path / "water.xyz").write_text(xyz)
    with pytest.raises(StudyError, match=r"study.yaml:5: the file '../water.xyz' has to lie beside the study"):
        load_study(write(tmp_path / "below", outside))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "here.xyz").write_text(xyz)
    with pytest.raises(StudyError, match=r"the file 'here.xyz' has to lie beside the study"):
        load_study(write(tmp_path / "below", GOOD.replace("acetic acid", "here.xyz"), "other.yaml"))


def test_files_that_are_no_study(tmp_path):
    with pytest.raises(StudyError, match=r"none.yaml does not exist"):
        load_study(tmp_path / "none.yaml")
    with pytest.raises(StudyError, match=r"study.yaml does not exist"):
        load_study(tmp_path)
    binary = tmp_path / "binary.yaml"
    binary.write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(StudyError, match="not UTF-8"):
        load_study(binary)


def test_one_ligand_has_many_names():
    assert same_ligand("AcOH", "acetic acid")
    assert same_ligand("C(C)O", " c(c)o ")
    assert not same_ligand("acetate", "acetic acid")
    assert not same_ligand("nobody", "somebody")


def test_paths_may_be_text(tmp_path):
    write(tmp_path, GOOD)
    assert load_study(str(Path(tmp_path, "study.yaml"))).title == "a study"


EXCHANGES = (
    HEAD
    + LEVELS
    + SLAB
    + "ligands:\n"
    + "  - {ligand: acetic acid}\n"
    + "  - {ligand: acetate, mode: X-site, reference: acid-exchange}\n"
    + "  - {ligand: acetate, reference: fragment}\n"
    + "  - {ligand: oleylamine, faces: both}\n"
    + "exchanges:\n"
)


def test_exchanges_name_rows_of_the_study(tmp_path):
    good = EXCHANGES + "  - {from: AcOH, to: acetate, to_reference: acid-exchange}\n"
    assert load_study(write(tmp_path, good)).exchanges[0].before == "AcOH"


@pytest.mark.parametrize(
    ("row", "match"),
    [
        ("{from: acetic acid, to: acetate}", r"2 rows of acetate \(acid-exchange, fragment\); give to_reference"),
        ("{from: acetic acd, to: acetic acid}", "no row of this study has the ligand 'acetic acd'. Did you mean"),
        ("{from: acetic acid, to: oleylamine}", "acetic acid sits on top, oleylamine on both"),
        ("{from: acetic acid}", "study.yaml:10: the key 'to' is missing"),
        ("{from: acetic acid, too: acetate}", "unknown key 'too'. Did you mean 'to'"),
    ],
)
def test_mistakes_in_an_exchange(tmp_path, row, match):
    refused(tmp_path, EXCHANGES + f"  - {row}\n", match)


@pytest.mark.parametrize(
    ("row", "match"),
    [
        ("{species: I}", "study.yaml:7: the halide of this slab is Br, not I"),
        ("{species: Br, layer: 9}", "study.yaml:7: the slab has 3 layers, not 9"),
        ("{species: Br, ligands: [{ligand: olic acid}]}", "study.yaml:7: no ligand is called 'olic acid'"),
        ("{species: Br, starts: 0}", "starts: should be greater than or equal to 1"),
        ("{species: Br, ligands: [{ligand: acetic acid, reference: neutral}]}", "unknown key 'reference'"),
        ("{species: Br, published: {value: 3}}", "the key 'source' is missing"),
    ],
)
def test_mistakes_in_a_vacancy(tmp_path, row, match):
    refused(tmp_path, GOOD + f"vacancies:\n  - {row}\n", match)
