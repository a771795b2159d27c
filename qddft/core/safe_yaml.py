"""YAML that strangers wrote: plain values only, every value with its line, every structural mistake named.

No tags, anchors, aliases or merge keys: a file in which an alias can multiply its content, or a tag can name a class,
is refused before anything is built from it.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from qddft.core.errors import QddftError
from qddft.core.frozen import freeze_fields

Location = tuple[str | int, ...]
MAX_BYTES = 1_000_000
MAX_DEPTH = 20
MAX_VALUES = 20_000
_MAX_NUMBER_LENGTH = 40
_CORE = "tag:yaml.org,2002:"


@dataclass(frozen=True)
class YamlDocument:
    """A parsed file.

    Attributes
    ----------
    path
        Where it came from.
    text
        The file as it was read.
    data
        Plain dicts, lists, strings, numbers, booleans and ``None``; a mapping at the root is read-only.
    lines
        Location, as keys and indices from the root, to line number from 1; a mapping's entry has the line of its key.
    mistakes
        ``(line, message)`` of duplicate and unusable keys; ``data`` then holds the first of the duplicates.
    """

    path: Path
    text: str
    data: Any
    lines: Mapping[Location, int] = field(default_factory=dict)
    mistakes: tuple[tuple[int, str], ...] = ()

    def __post_init__(self) -> None:
        freeze_fields(self)

    def line(self, location: Location) -> int:
        """Return the line of a location, or of the closest enclosing one that the file has."""
        for length in range(len(location), 0, -1):
            if location[:length] in self.lines:
                return self.lines[location[:length]]
        return 1


def read_yaml(path: Path, error: type[QddftError]) -> YamlDocument:
    """Read a YAML file as plain values.

    Parameters
    ----------
    path
        The file.
    error
        Class of the exception raised for what the user can fix.

    Raises
    ------
    QddftError
        Of class ``error``: the file is missing, too large, no UTF-8 text, no YAML, empty, or uses anchors or tags.
    """
    text = _read_text(path, error)
    return parse_yaml(text, path, error)


def parse_yaml(text: str, path: Path, error: type[QddftError]) -> YamlDocument:
    """Parse YAML text; ``path`` appears in messages. Raises as ``read_yaml`` does."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        for line, message in _forbidden(YAML(typ="safe", pure=True).parse(text)):
            raise error(f"{path}:{line}: {message}")
        node = YAML(typ="safe", pure=True).compose(text)
    except YAMLError as problem:
        raise error(f"{path}:{_error_line(problem)}: not valid YAML: {_explain(problem, text)}") from problem
    if node is None:
        raise error(f"{path}: the file is empty")
    builder = _Builder()
    data = builder.value(node, ())
    return YamlDocument(path, text, data, builder.lines, tuple(builder.mistakes))


def _read_text(path: Path, error: type[QddftError]) -> str:
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except FileNotFoundError as problem:
        raise error(f"{path} does not exist") from problem
    except IsADirectoryError as problem:
        raise error(f"{path} is a folder, not a file") from problem
    except (OSError, ValueError) as problem:
        raise error(f"{path} cannot be read: {problem}") from problem
    if len(raw) > MAX_BYTES:
        raise error(f"{path} is larger than {MAX_BYTES // 1000} kB; that is not a file of settings")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        line = raw[: problem.start].count(b"\n") + 1
        raise error(f"{path}:{line}: the file is not UTF-8 text; save it as UTF-8") from problem


def _forbidden(events: Iterator[Any]) -> Iterator[tuple[int, str]]:
    from ruamel.yaml import events as kinds

    depth = 0
    for count, event in enumerate(events):
        line = event.start_mark.line + 1
        if count > MAX_VALUES:
            yield line, f"more than {MAX_VALUES} values; that is not a file of settings"
        if isinstance(event, kinds.AliasEvent):
            yield line, f"the alias *{event.anchor} is not allowed; write the value out"
        elif getattr(event, "anchor", None):
            yield line, f"the anchor &{event.anchor} is not allowed; write the value out"
        elif (tag := getattr(event, "tag", None)) is not None and str(tag) != "!":
            yield line, f"the tag {tag} is not allowed; write a plain value"
        depth += isinstance(event, kinds.CollectionStartEvent) - isinstance(event, kinds.CollectionEndEvent)
        if depth > MAX_DEPTH:
            yield line, f"nested deeper than {MAX_DEPTH} levels"


def _error_line(problem: Exception) -> int:
    mark = getattr(problem, "problem_mark", None) or getattr(problem, "context_mark", None)
    return int(mark.line) + 1 if mark is not None else 1


def _explain(problem: Exception, text: str) -> str:
    line = _error_line(problem)
    lines = text.splitlines()
    if line <= len(lines) and "\t" in lines[line - 1]:
        return "the line contains a tab; indent with spaces"
    what = getattr(problem, "problem", None)
    return str(what) if what else str(problem).partition("\n")[0]


class _Builder:
    """Turns nodes into plain values and remembers where they were."""

    def __init__(self) -> None:
        self.lines: dict[Location, int] = {}
        self.mistakes: list[tuple[int, str]] = []

    def value(self, node: Any, location: Location) -> Any:
        from ruamel.yaml.nodes import MappingNode, SequenceNode

        self.lines.setdefault(location, node.start_mark.line + 1)
        if isinstance(node, MappingNode):
            return self._mapping(node, location)
        if isinstance(node, SequenceNode):
            return [self.value(item, (*location, index)) for index, item in enumerate(node.value)]
        return _scalar(node)

    def _mapping(self, node: Any, location: Location) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            key = key_node.value
            if not isinstance(key, str) or key == "<<":
                self.mistakes.append((line, "a key has to be a plain word"))
            elif key in result:
                self.mistakes.append((line, f"the key {key!r} is already there on line {self.lines[*location, key]}"))
            else:
                self.lines[*location, key] = line
                result[key] = self.value(value_node, (*location, key))
        return result


def _scalar(node: Any) -> str | int | float | bool | None:
    kind = str(node.tag).removeprefix(_CORE)
    text = str(node.value)
    if kind == "null":
        return None
    if kind == "bool":
        return text.lower() in {"true", "yes", "on", "y"}
    # int() is quadratic in the number of digits, and no setting has that many
    if kind in _NUMBERS and len(text) <= _MAX_NUMBER_LENGTH:
        return _NUMBERS[kind](text)
    return text


def _integer(text: str) -> int | str:
    plain = text.replace("_", "")
    try:
        return int(plain) if plain.lstrip("+-").isdigit() else int(plain, 0)
    except ValueError:
        return text


def _float(text: str) -> float | str:
    plain = text.replace("_", "").lower().replace(".inf", "inf").replace(".nan", "nan")
    try:
        return float(plain)
    except ValueError:
        return text


_NUMBERS: dict[str, Callable[[str], str | int | float]] = {"int": _integer, "float": _float}
