"""Surface energies of calculations that lie in folders already, made by anybody."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import combinations
from typing import TYPE_CHECKING, Any

from qddft.analysis.binding import energy_of
from qddft.analysis.reaction import composition_of
from qddft.analysis.surface import SurfaceLine, face_area, fit_thickness, outer_layers, require_vacuum, surface_line
from qddft.core.errors import ReferenceSchemeError
from qddft.core.units import EV_PER_A2_IN_J_PER_M2
from qddft.outputs.outputs import Outputs
from qddft.recipes.folders import Allowed, Calculation, judge, read
from qddft.recipes.provenance import hashes_of, structure_of
from qddft.recipes.result import Result

if TYPE_CHECKING:
    from ase import Atoms

_SAME_AREA = 1e-3
# slopes of complementary terminations are opposite, within what their areas differ by
_OPPOSITE = 5e-3


@dataclass(frozen=True)
class SurfaceEnergies:
    """Surface energies of terminations against the chemical potential of BX2.

    Attributes
    ----------
    lines
        One a slab.
    window
        Delta mu_BX2 between equilibrium with AX (low) and with BX2 (zero), eV; the low end lies above zero where ABX3
        is unstable, and is ``None`` without a calculation of AX.
    results
        One a slab and end of the window, in meV/Angstrom^2.
    """

    lines: tuple[SurfaceLine, ...]
    window: tuple[float | None, float]
    results: tuple[Result, ...]

    @property
    def sums(self) -> dict[str, float]:
        """Sum of the surface energies of each two complementary terminations, eV/Angstrom^2.

        ``gamma_AX + gamma_BX2 = [E_AX + E_BX2 - n E_bulk]/2A``: the chemical potential drops out, which is the test
        that both slabs and the crystal belong together.
        """
        return {
            f"{one.termination} ({one.units} units) and {other.termination} ({other.units} units)": one.at_zero
            + other.at_zero
            for one, other in combinations(self.lines, 2)
            if abs(one.slope + other.slope) < _OPPOSITE * abs(one.slope) and one.slope != 0
        }


def surface_energies(
    slabs: Sequence[Calculation],
    bulk: Calculation,
    bx2: Calculation,
    ax: Calculation | None = None,
    *,
    allow_unconverged: bool = False,
    allow_differences: bool = False,
) -> SurfaceEnergies:
    """Return the surface energies of slabs of ABX3 against the chemical potential.

    Parameters
    ----------
    slabs
        Folders, files or ``Outputs`` of symmetric slabs; both terminations give a constant sum.
    bulk, bx2, ax
        The crystal, and the solids BX2 and AX that limit its chemical potential.
    allow_unconverged, allow_differences
        Give marked numbers even where a calculation has not converged, or where settings differ.

    Raises
    ------
    OutputError
        A calculation cannot be read or reports no energy.
    ReferenceSchemeError
        A slab is not made of AX and BX2 layers, or a reference is of another composition.
    """
    take = partial(read, unfinished=allow_unconverged)
    legs = {f"slab {i + 1}": take(item) for i, item in enumerate(slabs)}
    _require_slabs(legs)
    references = {"bulk": take(bulk), "BX2": take(bx2)} | ({} if ax is None else {"AX": take(ax)})
    per_unit = {name: _per_formula(item, name) for name, item in references.items()}
    lines = tuple(
        surface_line(
            (_counts(item.atoms), energy_of(item, name), face_area(item.atoms)), per_unit["bulk"], per_unit["BX2"]
        )
        for name, item in legs.items()
    )
    low = per_unit["bulk"] - per_unit["AX"] - per_unit["BX2"] if "AX" in per_unit else None
    verdict = judge(legs | references, Allowed(allow_unconverged, allow_differences))
    results = []
    for (name, item), line in zip(legs.items(), lines, strict=True):
        notes = [*verdict.warnings, *_asymmetry(item.atoms), *_stability(low)]
        places = {"BX2-rich": 0.0} | ({} if low is None else {"AX-rich": low})
        values = {place: line.at(delta) for place, delta in places.items()}
        details = {
            "termination": line.termination,
            "formula_units": line.units,
            "area_A2": line.area,
            "slope_per_A2": line.slope,
            "delta_mu_BX2_eV": places,
            "J_per_m2": {place: value * EV_PER_A2_IN_J_PER_M2 for place, value in values.items()},
            "meV_per_A2": {place: 1000 * value for place, value in values.items()},
            "sources": {key: leg.source for key, leg in ({name: item} | references).items()},
        }
        formula = "gamma = [E(slab) - n E(bulk) - mu(excess layer)]/2A per face, mu_AX + mu_BX2 = E(bulk)"
        value = None if verdict.refused else 1000 * values["BX2-rich"]
        made = _result(value, item, formula, f"{line.termination}-terminated; BX2-rich", details)
        own = hashes_of([item, *references.values()])
        results.append(
            replace(
                made, warnings=tuple(dict.fromkeys(notes)), audit=verdict.audit, inputs=own,
                formula="surface energy against the chemical potential",
            )
        )  # fmt: skip
    return SurfaceEnergies(lines, (low, 0.0), tuple(results))


def thickness_series(
    slabs: Sequence[Calculation], *, allow_unconverged: bool = False, allow_differences: bool = False
) -> Result:
    """Return the surface energy from slabs of several thicknesses, all of one composition.

    Parameters
    ----------
    slabs
        Folders, files or ``Outputs`` of slabs with the same lateral cell.
    allow_unconverged, allow_differences
        As in ``surface_energies``.

    Raises
    ------
    OutputError
        A calculation cannot be read or reports no energy.
    ReferenceSchemeError
        Compositions or areas differ, or there is one thickness only.
    """
    take = partial(read, unfinished=allow_unconverged)
    legs = {f"slab {i + 1}": take(item) for i, item in enumerate(slabs)}
    _require_slabs(legs)
    counts = [_counts(item.atoms) for item in legs.values()]
    _require_one_composition(counts)
    areas = [face_area(item.atoms) for item in legs.values()]
    if max(areas) - min(areas) > _SAME_AREA * max(areas):
        raise ReferenceSchemeError(
            f"the slabs have faces of {min(areas):.3f} to {max(areas):.3f} Angstrom^2; take one cell"
        )
    atoms = [sum(item.values()) for item in counts]
    fit = fit_thickness(atoms, [energy_of(item, name) for name, item in legs.items()], areas[0])
    verdict = judge(legs, Allowed(allow_unconverged, allow_differences))
    notes = ["two slabs only: that E(n) is linear is assumed, not seen"] if len(legs) == 2 else []
    details = {
        "energies_eV": [item.energy for item in legs.values()],
        "area_A2": areas[0],
        "bulk_energy_per_atom_eV": fit.bulk_energy,
        "largest_rest_eV": fit.largest_rest,
        "n_atoms": atoms,
        "J_per_m2": fit.joule_per_m2,
        "sources": {name: item.source for name, item in legs.items()},
    }
    formula = "gamma from E(n) = n E_bulk + 2 A gamma, n in atoms, linear fit"
    value = None if verdict.refused else 1000 * fit.surface_energy
    made = _result(value, next(iter(legs.values())), formula, "bulk energy from the slope", details)
    return replace(
        made,
        warnings=tuple(dict.fromkeys([*verdict.warnings, *notes])),
        audit=verdict.audit,
        inputs=hashes_of(legs.values()),
        formula="linear fit of slab energies (Fiorentini and Methfessel 1996)",
    )


def _counts(atoms: "Atoms") -> dict[str, int]:
    return composition_of(atoms.get_chemical_symbols())


def _require_slabs(legs: Mapping[str, Outputs]) -> None:
    for name, item in legs.items():
        require_vacuum(item.atoms, item.settings.get("kpoints"), item.source or name)


def _per_formula(item: Outputs, name: str) -> float:
    import math

    counts = _counts(item.atoms)
    expected = {"bulk": [1, 1, 3], "BX2": [1, 2], "AX": [1, 1]}[name]
    units = math.gcd(*counts.values())
    if sorted(number // units for number in counts.values()) != expected:
        raise ReferenceSchemeError(
            f"{name}: {item.atoms.get_chemical_formula()} is no {'ABX3' if name == 'bulk' else name}"
        )
    return energy_of(item, name) / units


def _asymmetry(atoms: "Atoms") -> list[str]:
    bottom, top = outer_layers(atoms)
    return [] if bottom == top else [f"the faces differ ({bottom} below, {top} above): the number is their mean"]


def _stability(low: float | None) -> list[str]:
    if low is None or low <= 0:
        return []
    return [f"the bulk lies {low:.3f} eV above AX + BX2: there is no stable region, the two ends are its edges"]


def _require_one_composition(counts: Sequence[Mapping[str, int]]) -> None:
    first = {element: number / sum(counts[0].values()) for element, number in counts[0].items()}
    for item in counts[1:]:
        share = {element: number / sum(item.values()) for element, number in item.items()}
        if set(share) != set(first) or any(abs(share[element] - first[element]) > 1e-9 for element in first):
            raise ReferenceSchemeError(
                "the slabs of a thickness series need one composition; slabs with an excess layer need a bulk energy "
                "and chemical potentials (surface_energies)"
            )


def _result(value: float | None, slab: Outputs, convention: str, reference: str, details: dict[str, Any]) -> Result:
    return Result(
        quantity="surface_energy",
        system=slab.atoms.get_chemical_formula(mode="hill"),
        ligand="",
        value=value,
        unit="meV/Angstrom^2",
        convention=convention,
        reference=reference,
        engine=slab.engine,
        level=str(slab.settings.get("xc", "unknown")),
        charge=0,
        jobs=(),
        details=details,
        structure=structure_of(slab),
    )
