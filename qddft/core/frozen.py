"""Read-only arrays and read-only mappings for values that are handed around."""

from collections.abc import Mapping
from dataclasses import fields
from types import MappingProxyType
from typing import Any

import numpy as np


def read_only(array: Any) -> np.ndarray:
    """Return a copy of ``array`` that cannot be written to."""
    copy = np.array(array)
    copy.flags.writeable = False
    return copy


def freeze_fields(instance: Any) -> None:
    """Make array and dict fields of a frozen dataclass read-only; call it from ``__post_init__``."""
    for field in fields(instance):
        value = getattr(instance, field.name)
        if isinstance(value, np.ndarray):
            object.__setattr__(instance, field.name, read_only(value))
        elif isinstance(value, Mapping) and not isinstance(value, MappingProxyType):
            object.__setattr__(instance, field.name, MappingProxyType(dict(value)))
