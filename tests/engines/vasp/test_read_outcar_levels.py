import numpy as np
import pytest
from made_up_vasp import outcar, two_steps, vasprun

from qddft.core.errors import OutputError
from qddft.engines.vasp.read import read_dos, read_eigenvalues
from qddft.outputs.tables import MissingTableError

POINTS = np.array([[0, 0, 0, 0.25], [0.5, -0.25, 0, 0.75]])
HEAD = " vasp.6.3.0 18Jan22 complex\n executed on             Linux date 2022.01.01  00:00:00\n"


def text(energies, electrons, spinors=False, fine=True):
    """Return the parts of an OUTCAR that levels are read from; energies are (n_spins, 2, n_bands)."""
    rows = "".join(f"{x:12.8f}{y:12.8f}{z:12.8f}{w:12.3f}\n" for x, y, z, w in POINTS)
    parts = [HEAD, f"   LNONCOLLINEAR =      {'T' if spinors else 'F'} non collinear calculations\n"]
    if fine:
        listed = "".join(f"{x:10.6f}{y:10.6f}{z:10.6f}{4 * w:12.6f}\n" for x, y, z, w in POINTS)
        parts += [" Following reciprocal coordinates:\n            Coordinates               Weight\n", listed]
        parts += [" \n Following cartesian coordinates:\n", listed, " \n"]
    parts += [" k-points in reciprocal lattice and weights: made up\n", rows, " \n"]
    parts += [" E-fermi :   9.9999     XC(G=0):  -7.7501     alpha+bet : -7.1939\n", " passed over\n" * 400]
    parts += [" E-fermi :   1.2500     XC(G=0):  -7.7501     alpha+bet : -7.1939\n\n Fermi energy:   1.25\n"]
    for spin, of_spin in enumerate(energies):
        parts += [f"\n spin component {spin + 1}\n"] if len(energies) == 2 else []
        for k, bands in enumerate(of_spin):
            parts += [
                f"\n k-point {k + 1:5d} :       0.0000    0.0000    0.0000\n  band No.  band energies     occupation \n"
            ]
            parts += [f"{n + 1:7d}{e:13.4f}{electrons * (e < 1.25):13.5f}\n" for n, e in enumerate(bands)]
    return "".join([*parts, "\n", "-" * 90, "\n"])


@pytest.mark.parametrize(("spins", "spinors", "electrons"), [(1, False, 2), (2, False, 1), (1, True, 1)])
@pytest.mark.parametrize("fine", [True, False])
def test_levels_behind_the_last_fermi_level_come_back(tmp_path, spins, spinors, electrons, fine):
    energies = np.round(np.sort(np.random.default_rng(3).uniform(-5, 5, (spins, 2, 4))), 4)
    (tmp_path / "OUTCAR").write_text(text(energies, electrons, spinors, fine))
    levels = read_eigenvalues(tmp_path / "OUTCAR")
    np.testing.assert_array_equal(levels.energies, energies)
    np.testing.assert_array_equal(levels.occupations, energies < 1.25)
    np.testing.assert_allclose(levels.weights, POINTS[:, 3])
    np.testing.assert_allclose(levels.kpoints, POINTS[:, :3])
    assert (levels.fermi_level, levels.noncollinear) == (1.25, spinors)
    assert levels.electrons_per_level == electrons


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("k-point     2 :", "k-point     3 :", "2 tables of bands behind here do not fit 2 k-points"),
        ("      4       ", "      5       ", r"line \d+ .*: the table of k-point 1 is cut or damaged"),
        ("      4       ", "      4  *****", "the table of k-point 1 is cut or damaged"),
        ("band No.", "band", "2 tables|1 tables|does not hold the eigenvalues"),
    ],
)
def test_damaged_levels_name_the_file_and_the_place(tmp_path, old, new, message):
    whole = text(np.array([[[-1.0, 0.0, 1.0, 2.0]] * 2]), 2)
    assert old in whole
    (tmp_path / "OUTCAR").write_text(whole.replace(old, new, 1))
    with pytest.raises(OutputError, match=message) as caught:
        read_eigenvalues(tmp_path)
    assert "OUTCAR" in str(caught.value)


def test_cut_levels_are_refused_wherever_they_end(tmp_path):
    whole = text(np.array([[[-1.0, 0.0, 1.0, 2.0]] * 2]), 2)
    begin, end = whole.index("k-point     1"), whole.index("\n---")
    for stop in range(begin, end - 1, 7):
        (tmp_path / "OUTCAR").write_text(whole[:stop])
        with pytest.raises(OutputError, match="OUTCAR"):
            read_eigenvalues(tmp_path)


def test_a_run_that_printed_no_levels_says_so(tmp_path):
    (tmp_path / "OUTCAR").write_text(outcar(two_steps()))
    with pytest.raises(MissingTableError, match="it does not hold the eigenvalues"):
        read_eigenvalues(tmp_path)


def test_moments_of_spinors_are_no_spin_channels(tmp_path):
    whole = vasprun(two_steps(parameters={"ISPIN": 1}))
    begin, end = whole.rindex('<set comment="spin 1">', 0, whole.rindex("</total>")), whole.rindex("</total>")
    first = whole[begin : whole.index("</set>", begin) + len("</set>")]
    four = "\n".join(first.replace("spin 1", f"spin {n}") for n in (1, 2, 3, 4))
    plain = tmp_path / "plain.xml"
    plain.write_text(whole)
    (tmp_path / "vasprun.xml").write_text(whole[:begin] + four + whole[begin + len(first) :])
    assert end > begin
    dos = read_dos(tmp_path / "vasprun.xml")
    np.testing.assert_array_equal(dos.total, read_dos(plain).total)
    assert dos.total.shape == (1, 11)
