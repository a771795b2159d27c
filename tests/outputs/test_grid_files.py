import gzip

import numpy as np
import pytest
from ase import Atoms
from hypothesis import given, settings
from hypothesis import strategies as st

from qddft.core.errors import OutputError
from qddft.outputs.grid import Grid, Profile
from qddft.outputs.grid_files import read_grid
from qddft.outputs.grid_write import write_grid


def made_up(shape=(4, 5, 6), quantity="density", scale=1.0):
    cell = [[6, 0, 0], [1, 6, 0], [0, 0.5, 7]]
    places = [(0, 0, 0), (0.5, 0.5, 0.5), (0.5, 0.5, 0), (0.5, 0, 0.5), (0, 0.5, 0.5)]
    atoms = Atoms("CsPbBr3", scaled_positions=places, cell=cell, pbc=True)
    return Grid(atoms, scale * np.random.default_rng(0).normal(size=shape), quantity, "made up")


@pytest.mark.parametrize(("name", "digits"), [("CHGCAR", 11), ("x.cube", 6), ("LOCPOT", 11)])
def test_round_trip(name, digits, tmp_path):
    grid = made_up(quantity="potential" if name == "LOCPOT" else "density")
    write_grid(grid, tmp_path / name)
    back = read_grid(tmp_path / name)
    assert back.quantity == grid.quantity
    np.testing.assert_allclose(back.values, grid.values, rtol=10.0 ** (1 - digits), atol=1e-9)
    np.testing.assert_allclose(back.atoms.positions, grid.atoms.positions, atol=1e-8)
    np.testing.assert_allclose(back.atoms.cell.array, grid.atoms.cell.array, atol=1e-8)
    assert back.atoms.get_chemical_symbols() == grid.atoms.get_chemical_symbols()
    assert back.integral == pytest.approx(grid.integral, rel=1e-6)


@settings(max_examples=15, deadline=None)
@given(shape=st.tuples(*[st.integers(1, 7)] * 3), scale=st.sampled_from([1e-8, 1.0, 1e5]))
def test_any_shape_survives(shape, scale, tmp_path_factory):
    grid = made_up(shape, scale=scale)
    path = tmp_path_factory.mktemp("grid") / "CHGCAR"
    write_grid(grid, path)
    np.testing.assert_allclose(read_grid(path).values, grid.values, rtol=1e-9)


def test_pymatgen_reads_what_is_written(tmp_path):
    from pymatgen.io.vasp.outputs import Chgcar

    grid = made_up()
    write_grid(grid, tmp_path / "CHGCAR")
    theirs = Chgcar.from_file(str(tmp_path / "CHGCAR"))
    np.testing.assert_allclose(theirs.data["total"] / theirs.structure.volume, grid.values, rtol=1e-9)


def test_xsf_closes_the_period(tmp_path):
    from ase.io.xsf import read_xsf

    grid = made_up()
    write_grid(grid, tmp_path / "x.xsf")
    with (tmp_path / "x.xsf").open() as file:
        data, origin, vectors, atoms = read_xsf(file, read_data=True)
    np.testing.assert_allclose(atoms.cell.array, grid.atoms.cell.array, atol=1e-8)
    np.testing.assert_allclose(vectors, grid.atoms.cell.array, atol=1e-8)
    assert not np.any(origin)
    closed = np.pad(grid.values, ((0, 1), (0, 1), (0, 1)), mode="wrap")
    np.testing.assert_allclose(data, closed, rtol=1e-5)


def test_cube_of_another_program_is_per_bohr(tmp_path):
    from ase.io.cube import write_cube

    grid = made_up()
    with (tmp_path / "other.cube").open("w") as file:
        write_cube(file, grid.atoms, grid.values, comment="made elsewhere")
    np.testing.assert_allclose(read_grid(tmp_path / "other.cube").values, grid.values / 0.529177210903**3, rtol=2e-6)


def test_folder_and_gzip(tmp_path):
    write_grid(made_up(), tmp_path / "CHGCAR")
    packed = tmp_path / "packed"
    packed.mkdir()
    (packed / "CHGCAR.gz").write_bytes(gzip.compress((tmp_path / "CHGCAR").read_bytes()))
    np.testing.assert_array_equal(read_grid(packed).values, read_grid(tmp_path).values)
    with pytest.raises(OutputError, match=r"holds no LOCPOT and no potential\.npz; name the file"):
        read_grid(packed, quantity="potential")


def test_spin_channel(tmp_path):
    total, spin = made_up(), made_up(scale=0.1)
    for name, grid in (("CHGCAR", total), ("spin", spin)):
        write_grid(grid, tmp_path / name)
    second = (tmp_path / "spin").read_text().partition("\n\n")[2]
    augmentation = "augmentation occupancies   1   2\n  0.1000000E+01  0.2000000E+01\n"
    moments = " 0.1E+01 0.2E+01 0.3E+01 0.4E+01 0.5E+01\n"
    (tmp_path / "CHGCAR").write_text((tmp_path / "CHGCAR").read_text() + augmentation + moments + second)
    np.testing.assert_allclose(read_grid(tmp_path / "CHGCAR", channel="spin").values, spin.values, rtol=1e-9)
    np.testing.assert_allclose(read_grid(tmp_path / "CHGCAR").values, total.values, rtol=1e-9)


