"""Shape of structures from folders or structure files, alone or before and after a ligand."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from qddft.analysis.diffraction import COPPER, Peak, bragg_spacing, xrd_pattern
from qddft.analysis.geometry import Change, Geometry, changes, geometry_of
from qddft.core.errors import OutputError
from qddft.outputs.outputs import Outputs
from qddft.recipes.provenance import audit_record, input_hashes
from qddft.recipes.result import Result

if TYPE_CHECKING:
    from ase import Atoms

_STRUCTURE_FILES = (".cif", ".vasp", ".poscar", ".xyz", ".extxyz", ".json", ".traj", ".xsf")
_DAMAGE = (OSError, ValueError, IndexError, KeyError, TypeError, StopIteration, AssertionError, RuntimeError)
# part of the name of a quantity -> what it means
_CONVENTIONS = {
    "Pb-X-Pb": "angle B-X-B; 180 degrees without tilts",
    "Pb-X": "distances B-X of the first shell",
    "length distortion": "D = 1/6 sum [(d - <d>)/<d>]^2 of complete octahedra, Shannon 1976, times 1000",
    "angle variance": "1/11 sum (theta - 90)^2 over the cis angles of complete octahedra, Robinson 1971",
    "spacing": "difference of the mean heights of neighboring layers",
    "rumpling": "highest minus lowest atom of the uppermost layer",
    "anchor": "distance from the anchor of a ligand to the surface atom it binds to",
    "powder pattern": "kinematic powder pattern of pymatgen",
}
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
    atoms
        The structure.
    wavelength
        Of the pattern, Angstrom.
    engine, level, audit
        What computed the structure, and with which settings, where it comes from a calculation.
    """

    system: str
    geometry: Geometry
    before: Geometry | None
    differences: tuple[Change, ...]
    peaks: tuple[Peak, ...]
    warnings: tuple[str, ...]
    inputs: dict[str, str]
    atoms: "Atoms"
    wavelength: float = COPPER
    engine: str = "structure file"
    level: str = "unknown"
    audit: Mapping[str, Any] = field(default_factory=dict)

    def results(self, *, printed: Sequence[float] = ()) -> tuple[Result, ...]:
        """Return every named number as a result, with what it was before, and the strongest line of the pattern.

        Parameters
        ----------
        printed
            Peaks of a paper to lie beside the pattern, degrees 2 theta.
        """
        changes_of = {item.name: item for item in self.differences}
        found = []
        for name, value in self.geometry.summary().items():
            if value is None:
                continue
            quantity, _, unit = name.rstrip(")").rpartition(" (")
            change = changes_of.get(name)
            details: dict[str, Any] = {"all": self._values(quantity)}
            if change is not None:
                details |= {"before": change.before, "difference": change.difference}
            found.append(self._result(quantity, value, unit, details))
        return (*found, *self._pattern(printed))

    def _values(self, quantity: str) -> list[float]:
        """Return the numbers that a named number sums up."""
        arrays = {
            "Pb-X-Pb": self.geometry.angles,
            "Pb-X": self.geometry.bonds,
            "length distortion": self.geometry.length_distortions,
            "angle variance": self.geometry.angle_variances,
            "spacing": self.geometry.spacings,
            "rumpling": self.geometry.rumplings,
            "anchor": np.asarray(self.geometry.anchors),
        }
        return [float(x) for x in next(values for word, values in arrays.items() if word in quantity)]

    def _pattern(self, printed: Sequence[float]) -> tuple[Result, ...]:
        if not self.peaks:
            return ()
        peaks = [
            {
                "two_theta_deg": peak.two_theta,
                "intensity": peak.intensity,
                "d_A": peak.spacing,
                "hkl": [list(indices) for indices in peak.indices],
            }
            for peak in self.peaks
        ]
        places = np.array([peak.two_theta for peak in self.peaks])
        beside = [
            {
                "two_theta_deg": angle,
                "d_A": bragg_spacing(angle, self.wavelength),
                "nearest_deg": float(places[np.abs(places - angle).argmin()]),
            }
            for angle in printed
        ]
        strongest = max(self.peaks, key=lambda peak: peak.intensity)
        details = {"peaks": peaks, "printed": beside, "wavelength_A": self.wavelength, "d_A": strongest.spacing}
        return (self._result("strongest line of the powder pattern", strongest.two_theta, "° 2θ", details),)

    def _result(self, quantity: str, value: float, unit: str, details: dict[str, Any]) -> Result:
        return Result(
            quantity=quantity,
            system=self.system,
            ligand="",
            value=value,
            unit=unit,
            convention=next(text for word, text in _CONVENTIONS.items() if word in quantity),
            reference="",
            engine=self.engine,
            level=self.level,
            charge=0,
            jobs=(),
            warnings=self.warnings,
            details=details,
            formula="shape of a perovskite",
            inputs=self.inputs,
            audit=self.audit,
            structure=self.atoms,
        )


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
    atoms, notes, outputs = _atoms(structure)
    found = geometry_of(atoms)
    warnings = [f"structure: {note}" for note in notes]
    old, old_outputs = None, None
    if before is not None:
        reference, notes, old_outputs = _atoms(before)
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
        atoms=atoms,
        wavelength=wavelength,
        engine="structure file" if outputs is None else outputs.engine,
        level="unknown" if outputs is None else str(outputs.settings.get("xc", "unknown")),
        audit=_audit({"structure": outputs, "before": old_outputs}),
    )


def _audit(legs: Mapping[str, Outputs | None]) -> dict[str, Any]:
    known = {name: item for name, item in legs.items() if item is not None}
    return audit_record(known) if known else {}


def _atoms(item: "str | Path | Outputs | Atoms") -> "tuple[Atoms, tuple[str, ...], Outputs | None]":
    """Return the structure, why it may not be a final one, and the calculation it comes from."""
    if not isinstance(item, str | Path | Outputs):
        return item, (), None
    if isinstance(item, str | Path) and _is_structure_file(Path(item)):
        return _read_structure(Path(item)), (), None
    from qddft.engines.vasp.read import read_outputs

    outputs = item if isinstance(item, Outputs) else read_outputs(item)
    if outputs.ionically_converged is True:
        return outputs.atoms, (), outputs
    state = "is not relaxed" if outputs.ionically_converged is False else "is not proven to be relaxed"
    return outputs.atoms, (f"NOT CONVERGED: {outputs.source or 'the calculation'} {state} to its force limit",), outputs


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
