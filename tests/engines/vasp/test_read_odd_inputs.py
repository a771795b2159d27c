"""Inputs as people write them: odd INCARs, meshes given by lengths, rare tags, VASP 4 files; audited in pairs."""

import pytest
from made_up_vasp import outcar, two_steps

from qddft.analysis.audit import compare_settings
from qddft.engines.vasp.read import read_outputs
from qddft.engines.vasp.read.collect import run_settings
from qddft.engines.vasp.read.incar import parse_incar
from qddft.engines.vasp.read.inputs import read_inputs
from qddft.engines.vasp.read.kpoints import read_kpoints
from qddft.engines.vasp.read.rare_tags import rare_tags, unknown_tags
from qddft.study.audit import audit

INCAR = "ENCUT = 400\nGGA = PE\nISMEAR = 0\nSIGMA = 0.05\n"
ATOMS = "Direct\n0.5 0.5 0.2\n0 0 0.1\n0.5 0 0.1\n0 0.5 0.1\n0 0 0.2\n"
CELL = "slab\n1.0\n6 0 0\n0 6 0\n0 0 24\n"
POSCAR = f"{CELL}Cs Pb Br\n1 1 3\n{ATOMS}"
MESH = "mesh\n0\nGamma\n4 4 1\n"
HUBBARD = "LDAU = T\nLDAUL = -1 2 -1\nLDAUU = 0 {u} 0\nLDAUJ = 0 0 0\n"


@pytest.fixture
def folder(tmp_path):
    """Return a function that makes a folder of inputs; ``None`` leaves a file out."""

    def make(name, incar="", **files):
        where = tmp_path / name
        where.mkdir()
        all_files = {"INCAR": INCAR + incar, "POSCAR": POSCAR, "KPOINTS": MESH} | files
        for file, text in all_files.items():
            if text is not None:
                (where / file.replace("_", ".")).write_text(text, encoding="utf-8")
        return where

    return make


def _differences(one, other):
    return {item.key: item.importance for item in audit([one, other]).differences}


@pytest.mark.parametrize(
    ("one", "other", "tag"),
    [
        ("", "AGGAC = 0.0\n", "AGGAC"),
        ("", "LSOL = .TRUE.\n", "LSOL"),
        ("IVDW = 12\n", "IVDW = 12\nVDW_S8 = 0.5\n", "VDW_S8"),
        ("METAGGA = SCAN\nLUSE_VDW = T\nBPARAM = 15.7\n", "METAGGA = SCAN\nLUSE_VDW = T\nBPARAM = 11.95\n", "BPARAM"),
    ],
)
def test_rare_tags_that_change_the_energy_are_found(one, other, tag, folder):
    assert _differences(folder("a", one), folder("b", other)) == {tag: "decides energies"}


def test_fewer_points_for_exact_exchange_change_the_accuracy(folder):
    """Metals and insulators of one phase diagram have them with reason."""
    found = _differences(folder("a", "LHFCALC = T\n"), folder("b", "LHFCALC = T\nNKRED = 2\n"))
    assert found == {"NKRED": "changes accuracy"}


def test_rare_tags_at_their_own_defaults_are_no_difference(folder):
    assert _differences(folder("a"), folder("b", "LSOL = F\nLMONO = .FALSE.\nAGGAC = 1\nNCORE = 4\nLVHAR = T\n")) == {}
    assert rare_tags({"LHFCALC": True, "AEXX": 0.25, "AGGAX": 0.75}) == {}
    assert rare_tags({"LHFCALC": True, "AGGAX": 1.0}) == {"AGGAX": 1.0}
    assert rare_tags({"LDAUTYPE": 4, "BPARAM": 6.3, "CPARAM": 0.0093}) == {}
    assert rare_tags({"LDAU": True, "LDAUTYPE": 4}) == {"LDAUTYPE": 4}


def test_hubbard_terms_are_compared_without_potentials(folder):
    found = _differences(folder("a", HUBBARD.format(u=4)), folder("b", HUBBARD.format(u=5)))
    assert found == {"hubbard of Pb": "decides energies"}


@pytest.mark.parametrize(
    ("tag", "meant"),
    [("LAPSH", "LASPH"), ("ENCUTT", "ENCUT"), ("IMSEAR", "ISMEAR"), ("SIGNA", "SIGMA"), ("LREA", "LREAL")],
)
def test_slips_of_the_keyboard_are_told(tag, meant, folder):
    notes = run_settings(folder("a", INCAR=f"{tag} = 1\n")).warnings
    assert any(text.startswith(f"{tag} is no tag of VASP") and meant in text for text in notes)


