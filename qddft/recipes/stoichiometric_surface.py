"""Surface energies of slabs that have the composition of their crystal, made by anybody."""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from qddft.analysis.binding import energy_of
from qddft.analysis.reaction import composition_of
from qddft.analysis.surface import face_area, outer_layers, require_vacuum
from qddft.core.errors import ReferenceSchemeError
from qddft.core.units import EV_PER_A2_IN_J_PER_M2
from qddft.recipes.folders import Allowed, Calculation, judge, read
from qddft.recipes.provenance import hashes_of, structure_of
from qddft.recipes.result import Result

if TYPE_CHECKING:
    from ase import Atoms

CONVENTION = "gamma = [E(slab) - n E(bulk)]/2A, mean of both faces"


def stoichiometric_surfaces(
    slabs: Sequence[Calculation],
    bulk: Calculation,
    *,
    allow_unconverged: bool = False,
    allow_differences: bool = False,
) -> tuple[Result, ...]:
    """Return the surface energy of every slab, which needs no chemical potential.

    Parameters
    ----------
    slabs
        Folders, files or ``Outputs`` of slabs, each with the composition of the crystal; any compound or element.
    bulk
        The crystal.
    allow_unconverged, allow_differences
        Give marked numbers even where a calculation has not converged, or where settings differ.

    Raises
    ------
    OutputError
        A calculation cannot be read or reports no energy.
    ReferenceSchemeError
        A slab has another composition than the crystal.
    """
    crystal = read(bulk, unfinished=allow_unconverged)
    unit, units = _formula(composition_of(crystal.atoms.get_chemical_symbols()))
    per_unit = energy_of(crystal, "bulk") / units
    results = []
    for index, slab in enumerate([read(item, unfinished=allow_unconverged) for item in slabs]):
        name = f"slab {index + 1}"
        own, count = _formula(composition_of(slab.atoms.get_chemical_symbols()))
        if own != unit:
            raise ReferenceSchemeError(
                f"{slab.source or name} is {slab.atoms.get_chemical_formula()}, which is not made of whole units of "
                f"{crystal.atoms.get_chemical_formula(empirical=True)}: its surface energy depends on a chemical "
                "potential; slabs of ABX3 with an excess layer need --bulk and --bx2"
            )
        require_vacuum(slab.atoms, slab.settings.get("kpoints"), slab.source or name)
        legs = {name: slab, "bulk": crystal}
        verdict = judge(legs, Allowed(allow_unconverged, allow_differences))
        area = face_area(slab.atoms)
        gamma = (energy_of(slab, name) - count * per_unit) / (2 * area)
        results.append(
            Result(
                quantity="surface_energy",
                system=slab.atoms.get_chemical_formula(mode="hill"),
                ligand="",
                value=None if verdict.refused else 1000 * gamma,
                unit="meV/Angstrom^2",
                convention=CONVENTION,
                reference="stoichiometric slab against bulk",
                engine=slab.engine,
                level=str(slab.settings.get("xc", "unknown")),
                charge=0,
                jobs=(),
                warnings=tuple(dict.fromkeys([*verdict.warnings, *_faces(slab.atoms)])),
                details={
                    "J_per_m2": gamma * EV_PER_A2_IN_J_PER_M2,
                    "area_A2": area,
                    "formula_units": count,
                    "bulk_energy_per_formula_eV": per_unit,
                    "sources": {key: leg.source for key, leg in legs.items()},
                },
                formula="surface energy of a stoichiometric slab",
                inputs=hashes_of(legs.values()),
                audit=verdict.audit,
                structure=structure_of(slab),
            )
        )
    return tuple(results)


def _formula(counts: Mapping[str, int]) -> tuple[dict[str, int], int]:
    """Return the smallest formula and how many of it there are."""
    units = math.gcd(*counts.values())
    return {element: number // units for element, number in counts.items()}, units


def _faces(atoms: "Atoms") -> list[str]:
    bottom, top = outer_layers(atoms)
    return [] if bottom == top else [f"the faces differ ({bottom} below, {top} above): the number is their mean"]
