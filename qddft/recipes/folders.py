"""What all quantities from folders share: reading, and the judgment on whether energies may be subtracted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from qddft.analysis.binding import compare_terms, doubts
from qddft.analysis.mesh import cell_ratio, periodic_axes
from qddft.outputs.outputs import Outputs
from qddft.recipes.provenance import audit_record

Calculation = str | Path | Outputs
_SAME_CELL = 0.02
# what VASP calls a setting
_TAGS = {
    "cutoff_eV": "ENCUT", "prec": "PREC", "lreal": "LREAL", "ispin": "ISPIN", "xc": "GGA, METAGGA, LHFCALC",
    "gga": "GGA", "metagga": "METAGGA", "aexx": "AEXX", "hfscreen": "HFSCREEN", "dispersion": "IVDW", "lasph": "LASPH",
    "soc": "LSORBIT", "noncollinear": "LNONCOLLINEAR", "kpoints": "KPOINTS", "kpoint_scheme": "KPOINTS",
    "smearing": "ISMEAR", "sigma_eV": "SIGMA", "potential": "POTCAR", "hubbard": "LDAUU", "idipol": "IDIPOL",
    "ldipol": "LDIPOL", "addgrid": "ADDGRID", "nupdown": "NUPDOWN", "energy_tol_eV": "EDIFF",
    "force_tol_eV_per_A": "EDIFFG", "gga_compat": "GGA_COMPAT", "icharg": "ICHARG", "electric_field": "EFIELD",
    "pressure_kB": "PSTRESS", "frozen atoms": "selective dynamics",
}  # fmt: skip
# number of periodic directions -> what that is
_KINDS = ("a molecule or cluster", "a wire", "a slab with vacuum", "a crystal without vacuum")


def read(item: Calculation, *, unfinished: bool = False) -> Outputs:
    """Return the outputs of a folder or file, or what was read already.

    Parameters
    ----------
    item
        Folder, file, or outputs.
    unfinished
        Also take a run that was killed or cut, with its last complete ionic step; it is marked as not converged.

    Raises
    ------
    OutputError
        It cannot be read.
    """
    from qddft.engines.vasp.read import read_outputs

    # an outputs.json may have been moved since it was written
    return item if isinstance(item, Outputs) else replace(read_outputs(item, partial=unfinished), source=str(item))


def cell_difference(legs: Mapping[str, Outputs], pair: tuple[str, str], times: float) -> list[str]:
    """Compare how often one slab enters a reaction with how often its cell fits into the other's.

    Settings are compared by the audit; it does not know the reaction.

    Parameters
    ----------
    legs
        By name.
    pair
        Names of what is made, and of the slab that it is made from.
    times
        How many of the second make one of the first.
    """
    cells = [
        (item.atoms.cell.array, item.atoms.get_scaled_positions(), item.settings.get("kpoints"))
        for item in (legs[name] for name in pair)
    ]
    ratio = cell_ratio(cells[0], cells[1])
    if ratio is not None:
        made, slab = pair
        if abs(ratio - times) <= _SAME_CELL * ratio:
            return []
        return [
            f"lateral cell differs: the {made} has {ratio:.3f} times the area of the {slab}, but holds {times:g} of it"
        ]
    kinds = [sum(periodic_axes(*cell)) for cell in cells]
    if kinds[0] == kinds[1]:
        return []
    return [f"the {pair[0]} is {_KINDS[kinds[0]]}, the {pair[1]} is {_KINDS[kinds[1]]}: they are not one surface"]


@dataclass(frozen=True)
class Allowed:
    """What a user accepts: a marked number from calculations that did not converge, or whose settings differ."""

    unconverged: bool = False
    differences: bool = False


@dataclass(frozen=True)
class Judgment:
    """Whether the energies of some calculations may be subtracted.

    Attributes
    ----------
    refused
        No number is given.
    warnings
        Why, and everything else a reader has to see.
    audit
        Of the settings, as a record.
    """

    refused: bool
    warnings: tuple[str, ...]
    audit: Mapping[str, Any]


def judge(
    legs: Mapping[str, Outputs], allowed: Allowed, *, radicals: bool = False, differences: Sequence[str] = ()
) -> Judgment:
    """Compare settings and convergence of all terms of an energy difference.

    Parameters
    ----------
    legs
        By name.
    allowed
        What the user accepts.
    radicals
        Open shells are meant: unequal spin treatment is no difference.
    differences
        Further sentences on what must not be subtracted.
    """
    problems = doubts(legs)
    compared = compare_terms(legs, radicals=radicals)
    unlike = (*(_with_tag(text, legs) for text in compared.differences), *differences)
    return Judgment(
        refused=bool((problems and not allowed.unconverged) or (unlike and not allowed.differences)),
        warnings=(
            *(f"NOT CONVERGED: {item}" for item in problems),
            *(f"SETTINGS DIFFER: {item}" for item in unlike),
            *(_folders(legs) if problems or unlike else ()),
            *(f"settings: {_with_tag(item, legs)}" for item in compared.remarks),
            *(f"{name}: {text}" for name, item in legs.items() for text in item.warnings),
        ),
        audit=audit_record(legs, compared.audit),
    )


def _with_tag(text: str, legs: Mapping[str, Outputs]) -> str:
    """Name the tag or file of VASP that a setting comes from."""
    key = text.partition(" differs")[0].partition(" is unknown")[0].partition(" of ")[0]
    known = key in _TAGS and all(item.engine == "vasp" for item in legs.values())
    return f"{text} [{_TAGS[key]}]" if known else text


def _folders(legs: Mapping[str, Outputs]) -> tuple[str, ...]:
    """Say which folder each name stands for."""
    places = [f"{name} = {item.source}" for name, item in legs.items() if item.source]
    return (f"where {', '.join(places)}",) if places else ()
