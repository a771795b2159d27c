"""``Case``: what decides the input of one VASP calculation, apart from where the atoms are."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from qddft.core.errors import ChargeError, LevelError
from qddft.core.frozen import freeze_fields
from qddft.core.suggest import did_you_mean
from qddft.jobs.job import FinalOf, Role, Task
from qddft.levels.settings import Settings

if TYPE_CHECKING:
    from qddft.jobs.job import Job

Dipole = Literal["auto", "none", "slab", "molecule"]
RAW_KEYS = ("incar", "potcar")
_MACHINE_TAGS = ("NCORE", "NPAR", "KPAR", "NSIM", "LPLANE", "LSCALU")


@dataclass(frozen=True)
class Case:
    """Role, task and level of one calculation.

    Attributes
    ----------
    role, task
        As in ``Job``.
    level
        Resolved level, as in ``Job``.
    charge
        Net charge of the cell, e.
    unpaired
        Unpaired electrons asked for.
    wanted
        Quantities beyond energy and forces: ``dos``, ``density``, ``potential``.
    supercell
        Lateral cell of a slab in units of the 1x1 cell, ``2x2``, ``sqrt2`` ...
    part_of_complex
        Some fragments of a relaxed complex, kept in its cell, on its k-points and FFT grid.
    dipole
        Which dipole correction; ``auto`` looks at the symmetry of the atoms.
    dipole_center
        Fractional coordinates of DIPOL; ``None`` takes the center of mass.
    """

    role: Role
    task: Task
    level: Mapping[str, Any]
    charge: int = 0
    unpaired: int = 0
    wanted: frozenset[str] = field(default_factory=frozenset)
    supercell: str = "1x1"
    part_of_complex: bool = False
    dipole: Dipole = "auto"
    dipole_center: tuple[float, float, float] | None = None

    def __post_init__(self) -> None:
        freeze_fields(self)
        self._check_raw()
        self._check_charge()

    @cached_property
    def settings(self) -> Settings:
        """The engine-neutral keys of the level."""
        return Settings.model_validate(self.level["settings"])

    @property
    def incar(self) -> Mapping[str, Any]:
        """Raw INCAR tags of the level."""
        return {key.upper(): value for key, value in self.level.get("raw", {}).get("incar", {}).items()}

    @property
    def potcar(self) -> Mapping[str, str]:
        """Data sets that the level chooses, by element."""
        return dict(self.level.get("raw", {}).get("potcar", {}))

    def why(self, key: str) -> str:
        """Return the level's reason for a key; empty where the level's source states the value."""
        return " ".join(str(self.level.get("choices", {}).get(key, "")).split())

    def _check_raw(self) -> None:
        name = self.level.get("name", "given")
        for key in self.level.get("raw", {}):
            if key not in RAW_KEYS:
                raise LevelError(f"level {name}: unknown key engines.vasp.{key}. {did_you_mean(key, RAW_KEYS)}")
        for tag in _MACHINE_TAGS:
            if tag in self.incar:
                raise LevelError(
                    f"level {name}: {tag} says how to use a computer, not what to compute; remove it from "
                    "engines.vasp.incar and set it for the machine (environment variables QDDFT_NCORE, QDDFT_KPAR)"
                )
        if self.incar.get("LDAU"):
            raise LevelError(f"level {name}: LDAU is never on in qddft; remove it from engines.vasp.incar")

    def _check_charge(self) -> None:
        if self.charge and self.role in ("slab", "complex"):
            raise ChargeError(
                f"a periodic slab cannot carry the charge {self.charge:+d}: VASP has no energy correction for charged "
                "two-dimensional cells. Compute a neutral system with the reference scheme acid-exchange, "
                "salt-exchange, ion-pair, vacancy-filling or fragment"
            )


def case_of(job: "Job") -> Case:
    """Return the case of a job."""
    part = isinstance(job.start, FinalOf) and job.start.fragments is not None and job.start.job.role == "complex"
    return Case(
        role=job.role,
        task=job.task,
        level=job.level,
        charge=job.charge,
        unpaired=job.unpaired,
        wanted=frozenset(job.wanted),
        supercell=str(job.built_atoms.info.get("qddft", {}).get("supercell", "1x1")),
        part_of_complex=part,
    )
