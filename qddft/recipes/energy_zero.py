"""Where an energy axis begins to count, found in the files of a calculation."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from qddft.analysis.partitions import inner_atoms
from qddft.core.errors import OutputError, StructureError
from qddft.core.suggest import did_you_mean
from qddft.outputs.dos import BandEdges, EnergyZero
from qddft.outputs.outputs import Outputs

if TYPE_CHECKING:
    from ase import Atoms

ZEROS = ("auto", "vbm", "fermi", "vacuum", "core")


def energy_zero(zero: str | float, edges: BandEdges, fermi: float | None, outputs: Outputs) -> EnergyZero:
    """Return the zero of an energy axis.

    Parameters
    ----------
    zero
        ``auto`` (the VBM; in a metal, which has none, the Fermi level), ``vbm``, ``fermi``, ``vacuum`` (above the upper
        face, from LOCPOT), ``core`` (mean electrostatic potential at the cores of the heaviest element, in the
        bulk-like layers where there are layers, from OUTCAR), or a number on the engine's own scale, eV.
    edges
        Band edges.
    fermi
        Fermi level, eV.
    outputs
        What was read; its source is where further files are looked for.

    Raises
    ------
    OutputError
        The files do not hold what was asked for, or the vacuum level is not flat.
    """
    if isinstance(zero, int | float):
        return EnergyZero("given", float(zero), "given by the user")
    if zero == "auto":
        zero = "fermi" if edges.metallic and fermi is not None else "vbm"
    if zero == "vbm":
        return EnergyZero("vbm", edges.vbm.energy, "highest level that is more than half full")
    if zero == "fermi":
        if fermi is None:
            raise OutputError(f"{outputs.source} does not say where the Fermi level is; use zero='vbm'")
        return EnergyZero("fermi", fermi, f"Fermi level of {outputs.engine}")
    if zero == "vacuum":
        return _vacuum(outputs)
    if zero == "core":
        return _core(outputs)
    raise OutputError(f"unknown zero {zero!r}. {did_you_mean(zero, ZEROS)}")


def _vacuum(outputs: Outputs) -> EnergyZero:
    from qddft.recipes.work_function import work_function

    level = work_function(outputs, allow_unconverged=True).upper
    if not level.flat:
        raise OutputError(
            f"the vacuum level of {outputs.source} is not flat ({1000 * level.slope:.1f} meV/Angstrom), so it is no "
            f"zero of energy; use another one, or a dipole correction and more vacuum"
        )
    return EnergyZero("vacuum", level.value, "vacuum level above the upper face, from the potential")


def _core(outputs: Outputs) -> EnergyZero:
    from qddft.engines.vasp.read.core_potential import read_core_potentials

    where = Path(str(outputs.source))
    values = read_core_potentials(where if where.is_dir() else where.parent)
    atoms: Atoms = outputs.atoms
    if len(values) != len(atoms):
        raise OutputError(f"{where} has {len(values)} core potentials for {len(atoms)} atoms")
    heaviest = int(atoms.numbers.max())
    chosen, place = atoms.numbers == heaviest, "all"
    try:
        inner, words = inner_atoms(atoms)
    except StructureError:
        inner, words = np.ones(len(atoms), dtype=bool), "the crystal"
    if (chosen & inner).any():
        chosen, place = chosen & inner, words
    symbol = atoms.symbols[int(np.flatnonzero(chosen)[0])]
    mean = float(values[chosen].mean())
    return EnergyZero("core", mean, f"mean potential at the cores of {int(chosen.sum())} {symbol} atoms of {place}")
