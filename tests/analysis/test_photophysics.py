"""Photophysics by the standard formulas; the numbers are those that papers print, recomputed."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qddft.analysis import photophysics as p
from qddft.analysis.photophysics_fits import fit_saturation, fit_thermal_quenching, fit_urbach
from qddft.core.errors import OutputError
from qddft.core.units import BOLTZMANN_IN_EV_PER_K

positive = st.floats(0.01, 1000)


def test_rates_of_tao_table_s3():
    found = p.rates(0.62, 19.81)
    assert found.nonradiative == pytest.approx(1.918e-2, abs=5e-6)
    assert found.radiative_lifetime == pytest.approx(31.95, abs=5e-3)


@pytest.mark.parametrize(
    ("q", "tau", "per_second"), [(0.97, 70.3, 4.27e5), (0.84, 29.3, 54.6e5), (0.92, 29.3, 27.3e5), (0.81, 25.8, 73.6e5)]
)
def test_nonradiative_rates_of_guo(q, tau, per_second):
    assert p.rates(q, tau).nonradiative_per_s == pytest.approx(per_second, rel=3e-3)


@pytest.mark.parametrize(
    ("nm", "ev"),
    [
        (623, 1.990),
        (639, 1.940),
        (644, 1.925),
        (635, 1.953),
        (646, 1.919),
        (683.7, 1.813),
        (682.5, 1.817),
        (716.7, 1.730),
    ],
)
def test_photon_energies_of_the_papers(nm, ev):
    assert p.photon_energy(nm) == pytest.approx(ev, abs=6e-4)


@pytest.mark.parametrize(
    ("cs", "pb", "x", "ratio", "balance"),
    [(1, 1.2, 2.1, 1.75, 1.3), (1, 1.1, 3.4, 3.09, -0.2), (1, 1.2, 2.9, 2.42, 0.5), (1, 1.1, 3.2, 2.91, 0.0)],
)
def test_eds_ratios_of_guo(cs, pb, x, ratio, balance):
    found = p.composition_check(cs, pb, x)
    assert found.x_per_b == pytest.approx(ratio, abs=5e-3)
    assert found.charge_balance == pytest.approx(balance, abs=1e-9)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(positive, positive), min_size=1, max_size=4))
def test_averages_lie_between_the_lifetimes_and_in_order(terms):
    a, tau = [t[0] for t in terms], [t[1] for t in terms]
    by_amplitude, by_intensity = p.amplitude_weighted(a, tau), p.intensity_weighted(a, tau)
    assert min(tau) * (1 - 1e-9) <= by_amplitude <= by_intensity * (1 + 1e-9)
    assert by_intensity <= max(tau) * (1 + 1e-9)


@settings(max_examples=20, deadline=None)
@given(st.floats(0.01, 1.0), positive)
def test_rates_add_up(q, tau):
    found = p.rates(q, tau)
    assert found.radiative + found.nonradiative == pytest.approx(1 / tau)
    assert found.radiative / (found.radiative + found.nonradiative) == pytest.approx(q)


def test_fractional_intensities_give_the_same_averages():
    a, tau = np.array([3.0, 1.0]), np.array([5.0, 40.0])
    f = a * tau / (a @ tau)
    assert p.intensity_weighted(p.amplitudes_of(f, tau), tau) == pytest.approx(float(f @ tau))
    assert p.amplitude_weighted(p.amplitudes_of(f, tau), tau) == pytest.approx(1 / float((f / tau).sum()))
    assert p.intensity_weighted(a, tau) == pytest.approx(float(f @ tau))


def test_excitons_are_poisson_distributed():
    assert sum(p.poisson(n, 1.3) for n in range(30)) == pytest.approx(1.0)
    assert p.excited_fraction(1.3) == pytest.approx(1 - p.poisson(0, 1.3))
    assert p.mean_excitons(2e-15, 5e14) == pytest.approx(1.0)


def test_confinement_falls_with_size_to_the_gap():
    energies = [p.confined_energy(1.73, edge, 0.1, 8.0) for edge in (3.0, 5.0, 10.0)]
    assert energies == sorted(energies, reverse=True)
    assert p.confined_energy(1.73, 1e4, 0.1, 8.0) == pytest.approx(1.73, abs=1e-3)


def test_constants_are_those_of_codata():
    from scipy import constants as c

    assert pytest.approx(c.hbar**2 / (2 * c.m_e) / c.e * 1e18, rel=1e-7) == p._HBAR2_OVER_2M_EV_NM2
    assert pytest.approx(c.e / (4 * math.pi * c.epsilon_0) * 1e9, rel=1e-7) == p._COULOMB_EV_NM


def test_relative_deviation_divides_by_n_minus_one():
    assert p.relative_deviation([9.0, 11.0]) == pytest.approx(100 * math.sqrt(2) / 10)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: p.rates(62, 19.8), "write 62 % as 0.62"),
        (lambda: p.rates(0.5, 0), "the lifetime has to be positive"),
        (lambda: p.amplitude_weighted([1], [1, 2]), "2 lifetimes need as many amplitudes, not 1"),
        (lambda: p.amplitude_weighted([1, 1], [1, -2]), "no decay has"),
        (lambda: p.photon_energy(math.nan), "the wavelength has to be positive"),
        (lambda: p.composition_check(1, 0, 3), "the amount of Pb has to be positive"),
        (lambda: p.confined_energy(1.7, 0, 0.1, 8), "the edge has to be positive"),
        (lambda: p.relative_deviation([1.0]), "two values or more"),
        (lambda: fit_thermal_quenching([80, 100], [1, 2]), "4 points or more"),
        (lambda: fit_urbach([1, 2, 3], [1, 2, 3], (5, 6)), "only 0 points lie in the window"),
        (lambda: fit_urbach([1, 2, 3], [3, 2, 1], (0, 6)), "does not rise"),
        (lambda: fit_saturation([0, 1, 2], [1, 2, 3]), "positive in the first column"),
    ],
)
def test_numbers_that_cannot_be(call, message):
    with pytest.raises(OutputError, match=message):
        call()


@settings(max_examples=8, deadline=None)
@given(st.floats(0.03, 0.14))
def test_the_binding_energy_is_found_again(energy):
    t = np.linspace(80, 300, 23)
    fit = fit_thermal_quenching(t, 5e4 / (1 + 40 * np.exp(-energy / (BOLTZMANN_IN_EV_PER_K * t))))
    assert fit.value == pytest.approx(1000 * energy, rel=1e-3)
    assert "only if dissociation" in fit.remark


def test_the_urbach_energy_is_found_again():
    e = np.linspace(1.7, 1.9, 50)
    fit = fit_urbach(e, 100 * np.exp((e - 1.9) / 0.0185), (1.75, 1.85))
    assert fit.value == pytest.approx(18.5)
    assert fit.r_squared == pytest.approx(1.0)


def test_the_saturation_is_found_again():
    fluence = np.linspace(1, 60, 12)
    fit = fit_saturation(fluence, 0.03 * (1 - np.exp(-0.07 * fluence)))
    assert fit.value == pytest.approx(0.07, rel=1e-4)
    assert fit.parameters["S_max"] == pytest.approx(0.03, rel=1e-4)
