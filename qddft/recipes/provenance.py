"""Where a number comes from: files by path and content, settings of the calculations, the structure it is of."""

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qddft.analysis.audit import Audit, compare_settings
from qddft.outputs.outputs import Outputs

if TYPE_CHECKING:
    from ase import Atoms

# the neutral settings say the same, tag by tag of the engine they are too long for a record
_TAGS = ("incar", "effective")


def input_hashes(paths: Iterable[str | Path]) -> dict[str, str]:
    """Return path -> SHA-256 of the content, for the files that exist; of a folder, its result files."""
    from qddft.engines.vasp.read.dispatch import result_files

    found: list[Path] = []
    for path in map(Path, paths):
        if path.is_dir():
            product = path / "outputs.json"
            found += [product] if product.is_file() else result_files(path)
        elif path.is_file():
            found.append(path)
    return {str(path): _sha256(path) for path in dict.fromkeys(found)}


def hashes_of(outputs: Iterable[Outputs]) -> dict[str, str]:
    """Return path -> SHA-256 of what finished calculations were read from, where they say so."""
    return input_hashes([item.source for item in outputs if item.source])


def audit_record(outputs: Mapping[str, Outputs], audit: Audit | None = None) -> dict[str, Any]:
    """Return how the settings of calculations compare, and under ``settings`` what they are.

    Parameters
    ----------
    outputs
        By name.
    audit
        Of the same calculations, where it was made already.
    """
    made = audit if audit is not None else compare_settings(*outputs.values(), names=tuple(outputs))
    return made.record() | {"settings": {name: plain_settings(item) for name, item in outputs.items()}}


def plain_settings(outputs: Outputs) -> dict[str, Any]:
    """Return the settings under their neutral names, those that are known."""
    return {key: value for key, value in outputs.settings.items() if key not in _TAGS and value is not None}


def structure_of(outputs: Outputs) -> "Atoms":
    """Return the final structure with its energies and forces, for databases."""
    from ase.calculators.singlepoint import SinglePointCalculator

    atoms = outputs.atoms.copy()
    atoms.calc = SinglePointCalculator(
        atoms, energy=outputs.energy, free_energy=outputs.free_energy, forces=outputs.forces
    )
    return atoms


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
