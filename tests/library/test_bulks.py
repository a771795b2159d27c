import subprocess
import sys

import pytest

from qddft.core.errors import StructureError
from qddft.library.bulks import find_bulk, list_bulks


def test_every_lattice_has_a_source_and_a_tag_that_was_read():
    for bulk in list_bulks():
        for lattice in bulk.lattices:
            assert lattice.source
            assert lattice.tag in {"V", "V2", "C"}
            assert lattice.sites


def test_the_three_cubic_compounds_have_pbe_constants():
    assert {f: find_bulk(f).lattice("pbe").a for f in ("CsPbCl3", "CsPbBr3", "CsPbI3")} == {
        "CsPbCl3": 5.73,
        "CsPbBr3": 6.00,
        "CsPbI3": 6.39,
    }


@pytest.mark.parametrize(("formula", "a"), [("CsPbCl3", 5.605), ("CsPbI3", 6.2894)])
def test_experimental_constants(formula, a):
    assert find_bulk(formula).lattice("experiment").a == a


def test_a_missing_source_is_said():
    with pytest.raises(StructureError, match=r"no 'experiment' lattice: no experimental .* pbe \(a = 6\)"):
        find_bulk("CsPbBr3").lattice("experiment")


def test_names_are_forgiving_and_suggest():
    assert find_bulk("cspbi3", "Cubic").formula == "CsPbI3"
    with pytest.raises(StructureError, match=r"unknown bulk 'CsPbBr2'.*Did you mean 'CsPbBr3'"):
        find_bulk("CsPbBr2")
    with pytest.raises(StructureError, match=r"no phase 'cubik'. Did you mean 'cubic'"):
        find_bulk("CsPbBr3", "cubik")
    with pytest.raises(StructureError, match=r"unknown lattice 'pbe0'. Did you mean 'pbe'"):
        find_bulk("CsPbBr3").lattice("pbe0")


def test_reading_the_library_loads_no_heavy_package():
    code = (
        "import sys; from qddft.library.bulks import list_bulks; list_bulks(); "
        "sys.exit(any(m in sys.modules for m in ('ase', 'pymatgen', 'scipy', 'spglib')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_halide_of_a_bulk():
    assert [find_bulk(f).halide for f in ("CsPbCl3", "CsPbBr3", "CsPbI3")] == ["Cl", "Br", "I"]
