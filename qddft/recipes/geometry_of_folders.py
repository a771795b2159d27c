"""Shape of structures from folders or structure files, alone or before and after a ligand."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qddft.analysis.diffraction import COPPER, Peak, xrd_pattern
from qddft.analysis.geometry import Change, Geometry, changes, geometry_of
from qddft.core.errors import OutputError
from qddft.outputs.outputs import Outputs
from qddft.recipes.provenance import input_hashes

if TYPE_CHECKING:
    from ase import Atoms

_STRUCTURE_FILES = (".cif", ".vasp", ".poscar", ".xyz", ".extxyz", ".json", ".traj", ".xsf")
_DAMAGE = (OSError, ValueError, IndexError, KeyError, TypeError, StopIteration, AssertionError, RuntimeError)
_STRUCTURE_NAMES = ("POSCAR", "CONTCAR")


@dataclass(frozen=True)
class GeometryReport:
    """Shape of a structure, and what changed against another.

    Attributes
    ----------
    system
        Formula.
    geometry
        Of the structure.
    before
        Of the structure it is compared with.
    differences
        Named numbers before and after; empty without ``before``.
    peaks
        Powder pattern; empty unless asked for.
    warnings
        What a reader has to know.
    inputs
        Path to SHA-256 of what was read.
    """

    system: str
    geometry: Geometry
    before: Geometry | None
    differences: tuple[Change, ...]
    peaks: tuple[Peak, ...]
    warnings: tuple[str, ...]
    inputs: dict[str, str]

    def record(self) -> dict[str, Any]:
        """Return everything as plain JSON types."""
        differences = [
            {"quantity": item.name, "before": item.before, "after": item.after, "difference": item.difference}
            for item in self.differences
        ]
        peaks = [
            {
                "two_theta_deg": peak.two_theta,
                "intensity": peak.intensity,
                "d_A": peak.spacing,
                "hkl": [list(indices) for indices in peak.indices],
            }
            for peak in self.peaks
        ]
        return {
            "quantity": "geometry",
            "system": self.system,
            "geometry": self.geometry.record(),
            "before": None if self.before is None else self.before.record(),
            "differences": differences,
            "peaks": peaks,
            "warnings": list(self.warnings),
            "inputs": self.inputs,
        }


def geometry(
    structure: "str | Path | Outputs | Atoms",
    *,
    before: "str | Path | Outputs | Atoms | None" = None,
    xrd: bool = False,
    wavelength: float = COPPER,
) -> GeometryReport:
    """Return the shape of a structure.

    Parameters
    ----------
    structure
        Folder of a finished calculation (its final structure counts), structure file, ``Outputs`` or atoms.
    before
        What to compare with, for instance the clean slab.
    xrd
        Compute the powder pattern too.
    wavelength
        Of the pattern, Angstrom.

    Raises
    ------
    OutputError
        A file cannot be read.
    StructureError
        A structure without Pb-X bonds.
    """
    atoms, notes = _atoms(structure)
    found = geometry_of(atoms)
    warnings = [f"structure: {note}" for note in notes]
    old = None
    if before is not None:
        reference, notes = _atoms(before)
        old = geometry_of(reference)
        warnings += [f"before: {note}" for note in notes]
        warnings += _unlike(atoms, reference)
    if xrd and len(found.layer_heights):
        warnings.append("the pattern is that of a periodic stack of slabs with vacuum, not of a crystal or a dot")
    return GeometryReport(
        system=atoms.get_chemical_formula(mode="hill"),
        geometry=found,
        before=old,
        differences=() if old is None else changes(old, found),
        peaks=xrd_pattern(atoms, wavelength=wavelength) if xrd else (),
        warnings=tuple(warnings),
        inputs=input_hashes([item for item in (structure, before) if isinstance(item, str | Path)]),
    )


def _atoms(item: "str | Path | Outputs | Atoms") -> "tuple[Atoms, tuple[str, ...]]":
    """Return the structure, and why it may not be a final one."""
    if not isinstance(item, str | Path | Outputs):
        return item, ()
    if isinstance(item, str | Path) and _is_structure_file(Path(item)):
        return _read_structure(Path(item)), ()
    from qddft.engines.vasp.read import read_outputs

    outputs = item if isinstance(item, Outputs) else read_outputs(item)
    if outputs.ionically_converged is True:
        return outputs.atoms, ()
    state = "is not relaxed" if outputs.ionically_converged is False else "is not proven to be relaxed"
    return outputs.atoms, (f"NOT CONVERGED: {outputs.source or 'the calculation'} {state} to its force limit",)


def _is_structure_file(path: Path) -> bool:
    named = path.name.upper().startswith(_STRUCTURE_NAMES) or path.suffix.lower() in _STRUCTURE_FILES
    return path.is_file() and named and path.name != "outputs.json"


def _read_structure(path: Path) -> "Atoms":
    from ase.io import read
    from ase.io.formats import UnknownFileTypeError

    try:
        atoms: Atoms = read(path)
    # ASE's readers answer a damaged file with whatever went wrong first
    except (*_DAMAGE, UnknownFileTypeError) as error:
        raise OutputError(f"{path} cannot be read as a structure: {error or type(error).__name__}") from error
    if abs(atoms.cell.volume) < 1e-6:
        raise OutputError(f"{path} has no cell: bonds across the boundary would be missed; give a periodic structure")
    return atoms


def _unlike(atoms: "Atoms", reference: "Atoms") -> list[str]:
    """Say when the two structures do not share their lateral cell."""
    new, old = atoms.cell.lengths()[:2], reference.cell.lengths()[:2]
    if all(abs(a - b) < 0.02 for a, b in zip(new, old, strict=True)):
        return []
    shown = " and ".join(f"{a:.3f} x {b:.3f}" for a, b in (new, old))
    return [f"the lateral cells differ ({shown} Å): part of every difference is the cell's"]
