"""``Outputs``: the final state of one finished calculation."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from qddft.core.frozen import freeze_fields

if TYPE_CHECKING:
    from ase import Atoms


@dataclass(frozen=True)
class Outputs:
    """Final structure, energies and settings of one calculation; ``None`` means that the files do not say.

    Attributes
    ----------
    atoms
        Final structure; ``arrays["fragment"]`` and ``info["qddft"]`` are kept where the engine was started by qddft.
    energy
        Total energy extrapolated to zero smearing, E(sigma -> 0), eV.
    free_energy
        Free energy F of the smeared electrons (VASP: TOTEN), eV.
    forces
        Forces on all atoms, shape (n_atoms, 3), eV/Angstrom, constrained atoms included.
    fermi_level
        Fermi level on the engine's own scale, eV.
    n_electrons
        Number of valence electrons treated.
    charge
        Net charge of the cell, e; ``None`` where the reference number of electrons is unknown.
    electronically_converged, ionically_converged
        What the files prove; a static calculation is ionically converged by definition.
    n_ionic_steps
        Ionic steps done.
    magnetization
        Total magnetic moment, Bohr magnetons.
    stress
        Stress tensor, shape (3, 3), eV/Angstrom^3, positive = tensile as in ASE.
    settings
        What decides the energy, under the neutral names of a level (``xc``, ``cutoff_eV``, ``kpoints`` ...).
    engine, engine_version
        Name and version of the program.
    source
        Path of the folder or file that was read.
    warnings
        Sentences a reader of any number from here has to see.
    extra
        Further named numbers of the engine (``dispersion_energy``; ``site_charges`` and ``site_moments`` of the atoms),
        JSON types only.
    """

    atoms: "Atoms"
    energy: float | None = None
    free_energy: float | None = None
    forces: np.ndarray | None = None
    fermi_level: float | None = None
    n_electrons: float | None = None
    charge: float | None = None
    electronically_converged: bool | None = None
    ionically_converged: bool | None = None
    n_ionic_steps: int | None = None
    magnetization: float | None = None
    stress: np.ndarray | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    engine: str = "unknown"
    engine_version: str | None = None
    source: str | None = None
    warnings: tuple[str, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        freeze_fields(self)

    @property
    def converged(self) -> bool:
        """Both loops are proven to have converged."""
        return self.electronically_converged is True and self.ionically_converged is True

    @property
    def max_force(self) -> float | None:
        """Largest force on an atom that was free to move, eV/Angstrom."""
        if self.forces is None:
            return None
        from ase.constraints import FixAtoms

        free = np.ones(len(self.forces), dtype=bool)
        for constraint in self.atoms.constraints:
            if isinstance(constraint, FixAtoms):
                free[constraint.index] = False
        if not free.any():
            return 0.0
        return float(np.linalg.norm(self.forces[free], axis=1).max())
