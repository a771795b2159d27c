"""Which engines have a setting that a study may want to vary."""

from collections.abc import Mapping
from typing import Any

from qddft.core.errors import EngineError, LevelError
from qddft.engines.registry import list_engines
from qddft.levels.settings import Level

# setting -> engines whose energies depend on it through the level
_ENGINES_WITH = {"cutoff_eV": ("vasp", "gpaw"), "kpoints": ("vasp", "gpaw")}
_WHY_NOT = {
    "tblite": {"cutoff_eV": "its basis is part of the method", "kpoints": "it samples the zone center only"},
    "ase": {"cutoff_eV": "an ASE calculator gets nothing from the level", "kpoints": "an ASE calculator gets no mesh"},
}
# raw keys that decide the same in place of the level
_RAW = {"cutoff_eV": ("ENCUT", "ENMAX"), "kpoints": ("KSPACING", "KGAMMA")}


def engines_with(setting: str) -> tuple[str, ...]:
    """Return the engines that have a setting; all of them where it is one of the structures."""
    known = list_engines()
    return tuple(name for name in _ENGINES_WITH[setting] if name in known) if setting in _ENGINES_WITH else known


def require_setting(engine: str, setting: str, level: Level) -> None:
    """Refuse to vary what an engine does not have, or what the level fixes by a raw key.

    Raises
    ------
    EngineError
        Names the engines that have the setting.
    LevelError
        Names the raw key.
    """
    kind = engine.partition(":")[0]
    having = engines_with(setting)
    if setting in _ENGINES_WITH and kind not in having:
        why = _WHY_NOT.get(kind, {}).get(setting, "it is not varied through the level")
        has = "has" if len(having) == 1 else "have"
        raise EngineError(f"the engine {engine} has no {setting} to vary ({why}); {' and '.join(having)} {has} it")
    raw = level.engines.get(kind, {})
    fixed = _fixed_by(raw, setting)
    if fixed:
        raise LevelError(
            f"the level {level.name} sets {fixed} for {kind} itself, so that {setting} would change nothing; take "
            f"{fixed} out of the level, or another level"
        )


def _fixed_by(raw: Mapping[str, Any], setting: str) -> str:
    """Return the raw key of a level that decides a setting in place of the level; empty where there is none."""
    tags = {str(name).upper() for name in raw.get("incar", {})}
    mode = raw.get("mode", "pw")
    name, given = (mode.get("name"), dict(mode)) if isinstance(mode, Mapping) else (mode, {})
    # GPAW: atomic orbitals and grids have no plane waves
    if setting == "cutoff_eV" and (name != "pw" or "ecut" in given):
        return f"mode: {mode}"
    return next((key for key in _RAW.get(setting, ()) if key in tags), "")
