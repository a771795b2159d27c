"""Data sets: names, titles, the POTCAR from a library, the script that makes it elsewhere."""

import gzip
import os
import subprocess

import pytest

from qddft.atoms.electrons import VALENCE_ELECTRONS
from qddft.core.errors import EngineError
from qddft.engines.vasp.potcar import build_potcar, library_folder, potentials
from qddft.engines.vasp.script import potcar_script

ELEMENTS = tuple(VALENCE_ELECTRONS)


def test_recommended_sets():
    assert [item.symbol for item in potentials(("Cs", "Pb", "Br", "C", "H", "O"))] == [
        "Cs_sv", "Pb_d", "Br", "C", "H", "O",
    ]  # fmt: skip


def test_electron_counts_are_those_of_the_charge_ledger():
    assert {item.element: item.n_electrons for item in potentials(ELEMENTS)} == VALENCE_ELECTRONS


def test_titles_and_electrons_are_those_that_pymatgen_lists():
    from pymatgen.io.vasp.inputs import _load_potcar_summary_stats

    known = _load_potcar_summary_stats()["PBE_54"]
    for item in potentials(ELEMENTS):
        entry = known[item.titles[0].replace(" ", "")][0]
        assert (entry["symbol"], entry["ZVAL"]) == (item.symbol, item.n_electrons)


def test_element_outside_the_table_comes_from_pymatgen():
    (silicon,) = potentials(("Si",))
    assert (silicon.symbol, silicon.n_electrons, silicon.titles) == ("Si", 4, ("PAW_PBE Si 05Jan2001",))


def test_another_set_can_be_chosen():
    (lead,) = potentials(("Pb",), {"Pb": "Pb"})
    assert (lead.symbol, lead.n_electrons) == ("Pb", 4)


def test_set_of_another_element_is_refused():
    with pytest.raises(EngineError, match="gives Pb the data set 'Sn_d' of another element"):
        potentials(("Pb",), {"Pb": "Sn_d"})


def test_unknown_set_is_refused_with_the_known_ones():
    with pytest.raises(EngineError, match=r"no single PBE_54 data set 'Pb_xx'.*'Pb_d'|Pb_d"):
        potentials(("Pb",), {"Pb": "Pb_xx"})


def test_element_without_any_set_is_refused():
    with pytest.raises(EngineError, match="no PAW data set is recommended for Xx"):
        potentials(("Xx",))


def test_library_from_the_environment(monkeypatch, tmp_path):
    assert library_folder() is None
    monkeypatch.setenv("PMG_VASP_PSP_DIR", str(tmp_path))
    assert library_folder() == tmp_path


def test_potcar_has_the_sets_in_order(library):
    text = build_potcar(potentials(("Cs", "Pb", "Br")), library)
    titles = [line.split("=")[1].strip() for line in text.splitlines() if "TITEL" in line]
    assert titles == ["PAW_PBE Cs_sv 08Apr2002", "PAW_PBE Pb_d 06Sep2000", "PAW_PBE Br 06Sep2000"]


def test_compressed_set_is_read(library):
    path = library / "POT_GGA_PAW_PBE_54" / "Br" / "POTCAR"
    packed = library / "POT_GGA_PAW_PBE_54" / "POTCAR.Br.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    path.unlink()
    assert "PAW_PBE Br 06Sep2000" in build_potcar(potentials(("Br",)), library)


def test_missing_set_is_named_with_the_places(library):
    with pytest.raises(EngineError, match=r"has no I; looked for .*POT_GGA_PAW_PBE_54.*unset it"):
        build_potcar(potentials(("I",)), library)


def test_library_that_is_not_there_is_named(tmp_path):
    with pytest.raises(EngineError, match=r"PMG_VASP_PSP_DIR names .*elsewhere, which is no folder"):
        build_potcar(potentials(("I",)), tmp_path / "elsewhere")


def test_set_of_another_date_is_refused(library, make_fake_potcar):
    make_fake_potcar(library / "POT_GGA_PAW_PBE_54" / "Cs_sv" / "POTCAR", "PAW_PBE Cs_sv 25Jan2019", 9)
    with pytest.raises(EngineError, match="TITEL 'PAW_PBE Cs_sv 25Jan2019', expected 'PAW_PBE Cs_sv 08Apr2002'"):
        build_potcar(potentials(("Cs",)), library)


def test_set_with_another_electron_count_is_refused(library, make_fake_potcar):
    make_fake_potcar(library / "POT_GGA_PAW_PBE_54" / "Pb_d" / "POTCAR", "PAW_PBE Pb_d 06Sep2000", 4)
    with pytest.raises(EngineError, match=r"ZVAL 4.000, the charge ledger counts 14 electrons for Pb"):
        build_potcar(potentials(("Pb",)), library)


def test_set_of_another_functional_is_refused(library, make_fake_potcar):
    make_fake_potcar(library / "POT_GGA_PAW_PBE_54" / "Br" / "POTCAR", "PAW_PBE Br 06Sep2000", 7, functional="CA")
    with pytest.raises(EngineError, match="made for the functional CA, not for PBE"):
        build_potcar(potentials(("Br",)), library)


def test_file_that_is_no_potcar_is_refused(library):
    (library / "POT_GGA_PAW_PBE_54" / "Br" / "POTCAR").write_text("hello\n")
    with pytest.raises(EngineError, match="is no POTCAR: no TITEL ZVAL LEXCH in it"):
        build_potcar(potentials(("Br",)), library)


def _run_script(folder, **environment):
    (folder / "make_potcar.sh").write_text(potcar_script(potentials(("Cs", "Pb", "Br"))))
    return subprocess.run(
        ["bash", "make_potcar.sh"],
        cwd=folder,
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("variable", ["VASP_PSP_DIR", "PMG_VASP_PSP_DIR"])
def test_script_makes_what_qddft_would_make(variable, library, tmp_path):
    place = library / "POT_GGA_PAW_PBE_54" if variable == "VASP_PSP_DIR" else library
    done = _run_script(tmp_path, **{variable: str(place)})
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "POTCAR").read_text() == build_potcar(potentials(("Cs", "Pb", "Br")), library)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["POTCAR", "library", "make_potcar.sh"]


def test_script_reads_compressed_sets_in_folders_with_spaces(library, tmp_path):
    place = tmp_path / "my data sets"
    for name in ("Cs_sv", "Pb_d", "Br"):
        (place / name).mkdir(parents=True)
        source = library / "POT_GGA_PAW_PBE_54" / name / "POTCAR"
        (place / name / "POTCAR.gz").write_bytes(gzip.compress(source.read_bytes()))
    done = _run_script(tmp_path, VASP_PSP_DIR=str(place))
    assert done.returncode == 0, done.stderr


def test_script_refuses_another_title_and_leaves_no_potcar(library, tmp_path, make_fake_potcar):
    make_fake_potcar(library / "POT_GGA_PAW_PBE_54" / "Pb_d" / "POTCAR", "PAW_PBE Pb 08Apr2002", 4)
    done = _run_script(tmp_path, PMG_VASP_PSP_DIR=str(library))
    assert done.returncode != 0
    assert "TITEL 'PAW_PBE Pb 08Apr2002', expected 'PAW_PBE Pb_d 06Sep2000'" in done.stderr
    assert not (tmp_path / "POTCAR").exists()
    assert not (tmp_path / "POTCAR.tmp").exists()


def test_script_without_a_library_says_what_to_set(tmp_path):
    done = _run_script(tmp_path)
    assert done.returncode == 1
    assert "set VASP_PSP_DIR" in done.stderr
