import gzip

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_up_tables import LM, POSCAR, doscar, eigenval, procar
from made_up_vasp import outcar, two_steps

from qddft.core.errors import OutputError
from qddft.engines.vasp.read import read_dos, read_eigenvalues, read_outputs, read_projected
from qddft.outputs.tables import MissingTableError

POINTS = np.array([[0, 0, 0, 0.25], [0.5, -0.25, -0.5, 0.75]])
ENDS = (-7.12345678, 3.87654322)
ORBITALS = (*LM[:-1], "dx2-y2")


def numbers(*shape, digits=3, low=0.0):
    return np.round(np.random.default_rng(7).uniform(low, 1, shape), digits)


def levels(spins):
    energies = np.sort(numbers(spins, 2, 3, digits=6, low=-5), axis=-1)
    return energies, np.tile([1.0, 1.0, 0.0], (spins, 2, 1))


def write_doscar(path, spins=1, components=1, orbitals=9):
    total = numbers(2 * spins, 11)
    projected = None if not orbitals else numbers(components, 2, orbitals, 11)
    if components == 4:
        projected[1:] *= projected[0] * 0.5
        projected = np.array([[float(f"{x:.3E}") for x in row] for row in projected.reshape(-1, 11)])
        projected = projected.reshape(components, 2, orbitals, 11)
    path.write_text(doscar(total, projected, ENDS, 0.75))
    return total, projected


@pytest.mark.parametrize(
    ("spins", "components", "orbitals"),
    [(1, 1, 0), (1, 1, 9), (2, 2, 9), (1, 4, 9), (1, 1, 3), (2, 2, 3), (1, 4, 3), (1, 1, 16), (1, 4, 4), (2, 2, 16)],
)
def test_doscar_comes_back_as_written(tmp_path, spins, components, orbitals):
    total, projected = write_doscar(tmp_path / "DOSCAR", spins, components, orbitals)
    dos = read_dos(tmp_path)
    np.testing.assert_array_equal(dos.total, total[:spins])
    np.testing.assert_array_equal(dos.integrated, total[spins:])
    # the column has three decimals, the ends of the grid eight
    np.testing.assert_allclose(dos.energies, np.linspace(*ENDS, 11), atol=1e-12)
    assert dos.fermi_level == 0.75
    if projected is None:
        assert dos.projected is None
    else:
        np.testing.assert_array_equal(dos.projected, projected)
        assert len(dos.orbitals) == orbitals
    assert dos.atoms.get_chemical_symbols() == ["X", "X"]


@pytest.mark.parametrize("spins", [1, 2])
def test_eigenval_comes_back_as_written(tmp_path, spins):
    energies, occupations = levels(spins)
    (tmp_path / "EIGENVAL").write_text(eigenval(POINTS, energies, occupations, 4))
    found = read_eigenvalues(tmp_path)
    np.testing.assert_array_equal(found.energies, energies)
    np.testing.assert_array_equal(found.occupations, occupations)
    np.testing.assert_allclose(found.weights, POINTS[:, 3])
    assert (found.fermi_level, found.noncollinear) == (None, False)
    write_doscar(tmp_path / "DOSCAR")
    assert read_eigenvalues(tmp_path / "EIGENVAL").fermi_level == 0.75


def test_levels_that_hold_one_electron_are_those_of_spinors(tmp_path):
    (tmp_path / "EIGENVAL").write_text(eigenval(POINTS, *levels(1), 2))
    found = read_eigenvalues(tmp_path)
    assert (found.noncollinear, found.electrons_per_level) == (True, 1)


@pytest.mark.parametrize("phases", ["", "new", "old"])
@pytest.mark.parametrize(("spins", "components"), [(1, 1), (2, 2), (1, 4)])
@pytest.mark.parametrize("orbitals", [3, 9])
@pytest.mark.parametrize("atoms", [1, 2])
def test_procar_comes_back_as_written(tmp_path, phases, spins, components, orbitals, atoms):
    energies, occupations = levels(spins)
    weights = numbers(components, 2, 3, atoms, orbitals, low=-0.1 if components == 4 else 0.0)
    (tmp_path / "PROCAR").write_text(procar(POINTS, energies, occupations, weights, phases))
    found = read_projected(tmp_path)
    np.testing.assert_array_equal(found.weights, weights)
    np.testing.assert_array_equal(found.eigenvalues.energies, energies)
    np.testing.assert_array_equal(found.eigenvalues.occupations, occupations)
    np.testing.assert_array_equal(found.eigenvalues.kpoints, POINTS[:, :3])
    assert found.orbitals == (("s", "p", "d") if orbitals == 3 else ORBITALS)
    assert found.eigenvalues.noncollinear == (components == 4)
    np.testing.assert_array_equal(read_eigenvalues(tmp_path).energies, energies)