def test_tags_of_patches_and_programs_beside_vasp_are_no_slips():
    assert unknown_tags({"IOPT": 1, "LCLIMB": True, "WANNIER90_WIN": "x", "LSOL": True, "MY_OWN_NOTE": 1}) == ()


def test_text_between_quotes_holds_no_tags():
    tags = parse_incar("WANNIER90_WIN = \"\nnum_wann = 8\nISPIN = 2\n\"\nLASPH = T\nGGA = 'PE'\n", "INCAR").tags
    assert "ISPIN" not in tags
    assert tags["LASPH"] is True
    assert tags["GGA"] == "PE"


@pytest.mark.parametrize("text", ['SYSTEM = 6" wafer\n', '# 5" wide\n', "! it's\n", 'SYSTEM = a "b" c\n'])
def test_a_stray_quote_hides_nothing(text):
    assert parse_incar(f"{text}ISPIN = 2\n", "INCAR").tags["ISPIN"] == 2


def test_lines_keep_their_numbers_behind_a_text_in_quotes():
    text = 'A_TEXT = "\none\ntwo\n"\nISPIN = 2\nISPIN = 1\n'
    assert parse_incar(text, "INCAR").warnings == (
        "INCAR, line 6: ISPIN is given twice with different values; the first counts",
    )


@pytest.mark.parametrize("kpoints", ["a\n0\nAuto\n1e400\n", "a\n0\nGamma\n4 4\n", "k\n0\nRec\n5 0 0\n", "x\n"])
def test_a_damaged_kpoints_is_unknown_and_not_what_vasp_would_make_without_it(kpoints, folder):
    found = run_settings(folder("a", KPOINTS=kpoints))
    assert found.settings["kpoints"] is None
    assert len(found.warnings) == 1


def test_a_generating_lattice_that_is_none_is_known_by_its_numbers(folder):
    found = run_settings(folder("a", KPOINTS="x\n0\nRec\n5 0 0\n0 5 0\n0 0 5\n"))
    assert found.settings["kpoints"] is None
    assert found.settings["kpoint_list"] is not None


def test_a_mesh_that_nobody_states_is_unknown(folder):
    """VASP would take KSPACING = 0.5; the file may as well not have been kept."""
    found = run_settings(folder("a", KPOINTS=None))
    assert found.settings["kpoints"] is None
    assert found.warnings == ("there is neither KPOINTS nor KSPACING; VASP would take KSPACING = 0.5",)


def test_a_byte_order_mark_hides_no_tag():
    assert parse_incar("\ufeffENCUT = 400\n", "INCAR").tags == {"ENCUT": 400}


@pytest.mark.parametrize(
    ("incar", "kpoints", "mesh", "scheme"),
    [
        ("KSPACING = 0.27\n", None, [4, 4, 1], "gamma"),
        ("KSPACING = 0.5\n", None, [3, 3, 1], "gamma"),
        ("KSPACING = 0.27\nKGAMMA = F\n", None, [4, 4, 1], "monkhorst-pack"),
        # KPOINTS beats KSPACING
        ("KSPACING = 0.1\n", MESH, [4, 4, 1], "gamma"),
        ("", "a\n0\nAuto\n24\n", [4, 4, 1], "gamma"),
        ("", "a\n0\nAuto\n10\n", [2, 2, 1], "gamma"),
        ("", "a\n0\nGamma\n4 4 1\n0.5 0.5 0\n", [4, 4, 1], "monkhorst-pack"),
        ("", "a\n0\nMonkhorst\n4 4 1\n0.5 0.5 0\n", [4, 4, 1], "gamma"),
        ("", "a\n0\nGamma\n4 4 1\n0.25 0 0\n", [4, 4, 1], "gamma shifted by 0.25 0 0"),
        ("", "a\n0\nReciprocal\n0.25 0 0\n0 0.25 0\n0 0 1\n0 0 0\n", [4, 4, 1], "gamma"),
        ("", "a\n0\nReciprocal\n0.25 0 0\n0 0.25 0\n0 0 1\n0.5 0.5 0\n", [4, 4, 1], "monkhorst-pack"),
        ("", "a\n 0 ! auto\nGamma ! centered\n\t4\t4\t1 ! mesh\n", [4, 4, 1], "gamma"),
    ],
)
def test_meshes_that_vasp_makes_of_cell_and_length(incar, kpoints, mesh, scheme, folder):
    settings = run_settings(folder("a", incar, KPOINTS=kpoints)).settings
    assert (settings["kpoints"], settings["kpoint_scheme"]) == (mesh, scheme)


