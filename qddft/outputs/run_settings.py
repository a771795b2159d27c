"""What decides the numbers of one calculation, finished or not: the input of every audit."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from qddft.core.frozen import freeze_fields
from qddft.outputs.outputs import Outputs


@dataclass(frozen=True)
class RunSettings:
    """Settings of one calculation.

    Attributes
    ----------
    source
        Folder, file or name that tables show.
    settings
        Neutral key -> value; ``None`` or ``"unknown"`` is what could not be found out.
    symbols
        Chemical symbols of all atoms; empty for a level of theory.
    cell
        Lattice vectors as rows, shape (3, 3), Angstrom.
    scaled
        Fractional positions, shape (n_atoms, 3).
    magnetization
        Total moment, Bohr magnetons; ``None`` before it was computed.
    engine, version
        The program.
    stated
        (tag, value of the INCAR, value used) wherever the two differ.
    warnings
        Sentences on the run, for instance inputs that its outputs were not computed from.
    """

    source: str
    settings: Mapping[str, Any]
    symbols: tuple[str, ...] = ()
    cell: np.ndarray | None = None
    scaled: np.ndarray | None = None
    magnetization: float | None = None
    engine: str | None = None
    version: str | None = None
    stated: tuple[tuple[str, Any, Any], ...] = ()
    warnings: tuple[str, ...] = field(default_factory=tuple)

    def __post_init__(self) -> None:
        freeze_fields(self)

    @property
    def tight_binding(self) -> bool:
        """Whether the method is one of the GFN-xTB family, which has no cutoff."""
        return str(self.settings.get("xc")).endswith("-xTB")

    @classmethod
    def of(cls, outputs: Outputs, name: str | None = None) -> "RunSettings":
        """Return the settings of a finished calculation.

        Parameters
        ----------
        outputs
            What it gave.
        name
            What tables call it; its source otherwise.
        """
        return cls(
            source=name or outputs.source or outputs.atoms.get_chemical_formula(),
            settings=outputs.settings,
            symbols=tuple(outputs.atoms.get_chemical_symbols()),
            cell=np.asarray(outputs.atoms.cell.array),
            scaled=np.asarray(outputs.atoms.get_scaled_positions()),
            magnetization=outputs.magnetization,
            engine=outputs.engine,
            version=outputs.engine_version,
            warnings=tuple(outputs.warnings),
        )
