"""Charge density difference of finished calculations, made by anybody."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from qddft.analysis.audit import compare_settings
from qddft.analysis.charge import ChargeDifference, charge_transfer, check_electrons, check_legs
from qddft.core.errors import ConvergenceError, OutputError, SettingsMismatchError
from qddft.outputs.grid_difference import density_difference, read_head
from qddft.outputs.outputs import Outputs
from qddft.recipes.provenance import audit_record, input_hashes
from qddft.recipes.result import Result

Calculation = str | Path | Outputs
NAMES = ("complex", "slab", "ligand")
CONVENTION = "rho(complex) - rho(slab) - rho(ligand) at the geometry of the complex; positive = electrons gathered"


def charge_difference(
    complex: Calculation, slab: Calculation, ligand: Calculation, *, allow_differences: bool = False
) -> ChargeDifference:
    """Subtract the densities of a slab and of its ligands, frozen as in the complex, from that of the complex.

    The three files are read in pieces; one grid is held in memory.

    Parameters
    ----------
    complex, slab, ligand
        Folders that hold a CHGCAR, or CHGCAR or cube files, plain or gzip; ``ligand`` holds all ligands together.
    allow_differences
        Subtract even where the settings beside the densities differ, or a run did not converge; the warnings say so.

    Raises
    ------
    OutputError
        A file is missing, cut or damaged.
    SettingsMismatchError
        Grids, cells, positions, settings or numbers of electrons do not belong together.
    ConvergenceError
        The electrons of a calculation have not converged.
    """
    paths = [_path(item) for item in (complex, slab, ligand)]
    whole, slab_head, ligand_head = (read_head(path) for path in paths)
    ligand_atoms = check_legs(whole, slab_head, ligand_head)
    context = _context(paths, allow_differences=allow_differences)
    grid, electrons = density_difference(whole, (slab_head, ligand_head))
    check_electrons(grid, electrons)
    sources = [head.source for head in (whole, slab_head, ligand_head)]
    counted = (electrons[0], electrons[1], electrons[2])
    found = charge_transfer(grid, ligand_atoms, counted, inputs=input_hashes(sources), warnings=context.warnings)
    return replace(found, audit=context.audit, engine=context.engine, level=context.level)


def charge_results(found: ChargeDifference) -> tuple[Result, ...]:
    """Return the charge gained by the ligand and the charge moved, as results."""
    details = {
        "planes_A": list(found.planes),
        "electrons": dict(zip(NAMES, found.electrons, strict=True)),
        "integral_e": found.grid.integral,
    }
    planes = f"electrons beyond the plane half way between slab and ligand; {CONVENTION}"
    quantities = (
        ("charge_gained_by_ligand", found.gained_by_ligand, planes),
        ("charge_moved", found.moved, f"half the integral of |difference|; {CONVENTION}"),
    )
    ligand = found.grid.atoms[list(found.ligand_atoms)].get_chemical_formula(mode="hill")
    return tuple(
        Result(
            quantity=quantity,
            system=found.grid.atoms.get_chemical_formula(mode="hill"),
            ligand=ligand,
            value=value,
            unit="e",
            convention=convention,
            reference="fragments at the geometry of the complex",
            engine=found.engine,
            level=found.level,
            charge=0,
            jobs=(),
            warnings=found.warnings,
            details=details,
            formula="charge density difference",
            inputs=found.inputs,
            audit=found.audit,
            structure=found.grid.atoms,
        )
        for quantity, value, convention in quantities
    )


def _path(item: Calculation) -> Path:
    if not isinstance(item, Outputs):
        return Path(item)
    if item.source is None:
        raise OutputError("these outputs do not say which files they come from; give the folder itself")
    source = Path(item.source)
    return source if source.is_dir() else source.parent


@dataclass(frozen=True)
class _Context:
    """What the result files beside the densities say."""

    warnings: tuple[str, ...]
    audit: Mapping[str, Any] = field(default_factory=dict)
    engine: str = "density files"
    level: str = "unknown"


def _context(paths: list[Path], *, allow_differences: bool) -> _Context:
    """Compare the settings beside the densities; what cannot be read is said to be unknown."""
    # files of one folder have one result file, which says nothing about the others
    if len({path if path.is_dir() else path.parent for path in paths}) < len(paths):
        return _Context(
            ("the settings behind the densities are unknown: the files do not lie in folders of their own",)
        )
    read, notes = _beside(paths)
    unconverged = [name for name, item in read.items() if item.electronically_converged is False]
    if unconverged and not allow_differences:
        raise ConvergenceError(f"the electrons of {', '.join(unconverged)} have not converged")
    notes += [f"NOT CONVERGED: {name}" for name in unconverged]
    if not read:
        return _Context(tuple(notes))
    audit = compare_settings(*read.values(), names=tuple(read))
    if not audit.compatible and not allow_differences:
        found = "; ".join(item.text for item in audit.of_importance("decides energies"))
        raise SettingsMismatchError(f"the densities were computed with different settings: {found}")
    notes += [f"SETTINGS DIFFER: {item.text}" for item in audit.differences if item.importance != "harmless"]
    first = next(iter(read.values()))
    level = str(first.settings.get("xc", "unknown"))
    return _Context(tuple(notes), audit_record(read, audit), first.engine, level)


def _beside(paths: list[Path]) -> tuple[dict[str, Outputs], list[str]]:
    """Return the outputs beside the densities by name, and a sentence on each that cannot be read."""
    from qddft.engines.vasp.read import read_outputs

    read: dict[str, Outputs] = {}
    notes = []
    for name, path in zip(NAMES, paths, strict=True):
        try:
            read[name] = read_outputs(path if path.is_dir() else path.parent)
        except OutputError:
            notes.append(f"the settings of the {name} are unknown: no readable result file lies beside its density")
    return read, notes
