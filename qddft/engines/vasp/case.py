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
RAW_KEYS = ("incar", "potcar", "spin_orbit", "charged_slabs")
WANTED = ("dos", "density", "potential", "bader")
HYBRIDS = ("HSE06", "PBE0")
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
        Quantities beyond energy and forces: ``dos``, ``density``, ``potential``, ``bader``.
    supercell
        Lateral cell of a slab in units of the 1x1 cell, ``2x2``, ``sqrt2`` ...
    part_of_complex
        Some fragments of a relaxed complex, kept in its cell, on its k-points and FFT grid.
    defective
        A crystal with a vacancy: its cell and symmetry are those of the perfect crystal, or nothing at all.
    dipole
        Which dipole correction; ``auto`` looks at the symmetry of the atoms.
    dipole_center
        Fractional coordinates of DIPOL; ``None`` puts the jump of the potential into the middle of the vacuum.
    """

    role: Role
    task: Task
    level: Mapping[str, Any]
    charge: int = 0
    unpaired: int = 0
    wanted: frozenset[str] = field(default_factory=frozenset)
    supercell: str = "1x1"
    part_of_complex: bool = False
    defective: bool = False
    dipole: Dipole = "auto"
    dipole_center: tuple[float, float, float] | None = None

    def __post_init__(self) -> None:
        freeze_fields(self)
        self._check_raw()
        self._check_charge()
        for quantity in sorted(self.wanted):
            if quantity not in WANTED:
                raise LevelError(f"VASP cannot give {quantity!r}. {did_you_mean(quantity, WANTED)}")

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

    @property
    def spin_orbit(self) -> bool:
        """Spin-orbit coupling is on."""
        return bool(self.level.get("raw", {}).get("spin_orbit", False))

    @property
    def hybrid(self) -> bool:
        """Part of the exchange is exact."""
        return self.settings.xc in HYBRIDS

    @property
    def cell_relaxes(self) -> bool:
        """The cell moves with the atoms."""
        return self.role == "bulk" and self.task == "relax" and not self.defective

    @property
    def pins_grid(self) -> bool:
        """The FFT grid is written out: static slabs, complexes and their parts are terms of differences in one cell."""
        in_plane = self.role in ("slab", "complex") and self.task == "static"
        return in_plane or self.part_of_complex or not self.wanted.isdisjoint({"density", "bader"})

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
        allowed = self.level.get("raw", {}).get("charged_slabs", False)
        if self.charge and self.role in ("slab", "complex") and not allowed:
            raise ChargeError(
                f"a periodic slab cannot carry the charge {self.charge:+d}: VASP has no energy correction for charged "
                "two-dimensional cells. Compute a neutral system with the reference scheme acid-exchange, "
                "salt-exchange, ion-pair, vacancy-filling or fragment; with a two-dimensional correction of your own, "
                "set engines.vasp.charged_slabs in the level"
            )


def case_of(job: "Job") -> Case:
    """Return the case of a job."""
    info = job.built_atoms.info.get("qddft", {})
    part = isinstance(job.start, FinalOf) and job.start.fragments is not None and job.start.job.role == "complex"
    return Case(
        role=job.role,
        task=job.task,
        level=job.level,
        charge=job.charge,
        unpaired=job.unpaired,
        wanted=frozenset(job.wanted),
        supercell=str(info.get("supercell", "1x1")),
        part_of_complex=part,
        defective=any(item.get("why") == "vacancy" for item in info.get("removed", [])),
    )
