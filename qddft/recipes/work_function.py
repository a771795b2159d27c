"""Work function, ionization potential and electron affinity of a finished slab calculation, made by anybody."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from qddft.analysis.gap import band_edges
from qddft.analysis.potential import SlabPotential, slab_potential
from qddft.core.errors import ConvergenceError, OutputError
from qddft.outputs.grid_files import grid_file, read_grid
from qddft.outputs.outputs import Outputs
from qddft.recipes.provenance import audit_record, input_hashes
from qddft.recipes.result import Result


def work_function(
    calculation: str | Path | Outputs, *, locpot: str | Path | None = None, allow_unconverged: bool = False
) -> SlabPotential:
    """Return vacuum levels, dipole step, work function, ionization potential and electron affinity of a slab.

    Parameters
    ----------
    calculation
        Folder of the calculation, with its LOCPOT and result file, or that LOCPOT itself; or outputs that were read
        from such a folder.
    locpot
        The potential, where it is not the folder's LOCPOT: a LOCPOT-like or cube file, eV.
    allow_unconverged
        Accept a run that has not converged; the result says so.

    Raises
    ------
    OutputError
        There is no potential, or the vacuum is too thin.
    ConvergenceError
        The electrons have not converged.
    """
    from qddft.engines.vasp.read import read_outputs

    if locpot is None and not isinstance(calculation, Outputs) and _is_potential(Path(calculation)):
        calculation, locpot = _run_of(Path(calculation)), calculation
    outputs = calculation if isinstance(calculation, Outputs) else read_outputs(calculation)
    where = outputs.source if isinstance(calculation, Outputs) else calculation
    if where is None:
        raise OutputError("these outputs do not say which files they come from; give the folder itself")
    if outputs.electronically_converged is False and not allow_unconverged:
        raise ConvergenceError(
            f"the electrons of {where} have not converged: it has no work function; --allow-unconverged "
            "(allow_unconverged=True) gives marked numbers"
        )
    folder = Path(where) if Path(where).is_dir() else Path(where).parent
    path = grid_file(folder if locpot is None else Path(locpot), "potential")
    found = slab_potential(read_grid(path, quantity="potential"))
    vbm, cbm = _edges(Path(where))
    notes = [*found.warnings, *_kind_of_potential(outputs.settings)]
    if outputs.electronically_converged is False:
        notes.append("NOT CONVERGED: the electrons of this run did not converge")
    return replace(
        found,
        fermi_level=outputs.fermi_level,
        vbm=vbm,
        cbm=cbm,
        inputs=input_hashes([path, where]),
        audit=audit_record({"calculation": outputs}),
        engine=outputs.engine,
        level=str(outputs.settings.get("xc", "unknown")),
        warnings=tuple(notes),
    )


def _is_potential(path: Path) -> bool:
    return path.is_file() and (path.name.startswith("LOCPOT") or path.suffix == ".cube")


def _run_of(potential: Path) -> Path:
    """Return the folder of a potential file, where its run lies beside it.

    Raises
    ------
    OutputError
        No result file lies there.
    """
    from qddft.engines.vasp.read import read_outputs

    try:
        read_outputs(potential.parent)
    except OutputError as error:
        raise OutputError(
            f"{potential} is a potential alone, without the Fermi level and the band edges of its run ({error}). Give "
            f"the folder of the run with --locpot {potential}, or average it alone: qddft analyze profile {potential}"
        ) from error
    return potential.parent


def potential_results(found: SlabPotential) -> tuple[Result, ...]:
    """Return what is known of both faces, as results; the value is that of the upper face."""
    items = (
        ("work_function", found.work_function, "V_vac - E_F; in a gap E_F is arbitrary"),
        ("ionization_potential", found.ionization_potential, "V_vac - E_VBM"),
        ("electron_affinity", found.electron_affinity, "V_vac - E_CBM"),
        ("dipole_step", (None, found.dipole_step), "V_vac(upper) - V_vac(lower)"),
    )
    return tuple(
        Result(
            quantity=quantity,
            system=found.atoms.get_chemical_formula(mode="hill"),
            ligand="",
            value=upper,
            unit="eV",
            convention=convention,
            reference="vacuum above the upper face",
            engine=found.engine,
            level=found.level,
            charge=0,
            jobs=(),
            warnings=found.warnings,
            details={
                "lower_face_eV": lower,
                "vacuum_levels_eV": [found.lower.value, found.upper.value],
                "slopes_eV_per_A": [found.lower.slope, found.upper.slope],
            },
            formula="levels relative to the vacuum",
            inputs=found.inputs,
            audit=found.audit,
            structure=found.atoms,
        )
        for quantity, (lower, upper), convention in items
        if upper is not None
    )


def _edges(where: Path) -> tuple[float | None, float | None]:
    """Return the band edges; ``None`` for a metal, or where no levels can be read."""
    from qddft.engines.vasp.read import read_eigenvalues

    try:
        edges = band_edges(read_eigenvalues(where))
    except OutputError:
        return None, None
    if edges.metallic:
        return None, None
    return edges.vbm.energy, None if edges.cbm is None else edges.cbm.energy


def _kind_of_potential(settings: Mapping[str, Any]) -> tuple[str, ...]:
    """Say whether LOCPOT holds exchange and correlation, which have no flat vacuum level."""
    if settings.get("potential") == "electrostatic":
        return ()
    used = {**settings.get("incar", {}), **settings.get("effective", {})}
    if used.get("LVHAR") is True:
        return ()
    if used.get("LVTOT") is True:
        return (
            "the potential holds exchange and correlation (LVTOT without LVHAR): vacuum levels need LVHAR = .TRUE.",
        )
    return ("the files do not say whether the potential is the electrostatic one (LVHAR = .TRUE.)",)
