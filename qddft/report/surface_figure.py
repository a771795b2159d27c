"""Surface energies of both terminations against the chemical potential, drawn."""

from typing import TYPE_CHECKING, Any

import numpy as np

from qddft.core.units import EV_PER_A2_IN_J_PER_M2
from qddft.report.style import BLACK, CYCLE, GRAY, SKY, new_figure, styled

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from matplotlib.figure import Figure

    from qddft.analysis.surface import SurfaceLine

HEIGHT_MM = 66.0
# half of the range shown where the window of stability is unknown or narrower, eV
_BESIDE = 0.3


@styled
def surface_figure(lines: "Sequence[SurfaceLine]", window: tuple[float | None, float], salt: str = "BX2") -> "Figure":
    """Draw surface energies in meV/Angstrom^2, with J/m^2 on the right.

    Parameters
    ----------
    lines
        One a slab; slabs of one termination and other thicknesses get lines of their own.
    window
        Chemical potentials of BX2 between its two limits, relative to solid BX2, eV; shaded where the bulk is stable.
    salt
        Formula of BX2, for the axis.
    """
    figure, (axes,) = new_figure(HEIGHT_MM)
    low, high = window
    edge = -_BESIDE if low is None else min(low, high - _BESIDE)
    x = np.array([edge - 0.05, max(high, low or 0.0) + 0.05])
    if low is not None and low < high:
        axes.axvspan(low, high, color=SKY, alpha=0.3, linewidth=0, zorder=0)
    for place in {high} if low is None else {low, high}:
        axes.axvline(place, color=GRAY, linewidth=0.6, linestyle=(0, (4, 2)), zorder=1)
    names = [line.termination for line in lines]
    for index, line in enumerate(lines):
        layers = f", {line.units} units" if names.count(line.termination) > 1 else ""
        y = [1000 * line.at(value) for value in x]
        axes.plot(x, y, color=CYCLE[index % len(CYCLE)], label=f"{_low(line.termination)}{layers}")
    axes.set_xlim(*x)
    axes.set_xlabel(rf"$\Delta\mu$({_low(salt)}) (eV)")
    axes.set_ylabel("surface energy (meV/Å$^2$)")
    axes.margins(y=0.25)
    factor = EV_PER_A2_IN_J_PER_M2 / 1000
    right = axes.secondary_yaxis("right", functions=(_scaled(factor), _scaled(1 / factor)))
    right.set_ylabel("surface energy (J/m$^2$)")
    right.spines["right"].set_visible(True)
    if (axes.get_ylim()[0]) < 0:
        axes.axhline(0, color=BLACK, linewidth=0.5)
    axes.legend(loc="best", handlelength=1.4)
    return figure


@styled
def thickness_figure(details: "Mapping[str, Any]") -> "Figure":
    """Draw the excess energy of slabs of several thicknesses: on a level line where E(n) is linear.

    Parameters
    ----------
    details
        Of the result of ``thickness_series``.
    """
    figure, (axes,) = new_figure(HEIGHT_MM)
    atoms = np.array(details["n_atoms"], dtype=float)
    excess = np.array(details["energies_eV"]) - details["bulk_energy_per_atom_eV"] * atoms
    axes.plot(atoms, 1000 * excess / (2 * details["area_A2"]), "o", color=CYCLE[0], markersize=3.5, label="slabs")
    fitted = 1000 * details["J_per_m2"] / EV_PER_A2_IN_J_PER_M2
    axes.axhline(fitted, color=CYCLE[1], linewidth=0.9, label=f"fit: {fitted:.2f} meV/Å$^2$")
    spread = max(0.02 * abs(fitted), 1.5 * float(np.abs(1000 * excess / (2 * details["area_A2"]) - fitted).max()))
    axes.set_ylim(fitted - spread, fitted + spread)
    axes.margins(x=0.1)
    axes.set_xlabel("atoms in the slab")
    axes.set_ylabel(r"$[E - n E_\mathrm{bulk}]/2A$ (meV/Å$^2$)")
    axes.ticklabel_format(axis="y", useOffset=False)
    axes.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=2, handlelength=1.4, borderpad=0.1)
    return figure


def _scaled(factor: float) -> "Callable[[Any], Any]":
    return lambda values: values * factor


def _low(text: str) -> str:
    """Return a formula with its numbers set low."""
    return "".join(rf"$_{{{character}}}$" if character.isdigit() else character for character in text)
