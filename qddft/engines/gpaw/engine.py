"""The engine ``gpaw``: PBE and its relatives with PAW, plane waves or atomic orbitals, without a license.

J. J. Mortensen et al., J. Chem. Phys. 160 (2024) 092503. It runs on one process with the threads it is given;
larger cells are for VASP or for atomic orbitals (the level ``gpaw-lcao``).
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from qddft.core.errors import EngineError
from qddft.engines.calculation import Method, compute, write_start
from qddft.engines.gpaw.evaluate import evaluator, make_calculator
from qddft.engines.gpaw.level import check_job, parameters, start_magnetization
from qddft.engines.gpaw.products import fermi_level, potential_titles, write_products
from qddft.engines.gpaw.settings import settings_of_parameters
from qddft.engines.gpaw.system import prepared
from qddft.jobs.folder import OUTPUTS, last_progress
from qddft.outputs.store import load_outputs

if TYPE_CHECKING:
    from ase import Atoms

    from qddft.engines.relax import Evaluate
    from qddft.jobs.job import Job
    from qddft.jobs.progress import Progress
    from qddft.outputs.outputs import Outputs

LOG = "gpaw.txt"
HOW_TO_INSTALL = (
    "GPAW is not installed; on Debian and Ubuntu: apt-get install libxc-dev libopenblas-dev g++, then "
    "pip install 'qddft[gpaw]' (it is compiled, about a minute; docs/gpaw.md)"
)


@dataclass(frozen=True)
class Gpaw:
    """Density functional theory that everybody can run."""

    name: str = "gpaw"

    def available(self) -> str | None:
        """Return ``None`` when GPAW and its PAW setups are installed, else how to get them."""
        from importlib.util import find_spec

        found = find_spec("gpaw")
        # any folder called gpaw on the path is found too, as a package without a file
        return None if found is not None and found.origin is not None else HOW_TO_INSTALL

    def version(self) -> str:
        """Return the version of GPAW.

        Raises
        ------
        EngineError
            It is not installed.
        """
        from importlib.metadata import PackageNotFoundError, version

        try:
            return version("gpaw")
        except PackageNotFoundError as error:
            raise EngineError(HOW_TO_INSTALL) from error

    def write(self, job: "Job", atoms: "Atoms | None", folder: Path) -> None:
        """Check that the job suits the engine and write its structure to look at; ``job.json`` is all it needs.

        Raises
        ------
        QddftError
            The job asks for something that this engine does not do.
        """
        check_job(job, job.built_atoms if atoms is None else atoms)
        write_start(atoms, folder)

    def run(self, job: "Job", atoms: "Atoms", folder: Path, report: Callable[["Progress"], None]) -> "Outputs":
        """Compute a job, going on from a checkpoint in ``folder``.

        Beside the outputs it leaves ``gpaw.txt`` and, as the job wants them, ``levels.npz``, ``density.npz`` and
        ``potential.npz``.

        Raises
        ------
        QddftError
            The job asks for something that this engine does not do, GPAW is not installed, or the self-consistent cycle
            does not converge.
        """
        check_job(job, atoms)
        version = self.version()
        system = prepared(job, atoms)
        options = parameters(job, system)
        calculator = make_calculator(options, folder / LOG)
        settings = job.level["settings"]
        dispersion = settings.get("dispersion", "none")
        evaluate = evaluator(calculator, start_magnetization(job, system), dispersion, settings["xc"])
        method = Method(engine=self.name, version=version, settings={})
        outputs = compute(job, system, folder, evaluate=evaluate, method=method, report=report)
        return _completed(outputs, job, folder, calculator, evaluate)

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


def _completed(outputs: "Outputs", job: "Job", folder: Path, calculator: Any, evaluate: "Evaluate") -> "Outputs":
    """Add what only the converged calculator knows, and write what the job wants."""
    # at once where it stands there already; a relaxation that had ended before an interruption is converged once more
    total = evaluate(outputs.atoms)
    write_products(calculator, outputs.atoms, folder, job.wanted)
    settings = settings_of_parameters(
        parameters(job, outputs.atoms), np.asarray(calculator.get_bz_k_points()), calculator.get_number_of_spins()
    )
    settings |= {
        "dispersion": job.level["settings"].get("dispersion", "none"),
        "potentials": potential_titles(calculator),
        "potential": "electrostatic",
        "energy_tol_eV": job.level["settings"].get("energy_tol_eV", 1e-5),
        "force_tol_eV_per_A": job.level["settings"]["force_tol_eV_per_A"],
        "nelect": float(calculator.get_number_of_electrons()),
        "n_frozen": _held(outputs.atoms),
    }
    return replace(
        outputs,
        fermi_level=fermi_level(calculator),
        n_electrons=float(calculator.get_number_of_electrons()),
        magnetization=float(calculator.get_magnetic_moment(calculator.get_atoms())),
        settings=settings,
        extra={**outputs.extra, **_shares(outputs, total.energy, calculator)},
    )


def _held(atoms: "Atoms") -> int:
    from ase.constraints import FixAtoms

    return sum(len(item.index) for item in atoms.constraints if isinstance(item, FixAtoms))


def _shares(outputs: "Outputs", total: float, calculator: Any) -> dict[str, Any]:
    """Return the dispersion energy, eV, where there is one."""
    plain = float(calculator.get_potential_energy())
    added = total - plain
    return {"dispersion_energy": added} if abs(added) > 1e-9 and outputs.energy is not None else {}
