"""Input sets: subclasses of pymatgen's ``VaspInputSet`` that atomate2 and custodian take as they are.

A set knows role and task by its class, and everything else by its fields. It gives the same INCAR, KPOINTS, POSCAR and
data sets as the folders that ``qddft write`` makes, without comments.

Examples
--------
>>> from pymatgen.core import Lattice, Structure
>>> crystal = Structure.from_spacegroup("Pm-3m", Lattice.cubic(6.0), ["Cs", "Pb", "Br"],
...                                     [[0.5, 0.5, 0.5], [0, 0, 0], [0.5, 0, 0]])
>>> inputs = BulkRelaxSet(crystal).get_input_set(potcar_spec=True)
>>> inputs["INCAR"]["ISIF"], inputs["INCAR"]["ENCUT"], inputs["POTCAR.spec"].split()
(3, 520.0, ['Cs_sv', 'Pb_d', 'Br'])
"""

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar

from pymatgen.io.vasp.sets import VaspInputSet

from qddft.engines.vasp.case import Case, case_of
from qddft.engines.vasp.incar import incar_tags
from qddft.engines.vasp.kpoints import make_kpoints
from qddft.engines.vasp.moments import start_moments
from qddft.engines.vasp.polarity import center, dipole_kind
from qddft.engines.vasp.potcar import FUNCTIONAL, potentials
from qddft.engines.vasp.selective import to_atoms, to_structure
from qddft.engines.vasp.species import grouped
from qddft.jobs.job import FinalOf, Role, Task
from qddft.levels.load import load_level

if TYPE_CHECKING:
    from ase import Atoms

    from qddft.engines.vasp.tags import Tag
    from qddft.jobs.job import Job


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
        Quantities beyond energy and forces: ``dos``, ``density``, ``potential``.
    supercell
        Lateral cell of a slab in units of the 1x1 cell; divides the k-point mesh.
    part_of_complex
        Frozen fragments of a complex, in its cell, on its mesh and FFT grid.
    dipole, dipole_center
        Which dipole correction (``auto``, ``none``, ``slab``, ``molecule``) and DIPOL, fractional.
    """

    level: Any = "tao-pbe"
    charge: int = 0
    unpaired: int = 0
    wanted: tuple[str, ...] = ()
    supercell: str = "1x1"
    part_of_complex: bool = False
    dipole: str = "auto"
    dipole_center: tuple[float, float, float] | None = None
    config_dict: dict[str, Any] = field(default_factory=dict)

    ROLE: ClassVar[Role]
    TASK: ClassVar[Task]

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
            wanted=frozenset(self.wanted),
            supercell=self.supercell,
            part_of_complex=self.part_of_complex,
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


@dataclass
class BulkRelaxSet(LevelInputSet):
    """Crystal whose atoms and cell relax (ISIF = 3) at the cutoff for relaxing cells."""

    ROLE: ClassVar[Role] = "bulk"
    TASK: ClassVar[Task] = "relax"


@dataclass
class BulkStaticSet(LevelInputSet):
    """Crystal at fixed atoms: energy and density of states."""

    ROLE: ClassVar[Role] = "bulk"
    TASK: ClassVar[Task] = "static"


@dataclass
class MoleculeRelaxSet(LevelInputSet):
    """Molecule in a cubic box, Gamma only; put it there with ``qddft.engines.vasp.box.in_cubic_box``."""

    ROLE: ClassVar[Role] = "molecule"
    TASK: ClassVar[Task] = "relax"


@dataclass
class MoleculeStaticSet(LevelInputSet):
    """Molecule in a cubic box at fixed atoms."""

    ROLE: ClassVar[Role] = "molecule"
    TASK: ClassVar[Task] = "static"


@dataclass
class SlabRelaxSet(LevelInputSet):
    """Slab, with ligands or without, whose atoms relax in a fixed cell (ISIF = 2)."""

    ROLE: ClassVar[Role] = "slab"
    TASK: ClassVar[Task] = "relax"


@dataclass
class SlabStaticSet(LevelInputSet):
    """Slab, with ligands or without, at fixed atoms on the fine mesh: energy, density of states, potential."""

    ROLE: ClassVar[Role] = "slab"
    TASK: ClassVar[Task] = "static"


_CLASSES: dict[tuple[Role, Task], type[LevelInputSet]] = {
    ("bulk", "relax"): BulkRelaxSet,
    ("bulk", "static"): BulkStaticSet,
    ("molecule", "relax"): MoleculeRelaxSet,
    ("molecule", "static"): MoleculeStaticSet,
    ("slab", "relax"): SlabRelaxSet,
    ("slab", "static"): SlabStaticSet,
    ("complex", "relax"): SlabRelaxSet,
    ("complex", "static"): SlabStaticSet,
}


def set_for(job: "Job", atoms: "Atoms") -> LevelInputSet:
    """Return the input set of a job.

    Parameters
    ----------
    job
        What to compute.
    atoms
        Where the atoms are, in the cell of the calculation; any order.
    """
    case = _with_dipole_of_whole(job, case_of(job))
    sorted_atoms = grouped(atoms)
    structure = to_structure(sorted_atoms)
    moments = start_moments(case, sorted_atoms)
    if moments is not None:
        structure.add_site_property("magmom", moments)
    return _CLASSES[job.role, job.task](
        structure=structure,
        level=dict(job.level),
        charge=case.charge,
        unpaired=case.unpaired,
        wanted=tuple(sorted(case.wanted)),
        supercell=case.supercell,
        part_of_complex=case.part_of_complex,
        dipole=case.dipole,
        dipole_center=case.dipole_center,
    )


def _with_dipole_of_whole(job: "Job", case: Case) -> Case:
    """Give parts of a complex its dipole correction: a correction in one term of a difference only is an error."""
    if not (case.part_of_complex and isinstance(job.start, FinalOf)):
        return case
    whole = job.start.job.built_atoms
    return replace(case, dipole=dipole_kind(case_of(job.start.job), whole), dipole_center=center(whole))
