"""``Result``: the answer of a recipe, with everything needed to trace and to judge it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from qddft.core.frozen import freeze_fields

if TYPE_CHECKING:
    from ase import Atoms


@dataclass(frozen=True)
class Result:
    """One number with its meaning.

    Attributes
    ----------
    quantity
        What it is, for instance ``E_ads``.
    system
        Slab and face in words.
    ligand
        Name of the ligand, with its truncation.
    value, unit
        The number; ``None`` when it could not be trusted, then ``warnings`` says why.
    convention
        Formula and sign, for instance ``E_ads = [E(complex) - E(slab) - E(ligand)]/n, negative = bound``.
    reference
        Reference scheme.
    reaction
        The balanced reaction in words.
    engine, level
        What computed it and at which level.
    charge
        Net charge of the complex, e.
    jobs
        Ids of all jobs that enter.
    warnings
        Sentences a reader has to see with the number.
    source_value
        Published value to compare with: value, unit, source, as converted to this convention.
    details
        Named further numbers, eV unless named otherwise (``E_bind``, ``E_int``, ``E_def_slab`` ...).
    formula
        Name of the formula; ``convention`` writes it out.
    inputs
        What was read: path -> SHA-256 of its content.
    audit
        How the settings of all calculations that enter compare, as ``Audit.record``; empty where nothing says.
    structure
        What the number is of, with its energy, for databases; no part of the record.
    """

    quantity: str
    system: str
    ligand: str
    value: float | None
    unit: str
    convention: str
    reference: str
    engine: str
    level: str
    charge: int
    jobs: tuple[str, ...]
    reaction: str = ""
    warnings: tuple[str, ...] = ()
    source_value: Mapping[str, Any] | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    formula: str = ""
    inputs: Mapping[str, str] = field(default_factory=dict)
    audit: Mapping[str, Any] = field(default_factory=dict)
    structure: "Atoms | None" = field(default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        freeze_fields(self)

    def record(self) -> dict[str, Any]:
        """Return the result as plain JSON types."""
        return {name: _plain(getattr(self, name)) for name in RECORDED}


# fields of a result that its record has, in this order
RECORDED = tuple(name for name in Result.__dataclass_fields__ if name != "structure")


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return value
