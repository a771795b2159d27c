"""Charge density difference of finished calculations, made by anybody."""

from pathlib import Path

from qddft.analysis.audit import compare_settings
from qddft.analysis.charge import ChargeDifference, charge_transfer, check_electrons, check_legs
from qddft.core.errors import ConvergenceError, OutputError, SettingsMismatchError
from qddft.outputs.grid_difference import density_difference, read_head
from qddft.outputs.outputs import Outputs
from qddft.recipes.provenance import input_hashes
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
    warnings = _audit(paths, allow_differences=allow_differences)
    grid, electrons = density_difference(whole, (slab_head, ligand_head))
    check_electrons(grid, electrons)
    sources = [head.source for head in (whole, slab_head, ligand_head)]
    counted = (electrons[0], electrons[1], electrons[2])
    return charge_transfer(grid, ligand_atoms, counted, inputs=input_hashes(sources), warnings=warnings)


def charge_results(found: ChargeDifference) -> tuple[Result, ...]:
    """Return the charge gained by the ligand and the charge moved, as results."""
    details = {
        "planes_A": list(found.planes),
        "electrons": dict(zip(NAMES, found.electrons, strict=True)),
        "integral_e": found.grid.integral,
        "inputs": dict(found.inputs),
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
            engine="density files",
            level="unknown",
            charge=0,
            jobs=(),
            warnings=found.warnings,
            details=details,
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


def _audit(paths: list[Path], *, allow_differences: bool) -> tuple[str, ...]:
    """Compare the settings beside the densities; what cannot be read is said to be unknown."""
    from qddft.engines.vasp.read import read_outputs

    read: dict[str, Outputs] = {}
    notes = []
    for name, path in zip(NAMES, paths, strict=True):
        folder = path if path.is_dir() else path.parent
        try:
            read[name] = read_outputs(folder)
        except OutputError:
            notes.append(f"the settings of the {name} are unknown: no readable result file lies beside its density")
    # files of one folder have one result file, which says nothing about the others
    if len({path if path.is_dir() else path.parent for path in paths}) < len(paths):
        return ("the settings behind the densities are unknown: the files do not lie in folders of their own",)
    unconverged = [name for name, item in read.items() if item.electronically_converged is False]
    if unconverged and not allow_differences:
        raise ConvergenceError(f"the electrons of {', '.join(unconverged)} have not converged")
    notes += [f"NOT CONVERGED: {name}" for name in unconverged]
    if len(read) < 2:
        return tuple(notes)
    audit = compare_settings(*read.values(), names=tuple(read))
    if not audit.compatible and not allow_differences:
        found = "; ".join(item.text for item in audit.of_importance("decides energies"))
        raise SettingsMismatchError(f"the densities were computed with different settings: {found}")
    notes += [f"SETTINGS DIFFER: {item.text}" for item in audit.differences if item.importance != "harmless"]
    return tuple(notes)
