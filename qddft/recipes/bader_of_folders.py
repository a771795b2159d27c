"""Bader charges of a finished calculation, made by anybody."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from qddft.analysis.bader import BaderCharges, bader_charges, read_acf, same_places
from qddft.core.errors import ConvergenceError, OutputError
from qddft.core.frozen import freeze_fields
from qddft.outputs.grid import Grid
from qddft.outputs.grid_files import read_grid
from qddft.outputs.outputs import Outputs
from qddft.recipes.provenance import audit_record, input_hashes
from qddft.recipes.result import Result

CONVENTION = "q = Z(valence, ZVAL) - N(electrons in the basin), positive = electrons lost"
TABLE = "ACF.dat"
_CORE = ("AECCAR0", "AECCAR2")
_GPAW = (
    "{path} was computed with GPAW: what is kept of its density is the pseudo density with compensation charges, which "
    "is negative at many nuclei, so that its basins are not those of atoms. Write "
    "calc.get_all_electron_density(gridrefinement=4) to a cube file (in 1/Bohr^3), let the program bader find its "
    "basins, and give its table with --acf"
)


@dataclass(frozen=True)
class BaderOfRun:
    """Bader charges and where they come from.

    Attributes
    ----------
    charges
        Of atoms and fragments.
    outputs
        Of the calculation.
    program
        What found the basins.
    inputs, audit
        As in every result.
    """

    charges: BaderCharges
    outputs: Outputs
    program: str
    inputs: Mapping[str, str] = field(default_factory=dict)
    audit: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        freeze_fields(self)

    def results(self) -> tuple[Result, ...]:
        """Return the charge of each fragment, or of each element where fragments are not known."""
        atoms = self.outputs.atoms
        symbols = atoms.get_chemical_symbols()
        table = [[s, float(q)] for s, q in zip(symbols, self.charges.charges, strict=True)]
        return tuple(
            Result(
                quantity="bader_charge",
                system=atoms.get_chemical_formula(mode="hill"),
                ligand=part,
                value=value,
                unit="e",
                convention=CONVENTION,
                reference="valence of the data set",
                engine=self.outputs.engine,
                level=str(self.outputs.settings.get("xc", "unknown")),
                charge=0,
                jobs=(),
                warnings=self.charges.warnings,
                details={"atoms": table, "vacuum_electrons": self.charges.vacuum, "program": self.program},
                formula="Bader charge",
                inputs=self.inputs,
                audit=self.audit,
                structure=atoms,
            )
            for part, value in self.charges.by_part.items()
        )


def bader_of_run(
    calculation: str | Path,
    *,
    acf: str | Path | None = None,
    reference: str | Path | None = None,
    method: str = "neargrid",
    allow_unconverged: bool = False,
) -> BaderOfRun:
    """Return the Bader charges of a calculation.

    The basins are those of a table ``ACF.dat``, given or in the folder; without one, baderkit finds them in the total
    density AECCAR0 + AECCAR2 and integrates CHGCAR over them.

    Parameters
    ----------
    calculation
        Folder of a finished run, with its vasprun.xml; or of GPAW, whose density has no basins of its own.
    acf
        Table of the program bader; of GPAW its basins may be those of the all-electron density.
    reference
        Density whose basins are taken, in place of AECCAR0 + AECCAR2: a CHGCAR-like or cube file.
    method
        As ``qddft.engines.baderkit.find_basins``.
    allow_unconverged
        Accept a run that has not converged; the result says so.

    Raises
    ------
    OutputError
        A file is missing, cut, damaged or of another structure; or baderkit fails.
    EngineError
        Basins have to be found, and there is no baderkit.
    ConvergenceError
        The electrons have not converged.
    """
    from qddft.engines.vasp.read import read_outputs

    path = Path(calculation)
    outputs = read_outputs(path)
    if outputs.n_electrons is None:
        raise OutputError(f"{path} does not say how many electrons it has")
    if outputs.electronically_converged is False and not allow_unconverged:
        raise ConvergenceError(f"the electrons of {path} have not converged: it has no charges")
    folder = path if path.is_dir() else path.parent
    table = Path(acf) if acf is not None else folder / TABLE
    if acf is not None and reference is not None:
        raise OutputError("give the table of the basins (acf) or the density to find them in (reference), not both")
    if acf is not None or (reference is None and table.is_file()):
        electrons, vacuum = read_acf(table, outputs.atoms)
        program, files = f"table {table.name}", [table]
    elif outputs.engine == "gpaw":
        raise OutputError(_GPAW.format(path=path))
    else:
        electrons, vacuum, program, files = _found(folder, outputs, reference, method)
    total, valences = _nuclei(outputs, path, electrons)
    charges = bader_charges(outputs.atoms, electrons, valences, n_electrons=total, vacuum=vacuum)
    return BaderOfRun(charges, outputs, program, input_hashes([path, *files]), audit_record({"calculation": outputs}))


def _nuclei(outputs: Outputs, path: Path, electrons: np.ndarray) -> tuple[float, Mapping[str, float]]:
    """Return all electrons that basins should hold, and what of the nuclei stands against them, by element.

    Basins of GPAW may come from the all-electron density, which holds the core too: then it is the whole nucleus.
    """
    from qddft.engines.vasp.read.valences import read_valences

    valence_electrons = float(outputs.n_electrons or 0.0)
    if outputs.engine != "gpaw":
        return valence_electrons, read_valences(path)
    numbers = outputs.atoms.numbers
    core = float(numbers.sum()) - sum(_setups(outputs)[symbol] for symbol in outputs.atoms.get_chemical_symbols())
    if abs(float(np.sum(electrons)) - valence_electrons - core) < abs(float(np.sum(electrons)) - valence_electrons):
        symbols = outputs.atoms.get_chemical_symbols()
        return valence_electrons + core, {s: float(n) for s, n in zip(symbols, numbers, strict=True)}
    return valence_electrons, _setups(outputs)


def _setups(outputs: Outputs) -> dict[str, float]:
    """Return the valences of the PAW setups of GPAW by element.

    Raises
    ------
    OutputError
        The outputs do not name their setups.
    """
    named = outputs.settings.get("potentials") or ()
    found = {str(m[1]): float(m[2]) for item in named if (m := re.match(r"([A-Z][a-z]?) \S+ (\d+)e\b", str(item)))}
    missing = sorted(set(outputs.atoms.get_chemical_symbols()) - set(found))
    if missing:
        raise OutputError(f"{outputs.source} does not say how many valence electrons its setups of {missing} have")
    return found


def _found(
    folder: Path, outputs: Outputs, reference: str | Path | None, method: str
) -> tuple[Any, float, str, list[Path]]:
    from qddft.engines.baderkit import find_basins

    density = read_grid(folder, quantity="density")
    same_places(density.atoms, outputs.atoms, density.source or str(folder))
    total = _total(folder) if reference is None else read_grid(reference, quantity="density")
    basins = find_basins(density, total, method=method)
    program = f"baderkit {basins.version}, {basins.method}, basins of {total.name or total.source}"
    files = [Path(item) for item in (density.source, *(total.source or "").split(" + ")) if item]
    return basins.electrons, basins.vacuum, program, files


def _total(folder: Path) -> Grid:
    """Return AECCAR0 + AECCAR2."""
    paths = []
    for name in _CORE:
        found = next((folder / item for item in (name, f"{name}.gz") if (folder / item).is_file()), None)
        if found is None:
            raise OutputError(
                f"{folder} holds neither {TABLE} nor {name}: basins have to be those of the total density. Run the "
                "static calculation with LAECHG = .TRUE., or give a density with --reference"
            )
        paths.append(found)
    core, valence = (read_grid(path, quantity="density") for path in paths)
    if core.values.shape != valence.values.shape:
        raise OutputError(f"{paths[0]} and {paths[1]} have grids of different size: they are not of one run")
    source = " + ".join(map(str, paths))
    return Grid(core.atoms, core.values + valence.values, "density", "AECCAR0 + AECCAR2", source)
