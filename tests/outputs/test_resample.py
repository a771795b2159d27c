import numpy as np
import pytest

from qddft.core.errors import OutputError
from qddft.outputs.resample import refined, resampled


def waves(shape):
    x, y, z = np.meshgrid(*(np.arange(n) / n for n in shape), indexing="ij")
    return 1.5 + np.cos(2 * np.pi * x) + np.sin(4 * np.pi * y) * np.cos(2 * np.pi * (x + z))


@pytest.mark.parametrize("shape", [(8, 8, 8), (9, 10, 7), (12, 16, 10), (7, 9, 24)])
def test_slow_waves_are_kept_exactly(shape):
    np.testing.assert_allclose(resampled(waves((12, 16, 24)), shape), waves(shape), atol=1e-12)


@pytest.mark.parametrize("shape", [(1, 1, 1), (4, 5, 6), (12, 3, 9)])
def test_the_mean_is_kept_exactly(shape):
    values = np.random.default_rng(1).random((12, 15, 9))
    assert resampled(values, shape).mean() == pytest.approx(values.mean(), abs=1e-14)


def test_planar_averages_are_kept_exactly():
    values = np.random.default_rng(2).random((12, 16, 9))
    np.testing.assert_allclose(resampled(values, (6, 4, 9)).mean((0, 1)), values.mean((0, 1)), atol=1e-14)


def test_the_given_field_is_not_changed():
    values = np.random.default_rng(2).random((4, 4, 4))
    before = values.copy()
    np.testing.assert_array_equal(resampled(values, (4, 4, 4)), before)
    resampled(values, (2, 2, 2))
    np.testing.assert_array_equal(values, before)


def test_no_more_points_than_there_are():
    with pytest.raises(OutputError, match=r"on \(4, 4, 4\) points cannot be thinned out to \(5, 4, 4\)"):
        resampled(np.zeros((4, 4, 4)), (5, 4, 4))


@pytest.mark.parametrize("shape", [(6, 8, 10), (7, 9, 5), (6, 7, 12)])
def test_more_points(shape):
    values = np.random.default_rng(4).random(shape)
    found = refined(values, 2)
    assert found.shape == tuple(2 * n for n in shape)
    np.testing.assert_allclose(found[::2, ::2, ::2], values, atol=1e-12)
    assert found.mean() == pytest.approx(values.mean(), abs=1e-14)
    np.testing.assert_array_equal(refined(values, 1), values)


def test_slow_waves_are_refined_exactly():
    np.testing.assert_allclose(refined(waves((8, 10, 9)), 3), waves((24, 30, 27)), atol=1e-12)
