"""Standard formulas of emission from quantum dots: lifetimes, rates, excitons per dot, composition, confinement.

Average lifetimes: van Driel et al., Phys. Rev. B 75, 035329 (2007). Rates: k_r = Q/tau, k_nr = (1 - Q)/tau, from
Q = k_r/(k_r + k_nr) and 1/tau = k_r + k_nr. Excitons per dot after a short pulse are Poisson distributed.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from qddft.core.errors import OutputError
from qddft.core.units import HC_IN_EV_NM

# hbar^2/(2 m_e) and e^2/(4 pi eps_0), from the constants of CODATA 2018
_HBAR2_OVER_2M_EV_NM2 = 0.0380998212
_COULOMB_EV_NM = 1.43996455
NS_IN_S = 1e-9


@dataclass(frozen=True)
class Rates:
    """What a quantum yield and a lifetime say together.

    Attributes
    ----------
    radiative, nonradiative
        Rates, 1/ns.
    radiative_lifetime
        Lifetime if nothing but emission emptied the state, ns.
    """

    radiative: float
    nonradiative: float
    radiative_lifetime: float

    @property
    def nonradiative_per_s(self) -> float:
        """The nonradiative rate, 1/s."""
        return self.nonradiative / NS_IN_S


@dataclass(frozen=True)
class CompositionCheck:
    """Composition of CsPbX3 as measured by EDS, or counted in a model.

    Attributes
    ----------
    a_per_b, x_per_b
        Cs/Pb and X/Pb; 1 and 3 in the stoichiometric crystal.
    charge_balance
        Cs + 2 Pb - X in the units given; 0 if the ions of the perovskite are all there is.
    """

    a_per_b: float
    x_per_b: float
    charge_balance: float


def amplitude_weighted(amplitudes: Sequence[float], lifetimes: Sequence[float]) -> float:
    """Return <tau>_a = sum a_i tau_i / sum a_i: the time whose inverse is the mean decay rate of the initial signal.

    Parameters
    ----------
    amplitudes
        Of I(t) = sum a_i exp(-t/tau_i), any unit.
    lifetimes
        tau_i; the result has their unit.

    Raises
    ------
    OutputError
        Numbers that cannot belong to a decay.
    """
    a, tau = _decay(amplitudes, lifetimes)
    return float(a @ tau / a.sum())


def intensity_weighted(amplitudes: Sequence[float], lifetimes: Sequence[float]) -> float:
    """Return <tau>_i = sum a_i tau_i^2 / sum a_i tau_i: the mean time at which a photon arrives.

    Parameters and errors as in ``amplitude_weighted``.
    """
    a, tau = _decay(amplitudes, lifetimes)
    return float(a @ tau**2 / (a @ tau))


def amplitudes_of(fractions: Sequence[float], lifetimes: Sequence[float]) -> tuple[float, ...]:
    """Return amplitudes a_i = f_i/tau_i from fractional intensities f_i = a_i tau_i / sum a tau."""
    f, tau = _decay(fractions, lifetimes)
    return tuple(float(value) for value in f / tau)


def rates(quantum_yield: float, lifetime: float) -> Rates:
    """Return radiative and nonradiative rate and the radiative lifetime.

    Parameters
    ----------
    quantum_yield
        Of photoluminescence, 0 < Q <= 1.
    lifetime
        Average lifetime, ns.

    Raises
    ------
    OutputError
        A yield outside of 0..1, or a lifetime that is not positive.
    """
    _require_yield(quantum_yield)
    _require_positive("the lifetime", lifetime)
    return Rates(quantum_yield / lifetime, (1 - quantum_yield) / lifetime, lifetime / quantum_yield)


def photon_energy(wavelength: float) -> float:
    """Return E = hc/lambda, eV; wavelength in nm."""
    _require_positive("the wavelength", wavelength)
    return HC_IN_EV_NM / wavelength


def excited_fraction(mean_excitons: float) -> float:
    """Return the share of dots with at least one exciton, 1 - exp(-<N>)."""
    return -math.expm1(-mean_excitons)


def poisson(n: int, mean_excitons: float) -> float:
    """Return the share of dots with n excitons, <N>^n exp(-<N>)/n!."""
    return math.exp(-mean_excitons) * mean_excitons**n / math.factorial(n)


def mean_excitons(cross_section: float, photon_fluence: float) -> float:
    """Return <N> = sigma j; cross-section in cm^2, photons per cm^2 and pulse."""
    return cross_section * photon_fluence


def confined_energy(gap: float, edge: float, reduced_mass: float, permittivity: float) -> float:
    """Return the emission energy of a cube by the effective-mass model, eV.

    ``E = E_g + 3 pi^2 hbar^2/(2 mu L^2) - 3.05 e^2/(4 pi eps_0 eps L)``. With parabolic bands it overestimates the
    confinement of dots of a few nm about twofold; it is here to show that, and for the trend with L.

    Parameters
    ----------
    gap
        Of the bulk, eV.
    edge
        Edge length L, nm.
    reduced_mass
        mu in electron masses.
    permittivity
        Relative.
    """
    for name, value in (("the edge", edge), ("the reduced mass", reduced_mass), ("the permittivity", permittivity)):
        _require_positive(name, value)
    kinetic = 3 * math.pi**2 * _HBAR2_OVER_2M_EV_NM2 / (reduced_mass * edge**2)
    return gap + kinetic - 3.05 * _COULOMB_EV_NM / (permittivity * edge)


def composition_check(a: float, b: float, x: float) -> CompositionCheck:
    """Return the ratios of A, B and X and whether their formal charges balance; any common unit.

    Raises
    ------
    OutputError
        An amount that is not positive.
    """
    for name, value in (("the amount of Cs", a), ("the amount of Pb", b), ("the amount of the halide", x)):
        _require_positive(name, value)
    return CompositionCheck(a / b, x / b, a + 2 * b - x)


def relative_deviation(values: Sequence[float]) -> float:
    """Return the relative standard deviation, percent, with n - 1 in the denominator.

    Raises
    ------
    OutputError
        Fewer than two values.
    """
    if len(values) < 2:
        raise OutputError(f"a standard deviation needs two values or more, not {len(values)}")
    return float(100 * np.std(values, ddof=1) / np.mean(values))


def _decay(weights: Sequence[float], lifetimes: Sequence[float]) -> tuple[np.ndarray, np.ndarray]:
    a, tau = np.asarray(weights, dtype=float), np.asarray(lifetimes, dtype=float)
    if a.shape != tau.shape or a.ndim != 1 or not len(a):
        raise OutputError(f"{len(lifetimes)} lifetimes need as many amplitudes, not {len(weights)}")
    if not (np.isfinite(a).all() and np.isfinite(tau).all()) or (tau <= 0).any() or (a < 0).any() or not a.any():
        raise OutputError(f"no decay has the amplitudes {a.tolist()} and lifetimes {tau.tolist()}: they are positive")
    return a, tau


def _require_positive(name: str, value: float) -> None:
    if not math.isfinite(value) or value <= 0:
        raise OutputError(f"{name} has to be positive, not {value:g}")


def _require_yield(value: float) -> None:
    if not 0 < value <= 1:
        raise OutputError(f"a quantum yield lies between 0 and 1, not at {value:g}; write 62 % as 0.62")