def test_two_electrons_in_a_level_of_procar_are_occupation_one(tmp_path):
    energies, occupations = levels(1)
    (tmp_path / "PROCAR").write_text(procar(POINTS, energies, 2 * occupations, numbers(1, 2, 3, 2, 9)))
    np.testing.assert_array_equal(read_projected(tmp_path).eigenvalues.occupations, occupations)


def test_a_point_twice_in_a_row_counts_once_with_both_weights(tmp_path):
    points, (energies, occupations) = POINTS[[0, 0, 1]], levels(1)
    thrice = [values[:, [0, 0, 1]] for values in (energies, occupations, numbers(1, 2, 3, 2, 9))]
    (tmp_path / "PROCAR").write_text(procar(points, *thrice))
    found = read_projected(tmp_path)
    np.testing.assert_array_equal(found.eigenvalues.energies, energies)
    np.testing.assert_allclose(found.eigenvalues.weights, [0.4, 0.6])


def test_elements_are_those_of_the_structure_beside_if_it_fits(tmp_path):
    write_doscar(tmp_path / "DOSCAR")
    (tmp_path / "PROCAR").write_text(procar(POINTS, *levels(1), numbers(1, 2, 3, 2, 9)))
    (tmp_path / "CONTCAR").write_text("")
    (tmp_path / "POSCAR").write_text(POSCAR)
    assert read_dos(tmp_path).atoms.get_chemical_symbols() == ["Pb", "Br"]
    assert read_projected(tmp_path / "PROCAR").atoms.get_chemical_symbols() == ["Pb", "Br"]
    (tmp_path / "POSCAR").write_text(POSCAR.replace("6.0 0 0", "9.0 0 0"))
    assert read_dos(tmp_path).atoms.get_chemical_symbols() == ["X", "X"]
    (tmp_path / "POSCAR").write_text(POSCAR.replace("\n1 1\n", "\n1 2\n") + "0.1 0.1 0.1\n")
    assert read_projected(tmp_path).atoms.get_chemical_symbols() == ["X", "X"]


def test_compressed_and_renamed_tables_are_known_by_their_content(tmp_path):
    total, _ = write_doscar(tmp_path / "plain")
    (tmp_path / "of slab.gz").write_bytes(gzip.compress((tmp_path / "plain").read_bytes()))
    np.testing.assert_array_equal(read_dos(tmp_path / "of slab.gz").total, total[:1])
    with pytest.raises(MissingTableError, match=r"is DOSCAR: it does not hold the projections; .* or PROCAR does"):
        read_projected(tmp_path / "plain")
    with pytest.raises(MissingTableError, match=r"holds no vasprun\.xml, vaspout\.h5 or DOSCAR"):
        read_dos(tmp_path)
    with pytest.raises(OutputError, match="is DOSCAR, not a result file of VASP that holds energies"):
        read_outputs(tmp_path / "plain")
    (tmp_path / "plain").rename(tmp_path / "PROCAR")
    with pytest.raises(OutputError, match="PROCAR is DOSCAR by its content, not PROCAR"):
        read_projected(tmp_path)


def test_exponents_of_three_digits_have_no_letter(tmp_path):
    write_doscar(tmp_path / "DOSCAR", orbitals=0)
    text = (tmp_path / "DOSCAR").read_text()
    line = text.splitlines()[8]
    (tmp_path / "DOSCAR").write_text(text.replace(line, line[:11] + "  0.1104-102 -0.2099-100"))
    assert read_dos(tmp_path).total[0, 2] == 0.1104e-102


def texts():
    energies, occupations = levels(2)
    return {
        "DOSCAR": doscar(numbers(4, 11), numbers(2, 2, 9, 11), ENDS, 0.75),
        "EIGENVAL": eigenval(POINTS, energies, occupations, 4),
        "PROCAR": procar(POINTS, energies, occupations, numbers(2, 2, 3, 2, 9), "new"),
    }


