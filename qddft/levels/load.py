"""Levels from YAML: presets by name or a user's file by path, each with its chain of parents."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from qddft.core.errors import LevelError
from qddft.core.safe_yaml import YamlDocument, read_yaml
from qddft.core.schema_errors import keys_at, schema_mistakes
from qddft.core.suggest import did_you_mean
from qddft.levels.settings import Level, Settings

PRESETS = Path(__file__).resolve().parent / "presets"
_SUFFIXES = (".yaml", ".yml")


def list_levels() -> tuple[str, ...]:
    """Return the names of all presets, sorted."""
    return tuple(sorted(path.stem for path in PRESETS.glob("*.yaml")))


def load_level(name_or_path: str | Path) -> Level:
    """Return a level of theory.

    Parameters
    ----------
    name_or_path
        Name of a preset (``list_levels``), or path of a YAML file of the same shape.

    Raises
    ------
    LevelError
        No such level; the file, or a parent of it, is not a valid level (every mistake is listed).
    """
    return _load(locate_level(name_or_path, Path()))


def locate_level(name_or_path: str | Path, folder: Path) -> Path:
    """Return the file of a preset or of a user's level; relative paths start at ``folder``.

    Raises
    ------
    LevelError
        There is no such preset and no such file.
    """
    text = str(name_or_path)
    if text in list_levels():
        return PRESETS / f"{text}.yaml"
    if not text.endswith(_SUFFIXES):
        raise LevelError(f"there is no level {text!r}. {did_you_mean(text, list_levels())}")
    path = folder / text
    if not path.is_file():
        raise LevelError(f"there is no level file {path}; give a file or a preset: {', '.join(list_levels())}")
    return path


@cache
def _load_preset(path: Path) -> Level:
    return _merged(path)


def _load(path: Path) -> Level:
    # presets ship with the package and do not change; a user's file may
    return _load_preset(path) if path.parent == PRESETS else _merged(path)


def _merged(path: Path) -> Level:
    """Fill a child's file with what its parents say."""
    chain = _chain(path)
    merged: dict[str, Any] = {}
    for document in reversed(chain):
        merged = _overlay(merged, dict(document.data))
    try:
        level = Level.model_validate(merged)
    except ValidationError as error:
        raise LevelError("\n".join(_mistakes(error, chain[0]))) from error
    _check_choices(level, chain[0])
    _check_relaxation(level, chain[0])
    return level


def _check_relaxation(level: Level, document: YamlDocument) -> None:
    """Refuse geometries of a level that does not relax them itself, or that is none."""
    if level.relax_at is None:
        return
    where = f"{document.path}:{document.line(('relax_at',))}: relax_at: "
    if level.relax_at not in list_levels():
        raise LevelError(f"{where}{level.relax_at!r} is no preset. {did_you_mean(level.relax_at, list_levels())}")
    if load_level(level.relax_at).relax_at is not None:
        raise LevelError(f"{where}{level.relax_at} does not relax at its own settings either; name the level that does")


def _chain(path: Path) -> list[YamlDocument]:
    """Return the documents from the child to the oldest ancestor."""
    chain: list[YamlDocument] = []
    seen: set[Path] = set()
    while True:
        if path.resolve() in seen:
            raise LevelError(f"{path}: the level is its own ancestor; remove a 'parent'")
        seen.add(path.resolve())
        document = read_yaml(path, LevelError)
        _check_shape(document)
        chain.append(document)
        parent = document.data.get("parent")
        if parent is None:
            return chain
        try:
            path = locate_level(str(parent), path.parent)
        except LevelError as error:
            raise LevelError(f"{path}:{document.line(('parent',))}: parent: {error}") from error


def _check_shape(document: YamlDocument) -> None:
    """Refuse unknown keys of each file on its own, so that the line is that of the file at fault."""
    path = document.path
    if not isinstance(document.data, Mapping):
        raise LevelError(f"{path}:1: a level is a mapping of keys to values")
    mistakes = [f"{path}:{line}: {message}" for line, message in document.mistakes]
    allowed: tuple[tuple[tuple[str, ...], list[str]], ...] = (
        ((), keys_at(Level, ())),
        (("settings",), keys_at(Settings, ())),
    )
    for location, keys in allowed:
        block = document.data if not location else document.data.get("settings", {})
        if not isinstance(block, Mapping):
            mistakes.append(f"{path}:{document.line(location)}: settings has to be a mapping of keys to values")
            continue
        mistakes += [
            f"{path}:{document.line((*location, key))}: unknown key {key!r}. {did_you_mean(key, keys)}"
            for key in block
            if key not in keys
        ]
    if path.parent == PRESETS and document.data.get("name") != path.stem:
        mistakes.append(f"{path}:{document.line(('name',))}: the name of a preset is that of its file, {path.stem}")
    if mistakes:
        raise LevelError("\n".join(mistakes))


def _overlay(parent: Mapping[str, Any], child: Mapping[str, Any]) -> dict[str, Any]:
    """Return the child with the parent's values where it is silent; name, description and source are its own."""
    settings = {**parent.get("settings", {}), **(child.get("settings") or {})}
    # the parent's reason for a value does not explain the child's different one
    kept = {key: why for key, why in parent.get("choices", {}).items() if key not in (child.get("settings") or {})}
    return {
        **{key: value for key, value in child.items() if value is not None},
        "settings": settings,
        "choices": {**kept, **(child.get("choices") or {})},
        "engines": _deep(parent.get("engines", {}), child.get("engines") or {}),
        "caution": child.get("caution") or parent.get("caution", ""),
        "relax_at": child["relax_at"] if "relax_at" in child else parent.get("relax_at"),
    }


def _deep(parent: Any, child: Any) -> Any:
    if not (isinstance(parent, Mapping) and isinstance(child, Mapping)):
        return child
    return {key: _deep(parent.get(key), child[key]) if key in child else parent[key] for key in {**parent, **child}}


def _mistakes(error: ValidationError, document: YamlDocument) -> list[str]:
    return [
        f"{document.path}:{document.line(location)}: {message}" for location, message in schema_mistakes(error, Level)
    ]


def _check_choices(level: Level, document: YamlDocument) -> None:
    """Refuse a reason for anything but a key of the level or, as ``engine.key...``, a raw key."""
    known = {*Settings.model_fields, *_dotted(level.engines)}
    for key in level.choices:
        if key not in known:
            where = f"{document.path}:{document.line(('choices', key))}"
            raise LevelError(f"{where}: choices explains the unknown key {key!r}. {did_you_mean(key, known)}")


def _dotted(block: Mapping[str, Any], prefix: str = "") -> list[str]:
    names: list[str] = []
    for key, value in block.items():
        names.append(prefix + key)
        if isinstance(value, Mapping):
            names += _dotted(value, f"{prefix}{key}.")
    return names
