import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qddft.core.errors import OutputError
from qddft.engines.vasp.read.incar import parse_incar, read_incar
from qddft.engines.vasp.read.inputs import read_inputs, read_potcar
from qddft.engines.vasp.read.kpoints import read_kpoints
from qddft.engines.vasp.read.numbers import _token_by_token, table, to_float
from qddft.engines.vasp.read.poscar import read_poscar
from qddft.engines.vasp.read.readings import infer_mesh
from qddft.engines.vasp.read.source import VASPRUN, Source


def test_incar_values_are_typed():
    text = """SYSTEM = a slab # of lead
    encut = 400 eV ; ISMEAR = -5 ! tetrahedra
    LREAL = Auto
    LWAVE = .FALSE.
    EDIFF = 1d-6
    MAGMOM = 3*0.6 -1 \\
      2
    ALGO = Normal (comment)
    #ISPIN = 2
    no tag here
    ENCUT = 520"""
    incar = parse_incar(text, "INCAR")
    expected = {"SYSTEM": "a slab", "ENCUT": 400, "ISMEAR": -5, "LREAL": "Auto", "LWAVE": False, "EDIFF": 1e-6}
    assert dict(incar.tags) == expected | {"MAGMOM": [0.6, 0.6, 0.6, -1, 2], "ALGO": "Normal"}
    assert incar.warnings == ("INCAR, line 11: ENCUT is given twice with different values; the first counts",)


def test_an_incar_without_tags_is_refused(tmp_path):
    (tmp_path / "INCAR").write_text("nothing\n")
    with pytest.raises(OutputError, match="holds no line of the form TAG = value"):
        read_incar(tmp_path / "INCAR")
    (tmp_path / "INCAR").write_bytes(b"ENCUT\0 = 1")
    with pytest.raises(OutputError, match="binary file"):
        read_incar(tmp_path / "INCAR")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1.5", 1.5),
        ("-.5E-01", -0.05),
        ("1d-5", 1e-5),
        ("+3.", 3.0),
        ("***", None),
        ("nan", None),
        ("1_0", None),
        ("1e999", None),
    ],
)
def test_fortran_numbers(text, value):
    assert to_float(text) == value


KPOINTS = {
    "automatic\n0\nGamma\n8 8 1\n": ("gamma", (8, 8, 1)),
    "automatic\n0\nMonkhorst-Pack\n8 8 1\n0 0 0\n": ("monkhorst-pack", (8, 8, 1)),
    "length\n0\nAuto\n40\n": ("gamma", None),
    "path\n20\nLine-mode\nrec\n0 0 0\n0.5 0 0\n": ("line", None),
    "gamma only\n1\nReciprocal\n0 0 0 1\n": ("gamma", (1, 1, 1)),
    "one special point\n1\nReciprocal\n0.25 0.25 0.25 1\n": ("list", None),
    "2x2x1 written out\n3\nReciprocal\n0 0 0 1\n0.5 0 0 2\n0.5 0.5 0 1\n": ("gamma", (2, 2, 1)),
}


@pytest.mark.parametrize("text", KPOINTS)
def test_kpoints_schemes(tmp_path, text):
    (tmp_path / "KPOINTS").write_text(text)
    mesh = read_kpoints(tmp_path / "KPOINTS")
    assert (mesh.scheme, mesh.divisions) == KPOINTS[text]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("k\n0\nGamma\n", "ends after line 3; a KPOINTS file has at least four"),
        ("k\nmany\nGamma\n1 1 1\n", "line 2: a number of k-points was expected, not 'many'"),
        ("k\n0\nGamma\n4 4\n", "line 4: 3 numbers were expected, not '4 4'"),
        ("k\n0\nGamma\n4 0 1\n", "line 4: subdivisions have to be positive"),
        ("k\n3\nReciprocal\n0 0 0 1\n", "announces 3 k-points in line 2 and ends after line 4"),
    ],
)
def test_broken_kpoints_name_the_line(tmp_path, text, message):
    (tmp_path / "KPOINTS").write_text(text)
    with pytest.raises(OutputError, match=message):
        read_kpoints(tmp_path / "KPOINTS")


@pytest.mark.parametrize("mesh", [(1, 1, 1), (3, 2, 1), (4, 4, 4), (9, 9, 1)])
def test_a_mesh_is_recognized_in_its_points(mesh):
    axes = [np.arange(n) / n for n in mesh]
    points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
    assert infer_mesh(points, np.ones(len(points))) == ("gamma", mesh)


POSCAR = "slab\n2.0\n1 0 0\n0 1 0\n0 0 5\nCs Br\n1 1\nSelective dynamics\nDirect\n0 0 0 F F F\n0.5 0.5 0.5 T T F\n"


