"""The engine ``tblite``: extended tight binding (GFN2-xTB) through the tblite library.

GFN2-xTB: C. Bannwarth, S. Ehlert, S. Grimme, J. Chem. Theory Comput. 15 (2019) 1652. It needs no set-up and knows all
elements here, but in periodic systems it samples the zone center only and has no charged cells worth the name.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qddft.core.errors import ChargeError, EngineError, LevelError, StructureError
from qddft.core.suggest import did_you_mean
from qddft.core.units import BOLTZMANN_IN_EV_PER_K, HARTREE_IN_EV
from qddft.engines.calculation import Method, compute, write_start
from qddft.engines.tblite_evaluator import Evaluator
from qddft.jobs.folder import OUTPUTS, last_progress
from qddft.outputs.store import load_outputs

if TYPE_CHECKING:
    from ase import Atoms

    from qddft.jobs.job import Job
    from qddft.jobs.progress import Progress
    from qddft.outputs.outputs import Outputs

METHODS = ("GFN2-xTB", "GFN1-xTB", "IPEA1-xTB")
RAW_KEYS = ("accuracy", "electronic_temperature", "max_iterations", "mixer_damping")
# tblite ends its cycle at this change of the energy times its "accuracy", Hartree
_ENERGY_AT_ACCURACY_1 = 1e-6
_NOBLE = (0, 2, 10, 18, 36, 54, 86)


@dataclass(frozen=True)
class Tblite:
    """GFN2-xTB for placement, conformers, pre-relaxation and a first ranking."""

    name: str = "tblite"

    def available(self) -> str | None:
        """Return ``None`` when tblite is installed, else how to get it."""
        from importlib.util import find_spec

        return None if find_spec("tblite") else "tblite is not installed; install it with: pip install tblite"

    def version(self) -> str:
        """Return the version of the library."""
        from importlib.metadata import version

        return version("tblite")

    def write(self, job: "Job", atoms: "Atoms | None", folder: Path) -> None:
        """Check that the job suits the engine and write its structure to look at; ``job.json`` is all it needs.

        Raises
        ------
        QddftError
            The job asks for something that tblite does not do.
        """
        check_job(job, job.built_atoms if atoms is None else atoms)
        write_start(atoms, folder)

    def run(self, job: "Job", atoms: "Atoms", folder: Path, report: Callable[["Progress"], None]) -> "Outputs":
        """Compute a job, going on from a checkpoint in ``folder``.

        Raises
        ------
        QddftError
            The job asks for something that tblite does not do, or the self-consistent cycle does not converge.
        """
        check_job(job, atoms)
        system = periodic_as(job.role, atoms)
        options = parameters(job, system)
        method = Method(
            engine=self.name,
            version=self.version(),
            settings=neutral_settings(job, options),
            n_electrons=float(sum(valence_electrons(int(z)) for z in system.numbers) - job.charge),
            warnings=_warnings(job),
        )
        return compute(job, system, folder, evaluate=Evaluator(options), method=method, report=report)

    def read(self, job: "Job", folder: Path) -> "Outputs":  # noqa: ARG002  (the protocol has it)
        """Read a finished calculation."""
        return load_outputs(folder / OUTPUTS)

    def finished(self, folder: Path) -> bool:
        """Tell whether the outputs are there: the worker writes them itself."""
        return (folder / OUTPUTS).exists()

    def failure(self, folder: Path) -> str:  # noqa: ARG002  (the protocol has it)
        """Return nothing: the worker records every failure itself."""
        return ""

    def last_step(self, job: "Job", folder: Path) -> "Progress | None":  # noqa: ARG002  (the protocol has it)
        """Return the last line of ``progress.jsonl``."""
        return last_progress(folder)


def check_job(job: "Job", atoms: "Atoms") -> None:
    """Refuse what tblite does not do, or does not do well enough to be used by accident.

    Raises
    ------
    LevelError
        Another method, k-points, an unknown raw key or another dispersion.
    ChargeError
        A charged periodic cell.
    StructureError
        A periodic system without a cell.
    EngineError
        Quantities that tblite does not give.
    """
    settings, label = job.level["settings"], f"job {job.name}, level {job.level.get('name', 'without a name')!r}"
    method = settings["xc"]
    if method not in METHODS:
        raise LevelError(
            f"{label}: the engine tblite computes {', '.join(METHODS)}, not {method!r}; take the level 'screening'"
        )
    for key in job.level.get("raw", {}):
        if key not in RAW_KEYS:
            raise LevelError(f"{label}: tblite has no option {key!r}. {did_you_mean(key, RAW_KEYS)}")
    if settings.get("dispersion", "built-in") != "built-in":
        raise LevelError(f"{label}: {method} contains its dispersion; set 'dispersion: built-in'")
    if job.wanted:
        raise EngineError(f"{label}: tblite does not give {', '.join(sorted(job.wanted))}; take another engine")
    if job.role != "molecule":
        _check_periodic(job, atoms, method, label)


def _check_periodic(job: "Job", atoms: "Atoms", method: str, label: str) -> None:
    settings = job.level["settings"]
    if method != "GFN2-xTB":
        raise LevelError(
            f"{label}: {method} is refused in periodic cells: its halogen-bond term grows without bound in small cells "
            "with Br or I beside N, O, P or S (tens of eV); take GFN2-xTB"
        )
    if job.charge:
        raise ChargeError(
            f"{label}: the periodic cell has the charge {job.charge:+d}; tblite's energies of charged cells have no "
            "meaning. Use a neutral reference scheme (acid-exchange, salt-exchange, ion-pair)"
        )
    if atoms.cell.rank < 3:
        raise StructureError(f"{label}: a {job.role} needs a cell with three vectors")
    for key in ("kpoints_relax", "kpoints_static", "kpoints_bulk"):
        if tuple(settings.get(key, (1, 1, 1))) != (1, 1, 1):
            raise LevelError(f"{label}: tblite samples the zone center only; set '{key}: [1, 1, 1]'")


def periodic_as(role: str, atoms: "Atoms") -> "Atoms":
    """Return a copy that is periodic in all directions, or, for a molecule, in none and without a cell."""
    system = atoms.copy()
    system.pbc = role != "molecule"
    if role == "molecule":
        system.cell = None
    return system


def parameters(job: "Job", atoms: "Atoms") -> dict[str, Any]:
    """Return method, charge and settings of the library for a job, under the names of ``tblite.ase.TBLite``.

    ``energy_tol_eV`` of the level sets the accuracy and ``sigma_eV`` the electronic temperature, unless raw keys do.
    """
    settings, raw = job.level["settings"], job.level.get("raw", {})
    return {
        "method": settings["xc"],
        "charge": job.charge,
        "multiplicity": unpaired_electrons(job, atoms) + 1,
        "accuracy": settings.get("energy_tol_eV", 1e-5) / (_ENERGY_AT_ACCURACY_1 * HARTREE_IN_EV),
        "electronic_temperature": settings.get("sigma_eV", 0.02585) / BOLTZMANN_IN_EV_PER_K,
        "max_iterations": settings.get("max_scf_steps", 250),
        "verbosity": 0,
        **raw,
    }


def unpaired_electrons(job: "Job", atoms: "Atoms") -> int:
    """Return the unpaired electrons of a job: as asked, or one when the number of electrons is odd.

    Raises
    ------
    ChargeError
        Asked for a number that the number of electrons does not allow.
    """
    electrons = sum(valence_electrons(int(z)) for z in atoms.numbers) - job.charge
    unpaired = job.unpaired or electrons % 2
    if (electrons - unpaired) % 2 or unpaired > electrons:
        raise ChargeError(f"job {job.name}: {electrons} electrons cannot have {unpaired} unpaired; change the charge")
    return unpaired


def valence_electrons(number: int) -> int:
    """Return the valence electrons of an element in the GFN methods.

    Closed d and f shells below the valence shell are core; lanthanides have three electrons, group 12 has two.

    Parameters
    ----------
    number
        Atomic number, 1 to 86.

    Raises
    ------
    StructureError
        An element that the methods do not know.
    """
    if not 1 <= number <= 86:
        raise StructureError(f"GFN2-xTB knows no element with the atomic number {number}")
    if 57 <= number <= 71:
        return 3
    outer = number - max(core for core in _NOBLE if core < number)
    without_f = outer - 14 if number > 71 else outer
    return without_f - 10 if without_f >= 12 else without_f


def neutral_settings(job: "Job", options: Mapping[str, Any]) -> dict[str, Any]:
    """Return what decides the energy under the neutral names of a level."""
    return {
        "xc": options["method"],
        "dispersion": "built-in",
        "kpoints": [1, 1, 1],
        "periodic": job.role != "molecule",
        "smearing": "fermi-dirac",
        "sigma_eV": options["electronic_temperature"] * BOLTZMANN_IN_EV_PER_K,
        "accuracy": options["accuracy"],
        "energy_tol_eV": options["accuracy"] * _ENERGY_AT_ACCURACY_1 * HARTREE_IN_EV,
        "unpaired": options["multiplicity"] - 1,
    }


def _warnings(job: "Job") -> tuple[str, ...]:
    # a level that says itself how far its numbers go needs no second word
    if job.role == "molecule" or job.level.get("caution"):
        return ()
    return (f"{job.level['settings']['xc']} at the zone center only: good for a first ranking, not for quoting",)
