"""What all quantities from folders share: reading, and the judgment on whether energies may be subtracted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qddft.analysis.binding import compare_terms, doubts
from qddft.outputs.outputs import Outputs
from qddft.recipes.provenance import audit_record

Calculation = str | Path | Outputs


def read(item: Calculation) -> Outputs:
    """Return the outputs of a folder or file, or what was read already.

    Raises
    ------
    OutputError
        It cannot be read.
    """
    from qddft.engines.vasp.read import read_outputs

    return item if isinstance(item, Outputs) else read_outputs(item)


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
    unlike = (*compared.differences, *differences)
    return Judgment(
        refused=bool((problems and not allowed.unconverged) or (unlike and not allowed.differences)),
        warnings=(
            *(f"NOT CONVERGED: {item}" for item in problems),
            *(f"SETTINGS DIFFER: {item}" for item in unlike),
            *(f"settings: {item}" for item in compared.remarks),
            *(f"{name}: {text}" for name, item in legs.items() for text in item.warnings),
        ),
        audit=audit_record(legs, compared.audit),
    )
