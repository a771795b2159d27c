"""``audit``: read the settings of folders made by anyone and compare them, also with a level of theory."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from qddft.analysis.audit import Audit, compare
from qddft.core.errors import OutputError
from qddft.engines.vasp.read.collect import run_settings
from qddft.engines.vasp.read.settings import canonical_tags
from qddft.jobs.folder import OUTPUTS
from qddft.jobs.job import Job
from qddft.jobs.run_folder import load_run
from qddft.levels.load import load_level
from qddft.levels.settings import Level
from qddft.outputs.outputs import Outputs
from qddft.outputs.run_settings import RunSettings
from qddft.outputs.store import load_outputs
from qddft.study.level_mesh import with_level_mesh

# neutral key of a run -> how a level calls it
_OF_LEVEL = {
    "xc": "xc", "cutoff_eV": "cutoff_eV", "smearing": "smearing", "sigma_eV": "sigma_eV", "dispersion": "dispersion",
    "energy_tol_eV": "energy_tol_eV", "force_tol_eV_per_A": "force_tol_eV_per_A", "core": "core",
}  # fmt: skip
_TAGS = {"prec": "PREC", "lreal": "LREAL", "lasph": "LASPH", "soc": "LSORBIT", "addgrid": "ADDGRID"}


def audit(paths: Sequence[str | Path | Outputs | RunSettings], level: str | Path | Level | None = None) -> Audit:
    """Say which settings differ among calculations, how much that matters, and what cannot be known.

    Folders may hold outputs, inputs only, or a run that was killed. Effective values (what VASP used) beat what the
    INCAR says; where the two differ, the audit notes it.

    Parameters
    ----------
    paths
        Folders, result files, ``Outputs`` or their settings; at least two, or one with a level.
    level
        Name, file or ``Level`` to compare with; only what it states is compared.

    Returns
    -------
    Audit
        ``compatible`` is ``False`` when something differs that decides energies.

    Raises
    ------
    OutputError
        There is nothing to compare, or a folder holds nothing that says how it was computed.
    LevelError
        There is no such level.
    """
    if len(paths) + (level is not None) < 2:
        raise OutputError("an audit compares: give two folders, or one and a level")
    runs = [_settings(item) for item in paths]
    if level is None:
        return compare(runs)
    found = level if isinstance(level, Level) else load_level(level)
    return with_level_mesh(compare(runs, level_settings(found)), runs, found)


def _settings(item: str | Path | Outputs | RunSettings) -> RunSettings:
    if isinstance(item, RunSettings):
        return item
    return RunSettings.of(item) if isinstance(item, Outputs) else run_settings(item)


def level_settings(level: str | Path | Level) -> RunSettings:
    """Return the neutral settings that a level states for VASP.

    Raises
    ------
    LevelError
        There is no such level.
    """
    found = level if isinstance(level, Level) else load_level(level)
    resolved = found.resolved("vasp")
    settings: Mapping[str, Any] = resolved["settings"]
    tags = canonical_tags(resolved["raw"].get("incar", {}))
    stated = {key: settings.get(name) for key, name in _OF_LEVEL.items() if key != "core"}
    stated |= {key: tags[tag] for key, tag in _TAGS.items() if tag in tags}
    return RunSettings(source=f"level {found.name}", settings=stated)


def calculations_of(path: str | Path) -> tuple[list[Path | Outputs | RunSettings], tuple[str, ...]]:
    """Return a folder as it is, and of a run the jobs whose energies are used, outputs where they are done.

    Returns
    -------
    tuple
        The calculations, and sentences on the jobs of a run that are left out: geometries that another calculation
        takes its energy on, and points of series, whose settings differ on purpose.

    Raises
    ------
    FolderError
        The run is damaged.
    """
    from qddft.study.session import is_run

    if not is_run(Path(path)):
        return [Path(path)], ()
    run = load_run(Path(path))
    jobs = [(run.folder(entry), run.job(entry)) for entry in run.entries]
    final = [item for item in jobs if not (item[1].task == "relax" and _energy_follows(item[1].level))]
    main = next((job.level["parent"] for _, job in final if _is_point(job.level)), final[0][1].level["name"])
    kept = [item for item in final if item[1].level["name"] == main] or final
    told = []
    if len(final) < len(jobs):
        told.append(f"{len(jobs) - len(final)} relaxations, whose energies give way to static ones on their geometries")
    if len(kept) < len(final):
        told.append(f"{len(final) - len(kept)} points of series, whose settings differ from {main} on purpose")
    return [_of_job(folder, job) for folder, job in kept], tuple(told)


def _of_job(folder: Path, job: Job) -> Path | Outputs | RunSettings:
    """Return the outputs of a job, or its inputs; what has no POSCAR yet has the atoms that it will have."""
    if (folder / OUTPUTS).exists():
        return load_outputs(folder / OUTPUTS)
    if job.parent is None or (folder / "POSCAR").exists():
        return folder
    found, atoms = run_settings(folder), job.built_atoms
    symbols = tuple(atoms.get_chemical_symbols())
    if atoms.cell.rank < 3:
        return replace(found, symbols=symbols)
    return replace(found, symbols=symbols, cell=atoms.cell.array, scaled=atoms.get_scaled_positions())


def _energy_follows(level: Mapping[str, Any]) -> bool:
    return bool(level["settings"].get("static_after_relax"))


def _is_point(level: Mapping[str, Any]) -> bool:
    """Tell whether a level is one of another with a setting varied, as ``qddft.levels.vary`` makes it."""
    return any(str(why).startswith("varied: ") for why in level.get("choices", {}).values())
