"""``LevelInputSet``: a pymatgen ``VaspInputSet`` whose tags come from a level of theory."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from pymatgen.io.vasp.sets import VaspInputSet

from qddft.engines.vasp.case import Case
from qddft.engines.vasp.incar import incar_tags
from qddft.engines.vasp.kpoints import make_kpoints
from qddft.engines.vasp.potcar import FUNCTIONAL, potentials
from qddft.engines.vasp.selective import to_atoms
from qddft.jobs.job import Role, Task
from qddft.levels.load import load_level

if TYPE_CHECKING:
    from qddft.engines.vasp.tags import Tag


@dataclass
class LevelInputSet(VaspInputSet):  # type: ignore[misc]
    """Inputs of one kind of calculation at a level of theory; use a subclass.

    Attributes
    ----------
    level
        Name of a preset, path of a level file, or a resolved level (``Level.resolved("vasp")``).
    charge
        Net charge of the cell, e; written as NELECT.
    unpaired
        Unpaired electrons; an odd number of electrons implies one.
    wanted
        Quantities beyond energy and forces: ``dos``, ``density``, ``potential``, ``bader``.
    supercell
        Lateral cell of a slab in units of the 1x1 cell; divides the k-point mesh.
    part_of_complex
        Frozen fragments of a complex, in its cell, on its mesh and FFT grid.
    defective
        A crystal with a vacancy, whose cell stays.
    dipole, dipole_center
        Which dipole correction (``auto``, ``none``, ``slab``, ``molecule``) and DIPOL, fractional.
    """

    level: Any = "tao-pbe"
    charge: int = 0
    unpaired: int = 0
    wanted: tuple[str, ...] = ()
    supercell: str = "1x1"
    part_of_complex: bool = False
    defective: bool = False
    dipole: str = "auto"
    dipole_center: tuple[float, float, float] | None = None
    config_dict: dict[str, Any] = field(default_factory=dict)

    ROLE: ClassVar[Role]
    TASK: ClassVar[Task]
    WANTED: ClassVar[frozenset[str]] = frozenset()

    def __post_init__(self) -> None:
        self.config_dict = {"INCAR": {}, "KPOINTS": {}, "POTCAR": {}, "POTCAR_FUNCTIONAL": FUNCTIONAL}
        super().__post_init__()

    @property
    def case(self) -> Case:
        """What decides the tags."""
        resolved = load_level(self.level).resolved("vasp") if isinstance(self.level, str) else dict(self.level)
        return Case(
            role=self.ROLE,
            task=self.TASK,
            level=resolved,
            charge=self.charge,
            unpaired=self.unpaired,
            wanted=self.WANTED | frozenset(self.wanted),
            supercell=self.supercell,
            part_of_complex=self.part_of_complex,
            defective=self.defective,
            dipole=self.dipole,  # type: ignore[arg-type]
            dipole_center=self.dipole_center,
        )

    @property
    def tags(self) -> dict[str, "Tag"]:
        """All tags with their reasons, without ``user_incar_settings``."""
        moments = self.structure.site_properties.get("magmom")
        return incar_tags(self.case, to_atoms(self.structure), moments)

    @property
    def incar_updates(self) -> dict[str, Any]:
        """The tags as pymatgen merges them."""
        return {key: tag.value for key, tag in self.tags.items()}

    @property
    def incar(self) -> Any:
        """The INCAR; tags of ions stay written in static runs, where pymatgen would drop them."""
        incar = super().incar
        for key, value in self.incar_updates.items():
            if key not in self.user_incar_settings:
                incar[key] = value
        return incar

    @property
    def kpoints(self) -> Any:
        """The mesh of the level for this cell, unless the user gives another."""
        given = bool(self.user_kpoints_settings) or "KSPACING" in self.user_incar_settings
        return super().kpoints if given else make_kpoints(self.case, to_atoms(self.structure))

    @property
    def potcar_symbols(self) -> list[str]:
        """Names of the PAW data sets in the order of POSCAR."""
        chosen = {**self.case.potcar, **(self.user_potcar_settings or {})}
        return [item.symbol for item in potentials(self.poscar.site_symbols, chosen)]
