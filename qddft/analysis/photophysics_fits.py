"""Fits behind three numbers that papers quote: exciton binding energy, Urbach energy, excitons per pulse energy."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from qddft.core.errors import OutputError
from qddft.core.frozen import freeze_fields
from qddft.core.units import BOLTZMANN_IN_EV_PER_K

__all__ = ["Fit", "fit_saturation", "fit_thermal_quenching", "fit_urbach"]


@dataclass(frozen=True)
class Fit:
    """A fitted number.

    Attributes
    ----------
    quantity, value, error, unit
        What it is, its value and its standard error.
    formula
        What was fitted.
    r_squared
        Share of the variance that the fit explains.
    n_points
        Points used.
    parameters
        All fitted parameters by name.
    remark
        What the number means and does not mean.
    points, curve
        What was fitted and the fit, in the units of the columns, shape (n, 2).
    """

    quantity: str
    value: float
    error: float
    unit: str
    formula: str
    r_squared: float
    n_points: int
    parameters: Mapping[str, float]
    remark: str
    points: np.ndarray
    curve: np.ndarray

    def __post_init__(self) -> None:
        freeze_fields(self)

    def record(self) -> dict[str, Any]:
        """Return the fit as plain JSON types, without points and curve."""
        arrays = ("points", "curve", "parameters")
        plain = {name: getattr(self, name) for name in self.__dataclass_fields__ if name not in arrays}
        return plain | {"parameters": dict(self.parameters)}


def fit_thermal_quenching(temperatures: Sequence[float], intensities: Sequence[float]) -> Fit:
    """Fit I(T) = I0/[1 + A exp(-E_B/k_B T)]; temperatures in K, the energy in meV.

    Raises
    ------
    OutputError
        Fewer than four points, or no quenching in them.
    """
    t, intensity = _columns(temperatures, intensities, 4)
    scale = float(intensity.max())
    y = intensity / scale

    def model(x: Any, i0: float, log_a: float, energy: float) -> Any:
        return i0 / (1 + np.exp(log_a - energy / (BOLTZMANN_IN_EV_PER_K * x)))

    start = (1.0, 3.0, 3.0 * BOLTZMANN_IN_EV_PER_K * float(np.median(t)))
    values, errors, r2 = _fit(model, t, y, start)
    return Fit(
        "exciton binding energy", 1000 * values[2], 1000 * errors[2], "meV", "I(T) = I0/[1 + A exp(-E_B/k_B T)]", r2,
        len(t), {"I0": values[0] * scale, "A": float(np.exp(values[1])), "E_B_meV": 1000 * values[2]},
        "an activation energy of thermal quenching; equals the exciton binding energy only if dissociation of excitons "
        "is the only way of losing them", np.column_stack([t, intensity]),
        _curve(t, lambda x: scale * model(x, *values)),
    )  # fmt: skip


def fit_urbach(energies: Sequence[float], absorption: Sequence[float], window: tuple[float, float]) -> Fit:
    """Fit ln alpha(E) = ln alpha_0 + (E - E0)/E_U inside a window of the exponential tail; E in eV, E_U in meV.

    Raises
    ------
    OutputError
        Fewer than three points in the window, or absorption that does not rise there.
    """
    e, alpha = _columns(energies, absorption, 3)
    inside = (e >= window[0]) & (e <= window[1]) & (alpha > 0)
    if inside.sum() < 3:
        raise OutputError(f"only {int(inside.sum())} points lie in the window {window[0]:g} to {window[1]:g} eV")
    x, y = e[inside], np.log(alpha[inside])
    (slope, intercept), covariance = np.polyfit(x, y, 1, cov="unscaled")
    if slope <= 0:
        raise OutputError("the absorption does not rise in the window; choose the exponential tail below the edge")
    rest = y - slope * x - intercept
    error = float(np.sqrt(covariance[0, 0] * (rest @ rest) / max(len(x) - 2, 1)))
    return Fit(
        "Urbach energy", 1000 / slope, 1000 * error / slope**2, "meV", "alpha(E) = alpha_0 exp[(E - E0)/E_U]",
        _r_squared(y, rest), len(x), {"slope_per_eV": float(slope), "intercept": float(intercept)},
        f"slope of ln(alpha) from {window[0]:g} to {window[1]:g} eV; it depends on the window",
        np.column_stack([e, alpha]), _curve(x, lambda z: np.exp(intercept + slope * z)),
    )  # fmt: skip


def fit_saturation(fluences: Sequence[float], signals: Sequence[float]) -> Fit:
    """Fit S(P) = S_max [1 - exp(-C P)] to late-time bleach against pulse fluence; <N> = C P.

    Raises
    ------
    OutputError
        Fewer than three points, or a signal that does not saturate.
    """
    p, signal = _columns(fluences, signals, 3)
    scale = float(signal.max())

    def model(x: Any, top: float, c: float) -> Any:
        return -top * np.expm1(-c * x)

    values, errors, r2 = _fit(model, p, signal / scale, (1.2, 1.0 / float(p.max())))
    return Fit(
        "excitons per dot and fluence", values[1], errors[1], "1/fluence", "S(P) = S_max [1 - exp(-C P)], <N> = C P",
        r2, len(p), {"S_max": values[0] * scale, "C": values[1]},
        "C is proportional to the absorption cross-section; P in the unit of the column",
        np.column_stack([p, signal]), _curve(p, lambda x: scale * model(x, *values)),
    )  # fmt: skip


def _columns(x: Sequence[float], y: Sequence[float], least: int) -> tuple[np.ndarray, np.ndarray]:
    a, b = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    if a.shape != b.shape or a.ndim != 1 or len(a) < least:
        raise OutputError(f"the fit needs two columns of {least} points or more, not {a.size} and {b.size}")
    if not (np.isfinite(a).all() and np.isfinite(b).all()) or (a <= 0).any() or b.max() <= 0:
        raise OutputError("the fit needs finite numbers, positive in the first column")
    return a, b


def _fit(
    model: Callable[..., Any], x: np.ndarray, y: np.ndarray, start: tuple[float, ...]
) -> tuple[list[float], list[float], float]:
    import warnings

    from scipy.optimize import OptimizeWarning, curve_fit

    with warnings.catch_warnings():
        # a covariance that cannot be estimated comes as a warning; here it means that the data do not decide
        warnings.simplefilter("error", OptimizeWarning)
        try:
            values, covariance = curve_fit(model, x, y, p0=start, maxfev=20000)
        except (RuntimeError, OptimizeWarning) as error:
            raise OutputError(f"the points do not decide the parameters of the fit: {error}") from error
    errors = np.sqrt(np.diag(covariance))
    return [float(v) for v in values], [float(v) for v in errors], _r_squared(y, y - model(x, *values))


def _r_squared(y: np.ndarray, rest: np.ndarray) -> float:
    total = float(((y - y.mean()) ** 2).sum())
    return 1.0 - float(rest @ rest) / total if total else 1.0


def _curve(x: np.ndarray, function: Callable[[Any], Any]) -> np.ndarray:
    fine = np.linspace(x.min(), x.max(), 200)
    return np.column_stack([fine, function(fine)])
