"""Periodic fields on fewer or more points."""

import numpy as np

from qddft.core.errors import OutputError


def resampled(values: np.ndarray, shape: tuple[int, int, int]) -> np.ndarray:
    """Return a periodic field on a coarser grid of the same cell by Fourier interpolation.

    Waves that the coarser grid does not carry are dropped, those at its limit too. The mean, hence the integral, stays
    exactly; so does every average over planes of a direction whose number of points stays.

    Parameters
    ----------
    values
        Shape (n_a, n_b, n_c), one period.
    shape
        Points to keep; at most as many as there are.

    Raises
    ------
    OutputError
        More points are asked for than there are, or none.
    """
    if any(not 1 <= new <= old for new, old in zip(shape, values.shape, strict=True)):
        raise OutputError(f"a field on {values.shape} points cannot be thinned out to {shape}")
    found = np.asarray(values, dtype=float)
    for axis, new in enumerate(shape):
        if new != found.shape[axis]:
            found = _along(found, axis, new)
    return found


def refined(values: np.ndarray, factor: int) -> np.ndarray:
    """Return a periodic field on ``factor`` times as many points in every direction, by Fourier interpolation.

    The points that there were keep their values, and so does the mean.

    Parameters
    ----------
    values
        Shape (n_a, n_b, n_c), one period.
    factor
        At least 1.
    """
    found = np.asarray(values, dtype=float)
    for axis in range(found.ndim if factor > 1 else 0):
        count = found.shape[axis]
        waves = np.fft.rfft(found, axis=axis)
        if count % 2 == 0:
            # the wave at the limit of an even grid is half of each of two
            limit = [slice(None)] * found.ndim
            limit[axis] = slice(count // 2, None)
            waves[tuple(limit)] /= 2
        found = np.asarray(np.fft.irfft(waves, n=factor * count, axis=axis) * factor)
    return found


def _along(values: np.ndarray, axis: int, new: int) -> np.ndarray:
    waves = np.fft.rfft(values, axis=axis)
    kept = np.take(waves, range(new // 2 + 1), axis=axis)
    if new % 2 == 0:
        # the wave at the limit of an even grid stands for two that differ in sign
        limit = [slice(None)] * values.ndim
        limit[axis] = slice(new // 2, None)
        kept[tuple(limit)] = 0.0
    return np.asarray(np.fft.irfft(kept, n=new, axis=axis) * (new / values.shape[axis]))