TEXTS = texts()
READERS = {"DOSCAR": read_dos, "EIGENVAL": read_eigenvalues, "PROCAR": read_projected}


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("DOSCAR", lambda lines: lines[:-3], r"line \d+ \(byte \d+\): it ends after 8 of 11 rows of this table"),
        ("DOSCAR", lambda lines: lines[:29], "it ends after the tables of 1 of 2 atoms"),
        ("DOSCAR", lambda lines: [*lines[:9], lines[9][:30], *lines[10:]], r"line 10 .*5 numbers were expected here"),
        ("DOSCAR", lambda lines: [*lines[:9], "  ******", *lines[10:]], r"line 10 .*not '\*\*\*\*\*\*'"),
        ("DOSCAR", lambda lines: [*lines, "more"], "there is more behind the last table"),
        ("DOSCAR", lambda lines: [*lines[:6], *lines[7:], lines[6]], "do not run from|expected here"),
        ("EIGENVAL", lambda lines: lines[:-1], "2 k-points of 3 bands make 50 numbers|make 38 numbers, not 33"),
        ("EIGENVAL", lambda lines: [*lines[:9], lines[8], *lines[10:]], "band 2 of k-point 1 is not where"),
        ("EIGENVAL", lambda lines: [*lines[:9], lines[9].replace(".", "x"), *lines[10:]], "line 10 .*numbers were"),
        ("PROCAR", lambda lines: lines[:-40], "it ends after|it ends inside|do not fit"),
        ("PROCAR", lambda lines: [*lines[:9], *lines[10:]], "line 10: the row of ion 2 was expected here"),
        ("PROCAR", lambda lines: [*lines[:9], lines[9][:-7], *lines[10:]], "line 10: 10 numbers were expected"),
        ("PROCAR", lambda lines: [lines[0], *lines[2:]], "the numbers of k-points, bands and ions were expected"),
        ("PROCAR", lambda lines: [*lines[:5], *lines[15:]], "band 1 was expected here|belongs to no table"),
    ],
)
def test_damaged_tables_name_the_file_and_the_place(tmp_path, name, change, message):
    (tmp_path / name).write_text("\n".join(change(TEXTS[name].splitlines())) + "\n")
    with pytest.raises(OutputError, match=message) as caught:
        READERS[name](tmp_path)
    assert str(tmp_path / name) in str(caught.value)


@pytest.mark.parametrize("name", ["DOSCAR", "EIGENVAL"])
def test_half_a_number_at_the_end_is_no_number(tmp_path, name):
    (tmp_path / name).write_text(TEXTS[name].rstrip())
    READERS[name](tmp_path)
    (tmp_path / name).write_text(TEXTS[name].rstrip()[:-1])
    with pytest.raises(OutputError, match=rf"{name}, line \d+ \(byte \d+\): it ends inside a line, so it was cut"):
        READERS[name](tmp_path)


def test_what_was_not_printed_is_said_to_be_missing(tmp_path):
    (tmp_path / "EIGENVAL").write_text(eigenval(POINTS, levels(2)[0], None, 4))
    with pytest.raises(MissingTableError, match="holds no occupations"):
        read_eigenvalues(tmp_path)


@pytest.mark.parametrize("beside", ["EIGENVAL", "OUTCAR", "INCAR"])
def test_a_procar_cut_after_the_first_of_two_spins_is_found_out_by_what_lies_beside(tmp_path, beside):
    lines = TEXTS["PROCAR"].splitlines(keepends=True)
    heads = [number for number, line in enumerate(lines) if line.startswith("#")]
    (tmp_path / "PROCAR").write_text("".join(lines[: heads[1]]))
    assert read_projected(tmp_path).weights.shape[0] == 1
    run = two_steps(parameters={"ISPIN": 2})
    (tmp_path / beside).write_text(
        {"EIGENVAL": TEXTS["EIGENVAL"], "OUTCAR": outcar(run), "INCAR": "ISPIN = 2\n"}[beside]
    )
    for reader in (read_projected, read_eigenvalues):
        with pytest.raises(OutputError, match=r"line \d+ .*it ends after the first of two spins"):
            reader(tmp_path / "PROCAR")
    (tmp_path / "PROCAR").write_text("".join(lines))
    assert read_projected(tmp_path / "PROCAR").weights.shape[0] == 2


@settings(max_examples=60, deadline=None)
@given(
    name=st.sampled_from(sorted(TEXTS)),
    at=st.floats(0, 1, exclude_max=True),
    what=st.binary(max_size=6),
    cut=st.booleans(),
)
def test_cuts_and_changes_end_in_an_error_or_in_finite_numbers(tmp_path_factory, name, at, what, cut):
    path = tmp_path_factory.mktemp("fuzz") / name
    data = TEXTS[name].encode()
    place = int(at * len(data))
    path.write_bytes(data[:place] + what + (b"" if cut else data[place + len(what) :]))
    try:
        found = READERS[name](path)
    except OutputError:
        return
    values = found.total if name == "DOSCAR" else found.energies if name == "EIGENVAL" else found.weights
    assert np.isfinite(values).all()
    # of two spins a PROCAR may end exactly behind the first, and nothing lies beside it here
    shape = {"DOSCAR": (11,), "EIGENVAL": (2, 3), "PROCAR": (2, 3, 2, 9)}[name]
    assert values.shape[0] in (1, 2)
    assert values.shape[1:] == shape
