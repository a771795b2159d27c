"""``audit``: read the settings of folders made by anyone and compare them, also with a level of theory."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from qddft.analysis.audit import Audit, compare
from qddft.core.errors import OutputError
from qddft.engines.vasp.read.collect import run_settings
from qddft.engines.vasp.read.settings import canonical_tags
from qddft.levels.load import load_level
from qddft.levels.settings import Level
from qddft.outputs.outputs import Outputs
from qddft.outputs.run_settings import RunSettings
from qddft.study.level_mesh import with_level_mesh

# neutral key of a run -> how a level calls it
_OF_LEVEL = {
    "xc": "xc", "cutoff_eV": "cutoff_eV", "smearing": "smearing", "sigma_eV": "sigma_eV", "dispersion": "dispersion",
    "energy_tol_eV": "energy_tol_eV", "force_tol_eV_per_A": "force_tol_eV_per_A", "core": "core",
}  # fmt: skip
_TAGS = {"prec": "PREC", "lreal": "LREAL", "lasph": "LASPH", "soc": "LSORBIT", "addgrid": "ADDGRID"}


def audit(paths: Sequence[str | Path | Outputs], level: str | Path | Level | None = None) -> Audit:
    """Say which settings differ among calculations, how much that matters, and what cannot be known.

    Folders may hold outputs, inputs only, or a run that was killed. Effective values (what VASP used) beat what the
    INCAR says; where the two differ, the audit notes it.

    Parameters
    ----------
    paths
        Folders, result files, or ``Outputs``; at least two, or one with a level.
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
    runs = [RunSettings.of(item) if isinstance(item, Outputs) else run_settings(item) for item in paths]
    if level is None:
        return compare(runs)
    found = level if isinstance(level, Level) else load_level(level)
    return with_level_mesh(compare(runs, level_settings(found)), runs, found)


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
