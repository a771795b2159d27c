import numpy as np
import pytest
from shared_vasp import FOLDER, present

from qddft.core.errors import OutputError
from qddft.engines.vasp.read.core_potential import read_core_potentials

HEAD = " vasp.6.4.2 made up\n executed on  x86 date 2024.01.01\n"
TITLE = " average (electrostatic) potential at core\n  the test charge radii are 1.0\n  (the norm is 1.0)\n"


def outcar(tmp_path, text):
    path = tmp_path / "OUTCAR"
    path.write_text(HEAD + text)
    return path


def test_columns_that_touch_and_last_block(tmp_path):
    values = np.array([-101.5055, -99.1, -100.0001, -85.7708, -85.0, -84.5, 1.25])
    table = [f"{i + 1:8d}{value:9.4f}" for i, value in enumerate(values)]
    blocks = (
        TITLE + "       1 -10.0000\n \n" + TITLE + "".join(table[:5]) + "\n" + "".join(table[5:]) + "\n \n E-fermi\n"
    )
    np.testing.assert_allclose(read_core_potentials(outcar(tmp_path, blocks)), values)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nothing here\n", "holds no core potentials"),
        (TITLE + "\n\n", "no core potentials follow"),
        (TITLE + "       1 -10.0000       3 -10.0000\n", "core potential of atom 2 cannot be read"),
        (TITLE + "       1 -10.0000       2*********\n", "core potential of atom 2 cannot be read"),
    ],
)
def test_damaged(text, message, tmp_path):
    with pytest.raises(OutputError, match=message):
        read_core_potentials(outcar(tmp_path, text))


@present
def test_real_files():
    assert read_core_potentials(FOLDER / "06_H_on_Ir100_adsorption" / "slab") == pytest.approx(
        [-60.8240, -60.0702, -60.0702, -60.8240]
    )
    assert len(read_core_potentials(FOLDER / "12_YTOS_F_on_O_defect_large" / "Bulk")) == 198
    touching = read_core_potentials(FOLDER / "22_failed_outcar" / "OUTCAR.bad_core_poten.gz")
    assert touching[0] == pytest.approx(-101.5055)
