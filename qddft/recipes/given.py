"""Energies of references that are only known as a number: their settings cannot be audited, and results say so."""

from collections.abc import Mapping

from qddft.core.errors import ReferenceSchemeError
from qddft.outputs.outputs import Outputs
from qddft.recipes.folders import Calculation, read

Reference = Calculation | float
ENGINE = "given"


def read_reference(name: str, item: Reference, *, unfinished: bool = False) -> Outputs:
    """Return the outputs of a reference, or stand-ins for one whose energy is a number.

    Parameters
    ----------
    name
        Of the reference; the formula where ``item`` is a number.
    item
        Folder, file, ``Outputs``, or an energy in eV.
    unfinished
        Also take a run that was killed or cut, marked as not converged.

    Raises
    ------
    OutputError
        It cannot be read.
    ReferenceSchemeError
        A number whose name is no formula.
    """
    if not isinstance(item, int | float):
        return read(item, unfinished=unfinished)
    from ase import Atoms

    try:
        atoms = Atoms(name)
    except (ValueError, KeyError):
        atoms = Atoms()
    if not len(atoms):
        raise ReferenceSchemeError(f"the energy {item:g} eV needs the formula of its molecule as name, not {name!r}")
    return Outputs(
        atoms=atoms, energy=float(item), charge=0.0, electronically_converged=True, ionically_converged=True,
        engine=ENGINE,
    )  # fmt: skip


def is_given(item: Outputs) -> bool:
    """Tell whether an energy was given as a number."""
    return item.engine == ENGINE


def given_energy(legs: Mapping[str, Outputs]) -> tuple[str, ...]:
    """Return a sentence on every energy that was given as a number."""
    return tuple(
        f"the energy of {name} was given as a number, {item.energy:.6f} eV; its settings are unknown"
        for name, item in legs.items()
        if is_given(item)
    )
