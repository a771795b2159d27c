"""Content hashes: equal content gives an equal id on every machine and in every session."""

import hashlib
import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np


def canonical(value: Any) -> Any:
    """Reduce a value to JSON types with one spelling: sorted keys, no numpy, ``-0.0`` as ``0.0``.

    Raises
    ------
    TypeError
        The value holds something that has no canonical JSON form, NaN and infinity included.
    """
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, int | np.integer):
        return int(value)
    if isinstance(value, float | np.floating):
        number = float(value)
        if not math.isfinite(number):
            raise TypeError(f"cannot hash the non-finite number {number}")
        return number + 0.0
    if isinstance(value, np.ndarray):
        return canonical(value.tolist())
    if isinstance(value, Mapping):
        return {str(key): canonical(value[key]) for key in sorted(value, key=str)}
    if isinstance(value, list | tuple):
        return [canonical(item) for item in value]
    raise TypeError(f"cannot hash a {type(value).__name__}")


def canonical_json(value: Any) -> str:
    """Return the one JSON text of a value, without white space."""
    return json.dumps(canonical(value), sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def content_hash(value: Any, length: int = 16) -> str:
    """Return the first ``length`` hex digits of the SHA-256 of the canonical JSON of ``value``."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()[:length]
