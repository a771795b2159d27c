"""The engines ``ase:MODULE:FACTORY``: any ASE calculator, a machine-learned potential for instance.

``FACTORY`` is a class or a function in ``MODULE`` that returns a calculator when it is called without arguments::

    # my_potential.py, in the folder from which qddft is started, or anywhere on the module path
    def make():
        return SomeCalculator(model="model.pt", device="cpu")

    qddft run study.yaml --engine ase:my_potential:make -o RUN

Naming such an engine runs the code of the module. The charge and the spin multiplicity of a job stand in
``atoms.info["charge"]`` and ``atoms.info["spin"]``, where machine-learned potentials look for them.
"""

import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qddft.core.errors import EngineError
from qddft.core.suggest import did_you_mean
from qddft.engines.calculation import Method, compute, plain_json, write_start
from qddft.engines.relax import Energies, Evaluate
from qddft.jobs.folder import OUTPUTS, last_progress
from qddft.outputs.store import load_outputs

if TYPE_CHECKING:
    from ase import Atoms

    from qddft.jobs.job import Job
    from qddft.jobs.progress import Progress
    from qddft.outputs.outputs import Outputs

_NAME = re.compile(r"ase:(?P<module>[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*):(?P<factory>[A-Za-z_]\w*)")


@dataclass(frozen=True)
class AseCalculator:
    """An engine that asks an ASE calculator for energies and forces.

    Attributes
    ----------
    name
        ``ase:MODULE:FACTORY``.
    """

    name: str

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise EngineError(
                f"{self.name!r} is no engine; write ase:MODULE:FACTORY, "
                "for instance ase:ase.calculators.lj:LennardJones"
            )

    @property
    def module(self) -> str:
        """Name of the module."""
        return self.name.split(":")[1]

    @property
    def factory(self) -> str:
        """Name of the class or function in the module."""
        return self.name.split(":")[2]

    def available(self) -> str | None:
        """Return ``None`` when the calculator can be made, else the reason."""
        try:
            self.calculator()
        except EngineError as error:
            return str(error)
        return None

    def version(self) -> str:
        """Return the version of the package that the module belongs to, or of ASE for a loose file."""
        from importlib.metadata import PackageNotFoundError, packages_distributions, version

        top = self.module.partition(".")[0]
        try:
            return f"{top} {version(top)}"
        except PackageNotFoundError:
            # the package of a module may have another name; finding it means reading what all packages contain
            names = packages_distributions().get(top, ["ase"])
        return f"{names[0]} {version(names[0])}"

    def calculator(self) -> Any:
        """Make the calculator.

        Raises
        ------
        EngineError
            The module or the factory does not exist, needs arguments or makes something else.
        """
        from ase.calculators.abc import GetPropertiesMixin

        made = self._factory()
        try:
            calculator = made()
        except TypeError as error:
            raise EngineError(f"{self.name}: {self.factory}() cannot be called without arguments: {error}") from error
        if not isinstance(calculator, GetPropertiesMixin):
            kind = type(calculator).__name__
            raise EngineError(f"{self.name}: {self.factory}() returns a {kind}, not an ASE calculator")
        return calculator

    def write(self, job: "Job", atoms: "Atoms | None", folder: Path) -> None:
        """Write the structure to look at; ``job.json`` is all that the engine needs.

        Raises
        ------
        EngineError
            The job asks for more than energies and forces.
        """
        self._check(job)
        write_start(atoms, folder)

    def run(self, job: "Job", atoms: "Atoms", folder: Path, report: Callable[["Progress"], None]) -> "Outputs":
        """Compute a job, going on from a checkpoint in ``folder``.

        Raises
        ------
        EngineError
            The calculator cannot be made or fails.
        """
        self._check(job)
        calculator = self.calculator()
        settings = {"xc": self.name, "calculator": type(calculator).__name__, **self._parameters(calculator)}
        method = Method(engine=self.name, version=self.version(), settings=settings)
        system = _prepared(job, atoms)
        return compute(job, system, folder, evaluate=self._evaluator(calculator), method=method, report=report)

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

    def _check(self, job: "Job") -> None:
        if job.wanted:
            raise EngineError(f"job {job.name}: {self.name} gives energies and forces, not {sorted(job.wanted)}")

    def _factory(self) -> Callable[[], Any]:
        # loose files are found where the user stands, as with ``python -m``
        if "" not in sys.path and str(Path.cwd()) not in sys.path:
            sys.path.insert(0, str(Path.cwd()))
        try:
            module = import_module(self.module)
        except ModuleNotFoundError as error:
            raise EngineError(
                f"{self.name}: no module {error.name!r}; start qddft in the folder of the file, or install its package"
            ) from error
        except (ImportError, SyntaxError) as error:
            raise EngineError(f"{self.name}: the module cannot be imported: {error}") from error
        found: Callable[[], Any] | None = getattr(module, self.factory, None)
        if not callable(found):
            names = [name for name in dir(module) if callable(getattr(module, name)) and not name.startswith("_")]
            raise EngineError(f"{self.module} has no {self.factory!r} to call. {did_you_mean(self.factory, names)}")
        return found

    @staticmethod
    def _parameters(calculator: Any) -> dict[str, Any]:
        parameters = plain_json(dict(getattr(calculator, "parameters", None) or {}))
        return {"parameters": parameters} if parameters else {}

    def _evaluator(self, calculator: Any) -> Evaluate:
        from ase.calculators.calculator import CalculatorError, PropertyNotImplementedError

        def evaluate(atoms: "Atoms") -> Energies:
            system = atoms.copy()
            system.calc = calculator
            try:
                energy, forces = system.get_potential_energy(), system.get_forces(apply_constraint=False)
            except PropertyNotImplementedError as error:
                raise EngineError(f"{self.name} does not give energies and forces: {error}") from error
            except (CalculatorError, NotImplementedError) as error:
                raise EngineError(f"{self.name} failed: {error}") from error
            try:
                free_energy = system.get_potential_energy(force_consistent=True)
            except PropertyNotImplementedError:
                free_energy = energy
            return Energies(float(energy), float(free_energy), forces)

        return evaluate


def _prepared(job: "Job", atoms: "Atoms") -> "Atoms":
    system = atoms.copy()
    system.pbc = job.role != "molecule"
    if job.role == "molecule":
        system.cell = None
    system.info |= {"charge": job.charge, "spin": job.unpaired + 1}
    return system
