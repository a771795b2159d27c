import numpy as np
import pytest
from ase import Atoms

from qddft.analysis.profile import (
    atom_heights,
    from_vacuum,
    height_and_area,
    macroscopic_average,
    planar_average,
    running_integral,
    vacuum_middle,
)
from qddft.core.errors import OutputError
from qddft.outputs.grid import Grid, Profile


def tilted(quantity="density", shape=(4, 5, 60)):
    atoms = Atoms("Pb2", positions=[(0, 0, 1.0), (0, 0, 28.0)], cell=[[6, 0, 0], [3, 5, 0], [1, 2, 30]], pbc=True)
    return Grid(atoms, np.random.default_rng(1).normal(size=shape), quantity, "made up")


def sine(n=240, period=30.0, waves=4):
    heights = np.arange(n) * period / n
    return Profile(heights, np.sin(2 * np.pi * waves * heights / period) + 2.0, "eV", period)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_integral_of_a_planar_average_is_that_of_the_grid(axis):
    grid = tilted()
    profile = planar_average(grid, axis=axis)
    assert profile.unit == "e/Angstrom"
    step = profile.period / len(profile.values)
    assert profile.values.sum() * step == pytest.approx(grid.integral, abs=1e-9)


def test_height_is_along_the_normal():
    period, area = height_and_area(tilted().atoms)
    assert period == pytest.approx(30.0)
    assert area == pytest.approx(30.0)


def test_planar_average_of_a_potential_is_a_mean():
    grid = tilted("potential")
    profile = planar_average(grid)
    assert profile.unit == "eV"
    np.testing.assert_allclose(profile.values, grid.values.mean(axis=(0, 1)))


def test_no_such_axis():
    with pytest.raises(OutputError, match="axis 3 does not exist"):
        planar_average(tilted(), axis=3)


def test_window_of_one_wave_leaves_the_mean():
    flat = macroscopic_average(sine(), 30.0 / 4)
    np.testing.assert_allclose(flat.values, 2.0, atol=1e-12)


def test_window_is_a_sliding_mean():
    profile = sine(waves=3)
    width = 5.0
    found = macroscopic_average(profile, width)
    fine = np.linspace(-width / 2, width / 2, 20001)
    phase = 2 * np.pi * 3 / 30.0
    expected = [2.0 + np.trapezoid(np.sin(phase * (h + fine)), fine) / width for h in profile.heights[:5]]
    np.testing.assert_allclose(found.values[:5], expected, atol=1e-6)


def test_two_windows_are_applied_one_after_the_other():
    profile = sine(waves=3)
    twice = macroscopic_average(macroscopic_average(profile, 4.0), 7.0)
    np.testing.assert_allclose(macroscopic_average(profile, (4.0, 7.0)).values, twice.values, atol=1e-12)


@pytest.mark.parametrize("width", [0.0, -1.0, 31.0])
def test_impossible_window(width):
    with pytest.raises(OutputError, match="does not fit a period"):
        macroscopic_average(sine(), width)


def test_running_integral_ends_at_the_whole():
    profile = sine()
    step = profile.period / len(profile.values)
    assert running_integral(profile)[-1] + profile.values[-1] * step / 2 == pytest.approx(60.0)


def test_period_begins_in_the_vacuum():
    grid = tilted()
    profile = from_vacuum(planar_average(grid), grid.atoms)
    assert vacuum_middle(grid.atoms) == pytest.approx(14.5)
    assert profile.heights[0] == pytest.approx(14.5)
    assert sorted(profile.values) == sorted(planar_average(grid).values)
    heights = atom_heights(profile, grid.atoms)
    assert heights == pytest.approx([31.0, 28.0])
