"""``Result``: the answer of a recipe, with everything needed to trace and to judge it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from qddft.core.frozen import freeze_fields


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

    def __post_init__(self) -> None:
        freeze_fields(self)

    def record(self) -> dict[str, Any]:
        """Return the result as plain JSON types."""
        names = [name for name in self.__dataclass_fields__ if name not in ("details", "source_value")]
        plain = {name: getattr(self, name) for name in names}
        plain |= {"jobs": list(self.jobs), "warnings": list(self.warnings), "details": dict(self.details)}
        plain["source_value"] = None if self.source_value is None else dict(self.source_value)
        return plain
