"""CHGCAR, AECCAR, LOCPOT and ELFCAR of other people against reference.json."""

import gzip

import numpy as np
import pytest
from shared_vasp import FOLDER, derived, of_kind, present, reference

from qddft.core.errors import OutputError
from qddft.outputs.grid_files import read_grid

REFERENCE = reference()
pytestmark = present
# what pymatgen calls the blocks of a file
CHANNELS = {"total": "total", "diff": "spin", "spin_up": "total", "spin_down": "spin"}


def entry(name):
    return REFERENCE[name]["reference"]


def check_block(grid, expected):
    # CHGCAR holds the density times the volume
    values = grid.values * grid.volume if grid.quantity == "density" else grid.values
    scale = abs(values).max()
    assert values.sum() == pytest.approx(expected["sum_over_grid"], rel=1e-9, abs=1e-9 * scale)
    assert values.mean() == pytest.approx(expected["mean"], rel=1e-9, abs=1e-13 * scale)
    assert (values.min(), values.max()) == pytest.approx((expected["min"], expected["max"]), rel=1e-10)
    flat = values.ravel(order="F")
    np.testing.assert_allclose(flat[:5], expected["first5_fortran_order"], rtol=1e-10)
    assert flat[-1] == pytest.approx(expected["last_fortran_order"], rel=1e-10)
    planes = values.mean(axis=(0, 1))
    np.testing.assert_allclose(planes[:3], expected["planar_average_c_first3"], rtol=1e-9, atol=1e-12 * scale)
    if "integral_electrons" in expected:
        assert grid.integral == pytest.approx(expected["integral_electrons"], rel=1e-9, abs=1e-12)


GRIDS = [*of_kind("chgcar"), *of_kind("locpot"), *of_kind("elfcar")]


@pytest.mark.parametrize("name", [name for name in GRIDS if "pymatgen" in entry(name)])
def test_grid(name):
    theirs, by_ase = entry(name)["pymatgen"], entry(name).get("ase", {})
    for key in theirs["keys"]:
        grid = read_grid(FOLDER / name, channel=CHANNELS[key])
        assert list(grid.values.shape) == theirs["dim"]
        assert grid.volume == pytest.approx(theirs["volume"], rel=1e-12)
        symbols = {f"{symbol}{count}" for symbol, count in grid.atoms.symbols.formula.count().items()}
        assert symbols == set(theirs["formula"].split())
        check_block(grid, theirs[key])
    if "integral_electrons" in by_ase:
        assert read_grid(FOLDER / name).integral == pytest.approx(by_ase["integral_electrons"], rel=1e-9)
    if "spin_up" not in theirs["keys"] and len(theirs["keys"]) == 1:
        with pytest.raises(OutputError, match="was not spin-polarized"):
            read_grid(FOLDER / name, channel="spin")


@pytest.mark.parametrize("name", [n for n in of_kind("chgcar") if "pymatgen_error" in entry(n)])
def test_dummies_give_what_ase_gives(name):
    by_ase, grid = entry(name)["ase"], read_grid(FOLDER / name)
    assert list(grid.values.shape) == by_ase["dim"]
    assert grid.integral == pytest.approx(by_ase["integral_electrons"])
    for integral in by_ase.get("integral_diff", [])[:1]:
        assert read_grid(FOLDER / name, channel="spin").integral == pytest.approx(integral)


def test_deformation_density():
    expected, folder = (
        derived()["Si_deformation_density_AECCAR2_minus_AECCAR1"],
        FOLDER / "09_Si_static_full_output_set",
    )
    first, second = (read_grid(folder / f"AECCAR{number}.gz") for number in (2, 1))
    difference = (first.values - second.values) * first.volume
    assert list(difference.shape) == expected["dim"]
    assert difference.mean() == pytest.approx(expected["integral_e"], abs=1e-12)
    assert np.abs(difference).mean() / 2 == pytest.approx(expected["half_integral_abs_e"], rel=1e-10)
    assert (difference.min(), difference.max()) == pytest.approx((expected["min"], expected["max"]), rel=1e-10)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_difference_of_two_potentials(axis):
    expected = derived()["YTOS_potential_alignment"]
    folder = FOLDER / "12_YTOS_F_on_O_defect_large"
    defect, bulk = (read_grid(folder / name / "LOCPOT.gz") for name in ("F_O_1", "Bulk"))
    assert list(bulk.values.shape) == expected["dim"]
    planes = (defect.values - bulk.values).mean(axis=tuple({0, 1, 2} - {axis}))
    theirs = expected["delta_V_planar_axis"]["abc"[axis]]
    found = (planes.min(), planes.max(), planes[0], planes[len(planes) // 2])
    names = ("min", "max", "value_at_index_0", "value_at_half")
    assert found == pytest.approx(tuple(theirs[name] for name in names), abs=1e-9)
    assert planes.mean() == pytest.approx(theirs["mean"], abs=1e-9)


@pytest.mark.parametrize("name", ["10_chgcar_variants/CHGCAR.spin.gz", "11_locpot/LOCPOT.vasp642.gz"])
@pytest.mark.parametrize("share", [0.02, 0.3, 0.9])
def test_cut_grids_are_refused(tmp_path, name, share):
    data = gzip.decompress((FOLDER / name).read_bytes())
    path = tmp_path / name.split("/")[1].split(".")[0]
    path.write_bytes(data[: int(share * len(data))])
    with pytest.raises(OutputError, match=path.name):
        read_grid(path, channel="spin" if "spin" in name else "total")
