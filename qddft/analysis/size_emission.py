"""Sizes of dots against the energies at which they emit: what confinement explains, and what it does not."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from qddft.analysis.photophysics import confined_energy, photon_energy
from qddft.analysis.photophysics_table import Finding, numbers_of
from qddft.core.errors import OutputError

FORMULA = "E_g + 3 pi^2 hbar^2/(2 mu L^2) - 3.05 e^2/(4 pi eps_0 eps L)"


@dataclass(frozen=True)
class Material:
    """What the effective-mass model needs to know; none of it has a default, since each decides the answer.

    Attributes
    ----------
    gap
        Of the bulk, eV.
    reduced_mass
        In electron masses.
    permittivity
        Relative.
    """

    gap: float
    reduced_mass: float
    permittivity: float


def size_emission(rows: Sequence[Mapping[str, str]], material: Material) -> tuple[Finding, ...]:
    """Compare the shift of each emission above the bulk gap with that of a cube in the effective-mass model.

    Parameters
    ----------
    rows
        Header to printed text, with a column of sizes (nm) and one of wavelengths (nm) or energies (eV).
    material
        Of the dots.

    Raises
    ------
    OutputError
        A column is missing, or a cell holds no number.

    Notes
    -----
    The model takes parabolic bands, which overestimates the confinement of dots of a few nm; what it leaves of a
    large dot's shift is no confinement (size distribution, composition, reference of the gap).
    """
    table = numbers_of(rows)
    observed: list[float | None] = []
    model: list[float | None] = []
    for row in table:
        if "energy" not in row and "wavelength" in row:
            row["energy"] = photon_energy(row["wavelength"])
        known = "size" in row and "energy" in row
        observed.append(row["energy"] - material.gap if known else None)
        model.append(_confined(row["size"], material) if known else None)
    if all(value is None for value in observed):
        raise OutputError("no row has both a size (nm) and a wavelength (nm) or an energy (eV)")
    pairs = [(a, b) for a, b in zip(observed, model, strict=True) if a is not None and b is not None]
    return (
        Finding(
            "shift", "eV", "hc/lambda - E_g", tuple(observed), (None,) * len(rows), (), "above the gap of the bulk"
        ),
        Finding("shift_model", "eV", FORMULA, tuple(model), (None,) * len(rows), (), _verdict(pairs)),
    )


def _confined(edge: float, material: Material) -> float:
    return confined_energy(material.gap, edge, material.reduced_mass, material.permittivity) - material.gap


def _verdict(pairs: Sequence[tuple[float, float]]) -> str:
    ratios = [model / observed for observed, model in pairs if observed > 0]
    if not ratios:
        return "no emission lies above the gap that was given: it is not the gap of these dots' material"
    low, high = min(ratios), max(ratios)
    span = f"{low:.2g}" if f"{low:.2g}" == f"{high:.2g}" else f"{low:.2g} to {high:.2g}"
    return f"the effective-mass model gives {span} times the observed shift"