@pytest.mark.parametrize("mode", ["Cartesian", "Reciprocal"])
def test_other_generating_lattices_are_known_by_their_numbers(mode, tmp_path):
    text = f"a\n0\n{mode}\n0.2 0.2 0\n0 0.25 0\n0 0 1\n0 0 0\n"
    (tmp_path / "one").write_text(text)
    (tmp_path / "other").write_text(text.replace("0.25", "0.125"))
    one, other = read_kpoints(tmp_path / "one"), read_kpoints(tmp_path / "other")
    assert one.divisions is None
    assert one.digest is not None
    assert one.digest != other.digest


def test_vasp4_files_take_their_elements_from_the_potentials(folder):
    bare = f"{CELL.replace('slab', 'my slab of 2021')}1 1 3\n{ATOMS}"
    found = read_inputs(folder("a", POSCAR=bare, POTCAR_spec="Cs_sv\nPb_d\nBr\n"))
    assert found.poscar.symbols == ("Cs", "Pb", "Br", "Br", "Br")
    assert found.problems == ()
    (problem,) = read_inputs(folder("b", POSCAR=bare)).problems
    assert "cannot be read from ['my', 'slab', 'of', '2021']" in problem


def test_three_factors_scale_the_axes(folder):
    scaled = POSCAR.replace("1.0\n6 0 0\n0 6 0\n0 0 24", "2.0 3.0 1.0\n3 0 0\n0 2 0\n0 0 24")
    found = read_inputs(folder("a", POSCAR=scaled)).poscar
    assert found.cell.tolist() == [[6, 0, 0], [0, 6, 0], [0, 0, 24]]


def test_a_result_that_cannot_be_read_is_told(folder):
    where = folder("a")
    (where / "vasprun.xml").write_text("<modeling>\n <generator>\n")
    (note,) = run_settings(where).warnings
    assert note.startswith("the values are those of the inputs, since ")


def test_thresholds_below_what_vasprun_prints_are_the_same(folder):
    assert _differences(folder("a", "EDIFF = 1E-9\n"), folder("b", "EDIFF = 0\n")) == {}


def test_a_meta_gga_switched_off_is_none(folder):
    assert run_settings(folder("a", "METAGGA = .FALSE.\n")).settings["metagga"] == "none"


def test_names_of_libxc_are_words_not_logicals(folder):
    libxc = "GGA = LIBXC\nLIBXC1 = {}\nLIBXC2 = GGA_C_PBE\n"
    assert parse_incar("XC = TPSS\nLIBXC1 = GGA_X_PBE\n", "INCAR").tags == {"XC": "TPSS", "LIBXC1": "GGA_X_PBE"}
    one, other = (folder(name, INCAR=f"ENCUT = 400\n{libxc.format(name)}") for name in ("GGA_X_PBE", "GGA_X_RPBE"))
    assert _differences(one, other) == {"LIBXC1": "decides energies"}


POTCAR = "".join(
    f"   TITEL  = PAW_PBE {name} 08Apr2002\n   POMASS = 1.0; ZVAL = {valence}\n   ENMAX = 300; ENMIN = 200\n"
    for name, valence in (("Cs_sv", 9.0), ("Pb_d", 14.0), ("Br", 7.0))
)


@pytest.mark.parametrize(
    ("incar", "potcar", "notes"),
    [
        ("", POTCAR, ()),
        ("NELECT = 44\n", POTCAR, ()),
        ("NELECT = 43\n", POTCAR, ("the cell has the charge +1 e: 43 electrons, 44 would make it neutral",)),
        ("NELECT = 43\n", None, ("NELECT = 43 is set by hand: the cell may be charged",)),
    ],
)
def test_charged_cells_are_told(incar, potcar, notes, folder):
    assert run_settings(folder("a", incar, POTCAR=potcar)).warnings == notes


def test_rare_tags_beside_outputs_enter_every_difference(tmp_path):
    """What outputs do not echo is taken from the INCAR beside them, for audits and for subtractions alike."""
    found = []
    for name, more in (("plain", ""), ("solvent", "LSOL = .TRUE.\n")):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "OUTCAR").write_text(outcar(two_steps()))
        (folder / "INCAR").write_text(f"NSW = 10\n{more}")
        found.append(read_outputs(folder))
    (difference,) = [item for item in compare_settings(*found).differences if item.importance == "decides energies"]
    assert difference.key == "LSOL"
    assert set(difference.values.values()) == {"not set", True}