def test_poscar_keeps_selective_dynamics(tmp_path):
    (tmp_path / "POSCAR").write_text(POSCAR)
    structure = read_poscar(tmp_path / "POSCAR")
    assert structure.symbols == ("Cs", "Br")
    np.testing.assert_allclose(structure.cell, np.diag([2.0, 2.0, 10.0]))
    assert structure.movable.tolist() == [[False] * 3, [True, True, False]]


def test_cartesian_positions_and_volumes_are_scaled(tmp_path):
    text = "x\n-16\n1 0 0\n0 1 0\n0 0 2\nPb\n1\nCartesian\n0.5 0 1\n"
    (tmp_path / "POSCAR").write_text(text)
    structure = read_poscar(tmp_path / "POSCAR")
    np.testing.assert_allclose(structure.cell, np.diag([2.0, 2.0, 4.0]))
    np.testing.assert_allclose(structure.scaled, [[0.5, 0.0, 0.5]])


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("0.5 0.5 0.5 T T F\n", "", "ends after line 10, before its structure is complete"),
        ("0 1 0", "1 0 0", "line 3: the lattice vectors span no volume"),
        ("Cs Br", "Cs Qq", "line 6: the elements of 2 kinds of atoms cannot be read"),
        ("0.5 0.5 0.5", "0.5 **** 0.5", "line 11: 3 numbers were expected"),
        ("T T F", "T T", "line 11: three flags T or F were expected"),
        ("\n1 1\n", "\n0 0\n", "line 7: 0 atoms cannot be right"),
        ("2.0", "0", "line 2: the scaling factor is zero"),
    ],
)
def test_broken_poscars_name_the_line(tmp_path, old, new, message):
    (tmp_path / "POSCAR").write_text(POSCAR.replace(old, new, 1))
    with pytest.raises(OutputError, match=message):
        read_poscar(tmp_path / "POSCAR")


def test_titles_of_potentials(tmp_path):
    (tmp_path / "POTCAR").write_text("  TITEL  = PAW_PBE Cs_sv 08Apr2002\n ZVAL = 9.000\n ENMAX = 220.318; ENMIN\n")
    potentials = read_potcar(tmp_path / "POTCAR")
    assert (potentials.titles, potentials.valences, potentials.enmax) == (("PAW_PBE Cs_sv 08Apr2002",), (9.0,), 220.318)
    (tmp_path / "POTCAR").write_text("Cs_sv\nPb_d\nBr\n")
    assert read_potcar(tmp_path / "POTCAR").titles == ("Cs_sv", "Pb_d", "Br")
    (tmp_path / "POTCAR").write_text("1 2 3\n")
    with pytest.raises(OutputError, match="names no potential"):
        read_potcar(tmp_path / "POTCAR")


def test_unreadable_inputs_become_sentences(tmp_path):
    (tmp_path / "INCAR").write_text("ENCUT = 400\n")
    (tmp_path / "POSCAR").write_text("")
    inputs = read_inputs(tmp_path)
    assert inputs.incar.tags["ENCUT"] == 400
    assert "ends after line 0" in inputs.problems[0]


number = st.floats(-9999, 9999).map(lambda x: round(x, 4))


@settings(max_examples=60, deadline=None)
@given(rows=st.lists(st.lists(number, min_size=3, max_size=3), min_size=1, max_size=40))
def test_bulk_parsing_is_exact(rows):
    lines = [
        '      <set comment="kpoint 1">',
        *(f"       <r>{a:12.4f}{b:12.4f}{c:12.4f} </r>" for a, b, c in rows),
        "      </set>",
        "",
    ]
    source = Source(None, "\n".join(lines).encode(), VASPRUN)
    span = (0, len(source.data))
    fast, slow = table(source, span, b"r", 3), _token_by_token(source, *span, b"r", 3)
    assert np.array_equal(fast, slow)
    assert np.array_equal(fast, [[float(f"{x:.4f}") for x in row] for row in rows])


@pytest.mark.parametrize("bad", ["1.2-34", "******", "1 .0000", " 12.3 000", "--1.0000", "1-2.0000", "  nan   "])
def test_a_malformed_number_in_a_table_is_refused_with_its_line(tmp_path, bad):
    good = "       <r>    1.0000    2.0000 </r>\n"
    text = good * 5 + f"       <r>    1.0000{bad:>10s} </r>\n" + good
    source = Source(tmp_path / "x.xml", text.encode(), VASPRUN)
    with pytest.raises(OutputError, match=r"x.xml, line 6 \(byte \d+\): 2 numbers were expected here"):
        table(source, (0, len(text)), b"r", 2)


def test_missing_rows_are_noticed(tmp_path):
    source = Source(tmp_path / "x.xml", b"<v> 1.0 2.0 </v>\n", VASPRUN)
    with pytest.raises(OutputError, match="2 rows of 2 numbers were expected from here on, not 1"):
        table(source, (0, len(source.data)), b"v", 2, 2)