def test_arrays_are_shown_read_only():
    grid = made_up()
    with pytest.raises(ValueError, match="read-only"):
        grid.values[0, 0, 0] = 1.0
    profile = Profile(np.zeros(3), np.zeros(3), "eV", 3.0)
    with pytest.raises(ValueError, match="read-only"):
        profile.values[0] = 1.0


def damaged(text, how):
    lines = text.splitlines(keepends=True)
    head = text.index("\n\n")
    return {
        "empty": "",
        "cut in the structure": "".join(lines[:4]),
        "cut in the numbers": text[: head + 400],
        "stars": text[: head + 300] + " ********** " + text[head + 300 :],
        "not finite": text.replace(text[head:].split()[5], "nan", 1),
        "too large": text.replace(" 4 5 6\n", " 4000 5000 6000\n"),
        "no numbers of points": text.replace(" 4 5 6\n", " 0.1 0.2\n"),
        "other text": "# notes\n" * 30,
    }[how]


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("empty", "in its structure"),
        ("cut in the structure", "in its structure"),
        ("cut in the numbers", "promises a grid|ends or is damaged after"),
        ("stars", "ends or is damaged after"),
        ("not finite", "not finite|ends or is damaged"),
        ("too large", "promises a grid of 4000x5000x6000 points, but only"),
        ("no numbers of points", "does not say how many grid points"),
        ("other text", "does not begin with a structure|in its structure"),
    ],
)
def test_damaged_files(how, message, tmp_path):
    write_grid(made_up(), tmp_path / "good")
    (tmp_path / "CHGCAR").write_text(damaged((tmp_path / "good").read_text(), how))
    with pytest.raises(OutputError, match=message) as caught:
        read_grid(tmp_path / "CHGCAR")
    assert "CHGCAR" in str(caught.value)


@settings(max_examples=40, deadline=None)
@given(where=st.floats(0, 0.999), what=st.binary(min_size=0, max_size=4))
def test_cuts_and_changes_never_end_in_another_exception(where, what, tmp_path_factory):
    path = tmp_path_factory.mktemp("fuzz") / "CHGCAR"
    write_grid(made_up(), path)
    raw = path.read_bytes()
    at = int(where * len(raw))
    path.write_bytes(raw[:at] + what + (raw[at + len(what) :] if what else b""))
    try:
        grid = read_grid(path)
    except OutputError:
        return
    assert np.isfinite(grid.values).all()


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("CHGCAR", {"channel": "spn"}, "Did you mean 'spin'"),
        ("CHGCAR", {"channel": "spin"}, "was not spin-polarized"),
        ("CHGCAR", {"quantity": "densty"}, "Did you mean 'density'"),
        ("CHGCR", {}, "Did you mean 'CHGCAR'"),
        ("other", {}, "does not tell what it holds"),
        ("x.cube", {"channel": "spin"}, "holds one field"),
        ("bad.cube", {}, "damaged or cut cube file"),
        ("cut.gz", {"quantity": "density"}, "damaged or cut gzip file"),
    ],
)
def test_what_the_user_can_fix(name, options, message, tmp_path):
    for file in ("CHGCAR", "other", "x.cube"):
        write_grid(made_up(), tmp_path / file)
    (tmp_path / "bad.cube").write_text("a\nb\n1 0 0\n")
    (tmp_path / "cut.gz").write_bytes(gzip.compress((tmp_path / "CHGCAR").read_bytes())[:200])
    with pytest.raises(OutputError, match=message):
        read_grid(tmp_path / name, **options)


def test_nowhere_to_write(tmp_path):
    with pytest.raises(OutputError, match="cannot be written"):
        write_grid(made_up(), tmp_path / "no" / "CHGCAR")


def test_unknown_quantity():
    with pytest.raises(OutputError, match="a grid holds one of density, potential, elf"):
        made_up(quantity="mass")


@pytest.mark.parametrize("seed", range(8))
def test_a_flipped_bit_in_a_packed_grid_is_noticed(tmp_path, seed):
    write_grid(made_up((12, 12, 12)), tmp_path / "CHGCAR")
    packed = bytearray(gzip.compress((tmp_path / "CHGCAR").read_bytes(), mtime=0))
    packed[100 + 701 * seed % (len(packed) - 100)] ^= 0x10
    (tmp_path / "CHGCAR.gz").write_bytes(bytes(packed))
    with pytest.raises(OutputError, match=r"CHGCAR\.gz is a damaged or cut gzip file"):
        read_grid(tmp_path / "CHGCAR.gz")
