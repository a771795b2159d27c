"""Formation energies of a defect in several charge states, from finished calculations."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from qddft.analysis.gap import band_edges
from qddft.analysis.transition_levels import ChargeLine, Transition, transitions
from qddft.analysis.vacancy import ChargeState
from qddft.core.errors import ChargeError, OutputError
from qddft.outputs.outputs import Outputs
from qddft.recipes.folders import Calculation, read
from qddft.recipes.result import Result
from qddft.recipes.vacancy_of_folders import Potentials, vacancy_formation_energy


@dataclass(frozen=True)
class ChargeScheme:
    """What the energies of charged defects need besides total energies.

    Attributes
    ----------
    corrections
        By charge, eV: interaction with images and background, and alignment of the potentials.
    method
        Name of the correction; ``uncorrected`` with zeros is allowed in bulk and marked.
    valence_band_maximum
        On the energy scale of the pristine calculation, eV; ``None``: read from its levels.
    fermi_level
        Above the valence band maximum, at which the energies are given, eV.
    """

    corrections: Mapping[int, float] = field(default_factory=dict)
    method: str = ""
    valence_band_maximum: float | None = None
    fermi_level: float = 0.0


@dataclass(frozen=True)
class ChargeStates:
    """A defect in several charge states.

    Attributes
    ----------
    results
        Formation energies, most positive charge first, then every transition level.
    lines
        Formation energy of each charge against the Fermi level.
    levels
        Where they cross.
    gap
        Of the pristine calculation, eV; ``None`` where it is unknown.
    """

    results: tuple[Result, ...]
    lines: tuple[ChargeLine, ...]
    levels: tuple[Transition, ...]
    gap: float | None


def charge_states(
    defects: Sequence[Calculation] | Mapping[int, Calculation],
    pristine: Calculation,
    removed: Mapping[str, int],
    chemical_potentials: Potentials,
    scheme: ChargeScheme,
    *,
    limit: str | None = None,
    allow_unconverged: bool = False,
    allow_differences: bool = False,
) -> ChargeStates:
    """Return formation energies of all charge states against the Fermi level, and their transition levels.

    Parameters
    ----------
    defects
        Folders, files or ``Outputs`` of one defect in several charges; by charge where the files do not tell it.
    pristine, removed, chemical_potentials, limit, allow_unconverged, allow_differences
        As in ``vacancy_formation_energy``.
    scheme
        Valence band maximum, corrections and their method.

    Raises
    ------
    ChargeError
        A charge is unknown or has no correction, or what the files say differs.
    OutputError, ReferenceSchemeError
        As ``vacancy_formation_energy``.
    """
    cell = read(pristine, unfinished=allow_unconverged)
    known = _by_charge(defects, unfinished=allow_unconverged)
    vbm, gap, note = _edges(cell, scheme) if any(known) else (0.0, None, "")
    results = []
    for charge in sorted(known, reverse=True):
        if charge and charge not in scheme.corrections:
            raise ChargeError(
                f"there is no correction for the charge {charge:+d}, only for "
                f"{', '.join(f'{q:+d}' for q in scheme.corrections) or 'none'}: --correction {charge:+d}=EV and "
                "--method NAME (in Python the corrections and method of ChargeScheme)"
            )
        state = ChargeState(charge, vbm, scheme.fermi_level, scheme.corrections.get(charge, 0.0), scheme.method)
        result = vacancy_formation_energy(
            known[charge],
            cell,
            removed,
            chemical_potentials,
            limit=limit,
            state=state if charge else None,
            allow_unconverged=allow_unconverged,
            allow_differences=allow_differences,
        )
        results.append(replace(result, warnings=(*([note] if note and charge else []), *result.warnings)))
    if any(item.value is None for item in results):
        return ChargeStates(tuple(results), (), (), gap)
    lines = tuple(ChargeLine(item.charge, _at_vbm(item, scheme)) for item in results)
    levels = transitions(lines)
    return ChargeStates((*results, *(_level(item, results, gap) for item in levels)), lines, levels, gap)


def _by_charge(defects: Sequence[Calculation] | Mapping[int, Calculation], *, unfinished: bool) -> dict[int, Outputs]:
    if isinstance(defects, Mapping):
        return {int(charge): read(item, unfinished=unfinished) for charge, item in defects.items()}
    found: dict[int, Outputs] = {}
    for item in [read(defect, unfinished=unfinished) for defect in defects]:
        if item.charge is None:
            raise ChargeError(
                f"{item.source or 'a defect'} does not say how many electrons its neutral cell has, so that its charge "
                "is unknown: name it (--charge for each --defect, in Python a mapping by charge)"
            )
        charge = round(item.charge)
        if charge in found:
            raise ChargeError(
                f"{item.source} and {found[charge].source} have one charge, {charge:+d}; give one of them"
            )
        found[charge] = item
    return found


def _edges(pristine: Outputs, scheme: ChargeScheme) -> tuple[float, float | None, str]:
    """Return valence band maximum and gap of the pristine cell, and where the first one is from."""
    from qddft.engines.vasp.read import read_eigenvalues

    try:
        edges = None if pristine.source is None else band_edges(read_eigenvalues(pristine.source))
    except OutputError:
        edges = None
    gap = None if edges is None or edges.metallic else edges.gap
    if scheme.valence_band_maximum is not None:
        return scheme.valence_band_maximum, gap, ""
    if edges is None or edges.metallic:
        raise ChargeError(
            f"{pristine.source or 'the pristine calculation'} gives no valence band maximum; name it: --vbm EV "
            "(valence_band_maximum in Python), on the energy scale of this calculation"
        )
    note = (
        f"E_VBM = {edges.vbm.energy:.4f} eV is the highest occupied level of the pristine cell at its own k-points; "
        "that the correction aligns the potentials is assumed"
    )
    return edges.vbm.energy, gap, note


def _at_vbm(result: Result, scheme: ChargeScheme) -> float:
    value = float("nan") if result.value is None else result.value
    return value - result.charge * scheme.fermi_level


def _level(item: Transition, results: Sequence[Result], gap: float | None) -> Result:
    pair = [result for result in results if result.charge in item.charges]
    inside = "unknown" if gap is None else "in the gap" if 0 <= item.level <= gap else "outside of the gap"
    details: dict[str, Any] = {
        "charges": list(item.charges),
        "E_f_eV": item.energy,
        "thermodynamic": item.stable,
        "place": inside,
        "gap_eV": gap,
    }
    first = pair[0]
    return replace(
        first,
        quantity="transition_level",
        value=item.level,
        convention="eps(q/q') = [E_f(q) - E_f(q')]/(q' - q) at E_F = E_VBM, above the valence band maximum",
        reference=f"{item.name}, {'thermodynamic' if item.stable else 'never the cheapest'}, {inside}",
        charge=0,
        formula="charge transition level (Freysoldt et al. 2014)",
        inputs={path: value for result in pair for path, value in result.inputs.items()},
        warnings=tuple(dict.fromkeys(text for result in pair for text in result.warnings)),
        details=details,
    )
