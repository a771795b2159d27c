"""Pydantic's complaints, in words for the person who wrote the file."""

import re
from types import UnionType
from typing import TYPE_CHECKING, Any, Union, get_args, get_origin

from qddft.core.suggest import did_you_mean

if TYPE_CHECKING:
    from pydantic import BaseModel, ValidationError

    from qddft.core.safe_yaml import Location


def schema_mistakes(error: "ValidationError", model: type["BaseModel"]) -> "list[tuple[Location, str]]":
    """Return ``(location, message)`` of every complaint; misspelt keys and choices come with did-you-mean."""
    items: list[dict[str, Any]] = [
        dict(item) | {"loc": tuple(part for part in item["loc"] if part != "[key]")} for item in error.errors()
    ]
    return [(item["loc"], _message(item, model)) for item in items if not _echo(item, items)]


def _echo(item: dict[str, Any], items: list[dict[str, Any]]) -> bool:
    """Tell whether a list only counts as too short because its entries have mistakes of their own."""
    length = len(item["loc"])
    return item["type"] == "too_short" and any(
        len(other["loc"]) > length and other["loc"][:length] == item["loc"] for other in items
    )


def _message(item: dict[str, Any], model: type["BaseModel"]) -> str:
    location, kind = tuple(item["loc"]), item["type"]
    key = _name(location)
    if kind == "extra_forbidden":
        return f"unknown key {key!r}. {did_you_mean(str(location[-1]), keys_at(model, location[:-1]))}"
    if kind == "missing":
        return f"the key {key!r} is missing"
    if kind == "literal_error":
        choices = re.findall(r"'([^']*)'", item["ctx"]["expected"])
        return f"{key}: {item['input']!r} is not a choice. {did_you_mean(str(item['input']), choices)}"
    if kind == "value_error":
        return f"{key}: {item['ctx']['error']}" if location else str(item["ctx"]["error"])
    if kind in {"model_type", "model_attributes_type", "dict_type"}:
        return f"{key or 'the file'} has to be a mapping of keys to values, not {_short(item['input'])}"
    if kind in {"too_short", "string_too_short"}:
        return f"{key}: must not be empty"
    return f"{key}: {_plain(item['msg'])}, not {_short(item['input'])}"


def _name(location: "Location") -> str:
    return next((str(part) for part in reversed(location) if isinstance(part, str)), "")


def _plain(message: str) -> str:
    return (
        re.sub(r"^\w+ should", "should", message)
        .replace("valid tuple", "list")
        .replace("valid integer", "whole number")
    )


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def keys_at(model: type["BaseModel"], location: "Location") -> list[str]:
    """Return the keys a schema allows at a location, none where it allows any."""
    annotation: Any = model
    for part in location:
        annotation = _step(annotation, part)
    found = _model_in(annotation)
    return [] if found is None else [field.alias or name for name, field in found.model_fields.items()]


def _step(annotation: Any, part: str | int) -> Any:
    found = _model_in(annotation)
    if found is not None and isinstance(part, str):
        field = found.model_fields.get(part)
        return None if field is None else field.annotation
    inner = get_args(_without_none(annotation))
    return inner[-1 if get_origin(_without_none(annotation)) is dict else 0] if inner else None


def _without_none(annotation: Any) -> Any:
    if get_origin(annotation) in {Union, UnionType}:
        return next((item for item in get_args(annotation) if item is not type(None)), None)
    return annotation


def _model_in(annotation: Any) -> "type[BaseModel] | None":
    plain = _without_none(annotation)
    return plain if isinstance(plain, type) and hasattr(plain, "model_fields") else None
