"""The region of stability of a compound as results: how stable it is, and its limits with their potentials."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from qddft.analysis.limits import limit_names, named_limit
from qddft.recipes.competing_phases import CompetingPhases
from qddft.recipes.result import Result

_FORMULA = "chemical potentials between competing phases (Zhang and Northrup 1991)"


def stability_results(found: CompetingPhases) -> tuple[Result, ...]:
    """Return formation and decomposition energy, with corners, edges and named limits in the details.

    Parameters
    ----------
    found
        Of ``competing_phases``.
    """
    region = found.region
    details: dict[str, Any] = {
        "elements": list(region.elements),
        "references_eV_per_atom": dict(region.references),
        "stable": region.stable,
        "corners_eV": [
            {"phases": list(phases), "delta_mu_eV": _named(region.elements, row)}
            for phases, row in zip(region.corner_phases, region.corners, strict=False)
        ],
        "edges_eV": {edge.phase: [_named(region.elements, row) for row in edge.corners] for edge in region.edges},
        "limits_eV": {
            name: {element: list(ends) for element, ends in named_limit(region, name).ranges().items()}
            for name in limit_names(region)
        },
        "competing_eV_per_formula": dict(region.competing),
        "unused": [*region.unused, *found.unused],
        "sources": {f"{index + 1} {item.formula}": item.source for index, item in enumerate(found.phases)},
    }
    quantities = (
        ("decomposition_energy", region.decomposition_energy, f"E({region.target}) - E({region.products})"),
        ("formation_energy", region.formation_energy, f"E({region.target}) - sum of its elements"),
    )
    remarks = () if region.stable else (region.text,)
    return tuple(
        Result(
            quantity=quantity,
            system=region.target,
            ligand="",
            value=value,
            unit="eV",
            convention=f"{convention}, per formula unit, negative = stable",
            reference="elements in their own phases" if quantity == "formation_energy" else region.products,
            engine=found.engine,
            level=found.level,
            charge=0,
            jobs=(),
            warnings=(*remarks, *found.warnings),
            details=details,
            formula=_FORMULA,
            inputs=found.inputs,
            audit=found.audit,
        )
        for quantity, value, convention in quantities
    )


def _named(elements: tuple[str, ...], row: np.ndarray) -> Mapping[str, float]:
    return {element: float(value) for element, value in zip(elements, row, strict=True)}
