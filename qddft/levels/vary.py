"""A level with one setting changed, which says from which level it comes and what was changed."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from qddft.core.errors import LevelError
from qddft.levels.settings import Level, Settings


def varied(level: Level, suffix: str, changes: Mapping[str, Any]) -> Level:
    """Return a child of a level with other settings; the level itself where they are the same.

    Parameters
    ----------
    level
        The parent.
    suffix
        What the child's name adds to that of the parent; lower case letters, digits, hyphens and points.
    changes
        Key of the settings to value.

    Raises
    ------
    LevelError
        The level does not allow these values.
    """
    before = level.settings.model_dump()
    different = {key: value for key, value in changes.items() if before[key] != value}
    if not different:
        return level
    try:
        settings = Settings.model_validate(before | different)
    except ValidationError as error:
        said = "; ".join(str(item["msg"]) for item in error.errors())
        raise LevelError(f"the level {level.name} cannot be varied to {suffix}: {said}") from error
    told = {key: f"{_plain(value)} in place of {_plain(before[key])}" for key, value in different.items()}
    return Level.model_validate(
        level.model_dump()
        | {
            # names of levels end at 64 letters
            "name": f"{level.name[: 63 - len(suffix)]}-{suffix}",
            "parent": level.name,
            "description": f"{level.name} with {', '.join(f'{key} {why}' for key, why in told.items())}",
            "settings": settings.model_dump(),
            "choices": level.choices | {key: f"varied: {why} of the level {level.name}" for key, why in told.items()},
        }
    )


def _plain(value: Any) -> str:
    if isinstance(value, list | tuple):
        return "x".join(map(str, value))
    return f"{value:g}" if isinstance(value, float) else str(value)
