"""Input sets, one for each step: subclasses of pymatgen's ``VaspInputSet``, as atomate2 and custodian take them.

A set knows role and task by its class, and everything else by its fields. It gives the same INCAR, KPOINTS, POSCAR and
data sets as the folders that ``qddft write`` makes, without comments. Any set takes any level that VASP can do: D3(BJ)
is ``level="tao-pbe-d3"``, gas molecules (X2, HX) are molecules, CsX, PbX2, Cs, Pb and the other phases of the chemical
potentials are crystals.

Examples
--------
>>> from pymatgen.core import Lattice, Structure
>>> crystal = Structure.from_spacegroup("Pm-3m", Lattice.cubic(6.0), ["Cs", "Pb", "Br"],
...                                     [[0.5, 0.5, 0.5], [0, 0, 0], [0.5, 0, 0]])
>>> inputs = BulkRelaxSet(crystal).get_input_set(potcar_spec=True)
>>> inputs["INCAR"]["ISIF"], inputs["INCAR"]["ENCUT"], inputs["POTCAR.spec"].split()
(3, 520.0, ['Cs_sv', 'Pb_d', 'Br'])
"""

from dataclasses import dataclass
from typing import Any, ClassVar

from qddft.engines.vasp.level_set import LevelInputSet
from qddft.jobs.job import Role, Task


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


@dataclass
class VacancyRelaxSet(SlabRelaxSet):
    """Slab with a vacancy; a neutral halide vacancy has an odd electron, which starts next to it in qddft's folders."""

    defective: bool = True


@dataclass
class BulkVacancyRelaxSet(BulkRelaxSet):
    """Supercell of a crystal with a vacancy, neutral or charged: the cell stays, no symmetry is used."""

    defective: bool = True


@dataclass
class ChargeDensitySet(SlabStaticSet):
    """Complex, or with ``part_of_complex`` its slab or ligand alone, on one written-out FFT grid."""

    WANTED: ClassVar[frozenset[str]] = frozenset({"density"})


@dataclass
class BaderSet(SlabStaticSet):
    """Static slab that also writes the core densities (AECCAR0, AECCAR2), the reference of Bader's partition."""

    WANTED: ClassVar[frozenset[str]] = frozenset({"density", "bader"})


@dataclass
class WorkFunctionSet(SlabStaticSet):
    """Static slab with the Hartree potential (LVHAR) for the vacuum level, corrected where the faces differ."""

    WANTED: ClassVar[frozenset[str]] = frozenset({"potential"})


@dataclass
class SlabSpinOrbitSet(SlabStaticSet):
    """Static slab with spin-orbit coupling, for band edges; run it with vasp_ncl."""

    level: Any = "tao-pbe-soc"


@dataclass
class BulkSpinOrbitSet(BulkStaticSet):
    """Static crystal with spin-orbit coupling, for gaps; run it with vasp_ncl."""

    level: Any = "tao-pbe-soc"


@dataclass
class SlabHybridSet(SlabStaticSet):
    """Static slab with HSE06; converge it with PBE first, as job.sh does."""

    level: Any = "hse06"


@dataclass
class BulkHybridSet(BulkStaticSet):
    """Static crystal with HSE06; converge it with PBE first, as job.sh does."""

    level: Any = "hse06"
