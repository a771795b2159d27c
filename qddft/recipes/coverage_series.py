"""Average and differential adsorption energies against coverage, from finished calculations."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

from qddft.core.errors import ReferenceSchemeError
from qddft.recipes.folders import Calculation, read
from qddft.recipes.given import Reference
from qddft.recipes.of_folders import binding_energy, named_references
from qddft.recipes.result import Result

DIFFERENTIAL = "E_ads_differential"


def coverage_series(
    complexes: Sequence[Calculation],
    slab: Calculation,
    references: Reference | Sequence[Reference] | Mapping[str, Reference],
    *,
    faces: int = 1,
    allow_unconverged: bool = False,
    allow_differences: bool = False,
) -> tuple[Result, ...]:
    """Return the average adsorption energy of every coverage, then the differential one of every step between two.

    ``E_average(n) = [E(n) - E(0) - n E_L]/n`` and ``E_d = [E(n) - E(m) - (n - m) E_L]/(n - m)`` for the next lower
    coverage m; for m = n - 1 that is ``E(n) - E(n-1) - E_L``.

    Parameters
    ----------
    complexes
        Folders, files or ``Outputs`` of one slab with several numbers of ligands.
    slab, references, faces, allow_unconverged, allow_differences
        As in ``binding_energy``.

    Raises
    ------
    OutputError
        A calculation cannot be read or reports no energy.
    ReferenceSchemeError
        A reaction does not balance, or two complexes have one coverage.
    """
    clean = read(slab, unfinished=allow_unconverged)
    others = named_references(references, unfinished=allow_unconverged)

    def energy(whole: Calculation, below: Calculation) -> Result:
        return binding_energy(
            whole, below, others, faces=faces,
            allow_unconverged=allow_unconverged, allow_differences=allow_differences,
        )  # fmt: skip

    found = [(item, energy(item, clean)) for item in [read(whole, unfinished=allow_unconverged) for whole in complexes]]
    found.sort(key=lambda pair: float(pair[1].details["coverage_per_nm2"]))
    steps = []
    for (lower, first), (higher, second) in pairwise(found):
        low, high = (float(item.details["coverage_per_nm2"]) for item in (first, second))
        if high - low < 1e-6 * high:
            raise ReferenceSchemeError(
                f"{first.details['sources']['complex']} and {second.details['sources']['complex']} have one coverage, "
                f"{high:.3f} nm^-2; give one of them"
            )
        step = energy(higher, lower)
        convention = step.convention.replace("E_ads =", f"{DIFFERENTIAL} =").replace("E(slab)", "E(lower coverage)")
        names = {"from_per_nm2": low, "coverage_per_nm2": high}
        steps.append(
            replace(
                step, quantity=DIFFERENTIAL, convention=convention.partition("; ")[0],
                reaction=step.reaction.replace("slab", "lower coverage"), details=dict(step.details) | names,
                formula="differential adsorption energy",
            )
        )  # fmt: skip
    return (*(replace(result, formula="average adsorption energy") for _, result in found), *steps)
